"""Transfers through a relay, drawn by lot: splits, pauses, half-closes and resets, by a seed.

Everything happens in one thread, turn by turn, so that a seed that fails can be run again.
"""

import select
import socket
import time
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


def transfer(loop: Loop, pipes: Pipes | None, seed: int) -> str:
    """Let one transfer happen; return what was wrong with it, or nothing."""
    lot = Random(seed)
    (one, client), (other, upstream) = (
        connected(far=lot.choice([0, SMALL]), near=lot.choice([0, SMALL, MEDIUM])) for _ in range(2)
    )
    closed: list[Relay] = []
    relay = Relay(loop, client, upstream, closed.append, pipes)
    fars = [drawn(lot, "client", one), drawn(lot, "backend", other)]
    relay.start()
    deadline = time.monotonic() + PATIENCE
    while not (closed and all(far.done for far in fars)):
        moved = [far.act(lot) for far in fars if lot.random() < 0.7 or far is fars[0]]
        if any(moved):
            deadline = time.monotonic() + PATIENCE
        elif time.monotonic() > deadline:
            relay.close(reset=True)
            closed.clear()
            break
        else:
            wait(loop, fars)
        turn(loop, lot.choice([0, 1, 1, 3]))
    turn(loop)
    for far in fars:
        far.sock.close()
    if not closed:
        return f"seed {seed}: it stands still"
    return wrong(seed, fars[0], fars[1]) or wrong(seed, fars[1], fars[0])


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
