"""What the options of the gateway do: who is told of whom, what is logged, how long, how many."""

import ipaddress
import json
import logging
import re
import socket
from collections.abc import Callable

import pytest

from rsp.access import MUCH, AccessLog, flush_all
from rsp.forwarded import element, is_trusted
from rsp.gateway import silent
from rsp.loop import Loop
from rsp.options import Options, Timeouts
from tests.http_world import GET, OK, Broken, Made, World, made, world
from tests.on_loop import Clock, clock, reset, turn, turn_until

__all__ = ["clock", "made", "world"]  # fixtures

UPGRADE = GET[:-2] + b"Connection: upgrade\r\nUpgrade: x\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"


def asked_of(world: World, request: bytes = GET) -> list[bytes]:
    """Return the lines of the head that a backend gets."""
    client = world.client()
    client.sendall(request)
    lines = world.head(world.accept()).split(b"\r\n")
    client.close()
    return lines


def with_fields(*fields: bytes) -> bytes:
    """Return a request with these fields."""
    return GET[:-2] + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


class TestHost:
    def test_is_what_the_client_said(self, made: Made) -> None:
        assert b"Host: a.test" in asked_of(made(Options()))

    def test_is_the_backend_where_the_client_said_none(self, made: Made) -> None:
        """In HTTP/1.0 it may be missing; then nobody claims to know what was asked for."""
        world = made(Options())
        lines = asked_of(world, b"GET / HTTP/1.0\r\n\r\n")
        assert b"Host: %b" % str(world.address).encode() in lines
        assert not [line for line in lines if line.startswith(b"X-Forwarded-Host")]

    def test_or_what_the_operator_says(self, made: Made) -> None:
        """And what the client said is told beside it."""
        lines = asked_of(made(Options(host="b.test:81")))
        assert b"Host: b.test:81" in lines
        assert b"X-Forwarded-Host: a.test" in lines
        assert b"Host: b.test:81" in asked_of(
            made(Options(host="b.test:81")), b"GET / HTTP/1.0\r\n\r\n"
        )


FORGED = with_fields(
    b"X-Forwarded-For: 192.0.2.1", b"X-Forwarded-Host: evil.test", b"X-Forwarded-Proto: https",
    b"Forwarded: for=192.0.2.1",
)  # fmt: skip
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


