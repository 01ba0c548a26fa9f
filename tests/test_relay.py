"""rsp.relay and rsp.pipes: bytes both ways, spliced or read; no cut looks like an end."""

import errno
import fcntl
import gc
import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from rsp.loop import Loop
from rsp.pipes import CAN_SPLICE, PIPE_SIZE, SPARE_PIPES, Pipe, Pipes
from rsp.relay import Relay, Side
from rsp.stream import HIGH_WATER, READ_SIZE, Stream
from tests.on_loop import (
    MEDIUM,
    SMALL,
    TIMEOUT,
    connected,
    descriptors,
    is_at_rest,
    reset,
    turn,
    turn_until,
)
from tests.transfers import BYTES, transfers

LARGE = 4 * len(BYTES)  # bytes: more than the kernel's buffers hold on the way
Splices = pytest.mark.skipif(not CAN_SPLICE, reason="no splice here")


class World:
    """A relay, and the two far ends of it.

    `small`: the kernel takes little for everybody; `slow`: for one far end, by its number, but at
    least a full read at a time, so that a pipe fills.
    """

    def __init__(
        self, loop: Loop, pipes: Pipes | None, *, small: bool = False, slow: int | None = None
    ) -> None:
        self.loop, self.pipes, self.closed = loop, pipes, list[Relay]()
        buffers = [
            {"far": SMALL, "near": SMALL}
            if small
            else {"far": SMALL, "near": MEDIUM}
            if slow == index
            else {}
            for index in (0, 1)
        ]
        self.client, near_client = connected(**buffers[0])
        self.backend, near_backend = connected(**buffers[1])
        self.relay = Relay(loop, near_client, near_backend, self.closed.append, pipes)
        self.near = near_client, near_backend
        self.relay.start()

    def turn_until(self, holds: Callable[[], object]) -> None:
        """Let the loop turn until something holds."""
        turn_until(self.loop, holds)

    def settle(self) -> None:
        """Let the loop turn until it has nothing to do."""
        self.turn_until(lambda: is_at_rest(self.loop))

    def send(self, sock: socket.socket, data: bytes) -> int:
        """Send until the relay reads no more; return how much went."""
        side = self.relay.client if sock is self.client else self.relay.upstream
        sock.setblocking(False)
        if self.pipes is not None:
            side.spliced(True)  # so that it is a pipe that fills, where the buffers are large
        sent = 0

        def stuck() -> bool:
            nonlocal sent
            if side.paused and is_at_rest(self.loop):
                return True
            with suppress(BlockingIOError):
                sent += sock.send(data[sent : sent + 100_000])
            assert sent < len(data), "nobody was made to wait"
            return False

        self.turn_until(stuck)
        return sent

    def take(self, sock: socket.socket, size: int) -> bytes:
        """Receive so much, or until the end."""
        got = bytearray()
        sock.setblocking(False)

        def read() -> bool:
            data = b"?"
            with suppress(BlockingIOError):
                data = sock.recv(min(READ_SIZE, size - len(got)))
                got.extend(data)
            return not data or len(got) == size

        turn_until(self.loop, read, [sock])
        return bytes(got)

    def pass_on(self, source: socket.socket, target: socket.socket, data: bytes) -> bytes:
        """Send data at one end while the other receives; return what came."""
        got, sent = bytearray(), 0
        source.setblocking(False)
        target.setblocking(False)

        def move() -> bool:
            nonlocal sent
            with suppress(BlockingIOError):
                sent += source.send(data[sent : sent + 500_000])
            with suppress(BlockingIOError):
                got.extend(target.recv(500_000))
            return len(got) >= len(data)

        turn_until(self.loop, move, [target])
        return bytes(got)

    def end(self, sock: socket.socket) -> str:
        """Return how a connection ends, as its far end sees it."""
        sock.setblocking(False)
        seen = ""

        def look() -> str:
            nonlocal seen
            try:
                while sock.recv(READ_SIZE):
                    pass
                seen = "end"
            except BlockingIOError:
                pass
            except ConnectionError:
                seen = "reset"
            return seen

        turn_until(self.loop, look, [sock])
        return seen

    def shut(self) -> None:
        """Close everything."""
        self.relay.close(reset=True)
        for sock in (self.client, self.backend):
            sock.close()
        turn(self.loop)


@pytest.fixture(params=[True, False], ids=["epoll", "selectors"])
def loop(request: pytest.FixtureRequest) -> Iterator[Loop]:
    loop = Loop(epoll=request.param)
    yield loop
    loop.shut()


