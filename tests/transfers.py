"""Transfers through a relay, drawn by lot: splits, pauses, half-closes and resets, by a seed.

Everything happens in one thread, turn by turn, so that a seed that fails can be run again.
"""

import select
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from rsp.loop import Loop
from rsp.pipes import Pipes
from rsp.relay import Relay
from tests.on_loop import LOOK, MEDIUM, SMALL, connected, descriptor, reset, turn

PATIENCE = 5  # seconds in which something must move
BYTES = Random(0).randbytes(1 << 20)  # what is sent is a part of this, which no other part equals
FULL = 65536  # bytes: one read of the relay's


@dataclass
class Far:
    """The far end of one side: what it will send and how it will end, and what it has seen."""

    name: str
    sock: socket.socket
    data: bytes
    resets_at: int | None  # after so many bytes sent; None: it ends well
    resets_late: bool  # after its end, while it still receives
    sent: int = 0
    got: bytearray = field(default_factory=bytearray)
    asleep: int = 0  # turns for which it does nothing
    ended: bool = False  # it has half-closed
    has_reset: bool = False
    saw: str = ""  # "end" or "reset"

    @property
    def done(self) -> bool:
        """Whether it has nothing left to do."""
        return self.has_reset or self.saw == "reset" or (self.ended and self.saw == "end")

    def act(self, lot: Random) -> bool:
        """Do something, or sleep; tell whether anything moved."""
        if self.done:
            return False
        if self.asleep:
            self.asleep -= 1
            return True
        if lot.random() < 0.15:
            self.asleep = lot.choice([1, 3, 20])
        try:
            return self.send(lot) | self.receive(lot)
        except ConnectionError:
            self.saw = self.saw or "reset"
            self.ended = True
            return True

    def send(self, lot: Random) -> bool:
        """Send a piece, or end in the way that was drawn."""
        if self.ended:
            if self.resets_late and lot.random() < 0.1:
                self.reset()
            return False
        stop = len(self.data) if self.resets_at is None else self.resets_at
        if self.sent < stop:
            size = lot.choice([1, 10, 1000, 30_000, FULL, 300_000])
            try:
                self.sent += self.sock.send(self.data[self.sent : min(stop, self.sent + size)])
            except BlockingIOError:
                return False
        elif self.resets_at is not None:
            self.reset()
        else:
            with suppress(OSError):  # a reset has come: receiving will tell
                self.sock.shutdown(socket.SHUT_WR)
            self.ended = True
        return True

    def reset(self) -> None:
        """Break off."""
        self.has_reset = True
        reset(self.sock)

    def receive(self, lot: Random) -> bool:
        """Take a piece of what has come."""
        if self.saw or self.has_reset:
            return False
        try:
            data = self.sock.recv(lot.choice([1, 500, 20_000, FULL, 300_000]))
        except BlockingIOError:
            return False
        self.got += data
        self.saw = "" if data else "end"
        return True


def drawn(lot: Random, name: str, sock: socket.socket) -> Far:
    """Return a far end with a fate."""
    sock.setblocking(False)
    some = lot.randrange(2, 2000), lot.randrange(2000, 100_000)
    size = lot.choice([0, 1, *some, FULL, 2 * FULL, 300_000, 900_000])
    start = lot.randrange(len(BYTES) - size)
    resets_at = lot.randrange(size + 1) if lot.random() < 0.2 else None
    return Far(name, sock, BYTES[start : start + size], resets_at, lot.random() < 0.1)


class Transfer:
    """One transfer: a relay, its two far ends, and the lots that are drawn for them."""

    def __init__(self, loop: Loop, pipes: Pipes | None, seed: int) -> None:
        self.seed, self.lot = seed, Random(seed)
        lot = self.lot
        (one, client), (other, upstream) = (
            connected(far=lot.choice([0, SMALL]), near=lot.choice([0, SMALL, MEDIUM]))
            for _ in range(2)
        )
        self.closed: list[Relay] = []
        self.relay = Relay(loop, client, upstream, self.closed.append, pipes)
        self.fars = [drawn(lot, "client", one), drawn(lot, "backend", other)]
        self.relay.start()

    @property
    def done(self) -> bool:
        """Whether everybody has nothing left to do."""
        return bool(self.closed) and all(far.done for far in self.fars)

    def act(self) -> bool:
        """Let each end have its turn, or not; tell whether anything moved."""
        moved = [far.act(self.lot) for far in self.fars if self.lot.random() < 0.8]
        return any(moved)

    def end(self) -> str:
        """Close what is open; return what was wrong, or nothing."""
        self.relay.close(reset=True)
        for far in self.fars:
            far.sock.close()
        if not self.done:
            return f"seed {self.seed}: it stands still"
        return wrong(self.seed, *self.fars) or wrong(self.seed, *reversed(self.fars))


def transfers(loop: Loop, pipes: Pipes | None, seeds: Iterable[int], at_a_time: int) -> list[str]:
    """Let transfers happen, some at a time; return what was wrong with any."""
    lot, left, underway, troubles = Random(at_a_time), list(seeds), list[Transfer](), list[str]()
    deadline = time.monotonic() + PATIENCE
    while left or underway:
        while left and len(underway) < at_a_time:
            underway.append(Transfer(loop, pipes, left.pop()))
        moved = [one.act() for one in underway]
        if any(moved):
            deadline = time.monotonic() + PATIENCE
        else:
            wait(loop, [far for one in underway for far in one.fars])
        turn(loop, lot.choice([0, 1, 1, 3]))
        stuck = time.monotonic() > deadline
        troubles += [one.end() for one in underway if one.done or stuck]
        underway = [] if stuck else [one for one in underway if not one.done]
    turn(loop)
    return [trouble for trouble in troubles if trouble]


def wait(loop: Loop, fars: list[Far]) -> None:
    """Wait until somebody can do something."""
    readers = [far.sock for far in fars if not far.done and not far.saw]
    writers = [far.sock for far in fars if not far.done and not far.ended]
    select.select([descriptor(loop), *readers], writers, [], LOOK)


def wrong(seed: int, far: Far, other: Far) -> str:
    """Tell what is wrong with what one end has got: no byte may be lost in silence."""
    what = f"seed {seed}: the {far.name} got {len(far.got)} of {other.sent} bytes, {far.saw!r}:"
    if not other.data[: other.sent].startswith(far.got):
        return f"{what} others than were sent"
    if far.saw == "end" and not (other.ended and far.got == other.data):
        return f"{what} a cut that looks like an end"
    if far.saw == "reset" and not other.has_reset:
        return f"{what} a reset by nobody"
    if not far.has_reset and not far.saw:
        return f"{what} nothing was told"
    return ""
