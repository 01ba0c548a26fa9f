"""Marks: one comment in a source says that a slide begins, how long it takes, what to say.

    <!-- slide, 4 min: Ask who has met this line. Everybody has. -->

A mark stands on a line of its own, and is for what follows it: the prose up to the next mark or
cell, or the code cell below it. The builder takes it out of the text, begins a new cell there, and
writes Jupyter's own metadata, so that there is one truth: `slideshow` and `rsp: {minutes, notes}`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tools.book import BookError, Cell

PAGES = ("slide", "subslide")  # what begins a page
KINDS = (*PAGES, "fragment", "skip", "notes")
SHAPE = "<!-- slide, 4 min: what to say -->"
COMMENT = re.compile(r"^<!--(?P<said>.*?)-->[ \t]*$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"(?P<kind>\w+)(?:, (?P<minutes>\d+) min)?(?::\s+(?P<notes>\S.*))?", re.DOTALL)
FENCED = re.compile(r"^(`{3,}|~{3,}).*?^\1", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Mark:
    """What one comment says; minutes 0 and no notes when it says nothing of them."""

    kind: str
    minutes: int = 0
    notes: str = ""

    @property
    def metadata(self) -> dict[str, Any]:
        """What Jupyter and the deck read."""
        ours = {"minutes": self.minutes, "notes": self.notes}
        said = {key: value for key, value in ours.items() if value}
        return {"slideshow": {"slide_type": self.kind}, **({"rsp": said} if said else {})}


def applied(cells: list[Cell], text: str, name: str) -> list[Cell]:
    """Return the cells of a source without its marks, which are in the metadata then.

    `text` is the whole source, for the line that a message names. Raises BookError.
    """
    made: list[Cell] = []
    waiting: tuple[Mark, str] | None = None
    for cell in cells:
        pieces = split(cell, text, name) if cell.is_markdown else [(None, "", cell.source)]
        for mark, comment, said in pieces:
            if mark and waiting:
                raise lost(text, name, waiting[1], "the next mark stands right behind it")
            waiting = (mark, comment) if mark else waiting
            if not said.strip() and cell.is_markdown:
                continue
            metadata = {**cell.metadata, **(waiting[0].metadata if waiting else {})}
            made.append(Cell(cell.id, cell.kind, said, metadata, cell.outputs, cell.count))
            waiting = None
    if waiting:
        raise lost(text, name, waiting[1], "nothing stands behind it")
    return made


def split(cell: Cell, text: str, name: str) -> Iterator[tuple[Mark | None, str, str]]:
    """Yield the pieces of a markdown cell: the mark above, its comment, the text below."""
    fences = [found.span() for found in FENCED.finditer(cell.source)]
    mark, comment, start = None, "", 0
    for found in COMMENT.finditer(cell.source):
        inside = any(first <= found.start() < last for first, last in fences)
        if inside or found["said"].strip().startswith("diff"):  # which tools/diffs.py reads
            continue
        before = cell.source[start : found.start()].strip("\n")
        if before or mark:
            yield mark, comment, before
        mark, comment, start = parsed(found, text, name), found[0], found.end()
    yield mark, comment, cell.source[start:].strip("\n")


def parsed(found: re.Match[str], text: str, name: str) -> Mark:
    """Return the mark in a comment. Raises BookError: a misspelt one would mark nothing."""
    read = MARK.fullmatch(found["said"].strip())
    if read is None or read["kind"] not in KINDS:
        raise lost(text, name, found[0], f"write '{SHAPE}' with one of {', '.join(KINDS)}")
    minutes, notes = int(read["minutes"] or 0), read["notes"] or ""
    if read["kind"] not in PAGES and (minutes or notes):
        what = "minutes and notes belong to a slide or subslide; move them there"
        raise lost(text, name, found[0], what)
    return Mark(read["kind"], minutes, notes)


def lost(text: str, name: str, comment: str, what: str) -> BookError:
    """Return the error that says where a mark stands and what is wrong with it."""
    line = text.count("\n", 0, max(0, text.find(comment))) + 1
    first = comment.split("\n", 1)[0]
    shown = first if len(first) <= 60 else f"{first[:57]}…"
    return BookError(f"{name}:{line}: cannot use the mark '{shown}': {what}")