@pytest.fixture(params=[pytest.param(True, marks=Splices), False], ids=["splice", "plain"])
def pipes(request: pytest.FixtureRequest) -> Iterator[Pipes | None]:
    pipes = Pipes() if request.param else None
    yield pipes
    if pipes:
        pipes.close()


Make = Callable[..., World]


@pytest.fixture
def make(loop: Loop, pipes: Pipes | None) -> Iterator[Make]:
    """Makes a relay between two far ends, and closes it in the end."""
    worlds: list[World] = []

    def make(*, small: bool = False, slow: int | None = None) -> World:
        worlds.append(World(loop, pipes, small=small, slow=slow))
        return worlds[-1]

    yield make
    for world in worlds:
        world.shut()


def both(world: World) -> list[tuple[socket.socket, socket.socket]]:
    """Return (source, target) for each of the two directions."""
    return [(world.client, world.backend), (world.backend, world.client)]


class TestBytes:
    @pytest.mark.parametrize("size", [1, 1000, READ_SIZE, 3 * READ_SIZE, LARGE])
    def test_pass_both_ways(self, make: Make, size: int) -> None:
        """In order, and each of them."""
        world = make()
        data = (BYTES * 4)[:size]
        for source, target in both(world):
            assert world.pass_on(source, target, data) == data

    def test_pass_both_ways_through_small_buffers(self, make: Make) -> None:
        """Where the kernel takes little, the rest is pending."""
        world = make(small=True)
        for source, target in both(world):
            assert world.pass_on(source, target, BYTES) == BYTES

    def test_pass_when_few_come_after_many(self, make: Make) -> None:
        """A connection that is kept: a long answer, then a short question, and so on."""
        world = make()
        for size in [LARGE, 5, LARGE, READ_SIZE, 1, LARGE]:
            for source, target in both(world):
                data = (BYTES * 4)[-size:]
                assert world.pass_on(source, target, data) == data

    def test_are_spliced_only_where_there_are_many(self, make: Make, pipes: Pipes | None) -> None:
        """A pipe is borrowed for a bulk, and given back with it."""
        world = make()
        world.pass_on(world.client, world.backend, b"few")
        assert pipes is None or pipes.spare == []
        world.pass_on(world.backend, world.client, BYTES)
        assert pipes is None or len(pipes.spare) == 1
        assert not world.relay.client.pipe

    def test_that_are_urgent_keep_their_place(self, make: Make) -> None:
        """Read in line (RFC 6093 §3), no byte is lost, and nothing spins.

        A splice leaves an urgent byte lying: its socket is readable, and there is nothing to take.
        """
        world = make()
        for near in world.near:
            near.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        world.client.settimeout(TIMEOUT)
        world.client.sendall(BYTES[:READ_SIZE])
        world.turn_until(lambda: world.relay.client.bulk or world.pipes is None)
        world.client.send(b"!", socket.MSG_OOB)
        world.settle()
        assert world.take(world.backend, READ_SIZE + 1) == BYTES[:READ_SIZE] + b"!"
        assert world.pass_on(world.client, world.backend, BYTES) == BYTES


class TestBackPressure:
    def test_stops_who_sends_to_one_that_does_not_read(self, make: Make) -> None:
        """What we hold is bounded, whatever is sent; then everybody waits, and nothing spins."""
        world = make(small=True)
        for source, target in both(world):
            sent = world.send(source, BYTES * 8)
            side = world.relay.client if target is world.client else world.relay.upstream
            assert side.target.paused
            assert side.size < HIGH_WATER + READ_SIZE
            assert not side.pipe or side.pipe.left <= 2 * PIPE_SIZE
            assert is_at_rest(world.loop)
            assert world.take(target, sent) == (BYTES * 8)[:sent]
        for source, target in both(world):
            assert world.pass_on(source, target, BYTES) == BYTES

    def test_in_one_direction_leaves_the_other_free(self, make: Make) -> None:
        """A download that nobody reads does not hold up what the client says."""
        world = make(small=True)
        world.send(world.backend, BYTES * 8)
        assert world.pass_on(world.client, world.backend, BYTES) == BYTES

    def test_with_large_buffers_fills_a_pipe_at_most(self, make: Make) -> None:
        """In bulk, a pipe holds what the target's kernel does not take."""
        world = make(slow=0)
        sent = world.send(world.backend, BYTES * 16)
        if world.pipes is not None:
            assert world.relay.client.pipe
            assert world.relay.client.pipe.left
        assert world.take(world.client, sent) == (BYTES * 16)[:sent]


