"""rsp.dialling: the first of several addresses that takes a connection, and nobody waits."""

import errno
import os
import socket
from collections.abc import Iterator

import pytest

from rsp.dialling import DELAY, TIMEOUT, Dialling
from rsp.errors import BackendError
from rsp.loop import Loop
from rsp.net import Address, AddrInfo
from tests.on_loop import Clock, clock, connect_once, descriptors, is_at_rest, turn, turn_until

__all__ = ["clock"]  # a fixture

NeedsIPv6 = pytest.mark.skipif(not os.path.exists("/proc/net/if_inet6"), reason="no IPv6 here")


@pytest.fixture(params=[True, False], ids=["epoll", "selectors"])
def loop(request: pytest.FixtureRequest, clock: Clock) -> Iterator[Loop]:
    """A loop whose time only the test moves on; no descriptor is left by what ran on it."""
    before = descriptors()
    loop = Loop(epoll=request.param)
    yield loop
    assert repr(loop) == "<Loop: 0 sockets, 0 timers>"
    loop.shut()
    assert descriptors() == before


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def nobody() -> Iterator[AddrInfo]:
    """An address at which nobody listens, and nobody else can: it is bound."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield entry(bound)


@pytest.fixture
def slow() -> Iterator[AddrInfo]:
    """An address that does not answer: its accept queue is full, and SYNs are dropped."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        clients = [socket.socket() for _ in range(2)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield entry(listener)
        for client in clients:
            client.close()


def entry(sock: socket.socket) -> AddrInfo:
    """Return the address of a socket as getaddrinfo would."""
    return AddrInfo(sock.family, socket.SOCK_STREAM, 0, "", sock.getsockname())