class TestForwarded:
    def test_says_who_asks_and_for_what(self, made: Made) -> None:
        lines = asked_of(made(Options(forwarded=True)))
        assert b'Forwarded: for=127.0.0.1;host="a.test";proto=http' in lines
        assert b"X-Forwarded-For: 127.0.0.1" in lines
        assert b"X-Forwarded-Host: a.test" in lines

    def test_says_ipv6_in_brackets_and_quotes(self) -> None:
        """For its colons (RFC 7239 §6), and nobody where no address is known (§6.2)."""
        assert element(b"2001:db8::1", b"a.test:81") == (
            b'for="[2001:db8::1]";host="a.test:81";proto=http'
        )
        assert element(b"", None) == b"for=unknown;proto=http"

    def test_is_not_said_unless_it_is_wanted(self, made: Made) -> None:
        assert not [line for line in asked_of(made(Options())) if line.startswith(b"Forwarded")]

    @pytest.mark.parametrize("forwarded", [False, True])
    def test_of_a_stranger_nothing_is_believed(self, made: Made, forwarded: bool) -> None:
        """Be others trusted or not."""
        elsewhere = (ipaddress.ip_network("198.51.100.0/24"),)
        for trusted in ((), elsewhere):
            lines = asked_of(made(Options(forwarded=forwarded, trusted=trusted)), FORGED)
            assert not [line for line in lines if b"192.0.2.1" in line or b"evil" in line]
            assert b"X-Forwarded-For: 127.0.0.1" in lines
            assert b"X-Forwarded-Proto: http" in lines

    def test_of_a_trusted_peer_all_is_passed_on_with_itself_behind_it(self, made: Made) -> None:
        lines = asked_of(made(Options(forwarded=True, trusted=LOOPBACK)), FORGED)
        assert b"X-Forwarded-For: 192.0.2.1, 127.0.0.1" in lines
        assert b"X-Forwarded-Host: evil.test" in lines
        assert b"X-Forwarded-Proto: https" in lines
        assert b'Forwarded: for=192.0.2.1, for=127.0.0.1;host="a.test";proto=http' in lines
        assert [line[:11] for line in lines].count(b"X-Forwarded") == 3

    def test_of_a_trusted_peer_that_says_nothing_itself_is_told(self, made: Made) -> None:
        lines = asked_of(made(Options(trusted=LOOPBACK)))
        assert b"X-Forwarded-For: 127.0.0.1" in lines
        assert b"X-Forwarded-Host: a.test" in lines
        assert b"X-Forwarded-Proto: http" in lines

    @pytest.mark.parametrize(
        ("peer", "networks", "trusted"),
        [
            ("127.0.0.1", ["127.0.0.0/8"], True),
            ("127.0.0.1", ["10.0.0.0/8", "127.0.0.1/32"], True),
            ("128.0.0.1", ["127.0.0.0/8"], False),
            ("::1", ["127.0.0.0/8", "::1/128"], True),
            ("::1", ["0.0.0.0/0"], False),
            ("", ["0.0.0.0/0", "::/0"], False),
            ("127.0.0.1", [], False),
        ],
    )
    def test_trust_is_by_address(self, peer: str, networks: list[str], trusted: bool) -> None:
        assert is_trusted(peer, [ipaddress.ip_network(one) for one in networks]) == trusted


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What returns the lines of the access log so far."""

    def logged() -> list[str]:
        flush_all()
        records = [record for record in caplog.records if record.name == "rsp.access"]
        return [line for record in records for line in record.getMessage().split("\n")]

    caplog.set_level(logging.INFO, "rsp.access")
    return logged


Lines = Callable[[], list[str]]
LINE = re.compile(
    r'127\.0\.0\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "([^"]*)" (\d+) (\d+) '
    r'"([^"]*)" "([^"]*)"'
)


def told(lines: Lines) -> list[tuple[str, ...]]:
    """Return of each line: the request, the status, the bytes, the referer, the agent."""
    found = [LINE.fullmatch(line) for line in lines()]
    assert all(found), lines()
    return [match.groups() for match in found if match]


class TestTheAccessLog:
    def test_has_a_line_for_each_exchange(self, world: World, lines: Lines) -> None:
        client, upstream = world.asked(
            with_fields(b"Referer: http://a/", b'User-Agent: "x" \\ \xe9')
        )
        upstream.sendall(OK)
        world.read(client, b"ok")
        client.sendall(GET.replace(b"GET /", b"HEAD /there?x"))
        world.head(upstream)
        upstream.sendall(b"HTTP/1.1 404 No\r\nContent-Length: 99\r\n\r\n")
        world.head(client)
        assert told(lines) == [
            ("GET / HTTP/1.1", "200", "2", "http://a/", r"\x22x\x22 \x5C \xE9"),
            ("HEAD /there?x HTTP/1.1", "404", "0", "-", "-"),
        ]

    def test_counts_the_body_and_not_its_chunks(self, world: World, lines: Lines) -> None:
        client, upstream = world.asked()
        upstream.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        world.head(client)
        upstream.sendall(b"2\r\nde\r\n0\r\n\r\n")
        world.read(client, b"0\r\n\r\n")
        assert told(lines)[0][1:3] == ("200", "5")

    def test_counts_what_was_moved_in_the_kernel(self, world: World, lines: Lines) -> None:
        client, upstream = world.asked()
        upstream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n")
        world.send_all(upstream, b"x" * 300_000)
        world.read(client, lambda got: len(got) > 300_000)
        world.settle()
        assert told(lines)[0][1:3] == ("200", "300000")

    def test_tells_of_what_is_refused(self, world: World, lines: Lines) -> None:
        world.client().sendall(b"nonsense\r\n\r\n")
        world.client().sendall(with_fields(b"Expect: the unexpected"))
        world.settle()
        assert [one[:2] for one in told(lines)] == [("-", "400"), ("GET / HTTP/1.1", "417")]

    def test_tells_of_a_backend_that_fails(self, world: World, lines: Lines) -> None:
        client, upstream = world.asked()
        upstream.close()
        world.read(client, b"502 Bad Gateway\n")
        assert [one[:3] for one in told(lines)] == [("GET / HTTP/1.1", "502", "16")]

    def test_tells_of_an_answer_that_breaks_off(self, world: World, lines: Lines) -> None:
        """With its own status, and the bytes that went."""
        client, upstream = world.asked()
        upstream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        world.read(client, b"abc")
        upstream.close()
        world.read_all(client)
        assert [one[:3] for one in told(lines)] == [("GET / HTTP/1.1", "200", "3")]

    def test_tells_of_a_client_that_has_gone(self, world: World, lines: Lines) -> None:
        client, _ = world.asked()
        reset(client)
        turn_until(world.loop, lambda: not world.gateway.clients)
        assert [one[:3] for one in told(lines)] == [("GET / HTTP/1.1", "499", "0")]

    def test_tells_it_once_though_the_client_has_gone_as_well(
        self, world: World, lines: Lines, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An answer of our own that cannot be sent is still what was said."""
        client, upstream = world.asked()
        side = world.side(client)
        monkeypatch.setattr(type(side), "send", lambda self, data: self.on_break(OSError("gone")))
        upstream.close()
        turn_until(world.loop, lambda: not world.gateway.clients)
        assert [one[:3] for one in told(lines)] == [("GET / HTTP/1.1", "502", "16")]

    def test_tells_of_a_tunnel_when_it_begins(self, world: World, lines: Lines) -> None:
        client, upstream = world.asked(UPGRADE)
        upstream.sendall(SWITCHED)
        world.head(client)
        assert [one[:3] for one in told(lines)] == [("GET / HTTP/1.1", "101", "0")]

    def test_is_said_once_a_second(self, clock: Clock, world: World, lines: Lines) -> None:
        """By the gateway itself, and not one by one."""
        client, upstream = world.asked()
        for _ in range(3):
            upstream.sendall(OK)
            world.read(client, b"ok")
            client.sendall(GET)
            world.head(upstream)
        assert world.gateway.access
        assert repr(world.gateway.access) == "<AccessLog: 3 lines>"
        clock.pass_(1.1)
        turn(world.loop, 2)
        assert repr(world.gateway.access) == "<AccessLog: 0 lines>"
        assert len(lines()) == 3

    def test_may_be_json(self, made: Made, lines: Lines, clock: Clock) -> None:
        world = made(Options(access_log="json"))
        client, upstream = world.asked(
            with_fields(b'Referer: "\xff', b"User-Agent: \x7f"[:-1] + b"z")
        )
        clock.pass_(0.25)
        turn(world.loop)
        upstream.sendall(OK)
        world.read(client, b"ok")
        world.client().sendall(b"nonsense\r\n\r\n")
        world.settle()
        first, second = (json.loads(line) for line in lines())
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}", first.pop("time"))
        assert first == {
            "client": "127.0.0.1", "status": 200, "bytes": 2, "seconds": 0.25, "method": "GET",
            "target": "/", "version": "1.1", "host": "a.test", "referer": '"ÿ', "user_agent": "z",
        }  # fmt: skip
        assert (second["status"], "method" in second) == (400, False)

    def test_may_be_off(self, made: Made, lines: Lines) -> None:
        world = made(Options(access_log="off"))
        client, upstream = world.asked()
        upstream.sendall(OK)
        world.read(client, b"ok")
        assert world.gateway.access is None
        assert lines() == []

    def test_does_not_keep_many_lines(self, lines: Lines) -> None:
        loop = Loop()
        log = AccessLog(loop, "combined")
        for _ in range(1200):
            log.note("127.0.0.1", None, 400, 0, loop.now)
        kept = "\n".join(log.lines)
        assert 0 < len(kept) < MUCH
        assert len(lines()) == 1200
        loop.shut()


