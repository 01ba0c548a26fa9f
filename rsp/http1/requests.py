"""A request's head, read plainly: a line at a time, with a reason for each refusal (RFC 9112 §3).

What `quick` reads of the usual request is the same; what it does not know comes here.
"""

import re

from rsp.http1.framing import request_framing
from rsp.http1.grammar import (
    CONTROL,
    FIELD,
    NO_LETTER,
    TARGET,
    TELLING,
    TOKEN,
    is_authority,
    is_host,
    options_of,
)
from rsp.http1.message import BadRequest, Limits, Request, Special

SPECIAL = frozenset(
    b"host connection keep-alive proxy-connection te transfer-encoding content-length upgrade"
    b" http2-settings expect via forwarded max-forwards proxy".split()
)
LINE = re.compile(rb"(\S+) (\S+) HTTP/([0-9])\.([0-9])")
VISIBLE = re.compile(TARGET + rb"+")
ABSOLUTE = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE)
BEGUN_LINE_END = 1  # bytes of a CRLF, but the last: they do not count
BEGUN_HEAD_END = 3  # and of two


def take_request(received: bytes, limits: Limits, known: int = 0) -> tuple[Request, int] | None:
    """Return the request at the beginning of `received`, and where its head ends.

    None: its head is not complete; of the first `known` bytes that was said before, and they are
    not read again. Raises BadRequest as soon as it is certain that no request can come of it: an
    end of a line without CR would be waited for.
    """
    if received in (b"\r", b"\r\n"):
        return None
    start = 2 if received.startswith(b"\r\n") else 0  # one empty line is ignored (RFC 9112 §2.2)
    new = max(start, known - BEGUN_HEAD_END)
    end = received.find(b"\r\n\r\n", new)
    if odd := CONTROL.search(received, new, len(received) if end < 0 else end):
        raise BadRequest(400, f"a {name_of(odd[0])} in the head")
    line = received.find(b"\r\n", start)
    if end < 0:
        begun = len(received) - start
        of_line = begun - BEGUN_LINE_END if line < 0 else line - start
        check_size(of_line, begun - BEGUN_HEAD_END, limits)
        check_beginning(received, start, line, known)
        return None
    check_size(line - start, end - start, limits)
    return read_request(received[start:end], limits), end + 4


def name_of(odd: bytes) -> str:
    """Return what an octet that has no place in a head is called."""
    return {b"\r": "bare CR", b"\n": "bare LF", b"\0": "NUL"}.get(odd, "control character")


def check_size(line: int, head: int, limits: Limits) -> None:
    """Refuse what has too many bytes, be it complete or not (RFC 9110 §15.5.15, RFC 6585 §5)."""
    if line > limits.request_line:
        raise BadRequest(414, f"a request line of more than {limits.request_line} bytes")
    if head > limits.head:
        raise BadRequest(431, f"a head of more than {limits.head} bytes")


def check_beginning(received: bytes, start: int, line: int, known: int) -> None:
    """Refuse a head whose first line, from `start` to `line`, can be none; the rest is to come."""
    if line < 0:
        if received and not TOKEN.match(received, start):
            raise BadRequest(400, "a malformed request line")
    elif line + 2 > known:
        read_line(received[start:line])


def read_request(head: bytes, limits: Limits) -> Request:
    """Return the request whose head this is, without the empty line. Raises BadRequest."""
    line, *lines = head.split(b"\r\n")
    method, target, minor = read_line(line)
    if len(lines) > limits.fields:
        raise BadRequest(431, f"more than {limits.fields} fields")
    fields, special = read_fields(lines)
    return make_request(method, target, minor, fields, special)


def read_line(line: bytes) -> tuple[bytes, bytes, int]:
    """Return method, target and the minor version of a request line. Raises BadRequest."""
    match = LINE.fullmatch(line)
    if not match or not TOKEN.fullmatch(match[1]) or not VISIBLE.fullmatch(match[2]):
        raise BadRequest(400, "a malformed request line")
    if match[3] != b"1":
        raise BadRequest(505, "a version that is not HTTP/1")
    return match[1], match[2], min(1, int(match[4]))  # 1.2 would be read as 1.1 (RFC 9110 §6.2)


def read_fields(lines: list[bytes]) -> tuple[bytes, Special]:
    """Return the lines that pass as they are, and the values of the rest. Raises BadRequest.

    A name with _ goes: behind us CGI and its heirs take it for the one with - (CVE-2019-14893
    and others of the kind), so it could say what only we may say.
    """
    passing: list[bytes] = []
    special: Special = {}
    for line in lines:
        match = FIELD.fullmatch(line)
        if not match:
            raise BadRequest(400, f"a malformed field line: {line[:40]!r}")
        name = match[1].lower()
        if is_special(name):
            special.setdefault(name, []).append(match[2].strip(b" \t"))
        elif not pretends(name):
            passing.append(line + b"\r\n")
    return b"".join(passing), special


def is_special(name: bytes) -> bool:
    """Tell whether a proxy decides about the fields with this name, in lower case."""
    return name in SPECIAL or name.startswith(TELLING)


def pretends(name: bytes) -> bool:
    """Tell whether a server behind us may take this name for another, as CGI does."""
    return b"_" in name or is_special(NO_LETTER.sub(b"-", name))


def make_request(
    method: bytes, target: bytes, minor: int, fields: bytes, special: Special
) -> Request:
    """Return a request, once all that must fit together does. Raises BadRequest."""
    host = read_host(minor, special)
    if not target.startswith(b"/") or method == b"CONNECT":
        target, host = read_target(method, target, host)
    framing = request_framing(minor, special)
    options = options_of(special[b"connection"]) if b"connection" in special else ()
    keep_alive = b"close" not in options and (minor == 1 or b"keep-alive" in options)
    return Request(method, target, minor, host, fields, special, framing, options, keep_alive)


def read_host(minor: int, special: Special) -> bytes | None:
    """Return what Host says: once, well-formed, and always there in 1.1 (RFC 9112 §3.2)."""
    hosts = special.get(b"host")
    if hosts is None:
        if minor == 1:
            raise BadRequest(400, "no Host")
        return None
    if len(hosts) > 1:
        raise BadRequest(400, "more than one Host")
    if not is_host(hosts[0]):
        raise BadRequest(400, "a malformed Host")
    return hosts[0]


def read_target(method: bytes, target: bytes, host: bytes | None) -> tuple[bytes, bytes | None]:
    """Return target and host of one that is no path (RFC 9112 §3.2.2 to §3.2.4).

    What is behind the authority passes byte for byte. User information is refused (RFC 9110
    §4.2.4): `http://shop@evil` is read as either host.
    """
    if method == b"CONNECT":
        if not is_authority(target):
            raise BadRequest(400, "a malformed target of CONNECT")
        return target, target
    if target == b"*":
        if method != b"OPTIONS":
            raise BadRequest(400, "the target * of a method that is not OPTIONS")
        return target, host
    match = ABSOLUTE.fullmatch(target)
    if not match or not is_host(match[1]):
        raise BadRequest(400, "a malformed target")
    path = match[2]
    if not path and method == b"OPTIONS":
        return b"*", match[1]
    return path if path.startswith(b"/") else b"/" + path, match[1]
