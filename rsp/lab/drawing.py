"""A sequence diagram: an SVG on a white card (a dark theme cannot hide it), or plain text."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

from rsp.lab.recorder import Kind

FONT = "font-family='ui-monospace, SFMono-Regular, Menlo, Consolas, monospace'"
CHARACTER = 7.3  # px: the width of one at 12 px in those fonts
NARROWEST, MARGIN, TOP, ROW = 150, 24, 58, 29  # px: a column, the sides, the first row, a row
COLOURS = {
    Kind.CONNECT: "#667085",
    Kind.DATA: "#175cd3",
    Kind.END: "#067647",
    Kind.RESET: "#b42318",
    Kind.NOTE: "#7a4b00",
}
INK, LINE, CARD = "#1d2939", "#d0d5dd", "#ffffff"
ASTRAY = COLOURS[Kind.RESET]  # red
NARROW_TEXT = 12  # columns between two lifelines of the plain form, at least


class Arrow(NamedTuple):
    """One row of the diagram; a note stands beside its sender. `astray`: it should not be there."""

    sender: str
    receiver: str
    label: str
    kind: Kind
    astray: bool = False


def participants(arrows: Sequence[Arrow]) -> list[str]:
    """Return who takes part, from left to right: clients, what is between, backends."""
    names = list(dict.fromkeys(name for arrow in arrows for name in arrow[:2]))
    return sorted(names, key=lambda name: (rank(name), name if rank(name) != 1 else ""))


def rank(name: str) -> int:
    """Return where a participant stands: a client left, a backend right."""
    return 0 if name.startswith("client") else 2 if name.startswith("backend") else 1


def gaps(arrows: Sequence[Arrow], names: Sequence[str], narrowest: int) -> list[int]:
    """Return how many characters fit between each lifeline and the next one."""
    widths = [max(narrowest, (len(a) + len(b)) // 2 + 3) for a, b in pairwise(names)]
    for arrow in arrows:
        left, right = sorted((names.index(arrow.sender), names.index(arrow.receiver)))
        if arrow.kind is Kind.NOTE:
            right = min(left + 1, len(names) - 1)  # beside its lifeline, before the next one
        have = sum(widths[left:right])
        for place in range(left, right):  # spread over what the arrow crosses
            widths[place] += max(0, len(arrow.label) + 7 - have) // (right - left)
    return widths


def as_text(arrows: Sequence[Arrow]) -> str:
    """Return the diagram in plain text."""
    if not arrows:
        return "(nothing was sent)"
    names = participants(arrows)
    widths = gaps(arrows, names, NARROW_TEXT)
    columns = [len(names[0]) // 2]
    for width in widths:
        columns.append(columns[-1] + width)
    head = [" "] * (columns[-1] + len(names[-1]))
    for name, column in zip(names, columns, strict=True):
        start = max(0, column - len(name) // 2)
        head[start : start + len(name)] = name
    return "\n".join(["".join(head).rstrip(), *(text_row(a, names, columns) for a in arrows)])


def text_row(arrow: Arrow, names: Sequence[str], columns: Sequence[int]) -> str:
    """Return one arrow between the lifelines."""
    row = [" "] * (columns[-1] + 1)
    for column in columns:
        row[column] = "│"
    start, end = columns[names.index(arrow.sender)], columns[names.index(arrow.receiver)]
    if arrow.kind is Kind.NOTE:
        note = f" ({arrow.label})"
        row[start + 1 : start + 1 + len(note)] = note
        return "".join(row)
    left, right = min(start, end), max(start, end)
    dash = "═" if arrow.astray else "─" if arrow.kind is Kind.DATA else "╌"
    row[left + 1 : right] = f" {arrow.label} ".center(right - left - 1, dash)
    row[right - 1 if end > start else left + 1] = ">" if end > start else "<"
    if arrow.kind is Kind.RESET:
        row[right - 1 if end > start else left + 1] = "×"
    return "".join(row).rstrip()


def as_svg(arrows: Sequence[Arrow]) -> str:
    """Return the diagram as an SVG, on a card of its own, with its words as alt text."""
    names = participants(arrows) or ["nobody"]
    places = [MARGIN + max(60, len(names[0]) * CHARACTER / 2 + 14)]
    for gap in gaps(arrows, names, 0):
        places.append(places[-1] + max(NARROWEST, gap * CHARACTER))
    notes = [len(a.label) for a in arrows if a.kind is Kind.NOTE and a.sender == names[-1]]
    last = max([60, len(names[-1]) * CHARACTER / 2 + 14, *(n * CHARACTER + 14 for n in notes)])
    width = round(places[-1] + MARGIN + last)
    height = TOP + ROW * len(arrows) + 22
    told = escape("; ".join(sentences(arrows)) or "nothing was sent", quote=True)
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' "
        f"viewBox='0 0 {width} {height}' role='img' aria-label='{told}'>",
        f"<title>{told}</title>",
        f"<rect x='.5' y='.5' width='{width - 1}' height='{height - 1}' rx='8' "
        f"fill='{CARD}' stroke='{LINE}'/>",
    ]
    for name, x in zip(names, places, strict=True):
        parts += lifeline(name, x, height)
    for number, arrow in enumerate(arrows):
        ends = places[names.index(arrow.sender)], places[names.index(arrow.receiver)]
        parts += drawn(arrow, *ends, TOP + ROW * number + 22)
    return "".join([*parts, "</svg>"])


def sentences(arrows: Sequence[Arrow]) -> Iterator[str]:
    """Yield each row in words."""
    for arrow in arrows:
        to = "" if arrow.kind is Kind.NOTE else f" to {arrow.receiver}"
        yield f"{arrow.sender}{to}: {arrow.label}"


def lifeline(name: str, x: float, height: int) -> list[str]:
    """Return a participant: its box, and the line below it."""
    half = max(44, len(name) * CHARACTER / 2 + 12)
    return [
        f"<line x1='{x:.1f}' y1='44' x2='{x:.1f}' y2='{height - 12}' "
        f"stroke='{LINE}' stroke-width='1.5'/>",
        f"<rect x='{x - half:.1f}' y='16' width='{2 * half:.1f}' height='28' rx='6' "
        f"fill='#f2f4f7' stroke='{LINE}'/>",
        label(name, x, 34.5, INK, "middle", "600"),
    ]


def label(
    text: str, x: float, y: float, colour: str, anchor: str = "middle", weight: str = "400"
) -> str:
    """Return a piece of text; a lifeline behind it does not run through its letters."""
    halo = 4 if weight == "400" else 0
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' {FONT} font-size='12' font-weight='{weight}' "
        f"fill='{colour}' stroke='{CARD}' stroke-width='{halo}' paint-order='stroke' "
        f"text-anchor='{anchor}'>{escape(text)}</text>"
    )


def drawn(arrow: Arrow, start: float, end: float, y: float) -> list[str]:
    """Return one row: an arrow with its words above it, or a note beside its lifeline."""
    colour = ASTRAY if arrow.astray else COLOURS[arrow.kind]
    if arrow.kind is Kind.NOTE:
        return [
            f"<circle cx='{start:.1f}' cy='{y - 4:.1f}' r='4' fill='{colour}'/>",
            label(arrow.label, start + 12, y, colour, "start", "600"),
        ]
    way = 1 if end > start else -1
    dashes = "" if arrow.kind is Kind.DATA else " stroke-dasharray='5 4'"
    tip = end - way * 2
    head = f"M{tip - way * 8:.1f},{y - 4:.1f} L{tip:.1f},{y:.1f} L{tip - way * 8:.1f},{y + 4:.1f}"
    shape = f"<path d='{head} Z' fill='{colour}'/>"
    if arrow.kind is Kind.RESET:
        x = end - way * 8
        cross = f"M{x - 5:.1f},{y - 5:.1f} l10,10 m0,-10 l-10,10"
        shape = f"<path d='{cross}' stroke='{colour}' stroke-width='2' fill='none'/>"
    return [
        f"<line x1='{start:.1f}' y1='{y:.1f}' x2='{end - way * 8:.1f}' y2='{y:.1f}' "
        f"stroke='{colour}' stroke-width='1.6'{dashes}/>",
        shape,
        label(arrow.label, (start + end) / 2, y - 8, colour),
    ]


class Sketch:
    """A diagram of what somebody says to somebody: `sketch(("server", "client", "hello"))`."""

    def __init__(self, arrows: Sequence[Arrow]) -> None:
        self.arrows = arrows

    def __repr__(self) -> str:
        return as_text(self.arrows)

    def _repr_svg_(self) -> str:
        return as_svg(self.arrows)


def sketch(*said: tuple[str, ...]) -> Sketch:
    """Return a diagram of (who, to whom, what), from top to bottom; nothing of it was recorded.

    A fourth word draws it as such a step of a transcript: "connect", "end", "reset" or "note".
    """
    return Sketch(
        [
            Arrow(sender, to, what, Kind(how[0] if how else "data"))
            for sender, to, what, *how in said
        ]
    )
