"""A head before and after a proxy, as a picture: what passed, what was changed, what is new.

`passage(sent, got)`: both are messages as the lab's ends saw them; fields are matched by name.
"""

from collections.abc import Iterator, Sequence
from enum import Enum
from html import escape
from typing import NamedTuple

from rsp.lab.drawing import CARD, CHARACTER, INK, LINE, label

PAD, TOP, ROW, GAP = 24, 66, 25, 150  # px: the sides, the first row, a row, between the heads
LONGEST = 44  # characters of a line that are shown
HEAD = "#f2f4f7"


class Fate(Enum):
    """What became of a line of the head; the value is what the picture's legend says."""

    PASSES = "passes as it came"
    CHANGES = "written anew"
    STAYS = "stays behind"
    COMES = "the proxy's own"


COLOURS = {
    Fate.PASSES: "#667085",
    Fate.CHANGES: "#175cd3",
    Fate.STAYS: "#b42318",
    Fate.COMES: "#067647",
}
MARKS = {Fate.PASSES: "──>", Fate.CHANGES: "~~>", Fate.STAYS: "─×", Fate.COMES: "+ >"}


class Line(NamedTuple):
    """A line of the head: its place before the proxy and behind it; None where it is not."""

    before: int | None
    after: int | None
    fate: Fate


def head_of(message: bytes) -> list[str]:
    """Return the lines of a message's head."""
    return message.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")


def fields_of(message: bytes) -> list[tuple[str, str]]:
    """Return the fields of a message as pairs, in their order."""
    parts = (line.partition(":") for line in head_of(message)[1:])
    return [(name, value.strip()) for name, _, value in parts]


def said(message: bytes, name: str) -> str:
    """Return what the fields of this name say, joined by commas; "" when there is none."""
    return ", ".join(value for each, value in fields_of(message) if each.lower() == name.lower())


def matched(before: Sequence[str], after: Sequence[str]) -> Iterator[Line]:
    """Yield each line's fate: those that were sent, in their order, then those that came."""
    names = [name_of(place, text) for place, text in enumerate(after)]
    free = list(range(len(after)))
    for place, text in enumerate(before):
        found = next((at for at in free if names[at] == name_of(place, text)), None)
        if found is None:
            yield Line(place, None, Fate.STAYS)
        else:
            free.remove(found)
            yield Line(place, found, Fate.PASSES if after[found] == text else Fate.CHANGES)
    for at in free:
        yield Line(None, at, Fate.COMES)


def name_of(place: int, text: str) -> str:
    """Return by what a line is matched: a field's name; the first line has none."""
    return text.partition(":")[0].lower() if place else ""


