"""Attacks that would exhaust, hang or spin the gateway: each is one peer's, and nobody else's.

Each test says what the attack is. Whoever reads a world's backend is the backend, or the attacker.
"""

import errno
import logging
import os
import queue
import random
import resource
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from rsp.accepting import PAUSE
from rsp.access import MUCH, AccessLog
from rsp.client import Client
from rsp.http1.message import Limits
from rsp.http1.requests import take_request
from rsp.logs import RECORD, ROOM, Waiting
from rsp.loop import Loop
from rsp.options import Options
from rsp.pipes import CAN_SPLICE
from rsp.splice import BULK
from tests.http_world import GET, OK, Made, World, made, readable, world
from tests.on_loop import SMALL, Clock, clock, reset, turn, turn_until
from tests.test_gateway_storm import storm

__all__ = ["clock", "made", "world"]  # fixtures

UNUSUAL = GET.replace(b"Host", b"X_Y: z\r\nHost")  # not for the lane
PUT = b"PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello"
SIZE = 1_000_000
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" + b"x" * SIZE
CROWD = 400  # clients: a call within a call for each would be too deep


class TestACrowdThatWaits:
    """For an upstream, where the backend may have but one."""

    def test_is_told_when_the_backend_goes(self, made: Made) -> None:
        """Each dials in its turn and fails at once: not one within the other."""
        world = made(Options(upstreams=1, access_log="off"))
        first, upstream = world.asked()
        crowd = [world.client() for _ in range(CROWD)]
        for client in crowd:
            client.sendall(GET)
        turn_until(world.loop, lambda: len(world.pool.waiting) == CROWD)
        world.backend.close()
        upstream.close()
        world.read(first, b"502 Bad Gateway\n")
        world.settle()
        assert all(b" 502 " in client.recv(1000) for client in crowd if readable(client))
        assert (world.pool.count, len(world.pool.waiting), len(world.pool.asked)) == (0, 0, 0)


