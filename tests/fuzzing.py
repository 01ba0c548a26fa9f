"""What must hold for any bytes at all: the oracles of `make fuzz`, which know no right answer.

The quick readers say what the plain ones say. However a message comes, it is read in one way. And
what we pass on of it, we read as the same message again.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from rsp import forward
from rsp.http1.body import reader
from rsp.http1.chunked import Malformed, chunk, last_chunk
from rsp.http1.message import CHUNKED, UNTIL_END, BadRequest, BadResponse, Limits, Request, Response
from tests.feeding import LIMITS, Connection, Whole, bytewise, fed

# Small ones, so that few bytes reach them.
SMALL = Limits(request_line=64, head=200, fields=5, trailers=40, extensions=24)
SPLIT, EVENLY = 300, 24  # bytes that come one by one; places at which a message is split
METHODS = (b"GET", b"HEAD")
DATE = b"Tue, 15 Nov 1994 08:12:31 GMT"
OWN_DATE = b"Date: %b\r\n" % DATE
QUICK = {limits: fed([], None, limits, quick=True).quick for limits in (LIMITS, SMALL)}


class Differs(AssertionError):
    """Two readings of the same bytes."""


class Reading(NamedTuple):
    """What was read of a connection: the messages, and why there are no more."""

    whole: list[Whole]
    why: str  # a refusal, an end, or more to come

    def __str__(self) -> str:
        return f"{len(self.whole)} messages, then {self.why}: {self.whole}"


def reading(
    pieces: Sequence[bytes], method: bytes | None, limits: Limits, *, quick: bool = False
) -> Reading:
    """Read what comes in pieces: requests, or responses to a method."""
    connection = Connection(method, limits)
    connection.quick = QUICK[limits] if quick else None
    try:
        for piece in pieces:
            connection.take(piece)
    except (BadRequest, BadResponse, Malformed):
        # With which status depends on the way, where there are two faults: 505 for the line that
        # has come, 400 for what stands behind it.
        return Reading(connection.whole, "a refusal")
    return Reading(connection.whole, "an end" if connection.at_rest else "more to come")


def splits(data: bytes) -> Iterator[list[bytes]]:
    """Yield the data byte by byte, and split at each place, or at some and at all line ends."""
    yield [*bytewise(data[:SPLIT]), data[SPLIT:]]
    step = max(1, len(data) // EVENLY)
    for at in sorted({*range(1, len(data), step), *islice(line_ends(data), EVENLY)}):
        yield [data[:at], data[at:]]


def line_ends(data: bytes) -> Iterator[int]:
    """Yield the places before and behind each LF."""
    at = -1
    while (at := data.find(b"\n", at + 1)) != -1:
        yield from (place for place in (at, at + 1) if 0 < place < len(data))


def check_message(data: bytes, method: bytes | None, limits: Limits) -> Reading:
    """See that all readings of a connection are one, and so is what we make of it."""
    plain = reading([data], method, limits)
    quick = reading([data], method, limits, quick=True)
    if quick != plain:
        raise Differs(f"quick: {quick}; plain: {plain}")
    for pieces in splits(data):
        parted = reading(pieces, method, limits)
        if parted != plain:
            where = len(pieces[0]) if len(pieces) == 2 else "each byte"
            raise Differs(f"split at {where}: {parted}; whole: {plain}")
    for one in plain.whole:
        check_passed_on(one, method)
    return plain


def check_passed_on(one: Whole, method: bytes | None) -> None:
    """See that what goes out of a message that came in is the same message, by our own reading."""
    head = one.head
    if isinstance(head, Request):
        try:
            check_request(head, one)
        except BadRequest:  # clear, but nothing that a gateway passes on
            return
    elif not head.interim and head.status != 101:
        check_response(head, one, method or b"GET")


def check_request(head: Request, one: Whole) -> None:
    """Write a request as it goes to the backend, and read it there. Raises BadRequest."""
    forward.check(head, LIMITS, 1)
    expects = b"expect" in head.special and forward.expects(head)
    upgrade = forward.upgrade_of(head) if b"upgrade" in head.special else b""
    host, about = head.host or b"backend.test", forward.about(b"192.0.2.1")
    begin = forward.request_head(head, host, about, expects=expects, upgrade=upgrade)
    (again,) = read_again(begin + body_of(one, head.framing), None).whole
    there = again.head
    assert isinstance(there, Request)
    told = head.method, head.target, host, head.framing, one.content, one.trailers
    read = there.method, there.target, there.host, there.framing, again.content, again.trailers
    fields = forward.passing(head)
    if told != read or there.fields != fields:
        raise Differs(f"passed on: {told}, {fields!r}; read: {read}, {again!r}")


def check_response(head: Response, one: Whole, method: bytes) -> None:
    """Write a response as it goes to a client of HTTP/1.1, and read it there."""
    framing: int | None = CHUNKED if head.framing in (CHUNKED, UNTIL_END) else head.framing
    if method == b"HEAD" or head.status in (204, 304):
        framing = None
    begin = forward.response_head(head, framing, 1, True, DATE)
    again = read_again(begin + body_of(one, framing), method).whole[-1]
    there = again.head
    assert isinstance(there, Response)
    told = head.status, head.reason, one.content, one.trailers
    read = there.status, there.reason, again.content, again.trailers
    fields = forward.passing(head)
    if told != read or there.fields not in (fields, fields + OWN_DATE):
        raise Differs(f"passed on: {told}, {fields!r}; read: {read}, {again!r}")


def body_of(one: Whole, framing: int | None) -> bytes:
    """Return a body as we write it."""
    return chunk(one.content) + last_chunk(one.trailers) if framing == CHUNKED else one.content


def read_again(data: bytes, method: bytes | None) -> Reading:
    """Read what we have written, which is one message and whole."""
    roomy = Limits(request_line=16_384, head=65_536, fields=200, trailers=16_384)
    again = reading([data], method, roomy)
    if len(again.whole) != 1 or again.why != "an end":
        raise Differs(f"written: {data!r}; read: {again}")
    return again


def check_chunks(data: bytes, limits: Limits) -> None:
    """See that a body in chunks is the same in all ways it comes, and in chunks of ours."""
    plain = chunks([data], limits)
    for pieces in splits(data):
        if (parted := chunks(pieces, limits)) != plain:
            raise Differs(f"chunks in pieces: {parted}; whole: {plain}")


def chunks(pieces: Sequence[bytes], limits: Limits) -> tuple[bytes, bytes, bool] | str:
    """Return content, what is behind it, and whether it was done; or that it is malformed."""
    body, content, behind = reader(CHUNKED, limits), b"", b""
    try:
        for piece in pieces:
            if body.done:
                behind += piece
                continue
            some, rest = body.take(piece)
            content, behind = content + some, behind + rest
    except Malformed:
        return "malformed"
    return content, behind, body.done


def check(data: bytes) -> None:
    """Look at some bytes in the way that the first of them says. Raises Differs."""
    if not data:
        return
    how, data = data[0], data[1:]
    limits = SMALL if how & 1 else LIMITS
    kind = how >> 1 & 3
    if kind == 3:
        check_chunks(data, limits)
    else:
        check_message(data, (None, *METHODS)[kind], limits)


def seed(data: bytes, method: bytes | None = None, *, chunked: bool = False) -> list[bytes]:
    """Return what `check` takes to look at a message, with either limits."""
    kind = 3 if chunked else (None, *METHODS).index(method)
    return [bytes([kind << 1 | small]) + data for small in (0, 1)]
