"""rsp.exchange and rsp.answering: a request with its response: streamed, broken off, cut."""

import socket

import pytest

from rsp.http1.message import Limits
from rsp.options import Options
from rsp.stream import HIGH_WATER, READ_SIZE
from tests.http_world import GET, OK, Broken, World, readable, widen, world
from tests.on_loop import SMALL, Clock, clock, reset, turn, turn_until

__all__ = ["clock", "world"]  # fixtures

GET_1_0 = b"GET / HTTP/1.0\r\nHost: a.test\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNTIL_END = b"HTTP/1.1 200 OK\r\n\r\n"
EXPECT = b"PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
MUCH = 1 << 20
BOUND = HIGH_WATER + READ_SIZE + 4096  # pending bytes at most: the high water, one read, a head


def put(length: int, *fields: bytes) -> bytes:
    """Return the head of an upload."""
    lines = [b"PUT / HTTP/1.1", b"Host: a.test", b"Content-Length: %d" % length, *fields, b"", b""]
    return b"\r\n".join(lines)


def put_in_chunks(*fields: bytes) -> bytes:
    """Return the head of an upload whose length nobody knows."""
    lines = [b"PUT / HTTP/1.1", b"Host: a.test", b"Transfer-Encoding: chunked", *fields, b"", b""]
    return b"\r\n".join(lines)


def sent_until_full(world: World, sock: socket.socket) -> int:
    """Send until nobody takes any more; return how many bytes that were."""
    sock.setblocking(False)
    sent, quiet = 0, 0
    while quiet < 3:
        try:
            sent += sock.send(b"x" * 65536)
            quiet = 0
        except BlockingIOError:
            world.settle()
            quiet += 1
        assert sent < 64 * MUCH, "nobody makes the sender wait"
    return sent


