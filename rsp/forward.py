"""What a proxy changes in what it passes on: the field rules (RFC 9110 §7.6, RFC 9112 §9).

Framing and Host of what goes out are written from what was parsed, never copied; what concerned one
connection alone stays behind.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus

from rsp.http1.grammar import FIELD, elements
from rsp.http1.message import CHUNKED, UNTIL_END, BadRequest, Limits, Request, Response

VIAS = (b"1.0 rsp", b"1.1 rsp")  # what a message came as, and how we are called (RFC 9110 §7.6.3)
OWN_VIAS = tuple(b"Via: %b\r\n" % via for via in VIAS)
# What Connection may name that is no field, or is decided elsewhere.
OURS = frozenset(b"close keep-alive upgrade te http2-settings".split())
REFUSED = frozenset((b"CONNECT", b"TRACE"))
TRAILERS = b"trailers"
MOST = 10  # proxies of our name that a request may have come through
DATE = re.compile(rb"^date:", re.IGNORECASE | re.MULTILINE)
NO_TUNNEL = frozenset((b"http", b"h2c", b"h2", b"tls"))  # upgrades that must not pass unread


def without(fields: bytes, names: Iterable[bytes]) -> bytes:
    """Return the fields but those with these names: Connection says whose they are."""
    unwanted = set(names)
    lines = [(line, FIELD.match(line)) for line in fields.splitlines(keepends=True)]
    return b"".join(line for line, match in lines if not match or match[1].lower() not in unwanted)


def passing(message: Request | Response) -> bytes:
    """Return the fields that pass: not those that Connection names (RFC 9110 §7.6.1)."""
    if OURS.issuperset(message.options):
        return message.fields
    return without(message.fields, [name for name in message.options if name not in OURS])


def passing_trailers(message: Request | Response, trailers: bytes) -> bytes:
    """Return the trailers that pass: they are fields, too."""
    return without(trailers, message.options) if message.options else trailers


def via(message: Request | Response) -> bytes:
    """Return the Via field, with ourselves at its end (RFC 9110 §7.6.3)."""
    before = filter(None, message.special.get(b"via", []))
    return b"Via: %b\r\n" % b", ".join([*before, VIAS[message.minor]])


def check_loop(before: list[bytes]) -> None:
    """Refuse a request that goes in a circle: it was with proxies of our name so often.

    A few in a row are as they should be. Raises BadRequest, 508 (RFC 5842 §7.2).
    """
    if b",".join(before).count(b" rsp") > MOST:
        raise BadRequest(508, "the request goes in a circle")


def upgrade_of(request: Request) -> bytes:
    """Return the protocols that the client would change to, or nothing (RFC 9110 §7.8).

    Not from HTTP/1.0, not with a body, which would come before the answer, and not to HTTP/2, for
    then everything behind it would pass unread (RFC 9113 §3.1 has done away with h2c).
    """
    asked = request.special.get(b"upgrade")
    if not asked or request.minor == 0 or request.framing or b"upgrade" not in request.options:
        return b""
    wanted = [part.strip(b" \t") for part in b",".join(asked).split(b",")]
    return b", ".join(part for part in wanted if part and protocol(part) not in NO_TUNNEL)


def protocol(part: bytes) -> bytes:
    """Return a protocol's name, without its version: `h2c/1` is h2c."""
    return part.partition(b"/")[0].lower()


def agrees(response: Response, upgrade: bytes) -> bool:
    """Tell whether a 101 changes to what the client would change to, and to nothing else."""
    chosen = elements(response.special.get(b"upgrade", []))
    return bool(chosen) and set(chosen) <= set(elements([upgrade]))


def expects(request: Request) -> bool:
    """Tell whether the client waits for a 100 before it sends the body (RFC 9110 §10.1.1).

    HTTP/1.0 knows no Expect, and without a body there is nothing to wait for: then it goes.
    Raises BadRequest for what nobody can meet.
    """
    values = elements(request.special[b"expect"])
    if request.minor == 1 and values != [b"100-continue"]:
        raise BadRequest(417, "an expectation that is not 100-continue")
    if request.minor == 0 or not request.framing:
        request.special.pop(b"expect")
        return False
    return True


def framing_of(framing: int) -> bytes:
    """Return the field that says how a body is framed; nothing where none can be told."""
    if framing == CHUNKED:
        return b"Transfer-Encoding: chunked\r\n"
    return b"" if framing == UNTIL_END else b"Content-Length: %d\r\n" % framing


def request_head(
    request: Request, host: bytes, about: bytes, *, expects: bool = False, upgrade: bytes = b""
) -> bytes:
    """Return the head that goes to a backend; `about` are the fields that tell of the client.

    Raises BadRequest for one that goes in a circle.
    """
    special = request.special
    fields = passing(request) if request.options else request.fields
    if b"via" in special:
        check_loop(special[b"via"])
    more = about + (via(request) if b"via" in special else OWN_VIAS[request.minor])
    if request.host is not None and b"X-Forwarded-Host:" not in about:
        more += b"X-Forwarded-Host: %b\r\n" % request.host
    if request.framing or b"content-length" in special:
        more += framing_of(request.framing)
    if expects:
        more += b"Expect: 100-continue\r\n"
    if upgrade:
        more += b"Connection: upgrade\r\nUpgrade: %b\r\n" % upgrade
    elif (
        b"te" in request.options and request.minor and TRAILERS in elements(special.get(b"te", []))
    ):
        more += b"Connection: TE\r\nTE: trailers\r\n"
    if b"max-forwards" in special:
        more += max_forwards(request)
    line = request.method, b" ", request.target, b" HTTP/1.1\r\nHost: ", host, b"\r\n"
    return b"".join((*line, fields, more, b"\r\n"))


