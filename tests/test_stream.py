"""rsp.stream: one socket with what is pending, and when its source is to wait."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from rsp.loop import Loop
from rsp.stream import HIGH_WATER, LOW_WATER, PIECES, READ_SIZE, Stream
from tests.on_loop import SMALL, TIMEOUT, connected, fill, is_at_rest, reset, turn, turn_until


class Noting(Stream):
    """A stream that notes what it is told."""

    def __init__(self, loop: Loop, sock: socket.socket) -> None:
        super().__init__(loop, sock)
        self.got, self.told = bytearray(), list[str]()

    def on_data(self, data: bytes) -> None:
        self.got += data

    def on_end(self) -> None:
        self.told.append("end")

    def on_break(self, error: Exception) -> None:
        self.told.append(f"break: {type(error).__name__}")
        self.close()


Make = Callable[..., tuple[socket.socket, Noting]]


@pytest.fixture(params=[True, False], ids=["epoll", "selectors"])
def loop(request: pytest.FixtureRequest) -> Iterator[Loop]:
    loop = Loop(epoll=request.param)
    yield loop
    loop.shut()


@pytest.fixture
def make(loop: Loop) -> Iterator[Make]:
    """Makes a stream, and the far end of its connection."""
    made: list[socket.socket] = []

    def make(*, small: bool = False) -> tuple[socket.socket, Noting]:
        far, near = connected(far=SMALL, near=SMALL) if small else connected()
        made.extend([far, near])
        return far, Noting(loop, near)

    yield make
    for sock in made:
        sock.close()


def recv_exactly(sock: socket.socket, loop: Loop, size: int) -> bytes:
    """Read so much at the far end, while the loop turns."""
    got = bytearray()
    sock.setblocking(False)

    def read() -> bool:
        with suppress(BlockingIOError):
            got.extend(sock.recv(size - len(got)))
        return len(got) == size

    turn_until(loop, read, [sock])
    return bytes(got)


class TestReading:
    def test_gives_what_has_come(self, loop: Loop, make: Make) -> None:
        """Nothing is read before `resume`."""
        far, stream = make()
        far.send(b"one")
        turn(loop)
        assert stream.got == b""
        stream.resume()
        turn(loop)
        assert stream.got == b"one"

    def test_takes_its_turn(self, loop: Loop, make: Make) -> None:
        """One read an event: who sends much does not keep the others waiting."""
        far, stream = make()
        far.setblocking(False)
        far.send(b"x" * 4 * READ_SIZE)
        stream.resume()
        turn(loop)
        assert 0 < len(stream.got) <= READ_SIZE

    def test_tells_the_end_once_and_leaves_the_kernel_in_peace(
        self, loop: Loop, make: Make
    ) -> None:
        """A socket at its end is readable for ever (man 2 poll): nobody may ask any more."""
        far, stream = make()
        stream.resume()
        far.shutdown(socket.SHUT_WR)
        turn(loop, 3)
        assert stream.told == ["end"]
        stream.resume()
        assert is_at_rest(loop)

    def test_tells_a_reset_as_a_break(self, loop: Loop, make: Make) -> None:
        """ECONNRESET (man 2 recv): never an end."""
        far, stream = make()
        stream.resume()
        reset(far)
        turn(loop, 2)
        assert stream.told == ["break: ConnectionResetError"]

    def test_is_not_confused_by_an_event_without_data(self, loop: Loop, make: Make) -> None:
        """What was "readable" can turn out untrue (man 2 select, BUGS)."""
        _, stream = make()
        stream.on_readable()
        assert stream.told == []

    def test_waits_while_paused(self, loop: Loop, make: Make) -> None:
        """What comes meanwhile waits in the kernel, and nothing spins."""
        far, stream = make()
        stream.resume()
        stream.pause()
        stream.pause()
        far.send(b"x")
        assert is_at_rest(loop)
        stream.resume()
        turn(loop)
        assert stream.got == b"x"


class TestSending:
    def test_goes_at_once_when_there_is_room(self, loop: Loop, make: Make) -> None:
        """Nothing is kept, and the loop is not asked."""
        far, stream = make()
        stream.send(b"hello")
        assert far.recv(9) == b"hello"
        assert stream.pending is None
        assert repr(loop) == "<Loop: 0 sockets, 0 timers>"

    def test_keeps_what_there_is_no_room_for(self, loop: Loop, make: Make) -> None:
        """And sends it when there is, in order, whatever is sent meanwhile."""
        far, stream = make(small=True)
        pieces = [bytes([65 + number]) * 50_000 for number in range(8)]
        for piece in pieces:
            stream.send(piece)
        assert stream.pending
        assert stream.size == sum(map(len, stream.pending))
        assert recv_exactly(far, loop, 400_000) == b"".join(pieces)
        assert stream.pending is None
        assert stream.size == 0
        turn(loop, 2)
        assert is_at_rest(loop)
        assert stream.told == []

    def test_tells_a_break(self, loop: Loop, make: Make) -> None:
        """EPIPE or ECONNRESET, at once or when there is room."""
        far, stream = make()
        reset(far)
        stream.send(b"x")
        assert stream.told == ["break: ConnectionResetError"]

    def test_tells_a_break_of_what_is_pending(self, loop: Loop, make: Make) -> None:
        """A reader who is gone will never take it: it is thrown away (the leak of post 4)."""
        far, stream = make(small=True)
        stream.send(b"x" * 1_000_000)
        reset(far)
        turn(loop, 2)
        assert stream.told == ["break: ConnectionResetError"]
        assert stream.pending is None
        assert repr(loop) == "<Loop: 0 sockets, 0 timers>"


class TestBackPressure:
    def test_pauses_the_source_at_the_high_water(self, loop: Loop, make: Make) -> None:
        """And lets it go on at the low water, not before."""
        far, stream = make(small=True)
        _, source = make()
        stream.source = source
        source.resume()
        fill(stream.sock)
        stream.send(b"x" * (HIGH_WATER - 1))
        assert not source.paused
        stream.send(b"x")
        assert source.paused
        far.setblocking(False)

        def read() -> bool:
            with suppress(BlockingIOError):
                far.recv(SMALL)
            assert source.paused == (stream.size > LOW_WATER)
            return not source.paused

        turn_until(loop, read, [far])

    def test_pauses_the_source_when_the_pieces_are_many(self, loop: Loop, make: Make) -> None:
        """A byte at a time, 64 KiB would cost 2 MB of objects."""
        _, stream = make(small=True)
        _, source = make()
        stream.source = source
        source.resume()
        fill(stream.sock)
        for _ in range(PIECES - 1):
            stream.send(b"xy")
        assert not source.paused
        stream.send(b"xy")
        assert source.paused


class TestFinish:
    def test_is_a_half_close(self, loop: Loop, make: Make) -> None:
        """The other end sees the end and may go on sending (man 2 shutdown)."""
        far, stream = make()
        stream.resume()
        stream.finish()
        assert far.recv(1) == b""
        far.send(b"still here")
        turn(loop)
        assert stream.got == b"still here"

    def test_waits_for_what_is_pending(self, loop: Loop, make: Make) -> None:
        """Else the last bytes would be lost, and nobody would know."""
        far, stream = make(small=True)
        stream.send(b"x" * 1_000_000)
        stream.finish()
        assert not stream.shut
        assert len(recv_exactly(far, loop, 1_000_000)) == 1_000_000
        turn_until(loop, lambda: stream.shut)
        far.settimeout(TIMEOUT)
        assert far.recv(1) == b""

    def test_of_one_that_is_gone_is_no_fault(self, loop: Loop, make: Make) -> None:
        """ENOTCONN (man 2 shutdown): how it went is told by reading."""
        far, stream = make()
        stream.resume()
        reset(far)
        stream.finish()
        turn(loop)
        assert stream.told == ["break: ConnectionResetError"]


class TestClose:
    def test_is_an_end_for_the_other_side(self, loop: Loop, make: Make) -> None:
        """What the kernel has taken still arrives."""
        far, stream = make()
        stream.send(b"bye")
        stream.close()
        turn(loop)
        assert far.recv(9) + far.recv(9) == b"bye"

    def test_as_abort_is_a_reset(self, loop: Loop, make: Make) -> None:
        """SO_LINGER with 0 seconds (man 7 socket): nobody can take it for an end."""
        far, stream = make()
        stream.abort()
        turn(loop)
        with pytest.raises(ConnectionResetError):
            far.recv(1)

    def test_is_for_good(self, loop: Loop, make: Make) -> None:
        """Who resumes it afterwards must not have a socket watched that is about to go."""
        _, stream = make(small=True)
        stream.send(b"x" * 1_000_000)
        stream.close()
        stream.resume()
        assert repr(loop) == "<Loop: 0 sockets, 0 timers>"
        turn(loop)
        assert stream.sock.fileno() == -1


def test_a_handler_that_fails_breaks_its_own_stream(
    loop: Loop, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner of the stream is told as if it had broken off, and closes it."""
    far, stream = make()

    def on_data(_: bytes) -> None:
        raise LookupError

    monkeypatch.setattr(Noting, "on_data", lambda *_: on_data(b""))
    stream.resume()
    far.send(b"x")
    turn(loop, 2)
    assert stream.told == ["break: LookupError"]


def test_says_what_it_holds(loop: Loop, make: Make) -> None:
    """A repr worth asserting."""
    _, stream = make(small=True)
    assert repr(stream) == "<Stream: 0 bytes pending, paused>"
    stream.resume()
    stream.finish()
    assert repr(stream) == "<Stream: 0 bytes pending, finishing, shut>"
