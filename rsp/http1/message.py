"""The parts of a message, as values: a request, a response, how a body is framed, the limits."""

from dataclasses import dataclass

from rsp.errors import RspError

# How a body is framed: so many bytes, or one of these two (RFC 9112 §6.3).
CHUNKED = -1  # in chunks, each with its size, the last of size 0
UNTIL_END = -2  # until the connection ends; responses only

Special = dict[bytes, list[bytes]]  # a field's name in lower case → its values


class BadRequest(RspError):
    """A request that we refuse; `status` is what the client is told, and then it is closed."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class BadResponse(RspError):
    """A response that nobody may see: the backend broke the rules (RFC 9110 §15.6.3)."""

    status = 502


@dataclass(frozen=True)
class Limits:
    """How much of a message we take, in bytes where nothing else is said; `docs/protocol.md`."""

    request_line: int = 8_192  # else 414; servers take 8,000 at least (RFC 9112 §3)
    head: int = 32_768  # else 431; a browser's cookies reach 8 KiB for each site
    fields: int = 100  # in a head or in trailers, else 431
    trailers: int = 8_192
    extensions: int = (
        4_096  # of chunks, for a whole body: they mean nothing to anybody (CVE-2023-39326)
    )
    body: int | None = None  # else 413


@dataclass(slots=True)
class Request:
    """A request's head. `fields` are those that pass as they are, as they came, CRLF and all.

    `special` are those that a proxy decides about. `host` is the one that counts: the target's
    authority, where it has one (RFC 9112 §3.2.2), else the Host field's.
    """

    method: bytes
    target: bytes  # as it goes on: origin-form, or *
    minor: int  # of HTTP/1.x
    host: bytes | None
    fields: bytes
    special: Special
    framing: int
    options: tuple[bytes, ...]  # what Connection says
    keep_alive: bool  # the client would stay


@dataclass(slots=True)
class Response:
    """A response's head, like a `Request`. `interim`: another one follows (1xx but 101)."""

    status: int
    reason: bytes
    minor: int
    fields: bytes
    special: Special
    framing: int
    options: tuple[bytes, ...]
    keep_alive: bool  # the backend would stay

    @property
    def interim(self) -> bool:
        """Whether the final response is yet to come (RFC 9110 §15.2)."""
        return 100 <= self.status < 200 and self.status != 101
