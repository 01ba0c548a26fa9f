"""Answering: how a response comes back, from its head to its last byte.

The half of an exchange that faces the backend's answer; the other half, in `rsp.exchange`, sends
the request and decides what a break means.
"""

import logging
import re

from rsp import forward
from rsp.asker import Asker
from rsp.errors import RspError
from rsp.http1.body import LengthReader, Reader, reader
from rsp.http1.chunked import Malformed, chunk, last_chunk
from rsp.http1.message import CHUNKED, UNTIL_END, BadResponse, Request, Response
from rsp.http1.quick import response_of
from rsp.http1.responses import take_response
from rsp.splice import BULK, Splice
from rsp.upstream import Upstream

log = logging.getLogger(__name__)


class Answering:
    """The response's way to the client."""

    upgrade = b""  # the protocols that the client would change to
    upstream: Upstream | None = None
    answer: Response | None = None
    received = b""  # of a response whose head is not complete
    reader: Reader | None = None  # of the response's body, unless it came with its head
    sent = 0  # bytes of that body
    coded = False  # the response goes in chunks
    once = False  # a second try is out of the question
    over = False

    def __init__(self, client: Asker, request: Request) -> None:
        self.client, self.request = client, request
        framing = request.framing
        self.body: Reader | None = reader(framing, client.limits) if framing else None
        self.began = client.loop.now
        self.keep = request.keep_alive  # the client may stay behind this

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

    def on_answer(self, data: bytes, parted: re.Match[bytes] | None = None) -> None:
        """Take what the backend sent; `parted` is what the quick reader has made of its head."""
        if self.answer:
            self.client.deadline = self.client.loop.now + self.client.patience
            self.pass_content(data)
            return
        if self.received:
            data = self.received + data
        try:
            self.take_head(data, parted)
        except BadResponse as error:
            log.warning("Bad response from %s: %s", self.client.pool.backend, error)
            self.fail(error)

    def take_head(self, data: bytes, parted: re.Match[bytes] | None = None) -> None:
        """Take the head of a response, and of those before it that are interim."""
        client, method = self.client, self.request.method
        while data:
            found = (response_of(parted, method), parted.end()) if parted else None
            parted = None
            # Not the quick way behind a part: for each new byte it would read all again.
            if not found and not self.received:
                found = client.quick.take_response(data, method)
            if not found:
                found = take_response(data, method, client.limits, len(self.received))
            if not found:
                self.received = data
                return
            answer, end = found
            self.received, data = b"", data[end:]
            client.pool.minor = answer.minor
            client.deadline = client.loop.now + client.patience
            if answer.status >= 200:
                self.begin_answer(answer, data)
                return
            if answer.status == 101:
                self.switch(answer, data)
                return
            self.once = True
            if self.request.minor == 1:  # HTTP/1.0 knows none (RFC 9110 §15.2)
                client.send(forward.interim_head(answer))
                if self.over:
                    return

    def begin_answer(self, answer: Response, data: bytes) -> None:
        """Send the head of the response, with what has come of its body."""
        request, client = self.request, self.client
        self.answer = answer
        if self.body and not self.body.done:
            self.keep = False  # answered early: where the next request begins is not certain
        framing = answer.framing
        told: int | None = framing
        if request.method == b"HEAD" or answer.status in (204, 304):
            told = None
        elif framing < 0:
            self.coded = request.minor == 1
            told = CHUNKED if self.coded else UNTIL_END
            self.keep = self.keep and self.coded
        head = forward.response_head(answer, told, request.minor, self.keep, client.date())
        if framing < 0 or len(data) < framing:
            self.reader = reader(framing, client.limits)
            self.pass_content(data, head)
            return
        self.sent = framing  # all of it has come
        client.send(head + data if len(data) == framing else head + data[:framing])
        if not self.over:
            self.complete(len(data) == framing)

    def pass_content(self, data: bytes, head: bytes = b"") -> None:
        """Send what has come of the response's body; behind its end comes nothing."""
        assert self.reader
        assert self.answer
        try:
            content, rest = self.reader.take(data)
        except Malformed as error:
            log.warning("Bad response from %s: %s", self.client.pool.backend, error)
            if head:  # nothing of it has gone: the client can still be told
                self.answer = None
                self.fail(BadResponse(str(error)))
            else:
                self.break_off()
            return
        done = self.reader.done
        self.sent += len(content)
        if self.coded:
            content = chunk(content)
            if done:
                trailers = getattr(self.reader, "trailers", b"")
                content += last_chunk(forward.passing_trailers(self.answer, trailers))
        if head or content:
            self.client.send(head + content if head else content)
        if self.over:
            return
        if done:
            self.complete(not rest)
        else:
            self.splice_if_much(self.reader)

    def splice_if_much(self, body: Reader) -> None:
        """Have the rest of a long body moved inside the kernel."""
        client, upstream = self.client, self.upstream
        pipes = client.service.pipes
        if not (isinstance(body, LengthReader) and body.left >= BULK):
            return
        if pipes and upstream and client.pending is None:
            upstream.spliced(Splice(pipes, upstream, client, body.left, self))

    def on_spliced(self, splice: Splice) -> None:
        """Note that some of a body has been moved, or all of it."""
        raise NotImplementedError

    def on_unspliced(self, splice: Splice) -> None:
        """Read and send what is left of a body."""
        raise NotImplementedError

    def complete(self, clean: bool) -> None:
        """Let the upstream go, for others if it can be used again, and tell the client's side.

        `clean`: nothing came behind the response.
        """
        upstream, answer, client = self.upstream, self.answer, self.client
        # Asked first: a body that is still moved, and cut now, would look done behind that.
        kept = clean and upstream and answer and self.may_be_kept(upstream, answer)
        self.let_go()
        if upstream and answer:
            if kept:
                client.pool.put(upstream, answer.special.get(b"keep-alive"))
            else:
                upstream.close()
        if client.log:
            self.note()
        client.on_done(keep=self.keep, last=not (self.request.keep_alive or self.body))

    def note(self, status: int = 0) -> None:
        """Note this exchange in the access log, with its own status where none is given."""
        client, answer = self.client, self.answer
        if client.log:
            status = answer.status if answer else status
            client.log.note(client.peer, self.request, status, self.sent, self.began)

    def may_be_kept(self, upstream: Upstream, answer: Response) -> bool:
        """Tell whether an upstream is at the beginning of something again."""
        if not answer.keep_alive or answer.framing == UNTIL_END or upstream.pending is not None:
            return False
        asked = not self.body or self.body.done
        return asked and not upstream.ended and not upstream.broken

    def on_answer_end(self) -> None:
        """The backend sends no more: that is the end of a body, or comes too early."""
        if self.reader and self.reader.end():
            if self.coded:
                self.client.send(last_chunk())
            if not self.over:
                self.complete(clean=True)
        else:
            self.on_upstream_break(BadResponse("the connection ended"))

    def switch(self, answer: Response, data: bytes) -> None:
        """Let client and backend speak as they have agreed to (RFC 9110 §15.2.2)."""
        if not forward.agrees(answer, self.upgrade):
            raise BadResponse("a 101 that nobody asked for")
        self.answer = answer
        upstream = self.let_go()
        assert upstream
        self.note()
        self.client.switch(upstream, forward.switching_head(answer), data)
