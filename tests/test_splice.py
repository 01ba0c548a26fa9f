"""rsp.splice in exchanges: long bodies move inside the kernel, and nobody can tell."""

import contextlib
import errno
import os
import random
import socket
from typing import Any

import pytest

from rsp import splice as splice_module
from rsp.pipes import CAN_SPLICE, PIPE_SIZE, Pipes
from rsp.splice import BULK
from tests.http_world import GET, Broken, World, widen, world
from tests.on_loop import SMALL, TIMEOUT, Clock, clock, reset, turn, turn_until

__all__ = ["clock", "world"]  # fixtures

pytestmark = pytest.mark.skipif(
    not CAN_SPLICE, reason="no os.splice here (Python < 3.10, or not Linux)"
)

LONG = random.Random(1).randbytes(1_000_000)


def answer(length: int) -> bytes:
    """Return the head of a response with a body of so many bytes."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length


def put(length: int) -> bytes:
    """Return the head of a request with a body of so many bytes."""
    return b"PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: %d\r\n\r\n" % length


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes each splice has moved; without any, the tests below would test nothing."""
    counts: list[int] = []
    usual = os.splice

    def counting(*arguments: Any, **named: Any) -> int:
        count = usual(*arguments, **named)
        counts.append(count)
        return count

    monkeypatch.setattr(splice_module.os, "splice", counting)
    return counts


def body_of(world: World, client: socket.socket, length: int) -> bytes:
    """Return the body that a client gets."""
    got = world.read(client, lambda data: len(data.partition(b"\r\n\r\n")[2]) >= length)
    return got.partition(b"\r\n\r\n")[2]


def uploading(world: World) -> tuple[socket.socket, socket.socket]:
    """Return a client in the middle of a long upload, and the backend's end of it."""
    client = world.client()
    client.sendall(put(1 << 30))
    upstream = world.accept()
    world.head(upstream)
    world.send_all(client, LONG[:200_000])
    return client, upstream


