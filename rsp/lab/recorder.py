"""The recorder: what the lab's own ends sent and received, in the order in which they saw it.

It sits at clients and backends, never inside a proxy: so it sees any proxy alike, ours, the
learner's, or one in another process and another language.
"""

import itertools
import threading
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What can happen on a connection, as one end sees it."""

    CONNECT = "connect"
    DATA = "data"
    END = "end"  # no more bytes this way: a FIN (RFC 9293 §3.6)
    RESET = "reset"  # broken off: an RST (RFC 9293 §3.5.3)
    NOTE = "note"  # a word of the experiment's, such as "no answer yet"


class Event(NamedTuple):
    """One thing that one end of the lab's saw."""

    lane: int  # the connection, numbered as they were made
    thread: int  # who saw it: what one thread saw is in order
    owner: str  # the end that saw it
    other: str  # who stands at the far side
    kind: Kind
    data: bytes
    at_client: bool  # the owner is a client of the lab's, or else a backend
    incoming: bool  # it came from the other, or else it went there

    @property
    def to_backend(self) -> bool:
        """Tell whether it goes from the client's side to the backend's."""
        return self.at_client != self.incoming


class Recorder:
    """Gives each event, from any thread, to every recording that goes on just now."""

    def __init__(self) -> None:
        self.recordings: tuple[list[Event], ...] = ()  # replaced, never changed: no lock to read
        self.lock = threading.Lock()
        self.lanes = itertools.count(1)
        self.middle = "proxy"  # who stands between clients and backends just now
        # Connections from a client of the lab's to a backend of the lab's, as their two ports.
        self.direct: set[tuple[int, int]] = set()

    def __repr__(self) -> str:
        return f"<Recorder: {len(self.recordings)} recordings go on>"

    def add(self, event: Event) -> None:
        """Add what an end just saw; list.append is atomic, no lock is needed."""
        for events in self.recordings:
            events.append(event)

    def begin(self, events: list[Event]) -> None:
        """Add to that list from now on."""
        with self.lock:
            self.recordings = (*self.recordings, events)

    def end(self, events: list[Event]) -> None:
        """Leave that list as it is from now on."""
        with self.lock:
            self.recordings = tuple(one for one in self.recordings if one is not events)


RECORDER = Recorder()


def here() -> int:
    """Return the kernel's number of the thread that calls; Python's may be given again at once."""
    return threading.get_native_id()
