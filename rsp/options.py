"""What an operator may decide about the gateway, as values that do not change."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from rsp.http1.message import Limits

ACCESS_LOGS = ("combined", "json", "off")


@dataclass(frozen=True)
class Timeouts:
    """How many seconds may pass; what follows when they have, stands in `Client.on_timeout`."""

    connect: float = 5.0  # until the backend has taken a connection, all its addresses together
    head: float = 30.0  # from a request's first byte to the end of its head
    body: float = 60.0  # between two pieces of its body
    answer: float = 60.0  # until the response's head, and between two pieces; for either side
    request: float = 0.0  # from a head's end to the response's last byte; 0: as long as it takes
    idle: float = 75.0  # between two requests
    linger: float = 5.0  # for what the client still sends when all that we had to send has gone
    tunnel: float = 3600.0  # in a tunnel, without a byte either way
    upstream: float = 50.0  # an idle upstream: less than the 60 or 75 for which servers keep one


@dataclass(frozen=True)
class Options:
    """What the gateway does beside the rules of HTTP."""

    limits: Limits = field(default_factory=Limits)
    timeouts: Timeouts = field(default_factory=Timeouts)
    upstreams: int = 0  # connections to the backend at once; 0: as many as are asked for
    kept: int = 128  # idle upstreams at most; the oldest goes
    host: str = ""  # what the backend is told in Host; nothing: what the client said
    forwarded: bool = False  # Forwarded (RFC 7239), too, beside the X-Forwarded fields
    trusted: tuple[IPv4Network | IPv6Network, ...] = ()  # peers whose forwarded fields are believed
    access_log: str = "combined"  # one of ACCESS_LOGS; a line for each exchange, on stdout