class TestALongAnswer:
    def test_is_moved_and_the_connections_go_on(self, world: World, moved: list[int]) -> None:
        """Both of them: the next exchange uses the same."""
        client, upstream = world.asked()
        for _ in range(2):
            upstream.sendall(answer(len(LONG)))
            world.send_all(upstream, LONG[:300_000])
            world.send_all(upstream, LONG[300_000:])
            assert body_of(world, client, len(LONG)) == LONG
            assert sum(moved) > len(LONG)  # each byte twice: into the pipe, and out of it
            moved.clear()
            assert len(world.pool.idle) == 1
            client.sendall(GET)
            world.head(upstream)
        assert world.none_comes()

    @pytest.mark.parametrize("behind", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad"])
    @pytest.mark.parametrize("more", [-1, 0, 1, PIPE_SIZE, PIPE_SIZE + 1])
    def test_ends_where_it_ends(self, world: World, more: int, behind: bytes) -> None:
        """What is behind it stays with us, and ends that upstream."""
        client, upstream = world.asked()
        upstream.sendall(answer(BULK + more))
        world.head(client)
        body = LONG[: BULK + more]
        world.send_all(upstream, body + behind)
        got = world.read(client, lambda data: len(data) >= len(body))
        assert got == body
        world.settle()
        assert len(world.pool.idle) == (not behind)
        client.sendall(GET)
        again = upstream if not behind else world.accept()
        world.head(again)
        again.sendall(answer(2) + b"ok")
        assert body_of(world, client, 2) == b"ok"

    def test_waits_for_a_client_that_is_slow(self, clock: Clock, moved: list[int]) -> None:
        """With no more of it in a pipe than fits there; and it is not late for that."""
        world = World(small=True)
        client = world.client(far=SMALL)
        client.sendall(GET)
        upstream = world.accept()
        world.head(upstream)
        upstream.sendall(answer(len(LONG)))
        upstream.setblocking(False)
        sent = 0
        world.settle()
        for _ in range(20):
            with contextlib.suppress(BlockingIOError):
                sent += upstream.send(LONG[sent:])
            world.settle()
        side = world.side(client)
        assert side.exchange
        assert side.exchange.upstream
        splice = side.exchange.upstream.splice
        assert splice
        assert splice.waits
        assert repr(splice).endswith(" bytes to come, waits>")
        assert side.exchange.upstream.paused
        assert side.pending is None
        widen(client)
        rest = memoryview(LONG)[sent:]
        got = b""
        while len(got.partition(b"\r\n\r\n")[2]) < len(LONG):
            with contextlib.suppress(BlockingIOError):
                rest = rest[upstream.send(rest) :] if rest else rest
            turn(world.loop)
            client.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                got += client.recv(1 << 20)
        assert got.partition(b"\r\n\r\n")[2] == LONG
        world.close()

    def test_of_which_the_client_reads_nothing_is_ended(self, clock: Clock) -> None:
        """Its time is over: the pipe with what it has is closed, the backend learns of it."""
        world = World(small=True)
        client = world.client(far=SMALL)
        client.sendall(GET)
        upstream = world.accept()
        world.head(upstream)
        upstream.sendall(answer(1 << 30))
        upstream.setblocking(False)
        for _ in range(200):
            try:
                upstream.send(LONG)
            except BlockingIOError:
                turn(world.loop, 3)
        clock.pass_(world.gateway.service.timeouts.answer + 2)
        turn(world.loop, 2)
        assert world.gateway.clients == set()
        upstream.settimeout(TIMEOUT)
        with pytest.raises(ConnectionError):
            upstream.recv(1)
        world.close()

    @pytest.mark.parametrize("how", ["end", "reset"])
    def test_that_breaks_off_shows(self, world: World, how: str) -> None:
        """As a body that is too short: it has a length."""
        client, upstream = world.asked()
        upstream.sendall(answer(len(LONG)))
        world.send_all(upstream, LONG[:400_000])
        world.read(client, lambda got: len(got) > 200_000)
        upstream.close() if how == "end" else reset(upstream)
        with contextlib.suppress(Broken):
            assert len(world.read_all(client)) < len(LONG)
        client.close()
        turn_until(world.loop, lambda: not world.gateway.clients)
        assert world.pool.idle == []

    def test_whose_client_leaves_ends(self, world: World) -> None:
        client, upstream = world.asked()
        upstream.sendall(answer(1 << 30))
        world.send_all(upstream, LONG[:200_000])
        reset(client)
        upstream.setblocking(False)
        for _ in range(100):
            try:
                upstream.send(LONG)
            except BlockingIOError:
                pass
            except ConnectionError:
                break
            turn(world.loop)
        assert world.gateway.clients == set()
        assert world.pool.count == 0

    @pytest.mark.parametrize("fails", ["borrow", "splice"])
    def test_goes_the_plain_way_where_it_must(
        self, world: World, monkeypatch: pytest.MonkeyPatch, fails: str
    ) -> None:
        """Without a descriptor for a pipe (EMFILE), or when there is nothing to move (EAGAIN)."""
        code = errno.EMFILE if fails == "borrow" else errno.EAGAIN

        def failing(*_: object, **__: object) -> int:
            raise OSError(code, os.strerror(code))

        if fails == "borrow":
            monkeypatch.setattr(Pipes, "borrow", failing)
        else:
            monkeypatch.setattr(splice_module.os, "splice", failing)
        client, upstream = world.asked()
        upstream.sendall(answer(len(LONG)))
        world.send_all(upstream, LONG)
        assert body_of(world, client, len(LONG)) == LONG
        assert len(world.pool.idle) == 1


class TestALongUpload:
    def test_is_moved_and_the_connections_go_on(self, world: World, moved: list[int]) -> None:
        client = world.client()
        client.sendall(put(len(LONG)))
        upstream = world.accept()
        world.head(upstream)
        for _ in range(2):
            world.send_all(client, LONG)
            got = world.read(upstream, lambda data: len(data) >= len(LONG))
            assert got == LONG
            assert sum(moved) > len(LONG)
            moved.clear()
            upstream.sendall(answer(2) + b"ok")
            assert body_of(world, client, 2) == b"ok"
            client.sendall(put(len(LONG)))
            world.head(upstream)
        assert world.none_comes()

    def test_ends_where_the_next_request_begins(self, world: World) -> None:
        """Which waits for its turn, and is read."""
        client = world.client()
        client.sendall(put(BULK + 5))
        upstream = world.accept()
        world.head(upstream)
        world.send_all(client, LONG[: BULK + 5] + GET.replace(b"/", b"/next", 1))
        got = world.read(upstream, lambda data: len(data) >= BULK + 5)
        assert got == LONG[: BULK + 5]
        upstream.sendall(answer(2) + b"ok")
        assert world.head(upstream).startswith(b"GET /next ")

    def test_that_is_answered_early_ends_well(self, world: World) -> None:
        """The answer reaches the client whole, though it is still sending."""
        client, upstream = uploading(world)
        upstream.sendall(
            b"HTTP/1.1 413 Too much\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
        )
        reset(upstream)
        world.send_all(client, LONG)
        assert b" 413 " in world.read(client, b"no")

    def test_to_a_backend_that_breaks_off_is_told(self, world: World) -> None:
        client, upstream = uploading(world)
        reset(upstream)
        world.send_all(client, LONG)
        assert b" 502 " in world.read(client, b"502 Bad Gateway\n")

    def test_whose_client_leaves_is_cut_for_the_backend(self, world: World) -> None:
        client, upstream = uploading(world)
        reset(client)
        with pytest.raises(Broken):
            world.read_all(upstream)