class Passage:
    """Two heads side by side, with what became of each line."""

    def __init__(self, before: bytes, after: bytes, titles: tuple[str, str]) -> None:
        self.before, self.after = head_of(before), head_of(after)
        self.titles = titles
        self.lines = list(matched(self.before, self.after))

    def __repr__(self) -> str:
        return "\n".join(self.rows())

    def rows(self) -> Iterator[str]:
        """Yield the picture in plain text."""
        wide = max(len(short(text)) for text in [*self.before, self.titles[0]])
        yield f"{self.titles[0]:{wide}}      {self.titles[1]}".rstrip()
        for line in self.lines:
            left, right = self.texts(line)
            yield f"{left:{wide}} {MARKS[line.fate]:4} {right}".rstrip()

    def texts(self, line: Line) -> tuple[str, str]:
        """Return what is shown of a line on either side."""
        left = "" if line.before is None else short(self.before[line.before])
        right = "" if line.after is None else short(self.after[line.after])
        return left, right

    def fates(self) -> dict[Fate, int]:
        """Return how many lines had which fate."""
        return {fate: [line.fate for line in self.lines].count(fate) for fate in Fate}

    def _repr_svg_(self) -> str:
        left = width_of([*self.before, self.titles[0]])
        right = width_of([*self.after, self.titles[1]])
        count = max(len(self.before), len(self.after))
        width, bottom = round(2 * PAD + left + GAP + right), TOP + ROW * count
        told = escape("; ".join(self.sentences()), quote=True)
        parts = [
            f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{bottom + 44}' "
            f"viewBox='0 0 {width} {bottom + 44}' role='img' aria-label='{told}'>",
            f"<title>{told}</title>",
            f"<rect x='.5' y='.5' width='{width - 1}' height='{bottom + 43}' rx='8' "
            f"fill='{CARD}' stroke='{LINE}'/>",
            *box(self.titles[0], PAD, left, len(self.before)),
            *box(self.titles[1], PAD + left + GAP, right, len(self.after)),
        ]
        for line in sorted(self.lines, key=lambda line: line.fate is not Fate.PASSES):
            parts += self.drawn(line, PAD + left, PAD + left + GAP)
        return "".join([*parts, *legend(bottom + 28), "</svg>"])

    def drawn(self, line: Line, start: float, end: float) -> list[str]:
        """Return a line on either side, and what joins the two, from x `start` to `end`."""
        colour = COLOURS[line.fate]
        ink = INK if line.fate is Fate.PASSES else colour
        left, right = self.texts(line)
        before = TOP + ROW * (line.before or 0) + ROW / 2
        after = TOP + ROW * (line.after or 0) + ROW / 2
        parts = []
        if line.before is not None:
            x = start - width_of([*self.before, self.titles[0]]) + 12
            parts.append(label(left, x, before + 4.5, ink, "start", "500"))
        if line.after is not None:
            parts.append(label(right, end + 12, after + 4.5, ink, "start", "500"))
        if line.after is None:
            parts.append(stub(start, start + 34, before, colour))
        elif line.before is None:
            parts.append(f"<circle cx='{end - 34:.1f}' cy='{after}' r='3.5' fill='{colour}'/>")
            parts.append(curve(end - 34, after, end, after, colour))
        else:
            parts.append(curve(start, before, end, after, colour))
        return parts

    def sentences(self) -> Iterator[str]:
        """Yield each line in words."""
        for line in self.lines:
            left, right = self.texts(line)
            both = left if left == right else " → ".join(filter(None, (left, right)))
            yield f"{both}: {line.fate.value}"


def short(text: str) -> str:
    """Return a line as it is shown."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def width_of(lines: Sequence[str]) -> float:
    """Return how wide a box with these lines is."""
    return max(len(short(line)) for line in lines) * CHARACTER + 24


def box(title: str, x: float, width: float, count: int) -> list[str]:
    """Return a head's box, with who sent it or got it above."""
    return [
        f"<rect x='{x:.1f}' y='{TOP - 8}' width='{width:.1f}' height='{ROW * count + 16}' "
        f"rx='6' fill='{HEAD}' stroke='{LINE}'/>",
        label(title, x + 12, TOP - 22, INK, "start", "600"),
    ]


def curve(x: float, y: float, end: float, after: float, colour: str) -> str:
    """Return an arrow from one line to another one."""
    middle, tip = (x + end) / 2, f"L{end - 9:.1f},"
    return (
        f"<path d='M{x:.1f},{y} C{middle:.1f},{y} {middle:.1f},{after} {end - 8:.1f},{after}' "
        f"stroke='{colour}' stroke-width='1.6' fill='none'/>"
        f"<path d='M{end - 9:.1f},{after - 4} L{end - 1:.1f},{after} {tip}{after + 4} Z' "
        f"fill='{colour}'/>"
    )


def stub(x: float, end: float, y: float, colour: str) -> str:
    """Return the way of what stays behind, and the cross at which it ends."""
    mark = f"M{end - 5:.1f},{y - 5} l10,10 m0,-10 l-10,10"
    return (
        f"<path d='M{x:.1f},{y} H{end:.1f}' stroke='{colour}' stroke-width='1.6' "
        f"stroke-dasharray='4 4'/><path d='{mark}' stroke='{colour}' stroke-width='2' fill='none'/>"
    )


def legend(y: float) -> Iterator[str]:
    """Yield what each colour means."""
    x: float = PAD + 6
    for fate, colour in COLOURS.items():
        yield f"<circle cx='{x:.1f}' cy='{y - 4}' r='5' fill='{colour}'/>"
        yield label(fate.value, x + 12, y, INK, "start", "500")
        x += 12 + len(fate.value) * CHARACTER + 26


def passage(
    sent: bytes, got: bytes, titles: tuple[str, str] = ("the client sent", "the backend got")
) -> Passage:
    """Return a picture of a head before and after the proxy."""
    return Passage(sent, got, titles)
