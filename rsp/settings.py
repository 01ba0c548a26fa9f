"""The settings of a configuration: each with its name, what it is, and how its value is read.

A reader takes what the file has given a setting and returns the value, or raises a ValueError that
says what it must be. What was not set is as `rsp.options` has it.
"""

import math
import re
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_interface
from typing import Any, NamedTuple

from rsp.http1.grammar import is_host
from rsp.http1.message import Limits
from rsp.net import check_port
from rsp.options import ACCESS_LOGS, Options, Timeouts

KINDS = ("http", "relay")  # what the proxy makes of its clients' bytes; the first is the default
LARGEST = 2**53  # up to here Lua, whose numbers are doubles, has every whole number
MOST = 1_000_000  # of what is counted, and not measured in bytes
MAPPED = IPv6Network("::ffff:0:0/96")  # IPv4 as IPv6 writes it; peers are told of as IPv4
WHOLE = re.compile(r"[0-9]{1,18}")
NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")

Reader = Callable[[Any], Any]
Network = IPv4Network | IPv6Network


class Odd(NamedTuple):
    """A value of Lua's that no setting takes: a function, or a table in a table."""

    kind: str


class Setting(NamedTuple):
    """What a name in the file means; `field` of `part` is where its value goes."""

    what: str
    read: Reader
    part: type | None = None  # None: of the proxy, whatever its kind; else for HTTP alone
    field: str = ""

    @property
    def default(self) -> Any:
        """What it is when nobody sets it."""
        return getattr(self.part(), self.field) if self.part else None


def kind_of(value: Any) -> str:
    """Return what Lua calls a value of this kind."""
    if isinstance(value, Odd):
        return value.kind
    kinds = {bool: "boolean", int: "number", float: "number", str: "string"}
    return kinds.get(type(value), "table")


def shown(value: Any) -> str:
    """Return a value as a sentence names it."""
    kind = kind_of(value)
    return {"number": f"{value}", "string": f'"{value}"'}.get(kind, f"a {kind}")


def as_text(value: Any) -> str:
    """Return a setting as text; numbers are taken too."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise ValueError(f"must be a string, and it is a {kind_of(value)}")
    if not value.strip():
        raise ValueError("must be a string, and it is empty")
    return value


def as_port(value: Any) -> str:
    """Return a port or a service."""
    text = as_text(value)
    check_port(text)
    return text


def as_host(value: Any) -> str:
    """Return what may stand in a Host field, or nothing."""
    if value == "":
        return ""
    text = as_text(value)
    if not is_host(text.encode()):
        wanted = 'a host such as "example.org", or with its port "example.org:8080"'
        raise ValueError(f"must be {wanted}, and it is {shown(text)}")
    return text


def as_boolean(value: Any) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, and it is {shown(value)}")
    return value


def as_networks(value: Any) -> tuple[Network, ...]:
    """Return networks, of a list or of one; an address is a network with nobody else in it."""
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list):
        raise ValueError(
            f'must be a list such as {{"10.0.0.0/8", "::1"}}, and it is {shown(value)}'
        )
    return tuple(map(as_network, found))


def as_network(value: Any) -> Network:
    """Return one network; bits that no network has are told, for they were meant otherwise."""
    try:
        text = as_text(value)
        found = ip_interface("" if "%" in text else text)  # a zone is no part of a network
    except ValueError:
        wanted = 'addresses or networks such as "10.0.0.0/8"'
        raise ValueError(f"must be {wanted}, and {shown(value)} is none") from None
    if found.ip != found.network.network_address:
        raise ValueError(f'{shown(value)} is no network; did you mean "{found.network}"?')
    network = found.network
    if isinstance(network, IPv6Network) and network.subnet_of(MAPPED):
        bits = int(network.network_address) & 0xFFFF_FFFF
        return IPv4Network((bits, network.prefixlen - MAPPED.prefixlen))
    return network


def one_of(words: Sequence[str]) -> Reader:
    """Return a reader that takes these words alone."""

    def read(value: Any) -> str:
        if value not in words:
            listed = ", ".join(f'"{word}"' for word in words)
            raise ValueError(f"must be one of {listed}, and it is {shown(value)}")
        return str(value)

    return read


def as_seconds(value: Any) -> float:
    """Return so many seconds, fractions too."""
    text = value if isinstance(value, str) and NUMBER.fullmatch(value) else None
    number = float(text) if text else value
    good = kind_of(number) == "number" and number >= 0 and math.isfinite(number)
    if not good:
        raise ValueError(f"must be seconds, 0 or more, and it is {shown(value)}")
    return float(number)


def whole(least: int = 0, most: int = MOST) -> Reader:
    """Return a reader of whole numbers."""

    def read(value: Any) -> int:
        number = int(value) if isinstance(value, str) and WHOLE.fullmatch(value) else value
        good = kind_of(number) == "number" and least <= number <= most and number == int(number)
        if not good:
            wanted = f"a whole number from {least} to {most}"
            raise ValueError(f"must be {wanted}, and it is {shown(value)}")
        return int(number)

    return read


def option(what: str, read: Reader, field: str) -> Setting:
    """Return a setting of the options."""
    return Setting(what, read, Options, field)


def timeout(what: str, field: str) -> Setting:
    """Return a setting of the time-outs."""
    return Setting(what, as_seconds, Timeouts, field)


def limit(what: str, field: str, least: int = 0, most: int = LARGEST) -> Setting:
    """Return a setting of the limits, in bytes where `most` says nothing else."""
    return Setting(what, whole(least, most), Limits, field)


SETTINGS = {
    "listenPort": Setting("the port to listen at", as_port),
    "backendAddress": Setting("the name or address of the backend", as_text),
    "backendPort": Setting("the port or service of the backend", as_port),
    "listenKind": Setting("what clients speak, or relay for bytes unread", one_of(KINDS)),
    "accessLog": option("the form of the access log", one_of(ACCESS_LOGS), "access_log"),
    "host": option("what the backend is told in Host", as_host, "host"),
    "forwarded": option("whether the backend gets Forwarded, too", as_boolean, "forwarded"),
    "trusted": option("whose forwarded fields are believed", as_networks, "trusted"),
    "upstreams": option("connections to the backend at once", whole(), "upstreams"),
    "kept": option("idle upstreams at most", whole(), "kept"),
    "connectTimeout": timeout("until the backend has taken a connection", "connect"),
    "headTimeout": timeout("from a request's first byte to its head's end", "head"),
    "bodyTimeout": timeout("between two pieces of a request's body", "body"),
    "answerTimeout": timeout("until the answer begins, and between two pieces of it", "answer"),
    "requestTimeout": timeout("from a request's head to its answer's last byte", "request"),
    "idleTimeout": timeout("between two requests of a client", "idle"),
    "lingerTimeout": timeout("for what a client still sends behind our last word", "linger"),
    "tunnelTimeout": timeout("in a tunnel, without a byte either way", "tunnel"),
    "upstreamTimeout": timeout("how long an idle upstream is kept", "upstream"),
    "requestLineLimit": limit("of a request line", "request_line", 1),
    "headLimit": limit("of a head, of a request or an answer", "head", 1),
    "fieldsLimit": limit("how many fields a head may have, or trailers", "fields", 1, MOST),
    "trailersLimit": limit("of the trailers of a body", "trailers"),
    "extensionsLimit": limit("of all chunk extensions of a body", "extensions"),
    "bodyLimit": limit("of a request's body", "body"),
}
NEEDED = tuple(SETTINGS)[:3]  # the rest has a default
