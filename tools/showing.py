"""The commands that only look: `rhythm` and `quotes`."""

from collections.abc import Iterator
from pathlib import Path

from tools import rhythm as numbers
from tools.book import Project, say
from tools.quotes import marker_of


def rhythm(project: Project, sources: list[Path]) -> Iterator[str]:
    """Print the numbers of the lessons, and yield each limit that is passed."""
    books = [project.committed_of(source) for source in sources if source.parent.name == "src"]
    there = [book for book in books if book]
    numbers.show(there)
    for book in there:
        yield from numbers.limits(book)


def quotes(project: Project, sources: list[Path]) -> Iterator[str]:
    """Print every quote with its place, to see what of the package is told where."""
    for source in sources:
        for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), start=1):
            if marker := marker_of(line):
                say(f"{project.short(source)}:{number}: {str(marker).removeprefix('# ')}")
    return iter(())
