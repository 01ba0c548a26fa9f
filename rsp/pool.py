"""The upstreams of one backend: dialled when they are needed, and kept for the next exchange.

The one that was used last is used first, so that the others grow old and are closed. An idle one is
watched: when the backend closes it, it is gone at once, and not found out by the next request.
"""

import logging
import re
import socket
from collections import deque
from collections.abc import Callable

from rsp.accepting import quick
from rsp.dialling import Dialling
from rsp.errors import BackendError, NoRoom
from rsp.loop import EVENTS, Loop, Timer
from rsp.names import Names
from rsp.net import Address
from rsp.options import Options
from rsp.upstream import Upstream

log = logging.getLogger(__name__)

MARGIN = 1.0  # seconds before a backend would close an idle one, to be sure that it has not yet
KEEP_ALIVE = re.compile(rb"timeout[ \t]*=[ \t]*\"?([0-9]{1,9})")

OnUpstream = Callable[[Upstream], None]
OnFailed = Callable[[BackendError], None]


class Asked:
    """One who waits for an upstream; `stop` when it is no longer needed."""

    __slots__ = ("dialling", "limit", "on_failed", "on_upstream", "pool")

    def __init__(self, pool: "Pool", on_upstream: OnUpstream, on_failed: OnFailed) -> None:
        self.pool = pool
        self.on_upstream, self.on_failed = on_upstream, on_failed
        self.dialling: Dialling | None = None
        self.limit: Timer | None = None

    def start(self) -> None:
        """Dial, or wait until one may."""
        pool, timeouts = self.pool, self.pool.options.timeouts
        pool.asked.add(self)
        if pool.is_full():
            self.limit = pool.loop.after(timeouts.connect, self.on_limit)
            pool.waiting.append(self)
            return
        pool.count += 1
        dialling = self.dialling = Dialling(
            pool.loop, pool.backend, pool.names.entries(), self.connected, self.failed,
            timeouts.connect,
        )  # fmt: skip
        dialling.start()

    def connected(self, _: Dialling, sock: socket.socket) -> None:
        """Hand a new upstream over."""
        self.forget()
        try:
            upstream = self.pool.made(sock)
        except OSError as error:  # the kernel can watch no more (ENOSPC, man 2 epoll_ctl)
            self.pool.one_less()
            self.on_failed(NoRoom(f"Couldn't use a connection: {error}", reached=False))
        else:
            self.on_upstream(upstream)

    def failed(self, _: Dialling, error: BackendError) -> None:
        """Tell that there is none."""
        self.forget()
        self.pool.one_less()
        self.on_failed(error)

    def on_limit(self) -> None:
        """Tell that none has become free in time."""
        self.forget()
        pool = self.pool
        why = f"all {pool.options.upstreams} connections to {pool.backend} are in use"
        self.on_failed(NoRoom(why, reached=False))

    def stop(self) -> None:
        """Dial no more; nobody is told."""
        dialling = self.dialling
        self.forget()
        if dialling:
            dialling.stop()
            self.pool.one_less()

    def forget(self) -> None:
        """Be over; no circle is left, so all are freed at once, not by the collector."""
        self.pool.asked.discard(self)
        self.dialling = None
        if self.limit:
            self.limit.cancel()
            self.limit = None
            self.pool.waiting.remove(self)


