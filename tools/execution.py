"""Executing a notebook: its outputs, what its sections leave open, and the same a second time."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tools.book import Book, BookError, Cell, texts
from tools.kernel import Session, running

RUN_LIMIT = 20  # seconds that one notebook may take from top to bottom
SECTION = re.compile(r"^## +(.*)$", re.MULTILINE)
# Private names: neither the notebook nor its learner is to find what only we ask.
SNAPSHOT = """\
from rsp.lab.leaks import left_open as _left_open, snapshot as _snapshot
_before = _snapshot()
"""
SECOND = "in a second run in the same kernel"


@dataclass(frozen=True)
class Run:
    """How a notebook went: the seconds of its first run, and a sentence for each fault."""

    seconds: float
    faults: list[str]


def execute(book: Book, root: Path) -> Run:
    """Execute `book` twice in one kernel; note the outputs and counts of the first run in it.

    Raises BookError when a cell fails: what comes after it cannot be told then.
    """
    faults: list[str] = []
    with running(book, root) as session:
        session.tell(SNAPSHOT)
        started = time.perf_counter()
        for count, (number, cell, closing) in enumerate(steps(book), start=1):
            cell.outputs, cell.count = session.run(number), count
            if closing and not faults:  # what one section leaves open, all later ones find
                faults += left_open(book, session, cell, closing)
        seconds = time.perf_counter() - started
        faults += [] if faults else again(book, session)
    if seconds > RUN_LIMIT:
        what = f"it ran for {seconds:.0f} s, the limit is {RUN_LIMIT} s; make its cells quicker"
        faults.append(book.fault(None, what))
    return Run(seconds, faults)


def steps(book: Book) -> Iterator[tuple[int, Cell, str]]:
    """Yield each cell that runs, with its place and, when it is its section's last, the heading."""
    heading = "the opening"
    held: tuple[int, Cell] | None = None
    for number, cell in enumerate(book.cells):
        found = SECTION.findall(cell.prose) if cell.is_markdown else []
        if held and (found or cell.runs):
            yield *held, heading if found else ""
            held = None
        if found:
            heading = found[-1].strip()
        elif cell.runs:
            held = number, cell
    if held:
        yield *held, heading


def left_open(book: Book, session: Session, cell: Cell, heading: str) -> Iterator[str]:
    """Yield a sentence for each thing that is open behind a section, and was not at the start."""
    for what in session.ask("list(map(str, _left_open(_before)))"):
        said = f"the section '{heading}' ends and leaves open: {what}"
        yield book.fault(cell, f"{said}; close it before the section ends")


def again(book: Book, session: Session) -> list[str]:
    """Execute all cells once more; return the first difference from the outputs in `book`."""
    for number, cell, closing in steps(book):
        try:
            outputs = session.run(number)
        except BookError as error:
            return [f"{error} ({SECOND})"]
        what = difference(cell.outputs, outputs)
        if what and "nbval-ignore-output" not in cell.tags:
            return [book.fault(cell, f"{what} {SECOND}; start from nothing in each section")]
        if closing and (faults := list(left_open(book, session, cell, closing))):
            return [f"{fault} ({SECOND})" for fault in faults]
    return []


def difference(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> str:
    """Return how the texts of two outputs differ, in a few words; nothing when they do not."""
    before = [text for output in first for text in texts(output)]
    after = [text for output in second for text in texts(output)]
    for (kind, old), (other, new) in zip_longest(before, after, fillvalue=("nothing", "")):
        if (kind, old) != (other, new):
            pairs = zip_longest(old.splitlines(), new.splitlines(), fillvalue="")
            lines = next((pair for pair in pairs if pair[0] != pair[1]), (kind, other))
            return f"its output is {lines[1][:80]!r} and not {lines[0][:80]!r}"
    return ""
