"""A notebook as the tools see it."""

import json
from pathlib import Path

import pytest

from tests.planted import Course
from tools.book import Book, BookError, Cell, Project, parse, read, texts


def test_a_fault_names_the_file_the_cell_and_its_line() -> None:
    """Whoever mends it finds the place, in the notebook and in its source."""
    cell = Cell("04_one-003", "code", "x = 1", line=12)
    book = Book(Path("notebooks/04_one.ipynb"), [cell], name="notebooks/04_one.ipynb")
    assert book.fault(None, "it is; mend it") == "notebooks/04_one.ipynb: it is; mend it"
    assert book.fault(cell, "it is; mend it") == (
        "notebooks/04_one.ipynb 04_one-003 (line 12 of its source): it is; mend it"
    )


def test_starts_choose_the_sources_and_their_solutions(tmp_path: Path) -> None:
    """`04` is lesson and solutions, the lesson first; no word is all of them."""
    course = Course(tmp_path)
    course.write("notebooks/src/01_first.md", "# First\n")
    project = course.project
    assert [project.short(path) for path in project.sources(("04",))] == [
        "notebooks/src/04_one.md",
        "notebooks/src/solutions/04_one.md",
    ]
    assert [path.stem for path in project.sources()] == ["01_first", "04_one", "04_one"]
    assert project.sources(("05",)) == []


def test_source_and_notebook_name_each_other() -> None:
    """Solutions stand beside, in a folder of their own."""
    project = Project(Path("/course"))
    notebook = Path("/course/notebooks/solutions/04_one.ipynb")
    source = Path("/course/notebooks/src/solutions/04_one.md")
    assert project.source_of(notebook) == source
    assert project.notebook_of(source) == notebook


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"cells": [{}]}', '{"cells": 1}'])
def test_what_is_no_notebook_is_told(text: str, tmp_path: Path) -> None:
    """Half a file, or another one."""
    path = tmp_path / "04_one.ipynb"
    path.write_text(text)
    with pytest.raises(BookError, match=r"^04_one.ipynb: no notebook \(.+\); build it again$"):
        read(path)


def test_a_notebook_is_read_with_its_lines_joined(tmp_path: Path) -> None:
    """The format splits text into lines."""
    cell = {"cell_type": "code", "id": "a", "source": ["x = 1\n", "y"], "metadata": {}}
    path = tmp_path / "01.ipynb"
    path.write_text(json.dumps({"cells": [cell]}))
    assert read(path).cells == [Cell("a", "code", "x = 1\ny")]


def test_magics_are_left_out_of_the_python() -> None:
    """What a cell defines is found although it has a magic; another language is none."""
    tree = parse("%matplotlib inline\nfor _ in x:\n    !ls\n")
    assert tree is not None
    assert len(tree.body) == 2
    assert parse("%%bash\nls") is None
    assert parse("def f(:") is None


def test_the_texts_of_an_output_are_those_that_nbval_compares() -> None:
    """A PNG is none."""
    data = {"image/png": "iVBO", "text/plain": ["a\n", "b"]}
    assert list(texts({"output_type": "display_data", "data": data})) == [("text/plain", "a\nb")]
    error = {"output_type": "error", "ename": "OSError", "evalue": "no"}
    assert list(texts(error)) == [("error", "OSError: no")]
