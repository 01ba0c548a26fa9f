"""rsp.pool and rsp.upstream: connections that are kept, and what must never come of that."""

import errno
import os
import socket
from typing import Any

import pytest

from rsp.loop import EVENTS
from rsp.options import Options, Timeouts
from rsp.pool import Pool
from rsp.upstream import Upstream
from tests.http_world import GET, OK, World, left_behind, readable, world
from tests.on_loop import Clock, clock, reset, turn, turn_until

__all__ = ["clock", "world"]  # fixtures

STOLEN = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"


def kept(world: World) -> tuple[socket.socket, socket.socket]:
    """Return a client that was answered, and the backend's end, which is idle."""
    client, upstream = world.asked()
    upstream.sendall(OK)
    world.read(client, b"ok")
    assert len(world.pool.idle) == 1
    return client, upstream


def first(world: World, client: socket.socket) -> None:
    """Let a client's event be the first of a round, in which an upstream has news as well."""
    world.loop.round += 1
    world.loop.batch = world.loop.poll.poll(0, EVENTS)
    world.side(client).on_readable()


def asked_again(world: World, client: socket.socket, request: bytes = GET) -> None:
    """Ask once more, and let it go as far as it goes."""
    client.sendall(request)
    world.settle()


class TestAKeptUpstream:
    def test_serves_the_next_exchange_of_anybody(self, world: World) -> None:
        _, upstream = kept(world)
        other = world.client()
        other.sendall(GET)
        world.head(upstream)
        upstream.sendall(OK)
        world.read(other, b"ok")
        assert world.none_comes()

    def test_that_was_used_last_is_used_first(self, world: World) -> None:
        """So the others grow old, and go."""
        clients = [world.asked() for _ in range(3)]
        for client, upstream in clients:
            upstream.sendall(OK)
            world.read(client, b"ok")
        asked_again(world, clients[0][0])
        assert [readable(upstream) for _, upstream in clients] == [False, False, True]

    def test_is_gone_as_soon_as_it_ends(self, world: World) -> None:
        """Not found out by the next request."""
        client, upstream = kept(world)
        upstream.close()
        turn_until(world.loop, lambda: not world.pool.idle)
        client.sendall(GET)
        world.head(world.accept())

    def test_is_gone_as_soon_as_it_breaks(self, world: World) -> None:
        _, upstream = kept(world)
        reset(upstream)
        turn_until(world.loop, lambda: not world.pool.idle)

    def test_that_says_what_nobody_asked_for_is_closed(self, world: World) -> None:
        """And the bytes reach nobody."""
        client, upstream = kept(world)
        upstream.sendall(STOLEN)
        turn_until(world.loop, lambda: not world.pool.idle)
        client.sendall(GET)
        second = world.accept()
        second.sendall(OK)
        assert world.read(client, b"ok").count(b"HTTP/1.1") == 1

    @pytest.mark.parametrize("end", ["bytes", "end", "reset"])
    def test_is_not_used_when_news_came_in_the_same_round(self, world: World, end: str) -> None:
        """The client's event first, then the upstream's: its bytes are no answer to what is asked.

        A POST has no second try; here it needs none.
        """
        client, upstream = kept(world)
        client.sendall(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx")
        upstream.sendall(STOLEN) if end == "bytes" else None
        upstream.close() if end == "end" else None
        reset(upstream) if end == "reset" else None
        first(world, client)
        second = world.accept()
        world.read(second, b"x")
        second.sendall(OK)
        assert b"stolen" not in world.read(client, b"ok")

    @pytest.mark.parametrize(
        "answer",
        [
            OK + STOLEN,
            b"HTTP/1.1 204 No Content\r\n\r\n" + STOLEN,
            b"HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\nstolen",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + STOLEN,
        ],
    )
    def test_is_none_with_bytes_behind_its_answer(self, world: World, answer: bytes) -> None:
        """They reach nobody, neither this client nor the next."""
        client, upstream = world.asked()
        upstream.sendall(answer)
        world.settle()
        assert world.pool.idle == []
        client.sendall(GET)
        world.accept().sendall(OK)
        assert b"stolen" not in world.read(client, b"ok")

    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
            b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        ],
    )
    def test_is_none_that_would_not_stay(self, world: World, answer: bytes) -> None:
        client, upstream = world.asked()
        upstream.sendall(answer)
        world.read(client, b"ok")
        assert world.pool.idle == []
        assert world.read_all(upstream) == b""

    def test_of_http_1_0_stays_when_it_says_so(self, world: World) -> None:
        client, upstream = world.asked()
        upstream.sendall(
            b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"
        )
        world.read(client, b"ok")
        assert len(world.pool.idle) == 1

    def test_is_closed_when_it_has_been_idle_for_long(self, clock: Clock, world: World) -> None:
        """Before the backend would close it, while a request is on its way."""
        _, upstream = kept(world)
        clock.pass_(Timeouts().upstream - 1)
        turn(world.loop, 2)
        assert len(world.pool.idle) == 1
        clock.pass_(2)
        turn(world.loop, 2)
        assert world.pool.idle == []
        assert world.read_all(upstream) == b""

    def test_is_one_of_so_many_at_most(self, clock: Clock) -> None:
        """The oldest goes."""
        world = World(options=Options(kept=2))
        clients = [world.asked() for _ in range(3)]
        for client, upstream in clients:
            upstream.sendall(OK)
            world.read(client, b"ok")
        assert len(world.pool.idle) == 2
        assert world.read_all(clients[0][1]) == b""
        world.close()

    def test_is_read_again_though_its_client_was_slow(self, world: World) -> None:
        """It was paused for the client's sake; unread, nobody would see its end."""
        client, upstream = world.asked()
        upstream.sendall(OK)
        (exchange,) = [one for one in left_behind() if type(one) is Upstream]
        exchange.pause()
        exchange.on_readable()
        world.read(client, b"ok")
        upstream.close()
        turn_until(world.loop, lambda: not world.pool.idle)


