"""A loop that a test turns by hand, round by round, with a clock of the test's; sockets for it."""

import gc
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable

import pytest

from rsp import loop as loop_module
from rsp.loop import Loop
from rsp.net import AddrInfo

TIMEOUT = 2  # seconds
LOOK = 0.02  # seconds after which a test looks again, whoever may have moved
SMALL = 4096  # bytes: a buffer of the kernel's that is full soon; it doubles this (man 7 socket)
MEDIUM = 65536  # bytes: one that takes a full read
Sockets = tuple[socket.socket, socket.socket]


class Clock:
    """The loop's time, which only `pass_` moves on."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def pass_(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time that stands still until the test moves it; ask for it before the loop."""
    clock = Clock()
    monkeypatch.setattr(loop_module, "time", clock)
    return clock


def descriptors() -> set[str]:
    """Return the descriptors that are open, but none that only waits for the collector."""
    gc.collect()  # an earlier test may have left a traceback, with sockets in its frames
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    return set(os.listdir(folder))


def turn(loop: Loop, rounds: int = 1) -> None:
    """Let the loop have some rounds, none of which waits."""
    for _ in range(rounds):
        loop.stop()
        loop.run()


def turn_until(
    loop: Loop, holds: Callable[[], object], others: Iterable[socket.socket] = ()
) -> None:
    """Let the loop turn until something holds; it waits for events, and for those of `others`."""
    deadline = time.monotonic() + TIMEOUT
    while not holds():
        assert time.monotonic() < deadline, f"it never came about: {loop!r}"
        select.select([descriptor(loop), *others], [], [], LOOK)
        turn(loop)


def descriptor(loop: Loop) -> int:
    """Return the descriptor of the loop's poll, which is readable when it has something to tell."""
    return int(getattr(loop.poll, "selector", loop.poll).fileno())


def is_at_rest(loop: Loop) -> bool:
    """Tell whether the kernel has nothing to tell: a loop that were told again would spin."""
    return not loop.poll.poll(0, 100)


def connected(*, far: int = 0, near: int = 0) -> Sockets:
    """Return a connection's far end, for the test, and its near end, which does not wait.

    `far` is how many bytes the kernel takes at the far end, `near` how many it keeps to be sent
    at the near one; 0: as it likes.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
        listener.settimeout(TIMEOUT)
        if far:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, far)
        if near:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, near)
        client.connect(listener.getsockname())
        accepted, peer = listener.accept()
        while peer != client.getsockname():  # somebody who meant this port's last owner
            accepted.close()
            accepted, peer = listener.accept()
        accepted.setblocking(False)
        kept = socket.socket(fileno=client.detach())
        kept.settimeout(TIMEOUT)
        return kept, accepted


def reset(sock: socket.socket) -> None:
    """Close a socket so that the other end sees a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def fill(sock: socket.socket) -> int:
    """Send until the kernel takes no more; return how many bytes it took."""
    sock.setblocking(False)
    sent = 0
    try:
        while True:
            sent += sock.send(b"x" * 65536)
    except BlockingIOError:
        return sent


def connect_once(sock: socket.socket, entry: AddrInfo) -> int:
    """Begin to connect as to another machine: the answer comes later."""
    return sock.connect_ex(entry.sockaddr)
