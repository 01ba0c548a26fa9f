"""From samples to figures: what a request costs, ratios of one proxy to another, noise, bars.

A ratio is taken within a round, where both proxies met the same minute of the machine, and then the
median over the rounds. A sample with errors is no result, and its round does not count.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from statistics import median
from typing import NamedTuple

from tools.bench_loads import MIB
from tools.bench_record import Record, Sample

RSP, RSP_HTTP = "rsp", "rsp-http"


@dataclass(frozen=True)
class Bar:
    """What a proxy of ours has to reach: at most `limit` times the CPU of a peer."""

    subject: str
    load: str
    peer: str
    limit: float
    aim: float = 0.0  # what we would like beyond it; 0: no more than the limit


BARS = [
    Bar(RSP, "keep-alive", "haproxy-tcp", 1.0),
    Bar(RSP, "connect", "haproxy-tcp", 1.35),
    Bar(RSP, "1m", "nginx-http-tuned", 0.5),
    Bar(RSP, "1m", "haproxy-tcp-splice", 1.0, aim=0.7),
    Bar(RSP, "1m", "haproxy-http-tuned", 1.0, aim=0.7),
    Bar(RSP_HTTP, "keep-alive", "nginx-http-tuned", 1.2, aim=1.0),
    Bar(RSP_HTTP, "connect", "nginx-http-tuned", 1.5),
    Bar(RSP_HTTP, "10k", "nginx-http-tuned", 1.1),
    Bar(RSP_HTTP, "1m", "nginx-http-tuned", 0.6),
    Bar(RSP_HTTP, "keep-alive", "caddy", 0.4),
]


class Verdict(Enum):
    """Whether a bar is reached, as far as the noise lets one say."""

    REACHED = "reached"
    WITHIN = "within the noise of the bar"
    MISSED = "not reached"
    UNKNOWN = "not measured"


class Spread(NamedTuple):
    """The median of something over the rounds, the lowest and the highest."""

    median: float
    low: float
    high: float


class Row(NamedTuple):
    """One proxy under one load; None where no sample counts."""

    peer: str
    cost: float | None  # seconds of CPU for a request, or a MiB
    ratio: Spread | None  # the CPU of rsp of the same kind, divided by this one's
    rate: float | None  # requests a second
    p50: float | None
    p99: float | None
    failed: int  # samples with errors
    capped: int  # samples that ended before they had used enough CPU


def cost(record: Record, sample: Sample) -> float:
    """Return the seconds of CPU for what its load is counted by."""
    if record.loads[sample.load].per == "MiB":
        return sample.cpu / (sample.size / MIB)
    return sample.cpu / sample.requests


def ratios(record: Record, load: str, one: str, other: str) -> list[float]:
    """Return the cost of `one` divided by the cost of `other`, for each round that has both."""
    costs = {x.round: cost(record, x) for x in record.of(load, other) if x.good}
    mine = [x for x in record.of(load, one) if x.good and x.round in costs]
    return [cost(record, x) / costs[x.round] for x in mine]


def spread(values: list[float]) -> Spread | None:
    """Return the median and the ends; None of nothing."""
    return Spread(median(values), min(values), max(values)) if values else None


def noise(record: Record, load: str, kind: str) -> float | None:
    """Return how far the same proxy, measured twice in a round, is from itself: 1.05 is 5 %.

    The median over the rounds, which way it was off left aside; None where no twins were measured.
    """
    twins = [name for name, facts in record.peers.items() if facts.twin and facts.kind == kind]
    found = [ratio for name in twins for ratio in ratios(record, load, name, twin(record, name))]
    return median(max(ratio, 1 / ratio) for ratio in found) if found else None


def scatter(found: list[float]) -> float:
    """Return how far a round usually is from the median of all: 1.05 is 5 %."""
    middle = median(found)
    return median(max(one / middle, middle / one) for one in found)


def twin(record: Record, peer: str) -> str:
    """Return the peer that this one is the same as."""
    return record.peers[peer].twin


def rows(record: Record, load: str) -> list[Row]:
    """Return the figures of a load, the cheapest proxy first."""
    there = [peer for peer in record.peers if record.of(load, peer)]
    found = [row(record, load, peer) for peer in there]
    return sorted(found, key=lambda one: (one.cost is None, one.cost))


def row(record: Record, load: str, peer: str) -> Row:
    """Return the figures of one proxy under one load."""
    samples = record.of(load, peer)
    good = [sample for sample in samples if sample.good]
    ours = own(record, peer)

    def middle(of: Callable[[Sample], float]) -> float | None:
        return median(map(of, good)) if good else None

    return Row(
        peer,
        middle(lambda one: cost(record, one)),
        spread(ratios(record, load, ours, peer)) if peer != ours else None,
        middle(lambda one: one.requests / one.seconds),
        middle(lambda one: one.p50),
        middle(lambda one: one.p99),
        len(samples) - len(good),
        sum(sample.capped for sample in good),
    )


def own(record: Record, peer: str) -> str:
    """Return which of ours a peer is compared with: the one that does the same work."""
    reads = record.peers[peer].kind == "HTTP" and RSP_HTTP in record.peers
    return RSP_HTTP if reads else RSP


class Judged(NamedTuple):
    """A bar, what was measured, and what that says."""

    bar: Bar
    ratio: Spread | None
    noise: float | None  # of twins, or of the rounds among themselves where that is more
    verdict: Verdict
    aimed: Verdict  # the same of the aim; UNKNOWN where there is none


def judge(record: Record, bar: Bar) -> Judged:
    """Hold what was measured against a bar: beyond the noise, or it is no claim."""
    found = ratios(record, bar.load, bar.subject, bar.peer)
    ratio = spread(found)
    if ratio is None:
        return Judged(bar, None, None, Verdict.UNKNOWN, Verdict.UNKNOWN)
    around = noise(record, bar.load, record.peers[bar.peer].kind)
    if around is not None:
        around = max(around, scatter(found))
    aimed = verdict(ratio.median, bar.aim, around) if bar.aim else Verdict.UNKNOWN
    return Judged(bar, ratio, around, verdict(ratio.median, bar.limit, around), aimed)


def verdict(ratio: float, limit: float, around: float | None) -> Verdict:
    """Compare a ratio with a limit; without a known noise nothing can be claimed."""
    if around is None:
        return Verdict.WITHIN
    if ratio * around <= limit:
        return Verdict.REACHED
    return Verdict.MISSED if ratio / around > limit else Verdict.WITHIN


def judged(record: Record) -> Iterator[Judged]:
    """Yield each bar whose load and peers belong to this run."""
    for bar in BARS:
        if bar.load in record.loads and {bar.subject, bar.peer} <= set(record.peers):
            yield judge(record, bar)
