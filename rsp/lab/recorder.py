"""The recorder: what the lab's own ends sent and received, in the order in which they saw it.

It sits at clients and backends, never inside a proxy: so it sees any proxy alike, ours, the
learner's, or one in another process and another language.
"""

import itertools
import threading
import time
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What can happen on a connection, as one end sees it."""

    CONNECT = "connect"
    DATA = "data"
    END = "end"  # no more bytes this way: a FIN (RFC 9293 §3.6)
    RESET = "reset"  # broken off: an RST (RFC 9293 §3.5.3)
    NOTE = "note"  # a word of the experiment's, such as "nothing came"


class Event(NamedTuple):
    """One thing that one end of the lab's saw."""

    time: float  # seconds, on the monotonic clock
    lane: int  # the connection, numbered as they were made
    thread: int  # who saw it: what one thread saw is in order
    sender: str
    receiver: str
    kind: Kind
    data: bytes
    at_client: bool  # seen by a client of the lab's, or by a backend


class Recorder:
    """A list of events that every end of the lab's adds to, from any thread."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.lanes = itertools.count(1)
        self.middle = "proxy"  # who stands between clients and backends just now
        self.direct: set[int] = set()  # ports of clients that talk to a backend of the lab's

    def __repr__(self) -> str:
        return f"<Recorder: {len(self.events)} events>"

    def add(
        self, lane: int, sender: str, receiver: str, kind: Kind, data: bytes, *, at_client: bool
    ) -> None:
        """Add what an end just saw."""
        now, thread = time.monotonic(), threading.get_ident()
        # list.append is atomic: no lock is needed.
        self.events.append(Event(now, lane, thread, sender, receiver, kind, data, at_client))


RECORDER = Recorder()
