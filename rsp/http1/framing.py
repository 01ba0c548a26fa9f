"""Where a body ends: decided here and nowhere else (RFC 9112 §6.3).

Whoever reads a message in two ways lets one be hidden in another's body. So what could be read in
two ways is refused, where the RFC lets a lenient reader guess.
"""

from rsp.http1.grammar import DIGITS, TOKEN
from rsp.http1.message import CHUNKED, UNTIL_END, BadRequest, BadResponse, Special


class Unclear(Exception):
    """A length or a coding that two readers could read in two ways."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def request_framing(minor: int, special: Special) -> int:
    """Return how a request's body is framed: its length, or CHUNKED. Raises BadRequest."""
    if b"transfer-encoding" not in special and b"content-length" not in special:
        return 0
    try:
        return declared(minor, special, absent=0)
    except Unclear as error:
        raise BadRequest(error.status, str(error)) from error


def response_framing(method: bytes, status: int, minor: int, special: Special) -> int:
    """Return how the body of a response to `method` is framed. Raises BadResponse.

    A response to HEAD, and a 1xx, 204 or 304, has no body whatever its fields say; but what they
    say must make sense all the same, for it is passed on. Behind an interim response comes another:
    a body that it announces would be read as that, or that as its body.
    """
    try:
        framing = declared(minor, special, absent=UNTIL_END)
    except Unclear as error:
        raise BadResponse(str(error)) from error
    if status < 200 and status != 101 and framing not in (0, UNTIL_END):
        raise BadResponse("an interim response that announces a body")
    if method == b"HEAD" or status < 200 or status in (204, 304):
        return 0
    return framing


def announces_body(special: Special) -> bool:
    """Tell whether a response that has no body says that it has: 204 may not (RFC 9110 §8.6)."""
    return b"transfer-encoding" in special or special.get(b"content-length", [b"0"]) != [b"0"]


def declared(minor: int, special: Special, absent: int) -> int:
    """Return what Transfer-Encoding and Content-Length say together. Raises Unclear."""
    codings = special.get(b"transfer-encoding")
    lengths = special.get(b"content-length")
    if codings is None:
        return absent if lengths is None else one_length(lengths)
    if lengths is not None:
        raise Unclear("both Content-Length and Transfer-Encoding")
    if minor == 0:
        raise Unclear("Transfer-Encoding in HTTP/1.0")
    return only_chunked(codings)


def one_length(values: list[bytes]) -> int:
    """Return the length that is declared once, in digits. Raises Unclear."""
    if len(values) > 1:
        raise Unclear("more than one Content-Length")
    if not DIGITS.fullmatch(values[0]):
        raise Unclear("a malformed Content-Length")
    return int(values[0])


def only_chunked(values: list[bytes]) -> int:
    """Return CHUNKED when that is the only coding. Raises Unclear.

    Status 501 for a coding that we do not know before it (RFC 9112 §6.1): it is no error of the
    client's. Everything else that does not end in chunked, once, has no end that is certain.
    """
    codings = [coding.strip(b" \t").lower() for coding in b",".join(values).split(b",")]
    if codings == [b"chunked"]:
        return CHUNKED
    if codings[-1] != b"chunked" or codings.count(b"chunked") > 1:
        raise Unclear("a Transfer-Encoding that does not end in chunked, once")
    if all(TOKEN.fullmatch(coding) for coding in codings):
        raise Unclear("a Transfer-Encoding that is unknown here", status=501)
    raise Unclear("a malformed Transfer-Encoding")