class TestEnd:
    def test_of_one_side_is_a_half_close_for_the_other(self, make: Make) -> None:
        """The other direction goes on (RFC 9293 §3.6): a half-closing client gets its answer."""
        for index in (0, 1):
            world = make()
            source, target = both(world)[index]
            source.send(b"a question")
            source.shutdown(socket.SHUT_WR)
            assert world.take(target, 99) == b"a question"
            assert world.end(target) == "end"
            assert is_at_rest(world.loop)
            assert world.pass_on(target, source, BYTES) == BYTES
            assert not world.closed
            target.shutdown(socket.SHUT_WR)
            assert world.end(source) == "end"
            world.turn_until(lambda world=world: world.closed)

    def test_comes_after_all_that_is_pending(self, make: Make) -> None:
        """In each direction, whether it is in Python or in a pipe."""
        for index in (0, 1):
            for how in ({"small": True}, {"slow": 1 - index}):
                world = make(**how)
                source, target = both(world)[index]
                sent = world.send(source, BYTES * 8)
                if world.pipes is not None and "slow" in how:
                    assert (world.relay.client, world.relay.upstream)[1 - index].pipe
                source.shutdown(socket.SHUT_WR)
                world.settle()
                assert world.take(target, sent) == (BYTES * 8)[:sent]
                assert world.end(target) == "end"
                assert not world.closed

    @pytest.mark.parametrize("pieces", [1, 2, 3, 4, 5, 8])
    def test_is_seen_where_full_reads_stop(self, make: Make, pieces: int) -> None:
        """The end may be the first thing that a splice finds: 0 bytes (man 2 splice)."""
        world = make()
        data = BYTES[: pieces * READ_SIZE]
        assert world.pass_on(world.backend, world.client, data) == data
        world.backend.shutdown(socket.SHUT_WR)
        assert world.end(world.client) == "end"
        assert is_at_rest(world.loop)

    def test_of_both_closes_both_once(self, make: Make, caplog: pytest.LogCaptureFixture) -> None:
        """Then nothing is left: no socket, no handler, no word in the log."""
        world = make()
        with caplog.at_level(logging.INFO, "rsp"):
            world.client.shutdown(socket.SHUT_WR)
            assert world.end(world.backend) == "end"
            world.backend.close()
            assert world.end(world.client) == "end"
            world.turn_until(lambda: world.closed)
            turn(world.loop)
        assert world.closed == [world.relay]
        assert [sock.fileno() for sock in world.near] == [-1, -1]
        assert repr(world.loop) == "<Loop: 0 sockets, 0 timers>"
        assert caplog.records == []
        assert repr(world.relay) == "<Relay: closed>"

    def test_of_one_while_the_other_is_stuck_spins_nobody(self, make: Make) -> None:
        """Ended, told so, and with a hang-up in the kernel: still it waits for the other side."""
        world = make(small=True)
        sent = world.send(world.client, BYTES * 8)
        world.backend.shutdown(socket.SHUT_WR)
        assert world.end(world.client) == "end"
        world.client.shutdown(socket.SHUT_WR)
        world.settle()
        assert is_at_rest(world.loop)
        assert world.take(world.backend, sent) == (BYTES * 8)[:sent]
        assert world.end(world.backend) == "end"


