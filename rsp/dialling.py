"""Dialling without waiting: connect to the first of several addresses that takes a connection.

When one fails, the next is tried at once; when one is slow, the next is tried beside it, and the
first to answer wins (RFC 8305 §5, in its plain form).
"""

import errno
import os
import socket
from collections.abc import Callable, Sequence

from rsp.errors import BackendError
from rsp.loop import Loop, Timer
from rsp.net import AddrInfo

DELAY = 0.25  # seconds before the next address is tried beside a slow one (RFC 8305 §8)
TIMEOUT = 5.0  # seconds for all of it
UNDERWAY = {0, errno.EINPROGRESS, errno.EWOULDBLOCK}


class Dialling:
    """One attempt to reach a backend: `on_connected(socket)` or `on_failed(error)` comes once."""

    __slots__ = (
        *("entries", "failures", "loop", "name", "next", "on_connected", "on_failed"),
        *("timers", "trying"),
    )

    def __init__(
        self,
        loop: Loop,
        name: str,
        entries: Sequence[AddrInfo],
        on_connected: Callable[[socket.socket], None],
        on_failed: Callable[[BackendError], None],
    ) -> None:
        self.loop, self.name, self.entries = loop, name, entries
        self.on_connected, self.on_failed = on_connected, on_failed
        self.next = 0
        self.trying: list[socket.socket] = []
        self.failures: list[str] = []
        self.timers: list[Timer] = []

    def __repr__(self) -> str:
        return f"<Dialling {self.name}: address {self.next} of {len(self.entries)}>"

    def start(self) -> None:
        """Try the first address; on the way nothing waits."""
        self.try_next()
        if self.trying:
            self.timers.append(self.loop.after(TIMEOUT, self.give_up))

    def try_next(self) -> None:
        """Try the next address; when there is none left and nothing underway, tell the owner."""
        while self.next < len(self.entries):
            entry = self.entries[self.next]
            self.next += 1
            if self.try_one(entry):
                if self.next < len(self.entries):
                    self.timers.append(self.loop.after(DELAY, self.try_beside))
                return
        if not self.trying:
            self.stop()
            self.on_failed(self.error())

    def try_beside(self) -> None:
        """Try the next address beside a slow one, unless there is none left."""
        if self.trying and self.next < len(self.entries):
            self.try_next()

    def try_one(self, entry: AddrInfo) -> bool:
        """Begin to connect; tell whether it is underway, or already done."""
        try:
            sock = socket.socket(entry.family, entry.type, entry.proto)
        except OSError as error:
            self.failures.append(f"{entry} {error.strerror}")
            return False
        sock.setblocking(False)
        code = sock.connect_ex(entry.sockaddr)
        if code not in UNDERWAY:
            sock.close()
            self.failures.append(f"{entry} {os.strerror(code)}")
            return False
        self.trying.append(sock)
        self.loop.writes(sock, lambda: self.on_writable(sock, entry))
        return True

    def on_writable(self, sock: socket.socket, entry: AddrInfo) -> None:
        """See how it went (man 2 connect, EINPROGRESS)."""
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self.trying.remove(sock)
        if code:
            self.loop.close(sock)
            self.failures.append(f"{entry} {os.strerror(code)}")
            self.try_next()
            return
        self.loop.writes(sock, None)
        self.stop()
        self.on_connected(sock)

    def give_up(self) -> None:
        """The time for all of it is over."""
        self.failures.append(f"no answer in {TIMEOUT:g} s")
        self.stop()
        self.on_failed(self.error())

    def stop(self) -> None:
        """Try no more: close what is underway."""
        for timer in self.timers:
            timer.cancel()
        for sock in self.trying:
            self.loop.close(sock)
        self.trying.clear()
        self.next = len(self.entries)

    def error(self) -> BackendError:
        """Return what is to be told: every reason."""
        why = "; ".join(self.failures)
        return BackendError(f"Couldn't connect to backend {self.name}: {why}", reached=False)
