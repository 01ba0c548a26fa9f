"""A client's side, as an exchange sees it: who asks, what is told of it, and our own answers."""

import socket
from http import HTTPStatus
from typing import Protocol

from rsp import forward
from rsp.access import AccessLog
from rsp.errors import RspError
from rsp.forwarded import about_request, is_trusted
from rsp.http1.body import Reader
from rsp.http1.message import BadRequest, Request
from rsp.leaving import Leaving
from rsp.service import Service
from rsp.stream import HIGH_WATER
from rsp.upstream import Upstream


class Underway(Protocol):
    """An exchange, as far as an answer of our own depends on it."""

    request: Request
    body: Reader | None
    keep: bool
    began: float


class Asker(Leaving):
    """The client's side, as an exchange sees it."""

    __slots__ = (
        "about",
        "limits",
        "log",
        "may_use_lane",
        "patience",
        "peer",
        "pool",
        "quick",
        "trusted",
    )

    def __init__(self, service: Service, sock: socket.socket, peer: str) -> None:
        super().__init__(service, sock)
        self.peer = peer
        self.pool, self.quick, self.limits = service.pool, service.quick, service.limits
        self.log: AccessLog | None = service.access
        self.patience = service.timeouts.answer  # seconds for the backend's next bytes
        options = service.options
        self.trusted = bool(options.trusted) and is_trusted(peer, options.trusted)
        # What backends are told of it; None: it depends on the request.
        told_anew = self.trusted or options.forwarded
        self.about = None if told_anew else forward.about(peer.encode())
        self.may_use_lane = service.lanes and self.about is not None and not options.host

    @property
    def exchange(self) -> Underway | None:
        """The exchange that is underway."""
        raise NotImplementedError

    def date(self) -> bytes:
        """Return what a Date field says now."""
        return self.service.clock.date()

    def told(self, request: Request) -> tuple[bytes, bytes]:
        """Return the host for the backend, and the fields that tell it of the client."""
        options, host = self.service.options, request.host
        if options.host:
            host = options.host.encode()
        elif host is None:
            host = str(self.pool.backend).encode()
        if self.about is not None:
            return host, self.about
        peer, forwarded = self.peer.encode(), options.forwarded
        return host, about_request(request, peer, trusted=self.trusted, forwarded=forwarded)

    def take_received(self) -> bytes:
        """Return what has come behind a head, which is forgotten here."""
        said, self.received = self.received, b""
        return said

    def give_back(self, rest: bytes) -> None:
        """Keep what lies behind a request's body."""
        self.received = rest

    def read_on(self) -> None:
        """Read on, unless enough waits already: each request would let in more than it takes."""
        if len(self.received) < HIGH_WATER:
            self.resume()

    def answer_with(self, error: RspError) -> None:
        """Answer in the backend's place. What is behind a request that we refuse is not read."""
        bad = isinstance(error, BadRequest)
        text = f"{error}\n".encode() if bad else b""  # of a backend nobody is told more
        self.answer_here(HTTPStatus(error.status), text, keep=not bad)

    def answer_here(
        self, status: HTTPStatus, text: bytes, *, keep: bool, page: bool = True
    ) -> None:
        """Send a plain page of our own, or none."""
        exchange = self.exchange
        keep = keep and (not exchange or exchange.keep)
        keep = keep and (not exchange or not exchange.body or exchange.body.done)
        minor = exchange.request.minor if exchange else 1
        head, body = forward.own_answer(status, text if page else None, self.date(), keep, minor)
        silent = exchange is not None and exchange.request.method == b"HEAD"
        sent = b"" if silent else body
        if self.log:
            began = exchange.began if exchange else self.loop.now
            request = exchange.request if exchange else None
            self.log.note(self.peer, request, status, len(sent), began)
        self.send(head + sent)
        self.on_done(keep=keep)

    def on_done(self, *, keep: bool, last: bool = False) -> None:
        """Go on behind a complete response; `last`: the client has said that it asks no more."""
        raise NotImplementedError

    def switch(self, upstream: Upstream, head: bytes, data: bytes) -> None:
        """Relay from now on: the head of a 101, and what came behind it."""
        raise NotImplementedError
