"""Checks of notebook 08."""

import select
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any, Self

from rsp.lab.checks import exercise, expect
from rsp.lab.settings import HOST, TIMEOUT
from rsp.lab.tempers import pattern

LONG = 1024 * 1024  # bytes: more than a socket of SMALL takes
SMALL = 16 * 1024  # bytes of a send buffer; the kernel doubles it (man 7 socket)
RESET = struct.pack("ii", 1, 0)  # SO_LINGER for 0 seconds

Events = Sequence[tuple[str, str]]
Pair = tuple[socket.socket, socket.socket]  # the end in our hands, and the far one


@contextmanager
def a_pair() -> Iterator[Pair]:
    """Give the two sockets of a connection; the first one does not wait, and keeps little."""
    with socket.create_server((HOST, 0)) as listener:
        far = socket.create_connection(listener.getsockname(), TIMEOUT)
        near, _ = listener.accept()
    with near, far:
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        near.setblocking(False)
        yield near, far


def break_off(near: socket.socket, far: socket.socket) -> None:
    """Let the far side break off, and wait until the near one can know."""
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    far.close()
    select.select([near], [], [], TIMEOUT)


@exercise("8.1")
def sends_what_there_is_room_for(send_some: Callable[[socket.socket, bytearray], int]) -> None:
    """A little goes at once, a lot in parts, none is lost; what is broken is told."""
    with a_pair() as (near, far):
        pending = bytearray(b"hello")
        sent = send_some(near, pending)
        expect(sent == 5, f"there was room for 5 bytes, and it returned {sent}")
        expect(not pending, f"all 5 bytes were sent, and {len(pending)} are pending still")
        expect(far.recv(100) == b"hello", "5 bytes were pending, and others came")
    sends_a_lot(send_some)
    with a_pair() as (near, far):
        break_off(near, far)
        with suppress(ConnectionError):
            sent = send_some(near, bytearray(b"hello"))
            expect(False, f"the other side is gone, and it returned {sent}: that is no full buffer")


def sends_a_lot(send_some: Callable[[socket.socket, bytearray], int]) -> None:
    """Nothing is lost and nothing doubled, however often there is no room."""
    data = pattern(LONG)
    pending, got, total = bytearray(data), b"", 0
    with a_pair() as (near, far):
        while pending:
            before = len(pending)
            try:
                sent = send_some(near, pending)
            except BlockingIOError:
                expect(False, "there was no room, and it raised BlockingIOError")
            expect(isinstance(sent, int), f"it returned {sent!r}, not a number")
            gone = before - len(pending)
            expect(gone == sent, f"it returned {sent}, and {gone} bytes were taken from pending")
            total += sent
            if not sent:
                expect(len(got) < total, "there was room again, and nothing was sent")
                got += received(far, total - len(got))
                select.select([], [near], [], TIMEOUT)  # what came is acknowledged a little later
        got += received(far, total - len(got))
    expect(got == data, f"of {LONG:,} bytes {len(got):,} came, and not in their order or not all")


def received(far: socket.socket, count: int) -> bytes:
    """Return so many bytes, or those that come in time."""
    got = bytearray()
    with suppress(TimeoutError):
        while len(got) < count and (data := far.recv(65_536)):
            got += data
    return bytes(got)


@exercise("8.2")
def remembers_between_the_marks(gate: Callable[[int, int], Callable[[int], bool]]) -> None:
    """Paused from high water on, until low water; each gate by itself."""
    paused = gate(10, 4)
    expect(callable(paused), f"it returns {type(paused).__name__}, not a function")
    told: list[int] = []
    for size, wanted in zip(SIZES, WANTED, strict=True):
        got = paused(size)
        told.append(size)
        went = ", ".join(map(str, told))
        expect(
            bool(got) == wanted,
            f"high 10, low 4, pending was {went}: it says {'pause' if got else 'read'}",
        )
    first, second = gate(10, 4), gate(100, 40)
    first(10)
    expect(not second(50), "two gates have one memory: what one was told, the other one knows")
    expect(first(5), "two gates have one memory: what one was told, the other one forgets")


SIZES = [0, 9, 10, 9, 5, 4, 5, 9, 12, 5, 0, 9]
WANTED = [False, False, True, True, True, False, False, False, True, True, False, False]

