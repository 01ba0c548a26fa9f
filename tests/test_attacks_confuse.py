"""Attacks that would confuse: two messages taken for one, or one for two; another's answer.

Each test is an attack, with what it would win: what is smuggled past us, or poisons a connection
that others use, or is told in somebody's name. None may come through.
"""

import contextlib
import ipaddress
import json
import re
import socket

import pytest

from rsp.access import AccessLog
from rsp.http1.message import Limits
from rsp.http1.quick import Quick
from rsp.loop import Loop
from rsp.options import Options
from rsp.pipes import CAN_SPLICE
from rsp.splice import BULK
from rsp.stream import READ_SIZE
from tests.http_world import GET, OK, World, world
from tests.on_loop import SMALL, TIMEOUT, Clock, clock, reset, turn_until

__all__ = ["clock", "world"]  # fixtures

POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
PUT = b"PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: %d\r\n\r\n"


def behind(total: int) -> bytes:
    """Return a response of so many bytes, head and all."""
    head = LENGTH % (total - len(LENGTH % total))
    return head + b"x" * (total - len(head))


class TestBytesBehindAResponse:
    """A backend that was made to answer twice: the second answer waits for the next who asks."""

    @pytest.mark.parametrize("total", [READ_SIZE, READ_SIZE - 1, 2 * READ_SIZE])
    def test_are_not_the_answer_to_a_request_that_waits(self, world: World, total: int) -> None:
        """The response ends where a read ends, so what lies behind it was not seen with it."""
        client = world.client()
        client.sendall(GET + GET.replace(b"/", b"/next", 1))
        upstream = world.accept()
        world.head(upstream)
        upstream.sendall(behind(total) + POISON)
        assert world.head(world.accept()).startswith(b"GET /next ")
        world.settle()
        assert b"poison" not in client.recv(1 << 20, socket.MSG_PEEK)[total:]

    @pytest.mark.skipif(not CAN_SPLICE, reason="no os.splice here")
    def test_are_not_it_when_the_body_was_moved_in_the_kernel(self, world: World) -> None:
        """A splice stops exactly at the body's end, and sees nothing of what is behind."""
        client = world.client()
        client.sendall(GET + GET.replace(b"/", b"/next", 1))
        upstream = world.accept()
        world.head(upstream)
        upstream.sendall(LENGTH % BULK)
        world.head(client)
        upstream.sendall(b"x" * BULK + POISON)
        assert world.head(world.accept()).startswith(b"GET /next ")

    def test_that_come_in_the_same_round_are_not_it(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A round may have many events: much can come between one client's end and another's."""
        first, upstream = world.asked()
        second = world.client()
        side = world.side(second)
        usual = type(world.pool).put

        def put(*arguments: object) -> None:
            usual(*arguments)  # type: ignore[arg-type]
            upstream.sendall(POISON)
            second.sendall(GET)
            side.on_readable()

        monkeypatch.setattr(type(world.pool), "put", put)
        upstream.sendall(OK)
        world.read(first, b"ok")
        monkeypatch.undo()
        world.accept().sendall(OK)
        assert world.read(second, b"ok").endswith(b"\r\n\r\nok")

    def test_are_not_the_answer_to_one_who_waits_for_room(self, clock: Clock) -> None:
        """It goes from hand to hand when no more may be dialled."""
        world = World(options=Options(upstreams=1))
        first, upstream = world.asked()
        second = world.client()
        second.sendall(GET)
        world.settle()
        upstream.sendall(behind(READ_SIZE) + POISON)
        world.read(first, b"x" * 100)
        world.accept().sendall(OK)
        assert world.read(second, b"ok").endswith(b"\r\n\r\nok")
        world.close()


@pytest.mark.skipif(not CAN_SPLICE, reason="no os.splice here")
class TestAnUploadMovedInTheKernel:
    def test_of_which_a_part_is_lost_ends_its_upstream(self, world: World) -> None:
        """Answered early, while its last bytes were in a pipe: the backend still waits for them.

        The next request there would be read as the rest of the body, and what is in it as one.
        """
        world.backend.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        client, upstream = world.asked(PUT % BULK)
        side = world.side(client)
        assert side.exchange
        assert side.exchange.upstream
        side.exchange.upstream.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        client.sendall(b"x" * BULK)
        turn_until(world.loop, lambda: side.splice and not side.splice.left)
        assert side.splice
        assert side.splice.pipe
        upstream.sendall(OK)
        world.read(client, b"ok")
        assert world.pool.idle == []


LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
TELLING = [
    b"X-Forwarded-Port: 666",  # Rack, Spring: the port of each link
    b"X-Forwarded-Prefix: /evil",  # Spring, Traefik's services: the path of each link
    b"X-Forwarded-Ssl: on",  # Rack, gunicorn: that it came by TLS
    b"X-Forwarded-Scheme: https",
    b"x-forwarded-protocol: ssl",
    b"X-Forwarded-Server: evil",
    b"X-FORWARDED-: evil",
]


def asked_of(world: World, *fields: bytes, request: bytes = GET) -> bytes:
    """Return the head that the backend gets of a request with these fields."""
    client = world.client()
    client.sendall(request[:-2] + b"".join(field + b"\r\n" for field in fields) + b"\r\n")
    return world.head(world.accept())


class TestAFieldInSomebodysName:
    """A client that tells the backend who it is, in the words that only we may use."""

    @pytest.mark.parametrize("field", TELLING)
    def test_is_gone_whatever_it_is_called(self, world: World, field: bytes) -> None:
        """All that begins with X-Forwarded: the next release of a framework believes another."""
        name = field.partition(b":")[0].lower() + b":"
        assert name not in asked_of(world, field).lower()
        assert name not in asked_of(world, b"X_Y: plain way", field).lower()

    def test_stays_when_the_peer_is_trusted(self, clock: Clock) -> None:
        """It is a proxy of ours, and knows: in front of us is TLS, and another port."""
        world = World(options=Options(trusted=LOOPBACK))
        head = asked_of(world, *TELLING[:6])
        for field in TELLING[:6]:
            assert field.lower() in head.lower()
        world.close()

    @pytest.mark.parametrize(
        "name",
        [b"X.Forwarded.For", b"X_Forwarded_For", b"X-Forwarded~Host", b"x+forwarded+port"],
    )
    def test_is_gone_when_cgi_reads_it_so(self, world: World, name: bytes) -> None:
        """Some servers turn each letter that is none into _, and not only the hyphen."""
        head = asked_of(world, name + b": 192.0.2.1", b"X.Y: stays")
        assert b"192.0.2.1" not in head
        assert b"\r\nX.Y: stays\r\n" in head

    def test_is_gone_from_trailers_too(self, world: World) -> None:
        """A backend may merge them with the head's fields."""
        client, upstream = world.asked(
            b"PUT / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        names = b"X-Forwarded-Port", b"X.Forwarded.For", b"X_Forwarded_For", b"Forwarded"
        lines = b"".join(name + b": evil\r\n" for name in names)
        client.sendall(b"0\r\n" + lines + b"T: 1\r\n\r\n")
        assert world.read(upstream, b"\r\n\r\n").endswith(b"0\r\nT: 1\r\n\r\n")

    def test_is_no_proxy_for_cgi(self, world: World) -> None:
        """HTTP_PROXY is where a program behind CGI sends its own requests (CVE-2016-5385)."""
        assert b"evil" not in asked_of(world, b"Proxy: http://evil.test")


@pytest.mark.parametrize("upgrade", [b"HTTP/2.0", b"http/1.1", b"HTTP"])
def test_an_upgrade_to_http_is_none(world: World, upgrade: bytes) -> None:
    """Behind it nobody would read the requests, as behind h2c."""
    head = asked_of(world, b"Connection: upgrade", b"Upgrade: " + upgrade)
    assert b"pgrade" not in head


@pytest.mark.parametrize("fields", [1, 2, 3, 4, 5, 100])
def test_a_limit_of_fields_is_one_whoever_reads_them(fields: int) -> None:
    """One more than are allowed, as the fields that the quick reader parts a head at."""
    limits = Limits(fields=fields)
    for name in (b"Via: x\r\n", b"X: y\r\n"):
        head = GET[:-2] + name * fields + b"\r\n"
        answer = b"HTTP/1.1 200 OK\r\n" + name * (fields + 1) + b"\r\n"
        assert Quick(limits).take_request(head) is None
        assert Quick(limits).take_response(answer, b"GET") is None


class TestWhatIsNoRequest:
    """Bytes that a body holds, or that come where one might be: never are they the next request."""

    INNER = b"GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"

    def nothing_more(self, world: World, client: socket.socket) -> None:
        """See that the client is let go, and that nobody heard of what is inside."""
        world.settle()
        client.settimeout(TIMEOUT)
        with contextlib.suppress(ConnectionResetError):
            world.read_all(client)
        assert world.none_comes()

    def test_behind_a_refusal_that_came_before_the_100(self, world: World) -> None:
        """The client may still send the body: without the Expect read, it is a request (0.CL)."""
        size = len(self.INNER)
        client, upstream = world.asked(PUT[:-2] % size + b"Expect: 100-continue\r\n\r\n")
        upstream.sendall(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
        world.head(client)
        client.sendall(self.INNER)
        self.nothing_more(world, client)
        assert world.read_all(upstream) == b""

    @pytest.mark.parametrize(
        "head",
        [
            b"OPTIONS * HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 0\r\n",
            b"TRACE / HTTP/1.1\r\nHost: a.test\r\n",
            b"CONNECT a.test:80 HTTP/1.1\r\nHost: a.test\r\n",
            b"PUT / HTTP/1.1\r\nHost: a.test\r\nExpect: 200-ok\r\n",
            b"PUT / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n",
            b"PUT / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\nTransfer-Encoding: x\r\n",
        ],
        ids=["Max-Forwards", "TRACE", "CONNECT", "Expect", "both", "HTTP/1.0"],
    )
    def test_behind_our_own_answer(self, world: World, head: bytes) -> None:
        """We answer without the body, which comes all the same, later or at once."""
        length = b"Content-Length: %d\r\n\r\n" % len(self.INNER)
        at_once, later = world.client(), world.client()
        at_once.sendall(head + length + self.INNER)
        later.sendall(head + length)
        world.settle()
        later.sendall(self.INNER)
        self.nothing_more(world, at_once)
        self.nothing_more(world, later)

    def test_behind_a_502_to_an_upload(self, world: World) -> None:
        """The backend breaks off in the middle of it; what is left of it is no request."""
        client, upstream = world.asked(PUT % (len(self.INNER) + 1) + b"x")
        reset(upstream)
        assert b" 502 " in world.head(client)
        client.sendall(self.INNER)
        self.nothing_more(world, client)

    def test_behind_an_upgrade_that_is_none(self, world: World) -> None:
        """The backend stays with HTTP: what is behind is read, and refused as ever."""
        upgrade = GET[:-2] + b"Connection: upgrade\r\nUpgrade: x\r\n\r\n"
        client, upstream = world.asked(upgrade + self.INNER.replace(b"Host", b"Host "))
        upstream.sendall(OK)
        assert b" 400 " in world.read(client, lambda got: b" 400 " in got)
        assert world.none_comes()

    def test_when_connection_names_the_framing(self, world: World) -> None:
        """Nor does Connection take away Host, nor whom we tell of."""
        names = b"Content-Length, Transfer-Encoding, Host, Via, X-Forwarded-For, X-Forwarded-Host"
        client = world.client()
        client.sendall(PUT[:-2] % len(self.INNER) + b"Connection: " + names + b"\r\n\r\n")
        client.sendall(self.INNER)
        upstream = world.accept()
        head = world.read(upstream, self.INNER).partition(b"\r\n\r\n")[0].split(b"\r\n")
        for line in (b"Host: a.test", b"Content-Length: %d" % len(self.INNER), b"Via: 1.1 rsp"):
            assert line in head
        assert b"X-Forwarded-For: 127.0.0.1" in head
        assert b"X-Forwarded-Host: a.test" in head


class TestABodyThatMayNotBe:
    """A backend that answers HEAD, 204 or 304 with a body: the next reads it as an answer."""

    @pytest.mark.parametrize("later", [False, True])
    @pytest.mark.parametrize("line", [b"HEAD 200 OK", b"GET 204 No", b"GET 304 Same"])
    def test_reaches_nobody(self, world: World, line: bytes, later: bool) -> None:
        """It comes with the head, or behind it, while the upstream is idle."""
        method, status = line.split(b" ", 1)
        client, upstream = world.asked(GET.replace(b"GET", method))
        head = b"HTTP/1.1 " + status + b"\r\nETag: x\r\n\r\n"
        upstream.sendall(head if later else head + POISON)
        world.head(client)
        with contextlib.suppress(ConnectionError):
            upstream.sendall(POISON)
        client.sendall(GET)
        world.accept().sendall(OK)
        assert world.read(client, b"ok").endswith(b"\r\n\r\nok")


class TestALineOfTheLog:
    """What a client says of itself is in it; a second line in it would be about somebody else."""

    @pytest.mark.parametrize("form", ["combined", "json"])
    @pytest.mark.parametrize(
        "said", [b'" 200 9 "', b"a\\", b"\x85\x9b2J", b"\t\xe2\x80\xa8x", b"%0a"]
    )
    def test_is_one(self, clock: Clock, form: str, said: bytes) -> None:
        """No quote, no NEL, no escape sequence: each letter of it is a visible one."""
        log = AccessLog(Loop(), form)
        request, _ = Quick(Limits()).take_request(
            GET[:-2].replace(b"/", b'/%22"\\', 1)
            + b"Referer: %b\r\nUser-Agent: %b\r\n\r\n" % (said, said)
        ) or (None, 0)
        assert request
        log.note("192.0.2.1", request, 404, 1, log.loop.now)
        (line,), log.lines = log.lines, []  # else another test may flush it
        assert line.isascii()
        assert line.isprintable()
        if form == "json":
            assert json.loads(line)["status"] == 404
        else:
            assert re.fullmatch(r'192\.0\.2\.1 - - \[[^]]+\] "[^"]+" 404 1 "[^"]+" "[^"]+"', line)
        log.loop.shut()
