"""The letters of HTTP/1.1: what a name, a value and a target are made of (RFC 9110 §5.6, §5.5)."""

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

TCHAR = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"  # of a token: a method, a field's name, a coding
VCHAR = rb"[\t\x20-\x7e\x80-\xff]"  # of a field's value: no CR, no LF, no NUL, no other control
TARGET = rb"[\x21-\x7e]"  # of a request target: browsers send |{}[]^ as they are, and so do we

TOKEN = re.compile(TCHAR + rb"+")
# Possessive (++, *+): what does not match is known after one look, however long it is. Not behind a
# group in which there is a choice: before 3.11.5, Python lets pass what does not match (gh-106052).
FIELD = re.compile(rb"(" + TCHAR + rb"++):(" + VCHAR + rb"*+)")
DIGITS = re.compile(rb"[0-9]{1,18}")  # more would pass 2**63: no body is so long
# A host with a port or none (RFC 9110 §7.2, RFC 3986 §3.2.2): a name, IPv4, or IPv6 in brackets.
# No comma, though RFC 3986 has it: two Host fields, joined by somebody in between, look like it.
HOST = re.compile(
    rb"(?:\[([0-9A-Fa-f:.]+)\]|(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})+)(?::[0-9]{0,5})?"
)
TELLING = b"x-forwarded"  # what each name begins with that tells of a client, and is ours to say
NO_LETTER = re.compile(rb"[^0-9a-z]")  # in a name: CGI may take it for a hyphen
SHORT = 64  # bytes of a field's value that is worth remembering
PORT = re.compile(rb":[0-9]{1,5}\Z")
# What a head may not have anywhere: a control, a CR that no LF follows, an LF without its CR.
CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?=[^\n])|(?<!\r)\n")


def is_host(text: bytes) -> bool:
    """Tell whether this is a host, with a port or none."""
    return is_known_host(text) if len(text) <= SHORT else is_new_host(text)


def is_new_host(text: bytes) -> bool:
    """Tell whether this is a host, by its letters."""
    match = HOST.fullmatch(text)
    return match is not None and (match[1] is None or is_ipv6(match[1]))


is_known_host = lru_cache(1024)(is_new_host)  # a site has few, and is asked for them all day


def is_ipv6(text: bytes) -> bool:
    """Tell whether this is an address: the letters of one are not enough, as `:::` has them."""
    try:
        IPv6Address(text.decode("ascii"))
    except AddressValueError:
        return False
    return True


def is_authority(text: bytes) -> bool:
    """Tell whether this is a host with a port, as CONNECT has it (RFC 9112 §3.2.3)."""
    return is_host(text) and PORT.search(text) is not None


def options_of(values: list[bytes]) -> tuple[bytes, ...]:
    """Return what Connection says, in lower case (RFC 9110 §7.6.1)."""
    if len(values) == 1 and len(values[0]) <= SHORT:
        return options_in(values[0])
    return tuple(elements(values))


@lru_cache(256)  # nearly all say the same few things
def options_in(value: bytes) -> tuple[bytes, ...]:
    """Return what one Connection field says."""
    return tuple(elements([value]))


def elements(values: list[bytes]) -> list[bytes]:
    """Return the elements of a list that may stand in several fields, in lower case.

    Empty ones are left out (RFC 9110 §5.6.1.2).
    """
    found = (part.strip(b" \t").lower() for value in values for part in value.split(b","))
    return [part for part in found if part]
