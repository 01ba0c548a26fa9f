"""rsp.gateway and rsp.client: requests in a row, time-outs, tunnels, ends, crowds, faults."""

import errno
import logging
import os
import socket
import threading
import time
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from rsp.client import Client
from rsp.gateway import SWEEP, host_of, serve
from rsp.lab import Backend, answering, running
from rsp.lab import Client as LabClient
from rsp.leaving import LINGER
from rsp.net import Address, listen
from rsp.options import Timeouts
from rsp.pool import Pool
from rsp.stream import HIGH_WATER, READ_SIZE
from tests.http_world import GET, OK, Broken, World, left_behind, readable, widen, world
from tests.on_loop import SMALL, TIMEOUT, Clock, clock, reset, turn, turn_until

__all__ = ["clock", "world"]  # fixtures

HERE = b"OPTIONS * HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 0\r\n\r\n"  # answered by us
WEBSOCKET = (
    b"GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
TIMES = Timeouts()


def named(number: int) -> bytes:
    """Return a request that says which one it is."""
    return GET.replace(b" / ", b" /%d " % number)


def later(world: World, clock: Clock, seconds: float) -> None:
    """Let time pass, and the deadlines be looked at."""
    turn(world.loop)
    clock.pass_(seconds)
    turn(world.loop, 2)
    clock.pass_(SWEEP)
    turn(world.loop, 2)


class TestTheUsual:
    def test_request_passes_and_so_does_its_answer(self, world: World) -> None:
        """Several on one connection, to one upstream."""
        client, upstream = world.asked()
        for number in range(5):
            upstream.sendall(OK)
            got = world.read(client, b"ok")
            assert got.startswith(b"HTTP/1.1 200 OK\r\n")
            client.sendall(named(number))
            assert world.head(upstream).startswith(b"GET /%d HTTP/1.1\r\nHost: a.test\r\n" % number)

    def test_exchange_leaves_nothing_behind(self, world: World) -> None:
        """No object for the collector: it is off, and all are freed."""
        client, upstream = world.asked()
        upstream.sendall(OK)
        world.read(client, b"ok")
        assert sorted(type(one).__name__ for one in left_behind()) == ["Client", "Upstream"]

    def test_time_stands_in_the_answer_where_the_backend_has_no_clock(self, world: World) -> None:
        """RFC 9110 §6.6.1."""
        client, upstream = world.asked()
        upstream.sendall(OK)
        assert world.read(client, b"ok").count(b"\r\nDate: ") == 1

    def test_time_is_written_as_the_standard_has_it(self, world: World) -> None:
        """In an answer of our own, too (RFC 9110 §5.6.7, IMF-fixdate)."""
        client, upstream = world.asked()
        upstream.sendall(OK)
        answers = [world.read(client, b"ok")]
        client.sendall(HERE)
        answers.append(world.read(client, b"\r\n\r\n"))
        for got in answers:
            (line,) = [line for line in got.split(b"\r\n") if line.startswith(b"Date: ")]
            when = datetime.strptime(line[6:].decode(), "%a, %d %b %Y %H:%M:%S GMT")
            assert abs(when.replace(tzinfo=UTC).timestamp() - time.time()) < 5


class TestRequestsInARow:
    def test_are_answered_in_order(self, world: World) -> None:
        """Pipelined: the second one waits for the first one's answer, however quick it would be."""
        client = world.client()
        client.sendall(b"".join(map(named, range(3))))
        upstream = world.accept()
        for number in range(3):
            assert world.head(upstream).startswith(b"GET /%d " % number)
            upstream.sendall(OK.replace(b"ok", b"%02d" % number))
            assert world.read(client, b"%02d" % number).count(b"HTTP/1.1 200") == 1
        assert world.none_comes()

    def test_may_follow_a_body(self, world: World) -> None:
        """It ends where its length says, and the next begins there."""
        client = world.client()
        put = b"PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nab"
        client.sendall(put + named(2))
        upstream = world.accept()
        world.read(upstream, b"\r\n\r\nab")
        upstream.sendall(OK)
        world.read(client, b"ok")
        assert world.head(upstream).startswith(b"GET /2 ")

    def test_are_answered_though_the_client_has_ended(self, world: World) -> None:
        """A half-close loses no answer."""
        client = world.client()
        client.sendall(b"".join(map(named, range(3))))
        client.shutdown(socket.SHUT_WR)
        upstream = world.accept()
        for _ in range(3):
            world.head(upstream)
            upstream.sendall(OK)
        got = world.read_all(client)
        assert got.count(b"HTTP/1.1 200 OK\r\n") == 3

    def test_behind_one_that_closes_are_not_taken(self, world: World) -> None:
        """The client has said itself that it is the last."""
        client, upstream = world.asked(
            GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + GET
        )
        upstream.sendall(OK)
        got = world.read_all(client)
        assert got.count(b"HTTP/1.1 ") == 1
        assert b"\r\nConnection: close\r\n" in got
        assert world.none_comes()

    @pytest.mark.parametrize(
        "request_", [GET[:-2] + b"Connection: close\r\n\r\n", GET.replace(b"1.1", b"1.0")]
    )
    def test_of_one_that_asks_no_more_end_at_once(self, world: World, request_: bytes) -> None:
        """It will say nothing, so nobody waits for it."""
        client, upstream = world.asked(request_)
        upstream.sendall(OK)
        assert world.read_all(client).endswith(b"ok")
        assert not world.gateway.clients

    def test_behind_one_that_is_refused_are_not_read(self, world: World) -> None:
        """Where the next one begins is not certain."""
        client = world.client()
        client.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\nContent-Length: x\r\n\r\n" + GET)
        got = world.read_all(client)
        assert got.startswith(b"HTTP/1.1 400 ")
        assert got.count(b"HTTP/1.1 ") == 1
        assert world.none_comes()

    @pytest.mark.parametrize("one", [HERE, GET], ids=["ours", "the backend is down"])
    def test_may_be_a_flood(self, world: World, one: bytes) -> None:
        """Ten thousand, answered at once: no answer calls for the next one, deeper and deeper."""
        world.backend.close()
        client = world.client()
        world.send_all(client, one * 10_000 if one is HERE else one * 2_000)
        client.shutdown(socket.SHUT_WR)
        got = world.read_all(client)
        assert got.count(b"HTTP/1.1 ") == (10_000 if one is HERE else 2_000)

    def test_of_one_who_does_not_read_wait_at_the_client(self, clock: Clock) -> None:
        """What is held stays within a bound, and every request is answered in the end."""
        world = World(small=True)
        client = world.client(far=SMALL)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        side = world.side(client)
        client.setblocking(False)
        sent, quiet, left = 0, 0, b""
        while quiet < 3:
            left = left or HERE * 100
            try:
                count = client.send(left)
                sent, left, quiet = sent + count, left[count:], 0
            except BlockingIOError:
                world.settle()
                quiet += 1
            assert sent < 16 << 20
        assert side.paused
        assert len(side.received) + side.size < 2 * (HIGH_WATER + READ_SIZE)
        client.settimeout(TIMEOUT)
        widen(client)
        asked, rest = divmod(sent, len(HERE))
        got = world.read(client, lambda got: got.count(b"HTTP/1.1 200 OK\r\n") == asked)
        assert got.count(b"HTTP/1.1 ") == asked
        if rest:
            world.send_all(client, left[: len(HERE) - rest])
            world.read(client, b"\r\n\r\n")
        world.close()

    def test_that_wait_for_room_are_looked_at_from_their_beginning(self, clock: Clock) -> None:
        """What came before there was room was never read; no head may begin in its middle."""
        world = World(small=True)
        client = world.client(far=SMALL)
        side = world.side(client)
        number = 4000
        world.send_all(client, HERE * (number // 2))
        world.settle()
        world.send_all(client, HERE * (number // 2))
        client.shutdown(socket.SHUT_WR)
        got = world.read_all(client)
        assert got.count(b"HTTP/1.1 200 OK\r\n") == number
        assert side.closing
        world.close()

    def test_wait_within_a_bound_for_an_answer(self, world: World) -> None:
        client, _ = world.asked()
        client.setblocking(False)
        side = world.side(client)
        turn(world.loop)
        while not side.paused:
            client.send(GET * 1000)
            turn(world.loop)
        assert len(side.received) <= HIGH_WATER + READ_SIZE

    def test_with_bodies_wait_within_a_bound_too(self, world: World) -> None:
        """Each exchange takes less than a read may bring: it lets in no more than it takes."""
        put = b"PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nab"
        client = world.client()
        client.sendall(put * 4000)
        upstream = world.accept()
        for _ in range(20):
            world.read(upstream, b"\r\n\r\nab")
            assert len(world.side(client).received) <= HIGH_WATER + READ_SIZE
            upstream.sendall(OK)
            world.read(client, b"ok")


class TestWeAnswer:
    @pytest.mark.parametrize("method", [b"TRACE", b"CONNECT"])
    def test_what_is_not_for_a_reverse_proxy(self, world: World, method: bytes) -> None:
        """501, and nobody is asked."""
        client = world.client()
        target = b"a.test:443" if method == b"CONNECT" else b"/"
        client.sendall(method + b" " + target + b" HTTP/1.1\r\nHost: a.test:443\r\n\r\n")
        assert world.read_all(client).startswith(b"HTTP/1.1 501 ")
        assert world.none_comes()

    def test_the_last_hop(self, world: World) -> None:
        """OPTIONS with Max-Forwards: 0 (RFC 9110 §7.6.2); the client may stay."""
        client = world.client()
        for _ in range(2):
            client.sendall(HERE)
            got = world.read(client, b"\r\n\r\n")
            assert got.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"\r\nContent-Length: 0\r\n" in got
        assert world.none_comes()

    def test_no_options_that_may_go_on(self, world: World) -> None:
        """`OPTIONS *` is the backend's, in this form (RFC 9112 §3.2.4)."""
        client = world.client()
        client.sendall(HERE.replace(b"Max-Forwards: 0\r\n", b""))
        assert world.head(world.accept()).startswith(b"OPTIONS * HTTP/1.1\r\n")

    def test_head_without_a_body(self, world: World) -> None:
        """Else the body would be the beginning of the next answer."""
        world.backend.close()
        client = world.client()
        client.sendall(GET.replace(b"GET", b"HEAD") + HERE)
        got = world.read(client, b"Content-Length: 0\r\n\r\n")
        assert [part[:12] for part in got.split(b"\r\n\r\n")] == [
            b"HTTP/1.1 502",
            b"HTTP/1.1 200",
            b"",
        ]

    def test_http_1_0_as_it_asked(self, world: World) -> None:
        """It may stay where it asked to, and is told so; else it is at the end."""
        world.backend.close()
        client = world.client()
        client.sendall(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert b"\r\nConnection: keep-alive\r\n" in world.read(client, b"502 Bad Gateway\n")
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"\r\nConnection: close\r\n" in world.read_all(client)

    def test_garbage(self, world: World) -> None:
        """With 400, and an end."""
        client = world.client()
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        assert world.read_all(client).startswith(b"HTTP/1.1 400 ")

    def test_an_upload_and_read_what_is_left_of_it(self, world: World) -> None:
        """1 MB that nobody wants: the client sends it all, and then reads why."""
        client = world.client()
        head = b"PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: %d\r\nExpect: x\r\n\r\n"
        world.send_all(client, head % (1 << 20) + b"x" * (1 << 20))
        assert world.read_all(client).startswith(b"HTTP/1.1 417 ")

    def test_but_read_no_more_than_so_much(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Who never stops is cut."""
        monkeypatch.setattr("rsp.leaving.LINGER", 50_000)
        client = world.client()
        client.sendall(b"bad\r\n\r\n")
        for _ in range(3):
            client.send(b"x" * 50_000)
            world.settle()
        assert world.read_all(client).startswith(b"HTTP/1.1 400 ")
        assert not world.gateway.clients
        assert LINGER > 1 << 20


class TestATimeOut:
    def test_of_a_client_that_says_nothing_closes_it(self, clock: Clock, world: World) -> None:
        """Without a word: it has asked for nothing."""
        client = world.client()
        later(world, clock, TIMES.head)
        assert world.read_all(client) == b""

    def test_of_a_head_is_a_408(self, clock: Clock, world: World) -> None:
        """From its first byte on: a byte now and then does not help."""
        client = world.client()
        for byte in (b"G", b"E", b"T"):
            client.sendall(byte)
            turn(world.loop, 2)
            clock.pass_(TIMES.head / 2)
        later(world, clock, 0)
        assert world.read_all(client).startswith(b"HTTP/1.1 408 ")

    def test_of_a_backend_that_says_nothing_to_an_expect_is_its_own(
        self, clock: Clock, world: World
    ) -> None:
        """The client was right to wait for it: 504, not 408."""
        client = world.client()
        head = b"PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n"
        client.sendall(head + b"Expect: 100-continue\r\n\r\n")
        world.accept()
        later(world, clock, TIMES.body + 2 * SWEEP)
        assert world.read_all(client).startswith(b"HTTP/1.1 504 ")

    def test_of_a_body_that_was_let_come_is_the_client_s(self, clock: Clock, world: World) -> None:
        client = world.client()
        head = b"PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n"
        client.sendall(head + b"Expect: 100-continue\r\n\r\n")
        upstream = world.accept()
        upstream.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        world.head(client)
        later(world, clock, TIMES.body + 2 * SWEEP)
        assert world.read_all(client).startswith(b"HTTP/1.1 408 ")

    def test_of_a_body_is_a_408_too(self, clock: Clock, world: World) -> None:
        """Between two pieces; the backend sees a break."""
        client = world.client()
        client.sendall(b"PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\n")
        upstream = world.accept()
        for _ in range(3):
            client.sendall(b"x")
            later(world, clock, TIMES.body - 2 * SWEEP)
        assert not readable(client)
        later(world, clock, 3 * SWEEP)
        assert world.read_all(client).startswith(b"HTTP/1.1 408 ")
        with pytest.raises(Broken):
            world.read_all(upstream)

    def test_of_the_answer_is_a_504(self, clock: Clock, world: World) -> None:
        client, upstream = world.asked()
        later(world, clock, TIMES.answer)
        assert world.head(client).startswith(b"HTTP/1.1 504 ")
        with pytest.raises(Broken):
            world.read_all(upstream)

    def test_of_a_backend_that_does_not_take_the_body_is_a_504(self, clock: Clock) -> None:
        """The client would send: it is not its fault."""
        world = World(small=True)
        client = world.client()
        client.sendall(b"PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9999999\r\n\r\n")
        world.accept()
        side = world.side(client)
        client.setblocking(False)
        turn_until(world.loop, lambda: side.exchange)
        while not side.paused:
            client.send(b"x" * 65536)
            turn(world.loop)
        later(world, clock, TIMES.answer)
        assert world.head(client).startswith(b"HTTP/1.1 504 ")
        world.close()

    def test_in_the_middle_of_an_answer_shows(self, clock: Clock, world: World) -> None:
        """Between two pieces; what came is not all."""
        client, upstream = world.asked()
        upstream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        for _ in range(3):
            upstream.sendall(b"x")
            world.read(client, b"x")
            later(world, clock, TIMES.answer - 2 * SWEEP)
        assert not readable(client)
        later(world, clock, 3 * SWEEP)
        assert world.read_all(client) == b""

    def test_between_two_requests_closes(self, clock: Clock, world: World) -> None:
        client, upstream = world.asked()
        upstream.sendall(OK)
        world.read(client, b"ok")
        later(world, clock, TIMES.idle - 2 * SWEEP)
        assert not readable(client)
        later(world, clock, 2 * SWEEP)
        assert world.read_all(client) == b""

    def test_of_one_who_does_not_read_is_a_reset(self, clock: Clock) -> None:
        """An end would look like a good one, to HTTP/1.0."""
        world = World(small=True)
        client = world.client(far=SMALL)
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        upstream = world.accept()
        world.head(upstream)
        upstream.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 60_000)
        upstream.close()
        turn_until(world.loop, lambda: world.side(client).closing)
        later(world, clock, TIMES.linger)
        assert world.gateway.clients
        later(world, clock, TIMES.answer)
        with pytest.raises(Broken):
            world.read_all(client)
        world.close()

    def test_does_not_come_to_one_who_reads_slowly(self, clock: Clock) -> None:
        """With an answer that is the last: minutes may pass before all has gone."""
        world = World(small=True)
        client = world.client(far=SMALL)
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        upstream = world.accept()
        world.head(upstream)
        upstream.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 60_000)
        upstream.close()
        side = world.side(client)
        turn_until(world.loop, lambda: side.closing)
        got = b""
        while side.size:
            before = side.size
            while side.size == before:
                turn_until(world.loop, lambda: readable(client), [client])
                got += client.recv(SMALL)
            later(world, clock, TIMES.answer / 2)
        got += world.read_all(client)
        assert got.count(b"x") == 60_000
        world.close()

    def test_of_one_that_never_ends_closes(self, clock: Clock, world: World) -> None:
        """All was said, and it has been told: then it has a little while."""
        client = world.client()
        client.sendall(b"bad\r\n\r\n")
        assert world.read_all(client)
        assert world.gateway.clients
        later(world, clock, TIMES.linger)
        assert not world.gateway.clients

    def test_touches_no_timer(self, world: World) -> None:
        """One sweep a second is all, however many there are."""
        for _ in range(5):
            client = world.client()
            client.sendall(HERE)
            world.read(client, b"\r\n\r\n")
        world.asked()
        live = [timer for _, _, timer in world.loop.timers if timer.call]
        assert len(live) == 1

    def test_that_fails_is_one_clients_trouble(
        self,
        clock: Clock,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """The others' deadlines are looked at all the same, and again a second later."""
        caplog.set_level(logging.CRITICAL, "rsp")
        clients = [world.client() for _ in range(3)]
        unlucky, real = world.side(clients[0]), Client.on_timeout

        def on_timeout(client: Client) -> None:
            if client is unlucky:
                raise LookupError("a fault of ours")
            real(client)

        with monkeypatch.context() as context:
            context.setattr(Client, "on_timeout", on_timeout)
            later(world, clock, TIMES.head)
        for client in clients[1:]:
            assert world.read_all(client) == b""
        later(world, clock, SWEEP)
        assert world.read_all(clients[0]) == b""


class TestATunnel:
    def test_follows_a_101(self, world: World) -> None:
        """No option is needed; bytes pass both ways, until both have ended."""
        client, upstream = world.asked(WEBSOCKET)
        upstream.sendall(SWITCHING + b"hello")
        got = world.read(client, b"hello")
        assert got.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
        assert b"\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" in got
        assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in got
        client.sendall(b"\x81\x02hi")
        assert world.read(upstream, b"hi") == b"\x81\x02hi"
        assert world.gateway.count() == 1
        client.shutdown(socket.SHUT_WR)
        assert world.read_all(upstream) == b""
        upstream.sendall(b"bye")
        upstream.close()
        assert world.read_all(client) == b"bye"
        turn_until(world.loop, lambda: not world.gateway.count())

    def test_has_not_begun_before_the_101(self, world: World) -> None:
        """Not a byte of the client's goes on until then; and then it is the first."""
        client, upstream = world.asked(WEBSOCKET + b"early")
        world.settle()
        assert not readable(upstream)
        upstream.sendall(SWITCHING)
        assert world.read(upstream, b"early") == b"early"
        world.head(client)

    def test_is_none_where_the_backend_stays_with_http(self, world: World) -> None:
        """What came behind the request is the next one."""
        client, upstream = world.asked(WEBSOCKET + named(2))
        upstream.sendall(OK)
        world.read(client, b"ok")
        assert world.head(upstream).startswith(b"GET /2 ")

    @pytest.mark.parametrize(
        ("request_", "answer"),
        [
            (GET, SWITCHING),
            (WEBSOCKET, SWITCHING.replace(b"websocket", b"h2c")),
            (WEBSOCKET.replace(b"websocket", b"h2c"), SWITCHING.replace(b"websocket", b"h2c")),
            (WEBSOCKET.replace(b"keep-alive, Upgrade", b"keep-alive"), SWITCHING),
            (WEBSOCKET.replace(b"HTTP/1.1", b"HTTP/1.0"), SWITCHING),
        ],
        ids=["unasked", "another", "h2c", "not named", "HTTP/1.0"],
    )
    def test_is_none_that_nobody_asked_for(
        self, world: World, request_: bytes, answer: bytes
    ) -> None:
        """A 502; and HTTP/2 never passes unread."""
        client, upstream = world.asked(request_)
        upstream.sendall(answer + b"free")
        got = world.read(client, lambda got: b"502 Bad Gateway\n" in got)
        assert b"free" not in got
        assert not world.gateway.tunnels

    def test_asked_for_says_no_h2c_to_the_backend(self, world: World) -> None:
        client = world.client()
        client.sendall(
            GET.replace(
                b"\r\n\r\n",
                b"\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
            )
        )
        head = world.head(world.accept()).lower()
        assert b"h2c" not in head
        assert b"http2" not in head
        assert b"upgrade" not in head

    def test_comes_behind_what_is_pending(self, clock: Clock) -> None:
        """The answers before it are not all read yet; nothing is lost, nothing overtakes."""
        world = World(small=True)
        client = world.client(far=SMALL)
        client.sendall(GET + WEBSOCKET)
        upstream = world.accept()
        world.head(upstream)
        upstream.sendall(OK.replace(b": 2", b": 60000").replace(b"ok", b"x" * 60_000))
        world.head(upstream)
        upstream.sendall(SWITCHING)
        turn_until(world.loop, lambda: world.gateway.tunnels)
        got = world.read(client, lambda got: b"Sec-WebSocket" in got)
        assert got.index(b"101 Switching") > 60_000
        world.close()

    def test_breaks_on_both_sides(self, world: World) -> None:
        client, upstream = world.asked(WEBSOCKET)
        upstream.sendall(SWITCHING)
        world.head(client)
        reset(client)
        with pytest.raises(Broken):
            world.read_all(upstream)
        assert not world.gateway.count()


class TestTheEnd:
    def test_lets_those_go_who_have_nothing_underway(self, world: World) -> None:
        """The rest get their answer, and then they go, too."""
        idle, first = world.asked()
        first.sendall(OK)
        world.read(idle, b"ok")
        busy = world.client()
        busy.sendall(GET)
        world.head(first)
        world.listener.shutdown(socket.SHUT_RDWR)
        assert world.read_all(idle) == b""
        first.sendall(OK)
        last = world.read_all(busy)
        assert last.endswith(b"ok")
        assert b"\r\nConnection: close\r\n" in last
        idle.close()
        busy.close()
        turn_until(world.loop, lambda: not world.gateway.count())

    def test_of_the_process_lets_everybody_go(self, world: World) -> None:
        """At once, and nobody sees a good end."""
        idle = world.client()
        client, upstream = world.asked()
        tunnel, other = world.asked(WEBSOCKET)
        other.sendall(SWITCHING)
        world.head(tunnel)
        world.gateway.close()
        turn(world.loop)
        for sock in (idle, client, upstream, tunnel, other):
            with pytest.raises(ConnectionResetError):
                sock.recv(1)

    def test_comes_when_the_last_client_has_gone(self) -> None:
        """`serve` returns; nothing of it is left open."""
        before = set(threading.enumerate())
        with Backend(answering("hello\n")) as backend, running(serve, backend) as proxy:
            with LabClient(proxy) as client:
                client.ask()
                assert client.recv_all().endswith(b"hello\n")
        assert set(threading.enumerate()) == before

    @pytest.mark.parametrize("epoll", [True, False])
    def test_and_beginning_are_the_same_on_each_way_to_wait(self, epoll: bool) -> None:
        with (
            Backend(answering("hello\n", keep_alive=True)) as backend,
            running(partial(serve, epoll=epoll), backend) as proxy,
        ):
            for _ in range(3):
                with LabClient(proxy) as client:
                    client.ask()
                    assert client.recv_all().endswith(b"hello\n")
            assert len(backend.connections) == 1

    def test_is_told_at_the_start_when_the_name_is_unknown(self) -> None:
        with listen(Address("127.0.0.1", 0)) as listener, pytest.raises(socket.gaierror):
            serve(listener, Address("name.invalid", 80))


class TestAFullRoom:
    def test_lets_those_go_who_have_been_idle_for_longest(self, clock: Clock, world: World) -> None:
        """And nobody else: not who is at work, nor who has not asked yet."""
        world.gateway.room = 4
        at_work, _ = world.asked()
        idle = []
        for _ in range(2):
            client, upstream = world.asked()
            upstream.sendall(OK)
            world.read(client, b"ok")
            upstream.close()
            idle.append(client)
            clock.pass_(1)
            turn(world.loop, 2)
        silent = world.client()
        newcomer = socket.create_connection(world.listener.getsockname())
        world.stack.enter_context(newcomer)
        newcomer.sendall(GET)
        world.accept()  # for the newcomer
        assert [readable(client) for client in (at_work, silent, *idle)] == [0, 0, 1, 1]
        assert idle[0].recv(1) == b""

    def test_of_busy_clients_lets_the_next_one_wait(self, world: World) -> None:
        world.gateway.room = 1
        client, upstream = world.asked()
        newcomer = socket.create_connection(world.listener.getsockname())
        world.stack.enter_context(newcomer)
        newcomer.sendall(GET)
        assert world.none_comes()
        upstream.sendall(OK)
        world.read(client, b"ok")
        client.close()
        world.head(upstream if world.none_comes() else world.accept())


class TestTrouble:
    def test_with_descriptors_stops_nobody_for_long(
        self, clock: Clock, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """EMFILE in accept: the client waits in the kernel's queue, and is served then."""
        client = socket.socket()
        world.stack.enter_context(client)
        client.settimeout(TIMEOUT)

        def full(_: object) -> None:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        with monkeypatch.context() as context:
            context.setattr(socket.socket, "accept", full)
            client.connect(world.listener.getsockname())
            client.sendall(GET)
            turn(world.loop, 5)
        clock.pass_(1)
        turn(world.loop, 3)
        world.accept().sendall(OK)
        world.read(client, b"ok")

    def test_with_watching_a_client_is_nobody_elses(
        self, clock: Clock, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """ENOSPC: it is let go, and the next one is served."""

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        unlucky = world.stack.enter_context(socket.socket())
        unlucky.settimeout(TIMEOUT)
        with monkeypatch.context() as context:
            context.setattr(Client, "resume", full)
            unlucky.connect(world.listener.getsockname())
            turn(world.loop, 3)
        clock.pass_(1)
        turn(world.loop, 2)
        with pytest.raises(ConnectionResetError):
            unlucky.recv(1)
        client = world.client()
        client.sendall(GET)
        world.accept().sendall(OK)
        world.read(client, b"ok")

    @pytest.mark.parametrize(
        ("where", "name"),
        [(Client, "take_all"), (Client, "on_done"), (Pool, "take"), (Pool, "put")],
    )
    def test_of_our_own_is_one_clients(
        self,
        clock: Clock,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        where: type,
        name: str,
    ) -> None:
        """A fault in a handler: logged once, its client is let go, and the others are served."""
        caplog.set_level(logging.CRITICAL, "rsp")
        good, upstream = world.asked()
        unlucky = world.client()

        def fault(*_: Any, **__: Any) -> None:
            raise LookupError("a fault of ours")

        with monkeypatch.context() as context:
            context.setattr(where, name, fault)
            unlucky.sendall(GET)
            turn(world.loop, 3)
            if name in ("on_done", "put"):
                world.accept().sendall(OK)
                turn_until(world.loop, lambda: readable(unlucky))
                world.settle()
        upstream.sendall(OK)
        world.read(good, b"ok")
        later(world, clock, TIMES.answer)
        later(world, clock, TIMES.linger)
        assert [one for one in world.gateway.clients if one is not world.side(good)] == []


class TestHostOf:
    @pytest.mark.parametrize(
        ("peer", "host"),
        [
            (("192.0.2.1", 5), "192.0.2.1"),
            (("::ffff:192.0.2.1", 5, 0, 0), "192.0.2.1"),
            (("2001:db8::1", 5, 0, 0), "2001:db8::1"),
            ("", ""),
        ],
    )
    def test_is_the_address_as_the_fields_have_it(self, peer: object, host: str) -> None:
        """IPv4 as IPv4, though the listener is an IPv6 one."""
        assert host_of(peer) == host


def test_says_what_it_is(world: World) -> None:
    """Reprs worth asserting."""
    client = world.client()
    assert repr(world.gateway) == f"<Gateway to {world.address}: 1 clients>"
    assert repr(world.side(client)) == (
        "<Client: idle, 0 bytes received, <Stream: 0 bytes pending>>"
    )
