"""A client's side, as an exchange sees it: who asks, what is told of it, and where answers go."""

import socket

from rsp import forward
from rsp.access import AccessLog
from rsp.errors import RspError
from rsp.forwarded import about_request, is_trusted
from rsp.http1.message import Request
from rsp.leaving import Leaving
from rsp.service import Service
from rsp.splice import Splice
from rsp.stream import READ_SIZE
from rsp.upstream import Upstream


class Asker(Leaving):
    """The client's side, as an exchange sees it."""

    __slots__ = ("about", "limits", "log", "patience", "peer", "pool", "quick", "splice", "trusted")

    def __init__(self, service: Service, sock: socket.socket, peer: str) -> None:
        super().__init__(service, sock)
        self.peer = peer
        self.pool, self.quick, self.limits = service.pool, service.quick, service.limits
        self.log: AccessLog | None = service.access
        self.patience = service.timeouts.answer  # seconds for the backend's next bytes
        self.splice: Splice | None = None  # moves what comes of a request's body
        options = service.options
        self.trusted = bool(options.trusted) and is_trusted(peer, options.trusted)
        # What backends are told of it; None: it depends on the request.
        told_anew = self.trusted or options.forwarded
        self.about = None if told_anew else forward.about(peer.encode())

    def date(self) -> bytes:
        """Return what a Date field says now."""
        return self.service.clock.date()

    def told(self, request: Request) -> tuple[bytes, bytes, bool]:
        """Return the host for the backend, what it is told of the client, and whether of both."""
        options, host = self.service.options, request.host
        if options.host:
            host = options.host.encode()
        elif host is None:
            host = str(self.pool.backend).encode()
        if self.about is not None:
            return host, self.about, False
        peer, forwarded = self.peer.encode(), options.forwarded
        return host, about_request(request, peer, trusted=self.trusted, forwarded=forwarded), True

    def on_readable(self) -> None:
        """Take what has come, once: others are waiting too, and the loop tells again."""
        if self.splice:
            self.splice.move()
            return
        try:
            data = self.sock.recv(READ_SIZE)
        except BlockingIOError:  # "readable" can turn out untrue (man 2 select, BUGS)
            return
        except OSError as error:
            self.on_break(error)
            return
        if data:
            self.on_data(data)
        else:
            self.end()

    def take_received(self) -> bytes:
        """Return what has come behind the head, which it forgets."""
        raise NotImplementedError

    def give_back(self, rest: bytes) -> None:
        """Keep what lies behind the request's body: it is the next one's."""
        raise NotImplementedError

    def answer_with(self, error: RspError) -> None:
        """Answer in the backend's place, and end this exchange."""
        raise NotImplementedError

    def read_on(self) -> None:
        """Let more of the request come, or of what is behind it."""
        raise NotImplementedError

    def on_done(self, *, keep: bool) -> None:
        """Go on behind a complete response."""
        raise NotImplementedError

    def switch(self, upstream: Upstream, head: bytes, data: bytes) -> None:
        """Relay from now on: the head of a 101, and what came behind it."""
        raise NotImplementedError
