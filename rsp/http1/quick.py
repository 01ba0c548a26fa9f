"""The usual head, read at once: one expression that validates, one that picks the special fields.

It takes a part of what `requests` and `responses` take, and gives the same values; what it does
not know it leaves to them: they are its oracle.
"""

import re
from collections.abc import Callable, Iterable

from rsp.http1 import requests, responses
from rsp.http1.grammar import TARGET, VCHAR
from rsp.http1.message import Limits, Request, Response, Special

# A field, without _ in its name: the plain way drops those that have one.
LINE = rb"[!#$%&'*+\-.^`|~0-9A-Za-z]++:" + VCHAR + rb"*+\r\n"

Split = Callable[[bytes], list[bytes]]


def picking(names: Iterable[bytes]) -> Split:
    """Return what splits fields, each with its CRLF before it: rest, name, value, rest, … rest."""
    initials = b"".join(sorted({name[:1] + name[:1].upper() for name in names}))
    alternatives = b"|".join(sorted(map(re.escape, names)))
    pattern = rb"\r\n(?=[" + initials + rb"])(" + alternatives + rb"):([^\r]*)"
    return re.compile(pattern, re.IGNORECASE).split


class Quick:
    """Readers of heads that keep to `limits`."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        lines = rb"\r\n(?:" + LINE + rb"){0,%d}+\r\n" % limits.fields
        self.match_request = re.compile(
            rb"([A-Z]++) (/" + TARGET + rb"*+) HTTP/1\.([01])" + lines
        ).match
        self.match_response = re.compile(
            rb"HTTP/1\.([01]) ([1-9][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*+)" + lines
        ).match
        self.split_request = picking(requests.SPECIAL)
        self.split_response = picking(responses.SPECIAL)

    def __repr__(self) -> str:
        return f"<Quick: {self.limits}>"

    def take_request(self, received: bytes) -> tuple[Request, int] | None:
        """Return the request at the beginning of `received`, and where its head ends.

        None: it is not complete, or not a usual one. Raises BadRequest.
        """
        match = self.match_request(received)
        if not match:
            return None
        end, limits = match.end(), self.limits
        begin = match.end(3)
        if begin > limits.request_line or end - 4 > limits.head:
            return None
        fields, special = picked(self.split_request(received[begin : end - 4]))
        method, target, minor = match.groups()
        version = 1 if minor == b"1" else 0
        return requests.make_request(method, target, version, fields, special), end

    def take_response(self, received: bytes, method: bytes) -> tuple[Response, int] | None:
        """Return the response to `method` at the beginning of `received`, and where its head ends.

        None: it is not complete, or not a usual one. Raises BadResponse.
        """
        match = self.match_response(received)
        if not match or match.end() - 4 > self.limits.head:
            return None
        end = match.end()
        fields, special = picked(self.split_response(received[match.end(3) : end - 4]))
        minor, status, reason = match.groups()
        version = 1 if minor == b"1" else 0
        response = responses.make_response(method, version, int(status), reason, fields, special)
        return response, end


def picked(parts: list[bytes]) -> tuple[bytes, Special]:
    """Return the fields between the special ones, each with its CRLF behind it, and those."""
    special: Special = {}
    for at in range(1, len(parts), 3):
        name = parts[at].lower()
        value = parts[at + 1].strip(b" \t")
        if name in special:
            special[name].append(value)
        else:
            special[name] = [value]
    fields = b"".join(parts[::3])
    return fields[2:] + b"\r\n" if fields else b"", special
