"""The schedule: sums of what stands on the slides, and each impossible plan told."""

from pathlib import Path

import pytest

from tests.planted import Course, cells
from tools import lessons, schedule, sitting
from tools.book import BookError, Project
from tools.front import Front, front_of
from tools.notebooks import main

ROOT = Path(__file__).resolve().parent.parent
FIRST = "week: 1\nhalf-day:\n- A draft\n- Exercises"
SECOND = "needs: [04_one]\nweek: 2\nhalf-day:\n- The piece"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """Two notebooks of an hour each; the second one needs the first."""
    made = Course(tmp_path)
    fronted(made, made.source, FIRST)
    made.commit(made.lesson)
    source = made.write("notebooks/src/05_two.md", "")
    fronted(made, source, SECOND)
    made.commit(made.book(source, cells()))
    return made


def fronted(course: Course, source: Path, said: str) -> None:
    """Put a front matter into a source, in the place of another one."""
    text = source.read_text(encoding="utf-8").rpartition("---\n")[2]
    course.write(source.relative_to(course.root).as_posix(), f"---\n{said}\n---\n{text}")


def told(course: Course) -> list[str]:
    """Return what is wrong with the plans."""
    return list(schedule.faults(list(lessons.read(course.project))))


def page(course: Course) -> str:
    """Return the page that is made."""
    return schedule.page(list(lessons.read(course.project)))


def test_the_committed_page_is_what_the_notebooks_say() -> None:
    """No number in it is typed."""
    each = list(lessons.read(Project(ROOT)))
    assert (ROOT / schedule.PAGE).read_text(encoding="utf-8") == schedule.page(each), (
        "docs/schedule.md is stale; run make schedule"
    )
    assert list(schedule.faults(each)) == []


def test_front_matter_is_read(course: Course) -> None:
    """And the sources of a conversion may have it."""
    source = course.root / "notebooks/src/05_two.md"
    assert front_of(source, course.project) == Front(("04_one",), 2, ("The piece",))


def test_minutes_are_summed_by_sections(course: Course) -> None:
    """A section is what stands under its heading, on all its pages."""
    lesson = next(lessons.read(course.project))
    assert lesson.minutes == 60
    assert lesson.sections["A draft"] == 10
    assert list(lesson.sections)[:2] == ["You will be able to", "A draft"]


def test_half_a_day_is_a_timetable(course: Course) -> None:
    """What a notebook gives to it is added, with a break before a sitting is too long."""
    assert told(course) == []
    text = page(course)
    assert "| 0:00 | 0:20 | **04 · One at a time**: A draft; Exercises |" in text
    assert "| 0:20 | 0:30 | **04 · One at a time**: The piece |" in text


def test_a_break_comes_before_a_sitting_is_too_long(course: Course) -> None:
    """Ninety minutes is what a room bears."""
    (lesson, _) = lessons.read(course.project)
    rows = schedule.timetable([(lesson, 60), (lesson, 40), (lesson, 50)])
    assert [(start, end, bool(what)) for start, end, what in rows] == [
        (0, 60, True),
        (60, 70, False),
        (70, 110, True),
        (110, 160, True),
    ]


def test_weeks_without_a_notebook_say_so(course: Course) -> None:
    """A plan is honest."""
    text = page(course)
    assert text.count("not written yet") == 4
    assert "| 2 | [04 · One at a time](../notebooks/05_two.ipynb) | 1:00 | 04 |" in text
    assert "There are 2 notebooks so far, 2:00 hours of class together." in text


def test_a_notebook_that_is_added_is_in_the_plans(course: Course) -> None:
    """By its front matter alone."""
    source = course.write("notebooks/src/06_three.md", "")
    fronted(course, source, "needs: [05_two]\nweek: 2")
    course.commit(course.book(source, cells()))
    assert told(course) == []
    assert "[04 · One at a time](../notebooks/06_three.ipynb) | 2:00 | 04 |" in page(course)
    assert "There are 3 notebooks" in page(course)


def test_a_section_that_is_not_there_is_told(course: Course) -> None:
    """A heading was changed, and the plan was not."""
    fronted(course, course.source, FIRST.replace("A draft", "The draft"))
    what = "half-day has its section 'The draft', which is not there; correct it"
    assert told(course) == [course.lesson.fault(None, what)]


