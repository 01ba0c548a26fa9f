"""An exchange: one request with its response, from head to last byte.

It asks the pool for an upstream and sends the request there as it comes: nothing is kept that can
be sent. How the answer comes back is in `rsp.answering`; what follows on the client's connection,
its side decides.
"""

import logging

from rsp import forward
from rsp.answering import Answering
from rsp.asker import Asker
from rsp.errors import BackendError, RspError
from rsp.http1.body import LengthReader, Reader
from rsp.http1.chunked import ChunkedReader, Malformed, chunk, last_chunk
from rsp.http1.message import BadRequest, BadResponse, Request
from rsp.pool import Asked
from rsp.service import SLOW
from rsp.splice import BULK, Splice
from rsp.upstream import Upstream

log = logging.getLogger(__name__)

# A second try of one of these does no harm (RFC 9110 §9.2.2).
IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"))


class Exchange(Answering):
    """One request of a client, and what becomes of it."""

    head = b""  # as it goes to the backend
    asked: Asked | None = None  # for an upstream

    def __init__(self, client: Asker, request: Request) -> None:
        super().__init__(client, request)
        self.left = client.limits.body  # bytes that the request's body may still have
        if b"upgrade" in request.special:
            self.upgrade = forward.upgrade_of(request)

    def __repr__(self) -> str:
        state = "over" if self.over else "answered" if self.answer else "asked"
        return f"<Exchange {self.request.method.decode()}: {state}>"

    def start(self, host: bytes, about: bytes) -> None:
        """Send the request's head as soon as there is an upstream.

        `about` are the fields that tell of the client. Raises BadRequest.
        """
        request, client = self.request, self.client
        expects = b"expect" in request.special and client.pool.minor == 1
        self.head = forward.request_head(
            request, host, about, expects=expects, upgrade=self.upgrade
        )
        upstream = client.pool.take()
        if upstream:
            self.use(upstream)
        else:
            self.dial()

    def dial(self) -> None:
        """Have a new upstream made."""
        asked = self.client.pool.ask(self.use, self.on_no_upstream)
        if not self.upstream and not self.over:
            self.asked = asked

    def use(self, upstream: Upstream) -> None:
        """Send the head to an upstream, and let the body come."""
        self.asked = None
        self.upstream = upstream
        upstream.user = self
        upstream.served += 1
        self.client.source = upstream
        if not self.body:
            upstream.ask(self.head)
            return
        upstream.source = self.client
        said = self.client.take_received()
        self.pass_body(said, self.head)
        if self.upstream is upstream and (self.body.done or not upstream.size):
            self.client.read_on()

    def on_no_upstream(self, error: BackendError) -> None:
        """Tell the client that nobody answers (RFC 9110 §15.6.3)."""
        log.warning("%s", error)
        self.asked = None
        self.fail(error)

    def pass_body(self, data: bytes, head: bytes = b"") -> None:
        """Pass on what has come of the request's body, behind its head if that has not gone."""
        try:
            content, rest = self.framed(data)
        except BadRequest as error:
            self.keep = False
            self.fail(error)
            return
        if rest:
            self.client.give_back(rest)
        upstream = self.upstream
        if not upstream or upstream.broken:
            return
        if self.body and self.body.done:
            upstream.source = None  # what comes next is not for it, and must not be let in by it
        if head:
            upstream.ask(head + content)
        elif content:
            upstream.send(content)
        if self.body and not self.over:
            self.splice_body_if_much(self.body, upstream)

    def splice_body_if_much(self, body: Reader, upstream: Upstream) -> None:
        """Have the rest of a long body moved inside the kernel."""
        client = self.client
        pipes = client.service.pipes
        ready = upstream.pending is None and not upstream.broken
        if ready and pipes and isinstance(body, LengthReader) and body.left >= BULK:
            client.spliced(Splice(pipes, client, upstream, body.left, self))

    def on_spliced(self, splice: Splice) -> None:
        """Note that some of a body has been moved, or all of it."""
        client, timeouts = self.client, self.client.service.timeouts
        asks = splice.source is client
        client.deadline = client.loop.now + (timeouts.body if asks else timeouts.answer)
        if splice.left:
            return
        self.stop(splice)
        if asks:
            client.deadline = client.loop.now + timeouts.answer
            if self.upstream:
                self.upstream.source = None  # what comes next is not for it
        else:
            self.complete(clean=True)

    def on_unspliced(self, splice: Splice) -> None:
        """Read and send what is left."""
        self.stop(splice)

    def stop(self, splice: Splice) -> None:
        """Move no more, and remember how much is left; the pipe may still hold some of it."""
        asks = splice.source is self.client
        body = self.body if asks else self.reader
        assert isinstance(body, LengthReader)
        if not asks:
            self.sent += body.left - splice.left
        body.left, body.done = splice.left, not splice.left
        splice.source.spliced(None)
        splice.give_back()

    def framed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return what is sent for what has come of the body, and what lies behind it.

        Raises BadRequest for a body that breaks its framing or passes the limit.
        """
        assert self.body
        try:
            content, rest = self.body.take(data)
        except Malformed as error:
            raise BadRequest(400, str(error)) from error
        if self.left is not None:
            self.left -= len(content)
            if self.left < 0:
                raise BadRequest(413, f"a body of more than {self.client.limits.body} bytes")
        if isinstance(self.body, ChunkedReader):
            content = chunk(content)
            if self.body.done:
                content += last_chunk(forward.passing_trailers(self.request, self.body.trailers))
        return content, rest

    def let_go(self) -> Upstream | None:
        """Be over; return the upstream, which is nobody's now."""
        self.over = True
        if self.asked:
            self.asked.stop()
            self.asked = None
        upstream, self.upstream = self.upstream, None
        client = self.client
        client.source = None
        if client.splice:
            self.stop(client.splice)
        if upstream:
            upstream.user = upstream.source = None
            if upstream.splice:
                self.stop(upstream.splice)
        return upstream

    def on_upstream_break(self, error: Exception) -> None:
        """Try again where that is safe; else the client gets an error, or sees the break."""
        if self.upstream and self.may_retry(self.upstream):
            self.once = True
            self.upstream.user = None
            self.upstream.close()
            self.upstream = None
            self.dial()
            return
        log.warning("%s broke off: %s", self.client.pool.backend, error)
        self.fail(BadResponse(f"the backend broke off: {error}"))

    def may_retry(self, upstream: Upstream) -> bool:
        """Tell whether a second try is safe: the backend was just closing a kept connection.

        Nothing of the answer came, no byte of a body was taken, and to be asked twice does no harm
        (RFC 9110 §9.2.2, RFC 9112 §9.3.1).
        """
        return (
            upstream.served > 1
            and not self.once
            and not self.answer
            and not self.received
            and self.body is None
            and self.request.method in IDEMPOTENT
        )

    def on_too_long(self) -> None:
        """End it: the backend's answer has taken too long, or all of it."""
        self.keep = False
        self.fail(SLOW)

    def fail(self, error: RspError) -> None:
        """Answer in the backend's place, or break off when its answer has begun."""
        if self.answer:
            self.break_off()
            return
        self.drop()
        self.client.answer_with(error)

    def break_off(self) -> None:
        """End both sides: nobody may take this for a whole answer.

        A length or the missing last chunk tells the client; else only a reset can (RFC 9112 §8).
        """
        self.drop()
        self.note()
        if self.coded or (self.answer and self.answer.framing >= 0):
            self.client.on_done(keep=False)
        else:
            self.client.abort()

    def drop(self) -> None:
        """Leave: the upstream is in the middle of something, and cannot be used again."""
        upstream = self.let_go()
        if upstream:
            upstream.abort()