class TestAResponse:
    @pytest.mark.parametrize(
        ("head", "body", "passes"),
        [
            (LENGTH.replace(b"100", b"4"), b"abcd", b"abcd"),
            (CHUNKED, b"4\r\nabcd\r\n0\r\n\r\n", b"4\r\nabcd\r\n0\r\n\r\n"),
            (CHUNKED, b"4;x=y\r\nabcd\r\n0\r\nT: 1\r\n\r\n", b"4\r\nabcd\r\n0\r\nT: 1\r\n\r\n"),
            (LENGTH.replace(b"100", b"0"), b"", b""),
        ],
        ids=["length", "chunked", "trailers", "nothing"],
    )
    def test_is_framed_for_http_1_1_as_it_came(
        self, world: World, head: bytes, body: bytes, passes: bytes
    ) -> None:
        """And both sides may stay."""
        client, upstream = world.asked()
        upstream.sendall(head + body)
        got = world.read(client, lambda got: b"\r\n\r\n" in got and got.endswith(passes))
        assert got.partition(b"\r\n\r\n")[2] == passes
        assert b"Connection" not in got
        assert len(world.pool.idle) == 1

    def test_that_lasts_until_the_end_goes_in_chunks(self, world: World) -> None:
        """So the client may stay, and knows that it is whole."""
        client, upstream = world.asked()
        upstream.sendall(UNTIL_END + b"ab")
        upstream.close()
        got = world.read(client, b"0\r\n\r\n")
        assert b"\r\nTransfer-Encoding: chunked\r\n" in got
        assert got.endswith(b"\r\n\r\n2\r\nab\r\n0\r\n\r\n")
        assert world.pool.idle == []

    @pytest.mark.parametrize(
        "answer",
        [UNTIL_END + b"abcd", CHUNKED + b"2\r\nab\r\n2\r\ncd\r\n0\r\nT: 1\r\n\r\n"],
        ids=["until end", "chunked"],
    )
    def test_goes_to_http_1_0_until_the_end(self, world: World, answer: bytes) -> None:
        """It knows no chunks, and no trailers (RFC 9112 §7.1)."""
        client, upstream = world.asked(
            GET_1_0.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n")
        )
        upstream.sendall(answer)
        upstream.close()
        got = world.read_all(client)
        assert got.endswith(b"\r\n\r\nabcd")
        assert b"chunked" not in got
        assert b"Connection: close\r\n" in got

    @pytest.mark.parametrize("keep", [True, False])
    def test_lets_http_1_0_stay_when_it_asked_to(self, world: World, keep: bool) -> None:
        request = GET_1_0.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n")
        client, upstream = world.asked(request if keep else GET_1_0)
        upstream.sendall(OK)
        got = world.read(client, b"ok")
        assert (b"Connection: keep-alive\r\n" in got) == keep
        world.settle()
        assert readable(client) != keep

    @pytest.mark.parametrize(
        ("request_", "line", "fields"),
        [
            (HEAD, b"200 OK", b"Content-Length: 100\r\n"),
            (HEAD, b"200 OK", b"Transfer-Encoding: chunked\r\n"),
            (HEAD, b"200 OK", b""),
            (GET, b"204 No Content", b"Content-Length: 100\r\n"),
            (GET, b"204 No Content", b"Transfer-Encoding: chunked\r\n"),
            (GET, b"304 Not Modified", b"Content-Length: 100\r\n"),
        ],
    )
    def test_has_no_body_whatever_its_fields_say(
        self, world: World, request_: bytes, line: bytes, fields: bytes
    ) -> None:
        """To HEAD, and as 204 and 304: the next answer follows at once (RFC 9112 §6.3)."""
        client, upstream = world.asked(request_)
        upstream.sendall(b"HTTP/1.1 " + line + b"\r\n" + fields + b"\r\n")
        got = world.read(client, b"\r\n\r\n")
        assert b"Transfer-Encoding" not in got
        kept = bool(world.pool.idle)  # 204 with a length is not: its body may come all the same
        client.sendall(GET)
        upstream = upstream if kept else world.accept()
        world.head(upstream)
        upstream.sendall(OK)
        assert world.read(client, b"ok").startswith(b"HTTP/1.1 200")

    @pytest.mark.parametrize("status", [b"205", b"206", b"299", b"401", b"407", b"426", b"599"])
    def test_of_another_status_is_framed_as_any_other(self, world: World, status: bytes) -> None:
        """205, too: a body that is there is no next answer; and what nobody knows passes."""
        client, upstream = world.asked()
        for _ in range(2):
            upstream.sendall(OK.replace(b"200", status))
            got = world.read(client, b"\r\n\r\nok")
            assert got.startswith(b"HTTP/1.1 " + status + b" OK\r\n")
            client.sendall(GET)
            world.head(upstream)

    @pytest.mark.parametrize("status", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
    def test_comes_behind_interim_ones(self, world: World, status: bytes) -> None:
        """They pass to HTTP/1.1 at once (RFC 9110 §15.2)."""
        client, upstream = world.asked()
        interim = b"HTTP/1.1 " + status + b"\r\nLink: </a>\r\n\r\n"
        upstream.sendall(interim)
        assert world.head(client) == interim
        upstream.sendall(interim + OK)
        got = world.read(client, b"ok")
        assert got.startswith(interim + b"HTTP/1.1 200 OK\r\n")

    def test_alone_goes_to_http_1_0(self, world: World) -> None:
        """It would take a 1xx for the answer."""
        client, upstream = world.asked(GET_1_0)
        upstream.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK)
        assert world.read_all(client).startswith(b"HTTP/1.1 200 OK\r\n")

    @pytest.mark.parametrize(
        "answer",
        [
            b"nonsense\r\n\r\n",
            b"HTTP/2 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000,
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nfree",
        ],
        ids=["no http", "version", "lengths", "both", "bare CR", "too long", "unasked 101"],
    )
    def test_that_breaks_the_rules_is_a_502(self, world: World, answer: bytes) -> None:
        """And the client, which can do nothing about it, may go on asking."""
        client, upstream = world.asked()
        upstream.sendall(answer)
        got = world.read(client, b"502 Bad Gateway\n")
        assert got.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
        assert got.count(b"HTTP/1.1") == 1
        with pytest.raises(Broken):
            world.read_all(upstream)
        client.sendall(GET)
        world.accept().sendall(OK)
        world.read(client, b"ok")

    @pytest.mark.parametrize("at", range(1, 95))
    def test_may_come_in_two_parts(self, world: World, at: int) -> None:
        """Wherever they are cut, the client gets the same."""
        answer = CHUNKED[:-2] + b"Date: now\r\nX: y\r\n\r\n" + b"2\r\nok\r\n0\r\nT: 1\r\n\r\n"
        client, upstream = world.asked()
        upstream.sendall(answer[:at])
        world.settle()
        upstream.sendall(answer[at:])
        got = world.read(client, b"0\r\nT: 1\r\n\r\n")
        head, _, body = got.partition(b"\r\n\r\n")
        assert b"\r\nX: y\r\n" in head
        assert (
            body.replace(b"1\r\no\r\n1\r\nk\r\n", b"2\r\nok\r\n")
            == answer.partition(b"\r\n\r\n")[2]
        )

    def test_comes_as_it_is_made(self, world: World) -> None:
        """Server-sent events: each is with the client before the next one is made."""
        client, upstream = world.asked()
        upstream.sendall(CHUNKED)
        world.head(client)
        for number in range(3):
            event = b"data: %d\n\n" % number
            upstream.sendall(b"%x\r\n%b\r\n" % (len(event), event))
            assert event in world.read(client, event + b"\r\n")


