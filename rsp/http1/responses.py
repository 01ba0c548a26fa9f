"""A response's head, read plainly, and repaired where the RFC says so (RFC 9112 §4, §5).

A backend that is a little wrong still serves pages, and somebody put it there; but what could be
read in two ways is no response.
"""

import re

from rsp.http1.framing import announces_body, response_framing
from rsp.http1.grammar import FIELD, TCHAR, options_of
from rsp.http1.message import BadResponse, Limits, Response, Special

SPECIAL = frozenset(
    b"connection keep-alive proxy-connection te transfer-encoding content-length upgrade"
    b" via".split()
)
LINE = re.compile(rb"HTTP/1\.([0-9]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
END = re.compile(rb"\r?\n\r?\n")
FOLD = re.compile(rb"\r?\n[ \t]+")
# A line that is no value's, and goes on in the next: `Content-Length`, and its colon behind a fold.
FOLDED_NAME = re.compile(rb"(?:\A|\n)[^:\n \t][^:\n]*+\n[ \t]")
BEGUN_HEAD_END = 3  # bytes of two CRLF, but the last: they do not count
SPACE_BEFORE_COLON = re.compile(rb"(" + TCHAR + rb"++)[ \t]++:")
ODD = re.compile(rb"[\x00\r]")


def take_response(
    received: bytes, method: bytes, limits: Limits, known: int = 0
) -> tuple[Response, int] | None:
    """Return the response to `method` at the beginning of `received`, and where its head ends.

    None: its head is not complete; `known` bytes were here before. Raises BadResponse.
    """
    end = END.search(received, max(0, known - BEGUN_HEAD_END))
    if (len(received) - BEGUN_HEAD_END if end is None else end.start()) > limits.head:
        raise BadResponse(f"a head of more than {limits.head} bytes")
    if end is None:
        if not b"HTTP/1.".startswith(received[:7]):
            raise BadResponse("no HTTP/1 response")
        return None
    return read_response(received[: end.start()], method, limits), end.end()


def read_response(head: bytes, method: bytes, limits: Limits) -> Response:
    """Return the response whose head this is, without the empty line. Raises BadResponse."""
    line, complete, rest = head.partition(b"\n")
    match = LINE.fullmatch(line.removesuffix(b"\r") if complete else line)
    if not match or rest.startswith((b" ", b"\t")):
        raise BadResponse("a malformed status line")
    if FOLDED_NAME.search(rest):
        raise BadResponse("a fold outside a field's value")
    lines = FOLD.sub(b" ", rest).replace(b"\r\n", b"\n").split(b"\n") if rest else []
    if len(lines) > limits.fields:
        raise BadResponse(f"more than {limits.fields} fields")
    fields, special = read_fields(lines)
    status, minor = int(match[2]), min(1, int(match[1]))
    return make_response(method, minor, status, match[3] or b"", fields, special)


def read_fields(lines: list[bytes]) -> tuple[bytes, Special]:
    """Return the lines that pass as they are, and the values of the rest. Raises BadResponse."""
    passing: list[bytes] = []
    special: Special = {}
    for line in lines:
        if ODD.search(line):
            raise BadResponse("a CR or a NUL in a field")
        spaced = SPACE_BEFORE_COLON.match(line)
        repaired = spaced[1] + b":" + line[spaced.end() :] if spaced else line
        match = FIELD.fullmatch(repaired)
        if not match:
            raise BadResponse(f"a malformed field line: {line[:40]!r}")
        name = match[1].lower()
        if name in SPECIAL:
            special.setdefault(name, []).append(match[2].strip(b" \t"))
        else:
            passing.append(repaired + b"\r\n")
    return b"".join(passing), special


def make_response(
    method: bytes, minor: int, status: int, reason: bytes, fields: bytes, special: Special
) -> Response:
    """Return a response, once all that must fit together does. Raises BadResponse."""
    framing = response_framing(method, status, minor, special)
    options = options_of(special[b"connection"]) if b"connection" in special else ()
    keep_alive = b"close" not in options and (minor == 1 or b"keep-alive" in options)
    if status == 204 and announces_body(special):  # it may come, and would begin the next response
        keep_alive = False
    return Response(status, reason, minor, fields, special, framing, options, keep_alive)
