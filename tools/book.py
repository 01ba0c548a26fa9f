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
        return sorted(chosen, key=lambda path: (path.name, len(path.parts)))

    def committed(self) -> list[Path]:
        """Return the notebooks that are there."""
        return sorted([*self.notebooks.glob("*.ipynb"), *self.notebooks.glob("solutions/*.ipynb")])

    def short(self, path: Path) -> str:
        """Return `path` as a message shows it: from the root of the project."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.name


@dataclass
class Cell:
    """One cell; `source` is one string, `count` the number that Jupyter shows in brackets."""

    id: str
    kind: str
    source: str
    metadata: dict[str, Any] = field(default_factory=dict)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    count: int | None = None

    @property
    def tags(self) -> list[str]:
        return list(self.metadata.get("tags", []))

    @property
    def is_code(self) -> bool:
        return self.kind == "code"

    @property
    def is_markdown(self) -> bool:
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
        return [cell for cell in self.cells if cell.is_code and cell.source.strip()]

    @property
    def markdown(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.is_markdown]

    @property
    def is_solutions(self) -> bool:
        return self.path.parent.name == "solutions"

    @property
    def number(self) -> int:
        """The number that the file's name starts with; -1 without one."""
        digits = re.match(r"\d+", self.path.name)
        return int(digits[0]) if digits else -1

    def fault(self, cell: Cell | None, what: str) -> str:
        """Return the one sentence a gate says: file, cell, what is wrong, what to do."""
        return f"{self.name or self.path.name}{f' {cell.id}' if cell else ''}: {what}"


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
