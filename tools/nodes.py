"""From a notebook as the tools see it to the file: what nbformat has, and the bytes of it."""

import json
from typing import Any

import nbformat

from tools.book import Book, BookError


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
    node: Any = nbformat.from_dict(  # type: ignore[no-untyped-call]
        {"cells": cells, "metadata": book.metadata, "nbformat": 4, "nbformat_minor": 5}
    )
    return node


def dumps(book: Book) -> str:
    """Return the text of the `.ipynb`: the same notebook is always the same bytes.

    Raises BookError when it is not what the notebook format allows.
    """
    node = to_node(book)
    try:
        nbformat.validate(node)
    except nbformat.ValidationError as error:
        what = f"the notebook format refuses it ({error.message}); correct its source"
        raise BookError(book.fault(None, what)) from error
    text = nbformat.v4.writes(node)  # type: ignore[no-untyped-call]
    data = json.loads(text)  # with its lines split
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
