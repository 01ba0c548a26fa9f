"""The command `check`: every gate over what is committed, nothing executed."""

from collections.abc import Iterator
from pathlib import Path

from tools import fresh, gates, teaching
from tools.book import BookError, Project
from tools.convert import convert


def check(project: Project, sources: list[Path]) -> Iterator[str]:
    """Compare what is committed with a fresh conversion, and put it through every gate."""
    yield from fresh.strays(project)
    for source in sources:
        try:
            yield from checked(project, source)
        except BookError as error:
            yield str(error)


def checked(project: Project, source: Path) -> Iterator[str]:
    """Yield the faults of one notebook. Raises BookError when it cannot be read or made."""
    book = project.committed_of(source)
    made = convert(source, project)
    if book is None:  # which the strays tell
        return
    fresh.place(book, made)
    yield from fresh.differences(book, made)
    yield from fresh.is_canonical(book)
    yield from gates.faults(book, project)
    yield from teaching.faults(book)
