"""What learners hand in: folders of notebooks, or single ones, read as plain JSON and never run.

Whoever wrote them may have made any mistake, or played a trick: what cannot be read is told in a
sentence, and links, pipes and files beyond all measure are left alone.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

LARGEST = 20_000_000  # bytes of one notebook; a large picture in it has one or two million
NOT_THEIRS = {"solutions", "__pycache__", "node_modules"}  # folders of a copy: the course's own
OFFER = re.compile(r"\.new\d*\.ipynb$")  # a newer notebook of ours beside a changed one


class Cell(NamedTuple):
    """A code cell: its tags, and what stands in it."""

    tags: list[str]
    source: str


class Book(NamedTuple):
    """A notebook that could be read: where it lies within the learner's copy, its code cells."""

    name: str
    cells: list[Cell]


class Learner(NamedTuple):
    """One who handed something in: notebooks, and a sentence for each file that is none."""

    name: str
    books: list[Book]
    faults: list[str]


class Unreadable(Exception):
    """A file that is no notebook; the message says why."""


def learners(folder: Path) -> list[Learner]:
    """Return one learner for each folder and each notebook in `folder`, in the order of names.

    Raises OSError when the folder cannot be read.
    """
    paths = [path for path in sorted(folder.iterdir()) if is_copy(path)]
    short = [path.stem if path.is_file() else path.name for path in paths]
    return [
        learner(path, path.name if short.count(name) > 1 else name)
        for path, name in zip(paths, short, strict=True)
    ]


def is_copy(path: Path) -> bool:
    """Tell whether a learner's copy lies at `path`."""
    return not path.name.startswith(".") and (path.is_dir() or path.suffix == ".ipynb")


def learner(path: Path, name: str) -> Learner:
    """Read what one learner has handed in."""
    made = Learner(name, [], [])
    for file in notebooks(path):
        where = file.relative_to(path.parent if file == path else path).as_posix()
        try:
            made.books.append(Book(where, cells(file)))
        except Unreadable as error:
            made.faults.append(f"{where} cannot be read: {error}")
    if not made.books and not made.faults:
        made.faults.append("there is no notebook in it")
    return made


def notebooks(path: Path) -> list[Path]:
    """Return the notebooks of one copy; of two with the same exercises the first one counts.

    That is the one less deep, or with the shorter name: `02.ipynb` before `02-Copy1.ipynb`.
    """
    found = [path] if path.is_file() or path.is_symlink() else sorted(inside(path))
    return sorted(found, key=lambda file: (len(file.parts), len(file.name), file.name))


def inside(folder: Path) -> Iterator[Path]:
    """Yield the learner's notebooks in a folder; a folder that is a link is not followed."""
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return
    for path in paths:
        if path.name.startswith(".") or path.name in NOT_THEIRS:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from inside(path)
        elif path.suffix == ".ipynb" and not OFFER.search(path.name):
            yield path


def cells(path: Path) -> list[Cell]:
    """Return the code cells of a notebook. Raises Unreadable."""
    data = parsed(path)
    found = data.get("cells") if isinstance(data, dict) else None
    if not isinstance(found, list):
        raise Unreadable("it has no list of cells")
    return [
        Cell(tags(cell), source(cell))
        for cell in found
        if isinstance(cell, dict) and cell.get("cell_type") == "code"
    ]


def parsed(path: Path) -> Any:
    """Return what the JSON of a file says. Raises Unreadable."""
    try:
        if path.is_symlink() or not path.is_file():
            raise Unreadable("it is not a plain file")
        if path.stat().st_size > LARGEST:
            raise Unreadable(f"it has more than {LARGEST:,} bytes")
        return json.loads(path.read_bytes())
    except UnicodeDecodeError:
        raise Unreadable("it is not text") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"it is not JSON ({error.msg}, line {error.lineno})") from None
    except RecursionError:
        raise Unreadable("it is not JSON of a notebook (nested without end)") from None
    except (OSError, ValueError) as error:
        raise Unreadable(str(error)) from None


def source(cell: dict[str, Any]) -> str:
    """Return the text of a cell: one string in the file, or a list of lines."""
    said = cell.get("source")
    lines = said if isinstance(said, list) else [said]
    return "".join(line for line in lines if isinstance(line, str))


def tags(cell: dict[str, Any]) -> list[str]:
    """Return the tags of a cell."""
    metadata = cell.get("metadata")
    found = metadata.get("tags") if isinstance(metadata, dict) else None
    return [tag for tag in found if isinstance(tag, str)] if isinstance(found, list) else []
