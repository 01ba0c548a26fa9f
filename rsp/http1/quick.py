"""The usual head, read at once: one expression that validates it, and parts it at what is special.

It takes a part of what `requests` and `responses` take, and gives the same values; what it does
not know it leaves to them: they are its oracle.
"""

import re
from collections.abc import Iterable, Sequence

from rsp.http1 import requests, responses
from rsp.http1.grammar import TARGET, TELLING, VCHAR, options_in
from rsp.http1.message import Limits, Request, Response, Special

NAME = rb"[\-0-9A-Za-z]"  # of a name: others may look like a special one, and go the plain way
NO_BODY = (204, 304)
SLOTS = 3  # special fields at most, beside Host: the usual message has one or two
ALONE, WITH_ONE = 6, 10  # the last group of a request with Host, and with one more special field
KNOWN_HOST = rb"[Hh]ost:[ \t]*+([A-Za-z0-9.\-]++(?::[0-9]{0,5}+)?+)\r\n"


def any_case(word: bytes) -> bytes:
    """Return an expression for a word in any case; it is quicker than the flag."""
    letters = [bytes([letter]) for letter in word]
    return b"".join(
        b"[%b%b]" % (letter, letter.upper()) if letter.isalpha() else re.escape(letter)
        for letter in letters
    )


def by_letter(names: Iterable[bytes]) -> dict[bytes, bytes]:
    """Return the first letter of each name → an expression for the rests that may follow."""
    rests: dict[bytes, list[bytes]] = {}
    for name in sorted(names):
        rest = any_case(name[1:]) + (NAME + b"*+" if name == TELLING else b"")
        rests.setdefault(name[:1], []).append(rest)
    return {letter: b"(?:" + b"|".join(found) + b")" for letter, found in rests.items()}


def lines(names: Iterable[bytes], limits: Limits, host: bytes = b"") -> bytes:
    """Return an expression for a head's fields, parted at those with these names.

    Its groups: fields that pass (with `host`: those before it, what it says, and those behind it);
    then SLOTS times a length, a word of Connection, or the line of another special field, and
    fields that pass. That a name is not special, its first letter tells, nearly always.
    """
    if limits.fields <= SLOTS:  # it could not count so few
        return rb"(?!)"
    special = by_letter(names)
    initials = b"".join(special)
    free = [bytes([c]) for c in range(33, 127) if bytes([c]).lower() not in initials]
    other = b"[%b]" % b"".join(re.escape(c) for c in free if re.match(NAME, c))
    begun = [any_case(letter) + b"(?!" + rest + b":)" for letter, rest in special.items()]
    plain = b"(?:" + b"|".join([other, *begun]) + b")" + NAME + b"*+:" + VCHAR + rb"*+\r\n"
    passing = rb"((?:%b){0,%d}+)" % (plain, max(0, limits.fields - SLOTS - 1) // (SLOTS + 2))
    chosen = b"|".join(any_case(letter) + rest for letter, rest in special.items())
    slot = (
        rb"(?:(?:[Cc]ontent-[Ll]ength:[ \t]*+([0-9]{1,18}+)|"
        rb"[Cc]onnection:[ \t]*+([Kk]eep-[Aa]live|[Cc]lose)|"
        rb"((?:%b):%b*+))\r\n%b" % (chosen, VCHAR, passing)
    )
    behind = host + passing if host else b""
    return passing + behind + slot * SLOTS + b")?" * SLOTS + rb"\r\n"


class Quick:
    """Readers of heads that keep to `limits`."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.short = min(limits.request_line, limits.head)  # bytes that are certainly not too many
        self.match_request = re.compile(
            rb"(?!CONNECT )([A-Z]++) (/" + TARGET + rb"*+) HTTP/1\.([01])\r\n"
            + lines(requests.SPECIAL | {TELLING}, limits, KNOWN_HOST)
        ).match  # fmt: skip
        self.match_response = re.compile(
            rb"HTTP/1\.([01]) ([1-9][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*+)\r\n"
            + lines(responses.SPECIAL, limits)
        ).match

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
        if end > self.short and too_long(match.end(3), end, limits):
            return None
        return request_of(match), end

    def take_response(self, received: bytes, method: bytes) -> tuple[Response, int] | None:
        """Return the response to `method` at the beginning of `received`, and where its head ends.

        None: it is not complete, or not a usual one. Raises BadResponse.
        """
        match = self.match_response(received)
        if not match or match.end() - 4 > self.limits.head:
            return None
        return response_of(match, method), match.end()


def request_of(match: re.Match[bytes]) -> Request:
    """Return the request that the expression has parted. Raises BadRequest."""
    method, target, minor, before, host, fields = match.group(1, 2, 3, 4, 5, 6)
    version = 1 if minor == b"1" else 0
    fields = before + fields
    slots = match.lastindex
    if slots == ALONE:
        return Request(
            method, target, version, host, fields, {b"host": [host]}, 0, (), version == 1
        )
    special: Special = {b"host": [host]}
    if slots == WITH_ONE and (word := match[8]):
        special[b"connection"] = [word]
        options = options_in(word)
        keep_alive = b"close" not in options and (version == 1 or b"keep-alive" in options)
        fields += match[10]
        return Request(method, target, version, host, fields, special, 0, options, keep_alive)
    fields = picked(fields, match.groups()[6:], special)
    return requests.make_request(method, target, version, fields, special)


def response_of(match: re.Match[bytes], method: bytes) -> Response:
    """Return the response to `method` that the expression has parted. Raises BadResponse."""
    minor, digits, reason, fields, length = match.group(1, 2, 3, 4, 5)
    version, status, slots = 1 if minor == b"1" else 0, int(digits), match.lastindex
    if length and method != b"HEAD" and status >= 200 and status not in NO_BODY:
        if slots == 8:
            fields += match[8]
            special: Special = {b"content-length": [length]}
            keep = version == 1
            return Response(status, reason, version, fields, special, int(length), (), keep)
        if slots == 12 and (word := match[10]):
            fields += match[8] + match[12]
            special = {b"content-length": [length], b"connection": [word]}
            options = options_in(word)
            keep = b"close" not in options and (version == 1 or b"keep-alive" in options)
            return Response(status, reason, version, fields, special, int(length), options, keep)
    special = {}
    fields = picked(fields, match.groups()[4:], special)
    return responses.make_response(method, version, status, reason, fields, special)


def too_long(line: int, end: int, limits: Limits) -> bool:
    """Tell whether a request line that ends at `line`, or a head, has too many bytes."""
    return line > limits.request_line or end - 4 > limits.head


def picked(fields: bytes, slots: Sequence[bytes], special: Special) -> bytes:
    """Fill `special` from what an expression has parted; return all the fields that pass."""
    for at in range(0, SLOTS * 4, 4):
        length, word, line, more = slots[at : at + 4]
        if more is None:
            break
        if length is not None:
            name, value = b"content-length", length
        elif word is not None:
            name, value = b"connection", word
        else:
            name, _, value = line.partition(b":")
            name, value = name.lower(), value.strip(b" \t")
        if name in special:
            special[name].append(value)
        else:
            special[name] = [value]
        fields += more
    return fields