def nothing(_: float | None = None) -> list[tuple[int, int]]:
    """Have no news."""
    return []


class Racing:
    """The kernel has no news of an upstream when it is asked: they come just after that."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made = Pool.made

        def blind(pool: Any, sock: socket.socket) -> Upstream:
            upstream = made(pool, sock)
            upstream.news = nothing
            return upstream

        monkeypatch.setattr(Pool, "made", blind)


@pytest.fixture
def racing(monkeypatch: pytest.MonkeyPatch) -> Racing:
    return Racing(monkeypatch)


@pytest.mark.usefixtures("racing")
class TestASecondTry:
    @pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"])
    @pytest.mark.parametrize("end", ["end", "reset"])
    def test_is_made_where_the_backend_was_just_closing(
        self, world: World, method: bytes, end: str
    ) -> None:
        """Nothing came, no body was taken, and to be asked twice does no harm (RFC 9110 §9.2.2)."""
        client, upstream = kept(world)
        client.sendall(GET.replace(b"GET", method))
        upstream.close() if end == "end" else reset(upstream)
        first(world, client)
        second = world.accept()
        assert world.head(second).startswith(method)
        second.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert b" 204 " in world.head(client)

    @pytest.mark.parametrize("method", [b"POST", b"PATCH", b"X"])
    def test_is_not_made_of_what_may_do_harm_twice(self, world: World, method: bytes) -> None:
        client, upstream = kept(world)
        client.sendall(GET.replace(b"GET", method))
        upstream.close()
        first(world, client)
        assert b" 502 " in world.head(client)
        assert world.none_comes()

    def test_is_not_made_when_a_body_was_taken(self, world: World) -> None:
        """It is not kept, so it cannot be sent again."""
        client, upstream = kept(world)
        client.sendall(b"PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nx")
        upstream.close()
        first(world, client)
        assert b" 502 " in world.head(client)
        assert world.none_comes()

    @pytest.mark.parametrize(
        "part", [b"H", b"HTTP/1.1 200 OK\r\nContent-", b"HTTP/1.1 103 x\r\n\r\n"]
    )
    def test_is_not_made_when_anything_of_an_answer_came(self, world: World, part: bytes) -> None:
        """Also of an interim one: the backend has begun."""
        client, upstream = kept(world)
        client.sendall(GET)
        world.head(upstream)
        upstream.sendall(part)
        world.settle()
        upstream.close()
        world.read(client, lambda got: b" 502 " in got)
        assert world.none_comes()

    def test_is_not_made_on_a_new_connection(self, world: World) -> None:
        """That one broke is the backend's answer."""
        client, upstream = world.asked()
        upstream.close()
        assert b" 502 " in world.head(client)
        assert world.none_comes()

    def test_is_the_last(self, world: World) -> None:
        client, upstream = kept(world)
        client.sendall(GET)
        upstream.close()
        first(world, client)
        world.accept().close()
        assert b" 502 " in world.head(client)
        assert world.none_comes()

    def test_is_a_new_connection_though_others_are_idle(self, world: World) -> None:
        """They may be as stale."""
        pairs = [world.asked() for _ in range(2)]
        for client, upstream in pairs:
            upstream.sendall(OK)
            world.read(client, b"ok")
        pairs[0][0].sendall(GET)
        world.head(pairs[1][1])
        pairs[1][1].close()
        world.accept()
        assert not readable(pairs[0][1])

    def test_of_a_client_that_has_gone_is_none(self, world: World) -> None:
        client, upstream = kept(world)
        client.sendall(GET)
        world.head(upstream)
        reset(client)
        turn_until(world.loop, lambda: not world.gateway.clients)
        assert world.none_comes()


