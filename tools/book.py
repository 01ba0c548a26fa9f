"""A notebook as the tools see it: cells with their tags and outputs, and where the files stand.

Plain JSON on purpose: reading a notebook costs milliseconds, importing nbformat nearly two seconds.
"""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

METADATA = {  # of every notebook: without a kernelspec JupyterLab asks which kernel to use
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
MAGIC = re.compile(r"^(\s*)[%!].*$", re.MULTILINE)
FENCE = re.compile(r"^( {0,3})(`{3,}|~{3,}).*?^\1\2[`~]*\s*$", re.MULTILINE | re.DOTALL)


class BookError(Exception):
    """A source or a notebook that cannot be used; the message says where, what and what to do."""


@dataclass(frozen=True)
class Project:
    """The folders of one checkout."""

    root: Path

    @property
    def notebooks(self) -> Path:
        """The folder of the notebooks."""
        return self.root / "notebooks"

    def source_of(self, notebook: Path) -> Path:
        """Return the text that `notebook` is made from."""
        return self.notebooks / "src" / notebook.relative_to(self.notebooks).with_suffix(".md")

    def notebook_of(self, source: Path) -> Path:
        """Return the notebook that is made from `source`."""
        return self.notebooks / source.relative_to(self.notebooks / "src").with_suffix(".ipynb")

    def sources(self, starts: tuple[str, ...] = ()) -> list[Path]:
        """Return the sources whose names start so (all without a word), solutions behind theirs."""
        found = [*self.notebooks.glob("src/*.md"), *self.notebooks.glob("src/solutions/*.md")]
        chosen = [path for path in found if not starts or path.name.startswith(starts)]
        return sorted(chosen, key=by_name)

    def committed(self, starts: tuple[str, ...] = ()) -> list[Path]:
        """Return the notebooks that are there, in the same order."""
        found = [*self.notebooks.glob("*.ipynb"), *self.notebooks.glob("solutions/*.ipynb")]
        return sorted((p for p in found if not starts or p.name.startswith(starts)), key=by_name)

    def committed_of(self, source: Path) -> "Book | None":
        """Return the notebook of `source`, None when there is none. Raises BookError."""
        path = self.notebook_of(source)
        return read(path, self.short(path)) if path.is_file() else None

    def short(self, path: Path) -> str:
        """Return `path` as a message shows it: from the root of the project."""
        inside = path.is_relative_to(self.root)
        return path.relative_to(self.root).as_posix() if inside else path.name


def by_name(path: Path) -> tuple[str, int]:
    """Sort a lesson before the solutions of the same name."""
    return path.name, len(path.parts)


@dataclass
class Cell:
    """One cell; `source` is one string, `count` the number that Jupyter shows in brackets.

    `line` is where it starts in the text that the notebook is made from; 0 when nobody knows.
    """

    id: str
    kind: str
    source: str
    metadata: dict[str, Any] = field(default_factory=dict)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    count: int | None = None
    line: int = 0

    @property
    def tags(self) -> list[str]:
        """What the cell is marked as, one word each."""
        return list(self.metadata.get("tags", []))

    @property
    def is_code(self) -> bool:
        """Whether it is Python, or could be."""
        return self.kind == "code"

    @property
    def runs(self) -> bool:
        """Whether there is anything in it to run."""
        return self.is_code and bool(self.source.strip())

    @property
    def is_markdown(self) -> bool:
        """Whether it is prose."""
        return self.kind == "markdown"

    @cached_property
    def tree(self) -> ast.Module | None:
        """The cell as Python, magics left out; None when it is something else."""
        return parse(self.source)

    @property
    def prose(self) -> str:
        """The markdown without its fenced listings."""
        return FENCE.sub("", self.source)


@dataclass
class Book:
    """One notebook: its cells in order, its metadata, its place."""

    path: Path
    cells: list[Cell]
    metadata: dict[str, Any] = field(default_factory=dict)
    name: str = ""  # as messages show it

    @property
    def code(self) -> list[Cell]:
        """The cells that run; an empty one does not."""
        return [cell for cell in self.cells if cell.runs]

    @property
    def markdown(self) -> list[Cell]:
        """The cells of prose."""
        return [cell for cell in self.cells if cell.is_markdown]

    @property
    def is_solutions(self) -> bool:
        """Whether it is the solutions beside a lesson, not a lesson."""
        return self.path.parent.name == "solutions"

    @property
    def number(self) -> int:
        """The number that the file's name starts with; -1 without one."""
        digits = re.match(r"\d+", self.path.name)
        return int(digits[0]) if digits else -1

    def fault(self, cell: Cell | None, what: str) -> str:
        """Return the one sentence a gate says: file, cell, what is wrong, what to do."""
        name = self.name or self.path.name
        if cell is None:
            return f"{name}: {what}"
        place = f" (line {cell.line} of its source)" if cell.line else ""
        return f"{name} {cell.id}{place}: {what}"


def parse(source: str) -> ast.Module | None:
    """Return `source` as Python, its magics and shell lines as `pass`; None when it is none."""
    if source.startswith(("%%bash", "%%sh", "%%html", "%%writefile", "%%javascript", "%%markdown")):
        return None
    try:
        return ast.parse(MAGIC.sub(r"\1pass", source))
    except SyntaxError:
        return None


def joined(text: str | list[str]) -> str:
    """Return a multi-line string of the notebook format as one string."""
    return text if isinstance(text, str) else "".join(text)


def from_json(data: dict[str, Any], path: Path, name: str = "") -> Book:
    """Return the notebook in `data`, as `json.load` gave it."""
    cells = [
        Cell(
            id=cell.get("id", "?"),
            kind=cell["cell_type"],
            source=joined(cell["source"]),
            metadata=cell.get("metadata", {}),
            outputs=cell.get("outputs", []),
            count=cell.get("execution_count"),
        )
        for cell in data["cells"]
    ]
    return Book(path, cells, data.get("metadata", {}), name or path.name)


def read(path: Path, name: str = "") -> Book:
    """Return the notebook at `path`. Raises BookError when it is none."""
    try:
        return from_json(json.loads(path.read_text(encoding="utf-8")), path, name)
    except (ValueError, KeyError, TypeError) as error:
        raise BookError(f"{name or path.name}: no notebook ({error}); build it again") from error


def texts(output: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each text of an output with what it is: a stream's name, a MIME type, `error`."""
    if output["output_type"] == "stream":
        yield output["name"], joined(output["text"])
    elif output["output_type"] == "error":
        yield "error", f"{output['ename']}: {output['evalue']}"
    for mime, value in output.get("data", {}).items():
        if mime.startswith("text/") or mime == "image/svg+xml":
            yield mime, joined(value)


def say(line: str) -> None:
    """Print a line at once: a build is watched."""
    print(line, flush=True)