def check(request: Request, limits: Limits, minor: int) -> None:
    """Refuse what no reverse proxy passes on, and a body that is told to be too long.

    Nor does one in chunks go to a backend of HTTP/1.0, which would take it for the next request
    (RFC 9112 §6.1). Raises BadRequest.
    """
    if request.method in REFUSED:
        raise BadRequest(501, f"{request.method.decode()} is not for a reverse proxy")
    if limits.body is not None and request.framing > limits.body:
        raise BadRequest(413, f"a body of more than {limits.body} bytes")
    if request.framing == CHUNKED and minor == 0:
        raise BadRequest(411, "a body without a length, to a backend of HTTP/1.0")


def hops_left(request: Request) -> int | None:
    """Return how often a TRACE or OPTIONS may be passed on; None: as often as it likes.

    Raises BadRequest for what is no number (RFC 9110 §7.6.2).
    """
    values = request.special.get(b"max-forwards")
    if values is None or request.method not in (b"OPTIONS", b"TRACE"):
        return None
    if len(values) > 1 or not values[0].isdigit() or len(values[0]) > 9:
        raise BadRequest(400, "a malformed Max-Forwards")
    return int(values[0])


def max_forwards(request: Request) -> bytes:
    """Return the Max-Forwards field, one less where it counts, else as it came."""
    left = hops_left(request)
    value = (
        b", ".join(request.special[b"max-forwards"]) if left is None else b"%d" % max(0, left - 1)
    )
    return b"Max-Forwards: %b\r\n" % value


def about(peer: bytes, proto: bytes = b"http") -> bytes:
    """Return what a backend is told of a client, whatever it says of itself.

    Nobody is believed who is not trusted: its own X-Forwarded fields and Forwarded are gone.
    """
    return b"X-Forwarded-For: %b\r\nX-Forwarded-Proto: %b\r\n" % (peer, proto)


def response_head(
    response: Response, framing: int | None, minor: int, keep: bool, date: bytes
) -> bytes:
    """Return the head that goes to a client of HTTP/1.`minor`.

    `framing` is how the body is framed for it; None: there is none, and its length is told as the
    backend told it. Date is added where the backend has no clock (RFC 9110 §6.6.1).
    """
    special = response.special
    fields = response.fields if not response.options else passing(response)
    more = via(response) if b"via" in special else OWN_VIAS[response.minor]
    if not is_dated(fields):
        more = b"Date: %b\r\n%b" % (date, more)
    if framing is not None:
        more += b"Content-Length: %d\r\n" % framing if framing >= 0 else framing_of(framing)
    elif b"content-length" in special and response.status != 204:
        more += b"Content-Length: %b\r\n" % special[b"content-length"][0]
    if response.status == 426 and b"upgrade" in special:
        more += b"Upgrade: %b\r\nConnection: upgrade\r\n" % b", ".join(special[b"upgrade"])
    if not keep or not minor:
        more += connection(keep, minor)
    return b"".join((status_line(response.status, response.reason), fields, more, b"\r\n"))


@lru_cache(256)  # there are few, and nearly all are the same
def status_line(status: int, reason: bytes) -> bytes:
    """Return the line that a response begins with, as we say it (RFC 9112 §4)."""
    return b"HTTP/1.1 %d %b\r\n" % (status, reason)


def is_dated(fields: bytes) -> bool:
    """Tell whether there is a Date among these fields; nearly all write it so."""
    return b"\r\nDate:" in fields or DATE.search(fields) is not None


def switching_head(response: Response) -> bytes:
    """Return the head of a 101, with what the client has to know of the protocol."""
    protocols = b", ".join(response.special.get(b"upgrade", []))
    return b"HTTP/1.1 101 %b\r\n%bConnection: upgrade\r\nUpgrade: %b\r\n\r\n" % (
        response.reason,
        passing(response),
        protocols,
    )


def interim_head(response: Response) -> bytes:
    """Return the head of another 1xx, such as 103 (RFC 8297)."""
    return b"HTTP/1.1 %d %b\r\n%b\r\n" % (response.status, response.reason, passing(response))


def own_answer(
    status: HTTPStatus, text: bytes | None, date: bytes, keep: bool, minor: int = 1
) -> tuple[bytes, bytes]:
    """Return head and body of an answer of our own: a plain page, or no body where text is None."""
    title = b"%d %b" % (status, status.phrase.encode())
    body = b"" if text is None else b"%b\n%b" % (title, text)
    head = b"HTTP/1.1 %b\r\nDate: %b\r\nContent-Length: %d\r\n%b%b\r\n" % (
        title,
        date,
        len(body),
        b"" if text is None else b"Content-Type: text/plain\r\n",
        connection(keep, minor),
    )
    return head, body


def connection(keep: bool, minor: int) -> bytes:
    """Return the field that says whether a client of HTTP/1.`minor` may stay, where it must be."""
    if not keep:
        return b"Connection: close\r\n"
    return b"" if minor else b"Connection: keep-alive\r\n"