@pytest.fixture(autouse=True, params=["at once", "later"])
def answered(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """When a connection is made or refused: from within `start`, or when the loop turns."""
    if request.param == "later":
        monkeypatch.setattr("rsp.dialling.connect_twice", connect_once)
    return str(request.param)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is dialled answers when the loop turns, and not before."""
    monkeypatch.setattr("rsp.dialling.connect_twice", connect_once)


class Dialled:
    """A dialling, and what its owner was told."""

    def __init__(self, loop: Loop, *entries: AddrInfo) -> None:
        self.loop = loop
        self.connected: list[socket.socket] = []
        self.errors: list[BackendError] = []
        self.dialling = Dialling(
            loop, Address("shop.test", 80), entries, self.on_connected, self.on_failed
        )
        self.dialling.start()

    def on_connected(self, dialling: Dialling, sock: socket.socket) -> None:
        assert dialling is self.dialling
        self.connected.append(sock)

    def on_failed(self, dialling: Dialling, error: BackendError) -> None:
        self.errors.append(error)

    def turn_until_told(self) -> None:
        """Let the loop turn until the owner is told something."""
        turn_until(self.loop, lambda: self.connected or self.errors)

    def peer(self) -> object:
        """Return to whom it connected, and close that."""
        turn(self.loop, 2)
        assert not self.errors
        (sock,) = self.connected
        with sock:
            return sock.getpeername()


def test_reaches_the_first_that_takes_a_connection(
    loop: Loop, listener: socket.socket, answered: str
) -> None:
    """The owner gets the socket, which does not wait, and which nobody watches."""
    dialled = Dialled(loop, entry(listener))
    assert bool(dialled.connected) == (answered == "at once")
    dialled.turn_until_told()
    assert not dialled.connected[0].getblocking()
    assert is_at_rest(loop)
    assert dialled.peer() == listener.getsockname()


@NeedsIPv6
def test_reaches_ipv6_and_ipv4_alike(loop: Loop) -> None:
    """The family stands in the entry."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        dialled = Dialled(loop, entry(listener))
        dialled.turn_until_told()
        assert dialled.peer() == listener.getsockname()


def test_tries_the_next_at_once_when_one_fails(
    loop: Loop, nobody: AddrInfo, listener: socket.socket
) -> None:
    """No time passes: a refusal is an answer."""
    dialled = Dialled(loop, nobody, nobody, entry(listener))
    dialled.turn_until_told()
    assert dialled.peer() == listener.getsockname()


@NeedsIPv6
def test_goes_from_a_dead_ipv6_address_to_ipv4(loop: Loop, listener: socket.socket) -> None:
    """`localhost` is often ::1 first, where nobody listens."""
    port = listener.getsockname()[1]
    dead = AddrInfo(socket.AF_INET6, socket.SOCK_STREAM, 0, "", ("::1", port, 0, 0))
    dialled = Dialled(loop, dead, entry(listener))
    dialled.turn_until_told()
    assert dialled.peer() == listener.getsockname()


def test_tries_the_next_beside_one_that_is_slow(
    loop: Loop, clock: Clock, slow: AddrInfo, listener: socket.socket
) -> None:
    """After 250 ms, and the first to answer wins (RFC 8305 §5, §8)."""
    dialled = Dialled(loop, slow, entry(listener))
    clock.pass_(DELAY - 0.001)
    turn(loop)
    assert len(dialled.dialling.attempts) == 1
    clock.pass_(0.001)
    turn(loop)
    dialled.turn_until_told()
    assert dialled.peer() == listener.getsockname()


def test_gives_each_attempt_its_own_time(
    loop: Loop, clock: Clock, slow: AddrInfo, nobody: AddrInfo, later: None
) -> None:
    """The delay counts from the latest attempt: one that failed leaves no clock behind."""
    dialled = Dialled(loop, nobody, slow, slow)
    clock.pass_(DELAY / 2)
    turn_until(loop, lambda: dialled.dialling.next == 2)
    clock.pass_(DELAY * 0.9)
    turn(loop)
    assert dialled.dialling.next == 2
    clock.pass_(DELAY * 0.1)
    turn(loop)
    assert dialled.dialling.next == 3
    dialled.dialling.stop()
    turn(loop)


def test_waits_for_the_slow_one_when_the_next_fails(
    loop: Loop, clock: Clock, slow: AddrInfo, nobody: AddrInfo
) -> None:
    """Only when nothing is underway any more has it failed."""
    dialled = Dialled(loop, slow, nobody)
    clock.pass_(DELAY)
    turn_until(loop, lambda: dialled.dialling.failures)
    assert not dialled.errors
    assert len(dialled.dialling.attempts) == 1
    dialled.dialling.stop()
    turn(loop)


def test_says_of_every_address_why_it_failed(loop: Loop, nobody: AddrInfo) -> None:
    """One line for the log; and the backend has seen nothing, so that another try is safe."""
    dialled = Dialled(loop, nobody, nobody)
    dialled.turn_until_told()
    (error,) = dialled.errors
    assert str(error) == (
        f"Couldn't connect to backend shop.test:80: "
        f"{nobody} Connection refused; {nobody} Connection refused"
    )
    assert not error.reached


def test_gives_up_after_a_time(loop: Loop, clock: Clock, slow: AddrInfo) -> None:
    """A backend that answers nothing, not even no, must not be waited for for ever."""
    dialled = Dialled(loop, slow, slow)
    clock.pass_(TIMEOUT - 0.001)
    turn(loop)
    assert not dialled.errors
    clock.pass_(0.001)
    turn(loop, 2)
    (error,) = dialled.errors
    assert str(error) == "Couldn't connect to backend shop.test:80: no answer in 5 s"


def test_fails_at_once_without_an_address(loop: Loop) -> None:
    """Which is told as well."""
    assert len(Dialled(loop).errors) == 1


def test_fails_at_once_without_a_descriptor(
    loop: Loop, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EMFILE (man 2 socket): this client cannot be served, and it is told why."""

    def none_left(*_: int) -> socket.socket:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as context:
        context.setattr(socket, "socket", none_left)
        dialled = Dialled(loop, entry(listener))
    (error,) = dialled.errors
    assert str(error).endswith("Too many open files")


@pytest.mark.parametrize("code", [errno.EAGAIN, errno.ENETUNREACH, errno.EADDRNOTAVAIL])
def test_takes_what_is_no_beginning_for_a_failure(
    loop: Loop, listener: socket.socket, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket whose connect failed looks writable, and without an error, as if it had worked."""

    made: list[socket.socket] = []

    class Failing(socket.socket):
        def connect_ex(self, _: object) -> int:
            made.append(self)  # held, so that nothing but a close gives its descriptor back
            return code

    target = entry(listener)
    with monkeypatch.context() as context:
        context.setattr(socket, "socket", Failing)
        dialled = Dialled(loop, target)
    assert [sock.fileno() for sock in made] == [-1]
    (error,) = dialled.errors
    assert str(error).endswith(os.strerror(code))


def test_fails_when_the_kernel_can_watch_no_more(
    loop: Loop, listener: socket.socket, monkeypatch: pytest.MonkeyPatch, later: None
) -> None:
    """ENOSPC (man 2 epoll_ctl)."""

    class Full:
        def register(self, *_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as context:
        context.setattr(loop, "poll", Full())
        dialled = Dialled(loop, entry(listener))
    assert len(dialled.errors) == 1


def test_stops_without_a_word(loop: Loop, clock: Clock, slow: AddrInfo) -> None:
    """Whoever stops it knows."""
    dialled = Dialled(loop, slow, slow)
    clock.pass_(DELAY)
    turn(loop)
    assert len(dialled.dialling.attempts) == 2
    dialled.dialling.stop()
    clock.pass_(TIMEOUT)
    turn(loop)
    assert (dialled.connected, dialled.errors) == ([], [])


def test_fails_when_its_own_handler_does(
    loop: Loop, listener: socket.socket, monkeypatch: pytest.MonkeyPatch, later: None
) -> None:
    """A fault of ours is told as a failure: the client must not wait for ever."""

    def broken(*_: object) -> None:
        raise LookupError("a fault of ours")

    monkeypatch.setattr(Dialling, "connected", broken)
    dialled = Dialled(loop, entry(listener))
    dialled.turn_until_told()
    turn(loop)
    (error,) = dialled.errors
    assert "a fault of ours" in str(error)


def test_leaves_nothing_of_those_that_came_too_late(
    loop: Loop, clock: Clock, listener: socket.socket, later: None
) -> None:
    """Two that answer in the same round: one connection is the owner's, the other is closed."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        dialled = Dialled(loop, entry(listener), entry(other))
        dialled.dialling.try_next()
        assert len(dialled.dialling.attempts) == 2
        dialled.turn_until_told()
        turn(loop, 2)
        assert dialled.peer() in {listener.getsockname(), other.getsockname()}


def test_says_how_far_it_is(loop: Loop, clock: Clock, slow: AddrInfo) -> None:
    """A repr worth asserting."""
    dialled = Dialled(loop, slow, slow)
    assert repr(dialled.dialling) == "<Dialling shop.test:80: address 1 of 2>"
    dialled.dialling.stop()
    turn(loop)