class TestReset:
    def test_of_one_side_is_a_reset_for_the_other(self, make: Make) -> None:
        """A cut must never look like a good end."""
        for index in (0, 1):
            world = make()
            source, target = both(world)[index]
            world.pass_on(source, target, b"as far as it")
            reset(source)
            assert world.end(target) == "reset"
            turn(world.loop)
            assert world.closed == [world.relay]
            assert [sock.fileno() for sock in world.near] == [-1, -1]

    def test_in_bulk_is_one_too(self, make: Make) -> None:
        """ECONNRESET may come from the splice."""
        for index in (0, 1):
            world = make()
            source, target = both(world)[index]
            data = BYTES[: 4 * READ_SIZE]
            assert world.pass_on(source, target, data) == data
            reset(source)
            assert world.end(target) == "reset"

    def test_by_a_reader_who_has_bytes_pending_frees_them(self, make: Make) -> None:
        """An aborted download leaves nothing, and its pipe reaches no stranger."""
        for index in (0, 1):
            for how in ({"small": True}, {"slow": 1 - index}):
                world = make(**how)
                source, target = both(world)[index]
                world.send(source, BYTES * 8)
                reset(target)
                assert world.end(source) == "reset"
                turn(world.loop)
                assert world.closed
                assert repr(world.loop) == "<Loop: 0 sockets, 0 timers>"
                assert world.pipes is None or all(p.left == 0 for p in world.pipes.spare)
        world = make()
        assert world.pass_on(world.backend, world.client, BYTES) == BYTES

    def test_by_a_sender_whose_bytes_are_pending_is_told_in_the_end(self, make: Make) -> None:
        """However much of it arrives, what follows is not an end."""
        for index in (0, 1):
            world = make(small=True)
            source, target = both(world)[index]
            world.send(source, BYTES * 8)
            reset(source)
            world.settle()
            assert world.end(target) == "reset"

    def test_does_not_swallow_what_was_said_before(self, make: Make) -> None:
        """A server that answers early and closes, unread: its answer goes first (RFC 9112 §9.6)."""
        for index, side in ((0, "client"), (1, "upstream")):
            world = make()
            source, target = both(world)[index]
            target.send(b"an early answer")
            reset(target)
            source.send(b"a long question")
            getattr(world.relay, side).on_readable()  # it is sent before the answer is read
            assert source.recv(99) == b"an early answer"
            assert world.end(source) == "reset"

    def test_lets_no_last_words_overtake_what_is_pending(self, make: Make) -> None:
        """Where bytes are pending or in a pipe, what is behind them is cut: by a reset."""
        for how in ({"small": True}, {"slow": 0}):
            world = make(**how)
            world.send(world.backend, BYTES * 8)
            world.client.setblocking(False)
            got = bytearray()
            with suppress(BlockingIOError):
                while True:  # there is room now, and the relay has not seen it
                    got += world.client.recv(READ_SIZE)
            reset(world.backend)
            world.client.send(b"x")
            world.relay.client.on_readable()
            turn(world.loop)
            with suppress(ConnectionResetError):
                while data := world.client.recv(READ_SIZE):
                    got += data
                pytest.fail("a cut that looks like an end")
            assert (BYTES * 8).startswith(got)

    def test_after_an_end_does_not_undo_the_end(self, make: Make) -> None:
        """Who half-closed has said all: its answer that nobody wants any more is thrown away."""
        world = make(small=True)
        world.client.send(b"all")
        world.client.shutdown(socket.SHUT_WR)
        assert world.take(world.backend, 3) == b"all"
        world.send(world.backend, BYTES * 8)
        assert world.end(world.backend) == "end"
        reset(world.client)
        world.turn_until(lambda: world.closed)
        turn(world.loop)
        with pytest.raises(ConnectionError):
            world.backend.send(b"x")


