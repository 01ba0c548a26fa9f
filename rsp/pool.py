"""The upstreams of one backend: dialled when they are needed, and kept for the next exchange.

The one that was used last is used first, so that the others grow old and are closed. An idle one is
watched: when the backend closes it, it is gone at once, and not found out by the next request.
"""

import logging
import socket
from collections.abc import Callable

from rsp.dialling import Dialling
from rsp.errors import BackendError
from rsp.loop import Loop
from rsp.names import Names
from rsp.net import Address
from rsp.upstream import Upstream

log = logging.getLogger(__name__)

IDLE = 50.0  # seconds: less than the 60 or 75 for which servers keep a connection
KEPT = 128  # idle upstreams at most; the oldest goes

OnUpstream = Callable[[Upstream], None]
OnFailed = Callable[[BackendError], None]


class Asked:
    """One who waits for an upstream; `stop` when it is no longer needed."""

    __slots__ = ("dialling", "on_failed", "on_upstream", "pool")

    def __init__(self, pool: "Pool", on_upstream: OnUpstream, on_failed: OnFailed) -> None:
        self.pool = pool
        self.on_upstream, self.on_failed = on_upstream, on_failed
        self.dialling: Dialling | None = None

    def start(self) -> None:
        """Dial."""
        pool = self.pool
        dialling = self.dialling = Dialling(
            pool.loop, pool.backend, pool.names.entries(), self.connected, self.failed
        )
        pool.asked.add(self)
        dialling.start()

    def connected(self, _: Dialling, sock: socket.socket) -> None:
        """Hand a new upstream over."""
        self.forget()
        try:
            upstream = self.pool.made(sock)
        except OSError as error:  # the kernel can watch no more (ENOSPC, man 2 epoll_ctl)
            self.on_failed(BackendError(f"Couldn't use a connection: {error}", reached=False))
        else:
            self.on_upstream(upstream)

    def failed(self, _: Dialling, error: BackendError) -> None:
        """Tell that there is none."""
        self.forget()
        self.on_failed(error)

    def stop(self) -> None:
        """Dial no more; nobody is told."""
        if self.dialling:
            self.dialling.stop()
        self.forget()

    def forget(self) -> None:
        """Be over; no circle is left, so both are freed at once, not by the collector."""
        self.pool.asked.discard(self)
        self.dialling = None


class Pool:
    """The upstreams of one backend."""

    def __init__(self, loop: Loop, backend: Address) -> None:
        self.loop, self.backend = loop, backend
        self.names = Names(loop, backend)
        self.idle: list[Upstream] = []  # the one used last at the end
        self.asked: set[Asked] = set()
        self.minor = 1  # of HTTP/1.x, as the backend last spoke it

    def __repr__(self) -> str:
        return f"<Pool to {self.backend}: {len(self.idle)} idle, {len(self.asked)} dialled>"

    def take(self) -> Upstream | None:
        """Return an idle upstream, if there is one.

        Bytes that it has sent meanwhile would be taken for the answer to what is asked next, by
        whoever asks it: so the kernel is asked first.
        """
        while self.idle:
            upstream = self.idle.pop()
            if not upstream.news(0):
                return upstream
            upstream.close()
        return None

    def ask(self, on_upstream: OnUpstream, on_failed: OnFailed) -> Asked:
        """Have a new one dialled; one of the two is called, perhaps before this returns."""
        asked = Asked(self, on_upstream, on_failed)
        asked.start()
        return asked

    def made(self, sock: socket.socket) -> Upstream:
        """Return a new upstream, which is read. Raises OSError, and then it is closed."""
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            upstream = Upstream(self.loop, sock, self)
            upstream.resume()
        except BaseException:
            self.loop.close(sock)
            raise
        return upstream

    def put(self, upstream: Upstream) -> None:
        """Keep an upstream for the next one."""
        upstream.user = None
        upstream.source = None
        upstream.idle_since = self.loop.now
        upstream.resume()
        self.idle.append(upstream)
        if len(self.idle) > KEPT:
            self.idle.pop(0).close()

    def remove(self, upstream: Upstream) -> None:
        """Forget one that has gone."""
        if upstream in self.idle:
            self.idle.remove(upstream)

    def sweep(self) -> None:
        """Close those that have been idle for too long."""
        oldest = self.loop.now - IDLE
        while self.idle and self.idle[0].idle_since < oldest:
            self.idle.pop(0).close()

    def close(self) -> None:
        """Close what is idle, and dial no more."""
        for asked in tuple(self.asked):
            asked.stop()
        while self.idle:
            self.idle.pop().close()
