"""What all clients of a gateway share: the pool, the limits, the time-outs, the date."""

from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate

from rsp.access import AccessLog
from rsp.errors import RspError
from rsp.http1.message import Limits
from rsp.http1.quick import Quick
from rsp.loop import Loop
from rsp.options import Options, Timeouts
from rsp.pipes import Pipes
from rsp.pool import Pool
from rsp.stream import Stream


class SlowBackend(RspError):
    """A backend that did not answer in time (RFC 9110 §15.6.5)."""

    status = 504


SLOW = SlowBackend("the backend's answer took too long")


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
    options: Options
    limits: Limits
    quick: Quick
    timeouts: Timeouts
    clock: Clock
    pipes: Pipes | None
    access: AccessLog | None
    on_gone: Callable[[Stream], None]
    on_tunnel: Callable[[Stream, Stream, bytes, bytes], None]
    lanes: bool = True  # usual exchanges go by the lane
    draining: bool = False  # each client is let go behind the answer that is underway
