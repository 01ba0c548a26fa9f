"""Two readers of a request's host, as one writes them in an evening; where they disagree, drawn.

Both read what everybody sends. Neither is right: a proxy that is one of them stands before a
backend that is the other one (notebook 10).
"""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import NamedTuple

from rsp.lab.boards import GREEN, GREY, PALE, RED
from rsp.lab.drawing import CARD, CHARACTER, INK, LINE, label

LEFT, HEAD, ROW, PAD = 24, 52, 50, 14  # px: the side, above the first row, a row, in a cell


def lenient(message: bytes) -> str:
    """Return the host of a request; who reads so wants to understand everybody."""
    fields = {}
    for line in message.decode("latin-1").splitlines()[1:]:
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    return fields.get("host", "")


def literal(message: bytes) -> str:
    """Return the host of a request; who reads so takes each line as it stands."""
    for line in message.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"host":
            return value.strip().decode("latin-1")
    return ""


class Row(NamedTuple):
    """A message, what is odd about it, and what each reader makes of it."""

    what: str
    shown: str
    verdicts: Sequence[str]


class Verdicts:
    """What several readers make of the same messages; shows as a picture, prints as text."""

    def __init__(self, heads: Sequence[str], rows: Sequence[Row]) -> None:
        self.heads, self.rows = heads, rows

    def __repr__(self) -> str:
        return as_text(self.heads, self.rows)

    def _repr_svg_(self) -> str:
        return as_svg(self.heads, self.rows)

    def disputed(self) -> list[str]:
        """Return the messages of which there are two readings."""
        return [row.what for row in self.rows if len(readings(row)) > 1]


def verdicts(
    readers: Mapping[str, Callable[[bytes], str]], messages: Mapping[str, bytes]
) -> Verdicts:
    """Ask each reader about each message: what is odd about it → its bytes."""
    rows = [
        Row(what, shown(message), [read(message) for read in readers.values()])
        for what, message in messages.items()
    ]
    return Verdicts(list(readers), rows)


def shown(message: bytes) -> str:
    """Return the fields of a message, one behind the other, with what is between them."""
    fields = message.partition(b"\r\n")[2].removesuffix(b"\r\n\r\n")
    return fields.decode("latin-1").encode("unicode_escape").decode()


def is_refusal(verdict: str) -> bool:
    """Tell whether a verdict is a refusal: it begins with a status."""
    return verdict[:3].isdigit()


def readings(row: Row) -> set[str]:
    """Return what those make of it who do not refuse it."""
    return {verdict for verdict in row.verdicts if not is_refusal(verdict)}


def as_text(heads: Sequence[str], rows: Sequence[Row]) -> str:
    """Return each message with its verdicts, in lines."""
    lines = []
    for row in rows:
        told = (f"{head}: {verdict}" for head, verdict in zip(heads, row.verdicts, strict=True))
        split = " (two readings)" if len(readings(row)) > 1 else ""
        lines += [f"{row.what}{split}", f"    {row.shown}", f"    {', '.join(told)}"]
    return "\n".join(lines)


def as_svg(heads: Sequence[str], rows: Sequence[Row]) -> str:
    """Return a row for each message: red where two readers disagree, green where one refuses."""
    first = max((len(text) for row in rows for text in (row.what, row.shown)), default=0)
    columns = [
        max(len(head), *(len(row.verdicts[number]) for row in rows))
        for number, head in enumerate(heads)
    ]
    places, x = [], LEFT + first * CHARACTER + PAD
    for longest in columns:
        places.append((round(x), round(longest * CHARACTER + 2 * PAD)))
        x += longest * CHARACTER + 2 * PAD + 8
    width, height = round(x - 8 + LEFT), HEAD + ROW * len(rows) + 12
    told = escape("; ".join(as_text(heads, rows).split("\n")), quote=True)
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' "
        f"viewBox='0 0 {width} {height}' role='img' aria-label='{told}'>",
        f"<title>{told}</title>",
        f"<rect x='.5' y='.5' width='{width - 1}' height='{height - 1}' rx='8' "
        f"fill='{CARD}' stroke='{LINE}'/>",
    ]
    for head, (place, wide) in zip(heads, places, strict=True):
        parts.append(label(head, place + wide / 2, 32, INK, "middle", "600"))
    for number, row in enumerate(rows):
        parts += drawn(row, HEAD + ROW * number, places)
    return "".join([*parts, "</svg>"])


def drawn(row: Row, y: int, places: Sequence[tuple[int, int]]) -> list[str]:
    """Return one row of the picture."""
    parts = [
        label(row.what, LEFT, y + 16, INK, "start", "600"),
        label(row.shown, LEFT, y + 33, GREY, "start", "500"),
    ]
    split = len(readings(row)) > 1
    for verdict, (x, wide) in zip(row.verdicts, places, strict=True):
        colour = GREEN if is_refusal(verdict) else RED if split else GREY
        parts += [
            f"<rect x='{x}' y='{y}' width='{wide}' height='{ROW - 8}' rx='6' "
            f"fill='{PALE[colour]}' stroke='{colour}'/>",
            label(
                verdict, x + wide / 2, y + 25, INK if colour == GREY else colour, "middle", "500"
            ),
        ]
    return parts
