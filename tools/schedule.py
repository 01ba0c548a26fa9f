"""Sums the minutes of the slides into plans: `python tools/notebooks.py schedule`, a page of docs.

Minutes come from the marks of the slides, prerequisites, weeks and the sections of half a day from
the front matter of the sources. A notebook that is added is in the plans by that alone.
"""

from collections.abc import Iterator
from pathlib import Path

from tools import sitting
from tools.book import BookError, Project, say
from tools.front import LAST_WEEK
from tools.lessons import Lesson, read, spelt, table
from tools.sitting import SITTING

PAGE = Path("docs") / "schedule.md"
HALF_DAY = 240  # minutes, breaks included
BREAK = 10  # minutes


def schedule(project: Project, _: list[Path]) -> Iterator[str]:
    """Write the page of plans, of all notebooks always; yield what is wrong with the plans."""
    try:
        lessons = list(read(project))
    except BookError as error:
        yield str(error)
        return
    path = project.root / PAGE
    path.parent.mkdir(exist_ok=True)
    path.write_text(page(lessons), encoding="utf-8")
    say(f"{sum(lesson.minutes for lesson in lessons)} min  {project.short(path)}")
    yield from faults(lessons)


def faults(lessons: list[Lesson]) -> Iterator[str]:
    """Yield what makes a plan impossible."""
    half, weeks = half_day(lessons), {x.book.path.stem: x.front.week for x in lessons}
    taught = {lesson.book.path.stem for lesson, _ in half}
    for lesson in lessons:
        for key, names in (("half-day", lesson.front.half_day), ("may-go", lesson.front.may_go)):
            for heading in names:
                if heading not in lesson.sections:
                    what = f"{key} has its section '{heading}', which is not there; correct it"
                    yield lesson.book.fault(None, what)
        for needed in lesson.front.needs:
            if weeks[needed] > lesson.front.week:
                what = f"it needs {needed}, which comes in a later week; move one of them"
                yield lesson.book.fault(None, what)
            if lesson.book.path.stem in taught and needed not in taught:
                what = f"half a day has it, and not {needed}, which it needs; add or drop one"
                yield lesson.book.fault(None, what)
    total = timetable(half)[-1][1] if half else 0
    if total > HALF_DAY:
        what = f"half a day takes {total} minutes, {HALF_DAY} are there; take a section out"
        yield f"{PAGE.as_posix()}: {what}"
    if (left := sitting.left_for_newcomers(lessons)) < 0:
        takes = f"{SITTING - left} minutes, {SITTING} are there"
        what = f"a class for newcomers takes {takes}; take a section out of half a day"
        yield f"{PAGE.as_posix()}: {what}"


def half_day(lessons: list[Lesson]) -> list[tuple[Lesson, int]]:
    """Return what half a day has of each lesson, in minutes."""
    return [(lesson, lesson.half_day) for lesson in lessons if lesson.half_day]


def timetable(half: list[tuple[Lesson, int]]) -> list[tuple[int, int, Lesson | None]]:
    """Return from, until, and what; None is a break, before a sitting would be too long."""
    rows: list[tuple[int, int, Lesson | None]] = []
    now = sat = 0
    for lesson, minutes in half:
        if sat and sat + minutes > SITTING:
            rows.append((now, now + BREAK, None))
            now, sat = now + BREAK, 0
        rows.append((now, now + minutes, lesson))
        now, sat = now + minutes, sat + minutes
    return rows


def page(lessons: list[Lesson]) -> str:
    """Return the page."""
    parts = [HEAD, all_of_it(lessons), sitting.plan(lessons), plan_of_half_a_day(lessons)]
    return "\n\n".join([*parts, plan_of_weeks(lessons), sections(lessons)]) + "\n"


HEAD = """\
<!-- Made by `make schedule` from the notebooks: change those, never this page. -->

# Schedule

How long the notebooks take in class, with the slides and the exercises: a sum of the minutes that
stand on the slides. `make slides` writes these into `build/slides/`, one file for each notebook, to
be opened in a browser; `?` lists the keys, `p` opens the speaker's notes and a clock. How they are
made is told in [Writing a notebook](notebooks.md#slides).

"About … minutes" at the top of a notebook is another time: that of one who reads it alone."""


def all_of_it(lessons: list[Lesson]) -> str:
    """Return the table of what exists."""
    rows = [("notebook", "minutes", "of these exercises", "needs"), *map(row, lessons)]
    total = sum(lesson.minutes for lesson in lessons)
    said = f"There are {len(lessons)} notebooks so far, {spelt(total)} hours of class together."
    return f"## What there is\n\n{said}\n\n{table(*rows)}"


def row(lesson: Lesson) -> tuple[str, str, str, str]:
    """Return a lesson's row in the table of what exists."""
    needs = ", ".join(name.split("_")[0] for name in lesson.front.needs) or "nothing"
    return lesson.link, str(lesson.minutes), str(lesson.sections.get("Exercises", 0)), needs


def plan_of_half_a_day(lessons: list[Lesson]) -> str:
    """Return the timetable of half a day, and what it has of each notebook."""
    half = half_day(lessons)
    times = timetable(half)
    rows = [
        ("from", "until", "what"),
        *(
            (spelt(start), spelt(end), f"**{lesson.name}**: {what(lesson)}" if lesson else "break")
            for start, end, lesson in times
        ),
    ]
    until = spelt(times[-1][1]) if times else spelt(0)
    said = (
        f"From the first page to the last takes {until} hours, breaks included. The sections that "
        "are not named here are for home, the exercises among them."
    )
    return f"## Half a day\n\n{said}\n\n{table(*rows)}"


def what(lesson: Lesson) -> str:
    """Return the sections that half a day has of a lesson."""
    return "; ".join(name for name in lesson.sections if name in lesson.front.half_day)


def plan_of_weeks(lessons: list[Lesson]) -> str:
    """Return the plan of six weeks, with the weeks that nothing is written for."""
    rows: list[tuple[str, ...]] = [("week", "notebooks", "hours", "needs from before")]
    for week in range(1, LAST_WEEK + 1):
        there = [lesson for lesson in lessons if lesson.front.week == week]
        names = "<br>".join(lesson.link for lesson in there) or "not written yet"
        inside = {lesson.book.path.stem for lesson in there}
        needs = sorted({need for lesson in there for need in lesson.front.needs} - inside)
        hours = spelt(sum(lesson.minutes for lesson in there)) if there else ""
        rows.append((str(week), names, hours, ", ".join(n.split("_")[0] for n in needs)))
    said = "Each notebook is one sitting, with its exercises; what is over is homework."
    return f"## Six weeks\n\n{said}\n\n{table(*rows)}"


def sections(lessons: list[Lesson]) -> str:
    """Return the minutes of each section, for whoever plans otherwise."""
    parts = ["## Section by section"]
    for lesson in lessons:
        rows = [
            ("section", "minutes", "half a day"),
            *(
                (name, str(minutes), "yes" if name in lesson.front.half_day else "")
                for name, minutes in lesson.sections.items()
            ),
        ]
        parts.append(f"### {lesson.name}\n\n{table(*rows)}")
    return "\n\n".join(parts)
