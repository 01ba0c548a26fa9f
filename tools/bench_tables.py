"""The tables of a record: for people in a terminal, and as Markdown for the docs."""

from collections.abc import Iterator
from typing import NamedTuple

from rich.console import Console
from rich.table import Table as Shown

from tools.bench_figures import Judged, Row, Spread, Verdict, judged, noise, rows
from tools.bench_record import Idle, Record

NOTHING = "–"
NO_RESULT = "errors: no result"
NOT_MEASURED = "Not measured in this run."


class Table(NamedTuple):
    """A title, the heads of the columns, the rows, and a line to read below."""

    title: str
    heads: list[str]
    rows: list[list[str]]
    below: str = ""


def tables(record: Record) -> Iterator[Table]:
    """Yield all tables of a record: the bars, each load, the memory."""
    if (judgements := bars(record)).rows:
        yield judgements
    for load in record.loads:
        if any(sample.load == load for sample in record.samples):
            yield costs(record, load)
    if record.idle:
        yield memory(record)


def micro(seconds: float | None) -> str:
    """Return a time in microseconds, to three figures or so."""
    if seconds is None:
        return NOTHING
    return f"{seconds * 1e6:,.1f}" if seconds < 1e-4 else f"{seconds * 1e6:,.0f}"


def milli(seconds: float | None) -> str:
    """Return a time in milliseconds."""
    if seconds is None:
        return NOTHING
    return f"{seconds * 1e3:,.2f}" if seconds < 0.1 else f"{seconds * 1e3:,.0f}"


def times(ratio: Spread | None) -> str:
    """Return a ratio, with the lowest and the highest of the rounds."""
    if ratio is None:
        return NOTHING
    if ratio.low == ratio.high:  # a single round
        return f"{ratio.median:.2f}"
    return f"{ratio.median:.2f} ({ratio.low:.2f}–{ratio.high:.2f})"


def costs(record: Record, load: str) -> Table:
    """Return the table of one load."""
    facts = record.loads[load]
    heads = [
        "proxy",
        f"CPU, µs per {facts.per}",
        "rsp ÷ it",
        "requests/s",
        "median, ms",
        "99 %, ms",
    ]
    found = rows(record, load)
    client = f"{facts.tool}, {facts.connections} connections"
    return Table(
        f"{load}: {facts.words} ({client})",
        heads,
        [cells(record, row) for row in found],
        " ".join([*noises(record, load), *remarks(record, found)]),
    )


def cells(record: Record, row: Row) -> list[str]:
    """Return the cells of one proxy."""
    words = record.peers[row.peer].words
    if row.cost is None:
        return [words, NO_RESULT, NOTHING, NOTHING, NOTHING, NOTHING]
    rate = f"{row.rate:,.0f}" if row.rate is not None else NOTHING
    return [words, micro(row.cost), times(row.ratio), rate, milli(row.p50), milli(row.p99)]


def noises(record: Record, load: str) -> Iterator[str]:
    """Yield what is known of the noise of a load, kind by kind."""
    for kind in dict.fromkeys(facts.kind for facts in record.peers.values()):
        around = noise(record, load, kind)
        if around is not None:
            yield f"Noise of the kind {kind}: {around:.3f}."


def remarks(record: Record, found: list[Row]) -> Iterator[str]:
    """Yield what a reader must know of the samples."""
    for row in found:
        words = record.peers[row.peer].words
        if row.failed:
            yield f"{words}: {row.failed} of the samples had errors, and do not count."
        if row.capped:
            yield f"{words}: {row.capped} of the samples ended with too little CPU used."


def bars(record: Record) -> Table:
    """Return the table of what has to be reached."""
    heads = ["load", "against", "at most", "measured", "noise", "verdict"]
    return Table(
        "The bars: CPU of rsp ÷ CPU of a peer",
        heads,
        [verdict(record, one) for one in judged(record)],
    )


def verdict(record: Record, one: Judged) -> list[str]:
    """Return the row of one bar."""
    limit = f"{one.bar.limit:.2f}" + (f" (aim {one.bar.aim:.2f})" if one.bar.aim else "")
    said = one.verdict.value
    if one.verdict is Verdict.REACHED and one.aimed is not Verdict.UNKNOWN:
        said += f"; the aim: {one.aimed.value}"
    around = f"{one.noise:.3f}" if one.noise else "unknown"
    against = record.peers[one.bar.peer].words
    return [one.bar.load, against, limit, times(one.ratio), around, said]


def memory(record: Record) -> Table:
    """Return the table of what idle clients cost."""
    heads = ["proxy", "RSS without clients", "with them", "for each", "PSS for each"]
    counts = " or ".join(sorted({f"{one.clients:,}" for one in record.idle}))
    found = [held(record, one) for one in record.idle]
    return Table(f"idle: memory, with {counts} clients that keep still", heads, found)


def held(record: Record, one: Idle) -> list[str]:
    """Return the row of one proxy's memory."""
    mib = [f"{size / (1 << 20):.1f} MiB" for size in one.rss]
    each = [
        f"{(after - before) / one.clients / 1024:.2f} KiB" for before, after in (one.rss, one.pss)
    ]
    return [record.peers[one.peer].words, *mib, *each]


def markdown(table: Table) -> str:
    """Return a table in Markdown, without its title."""
    if not table.rows:
        return NOT_MEASURED
    lines = [table.heads, ["---", *["---:"] * (len(table.heads) - 1)], *table.rows]
    if table.heads[-1] == "verdict":
        lines[1] = ["---"] * len(table.heads)
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{text}\n\n{table.below}" if table.below else text


def show(record: Record, console: Console) -> None:
    """Print everything that a record says."""
    for table in tables(record):
        shown = Shown(
            title=table.title,
            caption=table.below or None,
            title_justify="left",
            caption_justify="left",
        )
        for place, head in enumerate(table.heads):
            shown.add_column(head, justify="left" if place == 0 else "right")
        for cells_of_row in table.rows:
            shown.add_row(*cells_of_row)
        console.print(shown)
    for peer, why in record.skipped.items():
        console.print(f"left out: {peer}: {why}", markup=False, highlight=False)