class TestPipes:
    pytestmark = Splices

    def test_are_kept_for_the_next_one(self) -> None:
        """A pipe is two descriptors and a system call or three; but not any number of them."""
        pipes = Pipes()
        lent = [pipes.borrow() for _ in range(SPARE_PIPES + 4)]
        for pipe in lent:
            pipes.give_back(pipe)
        assert repr(pipes) == f"<Pipes: {SPARE_PIPES} spare>"
        assert pipes.borrow() in lent
        pipes.close()
        assert pipes.spare == []

    def test_with_bytes_left_are_closed(self) -> None:
        """Else one client's bytes would reach another."""
        pipes = Pipes()
        pipe = pipes.borrow()
        pipe.left = os.write(pipe.writer, b"secret")
        assert repr(pipe) == "<Pipe: 6 bytes>"
        pipes.give_back(pipe)
        assert pipes.spare == []
        with pytest.raises(OSError, match="Bad file descriptor") as caught:
            os.fstat(pipe.reader)
        assert caught.value.errno == errno.EBADF

    def test_may_stay_small(self, loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
        """EPERM: a user's pipes may be large only so often (man 7 pipe)."""

        def refuse(*_: int) -> int:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(fcntl, "fcntl", refuse)
        pipes = Pipes()
        world = World(loop, pipes)
        assert world.pass_on(world.backend, world.client, BYTES * 2) == BYTES * 2
        assert len(pipes.spare) == 1  # it was used
        world.shut()
        pipes.close()

    def test_may_be_as_small_as_a_page(self, loop: Loop) -> None:
        """Beyond the user's limit a pipe has one page or two (man 7 pipe)."""
        pipes = Pipes()
        pipes.spare = [Pipe() for _ in range(4)]
        for pipe in pipes.spare:
            fcntl.fcntl(pipe.writer, fcntl.F_SETPIPE_SZ, 4096)
        world = World(loop, pipes)
        assert world.pass_on(world.backend, world.client, BYTES * 2) == BYTES * 2
        world.shut()
        pipes.close()

    def test_may_be_impossible(self, loop: Loop) -> None:
        """EMFILE: the plain way needs no descriptor."""

        class NoDescriptors(Pipes):
            def borrow(self) -> Pipe:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        world = World(loop, NoDescriptors())
        assert world.pass_on(world.backend, world.client, BYTES * 2) == BYTES * 2
        world.backend.shutdown(socket.SHUT_WR)
        assert world.end(world.client) == "end"
        world.shut()

    def test_hold_no_descriptor_when_all_is_over(self, loop: Loop) -> None:
        """Whatever was underway when it ended."""
        before = len(descriptors())
        pipes = Pipes()
        for _ in range(5):
            world = World(loop, pipes, slow=0)
            world.send(world.backend, BYTES * 16)
            assert world.relay.client.pipe
            world.shut()
        pipes.close()
        assert len(descriptors()) == before


class TestRelay:
    def test_is_freed_at_once_when_it_is_over(self, make: Make) -> None:
        """No circle is left for the collector: with many short connections that would be work."""
        world = make()
        world.pass_on(world.client, world.backend, BYTES)
        freed = Freed(world.relay.client), Freed(world.relay.upstream)
        gc.collect()
        gc.disable()
        try:
            world.relay.close(reset=True)
            turn(world.loop)
            assert all(freed)
        finally:
            gc.enable()

    def test_closes_once(self, make: Make) -> None:
        """Whoever closes it first."""
        world = make()
        world.relay.close()
        world.relay.close(reset=True)
        world.relay.break_off(OSError())
        turn(world.loop)
        assert world.closed == [world.relay]
        assert world.end(world.client) == "end"

    def test_says_how_it_stands(self, make: Make) -> None:
        """A repr worth asserting."""
        world = make()
        assert repr(world.relay) == (
            "<Relay: client <Stream: 0 bytes pending>, upstream <Stream: 0 bytes pending>>"
        )

    def test_ends_when_a_handler_of_its_own_fails(
        self, make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A fault of ours: both sides see a reset, the log has it once, another goes on."""
        world, other = make(), make()

        upstream = world.relay.upstream

        def send(target: Side, data: bytes) -> None:
            if target is upstream:
                raise LookupError("a fault of ours")
            Stream.send(target, data)

        monkeypatch.setattr(Side, "send", send)
        world.client.send(b"x")
        turn(world.loop, 3)
        assert world.end(world.client) == "reset"
        assert world.end(world.backend) == "reset"
        assert len([record for record in caplog.records if record.exc_info]) == 1
        assert other.pass_on(other.client, other.backend, BYTES) == BYTES

    def test_ends_when_the_kernel_can_watch_no_more(self, loop: Loop) -> None:
        """ENOSPC (man 2 epoll_ctl): this client is let go, nothing else happens."""

        class Full:
            def register(self, *_: int) -> None:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        real = loop.poll
        client, near_client = connected()
        backend, near_backend = connected()
        closed: list[Relay] = []
        relay = Relay(loop, near_client, near_backend, closed.append)
        loop.poll = Full()  # type: ignore[assignment]
        relay.start()
        loop.poll = real
        turn(loop)
        assert closed == [relay]
        for sock in (client, backend):
            with pytest.raises(ConnectionResetError):
                sock.recv(1)
            sock.close()


class Freed:
    """True once a side of a relay has been freed. A side has no weak references: it is watched."""

    def __init__(self, side: Side) -> None:
        self.freed: list[bool] = []
        side.bulk = Mark(self.freed)  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self.freed)


class Mark:
    """Says when it is freed."""

    def __init__(self, freed: list[bool]) -> None:
        self.freed = freed

    def __del__(self) -> None:
        self.freed.append(True)


class TestTransfersDrawnByLot:
    """Under splits, pauses, half-closes and resets: every byte in order, or a visible cut."""

    @pytest.mark.parametrize("at_a_time", [1, 8])
    def test_lose_no_byte_in_silence(self, loop: Loop, pipes: Pipes | None, at_a_time: int) -> None:
        """Alone, or some at a time, which lend each other their pipes."""
        assert transfers(loop, pipes, range(60), at_a_time) == []
        assert repr(loop) == "<Loop: 0 sockets, 0 timers>"

    @pytest.mark.slow
    def test_lose_none_in_very_many(self, loop: Loop, pipes: Pipes | None) -> None:
        """2,500 for each way to wait and to move bytes: 10,000."""
        assert transfers(loop, pipes, range(1000, 3500), 8) == []
