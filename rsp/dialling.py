"""Dialling without waiting: connect to the first of several addresses that takes a connection.

When one fails, the next is tried at once; when one is slow, the next is tried beside it, and the
first to answer wins (RFC 8305 §5, in its plain form).
"""

import errno
import os
import socket
from collections.abc import Callable, Sequence

from rsp.errors import BackendError, NoRoom
from rsp.loop import Loop, Timer
from rsp.net import Address, AddrInfo

DELAY = 0.25  # seconds before the next address is tried beside a slow one (RFC 8305 §8)
TIMEOUT = 5.0  # seconds for all of it
NONBLOCK = getattr(socket, "SOCK_NONBLOCK", 0)  # Linux: a socket that does not block, in one call

FULL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}  # we are, not the backend

OnConnected = Callable[["Dialling", socket.socket], None]
OnFailed = Callable[["Dialling", BackendError], None]


def connect_twice(sock: socket.socket, entry: AddrInfo) -> int:
    """Begin to connect; return 0 when it is done, EINPROGRESS when it is underway, or the errno.

    On this machine the answer has come by the time the first call returns, and a second call gets
    it: no need to watch the socket (man 2 connect). EAGAIN is an error: nothing has begun.
    """
    code = sock.connect_ex(entry.sockaddr)
    if code == errno.EINPROGRESS:
        code = sock.connect_ex(entry.sockaddr)
    return {errno.EISCONN: 0, errno.EALREADY: errno.EINPROGRESS}.get(code, code)


class Attempt:
    """One address that is tried: a socket that is being connected."""

    __slots__ = ("dialling", "entry", "sock")

    def __init__(self, dialling: "Dialling", entry: AddrInfo, sock: socket.socket) -> None:
        self.dialling, self.entry, self.sock = dialling, entry, sock

    def begin(self) -> int:
        """Begin to connect; return 0 when it is done, EINPROGRESS when underway, or the errno."""
        try:
            if not NONBLOCK:
                self.sock.setblocking(False)
            code = connect_twice(self.sock, self.entry)
            if code == errno.EINPROGRESS:
                self.dialling.loop.writes(self.sock, self.on_writable)
        except OSError as error:  # the kernel can watch no more (ENOSPC, man 2 epoll_ctl)
            return error.errno or errno.EIO
        return code

    def on_writable(self) -> None:
        """See how it went (man 2 connect, EINPROGRESS)."""
        code = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self.dialling.failed(self, code)
        else:
            self.dialling.connected(self)

    def on_failure(self, error: Exception) -> None:
        """Let it go: the loop calls its handler no more."""
        self.dialling.give_up(str(error))


class Dialling:
    """One way to a backend: `on_connected(self, socket)` or `on_failed(self, error)` comes once.

    Either may come from within `start`: a backend on this machine has answered by then.
    """

    __slots__ = (
        *("attempts", "beside", "entries", "failures", "full", "limit", "loop", "name", "next"),
        *("on_connected", "on_failed", "over", "patience"),
    )

    def __init__(
        self,
        loop: Loop,
        name: Address,
        entries: Sequence[AddrInfo],
        on_connected: OnConnected,
        on_failed: OnFailed,
        patience: float = TIMEOUT,
    ) -> None:
        self.loop, self.name, self.entries, self.patience = loop, name, entries, patience
        self.on_connected, self.on_failed = on_connected, on_failed
        self.next = 0
        self.attempts: list[Attempt] = []  # that are underway
        self.failures: list[str] = []
        self.beside: Timer | None = None
        self.limit: Timer | None = None
        self.over = False
        self.full = False  # an address could not be tried, for there was no descriptor

    def __repr__(self) -> str:
        return f"<Dialling {self.name}: address {self.next} of {len(self.entries)}>"

    def start(self) -> None:
        """Try the first address; nothing here waits."""
        self.try_next()
        if not self.over:
            self.limit = self.loop.after(self.patience, self.on_limit)

    def try_next(self) -> None:
        """Try the next address; when there is none left and nothing underway, tell the owner."""
        if self.beside:
            self.beside.cancel()
        while self.next < len(self.entries):
            entry = self.entries[self.next]
            self.next += 1
            if self.try_one(entry):
                if self.next < len(self.entries) and not self.over:
                    self.beside = self.loop.after(DELAY, self.try_next)
                return
        if not self.attempts:
            self.give_up()

    def try_one(self, entry: AddrInfo) -> bool:
        """Begin to connect; tell whether it is underway, or already done."""
        try:
            sock = socket.socket(entry.family, entry.type | NONBLOCK, entry.proto)
        except OSError as error:
            self.note(entry, error.errno)
            return False
        attempt = Attempt(self, entry, sock)
        code = attempt.begin()
        if code == 0:
            self.stop()
            self.on_connected(self, sock)
        elif code == errno.EINPROGRESS:
            self.attempts.append(attempt)
        else:
            sock.close()  # at once: nobody has been told its number
            self.note(entry, code)
        return code in (0, errno.EINPROGRESS)

    def failed(self, attempt: Attempt, code: int) -> None:
        """Try the next address instead."""
        self.attempts.remove(attempt)
        self.loop.close(attempt.sock)
        self.note(attempt.entry, code)
        self.try_next()

    def connected(self, attempt: Attempt) -> None:
        """Hand the connection to the owner; the other attempts are too late."""
        self.attempts.remove(attempt)
        self.loop.writes(attempt.sock, None)
        self.stop()
        self.on_connected(self, attempt.sock)

    def note(self, entry: AddrInfo, code: int | None) -> None:
        """Keep the reason why an address failed."""
        self.full = self.full or code in FULL
        self.failures.append(f"{entry} {os.strerror(code or errno.EIO)}")

    def on_limit(self) -> None:
        """Give up: the time for all of it is over."""
        self.give_up(f"no answer in {self.patience:g} s")

    def give_up(self, why: str = "") -> None:
        """Tell the owner that it came to nothing, and every reason."""
        if not self.over:
            self.stop()
            reasons = "; ".join([*self.failures, why] if why else self.failures)
            message = f"Couldn't connect to backend {self.name}: {reasons}"
            kind = NoRoom if self.full else BackendError
            self.on_failed(self, kind(message, reached=False))

    def stop(self) -> None:
        """Try no more: close what is underway. The owner is not told."""
        self.over = True
        for timer in (self.limit, self.beside):
            if timer:
                timer.cancel()
        for attempt in self.attempts:
            self.loop.close(attempt.sock)
        self.attempts.clear()
