"""Messages fed to rsp.http1 as a connection brings them: whole, in pieces, with more behind."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rsp.http1.body import Reader, reader
from rsp.http1.chunked import ChunkedReader
from rsp.http1.message import Limits, Request, Response
from rsp.http1.quick import Quick
from rsp.http1.requests import take_request
from rsp.http1.responses import take_response

LIMITS = Limits()
QUICK = Quick(LIMITS)
Head = Request | Response


class Whole(NamedTuple):
    """A message that has come whole."""

    head: Head
    content: bytes
    trailers: bytes


class Connection:
    """One end of a connection: it reads the messages that come, each with its body.

    `method` None: requests come; else responses to it. `quick`: the quick readers come first, as
    in the proxy, where a head is new.
    """

    def __init__(self, method: bytes | None = None, limits: Limits = LIMITS) -> None:
        self.method = method
        self.limits = limits
        self.quick: Quick | None = None
        self.whole: list[Whole] = []
        self.head: Head | None = None
        self.body: Reader | None = None
        self.content: list[bytes] = []
        self.buffer = b""
        self.known = 0

    def take(self, data: bytes) -> None:
        """Take some bytes. Raises BadRequest, BadResponse, Malformed."""
        self.buffer += data
        while self.buffer and (self.body or self.take_head()):
            assert self.body
            content, self.buffer = self.body.take(self.buffer)
            self.content.append(content)
            if not self.body.done:
                break
            self.complete()

    def end(self) -> None:
        """Let the connection end."""
        if self.body and self.body.end():
            self.complete()

    def take_head(self) -> bool:
        """Take a head, if it is complete."""
        found = self.read_head()
        if found is None:
            self.known = len(self.buffer)
            return False
        self.head, end = found
        self.buffer, self.known = self.buffer[end:], 0
        self.body = reader(self.head.framing, self.limits)
        if self.body.done:
            self.complete()
            return bool(self.buffer) and self.take_head()
        return bool(self.buffer)

    def read_head(self) -> tuple[Head, int] | None:
        """Return a head and its end, if it is complete."""
        found: tuple[Head, int] | None = None
        if self.method is None:
            if self.quick:
                found = self.quick.take_request(self.buffer)
            return found or take_request(self.buffer, self.limits, self.known)
        if self.quick:
            found = self.quick.take_response(self.buffer, self.method)
        return found or take_response(self.buffer, self.method, self.limits, self.known)

    def complete(self) -> None:
        """Note that a message is complete."""
        assert self.head
        trailers = self.body.trailers if isinstance(self.body, ChunkedReader) else b""
        self.whole.append(Whole(self.head, b"".join(self.content), trailers))
        self.head, self.body, self.content = None, None, []

    @property
    def at_rest(self) -> bool:
        """Whether nothing has begun that is not complete."""
        return not self.buffer and self.head is None


def fed(
    pieces: Iterable[bytes],
    method: bytes | None = None,
    limits: Limits = LIMITS,
    *,
    quick: bool = False,
) -> Connection:
    """Return a connection that has taken the pieces."""
    connection = Connection(method, limits)
    connection.quick = Quick(limits) if quick and limits != LIMITS else QUICK if quick else None
    for piece in pieces:
        connection.take(piece)
    return connection


def bytewise(data: bytes) -> list[bytes]:
    """Return each byte as a piece."""
    return [data[at : at + 1] for at in range(len(data))]


def ways(data: bytes) -> Iterator[list[bytes]]:
    """Yield the pieces of every way to send it: whole, byte by byte, and split at each place."""
    yield [data]
    yield bytewise(data)
    for at in range(1, len(data)):
        yield [data[:at], data[at:]]
