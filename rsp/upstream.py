"""An upstream: one connection to a backend, used by one exchange after the other."""

import select
import socket
from typing import Protocol

from rsp.loop import Loop
from rsp.splice import Source


class User(Protocol):
    """Who uses an upstream at the moment."""

    def on_answer(self, data: bytes) -> None:
        """Take what the backend sent."""

    def on_answer_end(self) -> None:
        """Note that the backend sends no more."""

    def on_upstream_break(self, error: Exception) -> None:
        """Note that the connection broke off."""


class Keeper(Protocol):
    """Who made an upstream, and keeps it while nobody uses it."""

    def remove(self, upstream: "Upstream") -> None:
        """Forget one that is closed."""


class Upstream(Source):
    """A connection to a backend. Without a user it is idle, and whatever happens to it ends it."""

    __slots__ = (
        "broken",
        "emptied",
        "keeper",
        "news",
        "served",
        "since",
        "until",
        "user",
    )

    def __init__(self, loop: Loop, sock: socket.socket, keeper: Keeper) -> None:
        super().__init__(loop, sock)
        self.keeper: Keeper | None = keeper  # until it is closed
        self.user: User | None = None
        self.served = 0  # exchanges that it was used for
        self.until = 0.0  # it may be idle, on the loop's clock
        self.since = 0  # the loop's round in which it became idle
        self.emptied = -1  # and the one in which all was read that there was
        self.broken: Exception | None = None  # nothing can be sent; what it said is still read
        watch = select.poll()
        watch.register(sock, select.POLLIN)
        self.news = watch.poll  # asks the kernel at once; the loop's events may be older

    def __repr__(self) -> str:
        state = "at work" if self.user else "idle"
        return f"<Upstream: {state}, {self.served} served, {super().__repr__()}>"

    def ask(self, head: bytes) -> None:
        """Send the head of a request, and perhaps more.

        When none of it can be sent by one that was kept, what it still has to say is no answer:
        it was said before, and nobody had asked.
        """
        self.send(head)
        if self.broken and self.served > 1:
            self.on_failure(self.broken)

    def on_data(self, data: bytes) -> None:
        """Hand it to the user; without one nobody has asked for it, and nobody may get it."""
        if self.user:
            self.user.on_answer(data)
        else:
            self.close()

    def on_end(self) -> None:
        """Tell the user; one that is idle is over."""
        if not self.user:
            self.close()
        elif self.broken:
            self.user.on_upstream_break(self.broken)
        else:
            self.user.on_answer_end()

    def on_break(self, error: Exception) -> None:
        """Read its last words, then tell the user; one that is idle is over.

        A server may answer early and close, with a body unread: that is a reset, and sending fails
        while its answer still waits to be read (RFC 9112 §9.6).
        """
        if self.user and not self.broken and not self.ended:
            self.broken = error.with_traceback(None)  # else they would hold each other
            self.pending, self.size = None, 0
            self.loop.writes(self.sock, None)
        else:
            self.on_failure(error)

    def on_failure(self, error: Exception) -> None:
        """Tell the user; one that is idle is over."""
        if self.user:
            self.user.on_upstream_break(error)
        else:
            self.close()

    def close(self) -> None:
        """Close it, and be forgotten by who made it; a second time does no harm."""
        keeper, self.keeper = self.keeper, None
        if keeper:
            super().close()
            keeper.remove(self)
