"""rsp.lab.rest: nothing has come to the lab that it has not taken."""

import socket
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress

import pytest

from rsp.lab.backends import Backend
from rsp.lab.clients import Client
from rsp.lab.ends import End
from rsp.lab.rest import Doing, Watched, at_rest, busy, members
from rsp.lab.tempers import dripping, echoing, holding, large, silent, slow


@pytest.fixture
def pair() -> Iterator[tuple[Watched, socket.socket]]:
    """Something that waits at a socket, and the far side."""
    here, there = socket.socketpair()
    with here, there:
        one = Watched()
        one.sock = here
        yield one, there


def test_one_that_works_is_busy_and_one_that_does_nothing_is_not(
    pair: tuple[Watched, socket.socket],
) -> None:
    one, there = pair
    there.send(b"x")
    for doing, expected in [(Doing.NOTHING, False), (Doing.WORKING, True)]:
        one.doing = doing
        assert busy(one) is expected


def test_one_that_waits_is_busy_when_what_it_waits_for_has_come(
    pair: tuple[Watched, socket.socket],
) -> None:
    one, there = pair
    one.doing = Doing.RECEIVING
    assert not busy(one)
    there.send(b"x")
    assert busy(one)


def test_one_that_sends_is_busy_until_the_buffer_is_full(
    pair: tuple[Watched, socket.socket],
) -> None:
    one, _ = pair
    one.doing = Doing.SENDING
    assert busy(one)
    one.sock.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            one.sock.send(b"x" * 65_536)
    assert not busy(one)


def test_one_that_was_closed_is_not_busy(pair: tuple[Watched, socket.socket]) -> None:
    one, _ = pair
    one.doing = Doing.RECEIVING
    one.sock.close()
    assert not busy(one)


def test_what_has_come_is_taken_before_there_is_rest() -> None:
    """From the connection to the echo: the number of bytes is the same in every run."""
    with Backend(echoing()) as backend:
        for size in range(1, 100):
            with Client(backend) as client:
                client.send(b"x" * size)
                assert at_rest()
                assert len(backend.connections[-1].received) == size
                assert client.recv() == b"x" * size
        assert at_rest()
        assert len(backend.connections) == 99


def test_a_connection_that_nobody_has_accepted_yet_is_no_rest() -> None:
    with Backend(silent()) as backend:
        for count in range(1, 100):
            with Client(backend):
                assert at_rest()
                assert len(backend.connections) == count


@pytest.mark.parametrize("temper", [silent(), holding(), slow(60), large(10**7)])
def test_who_waits_for_another_or_for_a_clock_is_at_rest(temper: object) -> None:
    """Silent, held, slow, or blocked by a client that does not read: none of them is busy."""
    with Backend(temper) as backend, Client(backend, 4096) as client:  # type: ignore[arg-type]
        client.ask()
        assert at_rest()


def test_drips_are_waited_for() -> None:
    with Backend(dripping(5, 0.01)) as backend, Client(backend) as client:
        client.ask()
        assert at_rest()
        assert client.sock.recv(1000).endswith(b"drip 5\n")


def test_what_never_rests_is_told_after_a_while(pair: tuple[Watched, socket.socket]) -> None:
    one, _ = pair
    one.doing = Doing.WORKING
    assert not at_rest(timeout=0.01)


class Moving(Watched):
    """Something that moves on between every second look, as long as it moves at all."""

    moves = True

    def __init__(self) -> None:
        self.looks = 0
        super().__init__()

    @property
    def count(self) -> int:  # type: ignore[override]
        self.looks += self.moves
        return self.looks // 2


def test_rest_lasts() -> None:
    """One quiet look is not enough: what a proxy has in its hands is out of sight."""
    one = Moving()
    assert not at_rest(timeout=0.1)
    one.moves = False
    assert at_rest()


MANY = 100_000  # a test that hangs must not fill the memory


def test_a_set_that_grows_can_be_looked_through() -> None:
    kept: list[Watched] = []
    grows: weakref.WeakSet[Watched] = weakref.WeakSet()
    stop = threading.Event()

    def grow() -> None:
        while not stop.is_set() and len(kept) < MANY:
            kept.append(Watched())
            grows.add(kept[-1])

    thread = threading.Thread(target=grow)
    thread.start()
    until = time.monotonic() + 0.2
    while time.monotonic() < until:
        members(grows)
    stop.set()
    thread.join()
    assert len(members(grows)) == len(kept)


def test_who_was_held_is_at_work_as_soon_as_it_is_released() -> None:
    """Not only when its thread has its turn: a rest in between would be none."""
    go = threading.Event()

    def temper(end: End, backend: Backend) -> None:
        backend.take(end)
        backend.hold(end)
        go.wait(2)

    with Backend(temper) as backend, Client(backend) as client:
        client.ask()
        assert backend.wait_until(lambda: bool(backend.held))
        assert at_rest()
        backend.release()
        assert backend.connections[0].doing is Doing.WORKING
        assert not at_rest(0.05)
        go.set()
        assert at_rest()
