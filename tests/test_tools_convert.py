"""From the text to the notebook: the same bytes each time, and errors with their line."""

from pathlib import Path

import pytest

from tests.planted import Course, cells, code
from tools.book import BookError, Cell
from tools.convert import convert
from tools.nodes import dumps


def made(course: Course, text: str) -> list[Cell]:
    """Return the cells that a text makes."""
    return convert(course.write("notebooks/src/05_text.md", text), course.project).cells


def test_the_text_of_the_good_lesson_makes_the_good_lesson(tmp_path: Path) -> None:
    """Quotes and diffs are pasted, tags set, ids fixed."""
    course = Course(tmp_path)
    book = convert(course.source, course.project)
    assert [(c.id, c.kind, c.source, c.metadata) for c in book.cells] == [
        (c.id, c.kind, c.source, c.metadata) for c in course.lesson.cells
    ]
    assert (book.name, book.metadata) == (course.lesson.name, course.lesson.metadata)


def test_a_conversion_is_the_same_bytes_twice(tmp_path: Path) -> None:
    """Else every build would be a change."""
    course = Course(tmp_path)
    texts = [dumps(convert(course.source, course.project)) for _ in range(2)]
    assert texts[0] == texts[1]
    assert texts[0].endswith("}\n")


def test_a_cell_knows_the_line_of_its_source(tmp_path: Path) -> None:
    """Of two equal cells each knows its own."""
    text = "# A\n\n```{code-cell}\nx = 1\n```\n\n```{code-cell}\n:tags: [draft]\n\nx = 1\n```\n"
    assert [cell.line for cell in made(Course(tmp_path), text)] == [1, 4, 10]


def test_what_front_ends_note_for_themselves_is_left_out(tmp_path: Path) -> None:
    """It would differ from run to run; what the course means stays."""
    text = (
        "```{code-cell}\n---\ncollapsed: true\nrsp: {minutes: 3}\ntags: [setup]\n---\nx = 1\n```\n"
    )
    (cell,) = made(Course(tmp_path), text)
    assert cell.metadata == {"rsp": {"minutes": 3}, "tags": ["setup"]}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "# rsp/net.py: listn",
            "rsp/net.py defines no listn; the nearest: listen",
        ),
        (
            "# rsp/net.py listen",
            "cannot read the quote '# rsp/net.py listen'; write '# rsp/net.py: name, Class.name'",
        ),
        (
            "# rsp/long.py: long",
            "the quote is 28 lines long, the limit is 25; quote less, or split it in rsp/long.py",
        ),
    ],
)
def test_a_quote_that_cannot_be_made_is_told_with_its_line(
    source: str, said: str, tmp_path: Path
) -> None:
    """A marker that is misspelt would stay a comment, and nobody would notice."""
    course = Course(tmp_path)
    course.write("rsp/long.py", "def long():\n" + "    x = 1\n" * 26)
    with pytest.raises(BookError) as error:
        made(course, f"# A\n\n```{{code-cell}}\n{source}\n```\n")
    assert str(error.value) == f"notebooks/src/05_text.md:4: {said}"


def test_a_quote_of_25_lines_is_not_too_long(tmp_path: Path) -> None:
    """Blank lines are not counted."""
    course = Course(tmp_path)
    course.write("rsp/long.py", "def long():\n" + "    x = 1\n\n" * 23)
    (cell,) = made(course, "```{code-cell}\n# rsp/long.py: long\n```\n")
    assert cell.tags == ["quote"]


def test_what_the_format_refuses_is_told(tmp_path: Path) -> None:
    """The file would not open."""
    course = Course(tmp_path)
    course.lesson.cells = [code("x = 1")]
    course.lesson.cells[0].id = "no id"
    with pytest.raises(BookError, match=r"the notebook format refuses it .+; correct its source"):
        dumps(course.lesson)


def test_the_planted_cells_are_new_each_time() -> None:
    """A fault that one test plants is in no other."""
    assert cells()[0] is not cells()[0]