def test_what_may_go_does_so_first(course: Course) -> None:
    """Whatever stands before it; and one that is not there is told."""
    fronted(course, course.source, "week: 1\nmay-go:\n- The piece")
    assert sitting.spare(next(iter(lessons.read(course.project))))[:2] == [sitting.C, "The piece"]
    fronted(course, course.source, "week: 1\nmay-go:\n- The peace")
    what = "may-go has its section 'The peace', which is not there; correct it"
    assert course.lesson.fault(None, what) in told(course)


def test_a_plan_without_what_it_needs_is_told(course: Course) -> None:
    """In half a day, and in six weeks."""
    fronted(course, course.source, "week: 3")
    assert told(course) == [
        f"notebooks/05_two.ipynb: {what}"
        for what in (
            "it needs 04_one, which comes in a later week; move one of them",
            "half a day has it, and not 04_one, which it needs; add or drop one",
        )
    ]


def test_half_a_day_that_is_too_long_is_told(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People have trains to catch."""
    monkeypatch.setattr(schedule, "HALF_DAY", 29)
    what = "half a day takes 30 minutes, 29 are there; take a section out"
    assert told(course) == [f"docs/schedule.md: {what}"]


def test_a_single_class_tells_what_fits(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """C goes first, then what half a day has no time for; what it has stays."""
    (lesson, _) = lessons.read(course.project)
    link = "[04 · One at a time](../notebooks/04_one.ipynb)"
    assert sitting.row(lesson) == (link, "30", "10", "10", "10", "fits; 20 left", "fits; 30 left")
    for minutes, said in {
        60: ("without C beside Python", "fits"),
        50: ("without C beside Python; The piece", "without C beside Python"),
        40: ("10 too many, whatever goes", "without C beside Python; The piece"),
    }.items():
        monkeypatch.setattr(sitting, "SITTING", minutes)
        assert sitting.row(lesson)[5:] == said, minutes


def test_newcomers_see_what_half_a_day_has_of_the_first_two(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And do the exercises, when there is time left; when there is too little, it is told."""
    text = page(course)
    assert "| log-in | 10 |\n| **04 · One at a time**: A draft; Exercises | 20 |" in text
    assert "| left over, for questions | 30 |" in text
    monkeypatch.setattr(sitting, "LOG_IN", 61)
    takes = "91 minutes, 90 are there"
    what = f"a class for newcomers takes {takes}; take a section out of half a day"
    assert told(course) == [f"docs/schedule.md: {what}"]


def test_the_time_of_a_reader_is_told_apart_once(course: Course) -> None:
    """It stands at the top of each notebook, and is another one."""
    assert page(course).count("who reads it alone") == 1


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ("needs: [03_none]\nweek: 1", "it needs '03_none', and no earlier notebook has that name"),
        ("needs: [05_two]\nweek: 1", "it needs '05_two', and no earlier notebook has that name"),
        (
            "weeks: 1",
            "05_two.md:2: cannot read 'weeks: 1'; the keys are needs, week, half-day, may-go",
        ),
        ("week: 7", "its front matter has week '7'; write a number from 1 to 6"),
        ("needs: []", "its front matter has week ''; write a number from 1 to 6"),
    ],
)
def test_front_matter_that_cannot_be_used_is_told(front: str, said: str, course: Course) -> None:
    """With the file and, where there is one, the line."""
    fronted(course, course.root / "notebooks/src/05_two.md", front)
    with pytest.raises(BookError) as raised:
        list(lessons.read(course.project))
    assert said in str(raised.value)


def test_a_source_without_front_matter_is_told(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the page stays as it was."""
    course.write("notebooks/src/05_two.md", "# Two\n")
    assert main(["--root", str(course.root), "schedule"]) == 1
    assert "05_two.md: it has no front matter; write needs, week" in capsys.readouterr().err
    assert not (course.root / schedule.PAGE).exists()


def test_the_command_writes_the_page(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    """Of all notebooks, whichever were asked for."""
    assert main(["--root", str(course.root), "schedule", "04"]) == 0
    assert capsys.readouterr().out.startswith("120 min  docs/schedule.md\n")
    assert (course.root / schedule.PAGE).read_text(encoding="utf-8") == page(course)
