"""The lessons as the plans of a class see them: their sections, with the minutes of each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tools.book import Book, Project
from tools.front import Front, front_of
from tools.pages import pages


@dataclass(frozen=True)
class Lesson:
    """One notebook as a plan sees it."""

    book: Book
    front: Front
    sections: dict[str, int]  # heading: minutes, in order

    @property
    def name(self) -> str:
        """The notebook's title, as its deck has it."""
        return next((page.title for page in pages(self.book)), self.book.path.stem)

    @property
    def link(self) -> str:
        """The title as a link to the notebook."""
        return f"[{self.name}](../notebooks/{self.book.path.name})"

    @property
    def minutes(self) -> int:
        """How long it takes in class."""
        return sum(self.sections.values())

    @property
    def half_day(self) -> int:
        """How many of them half a day has."""
        return self.of(self.front.half_day)

    def of(self, sections: Iterable[str]) -> int:
        """Return the minutes of some sections; one that is not there has none."""
        return sum(self.sections.get(name, 0) for name in sections)


def read(project: Project) -> Iterator[Lesson]:
    """Yield every lesson that exists, in order. Raises BookError."""
    for source in project.sources():
        book = project.committed_of(source)
        if source.parent.name == "src" and book:
            yield Lesson(book, front_of(source, project), sections_of(book))


def sections_of(book: Book) -> dict[str, int]:
    """Return the minutes of each section."""
    found: dict[str, int] = {}
    for one in pages(book):
        found[one.section] = found.get(one.section, 0) + one.minutes
    return found


def spelt(minutes: int) -> str:
    """Return minutes as hours and minutes."""
    return f"{minutes // 60}:{minutes % 60:02}"


def table(*rows: tuple[str, ...]) -> str:
    """Return a table, its first row the head."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])
