"""The pictures of a record: bars on a white card, so that a dark theme cannot hide their words."""

from collections.abc import Iterator
from html import escape

from rsp.lab.drawing import CARD, COLOURS, INK, LINE, label
from rsp.lab.recorder import Kind
from tools.bench_figures import RSP, RSP_HTTP, Row, rows
from tools.bench_record import Record
from tools.bench_tables import micro, milli

WIDTH, NAMES, BAR, MARGIN = 760, 210, 400, 24  # px: all, the names' column, the longest bar, sides
ROW, HEAD, GAP = 24, 34, 14  # px: a bar with its space, the words above a group, below it
OURS, OTHERS = COLOURS[Kind.DATA], "#98a2b3"


def cpu(record: Record, per: str) -> str:
    """Return the CPU of every load that is counted by `per`, as an SVG."""
    groups = {}
    for load, facts in record.loads.items():
        if facts.per == per:
            values = {row.peer: (row.cost, micro(row.cost)) for row in single(record, load)}
            groups[f"{facts.words} (µs of CPU per {per})"] = values
    return drawn(record, f"CPU per {per}, less is better", groups)


def latency(record: Record) -> str:
    """Return the slowest hundredth of the answers of every small load, as an SVG."""
    groups = {}
    for load, facts in record.loads.items():
        if facts.per == "request":
            found = sorted(single(record, load), key=lambda row: row.p99 or 0)
            values = {row.peer: (row.p99, milli(row.p99)) for row in found}
            groups[f"{facts.words} (ms within which 99 % were answered)"] = values
    return drawn(record, "Latency, less is better", groups)


def single(record: Record, load: str) -> list[Row]:
    """Return the rows of a load that have figures, twins left out."""
    found = [row for row in rows(record, load) if row.cost is not None]
    return [row for row in found if not record.peers[row.peer].twin]


Groups = dict[str, dict[str, tuple[float | None, str]]]


def drawn(record: Record, title: str, groups: Groups) -> str:
    """Return groups of bars, each group on a scale of its own."""
    height = 2 * MARGIN + sum(HEAD + ROW * len(values) + GAP for values in groups.values())
    told = escape(f"{title}. {'; '.join(sentences(record, groups))}.", quote=True)
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' "
        f"viewBox='0 0 {WIDTH} {height}' role='img' aria-label='{told}'>",
        f"<title>{told}</title>",
        f"<rect x='.5' y='.5' width='{WIDTH - 1}' height='{height - 1}' rx='8' "
        f"fill='{CARD}' stroke='{LINE}'/>",
    ]
    top = MARGIN
    for words, values in groups.items():
        parts.append(label(words, MARGIN, top + 14, INK, "start", "600"))
        parts += group(record, values, top + HEAD)
        top += HEAD + ROW * len(values) + GAP
    return "".join([*parts, "</svg>"])


def group(record: Record, values: dict[str, tuple[float | None, str]], top: int) -> Iterator[str]:
    """Yield the bars of one group, from `top` down."""
    longest = max((value or 0 for value, _ in values.values()), default=0) or 1
    for place, (peer, (value, words)) in enumerate(values.items()):
        y = top + place * ROW
        colour, weight = (OURS, "600") if peer in (RSP, RSP_HTTP) else (OTHERS, "400")
        length = max(1, BAR * (value or 0) / longest)
        left = MARGIN + NAMES
        yield label(record.peers[peer].words, left - 10, y + 14, INK, "end", weight)
        yield (
            f"<rect x='{left}' y='{y + 2}' width='{length:.1f}' height='{ROW - 8}' rx='2' "
            f"fill='{colour}'/>"
        )
        yield label(words, left + length + 8, y + 14, INK, "start", weight)


def sentences(record: Record, groups: Groups) -> Iterator[str]:
    """Yield each group in words."""
    for words, values in groups.items():
        listed = ", ".join(
            f"{record.peers[peer].words} {said}" for peer, (_, said) in values.items()
        )
        yield f"{words}: {listed}"
