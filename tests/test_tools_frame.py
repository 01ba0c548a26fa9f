"""The frame of a lesson, proved by what is missing in it."""

from pathlib import Path

import pytest

from tests.planted import FILL, QUOTE, TABLE, Course, numbered, predicted, prose
from tests.planting import Plant, edit, found, tag
from tools.book import Cell

ORDER = (
    "You will be able to, C beside Python, Exercises, Invariants, Recap, "
    "What is still missing, Further reading"
)


def whole(plant: Plant) -> Plant:
    """Return a plant of a fault that belongs to the notebook, not to a cell."""

    def planted(course: Course) -> None:
        plant(course)

    return planted


def swapped(course: Course) -> None:
    """Put the recap before the invariants."""
    course.cell("## Invariants").source = f"## Recap\n\n{TABLE}\n\n## Invariants\n\n{FILL}"


def late(course: Course) -> Cell:
    """Put a long preface before the opening."""
    course.lesson.cells[:0] = [prose(FILL) for _ in range(3)]
    numbered(course.lesson)
    course.cell("# 04").source = course.cell("# 04").source.replace("**Runs on** Linux", "It runs")
    course.lesson.cells[2].source = "**Runs on** Linux"
    return course.lesson.cells[0]


def too_few(course: Course) -> None:
    """Take an exercise out."""
    at = course.lesson.cells.index(course.cell("# exercise 4.3"))
    del course.lesson.cells[at : at + 2]
    course.lesson.cells[at:at] = [*predicted(4)[1:]]
    numbered(course.lesson)


def unchecked(course: Course) -> Cell:
    """Let an exercise have no check."""
    cell = course.cell("# exercise 4.3")
    course.lesson.cells[course.lesson.cells.index(cell) + 1].metadata = {}
    return cell


def early(course: Course) -> Cell:
    """Move the heading of the exercises below the first one."""
    heading, first = course.cell("## Exercises"), course.cell("# exercise 4.2")
    course.lesson.cells.remove(heading)
    course.lesson.cells.insert(course.lesson.cells.index(first) - 1, heading)
    numbered(course.lesson)
    return course.cell("# exercise 4.1")


def misnumbered(course: Course) -> Cell:
    """Give an exercise and its solution a number that is not theirs."""
    for book in (course.lesson, course.solutions):
        cell = next(cell for cell in book.cells if cell.source.startswith("# exercise 4.2"))
        cell.source = cell.source.replace("4.2", "4.4")
    return course.cell("# exercise 4.4")


def not_compared(course: Course) -> Cell:
    """Take the diff out."""
    course.cell("Against").source = "No diff."
    return course.cell(QUOTE)


def unsolved(course: Course) -> Cell:
    """Take a solution out."""
    course.solutions.cells.pop()
    return course.cell("# exercise 4.3")


FRAME: dict[str, tuple[Plant, str]] = {
    "missing heading": (
        whole(edit("## Invariants", "## Invariants", "### Rules")),
        "there is no heading 'Invariants'; write that part",
    ),
    "order": (swapped, f"the heading 'Recap' stands too early; keep to {ORDER}"),
    "opening": (late, "'You will be able to' is not in the first 3 cells; move it up"),
    "systems": (
        edit("# 04", "**Runs on**", "Runs on"),
        "no line of the first 3 cells starts with **Runs on**; name the systems",
    ),
    "list": (
        edit("# 04", "- relay\n", ""),
        "it lists 2 things to be able to do, 3 to 5 must be; mend the list",
    ),
    "predictions": (
        whole(tag("guess = 2")),
        "2 cells are tagged predict, 3 must be; ask more",
    ),
    "recap": (
        edit("## Invariants", "| call | gives |\n|---|---|\n| serve | all |", "All."),
        "the recap has no table; make one",
    ),
    "first line": (
        misnumbered,
        "its first line is not '# exercise 4.2'; write that",
    ),
    "diff": (
        not_compared,
        "it quotes this notebook's stage, and no diff compares that with the last one; "
        "write a line '<!-- diff: … -->'",
    ),
    "count": (too_few, "2 cells are tagged exercise, 3 to 5 must be; mend that"),
    "check": (unchecked, "the next code cell is not tagged check; let it check this exercise"),
    "place": (early, "it is an exercise above the heading 'Exercises'; move it down"),
    "solution": (
        unsolved,
        "no solution starts with '# exercise 4.3: a limit'; write one in solutions/04_one",
    ),
}


@pytest.mark.parametrize("name", FRAME)
def test_a_lesson_without_a_part_of_its_frame_is_told(name: str, tmp_path: Path) -> None:
    """One fault planted, one sentence."""
    plant, what = FRAME[name]
    course = Course(tmp_path)
    cell = plant(course)
    assert found(course) == [course.lesson.fault(cell, what)]


def test_the_map_has_an_opening_and_no_exercises(tmp_path: Path) -> None:
    """00 shows the goal; who opens it must know on what it runs."""
    course = Course(tmp_path)
    book = course.lesson
    book.path, book.name = book.path.with_name("00_map.ipynb"), "notebooks/00_map.ipynb"
    book.cells = [cell for cell in book.cells if "exercise" not in cell.tags]
    numbered(book)
    assert found(course) == []
    book.cells[0].source = book.cells[0].source.replace("**Runs on**", "Runs on")
    what = "no line of the first 3 cells starts with **Runs on**; name the systems"
    assert found(course) == [book.fault(book.cells[0], what)]