class TestARequest:
    @pytest.mark.parametrize("at", range(1, 80))
    def test_may_come_in_two_parts(self, world: World, at: int) -> None:
        """Wherever they are cut, the backend gets the same."""
        request = put_in_chunks(b"X: y") + b"2\r\nok\r\n0\r\nT: 1\r\n\r\n"
        client = world.client()
        client.sendall(request[:at])
        world.settle()
        client.sendall(request[at:])
        got = world.read(world.accept(), b"0\r\nT: 1\r\n\r\n")
        head, _, body = got.partition(b"\r\n\r\n")
        assert b"\r\nX: y\r\n" in head
        body = body.replace(b"1\r\no\r\n1\r\nk\r\n", b"2\r\nok\r\n")
        assert body == b"2\r\nok\r\n0\r\nT: 1\r\n\r\n"

    def test_may_come_a_byte_at_a_time(self, world: World) -> None:
        client = world.client()
        for byte in put_in_chunks() + b"2;x=1\r\nok\r\n0\r\n\r\n":
            client.sendall(bytes([byte]))
            turn(world.loop, 2)
        got = world.read(world.accept(), b"0\r\n\r\n")
        assert got.partition(b"\r\n\r\n")[2] == b"1\r\no\r\n1\r\nk\r\n0\r\n\r\n"

    @pytest.mark.parametrize("method", [b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"FROB"])
    def test_may_have_a_body_whatever_its_method(self, world: World, method: bytes) -> None:
        """Its framing says so, and not what the method means (RFC 9112 §6)."""
        client = world.client()
        client.sendall(put(2).replace(b"PUT", method) + b"ab" + GET)
        upstream = world.accept()
        got = world.read(upstream, b"\r\n\r\nab")
        assert got.startswith(method + b" / HTTP/1.1\r\n")
        assert b"\r\nContent-Length: 2\r\n" in got
        upstream.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        world.head(client)
        assert world.head(upstream).startswith(b"GET / ")

    def test_with_a_body_goes_as_it_comes(self, world: World) -> None:
        """The backend has the first part before the second one was sent."""
        client = world.client()
        client.sendall(put(4) + b"ab")
        upstream = world.accept()
        world.read(upstream, b"ab")
        client.sendall(b"cd")
        world.read(upstream, b"cd")
        upstream.sendall(OK)
        assert b"Connection" not in world.read(client, b"ok")

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"x\r\n", b"400"),
            (b"2\r\nabc\r\n", b"400"),
            (b"0x2\r\nab\r\n", b"400"),
            (b"2\nab\n", b"400"),
            (b"2\r\nab\r\n0\r\nbad trailer\r\n\r\n", b"400"),
        ],
    )
    def test_whose_body_breaks_its_framing_is_refused(
        self, world: World, body: bytes, status: bytes
    ) -> None:
        """The backend sees a break, and never an end (RFC 9112 §7.1)."""
        client = world.client()
        client.sendall(put_in_chunks() + body)
        got = world.read_all(client)
        assert got.startswith(b"HTTP/1.1 " + status)
        assert b"Connection: close\r\n" in got
        if not world.none_comes():
            with pytest.raises(Broken) as caught:
                world.read_all(world.accept())
            assert b"0\r\n\r\n" not in caught.value.got.partition(b"\r\n\r\n")[2]

    def test_that_goes_on_with_what_looks_like_one_is_still_one(self, world: World) -> None:
        """A body is no request, whatever it says."""
        inner = b"GET /admin HTTP/1.1\r\nHost: a.test\r\n\r\n"
        client = world.client()
        client.sendall(put(len(inner)) + inner)
        upstream = world.accept()
        world.read(upstream, inner)
        upstream.sendall(OK)
        assert world.read(client, b"ok").count(b"HTTP/1.1 ") == 1
        assert world.none_comes()

    def test_with_an_upgrade_and_a_body_goes_without_the_upgrade(self, world: World) -> None:
        """The body would come before the answer: whose protocol would it be in?"""
        client = world.client()
        client.sendall(put(2, b"Connection: upgrade", b"Upgrade: websocket") + b"ab")
        upstream = world.accept()
        assert b"pgrade" not in world.read(upstream, b"ab")
        upstream.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
        assert b" 502 " in world.head(client)


