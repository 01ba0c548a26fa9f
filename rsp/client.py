"""The client's side of HTTP: requests as they come, one after the other, and what follows each.

Requests may come before the last one is answered (pipelining); they wait, and are answered in
order. A connection ends in one of three ways: at rest, with a `Connection: close` that was kept, or
by a reset where the client must not believe that an answer is whole.
"""

import math
import socket
from http import HTTPStatus

from rsp import forward
from rsp.access import GONE
from rsp.asker import Asker
from rsp.exchange import Exchange
from rsp.http1.message import BadRequest, Request
from rsp.http1.requests import take_request
from rsp.lane import Lane
from rsp.service import Service
from rsp.stream import HIGH_WATER, LOW_WATER
from rsp.upstream import Upstream

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Client(Asker):
    """One client. Between its requests it has no exchange."""

    __slots__ = ("lane", "taking", "unusual")

    def __init__(self, service: Service, sock: socket.socket, peer: str) -> None:
        super().__init__(service, sock, peer)
        self.unusual: Exchange | None = None
        self.lane: Lane | None = None  # until it says something
        self.taking = False  # requests are being taken: the next one in this loop

    def __repr__(self) -> str:
        state = "closing" if self.closing else "at work" if self.is_at_work() else "idle"
        return f"<Client: {state}, {len(self.received)} bytes received, {super().__repr__()}>"

    def is_at_work(self) -> bool:
        """Tell whether an exchange is underway, in the lane or out of it."""
        return bool(self.unusual or (self.lane and self.lane.upstream))

    def began(self) -> float:
        """Return when its exchange began, on the loop's clock; never, where there is none."""
        underway = self.lane if self.lane and self.lane.upstream else self.unusual
        return underway.began if underway else math.inf

    def is_idle(self) -> bool:
        """Tell whether it has asked before, and has nothing underway now."""
        busy = self.is_at_work() or self.received or self.closing or self.pending
        return self.lane is not None and not busy

    @property
    def exchange(self) -> Exchange | None:
        """The exchange that is underway; one in the lane is taken out of it."""
        return self.promote() if self.lane and self.lane.upstream else self.unusual

    def promote(self) -> Exchange:
        """Take the exchange that is underway out of the lane: it is no usual one."""
        assert self.lane
        self.unusual = exchange = self.lane.exchange()
        return exchange

    def on_data(self, data: bytes) -> None:
        """Take what has come: a request, a part of its body, or the next ones."""
        lane = self.lane
        if not lane:
            self.lane = lane = Lane(self, self.promote)
        rests = not (lane.upstream or self.unusual or self.received or self.closing or self.pending)
        if rests and self.may_use_lane and lane.take(data):
            return
        if self.closing:
            self.throw_away(data)
            return
        known = len(self.received)
        self.received = self.received + data if known else data
        if self.exchange:
            self.go_on()
        else:
            if not known:
                self.deadline = self.loop.now + self.service.timeouts.head
            self.take_all(known)
            if self.size >= HIGH_WATER and not self.exchange:
                self.pause()  # who does not read its answers gets no more of them

    def take_all(self, known: int = 0) -> None:
        """Take one request after the other, as long as each is answered at once.

        A loop, for an answer that calls for the next request would go as deep as a client likes.
        """
        self.taking = True
        while self.received and not self.exchange and not self.closing and self.size < HIGH_WATER:
            if not self.take(known):
                break
            known = 0
        self.taking = False

    def take(self, known: int) -> bool:
        """Begin with the request that has come; tell whether its head was complete."""
        try:
            # Not the quick way when there was a part: for each new byte it would read all again.
            found = None if known else self.quick.take_request(self.received)
            if not found:
                found = take_request(self.received, self.limits, known)
            if not found:
                return False
            request, end = found
            self.received = self.received[end:]
            self.begin(request)
        except BadRequest as error:
            self.answer_with(error)
        return True

    def begin(self, request: Request) -> None:
        """Pass a request on, unless it is for us. Raises BadRequest."""
        special = request.special
        self.unusual = exchange = Exchange(self, request)
        if request.framing or request.method in forward.REFUSED:
            forward.check(request, self.limits, self.pool.minor)
        if b"max-forwards" in special and forward.hops_left(request) == 0:
            self.answer_here(HTTPStatus.OK, b"", keep=True, page=False)
            return
        if b"expect" in special and forward.expects(request) and self.pool.minor == 0:
            exchange.once = True
            self.send(CONTINUE)
            if exchange.over:
                return
        timeouts = self.service.timeouts
        self.deadline = self.loop.now + (timeouts.body if exchange.body else timeouts.answer)
        exchange.start(*self.told(request))

    def go_on(self) -> None:
        """Pass on what has come of a request's body; what comes behind it waits."""
        exchange = self.exchange
        if not exchange or not exchange.body or exchange.body.done:
            if len(self.received) >= HIGH_WATER:
                self.pause()
        elif not exchange.upstream:
            self.pause()
        elif self.received:
            timeouts = self.service.timeouts
            data, self.received = self.received, b""
            exchange.pass_body(data)
            patience = timeouts.answer if exchange.body.done else timeouts.body
            self.deadline = self.loop.now + patience

    def on_done(self, *, keep: bool, last: bool = False) -> None:
        """Go on behind a complete response: with the next request, or to the end.

        `last`: the client has said that it asks no more, so there is nothing to wait for.
        """
        self.unusual = None
        if self.closing:  # it has gone
            return
        if not keep and last and self.pending is None and not self.received:
            self.leave()
        elif not keep or self.service.draining:
            self.finish_up()
        elif not self.taking:
            self.next()

    def next(self) -> None:
        """Take the next request, when it has come already; or wait for it."""
        timeouts = self.service.timeouts
        self.deadline = self.loop.now + (timeouts.head if self.received else timeouts.idle)
        if self.received:
            self.take_all()
        if self.exchange or self.closing:
            return
        if self.size >= HIGH_WATER:
            self.pause()  # what came is not looked at yet: nothing may come behind it
        elif self.ended:
            self.on_end()
        elif self.paused:
            self.resume()

    def after_send(self) -> None:
        """Go on with what had to wait for room."""
        super().after_send()
        if self.closing:
            self.close_if_done()
            return
        self.deadline = self.loop.now + self.service.timeouts.answer
        if not self.exchange and self.size <= LOW_WATER:
            self.next()

    def on_end(self) -> None:
        """The client has no more to say; it still gets the answers that it has asked for."""
        exchange = self.exchange
        if self.closing:
            self.close_if_done()
        elif not exchange:
            if self.size > LOW_WATER:
                return  # requests may wait for room: `next` takes them, and comes back here
            if self.received:
                self.answer_with(BadRequest(400, "the request broke off"))
            else:
                self.finish_up()
        elif exchange.body and not exchange.body.done and not exchange.answer:
            exchange.keep = False
            exchange.fail(BadRequest(400, "the request's body broke off"))

    def on_break(self, error: Exception) -> None:
        """The client has gone: nobody waits for the rest."""
        exchange = self.exchange
        if exchange and not exchange.over:
            exchange.drop()
            exchange.note(GONE)
        self.abort()

    def abort(self) -> None:
        """Break off: what was sent must not look complete."""
        self.unusual = None
        super().abort()

    def gone(self) -> None:
        """Do nothing more, and be forgotten; no circle is left."""
        self.lane = None
        super().gone()

    def switch(self, upstream: Upstream, head: bytes, data: bytes) -> None:
        """Relay from now on; what the client has said since its request goes first."""
        self.unusual = self.lane = None
        said, self.received = self.received, b""
        self.closing = self.ended = True  # whoever holds it still can do no more
        self.service.on_tunnel(self, upstream, head + data, said)

    def on_timeout(self) -> None:
        """Do what follows when a deadline has passed."""
        exchange = self.exchange
        upstream = exchange and exchange.upstream
        stuck = upstream and upstream.splice and upstream.splice.waits
        if self.pending is not None or stuck:  # it does not take what it has asked for
            self.on_break(TimeoutError("a client that does not read"))
        elif self.closing:
            self.leave()
        elif exchange:
            body = exchange.body
            waits = b"expect" in exchange.request.special and not exchange.once  # for a 100
            if body and not body.done and not self.paused and not waits:
                exchange.keep = False
                exchange.fail(BadRequest(408, "the request's body took too long"))
            else:
                exchange.on_too_long()
        elif self.received:
            self.answer_with(BadRequest(408, "the request took too long"))
        else:
            self.finish_up()
