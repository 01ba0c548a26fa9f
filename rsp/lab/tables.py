"""Tables that look the same everywhere: in a notebook, in a terminal, in a test."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

WIDTH = 88  # columns: what JupyterLab shows beside its file browser, uncut


def console() -> Console:
    """Return a console that neither the terminal nor the environment changes."""
    return Console(
        width=WIDTH,
        force_terminal=False,
        color_system=None,
        markup=False,  # "[::1]" is an address, and ":80:" no picture
        emoji=False,
        highlight=False,
        _environ={},
    )


def print_table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], title: str | None = None
) -> None:
    """Print a table; columns of figures stand to the right."""
    rows = [tuple(row) for row in rows]
    table = Table(title=title, title_justify="left")
    for number, head in enumerate(heads):
        cells = [row[number] for row in rows if row[number]]
        figures = bool(cells) and all(cell.replace(",", "").isdigit() for cell in cells)
        table.add_column(head, justify="right" if figures else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console().print(table)
