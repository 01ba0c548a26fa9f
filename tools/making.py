"""The commands that start a kernel: `build` and `run`."""

from collections.abc import Iterator
from pathlib import Path

from tools import gates, teaching
from tools.book import BookError, Project, say
from tools.convert import convert
from tools.execution import execute
from tools.nodes import dumps


def build(project: Project, sources: list[Path]) -> Iterator[str]:
    """Make, execute, check and write the notebooks; one with a cell that fails is not written."""
    books = []
    for source in sources:
        try:
            book = convert(source, project)
            result = execute(book, project.root)
            text = dumps(book)
        except BookError as error:
            say(f"not written  {project.short(project.notebook_of(source))}")
            yield str(error)
            continue
        written = write(book.path, text)
        say(f"{result.seconds:5.1f} s  {book.name}{'' if written else '  (unchanged)'}")
        yield from result.faults
        books.append(book)
    for book in books:  # at the end: a lesson looks for its solutions
        yield from gates.faults(book, project)
        yield from teaching.faults(book)


def write(path: Path, text: str) -> bool:
    """Write `text` unless the file says it already; tell whether it did."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8")
    return True


def run(project: Project, sources: list[Path]) -> Iterator[str]:
    """Execute what is committed: in time, nothing left open, and twice in the same kernel."""
    for source in sources:
        try:
            book = project.committed_of(source)
            if book is None:
                yield f"{project.short(source)}: it has no notebook; build it"
                continue
            result = execute(book, project.root)
        except BookError as error:
            yield str(error)
            continue
        say(f"{result.seconds:5.1f} s  {book.name}")
        yield from result.faults
