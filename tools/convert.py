"""From the text of a notebook to the notebook: quotes pasted, diffs made, ids and metadata fixed."""

import json
from pathlib import Path
from typing import Any

import jupytext
import nbformat

from tools import diffs
from tools.book import Book, BookError, Cell, Project, from_json
from tools.quotes import QUOTE_LIMIT, load, marker_of
from tools.scope import Scope

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
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
    for number, cell in enumerate(book.cells, start=1):
        line, place = locate(text, cell.source, place)
        where = f"{name}:{line}"
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
        raise BookError(f"{where}: cannot read the quote '{lines[0]}'; write '# rsp/net.py: name, Class.name'")


def locate(text: str, source: str, start: int) -> tuple[int, int]:
    """Return the line on which a cell starts in the text, and where to look for the next one."""
    place = text.find(source, start)
    if place < 0:
        return text.count("\n", 0, start) + 1, start
    return text.count("\n", 0, place) + 1, place + len(source)


def to_node(book: Book) -> Any:
    """Return the notebook as nbformat has it."""
    cells = []
    for cell in book.cells:
        data: dict[str, Any] = {
            "cell_type": cell.kind,
            "id": cell.id,
            "metadata": cell.metadata,
            "source": cell.source,
        }
        if cell.is_code:
            data |= {"execution_count": cell.count, "outputs": cell.outputs}
        cells.append(data)
    return nbformat.from_dict(
        {"cells": cells, "metadata": book.metadata, "nbformat": 4, "nbformat_minor": 5}
    )


def dumps(book: Book) -> str:
    """Return the text of the `.ipynb`: the same notebook is always the same bytes."""
    node = to_node(book)
    nbformat.validate(node)
    data = json.loads(nbformat.writes(node, version=nbformat.NO_CONVERT))  # its lines split
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
