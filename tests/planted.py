"""A small course on which every gate passes, for the tests to plant their faults in."""

import json
from pathlib import Path
from typing import Any

from tools.book import METADATA, Book, Cell, Project
from tools.marks import Mark

PACKAGE = {
    "rsp/__init__.py": "",
    "rsp/net.py": '''\
"""Addresses."""

import socket
from enum import Enum
from typing import NamedTuple

BACKLOG = 4096  # connections waiting for accept, as the series has it; the kernel
# cuts it to its own limit

# Seconds, for every socket.
TIMEOUT = 2.0


class Side(Enum):
    """Who speaks."""

    CLIENT = 1


class Address(NamedTuple):
    """A host and a port."""

    host: str
    port: int

    # The brackets are of RFC 3986.
    def __str__(self) -> str:
        """Return it as a person writes it."""
        return f"{self.host}:{self.port}"  # IPv6 as well


def listen(address: Address, backlog: int = BACKLOG) -> socket.socket:
    """Return a listener."""
    return socket.create_server(address, backlog=backlog)
''',
    "rsp/stages/__init__.py": "",
    "rsp/stages/s03_echo.py": '''\
"""Echo."""


def serve(data: bytes) -> bytes:
    """Return what came."""
    return data
''',
    "rsp/stages/s04_serial.py": '''\
"""Relay."""

from rsp.net import TIMEOUT

LIMIT = 3  # bytes


class Relay:
    """Bytes both ways."""

    def __init__(self) -> None:
        self.pending = b""


def serve(data: bytes) -> bytes:
    """Return what goes on."""
    return data[:LIMIT] if TIMEOUT else b""
''',
    "rsp/lab/__init__.py": "",
    "rsp/lab/leaks.py": '''\
"""What is open: the sockets that a notebook keeps under a name."""

import gc
import socket


def snapshot() -> frozenset[str]:
    return frozenset(str(s.fileno()) for s in gc.get_objects() if type(s) is socket.socket)


def left_open(before: frozenset[str]) -> list[str]:
    return ["1 socket"] if snapshot() - before - {"-1"} else []
''',
}

FILL = " ".join(
    ["A proxy passes on what it reads, and it keeps nothing back for itself."] * 4
)  # 56 words
SVG = '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="client to proxy"></svg>'
LINK = "[text](src/04_one.md)"
TABLE = "| call | gives |\n|---|---|\n| serve | all |"
QUOTE = '''\
# rsp/stages/s04_serial.py: serve
from rsp.net import TIMEOUT
from rsp.stages.s04_serial import LIMIT

def serve(data: bytes) -> bytes:
    """Return what goes on."""
    return data[:LIMIT] if TIMEOUT else b""'''
DIFF = """\
Against the draft:

```diff
--- the draft
+++ rsp/stages/s04_serial.py: serve
 def serve(data):
-    return data
+    return data[:LIMIT] if TIMEOUT else b''
```"""
PICTURE = f"""\
class Picture:
    def _repr_svg_(self):
        return '{SVG}'

    def __repr__(self):
        return "client -> proxy"


Picture()"""
# What a source says in the place of what the builder makes of it.
WRITTEN = {
    QUOTE: "# rsp/stages/s04_serial.py: serve",
    DIFF: "Against the draft:\n\n<!-- diff: draft serve | rsp/stages/s04_serial.py: serve -->",
}


def prose(text: str) -> Cell:
    """Return a markdown cell."""
    return Cell("", "markdown", text)


def paged(cell: Cell, minutes: int = 0) -> Cell:
    """Return a cell that begins a page: a slide with so many minutes, or a subslide without."""
    cell.metadata |= Mark("slide" if minutes else "subslide", minutes, "Ask first.").metadata
    return cell


def code(source: str, *tags: str, prints: str = "") -> Cell:
    """Return a code cell that was run."""
    metadata: dict[str, Any] = {"tags": list(tags)} if tags else {}
    return Cell("", "code", source, metadata, [printed(prints)] if prints else [])


def printed(text: str, name: str = "stdout") -> dict[str, Any]:
    """Return what a cell's output is when it prints."""
    return {"output_type": "stream", "name": name, "text": text}


def shown(**data: str) -> dict[str, Any]:
    """Return what a cell's output is when its last line is a value; `image_svg` is image/svg."""
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {mime.replace("_", "/"): text for mime, text in data.items()},
    }


def picture() -> Cell:
    """Return the cell that draws."""
    cell = code(PICTURE)
    data = {"image/svg+xml": SVG, "text/plain": "client -> proxy"}
    cell.outputs = [
        {"output_type": "execute_result", "metadata": {}, "data": data, "execution_count": None}
    ]
    return cell


def exercise(number: int) -> list[Cell]:
    """Return an exercise with its check."""
    return [
        prose(FILL),
        code(f"# exercise 4.{number}: a limit\nlimit = ...", "exercise"),
        code("print(limit)", "check", prints="Ellipsis\n"),
    ]


def predicted(number: int) -> list[Cell]:
    """Return a question with the run that answers it."""
    return [
        paged(prose(FILL)),
        code(f"guess = {number}", "predict"),
        code(f"assert guess == {number}\nprint('yes: {number}')", prints=f"yes: {number}\n"),
    ]