class TestExpect:
    def test_passes_and_so_does_the_100(self, world: World) -> None:
        """The backend decides whether it wants the body."""
        client, upstream = world.asked(EXPECT)
        upstream.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert world.head(client) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"ab")
        world.read(upstream, b"ab")
        upstream.sendall(OK)
        world.read(client, b"ok")

    def test_may_be_answered_without_the_body(self, world: World) -> None:
        """Then the client cannot stay: nobody knows whether the body comes."""
        client, upstream = world.asked(EXPECT)
        upstream.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        got = world.read_all(client)
        assert got.startswith(b"HTTP/1.1 413")
        assert b"Connection: close\r\n" in got
        assert world.pool.idle == []

    def test_is_answered_by_us_where_the_backend_knows_none(self, world: World) -> None:
        """HTTP/1.0 would wait for the body, and the client for the 100 (RFC 9110 §10.1.1)."""
        client, upstream = world.asked()
        upstream.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
        world.read(client, b"ok")
        client.sendall(EXPECT)
        assert world.head(client) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"ab")
        assert b"Expect" not in world.read(world.accept(), b"ab")

    @pytest.mark.parametrize(
        ("request_", "answer"),
        [
            (EXPECT.replace(b"100-continue", b"a-cake"), b" 417 "),
            (EXPECT.replace(b"HTTP/1.1", b"HTTP/1.0"), b""),
        ],
    )
    def test_of_something_else_is_refused_and_of_http_1_0_ignored(
        self, world: World, request_: bytes, answer: bytes
    ) -> None:
        client = world.client()
        client.sendall(request_)
        if answer:
            assert answer in world.read_all(client)
            assert world.none_comes()
        else:
            assert b"Expect" not in world.head(world.accept())


