"""The same bytes, as several readers cut them into messages: an SVG, or plain text."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from rsp.lab.boards import AMBER, BLUE, GREY, PALE, RED
from rsp.lab.careless import Ends, messages_in, name_of
from rsp.lab.drawing import CARD, CHARACTER, INK, LINE, label

LEFT, TOP, ROW, GAP = 24, 58, 24, 12  # px: the side, above the first line, a line, between columns
NARROWEST = 190  # px: a column
COLOURS = [BLUE, RED, AMBER]  # of the first message, the second, those behind it


class Part(NamedTuple):
    """A message as one reader sees it: from where to where, and whether it has its end."""

    start: int
    end: int
    name: str
    whole: bool


class Cuts:
    """Some bytes, and for each reader the messages that it finds there."""

    def __init__(self, data: bytes, found: dict[str, list[Part]]) -> None:
        self.data, self.found = data, found

    def __repr__(self) -> str:
        return "\n".join(sentences(self.found))

    def _repr_svg_(self) -> str:
        return as_svg(self.data, self.found)


def cuts(data: bytes, **readers: Ends) -> Cuts:
    """Let each reader, by its name, cut the same bytes."""
    return Cuts(data, {name: parts_of(data, ends) for name, ends in readers.items()})


def parts_of(data: bytes, ends: Ends) -> list[Part]:
    """Return what one reader finds."""
    parts, at = [], 0
    for message in messages_in(data, ends):
        whole = at + len(message) < len(data) or is_whole(message, ends)
        parts.append(Part(at, at + len(message), name_of(message), whole))
        at += len(message)
    return parts


def is_whole(message: bytes, ends: Ends) -> bool:
    """Tell whether a reader sees an end at the end."""
    try:
        return ends(message) == len(message)
    except ValueError:
        return False


def told(number: int, part: Part) -> str:
    """Return a message in words."""
    if part.whole:
        return f"{number}: {part.name}, {part.end - part.start} bytes"
    return f"{part.end - part.start} bytes, no whole request"


def sentences(found: dict[str, list[Part]]) -> list[str]:
    """Return what each reader finds, in words."""
    return [
        f"{name.replace('_', ' ')} finds {'; '.join(map(told, range(1, len(parts) + 1), parts))}"
        for name, parts in found.items()
    ]


def lines_of(data: bytes, found: dict[str, list[Part]]) -> list[tuple[int, bytes]]:
    """Return the bytes in lines, each with its place; where a reader cuts, a line ends, too."""
    places = {0, *(part.start for parts in found.values() for part in parts)}
    places |= {at + 2 for at in range(len(data)) if data.startswith(b"\r\n", at)}
    starts = sorted(places - {len(data)})
    return [(a, data[a:b]) for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]


def shown(line: bytes) -> str:
    """Return a line with its end to be seen."""
    return line.decode("latin-1").encode("unicode_escape").decode()


def as_svg(data: bytes, found: dict[str, list[Part]]) -> str:
    """Return the lines from top to bottom, and beside them a column for each reader."""
    lines = lines_of(data, found)
    middle = LEFT + round(max(len(shown(line)) for _, line in lines) * CHARACTER) + 2 * GAP
    longest = max(len(told(1, part)) for parts in found.values() for part in parts)
    wide = max(NARROWEST, round(longest * CHARACTER) + 2 * GAP)
    width = middle + len(found) * (wide + GAP) - GAP + LEFT
    height = TOP + ROW * len(lines) + 20
    words = escape("; ".join(sentences(found)), quote=True)
    drawn = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' "
        f"viewBox='0 0 {width} {height}' role='img' aria-label='{words}'>",
        f"<title>{words}</title>",
        f"<rect x='.5' y='.5' width='{width - 1}' height='{height - 1}' rx='8' "
        f"fill='{CARD}' stroke='{LINE}'/>",
        label("the bytes", LEFT, 34.5, GREY, "start", "600"),
    ]
    for number, (_, line) in enumerate(lines):
        drawn.append(label(shown(line), LEFT, TOP + ROW * number + 16, INK, "start"))
    for number, (name, parts) in enumerate(found.items()):
        x = middle + number * (wide + GAP)
        drawn.append(label(name.replace("_", " "), x + wide / 2, 34.5, INK, "middle", "600"))
        drawn += column(parts, [start for start, _ in lines], x, wide)
    return "".join([*drawn, "</svg>"])


def column(parts: Sequence[Part], starts: Sequence[int], x: int, wide: int) -> list[str]:
    """Return one reader's messages, each as high as its lines."""
    drawn = []
    for number, part in enumerate(parts):
        rows = [row for row, start in enumerate(starts) if part.start <= start < part.end]
        y, high = TOP + ROW * rows[0], ROW * len(rows) - 3
        colour = COLOURS[min(number, len(COLOURS) - 1)] if part.whole else GREY
        dashes = "" if part.whole else " stroke-dasharray='5 4'"
        drawn += [
            f"<rect x='{x}' y='{y}' width='{wide}' height='{high}' rx='6' "
            f"fill='{PALE[colour]}' stroke='{colour}'{dashes}/>",
            label(told(number + 1, part), x + wide / 2, y + high / 2 + 4, colour),
        ]
    return drawn
