"""Marks a class: every exercise in every learner's copy, tried by our checks, in one table.

    python -m rsp.lab mark FOLDER --csv marks.csv

Each trial is a process of its own. It runs the cells that the exercise needs, and our check in the
place of the learner's. A copy that hangs, crashes, forks, fills its memory or prints without end
costs a row, and nothing is left running.

What a learner may do is limited, and this is no prison. The code runs as you, with your files, your
network and your other processes in reach. What it starts is ended with it, where there is a /proc
to find that in; elsewhere a process that leaves its group gets away. Mark what strangers sent in a
container, or under an account that owns nothing.

Printed text, an early end, functions of ours replaced for good, or rubbish in the pipe do not make
an exercise pass. But the check runs in the same Python as what it checks: who has read this can
find the token that makes a verdict ours, return objects that equal everything, or put back what
they replaced. Look at the code of whoever passed more than you would have thought.
"""

import csv
import inspect
import re
import textwrap
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from rsp.lab.checks import CHECKS, NOTHING_YET
from rsp.lab.confined import try_exercise
from rsp.lab.copies import Book, Learner
from rsp.lab.tables import console, print_table

SECONDS = 20.0  # for one trial: twice what a check waits for an answer that hangs
PASSED, FAILED, UNTOUCHED, MISSING = "passed", "failed", "untouched", "missing"
SIGNS = {PASSED: "✓", FAILED: "✗", UNTOUCHED: "…", MISSING: "–"}
ACROSS = 7  # notebooks in one table: more are wider than it
SHORT = 190  # characters of a reason below the table: two lines
FORMULA = ("=", "+", "-", "@")  # a spreadsheet would run what begins so


class Mark(NamedTuple):
    """How one learner did one exercise, "" for a file that is none; the columns of the CSV."""

    learner: str
    exercise: str
    mark: str
    why: str
    notes: str
    notebook: str


def mark(
    copies: Sequence[Learner], workers: int, seconds: float = SECONDS, only: int = 0
) -> list[Mark]:
    """Return a mark for each learner and exercise, in their order, however many work at once.

    Of one notebook's exercises `only`, of all with 0. Each file that cannot be read is a mark, too;
    whoever has handed in nothing else has no more.
    """
    stop = threading.Event()
    pairs = [(each, number) for each in copies if each.books for number in exercises(only)]
    with ThreadPoolExecutor(workers) as pool:
        try:
            tried = list(pool.map(lambda pair: marked(pair[0], pair[1], seconds, stop), pairs))
        finally:
            stop.set()  # Ctrl-C comes here, and the trials that run are ended
            pool.shutdown(wait=True, cancel_futures=True)
    marks = []
    for each in copies:
        marks += [Mark(each.name, "", MISSING, fault, "", "") for fault in each.faults]
        marks += noted([pair for pair in tried if pair[0].learner == each.name])
    return marks


def exercises(only: int = 0) -> list[str]:
    """Return the numbers of the exercises, 2.10 behind 2.9, of one notebook if it is given."""
    numbers = sorted(CHECKS, key=lambda number: [int(part) for part in number.split(".")])
    return [number for number in numbers if only in (0, int(chapter(number)))]


def marked(
    learner: Learner, number: str, seconds: float, stop: threading.Event
) -> tuple[Mark, list[str]]:
    """Try one exercise of one learner; return its mark, and what is to be noted beside it."""
    book = book_of(learner.books, number)
    if book is None:
        return Mark(learner.name, number, MISSING, "", "", ""), []
    why, notes = try_exercise(number, book.cells, seconds, stop)
    how = UNTOUCHED if why == NOTHING_YET else FAILED if why else PASSED
    return Mark(learner.name, number, how, why, "", book.name), notes


def noted(tried: Sequence[tuple[Mark, list[str]]]) -> list[Mark]:
    """Return the marks of one learner, each note at the first mark that may be due to it.

    A cell that is no Python is above every check that follows it, and one note is enough.
    """
    places: dict[tuple[str, str], int] = {}
    for place in sorted(range(len(tried)), key=lambda n: tried[n][0].mark != FAILED):
        for note in tried[place][1]:
            places.setdefault((tried[place][0].notebook, note), place)
    return [
        mark._replace(notes="; ".join(n for n in notes if places[mark.notebook, n] == place))
        for place, (mark, notes) in enumerate(tried)
    ]