class TestAKeptUpstream:
    @pytest.mark.parametrize(
        ("request_", "told"),
        [(GET, b"ok"), (UNUSUAL, b"ok"), (PUT, b"502 Bad Gateway\n")],
        ids=["in the lane", "by an exchange", "with a body"],
    )
    def test_that_broke_off_has_said_no_answer(
        self, world: World, request_: bytes, told: bytes
    ) -> None:
        """A backend says what nobody asked for and resets, in the moment when it is used again.

        Nothing can be sent to it: so another is asked, where that does no harm.
        """
        client, upstream = world.asked()
        upstream.sendall(OK)
        world.read(client, b"ok")
        (idle,) = world.pool.idle
        idle.news = select.poll().poll  # there is none yet, when it is asked
        upstream.sendall(OK.replace(b"ok", b"no"))
        reset(upstream)
        side = world.side(client)
        client.sendall(request_)
        side.on_readable()
        if told == b"ok":
            another = world.accept()
            world.head(another)
            another.sendall(OK)
        assert world.read(client, told)

    def test_is_counted_once_though_a_fault_closes_it_twice(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The kernel cannot watch the client any more, when the upstream has been let go."""

        def failing(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        client, upstream = world.asked(UNUSUAL)
        with monkeypatch.context() as patch:
            patch.setattr(Client, "on_done", failing)
            upstream.sendall(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            world.settle()
        assert world.pool.count == 0
        reset(client)
        world.settle()
        assert not world.gateway.clients


class TestALogThatNobodyReads:
    def test_keeps_so_many_bytes_however_long_the_lines_are(self) -> None:
        """It waits for a reader; a client makes each line as long as it likes."""
        waiting = Waiting(ROOM)
        for length in (0, 100, MUCH):
            record = logging.makeLogRecord({"msg": "x" * length})
            kept = 0
            while kept < ROOM:
                waiting.put_nowait(record)
                kept += RECORD + length
            with pytest.raises(queue.Full):
                waiting.put_nowait(record)
            while kept:
                assert waiting.get_nowait() is record
                kept -= RECORD + length
            assert waiting.empty()

    def test_is_told_of_no_more_at_once_than_a_little(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A line is four times as long as what a client says, where it says what is no ASCII."""
        loop = Loop()
        log = AccessLog(loop, "combined")
        found = take_request(GET[:-2] + b"Referer: %b\r\n\r\n" % (b"\xff" * 32_000), Limits())
        assert found
        for _ in range(10):
            log.note("127.0.0.1", found[0], 200, 0, loop.now)
            assert log.size < MUCH
        loop.shut()
        assert [record.getMessage().count("\n") for record in caplog.records] == [0] * 10


class TestThoseWhoDoNotRead:
    pytestmark = pytest.mark.skipif(not CAN_SPLICE, reason="no splice here")

    def test_take_no_descriptor_for_a_pipe_from_the_others(self, clock: Clock) -> None:
        """A long answer stays in a pipe while its client does not read: that is two descriptors.

        When all pipes that may be are lent, bytes are read and sent.
        """
        world = World(options=Options(access_log="off"), small=True)
        pipes = world.gateway.pipes
        assert pipes
        pipes.most = 1
        world.client(far=SMALL).sendall(GET)
        first = world.accept()
        world.head(first)
        first.sendall(LONG[:100])  # its head, and little more: now it is moved
        world.settle()
        first.setblocking(False)
        room = True
        while room:
            try:
                first.send(bytes(BULK))
                world.settle()
            except BlockingIOError:
                room = False
        assert (pipes.count, pipes.spare) == (1, [])
        client, second = world.asked()
        client.setblocking(False)
        second.setblocking(False)
        got, to_send = 0, LONG
        while got < SIZE:
            with suppress(BlockingIOError):
                to_send = to_send[second.send(to_send) :] if to_send else to_send
            turn(world.loop)
            with suppress(BlockingIOError):
                got += len(client.recv(BULK).rpartition(b"\r\n\r\n")[2])
        assert (pipes.count, pipes.spare) == (1, [])
        world.close()

    @pytest.mark.parametrize("limit", [40, 64, 256, 1024, 20_000])
    def test_have_pipes_for_which_there_are_descriptors(
        self, limit: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two for each client, two for each pipe, and a few that the process has anyway."""
        monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
        world = World()
        gateway = world.gateway
        assert gateway.room * 2 + gateway.pipes_at_once * 2 + 12 <= max(limit, 40)
        assert gateway.pipes
        assert gateway.pipes.most == gateway.pipes_at_once <= 264
        world.close()


def test_a_listener_that_the_kernel_cannot_watch_for_a_while_is_watched_again(
    clock: Clock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Watches are one user's: while nobody is accepted, another process may take the last."""
    usual = world.loop.reads

    def full(sock: socket.socket, handler: Callable[[], None] | None) -> None:
        if handler and sock is world.listener:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        usual(sock, handler)

    world.gateway.pause()
    with monkeypatch.context() as patch:
        patch.setattr(world.loop, "reads", full)
        for _ in range(3):
            clock.pass_(PAUSE)
            turn(world.loop, 2)
    clock.pass_(PAUSE)
    turn(world.loop, 2)
    assert world.asked()


FAULTS = {
    "recv": (errno.ECONNRESET, errno.EAGAIN, errno.ETIMEDOUT, errno.ENOMEM),
    "send": (errno.EPIPE, errno.ECONNRESET, errno.ENOBUFS),
    "accept": (errno.EMFILE, errno.ECONNABORTED, errno.ENOMEM, errno.EAGAIN),
    "shutdown": (errno.ENOTCONN,),
    "getsockopt": (errno.ENOBUFS,),
    "setblocking": (errno.EINVAL,),
}


class Weather:
    """The kernel's moods: now and then a call of the gateway's fails, and of nobody else's."""

    def __init__(self, chance: random.Random, patch: pytest.MonkeyPatch) -> None:
        self.chance, self.bad, self.count = chance, False, 0
        for name, codes in FAULTS.items():
            patch.setattr(socket.socket, name, self.failing(getattr(socket.socket, name), codes))
        if CAN_SPLICE:
            patch.setattr(os, "pipe2", self.failing(os.pipe2, (errno.EMFILE,)))
            patch.setattr(os, "splice", self.failing(os.splice, (errno.EAGAIN, errno.EPIPE)))
        watch = self.failing(Loop.reads, (errno.ENOSPC, errno.ENOMEM), lambda args: args[2])
        patch.setattr(Loop, "reads", watch)

    def failing(
        self,
        usual: Callable[..., Any],
        codes: tuple[int, ...],
        may: Callable[[tuple[Any, ...]], object] = bool,
    ) -> Callable[..., Any]:
        """Return a call that fails now and then; not that of the loop's own pair of sockets."""

        def call(*arguments: Any, **named: Any) -> Any:
            own = getattr(arguments[0], "family", None) == socket.AF_UNIX
            if self.bad and not own and may(arguments) and self.chance.random() < 0.03:
                self.count += 1
                code = self.chance.choice(codes)
                raise OSError(code, os.strerror(code))
            return usual(*arguments, **named)

        return call

    def turn(self, loop: Loop) -> None:
        """Let the loop turn while calls fail."""
        self.bad = True
        try:
            turn(loop)
        finally:
            self.bad = False


@pytest.mark.parametrize("seed", range(3))
def test_calls_that_fail_at_random_leave_nothing_and_nobody_behind(
    made: Made, clock: Clock, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Descriptors, memory and watches run out in every call: all is counted right in the end.

    The storm's peers see that each answer is whole and the right one.
    """
    chance = random.Random(seed)
    world = made(Options(upstreams=chance.choice((0, 2))))
    weather = Weather(chance, monkeypatch)
    for _ in storm(world, chance, 3000):
        if chance.random() < 0.5:
            weather.turn(world.loop)
        if chance.random() < 0.02:
            clock.pass_(chance.choice((0.2, 1.1, 5)))
    for _ in range(8):
        world.settle()
        clock.pass_(61)
        turn(world.loop, 2)
    pool, pipes = world.pool, world.gateway.pipes
    assert weather.count > 20
    assert world.gateway.count() == pool.count - len(pool.idle) == 0
    assert not pool.asked
    assert not pipes or pipes.count == len(pipes.spare)
