"""A class that meets once: what of each notebook fits, and what newcomers get to see.

Nothing is chosen here that the sources do not say: sections that half a day has stay, those that
may go do so first, and the others one by one until the rest fits.
"""

from tools.lessons import Lesson, table

SITTING = 90  # minutes without a break, at most
LOG_IN = 10  # of these, until everybody's first notebook is open
EXERCISES, C = "Exercises", "C beside Python"
ENDING = "Invariants", "Recap", "What is still missing", "Further reading"


def plan(lessons: list[Lesson]) -> str:
    """Return what fits into one class, and a class for newcomers."""
    rows = [
        ("notebook", "lesson", C, "exercises", "ending", "with exercises", "without exercises"),
        *map(row, lessons),
    ]
    said = (
        f"For one class of {SITTING} minutes. {LOG_IN} of them go to the log-in, so "
        f"{SITTING - LOG_IN} are left. The parts of each notebook in minutes, and how it fits:"
    )
    return f"## A single class\n\n{said}\n\n{table(*rows)}\n\n{newcomers(lessons)}"


def row(lesson: Lesson) -> tuple[str, ...]:
    """Return the parts of a lesson in minutes, and how it fits."""
    parts = [lesson.of([C]), lesson.of([EXERCISES]), lesson.of(ENDING)]
    minutes = [str(part) for part in (lesson.minutes - sum(parts), *parts)]
    with_them = fitted(lesson, lesson.minutes) if lesson.of([EXERCISES]) else "there are none"
    return lesson.link, *minutes, with_them, fitted(lesson, lesson.minutes - parts[1])


def fitted(lesson: Lesson, minutes: int) -> str:
    """Return in words how that much of a lesson fits: what has to go, what is left."""
    gone: list[str] = []
    for name in spare(lesson):
        if minutes > SITTING - LOG_IN:
            gone.append(name)
            minutes -= lesson.sections[name]
    left = SITTING - LOG_IN - minutes
    if left < 0:
        return f"{-left} too many, whatever goes"
    what = f"without {'; '.join(gone)}" if gone else "fits"
    return f"{what}; {left} left" if left else what


def spare(lesson: Lesson) -> list[str]:
    """Return what may go, in its order: C, what the source says, and then the others.

    The beginning, the exercises and the end stay.
    """
    kept = {*list(lesson.sections)[:1], *lesson.front.half_day, EXERCISES, *ENDING}
    first = [C, *lesson.front.may_go]
    rest = [name for name in lesson.sections if name not in {*kept, *first}]
    return [name for name in first if name in lesson.sections] + rest


def newcomers(lessons: list[Lesson]) -> str:
    """Return a class for people who come once: what half a day has of the first two notebooks."""
    first = lessons[:2]
    rows = [
        ("what", "minutes"),
        ("log-in", str(LOG_IN)),
        *(
            (f"**{lesson.name}**: {'; '.join(lesson.front.half_day)}", str(lesson.half_day))
            for lesson in first
        ),
    ]
    left = left_for_newcomers(lessons)
    for lesson in first:
        if 0 < (minutes := lesson.of([EXERCISES])) <= left:
            rows.append((f"**{lesson.name}**: {EXERCISES}", str(minutes)))
            left -= minutes
    rows.append(("left over, for questions", str(left)))
    said = f"For people who come once, and have seen nothing, {SITTING} minutes:"
    return f"### For newcomers\n\n{said}\n\n{table(*rows)}"


def left_for_newcomers(lessons: list[Lesson]) -> int:
    """Return the minutes that are left beside what newcomers have to see; less than 0: too few."""
    return SITTING - LOG_IN - sum(lesson.half_day for lesson in lessons[:2])
