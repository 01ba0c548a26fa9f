"""Leaving: how a client's connection ends, so that the last answer arrives (RFC 9112 §9.6)."""

import socket

from rsp.service import Service
from rsp.stream import Stream

LINGER = 256 * 1024  # bytes that are read and thrown away, so that an answer is not lost to a reset


class Leaving(Stream):
    """A client's stream: what it does when it has nothing more to answer."""

    __slots__ = ("closing", "deadline", "received", "service", "thrown")

    def __init__(self, service: Service, sock: socket.socket) -> None:
        super().__init__(service.loop, sock)
        self.service = service
        self.received = b""
        self.closing = False  # the last answer is on its way
        self.thrown = 0  # bytes read since
        self.deadline = service.loop.now + service.timeouts.head  # on the loop's clock

    def finish_up(self) -> None:
        """End well: once all is sent, and then when the client ends, or in a little while.

        To close while it still sends would be a reset, which may overtake the answer
        (RFC 9112 §9.6).
        """
        self.closing = True
        self.deadline = self.loop.now + self.service.timeouts.linger
        self.received = b""
        self.finish()
        self.close_if_done()
        self.resume()

    def close_if_done(self) -> None:
        """Close when both sides have said all."""
        if self.shut and self.ended:
            self.leave()

    def throw_away(self, data: bytes) -> None:
        """Read on for a while, so that an answer which is underway arrives."""
        self.thrown += len(data)
        if self.thrown > LINGER:
            self.leave()

    def abort_now(self) -> None:
        """Be closed by a reset, and forgotten."""
        Stream.abort(self)
        self.gone()

    def leave(self) -> None:
        """Be closed, and forgotten."""
        self.close()
        self.gone()

    def gone(self) -> None:
        """Do nothing more, and be forgotten."""
        self.closing, self.received = True, b""
        self.service.on_gone(self)