class Pool:
    """The upstreams of one backend."""

    def __init__(self, loop: Loop, backend: Address, options: Options) -> None:
        self.loop, self.backend, self.options = loop, backend, options
        self.names = Names(loop, backend)
        self.idle: list[Upstream] = []  # the one used last at the end
        self.asked: set[Asked] = set()
        self.waiting: deque[Asked] = deque()  # those of them for whom there is no room yet
        self.count = 0  # of upstreams, those that are dialled among them
        self.dialling = False  # those who have waited: the next one in this loop
        self.round = -1  # of the loop, in which this was told:
        self.told: set[int] = set()  # descriptors of which there is news
        self.usual = options.timeouts.upstream  # seconds that one may be idle
        self.minor = 1  # of HTTP/1.x, as the backend last spoke it

    def __repr__(self) -> str:
        return f"<Pool to {self.backend}: {len(self.idle)} idle, {len(self.asked)} dialled>"

    def is_full(self) -> bool:
        """Tell whether there may be no more upstreams."""
        return 0 < self.options.upstreams <= self.count

    def take(self) -> Upstream | None:
        """Return an idle upstream, if there is one.

        Bytes that it has sent meanwhile would be taken for the answer to what is asked next, by
        whoever asks it.
        """
        idle = self.idle
        while idle:
            upstream = idle.pop()
            if upstream.emptied == self.loop.round or not self.has_news(upstream):
                return upstream
            upstream.close()
        return None

    def has_news(self, upstream: Upstream) -> bool:
        """Tell whether something had come for an idle upstream when this round began.

        The kernel has told it then, if it was idle already, and there was room in the batch; it may
        still wait to be handled. Else the kernel is asked now.
        """
        loop = self.loop
        if self.round != loop.round:
            self.round = loop.round
            self.told = {fd for fd, _ in loop.batch}
        sure = upstream.since < loop.round and len(self.told) < EVENTS
        unheard = sure and upstream.sock.fileno() not in self.told
        return not unheard and bool(upstream.news(0))

    def ask(self, on_upstream: OnUpstream, on_failed: OnFailed) -> Asked:
        """Have a new one dialled; one of the two is called, perhaps before this returns."""
        asked = Asked(self, on_upstream, on_failed)
        asked.start()
        return asked

    def made(self, sock: socket.socket) -> Upstream:
        """Return a new upstream, which is read. Raises OSError, and then it is closed."""
        try:
            quick(sock)
            upstream = Upstream(self.loop, sock, self)
            upstream.resume()
        except BaseException:
            self.loop.close(sock)
            raise
        return upstream

    def put(self, upstream: Upstream, keep_alive: list[bytes] | None = None) -> None:
        """Keep an upstream, which has no user, for the next one; `keep_alive` is the field."""
        if upstream.paused:
            upstream.resume()
        if self.waiting:
            self.hand_over(upstream)
            return
        loop = self.loop
        upstream.since = loop.round
        upstream.until = loop.now + (self.patience(keep_alive) if keep_alive else self.usual)
        self.idle.append(upstream)
        if len(self.idle) > self.options.kept:
            self.idle.pop(0).close()

    def hand_over(self, upstream: Upstream) -> None:
        """Let the next one who waits have it, unless it has news; then that one dials instead."""
        if upstream.news(0):
            upstream.close()
            return
        asked = self.waiting[0]
        asked.forget()
        asked.on_upstream(upstream)

    def patience(self, keep_alive: list[bytes]) -> float:
        """Return the seconds that one may be idle: less than the backend says, if it does.

        It says so in `Keep-Alive: timeout=5` (RFC 2068 §19.7.1.1, as servers still do).
        """
        match = KEEP_ALIVE.search(b",".join(keep_alive))
        return min(self.usual, max(0.0, int(match[1]) - MARGIN)) if match else self.usual

    def remove(self, upstream: Upstream) -> None:
        """Forget one that is closed; whoever waits may have another."""
        if upstream in self.idle:
            self.idle.remove(upstream)
        self.one_less()

    def one_less(self) -> None:
        """Let those who wait dial, as many as may.

        One after the other: each may fail at once, and that would go as deep as many wait.
        """
        self.count -= 1
        if self.dialling:
            return
        self.dialling = True
        try:
            while self.waiting and not self.is_full():
                asked = self.waiting[0]
                asked.forget()
                asked.start()
        finally:
            self.dialling = False

    def sweep(self) -> None:
        """Close those that have been idle for too long."""
        now = self.loop.now
        for upstream in [one for one in self.idle if one.until <= now]:
            upstream.close()

    def close(self) -> None:
        """Close what is idle, and dial no more."""
        for asked in [*self.waiting, *self.asked]:  # those first: none may dial in another's place
            asked.stop()
        while self.idle:
            self.idle.pop().close()
