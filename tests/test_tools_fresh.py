"""What is committed against a fresh conversion: a planted drift is found."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.planted import QUOTE, Course, code
from tools import fresh
from tools.convert import convert
from tools.nodes import dumps

Drift = Callable[[Course], str]  # lets something drift; returns what is then said


def edit_package(course: Course) -> str:
    """The package changes, and its quote does not."""
    path = course.root / "rsp/stages/s04_serial.py"
    path.write_text(path.read_text().replace("data[:LIMIT]", "data[0:LIMIT]"))
    cell = course.cell(QUOTE)
    cell.line = 0
    return course.lesson.fault(cell, "its source is not what its source makes; build it again")


def edit_cell(course: Course) -> str:
    """Somebody edits the notebook, not its text."""
    cell = course.cell("print(serve")
    cell.source += "  # so"
    return course.lesson.fault(cell, "its source is not what its source makes; build it again")


def edit_tags(course: Course) -> str:
    """A tag is set in JupyterLab."""
    cell = course.cell("print(serve")
    cell.metadata = {"tags": ["draft"]}
    return course.lesson.fault(cell, "its metadata is not what its source makes; build it again")


def edit_id(course: Course) -> str:
    """JupyterLab gives a pasted cell an id of its own."""
    cell = course.cell("print(serve")
    wanted, cell.id = cell.id, "f00d"
    said = course.lesson.fault(cell, "its id is not what its source makes; build it again")
    return said.replace("f00d", wanted)


def add_cell(course: Course) -> str:
    """A cell is added at the end."""
    count = len(course.lesson.cells)
    course.lesson.cells.append(code("x = 1"))
    what = f"it has {count + 1} cells, its source makes {count}; build it again"
    return course.lesson.fault(None, what)


@pytest.mark.parametrize("drift", [edit_package, edit_cell, edit_tags, edit_id, add_cell])
def test_a_notebook_that_its_source_does_not_make_is_told(drift: Drift, tmp_path: Path) -> None:
    """Whether text, package or notebook ran ahead."""
    course = Course(tmp_path)
    assert list(fresh.differences(course.lesson, convert(course.source, course.project))) == []
    said = drift(course)
    made = convert(course.source, course.project)
    for cell in made.cells:
        cell.line = 0
    assert list(fresh.differences(course.lesson, made)) == [said]


def test_a_file_that_another_program_wrote_is_told(tmp_path: Path) -> None:
    """JupyterLab writes the same notebook in other bytes."""
    course = Course(tmp_path)
    course.write("notebooks/04_one.ipynb", dumps(course.lesson))
    assert list(fresh.is_canonical(course.lesson)) == []
    course.commit(course.lesson)
    what = "its file is not as the builder writes it (was it saved from JupyterLab?)"
    assert list(fresh.is_canonical(course.lesson)) == [
        f"notebooks/04_one.ipynb: {what}; build it again"
    ]


def test_a_source_without_its_notebook_and_a_notebook_without_its_source_are_told(
    tmp_path: Path,
) -> None:
    """A lesson that was renamed leaves its old notebook behind."""
    course = Course(tmp_path)
    course.commit(course.lesson)
    course.commit(course.solutions)
    assert list(fresh.strays(course.project)) == []
    course.source.rename(course.source.with_name("04_two.md"))
    assert list(fresh.strays(course.project)) == [
        "notebooks/src/04_two.md: it has no notebook; build it",
        "notebooks/04_one.ipynb: there is no notebooks/src/04_one.md to make it from; "
        "write that, or remove the notebook",
    ]


def test_the_committed_cells_get_the_lines_of_their_source(tmp_path: Path) -> None:
    """So that each fault names the line to mend."""
    course = Course(tmp_path)
    fresh.place(course.lesson, convert(course.source, course.project))
    text = course.source.read_text().splitlines()
    for cell in course.lesson.code:
        if "quote" not in cell.tags and "class Picture" not in cell.source:
            assert text[cell.line - 1] == cell.source.splitlines()[0]