class TestDialling:
    def test_of_a_backend_that_is_down_is_told_at_once(self, world: World) -> None:
        """502, and the client may ask again."""
        world.backend.close()
        client = world.client()
        for _ in range(2):
            client.sendall(GET)
            assert b" 502 Bad Gateway\r\n" in world.read(client, b"502 Bad Gateway\n")

    def test_without_a_descriptor_is_told_too(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """EMFILE: this client gets a 503, and the next is served when there is room again."""
        client = world.client()

        def full(*_: object) -> None:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        with monkeypatch.context() as context:
            context.setattr("rsp.dialling.socket.socket", full)
            client.sendall(GET)
            turn(world.loop, 3)
        assert b" 503 " in world.read(client, b"503 Service Unavailable\n")
        client.sendall(GET)
        world.accept().sendall(OK)
        world.read(client, b"ok")

    def test_that_the_kernel_cannot_watch_is_told_too(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """ENOSPC: the connection is closed, and no descriptor is left (the world looks)."""
        client = world.client()

        def full(_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as context:
            context.setattr(Upstream, "resume", full)
            client.sendall(GET)
            turn(world.loop, 3)
        assert b" 503 " in world.read(client, b"503 Service Unavailable\n")

    @pytest.mark.parametrize("end", ["client", "gateway"])
    def test_stops_when_nobody_waits(
        self, world: World, monkeypatch: pytest.MonkeyPatch, end: str
    ) -> None:
        """A client that has gone needs no upstream: what is underway is closed."""
        monkeypatch.setattr("rsp.dialling.Attempt.begin", lambda _: errno.EINPROGRESS)
        client = world.client()
        client.sendall(GET)
        turn_until(world.loop, lambda: world.pool.asked)
        assert repr(world.pool).endswith(": 0 idle, 1 dialled>")
        if end == "client":
            reset(client)
            turn_until(world.loop, lambda: not world.pool.asked)

    def test_lets_the_body_wait(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is not read before there is somebody to send it to."""
        monkeypatch.setattr("rsp.dialling.Attempt.begin", lambda _: errno.EINPROGRESS)
        client = world.client()
        client.sendall(b"PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n")
        turn_until(world.loop, lambda: world.pool.asked)
        side = world.side(client)
        client.sendall(b"x" * 100_000)
        turn_until(world.loop, lambda: side.paused)
        assert len(side.received) <= 65536


def test_an_idle_upstream_leaves_no_circle(world: World) -> None:
    """Its objects are freed at once, and not by the collector (the world looks, too)."""
    _, upstream = kept(world)
    upstream.close()
    turn_until(world.loop, lambda: not world.pool.idle)
    turn(world.loop)
    assert not [one for one in left_behind() if isinstance(one, Upstream)]


def test_says_what_it_is(world: World) -> None:
    """Reprs worth asserting."""
    kept(world)
    (idle,) = world.pool.idle
    assert repr(idle) == "<Upstream: idle, 1 served, <Stream: 0 bytes pending>>"
    assert repr(world.pool) == f"<Pool to {world.address}: 1 idle, 0 dialled>"
