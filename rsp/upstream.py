"""An upstream: one connection to a backend, used by one exchange after the other."""

import socket
from typing import Protocol

from rsp.loop import Loop
from rsp.stream import Stream


class User(Protocol):
    """Who uses an upstream at the moment."""

    def on_answer(self, data: bytes) -> None:
        """Take what the backend sent."""

    def on_answer_end(self) -> None:
        """Note that the backend sends no more."""

    def on_upstream_break(self, error: Exception) -> None:
        """Note that the connection broke off."""


class Idle(Protocol):
    """Who keeps the upstreams that nobody uses."""

    def remove(self, upstream: "Upstream") -> None:
        """Forget one that has gone."""


class Upstream(Stream):
    """A connection to a backend. Without a user it is idle, and whatever happens to it ends it."""

    __slots__ = ("idle_since", "keeper", "served", "user")

    def __init__(self, loop: Loop, sock: socket.socket, keeper: Idle) -> None:
        super().__init__(loop, sock)
        self.keeper = keeper
        self.user: User | None = None
        self.served = 0  # exchanges that it was used for
        self.idle_since = 0.0  # on the loop's clock

    def __repr__(self) -> str:
        state = "at work" if self.user else "idle"
        return f"<Upstream: {state}, {self.served} served, {super().__repr__()}>"

    def on_data(self, data: bytes) -> None:
        """Hand it to the user; without one nobody has asked for it, and nobody may get it."""
        if self.user:
            self.user.on_answer(data)
        else:
            self.leave()

    def on_end(self) -> None:
        """Tell the user; one that is idle is over."""
        if self.user:
            self.user.on_answer_end()
        else:
            self.leave()

    def on_break(self, error: Exception) -> None:
        """Tell the user; one that is idle is over."""
        if self.user:
            self.user.on_upstream_break(error)
        else:
            self.leave()

    def leave(self) -> None:
        """Be closed, and forgotten by who keeps it."""
        self.keeper.remove(self)
        self.close()
