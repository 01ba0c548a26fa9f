"""Leaving: how a client's connection ends, so that the last answer arrives (RFC 9112 §9.6)."""

import socket

from rsp.service import Service
from rsp.splice import Source

# Bytes that are read and thrown away, so that an answer is not lost to a reset: many a client reads
# no answer before all of its upload has gone.
LINGER = 16 * 1024 * 1024


class Leaving(Source):
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
        self.received = b""
        self.finish()
        self.close_if_done()
        self.resume()

    def close_if_done(self) -> None:
        """Close when both sides have said all; else wait for it, but not for ever."""
        if self.shut and self.ended:
            self.leave()
        else:
            timeouts = self.service.timeouts
            self.deadline = self.loop.now + (timeouts.linger if self.shut else timeouts.answer)

    def throw_away(self, data: bytes) -> None:
        """Read on for a while, so that an answer which is underway arrives."""
        self.thrown += len(data)
        if self.thrown > LINGER:
            if self.shut:
                self.leave()
            else:
                self.pause()

    def abort(self) -> None:
        """Be closed by a reset, and forgotten."""
        super().abort()
        self.gone()

    def leave(self) -> None:
        """Be closed, and forgotten."""
        self.close()
        self.gone()

    def gone(self) -> None:
        """Do nothing more, and be forgotten; a second time does no harm."""
        self.closing, self.received = True, b""
        self.service.on_gone(self)
