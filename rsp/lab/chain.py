"""A linked list as a picture: what getaddrinfo gives a C program."""

from collections.abc import Iterable, Sequence
from html import escape

from rsp.lab.drawing import CARD, CHARACTER, INK, LINE, label

TOP, ROW, PAD, GAP, SIDE = 46, 20, 12, 54, 20  # px
HEAD, LINK = "#f2f4f7", "#175cd3"


class Chain:
    """Entries in order, each a few lines in a box, with an arrow to the next."""

    def __init__(self, title: str, entries: Iterable[Sequence[str]]) -> None:
        self.title = title
        self.entries = [tuple(entry) for entry in entries]

    def __repr__(self) -> str:
        boxes = " → ".join(f"[{' · '.join(entry)}]" for entry in self.entries)
        return f"{self.title} → {boxes} → end" if boxes else f"{self.title} → end"

    def _repr_svg_(self) -> str:
        x = SIDE + len(self.title) * CHARACTER + GAP
        height = TOP + ROW * max(len(entry) for entry in self.entries) + PAD + 18
        middle, parts = (TOP + height - 18) / 2, []
        parts.append(label(self.title, SIDE, middle + 4, INK, "start", "600"))
        parts.append(arrow(x - GAP + 8, x, middle))
        for number, entry in enumerate(self.entries, start=1):
            width = max(len(line) for line in entry) * CHARACTER + 2 * PAD
            parts += box(entry, x, width, height, number)
            x += width + GAP
            parts.append(arrow(x - GAP, x, middle))
        parts.append(label("end", x + 6, middle + 4, INK, "start", "600"))
        width = x + 3 * CHARACTER + SIDE
        told = escape(repr(self), quote=True)
        return (
            f"<svg xmlns='http://www.w3.org/2000/svg' width='{width:.0f}' height='{height}' "
            f"viewBox='0 0 {width:.0f} {height}' role='img' aria-label='{told}'>"
            f"<title>{told}</title><rect x='.5' y='.5' width='{width - 1:.0f}' "
            f"height='{height - 1}' rx='8' fill='{CARD}' stroke='{LINE}'/>{''.join(parts)}</svg>"
        )


def box(lines: Sequence[str], x: float, width: float, height: int, number: int) -> list[str]:
    """Return one entry: a box with its number above it."""
    parts = [
        f"<rect x='{x:.1f}' y='{TOP - 12}' width='{width:.1f}' height='{height - TOP - 6}' "
        f"rx='6' fill='{HEAD}' stroke='{LINE}'/>",
        label(f"entry {number}", x + width / 2, TOP - 20, INK),
    ]
    for row, line in enumerate(lines):
        parts.append(label(line, x + PAD, TOP + ROW * row + 8, INK, "start", "500"))
    return parts


def arrow(start: float, end: float, y: float) -> str:
    """Return an arrow to the right."""
    return (
        f"<path d='M{start:.1f},{y:.1f} H{end - 8:.1f}' stroke='{LINK}' stroke-width='1.6'/>"
        f"<path d='M{end - 9:.1f},{y - 4:.1f} L{end - 1:.1f},{y:.1f} L{end - 9:.1f},{y + 4:.1f} Z' "
        f"fill='{LINK}'/>"
    )
