"""Finding the end of a body, a piece at a time (RFC 9112 §6, §7).

A reader takes what has come and returns what of it is content, and what lies behind the body.
"""

from typing import Protocol

from rsp.http1.chunked import ChunkedReader
from rsp.http1.message import CHUNKED, UNTIL_END, Limits


class Reader(Protocol):
    """Finds the end of one body."""

    @property
    def done(self) -> bool:
        """Whether the body is complete."""

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """Return (content, what is behind the body). Raises Malformed."""

    def end(self) -> bool:
        """Note that the connection has ended; tell whether the body is complete."""


class LengthReader:
    """A body of so many bytes."""

    __slots__ = ("done", "left")

    def __init__(self, length: int) -> None:
        self.left = length
        self.done = not length

    def __repr__(self) -> str:
        return f"<LengthReader: {self.left} bytes to come>"

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """Return (content, what is behind the body)."""
        if len(data) < self.left:
            self.left -= len(data)
            return data, b""
        left, self.left, self.done = self.left, 0, True
        return (data, b"") if len(data) == left else (data[:left], data[left:])

    def end(self) -> bool:
        """Tell whether the body is complete, now that no more will come."""
        return self.done


class EndReader:
    """A body that lasts until the connection ends; a response's only."""

    __slots__ = ("done",)

    def __init__(self) -> None:
        self.done = False

    def __repr__(self) -> str:
        return f"<EndReader: {'done' if self.done else 'to come'}>"

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """Return (content, what is behind the body)."""
        return data, b""

    def end(self) -> bool:
        """Note that the connection has ended, and with it the body."""
        self.done = True
        return True


def reader(framing: int, limits: Limits) -> Reader:
    """Return what finds the end of a body that is framed so."""
    if framing == CHUNKED:
        return ChunkedReader(limits)
    return EndReader() if framing == UNTIL_END else LengthReader(framing)