def cells() -> list[Cell]:
    """Return the cells of the lesson, none of them numbered."""
    opening = "# 04 · One at a time\n\n## You will be able to\n\n- relay\n- limit\n- see\n\n"
    return [
        paged(prose(f"{opening}**Runs on** Linux and macOS."), 10),
        paged(prose(f"## A draft\n\n{FILL}\n\n{FILL}\n\n{FILL}\n\n{FILL}"), 10),
        code("def serve(data: bytes) -> bytes:\n    return data", "draft"),
        code('print(serve(b"pong"))', prints="b'pong'\n"),
        *(cell for number in (1, 2, 3) for cell in predicted(number)),
        paged(prose(f"## C beside Python\n\n{FILL}\n\n{FILL}\n\n{FILL}\n\n{FILL}"), 10),
        picture(),
        paged(
            prose(f"## The piece\n\n`rsp.stages.s04_serial.serve` is it.\n\n{FILL}\n\n{FILL}"), 10
        ),
        code(QUOTE, "quote"),
        code("from rsp.stages.s04_serial import serve\n\nprint(serve(b'pong'))", prints="b'pon'\n"),
        paged(prose(DIFF)),
        paged(prose(f"## Exercises\n\n{FILL}\n\n{FILL}\n\n{FILL}\n\n{FILL}"), 10),
        *(cell for number in (1, 2, 3) for cell in exercise(number)),
        paged(prose(f"## Invariants\n\n{FILL}\n\n## Recap\n\n{TABLE}"), 5),
        paged(prose(f"## What is still missing\n\n{FILL}\n\n## Further reading\n\n{LINK}"), 5),
    ]


def solution_cells() -> list[Cell]:
    """Return the cells of its solutions."""
    solved = [
        code(f"# exercise 4.{n}: a limit\nlimit = {n}\nprint(limit)", "solution", prints=f"{n}\n")
        for n in (1, 2, 3)
    ]
    return [prose("# Solutions of 04"), *solved]


def numbered(book: Book) -> Book:
    """Give the cells their ids and counts, as the builder does."""
    for number, cell in enumerate(book.cells, start=1):
        cell.id = f"{book.path.stem}-{number:03d}"
    for count, cell in enumerate(book.code, start=1):
        cell.count = count
        for output in cell.outputs:
            if output["output_type"] == "execute_result":
                output["execution_count"] = count
    return book


def mark_of(cell: Cell) -> str:
    """Return the comment that gives a cell its slide type, minutes and notes; nothing without."""
    kind = cell.metadata.get("slideshow", {}).get("slide_type")
    said = cell.metadata.get("rsp", {})
    minutes = f", {said['minutes']} min" if "minutes" in said else ""
    notes = f": {said['notes']}" if "notes" in said else ""
    return f"<!-- {kind}{minutes}{notes} -->\n\n" if kind else ""


class Course:
    """A checkout in a folder of its own: the package, one lesson, its solutions."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = Project(root)
        for name, text in PACKAGE.items():
            self.write(name, text)
        lesson, solutions = self.source, root / "notebooks/src/solutions/04_one.md"
        self.lesson = self.book(lesson, cells())
        self.solutions = self.book(solutions, solution_cells())
        self.write_source(self.lesson)
        self.write_source(self.solutions)

    @property
    def source(self) -> Path:
        """The text of the lesson."""
        return self.root / "notebooks/src/04_one.md"

    def book(self, source: Path, made: list[Cell]) -> Book:
        """Return a notebook of these cells as the builder leaves it."""
        path = self.project.notebook_of(source)
        return numbered(Book(path, made, METADATA, self.project.short(path)))

    def write(self, name: str, text: str) -> Path:
        """Write a file of the checkout, with the folders above it."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def write_source(self, book: Book) -> None:
        """Write the text from which the builder makes `book`."""
        parts = []
        for cell in book.cells:
            text = WRITTEN.get(cell.source, cell.source)
            tags = [tag for tag in cell.tags if tag != "quote"]
            head = f":tags: [{', '.join(tags)}]\n\n" if tags else ""
            shape = f"```{{code-cell}}\n{head}{text}\n```" if cell.is_code else f"+++\n\n{text}"
            parts.append(shape.replace("+++\n\n", f"+++\n\n{mark_of(cell)}", 1))
        source = self.project.source_of(book.path)
        self.write(source.relative_to(self.root).as_posix(), "\n\n".join(parts) + "\n")

    def commit(self, book: Book) -> None:
        """Write a notebook as it is; not as the builder would, which takes nbformat."""
        cells = [
            {
                "cell_type": cell.kind,
                "id": cell.id,
                "metadata": cell.metadata,
                "source": cell.source,
                **(
                    {"outputs": cell.outputs, "execution_count": cell.count} if cell.is_code else {}
                ),
            }
            for cell in book.cells
        ]
        data = {"cells": cells, "metadata": book.metadata, "nbformat": 4, "nbformat_minor": 5}
        self.write(book.path.relative_to(self.root).as_posix(), json.dumps(data))

    def cell(self, start: str) -> Cell:
        """Return the lesson's cell whose source starts so."""
        return next(cell for cell in self.lesson.cells if cell.source.startswith(start))
