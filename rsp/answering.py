"""Answering: how a response comes back, from its head to its last byte.

The half of an exchange that faces the backend's answer; the other half, in `rsp.exchange`, sends
the request and decides what a break means.
"""

import logging
from typing import Protocol

from rsp import forward
from rsp.errors import RspError
from rsp.http1.body import Reader, reader
from rsp.http1.chunked import Malformed, chunk, last_chunk
from rsp.http1.message import CHUNKED, UNTIL_END, BadResponse, Limits, Request, Response
from rsp.http1.quick import Quick
from rsp.http1.responses import take_response
from rsp.pool import Pool
from rsp.stream import Data, Stream
from rsp.upstream import Upstream

log = logging.getLogger(__name__)


class Asker(Protocol):
    """The client's side, as an exchange sees it."""

    pool: Pool
    quick: Quick
    limits: Limits
    deadline: float  # on the loop's clock
    about: bytes  # the fields that tell a backend of the client

    @property
    def patience(self) -> float:
        """Seconds for the backend's next bytes."""

    @property
    def stream(self) -> Stream:
        """Where the response goes, and where the request's body comes from."""

    def send(self, data: Data) -> None:
        """Send something of the response."""

    def date(self) -> bytes:
        """Return what a Date field says now."""

    def take_received(self) -> bytes:
        """Return what has come behind the head, which it forgets."""

    def give_back(self, rest: bytes) -> None:
        """Keep what lies behind the request's body: it is the next one's."""

    def answer_with(self, error: RspError) -> None:
        """Answer in the backend's place, and end this exchange."""

    def read_on(self) -> None:
        """Let more of the request come, or of what is behind it."""

    def on_done(self, *, keep: bool) -> None:
        """Go on behind a complete response."""

    def abort(self) -> None:
        """Break off: what was sent must not look complete."""

    def switch(self, upstream: Upstream, head: bytes, data: bytes) -> None:
        """Relay from now on: the head of a 101, and what came behind it."""


class Answering:
    """The response's way to the client."""

    __slots__ = (
        *("answer", "body", "client", "coded", "keep", "once", "over", "reader"),
        *("received", "request", "upgrade"),
    )

    def __init__(self, client: Asker, request: Request) -> None:
        self.client, self.request = client, request
        self.body: Reader | None = (
            reader(request.framing, client.limits) if request.framing else None
        )
        self.upgrade = b""  # the protocols that the client would change to
        self.answer: Response | None = None
        self.received = b""  # of a response whose head is not complete
        self.reader: Reader | None = None
        self.coded = False  # the response goes in chunks
        self.keep = request.keep_alive  # the client may stay behind this
        self.once = False  # a second try is out of the question
        self.over = False

    def let_go(self) -> Upstream | None:
        """Be over; return the upstream, which is nobody's now."""
        raise NotImplementedError

    def fail(self, error: RspError) -> None:
        """Answer in the backend's place, or break off when its answer has begun."""
        raise NotImplementedError

    def break_off(self) -> None:
        """End both sides: nobody may take this for a whole answer."""
        raise NotImplementedError

    def on_upstream_break(self, error: Exception) -> None:
        """The connection broke off before the answer was complete."""
        raise NotImplementedError

    def on_answer(self, data: bytes) -> None:
        """Take what the backend sent."""
        if self.answer:
            self.client.deadline = self.client.stream.loop.now + self.client.patience
            self.pass_content(data)
            return
        if self.received:
            data = self.received + data
        try:
            self.take_head(data)
        except BadResponse as error:
            log.warning("Bad response from %s: %s", self.client.pool.backend, error)
            self.fail(error)

    def take_head(self, data: bytes) -> None:
        """Take the head of a response, and of those before it that are interim."""
        client, method = self.client, self.request.method
        while data:
            # Not the quick way behind a part: for each new byte it would read all again.
            found = None if self.received else client.quick.take_response(data, method)
            if not found:
                found = take_response(data, method, client.limits, len(self.received))
            if not found:
                self.received = data
                return
            answer, end = found
            self.received, data = b"", data[end:]
            client.pool.minor = answer.minor
            client.deadline = client.stream.loop.now + client.patience
            if not answer.interim:
                self.begin_answer(answer, data)
                return
            self.once = True
            if self.request.minor == 1:  # HTTP/1.0 knows none (RFC 9110 §15.2)
                client.send(forward.interim_head(answer))
                if self.over:
                    return

    def begin_answer(self, answer: Response, data: bytes) -> None:
        """Send the head of the response, with what has come of its body."""
        if answer.status == 101:
            self.switch(answer, data)
            return
        request, client = self.request, self.client
        self.answer = answer
        if self.body and not self.body.done:
            self.keep = False  # answered early: where the next request begins is not certain
        framing: int | None = answer.framing
        if request.method == b"HEAD" or answer.status in (204, 304):
            framing = None
        elif framing is not None and framing < 0:
            self.coded = request.minor == 1
            framing = CHUNKED if self.coded else UNTIL_END
            self.keep = self.keep and self.coded
        head = forward.response_head(answer, framing, request.minor, self.keep, client.date())
        self.reader = reader(answer.framing, client.limits)
        if self.reader.done:
            client.send(head)
            if not self.over:
                self.complete(data)
        else:
            self.pass_content(data, head)

    def pass_content(self, data: bytes, head: bytes = b"") -> None:
        """Send what has come of the response's body; behind its end comes nothing."""
        assert self.reader
        try:
            content, rest = self.reader.take(data)
        except Malformed as error:
            log.warning("Bad response from %s: %s", self.client.pool.backend, error)
            self.break_off()
            return
        done = self.reader.done
        if self.coded:
            content = chunk(content)
            if done:
                content += last_chunk(getattr(self.reader, "trailers", b""))
        if head or content:
            self.client.send(head + content if head else content)
        if done and not self.over:
            self.complete(rest)

    def complete(self, rest: bytes) -> None:
        """Let the upstream go, for others if it can be used again, and tell the client's side."""
        upstream, answer = self.let_go(), self.answer
        if upstream and answer:
            if self.may_be_kept(upstream, answer) and not rest:
                self.client.pool.put(upstream)
            else:
                upstream.close()
        self.client.on_done(keep=self.keep)

    def may_be_kept(self, upstream: Upstream, answer: Response) -> bool:
        """Tell whether an upstream is at the beginning of something again."""
        asked = not self.body or self.body.done
        ended = upstream.ended or upstream.broken or answer.framing == UNTIL_END
        return asked and answer.keep_alive and not ended and upstream.pending is None

    def on_answer_end(self) -> None:
        """The backend sends no more: that is the end of a body, or comes too early."""
        if self.reader and self.reader.end():
            if self.coded:
                self.client.send(last_chunk())
            if not self.over:
                self.complete(b"")
        else:
            self.on_upstream_break(BadResponse("the connection ended"))

    def switch(self, answer: Response, data: bytes) -> None:
        """Let client and backend speak as they have agreed to (RFC 9110 §15.2.2)."""
        if not forward.agrees(answer, self.upgrade):
            raise BadResponse("a 101 that nobody asked for")
        upstream = self.let_go()
        assert upstream
        self.client.switch(upstream, forward.switching_head(answer), data)
