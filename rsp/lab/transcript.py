"""The transcript: who sent what to whom, drawn, as text, or as a table."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

from rsp.lab.drawing import Arrow, as_svg, as_text
from rsp.lab.order import arranged, client_lanes
from rsp.lab.recorder import RECORDER, Event, Kind
from rsp.lab.rest import at_rest
from rsp.lab.tables import print_table

SHOWN = 16  # bytes of a message that is no HTTP
LONGEST = 60  # characters of a first line


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
            return f"{describe(self.data)} ({size_of(self.data)})"
        return self.data.decode() if self.kind is Kind.NOTE else self.kind.value

    def __str__(self) -> str:
        if self.kind is Kind.NOTE:
            return f"{self.sender}: {self.label}"
        return f"{self.sender} → {self.receiver}: {self.label}"


def describe(data: bytes) -> str:
    """Return the first line of an HTTP message, or the first bytes of anything else."""
    line = data.partition(b"\r\n")[0]
    if b"HTTP/" in line and line.isascii() and line.decode().isprintable():
        return line.decode() if len(line) <= LONGEST else f"{line[:LONGEST].decode()}…"
    text = data[:SHOWN].decode("latin-1").encode("unicode_escape").decode()
    return f"“{text}{'…' * (len(data) > SHOWN)}”"


def size_of(data: bytes) -> str:
    """Return the length of `data` with its unit."""
    return f"{len(data):,} byte{'s' * (len(data) != 1)}"


class Transcript:
    """Steps in order; shows as a sequence diagram, prints as one in plain text."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.steps = list(steps_of(events))

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __str__(self) -> str:
        return as_text(self.arrows())

    __repr__ = __str__

    def _repr_svg_(self) -> str:
        return as_svg(self.arrows())

    def arrows(self) -> list[Arrow]:
        """Return the steps as the drawing wants them."""
        return [Arrow(step.sender, step.receiver, step.label, step.kind) for step in self]

    def table(self) -> None:
        """Print the steps as a table."""
        rows = []
        for number, step in enumerate(self, start=1):
            is_data = step.kind is Kind.DATA
            what = describe(step.data) if is_data else step.label
            size = f"{len(step.data):,}" if is_data else ""
            rows.append((str(number), step.sender, step.receiver, what, size))
        print_table(["", "from", "to", "what", "bytes"], rows)

    def bytes_sent(self, sender: str, receiver: str) -> int:
        """Return how many bytes went one way."""
        return sum(len(step.data) for step in self if step[:3] == (sender, receiver, Kind.DATA))


class Recording:
    """What the lab's ends see inside a `with`: for experiments without a proxy."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def __repr__(self) -> str:
        return f"<Recording: {len(self.events)} events>"

    def begin(self) -> None:
        """Record from now on."""
        RECORDER.begin(self.events)

    def end(self) -> None:
        """Record no more, once what is on its way has come."""
        at_rest()
        RECORDER.end(self.events)

    def transcript(self) -> Transcript:
        """Return what was seen since the `with` began."""
        at_rest()
        return Transcript(tuple(self.events))


def steps_of(events: Sequence[Event]) -> Iterator[Step]:
    """Yield the steps, with the clients' names."""
    names = client_names(events)
    for event in arranged(events):
        owner, other = names.get(event.lane, event.owner), event.other
        pair = (other, owner) if event.incoming else (owner, other)
        yield Step(*pair, event.kind, event.data)


def client_names(events: Sequence[Event]) -> dict[int, str]:
    """Return connection → name: `client` where there is one, else `client-1` and so on."""
    lanes = client_lanes(events)
    return {lane: f"client-{n}" if len(lanes) > 1 else "client" for n, lane in enumerate(lanes, 1)}
