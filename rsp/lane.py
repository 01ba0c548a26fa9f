"""The lane: the usual exchange, without the parts that only the others need.

A request without a body that came alone and whole, an idle upstream, and an answer that tells its
length: that needs no reader, and few marks of how far it has come. Whatever turns out otherwise
makes an `Exchange` of it, as if it had been one from the beginning. All that the lane may do an
exchange does as well, in the same bytes: it is its oracle.
"""

import re
from collections.abc import Callable

from rsp.asker import Asker
from rsp.exchange import Exchange
from rsp.forward import OWN_VIAS, REFUSED, connection, is_dated, status_line
from rsp.http1.body import LengthReader
from rsp.http1.quick import ALONE, WITH_ONE, request_of, response_of
from rsp.splice import BULK
from rsp.stream import HIGH_WATER, READ_SIZE
from rsp.upstream import Upstream

KEEP_ALIVE = frozenset((b"keep-alive", b"Keep-Alive", b"keep-Alive", b"Keep-alive"))
NO_BODY = frozenset((b"204", b"304"))
VIA = OWN_VIAS[1]
FOR_HOST = b"X-Forwarded-Host: "


class Lane:
    """The way of one client's usual exchanges; while one is underway, it has an upstream."""

    __slots__ = (
        *("answer", "asked", "began", "client", "head", "keep", "left", "method", "minor"),
        *("promote", "upstream"),
    )

    def __init__(self, client: Asker, promote: Callable[[], Exchange]) -> None:
        self.client = client
        self.promote = promote  # the client's: it has the exchange from then on
        self.upstream: Upstream | None = None
        self.asked: re.Match[bytes] | None = None  # the request, as the quick reader parted it
        self.head = self.method = b""  # its head as it went
        self.answer: re.Match[bytes] | None = None  # the response whose body is not complete
        self.left = 0  # bytes of that body
        self.began = 0.0
        self.minor, self.keep = 1, True  # of HTTP/1.x; the client may stay

    def __repr__(self) -> str:
        return f"<Lane: {'in use' if self.upstream else 'free'}>"

    def take(self, data: bytes) -> bool:
        """Pass a request on, if it is a usual one and an upstream is idle; tell whether it was."""
        client = self.client
        quick, pool = client.quick, client.pool
        match = quick.match_request(data)
        if not match or match.end() != len(data) or len(data) > quick.short or not pool.idle:
            return False
        method, target, minor, before, host, fields = match.group(1, 2, 3, 4, 5, 6)
        self.minor = 1 if minor == b"1" else 0
        if match.lastindex == ALONE:
            self.keep = self.minor == 1
        elif match.lastindex == WITH_ONE and (word := match[8]):
            self.keep = word in KEEP_ALIVE
            fields += match[10]
        else:
            return False
        if method in REFUSED or client.service.draining:
            return False
        upstream = pool.take()
        if not upstream:
            return False
        about = client.about
        assert about is not None
        head = method, b" ", target, b" HTTP/1.1\r\nHost: ", host, b"\r\n"
        self.head = b"".join(
            (*head, before, fields, about, OWN_VIAS[self.minor], FOR_HOST, host, b"\r\n\r\n")
        )
        self.asked, self.method = match, method
        self.upstream = upstream
        upstream.user = self
        upstream.served += 1
        self.began = now = client.loop.now
        client.deadline = now + client.patience
        upstream.ask(self.head)
        return True

    def on_answer(self, data: bytes) -> None:
        """Pass an answer on, if it is a usual one, and whole."""
        client, upstream = self.client, self.upstream
        assert upstream
        if self.left:
            self.pass_content(data, upstream)
            return
        match = client.quick.match_response(data)
        if not match or match.end() > client.quick.short:
            self.promote().on_answer(data)
            return
        length = self.length_of(match, upstream)
        came = len(data) - match.end()
        if came > length or (came < length and length >= BULK):
            self.promote().on_answer(data, match)
            return
        status, reason, fields, more = match.group(2, 3, 4, 8)
        fields += more + (match[12] or b"")
        date = b"" if is_dated(fields) else b"Date: %b\r\n" % client.date()
        stays = b"" if self.keep and self.minor else connection(self.keep, self.minor)
        head = status_line(int(status), reason), fields, date, VIA, b"Content-Length: ", match[5]
        answer = b"".join((*head, b"\r\n", stays, b"\r\n", data[match.end() :]))
        if came == length:
            self.end(upstream, match, data, answer)
            return
        self.answer, self.left = match, length - came
        client.source = upstream
        client.deadline = client.loop.now + client.patience
        client.send(answer)

    def pass_content(self, data: bytes, upstream: Upstream) -> None:
        """Send what has come of a body."""
        client, answer = self.client, self.answer
        assert answer
        if len(data) > self.left:
            self.promote().on_answer(data)
            return
        self.left -= len(data)
        client.deadline = client.loop.now + client.patience
        if self.left:
            client.send(data)
        else:
            client.source = None
            self.end(upstream, answer, data, data)

    def end(self, upstream: Upstream, match: re.Match[bytes], read: bytes, last: bytes) -> None:
        """Be free; send what was `last` of the answer, with which all was `read`."""
        client = self.client
        self.upstream = upstream.user = None
        client.pool.minor = 1
        if len(read) < READ_SIZE:  # that was all there was
            upstream.emptied = client.loop.round
        client.pool.put(upstream)
        if client.log and self.asked:
            asked = request_of(self.asked)
            client.log.note(client.peer, asked, int(match[2]), int(match[5]), self.began)
        self.asked = self.answer = None  # an idle client needs no memory for them
        self.head = b""
        client.deadline = client.loop.now + client.service.timeouts.idle
        client.send(last)
        if not self.keep:
            client.on_done(keep=False, last=True)
        elif client.size >= HIGH_WATER:
            client.pause()  # who does not read its answers gets no more of them

    def length_of(self, match: re.Match[bytes], upstream: Upstream) -> int:
        """Return the length of a response's body; -1 where the response is not for the lane."""
        minor, status, length = match.group(1, 2, 5)
        if not length or minor != b"1" or status < b"200" or status in NO_BODY:
            return -1
        if match.lastindex != 8 and (match.lastindex != 12 or match[10] not in KEEP_ALIVE):
            return -1
        if self.method == b"HEAD" or upstream.pending is not None or upstream.broken:
            return -1
        return int(length)

    def exchange(self) -> Exchange:
        """Return the exchange that this would be; the lane is free then."""
        client, upstream = self.client, self.upstream
        assert self.asked
        assert upstream
        exchange = Exchange(client, request_of(self.asked))
        exchange.head, exchange.began = self.head, self.began
        if self.answer:
            exchange.answer = response_of(self.answer, self.method)
            exchange.reader = LengthReader(self.left)
            exchange.sent = exchange.answer.framing - self.left
            self.answer, self.left = None, 0
        exchange.upstream, self.upstream = upstream, None
        upstream.user = exchange
        client.source = upstream
        return exchange

    def on_answer_end(self) -> None:
        """The backend sends no more, and has not answered."""
        self.promote().on_answer_end()

    def on_upstream_break(self, error: Exception) -> None:
        """The connection broke off before there was an answer."""
        self.promote().on_upstream_break(error)
