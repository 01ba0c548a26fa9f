"""The rhythm: what is counted, and every limit proved by a notebook that passes it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.planted import FILL, Course, code, numbered, printed, prose
from tests.planting import found
from tools import rhythm
from tools.book import Book, Cell

LONG = "\n".join("x = 1" for _ in range(16))


def insert(*cells: Cell) -> Callable[[Course], None]:
    """Return a plant that puts cells behind the draft."""

    def plant(course: Course) -> None:
        course.lesson.cells[4:4] = cells
        numbered(course.lesson)

    return plant


def lengthen(course: Course) -> None:
    """Make most cells longer than the median may be."""
    for cell in course.lesson.code:
        if "quote" not in cell.tags:
            cell.source += "\nx = 1" * 8


def one_in_ten(course: Course) -> None:
    """Make two of seventeen cells long."""
    for cell in course.lesson.code[1:3]:
        cell.source += "\n" + LONG


def no_picture(course: Course) -> None:
    course.cell("class Picture").outputs = [printed("client -> proxy\n")]


def no_asserts(course: Course) -> None:
    for cell in course.lesson.code:
        cell.source = cell.source.replace("assert guess ==", "guess =")


def ignore(course: Course) -> None:
    course.cell("print(serve").metadata = {"tags": ["nbval-ignore-output"]}


def png(course: Course) -> None:
    course.cell("print(serve").outputs.append(
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": "iVBO"}}
    )


def hide(course: Course) -> None:
    course.cell("print(serve").outputs = []


def shorten(course: Course) -> None:
    course.cell("## Exercises").source = f"## Exercises\n\n{FILL}"


def many_cells(course: Course) -> None:
    pair = [prose("So."), code("assert 1\nprint(1)", prints="1\n")]
    course.lesson.cells[3:3] = [replace(cell) for _ in range(22) for cell in pair]
    numbered(course.lesson)


LIMITS: dict[str, tuple[Callable[[Course], None], str]] = {
    "median": (lengthen, "the median code cell has 10 lines, the limit is 7; split cells"),
    "p90": (
        one_in_ten,
        "one code cell in ten has 17 lines or more, the limit is 15; split them",
    ),
    "longest": (
        insert(code(f"{LONG}\n{LONG}", prints="1\n")),
        "a code cell has 32 lines, the limit is 30; split it",
    ),
    "run": (
        insert(code("print(1)", prints="1\n"), code("assert 1\nprint(2)", prints="2\n")),
        "4 code cells stand in a row, the limit is 3; put prose between",
    ),
    "picture": (no_picture, "there is no picture; draw one"),
    "asserts": (no_asserts, "0% of the code cells assert something, 15% must; assert more"),
    "ignored": (ignore, "11% of the outputs are ignored, the limit is 10%; make them stable"),
    "png": (png, "11% of the outputs are ignored, the limit is 10%; make them stable"),
    "outputs": (hide, "47% of the code cells show an output, 50% must; show more"),
    "words": (shorten, "it has 1119 words, 1200 to 3200 are allowed; lengthen or cut it"),
    "cells": (many_cells, "it has 71 cells, 20 to 70 are allowed; merge or split it"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_that_is_passed_is_told_with_its_number(name: str, tmp_path: Path) -> None:
    """One limit passed, one sentence."""
    plant, what = LIMITS[name]
    course = Course(tmp_path)
    plant(course)
    assert found(course) == [course.lesson.fault(None, what)]


def test_a_long_paragraph_is_told(tmp_path: Path) -> None:
    """No paragraph is a wall; a list or a table is none."""
    course = Course(tmp_path)
    cell = course.cell("Against")
    cell.source += f"\n\n- {FILL} {FILL}\n\n| {FILL} {FILL} |"
    assert found(course) == []
    cell.source += f"\n\n{FILL} And so on, and on, and on."
    what = "the paragraph 'A proxy passes on …' has 63 words, the limit is 60; split it"
    assert found(course) == [course.lesson.fault(cell, what)]


def test_tables_and_listings_are_not_words() -> None:
    """They are looked at, not read."""
    text = "Two words.\n\n| a | b |\n|---|---|\n\n```python\nx = 1\n```\n\nAnd three more."
    book = Book(Path("01_words.ipynb"), [prose(text)])
    assert rhythm.measure(book).words == 5


def test_prose_that_slides_part_counts_as_one_cell() -> None:
    """Its reader sees no border."""
    book = Book(Path("05_text.ipynb"), [prose("A."), prose("B."), code("x = 1"), prose("C.")])
    for number, cell in enumerate(book.cells):
        cell.id = str(number)
    assert rhythm.measure(book).cells == 3


def test_an_empty_cell_is_no_code() -> None:
    """A cell to write in has no length; but it stands in a row."""
    book = Book(Path("01_empty.ipynb"), [code(""), code("x = 1\n\ny = 2"), code(" \n")])
    measured = rhythm.measure(book)
    assert (measured.code, measured.longest, measured.run) == (1, 2, 3)


def test_the_table_has_a_row_for_each_notebook(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The numbers of a notebook stand in one line, beside its name."""
    rhythm.show([Course(tmp_path).lesson])
    row = next(line for line in capsys.readouterr().out.splitlines() if "04_one" in line)
    assert [word for word in row.replace("│", " ").split() if word] == [
        *("04_one", "27", "17", "2/6/6", "1287", "429", "18%", "2", "1", "0%", "53%")
    ]