C, B = "client", "backend"
FATES: list[tuple[Events, str, str]] = [
    ([], "open", "nothing has happened"),
    ([(C, "end")], "open", "the client has ended, and the answer is still to come"),
    ([(B, "end")], "open", "the backend has ended, and an upload may still go on"),
    ([(B, "end"), (B, "end")], "open", "one side has ended, and was told so twice"),
    ([(C, "end"), (B, "end")], "close", "both have ended, and nothing is pending"),
    ([(B, "end"), (C, "end")], "close", "both have ended, and nothing is pending"),
    ([(C, "behind"), (B, "end"), (C, "end")], "open", "both have ended, and one is behind"),
    ([(C, "behind"), (B, "end"), (C, "end"), (C, "has all")], "close", "the last one has all now"),
    (
        [(C, "behind"), (B, "behind"), (B, "end"), (C, "end"), (C, "has all")],
        "open",
        "one is behind",
    ),
    (
        [(C, "behind"), (C, "has all"), (C, "end"), (B, "end")],
        "close",
        "both ended, none is behind",
    ),
    (
        [(C, "behind"), (C, "behind"), (C, "end"), (B, "end"), (C, "has all")],
        "close",
        "both ended, and none is behind, though one was told so twice",
    ),
    ([(C, "error")], "reset", "one broke"),
    ([(C, "end"), (C, "behind"), (B, "error")], "reset", "one broke, and the other one is behind"),
    ([(B, "error"), (C, "end"), (B, "end")], "reset", "one broke, and what came then is too late"),
    ([(C, "end"), (B, "end"), (C, "error")], "close", "all was over, and then came an error"),
]


@exercise("8.3")
def knows_the_fate(fate: Callable[[list[tuple[str, str]]], str]) -> None:
    """Both must have ended, and nobody be behind; an error does not wait."""
    for events, wanted, told in FATES:
        got = fate(list(events))
        expect(
            got in ("open", "close", "reset"), f"{told}: it says {got!r}, which is none of three"
        )
        expect(got == wanted, f"{told}: it says {got!r}")


@exercise("8.4")
def ends_both_after_an_error(broken: Callable[[Any, OSError], None], s08_queue: ModuleType) -> None:
    """Both are closed by a reset; the other one may be closed already."""
    original, s08_queue.End.broken = s08_queue.End.broken, broken
    try:
        with a_pair() as client, a_pair() as upstream:
            both_go(Ends(s08_queue, client, upstream))
        with a_pair() as client, a_pair() as upstream:
            one_has_gone(Ends(s08_queue, client, upstream))
    finally:
        s08_queue.End.broken = original


class Ends:
    """The two ends of a connection, on a loop that does not run; some bytes are pending."""

    def __init__(self, stage: ModuleType, client: Pair, upstream: Pair) -> None:
        self.all_ends, self.loop = stage.ENDS, stage.s07_loop.Loop()
        self.client, self.upstream, self.at_backend = client, upstream, upstream[1]
        self.end, self.other = stage.End(self.loop, client[0]), stage.End(self.loop, upstream[0])
        self.end.other, self.other.other = self.other, self.end
        self.end.pending += b"what nobody will read"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.all_ends.difference_update({self.end, self.other})
        self.loop.selector.close()

    def is_open(self, end: Any) -> bool:
        """Tell whether an end is neither closed nor about to be, or is still kept."""
        closed = end.sock.fileno() == -1 or end.sock in self.loop.leaving
        return end in self.all_ends or not closed

    def close_all(self) -> None:
        """Close what is to be closed at the end of a round."""
        while self.loop.leaving:
            self.loop.leaving.pop().close()


def both_go(ends: Ends) -> None:
    """An error of one closes two, and the backend sees that something broke."""
    after = "after an error at the client's end"
    with ends:
        break_off(*ends.client)
        ends.end.flush()
        mine, others = ends.is_open(ends.end), ends.is_open(ends.other)
        expect(not (mine and others), f"{after} both are still open")
        expect(not mine, f"{after} it is still open itself")
        expect(not others, f"{after} the backend's is still open")
        at_once = -1 in (ends.end.sock.fileno(), ends.other.sock.fileno())
        expect(not at_once, f"{after} a socket is closed in the middle of the loop's round")
        ends.close_all()
        try:
            ended = ends.at_backend.recv(100) == b""
        except ConnectionResetError:
            ended = False
        expect(not ended, "the client broke off, and the backend takes it for a good end")


def one_has_gone(ends: Ends) -> None:
    """The upstream has been closed before: then only the client is left to close."""
    before = "the other end had been closed before, and"
    with ends:
        ends.other.close()
        ends.close_all()
        break_off(*ends.client)
        try:
            ends.end.flush()
        except (OSError, ValueError) as error:
            expect(False, f"{before} it raised {type(error).__name__}: {error}")
        expect(not ends.is_open(ends.end), f"{before} this one stays open")
        ends.close_all()
