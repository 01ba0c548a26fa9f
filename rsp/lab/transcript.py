"""The transcript: who sent what to whom, in an order that is the same in every run.

One exchange recorded often shows many orders: two ends see their events in two threads, and a
send arrives in one read or in two. What is certain is kept: the order on each connection, what a
client did before what, and that bytes come out of a proxy after they went in. The rest is chosen.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from rsp.lab import drawing
from rsp.lab.recorder import RECORDER, Event, Kind


class Step(NamedTuple):
    """One arrow of the transcript: bytes of one direction are one step, however they were cut."""

    sender: str
    receiver: str
    kind: Kind
    data: bytes

    @property
    def label(self) -> str:
        """What the arrow says."""
        if self.kind is Kind.DATA:
            return describe(self.data)
        return self.data.decode() if self.kind is Kind.NOTE else self.kind.value

    def __str__(self) -> str:
        if self.kind is Kind.NOTE:
            return f"{self.sender}: {self.label}"
        return f"{self.sender} → {self.receiver}: {self.label}"


def describe(data: bytes) -> str:
    """Return the first line of a message and its length, or the first bytes of anything else."""
    size = f"{len(data):,} byte{'s' * (len(data) != 1)}"
    line = data.partition(b"\r\n")[0]
    if b"HTTP/" in line and line.isascii():
        return f"{line.decode()}  ({size})"
    shown = data[:16].decode("ascii", "backslashreplace").encode("unicode_escape").decode()
    return f"“{shown}{'…' * (len(data) > 16)}”  ({size})"


class Transcript:
    """Steps in order; shows as a sequence diagram, prints as one in plain text."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.steps = list(steps_of(list(events)))

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __str__(self) -> str:
        return drawing.as_text(self.arrows())

    __repr__ = __str__

    def _repr_svg_(self) -> str:
        return drawing.as_svg(self.arrows())

    def arrows(self) -> list[drawing.Arrow]:
        """Return the steps as the drawing wants them."""
        return [
            drawing.Arrow(step.sender, step.receiver, step.label, step.kind.value) for step in self
        ]

    def table(self) -> None:
        """Print the steps as a table."""
        rows = [(str(number), *row(step)) for number, step in enumerate(self, 1)]
        drawing.print_table(["", "from", "to", "what", "bytes"], rows)

    def bytes_sent(self, sender: str, receiver: str) -> int:
        """Return how many bytes went one way."""
        pair = (sender, receiver)
        return sum(len(s.data) for s in self if s[:2] == pair and s.kind is Kind.DATA)


def row(step: Step) -> tuple[str, str, str, str]:
    """Return a step as cells of a table."""
    if step.kind is Kind.DATA:
        return step.sender, step.receiver, step.label.rpartition("  (")[0], f"{len(step.data):,}"
    return step.sender, step.receiver, step.label, ""


class Recording:
    """What the lab's ends see inside a `with`: for experiments without a proxy."""

    def __init__(self) -> None:
        self.since = 0

    def __enter__(self) -> "Recording":
        self.since = len(RECORDER.events)
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def transcript(self) -> Transcript:
        """Return what was seen since the `with` began."""
        return Transcript(RECORDER.events[self.since :])


def steps_of(events: list[Event]) -> Iterator[Step]:
    """Yield the steps: between two notes everything had come to rest, so each part stands alone."""
    names = client_names(events)
    owner = owners(events)
    for part in split_at_notes(events):
        for event in merged(ordered(part, owner)):
            sender, receiver = event.sender, event.receiver
            if event.at_client:
                name = names[event.lane]
                sender, receiver = (
                    (name, receiver) if sender == "client" else (sender, name)
                )
            yield Step(sender, receiver, event.kind, event.data)


def client_names(events: Iterable[Event]) -> dict[int, str]:
    """Return lane → name: `client` where there is one, else `client-1` and so on."""
    lanes = sorted({event.lane for event in events if event.at_client})
    return {lane: f"client-{n}" if len(lanes) > 1 else "client" for n, lane in enumerate(lanes, 1)}


def split_at_notes(events: list[Event]) -> Iterator[list[Event]]:
    """Yield the events up to each note, the note last."""
    part: list[Event] = []
    for event in events:
        part.append(event)
        if event.kind is Kind.NOTE:
            yield part
            part = []
    yield part


def sent_in(events: Iterable[Event], lane: int) -> bytes:
    """Return all that went towards the backend on one connection."""
    mine = (e for e in events if e.lane == lane and e.kind is Kind.DATA)
    return b"".join(e.data for e in mine if e.at_client == (e.sender == "client"))


def owners(events: list[Event]) -> dict[int, int]:
    """Return, for each connection to a backend, the client's that it was most likely made for."""
    clients = sorted({e.lane for e in events if e.at_client})
    asked = {lane: sent_in(events, lane).partition(b"\r\n")[0] for lane in clients}
    owner: dict[int, int] = {}
    for lane in sorted({e.lane for e in events if not e.at_client}):
        got = sent_from_proxy(events, lane).partition(b"\r\n")[0]
        free = [client for client in clients if client not in owner.values()] or clients
        alike = [client for client in free if asked[client].startswith(got) and bool(got) == bool(asked[client])]
        if free:
            owner[lane] = (alike or free)[0]
    return owner


def sent_from_proxy(events: Iterable[Event], lane: int) -> bytes:
    """Return all that a backend got on one connection."""
    mine = [e for e in events if e.lane == lane]
    backend = mine[0].receiver if mine else ""
    return b"".join(e.data for e in mine if e.kind is Kind.DATA and e.receiver == backend)


def ordered(part: list[Event], owner: dict[int, int]) -> Iterator[Event]:
    """Yield the events of one part: what a client got comes after what the backend said for it."""
    waiting = {
        lane: list(events)
        for lane, events in groupby(
            sorted((e for e in part if not e.at_client and e.kind is not Kind.NOTE), key=lambda e: e.lane),
            key=lambda e: e.lane,
        )
    }
    for event in program_order(part):
        if event.at_client and event.receiver == "client" or event.kind is Kind.NOTE:
            mine = [q for lane, q in waiting.items() if event.kind is Kind.NOTE or owner.get(lane) == event.lane]
            for queue in mine:
                yield from until_next_request(queue, everything=event.kind is Kind.NOTE)
        yield event
    for queue in waiting.values():
        yield from queue


def program_order(part: list[Event]) -> list[Event]:
    """Return the clients' events: as they were made in one thread; client by client in several."""
    mine = [event for event in part if event.at_client or event.kind is Kind.NOTE]
    if len({event.thread for event in mine}) > 1:
        mine.sort(key=lambda event: (event.kind is Kind.NOTE, event.lane))
    return mine


def until_next_request(queue: list[Event], *, everything: bool) -> Iterator[Event]:
    """Take from `queue` one request to the backend and what it said to that."""
    answered = False
    while queue:
        event = queue[0]
        to_backend = event.receiver == queue_backend(queue)
        if not everything and answered and to_backend and event.kind is Kind.DATA:
            return
        answered = answered or not to_backend
        yield queue.pop(0)