def book_of(books: Sequence[Book], number: str) -> Book | None:
    """Return the notebook with an exercise: its first line or its check, else what it asks for.

    Two may ask for something with the same name: that decides last.
    """
    wanted = next(iter(inspect.signature(CHECKS[number]).parameters))
    signs = (
        rf"""^# exercise {re.escape(number)}\b|\bcheck\(\s*["']{re.escape(number)}["']""",
        rf"^(?:def|class) {wanted}\b",
    )
    for sign in (re.compile(text, re.MULTILINE) for text in signs):
        for book in books:
            if any(sign.search(cell.source) for cell in book.cells):
                return book
    return None


def write_csv(path: Path, marks: Iterable[Mark]) -> None:
    """Write marks, one a line; the file that was there before goes only when all is written."""
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(Mark._fields)
        rows.writerows([safe(value) for value in mark] for mark in marks)
    draft.replace(path)


def safe(value: str) -> str:
    """Return a value that a spreadsheet shows, and nothing can make run."""
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in value)
    return f"'{shown}" if shown.startswith(FORMULA) else shown


def print_marks(marks: Sequence[Mark]) -> None:
    """Print one row for each learner, and below the table why something is not passed."""
    there = {chapter(mark.exercise) for mark in marks if mark.mark != MISSING}
    chapters = sorted(there, key=int)
    for start in range(0, max(1, len(chapters)), ACROSS):
        print_chapters(marks, chapters[start : start + ACROSS])
    for line in reasons(marks):
        console().print(line)


def print_chapters(marks: Sequence[Mark], chapters: Sequence[str]) -> None:
    """Print the table for some notebooks, a column for each."""
    columns = [exercises(int(each)) for each in chapters]
    heads = [
        f"{each}\n{' '.join(map(after_dot, numbers))}"
        for each, numbers in zip(chapters, columns, strict=True)
    ]
    rows = []
    for name, mine in by_learner(marks).items():
        signs = [" ".join(sign(mine.get(n), n) for n in numbers) for numbers in columns]
        found = [one.mark for one in mine.values() if one.mark != MISSING]
        rows.append([safe(name), *signs, f"{found.count(PASSED)} of {len(found)}"])
    print_table(["learner", *heads, "passed"], rows)


def chapter(number: str) -> str:
    """Return the number of an exercise's notebook, 4 of 4.1."""
    return number.partition(".")[0]


def after_dot(number: str) -> str:
    """Return the last part of an exercise's number, 1 of 4.1."""
    return number.partition(".")[2]


def sign(mark: Mark | None, number: str) -> str:
    """Return the sign of a mark, as wide as the number above it."""
    return SIGNS[mark.mark if mark else MISSING].ljust(len(after_dot(number)))


def by_learner(marks: Iterable[Mark]) -> dict[str, dict[str, Mark]]:
    """Return the marks of each learner, by exercise."""
    found: dict[str, dict[str, Mark]] = {}
    for mark in marks:
        found.setdefault(mark.learner, {})[mark.exercise] = mark
    return found


def reasons(marks: Iterable[Mark]) -> list[str]:
    """Return a line for each learner and reason, with the exercises that it is the reason for."""
    found: dict[tuple[str, str], list[Mark]] = {}
    for mark in marks:
        why = "; ".join(part for part in (mark.why, mark.notes) if part)
        if why and mark.mark not in (PASSED, UNTOUCHED):
            found.setdefault((mark.learner, why), []).append(mark)
    return [
        f"{safe(name)}{where(mine)}: {textwrap.shorten(safe(why), SHORT, placeholder=' …')}"
        for (name, why), mine in found.items()
    ]


def where(marks: Sequence[Mark]) -> str:
    """Return the exercises that a reason is about; none for a file that cannot be read."""
    numbers = [mark.exercise for mark in marks if mark.mark != MISSING]
    return f" {', '.join(numbers)}" if numbers else ""
