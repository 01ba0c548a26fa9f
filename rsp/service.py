"""What all clients of a gateway share: the pool, the limits, the time-outs, the date."""

from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate

from rsp.errors import RspError
from rsp.http1.message import Limits
from rsp.http1.quick import Quick
from rsp.loop import Loop
from rsp.pool import Pool
from rsp.stream import Stream


class SlowBackend(RspError):
    """A backend that did not answer in time (RFC 9110 §15.6.5)."""

    status = 504


SLOW = SlowBackend("the backend's answer took too long")


@dataclass(frozen=True)
class Timeouts:
    """How many seconds may pass; what follows when they have, stands in `Client.on_timeout`."""

    head: float = 30.0  # from a request's first byte to the end of its head
    body: float = 60.0  # between two pieces of its body
    answer: float = 60.0  # until the response's head, and between two pieces; for either side
    idle: float = 75.0  # between two requests
    linger: float = 5.0  # for what the client still sends when all that we had to send has gone


class Clock:
    """What a Date field says, made once a second."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.until = 0.0
        self.text = b""

    def date(self) -> bytes:
        """Return the date (RFC 9110 §5.6.7)."""
        if self.loop.now >= self.until:
            self.text = formatdate(usegmt=True).encode()
            self.until = self.loop.now + 0.5
        return self.text


@dataclass
class Service:
    """What all clients of a proxy share."""

    loop: Loop
    pool: Pool
    limits: Limits
    quick: Quick
    timeouts: Timeouts
    clock: Clock
    on_gone: Callable[[Stream], None]
    on_tunnel: Callable[[Stream, Stream, bytes, bytes], None]
    draining: bool = False  # each client is let go behind the answer that is underway