class TestTimeouts:
    def test_a_whole_exchange_may_be_limited(self, made: Made, clock: Clock) -> None:
        """Though something comes all the time."""
        world = made(Options(timeouts=Timeouts(request=10)))
        client, upstream = world.asked()
        upstream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
        began = clock.seconds
        while True:
            clock.pass_(1)
            turn(world.loop, 2)
            try:
                upstream.sendall(b"x")
                world.settle()
            except OSError:
                break
        assert 9 <= clock.seconds - began <= 13
        assert len(world.read_all(client).partition(b"\r\n\r\n")[2]) < 99

    def test_before_there_is_an_answer_it_is_a_504(self, made: Made, clock: Clock) -> None:
        world = made(Options(timeouts=Timeouts(request=10)))
        client, _ = world.asked()
        clock.pass_(9)
        turn(world.loop, 2)
        assert len(world.gateway.clients) == 1
        clock.pass_(2)
        turn(world.loop, 2)
        assert b" 504 " in world.head(client)

    @pytest.mark.parametrize("silence", [3599.0, 3601.0])
    def test_a_silent_tunnel_is_ended(
        self, world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch, silence: float
    ) -> None:
        """The kernel knows how long nothing has come; the tunnel's bytes pass without a clock."""
        client, upstream = world.asked(UPGRADE)
        upstream.sendall(SWITCHED)
        world.head(client)
        monkeypatch.setattr("rsp.gateway.silent", lambda sock: silence)
        clock.pass_(3500)
        turn(world.loop, 2)
        assert len(world.gateway.tunnels) == 1
        clock.pass_(102)
        turn(world.loop, 2)
        assert len(world.gateway.tunnels) == (silence < 3600)
        if silence > 3600:
            with pytest.raises(Broken):
                world.read_all(client)

    def test_what_the_kernel_knows_of_silence(self, world: World) -> None:
        client, upstream = world.asked()
        upstream.sendall(OK)
        world.read(client, b"ok")
        assert 0 <= silent(client) < 60

    def test_a_connect_has_its_own(
        self, made: Made, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = made(Options(timeouts=Timeouts(connect=2)))
        monkeypatch.setattr("rsp.dialling.Attempt.begin", lambda _: 115)
        client = world.client()
        client.sendall(GET)
        turn_until(world.loop, lambda: world.pool.asked)
        clock.pass_(1.9)
        turn(world.loop, 2)
        assert world.pool.asked
        clock.pass_(0.2)
        turn(world.loop, 2)
        assert b" 502 " in world.head(client)


class TestUpstreams:
    @pytest.mark.parametrize(
        ("said", "seconds"),
        [(b"timeout=5", 4), (b"max=100, timeout = 3", 2), (b"timeout=900", 50), (b"max=9", 50),
         (b"timeout=0", 0), (b"timeout=x", 50)],
    )  # fmt: skip
    def test_are_kept_for_less_than_the_backend_keeps_them(
        self, world: World, clock: Clock, said: bytes, seconds: float
    ) -> None:
        client, upstream = world.asked()
        upstream.sendall(OK.replace(b"\r\n\r\n", b"\r\nKeep-Alive: %b\r\n\r\n" % said))
        world.read(client, b"ok")
        (idle,) = world.pool.idle
        assert idle.until == world.loop.now + seconds

    def test_are_so_many_at_most_and_whoever_comes_then_waits(self, made: Made) -> None:
        """For one that becomes free."""
        world = made(Options(upstreams=1))
        first, upstream = world.asked()
        second = world.client()
        second.sendall(GET)
        assert world.none_comes()
        upstream.sendall(OK)
        world.read(first, b"ok")
        world.head(upstream)
        upstream.sendall(OK)
        world.read(second, b"ok")
        assert world.pool.count == 1

    def test_when_one_is_closed_the_next_may_be_dialled(self, made: Made) -> None:
        world = made(Options(upstreams=1))
        first, upstream = world.asked()
        second = world.client()
        second.sendall(GET)
        world.settle()
        upstream.close()
        world.read(first, b"502 Bad Gateway\n")
        another = world.accept()
        world.head(another)
        another.sendall(OK)
        world.read(second, b"ok")

    def test_who_waits_too_long_gets_a_503(self, made: Made, clock: Clock) -> None:
        world = made(Options(upstreams=1))
        world.asked()
        second = world.client()
        second.sendall(GET)
        world.settle()
        clock.pass_(5.1)
        turn(world.loop, 2)
        assert b" 503 " in world.read(second, b"503 Service Unavailable\n")
        assert not world.pool.waiting

    def test_who_waits_and_leaves_takes_nobody_s_place(self, made: Made) -> None:
        world = made(Options(upstreams=1))
        first, upstream = world.asked()
        second, third = world.client(), world.client()
        second.sendall(GET)
        world.settle()
        third.sendall(GET)
        world.settle()
        assert len(world.pool.waiting) == 2
        reset(second)
        turn_until(world.loop, lambda: len(world.pool.waiting) == 1)
        upstream.sendall(OK)
        world.read(first, b"ok")
        world.head(upstream)
        upstream.sendall(OK)
        world.read(third, b"ok")

    def test_a_tunnel_counts_until_it_ends(self, made: Made) -> None:
        world = made(Options(upstreams=1))
        client, upstream = world.asked(UPGRADE)
        upstream.sendall(SWITCHED)
        world.head(client)
        second = world.client()
        second.sendall(GET)
        assert world.none_comes()
        reset(client)
        turn_until(world.loop, lambda: not world.gateway.tunnels)
        world.accept().sendall(OK)
        world.read(second, b"ok")

    def test_are_counted_right_whatever_becomes_of_them(self, world: World) -> None:
        for end in (socket.socket.close, reset):
            client, upstream = world.asked()
            end(upstream)
            world.read(client, b"502 Bad Gateway\n")
            assert world.pool.count == 0
