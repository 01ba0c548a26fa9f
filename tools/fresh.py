"""What is committed against a fresh conversion: so neither text nor package runs ahead of it."""

from collections.abc import Iterator
from itertools import zip_longest

from tools.book import Book, Cell, Project
from tools.nodes import dumps

BUILD = "build it again"


def strays(project: Project) -> Iterator[str]:
    """Yield a sentence for each source without a notebook, and each notebook without a source."""
    sources, notebooks = project.sources(), project.committed()
    for source in sources:
        if project.notebook_of(source) not in notebooks:
            yield f"{project.short(source)}: it has no notebook; build it"
    for notebook in notebooks:
        if project.source_of(notebook) not in sources:
            wanted = project.short(project.source_of(notebook))
            what = f"there is no {wanted} to make it from; write that, or remove the notebook"
            yield f"{project.short(notebook)}: {what}"


def differences(committed: Book, made: Book) -> Iterator[str]:
    """Yield the first difference between a committed notebook and the one `made` just now."""
    for there, cell in zip_longest(committed.cells, made.cells):
        if there is None or cell is None:
            count, wanted = len(committed.cells), len(made.cells)
            yield committed.fault(None, f"it has {count} cells, its source makes {wanted}; {BUILD}")
            return
        for part in ("kind", "id", "source", "metadata"):
            if getattr(there, part) != getattr(cell, part):
                yield committed.fault(cell, f"its {part} is not what its source makes; {BUILD}")
                return


def is_canonical(committed: Book) -> Iterator[str]:
    """Yield a sentence when the file is not written as the builder writes it (JupyterLab saves)."""
    if committed.path.read_text(encoding="utf-8") != dumps(committed):
        what = "its file is not as the builder writes it (was it saved from JupyterLab?)"
        yield committed.fault(None, f"{what}; {BUILD}")


def place(committed: Book, made: Book) -> None:
    """Note in the committed cells the lines of the source that they come from."""
    lines: dict[str, Cell] = {cell.id: cell for cell in made.cells}
    for cell in committed.cells:
        cell.line = lines[cell.id].line if cell.id in lines else 0
