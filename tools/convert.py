"""From a text to its notebook: marks read, quotes pasted, diffs made, ids and metadata fixed."""

from pathlib import Path

import jupytext

from tools import diffs, marks
from tools.book import METADATA, Book, BookError, Cell, Project, from_json
from tools.quotes import QUOTE_LIMIT, load, marker_of
from tools.scope import Scope

# What front ends note down for themselves, and what would differ from run to run.
TRANSIENT = {"execution", "collapsed", "scrolled", "trusted", "jupyter", "ExecuteTime"}


def convert(source: Path, project: Project) -> Book:
    """Return the notebook that `source` says, not yet executed. Raises BookError."""
    name = project.short(source)
    try:
        node = jupytext.read(source, fmt="md:myst")
    except Exception as error:  # jupytext raises what its parsers do
        raise BookError(f"{name}: jupytext cannot read it ({error}); correct the text") from error
    book = from_json(node, project.notebook_of(source))
    book.name = project.short(book.path)
    book.metadata = METADATA
    text, scope, place = source.read_text(encoding="utf-8"), Scope(project.root), 0
    book.cells = marks.applied(book.cells, text, name)
    for number, cell in enumerate(book.cells, start=1):
        cell.line, place = locate(text, cell.source, place)
        where = f"{name}:{cell.line}"
        cell.id = f"{source.stem}-{number:03d}"
        cell.metadata = {key: v for key, v in dict(cell.metadata).items() if key not in TRANSIENT}
        if cell.is_markdown:
            cell.source = diffs.expand(cell.source, book.cells[: number - 1], project.root, where)
        elif cell.is_code:
            fill(cell, scope, where)
    return book


def fill(cell: Cell, scope: Scope, where: str) -> None:
    """Paste a quote where the cell asks for one; else note what the cell binds."""
    marker = marker_of(cell.source)
    if marker is None:
        refuse_misspelt(cell.source, where)
        scope.learn(cell.source)
        return
    cell.source = scope.quote(load(scope.root, marker, where), marker, where)
    length = sum(1 for line in cell.source.splitlines() if line.strip())
    if length > QUOTE_LIMIT:
        raise BookError(
            f"{where}: the quote is {length} lines long, the limit is {QUOTE_LIMIT}; "
            f"quote less, or split it in {marker.file}"
        )
    cell.metadata["tags"] = sorted({*cell.tags, "quote"})


def refuse_misspelt(source: str, where: str) -> None:
    """A marker that does not read as one would stay a comment, and nothing would be quoted."""
    lines = [line for line in source.splitlines() if line.strip()]
    if len(lines) == 1 and lines[0].startswith("#") and ".py" in lines[0]:
        what = f"cannot read the quote '{lines[0]}'; write '# rsp/net.py: name, Class.name'"
        raise BookError(f"{where}: {what}")


def locate(text: str, source: str, start: int) -> tuple[int, int]:
    """Return the line on which a cell starts in the text, and where to look for the next one."""
    place = text.find(source, start)
    if place < 0:
        return text.count("\n", 0, start) + 1, start
    return text.count("\n", 0, place) + 1, place + len(source)