def test_in_chunks_a_body_goes_to_no_backend_of_http_1_0(world: World) -> None:
    """It would take the chunks for the next request (RFC 9112 §6.1): 411 asks for a length."""
    client, upstream = world.asked()
    upstream.sendall(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok")
    world.read(client, b"ok")
    client.sendall(put_in_chunks() + b"0\r\n\r\n")
    assert world.read_all(client).startswith(b"HTTP/1.1 411 ")
    assert world.none_comes()
    assert not readable(upstream)


class TestTheLimit:
    @pytest.mark.parametrize("head", [put(11), put_in_chunks()])
    def test_of_a_body_is_kept(self, clock: Clock, head: bytes) -> None:
        """413, at once where the length is told, and else when there is too much."""
        world = World(options=Options(limits=Limits(body=10)))
        client = world.client()
        client.sendall(head + b"b\r\n01234567890\r\n")
        got = world.read_all(client)
        assert got.startswith(b"HTTP/1.1 413 ")
        world.close()

    def test_lets_pass_what_just_fits(self, clock: Clock) -> None:
        world = World(options=Options(limits=Limits(body=10)))
        client = world.client()
        client.sendall(put_in_chunks() + b"a\r\n0123456789\r\n0\r\n\r\n")
        world.read(world.accept(), b"0\r\n\r\n")
        world.close()


class TestBackPressure:
    def test_of_a_slow_reader_makes_the_backend_wait(self, clock: Clock) -> None:
        """What is pending stays within a bound, and all of it arrives in the end."""
        world = World(small=True)
        client = world.client(far=SMALL)
        client.sendall(GET)
        upstream = world.accept()
        world.head(upstream)
        upstream.sendall(UNTIL_END)
        sent = sent_until_full(world, upstream)
        side = world.side(client)
        assert HIGH_WATER <= side.size <= BOUND
        upstream.close()
        widen(client)
        got = world.read(client, b"0\r\n\r\n")
        assert got.count(b"x") == sent
        world.close()

    def test_of_a_backend_that_does_not_read_makes_the_client_wait(self, clock: Clock) -> None:
        world = World(small=True, splice=False)
        client = world.client()
        client.sendall(put(1 << 30))
        upstream = world.accept()
        sent = sent_until_full(world, client)
        side = world.side(client)
        assert side.paused
        assert side.exchange
        assert side.exchange.upstream
        assert HIGH_WATER <= side.exchange.upstream.size <= BOUND
        assert len(side.received) <= HIGH_WATER
        widen(upstream)
        assert world.read(upstream, lambda got: len(got) > sent)
        world.close()

    def test_of_small_pieces_counts_them(self, clock: Clock) -> None:
        """Each costs more than its bytes."""
        world = World(small=True)
        client = world.client(far=SMALL)
        client.sendall(GET)
        upstream = world.accept()
        upstream.sendall(CHUNKED)
        side = world.side(client)
        turn_until(world.loop, lambda: side.exchange and side.exchange.answer)
        assert side.exchange
        assert side.exchange.upstream
        while not side.exchange.upstream.paused:
            upstream.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
            turn(world.loop)
        assert side.pending
        assert len(side.pending) <= 128
        world.close()

    def test_of_a_flood_of_interim_answers_is_the_same(self, clock: Clock) -> None:
        """A backend that never comes to the point fills no memory."""
        world = World(small=True)
        client = world.client(far=SMALL)
        client.sendall(GET)
        upstream = world.accept()
        hints = b"HTTP/1.1 103 Early Hints\r\nX: " + b"x" * 1000 + b"\r\n\r\n"
        upstream.setblocking(False)
        side = world.side(client)
        sent = quiet = 0
        while quiet < 3 and sent < 64 * MUCH:
            try:
                sent += upstream.send(hints * 60)
                quiet = 0
            except BlockingIOError:
                world.settle()
                quiet += 1
        assert sent < 64 * MUCH
        assert side.size <= 2 * BOUND
        world.close()


class TestAnEarlyAnswer:
    @pytest.mark.parametrize("resets", [False, True], ids=["closes", "resets"])
    def test_reaches_a_client_that_is_still_sending(self, world: World, resets: bool) -> None:
        """It sends all of its 1 MB before it reads, and then has the answer (RFC 9112 §9.6)."""
        client = world.client()
        client.sendall(put(MUCH) + b"x" * 1000)
        upstream = world.accept()
        world.read(upstream, b"x" * 1000)
        upstream.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno\n")
        if resets:  # with some of the upload unread, as a server that closes does
            client.sendall(b"x" * 1000)
            world.settle()
            upstream.close()
        world.send_all(client, b"x" * (MUCH - 2000))
        got = world.read_all(client)
        assert got.startswith(b"HTTP/1.1 413 ")
        assert got.endswith(b"\r\n\r\nno\n")
        assert b"Connection: close\r\n" in got

    def test_is_read_though_sending_fails(self, world: World) -> None:
        """The reset is met by the next send, and the answer still waits to be read."""
        client = world.client()
        client.sendall(put(MUCH) + b"x" * 1000)
        upstream = world.accept()
        world.settle()
        upstream.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno\n")
        upstream.close()  # with bytes unread: a reset
        client.sendall(b"x" * 1000)
        world.side(client).on_readable()
        world.side(client).on_readable() if readable(client) else None
        got = world.read_all(client)
        assert got.endswith(b"\r\n\r\nno\n")

    def test_of_which_a_reset_is_the_end_is_never_complete(self, world: World) -> None:
        """Where only an end tells that it is whole: after a failed send an end means nothing."""
        client = world.client()
        client.sendall(put(MUCH) + b"x" * 1000)
        upstream = world.accept()
        world.settle()
        upstream.sendall(UNTIL_END + b"part")
        upstream.close()
        client.sendall(b"x" * 1000)
        world.side(client).on_readable()
        assert not world.read_all(client).endswith(b"0\r\n\r\n")

    def test_may_go_on_while_the_upload_does(self, world: World) -> None:
        """Both ways at once: an echo."""
        client = world.client()
        client.sendall(put(3))
        upstream = world.accept()
        upstream.sendall(LENGTH.replace(b"100", b"3"))
        for byte in (b"1", b"2", b"3"):
            client.sendall(byte)
            world.read(upstream, byte)
            upstream.sendall(byte)
            world.read(client, byte)
        assert world.read_all(client) == b""

    def test_ends_the_upload_once_it_is_complete(self, world: World) -> None:
        """Nobody is asked to read on: the rest is thrown away, and both are let go."""
        client = world.client()
        client.sendall(put(10) + b"x")
        upstream = world.accept()
        world.read(upstream, b"x")
        upstream.sendall(OK)
        assert b"\r\nConnection: close\r\n" in world.read(client, b"ok")
        client.sendall(b"x" * 9 + GET)
        assert world.read_all(upstream) == b""
        assert world.read_all(client) == b""
        assert world.none_comes()

    def test_is_whole_though_the_client_breaks_its_upload_off(self, world: World) -> None:
        """With an end: it has heard enough to stop, and still wants the rest."""
        client = world.client()
        client.sendall(put(10) + b"x")
        upstream = world.accept()
        upstream.sendall(LENGTH.replace(b"100", b"4") + b"ab")
        world.read(client, b"ab")
        client.shutdown(socket.SHUT_WR)
        world.settle()
        upstream.sendall(b"cd")
        assert world.read_all(client) == b"cd"


class TestUrgentBytes:
    def test_of_a_backend_are_read_where_they_stand(self, world: World) -> None:
        """Out of band they would be missing, and the body never complete (RFC 6093 §3)."""
        client, upstream = world.asked()
        upstream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na")
        upstream.send(b"b", socket.MSG_OOB)
        upstream.sendall(b"c")
        assert world.read(client, b"abc").endswith(b"\r\n\r\nabc")


class TestTrailersThatConnectionNames:
    """They concern one connection, as a field would (RFC 9110 §7.6.1)."""

    BODY = b"1\r\nx\r\n0\r\nA: 1\r\nB: 2\r\n\r\n"
    FIELDS = b"Connection: a\r\nTransfer-Encoding: chunked\r\n\r\n"

    def test_of_a_request_do_not_pass(self, world: World) -> None:
        client = world.client()
        client.sendall(b"PUT / HTTP/1.1\r\nHost: a.test\r\n" + self.FIELDS + self.BODY)
        got = world.read(world.accept(), b"\r\n0\r\nB: 2\r\n\r\n")
        assert b"A: 1" not in got

    def test_of_a_response_do_not_pass(self, world: World) -> None:
        client, upstream = world.asked()
        upstream.sendall(b"HTTP/1.1 200 OK\r\n" + self.FIELDS + self.BODY)
        assert b"A: 1" not in world.read(client, b"\r\n0\r\nB: 2\r\n\r\n")


class TestABackendThatBreaksOff:
    @pytest.mark.parametrize("resets", [False, True], ids=["end", "reset"])
    @pytest.mark.parametrize(
        "part", [b"", b"H", b"HTTP/1.1 200 OK\r\nX", LENGTH[:-2]], ids=["0", "1", "line", "fields"]
    )
    def test_before_its_head_is_complete_is_a_502(
        self, world: World, part: bytes, resets: bool
    ) -> None:
        client, upstream = world.asked()
        upstream.sendall(part)
        world.settle()
        reset(upstream) if resets else upstream.close()
        assert world.head(client).startswith(b"HTTP/1.1 502 Bad Gateway\r\n")

    @pytest.mark.parametrize("resets", [False, True], ids=["end", "reset"])
    @pytest.mark.parametrize(
        "part",
        [LENGTH, LENGTH + b"x" * 99, CHUNKED, CHUNKED + b"4\r\nab", CHUNKED + b"2\r\nab\r\n0\r\n"],
        ids=["length", "one byte less", "chunked", "in a chunk", "in the last"],
    )
    def test_in_a_framed_body_shows(self, world: World, part: bytes, resets: bool) -> None:
        """The length, or the last chunk, is not reached; and the client is let go."""
        client, upstream = world.asked()
        upstream.sendall(part)
        got = world.head(client)
        world.settle()
        reset(upstream) if resets else upstream.close()
        got += world.read_all(client)
        body = got.partition(b"\r\n\r\n")[2]
        assert len(body) < 100
        assert not body.endswith(b"0\r\n\r\n")

    def test_by_a_reset_until_the_end_shows_too(self, world: World) -> None:
        """In chunks for HTTP/1.1: the last one is missing."""
        client, upstream = world.asked()
        upstream.sendall(UNTIL_END + b"ab")
        got = world.read(client, b"ab\r\n")
        reset(upstream)
        assert world.read_all(client) == b""
        assert b"Transfer-Encoding: chunked" in got

    @pytest.mark.parametrize("answer", [UNTIL_END + b"ab", CHUNKED + b"2\r\nab\r\n"])
    def test_shows_http_1_0_a_reset(self, world: World, answer: bytes) -> None:
        """Its answer has no length: an end would be a good one (RFC 9112 §8)."""
        client, upstream = world.asked(GET_1_0)
        upstream.sendall(answer)
        world.read(client, b"ab")
        reset(upstream)
        with pytest.raises(Broken):
            world.read_all(client)

    def test_by_a_malformed_chunk_shows(self, world: World) -> None:
        client, upstream = world.asked()
        upstream.sendall(CHUNKED)
        world.head(client)
        upstream.sendall(b"2\r\nab\r\nzz\r\n0\r\n\r\n")
        assert world.read_all(client) == b""

    def test_by_a_malformed_chunk_with_the_head_is_told(self, world: World) -> None:
        """Nothing of the head had gone: the client gets a 502 instead."""
        client, upstream = world.asked()
        upstream.sendall(CHUNKED + b"2\r\nab\r\nzz\r\n0\r\n\r\n")
        assert world.read(client, b"502 Bad Gateway\n").startswith(b"HTTP/1.1 502 ")

    def test_while_the_client_is_slow_shows_too(self, clock: Clock) -> None:
        """All that it had said arrives first."""
        world = World(small=True)
        client = world.client(far=SMALL)
        client.sendall(GET)
        upstream = world.accept()
        world.head(upstream)
        upstream.sendall(LENGTH.replace(b"100", b"1000000"))
        upstream.sendall(b"x" * 200_000)
        world.settle()
        upstream.close()
        got = world.read_all(client)
        assert got.count(b"x") == 200_000
        world.close()


class TestAClientThatBreaksOff:
    @pytest.mark.parametrize("resets", [False, True], ids=["end", "reset"])
    @pytest.mark.parametrize("body", [put(10) + b"abc", put_in_chunks() + b"5\r\nabc"])
    def test_in_its_upload_shows_the_backend_a_break(
        self, world: World, body: bytes, resets: bool
    ) -> None:
        """Never a whole body."""
        client = world.client()
        client.sendall(body)
        upstream = world.accept()
        world.read(upstream, lambda got: b"abc" in got)
        reset(client) if resets else client.shutdown(socket.SHUT_WR)
        with pytest.raises(Broken) as caught:
            world.read_all(upstream)
        assert caught.value.got == b""
        if not resets:
            assert world.read_all(client).startswith(b"HTTP/1.1 400 ")

    @pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 2", LENGTH + b"x", CHUNKED + b"1\r\nx\r\n"])
    def test_by_a_reset_lets_the_backend_go(self, world: World, answer: bytes) -> None:
        """Nobody waits for the rest: the backend may stop making it."""
        client, upstream = world.asked()
        upstream.sendall(answer)
        world.settle()
        reset(client)
        with pytest.raises(Broken):
            world.read_all(upstream)
        assert not world.gateway.clients

    @pytest.mark.parametrize(
        "answer",
        [OK, b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK, b"HTTP/1.1 204 No Content\r\n\r\n", CHUNKED],
        ids=["length", "interim", "no body", "chunked"],
    )
    def test_is_found_out_by_the_answer(self, world: World, answer: bytes) -> None:
        """Sending fails: that is the end of the exchange, in the middle of whatever it does."""
        client, upstream = world.asked()
        side = world.side(client)
        reset(client)
        upstream.sendall(answer)
        assert side.exchange
        assert side.exchange.upstream
        side.exchange.upstream.on_readable()
        assert not world.gateway.clients
        assert world.pool.idle == []
        assert repr(side).startswith("<Client: closing")

    @pytest.mark.parametrize("minor", [0, 1])
    @pytest.mark.parametrize("request_", [EXPECT, b"bad\r\n\r\n", GET])
    def test_is_found_out_by_what_we_say(self, world: World, request_: bytes, minor: int) -> None:
        """A 100, a refusal or a 502 that nobody hears."""
        world.pool.minor = minor
        client = world.client()
        side = world.side(client)
        client.sendall(request_)
        reset(client)
        world.backend.close()
        side.on_readable()
        turn_until(world.loop, lambda: not world.gateway.clients)

    @pytest.mark.parametrize("request_", [b"G", GET[:-2], GET[:20]])
    def test_in_its_head_asks_nobody(self, world: World, request_: bytes) -> None:
        client = world.client()
        client.sendall(request_)
        client.shutdown(socket.SHUT_WR)
        assert world.read_all(client).startswith(b"HTTP/1.1 400 ")
        assert world.none_comes()

    def test_is_nobody_elses_trouble(self, world: World) -> None:
        one, upstream = world.asked()
        other, second = world.asked()
        reset(one)
        with pytest.raises(Broken):
            world.read_all(upstream)
        second.sendall(OK)
        world.read(other, b"ok")
