"""The loop of notebook 07's stage: timers, and closing at the end of a round."""

import socket
from collections.abc import Iterator
from selectors import EVENT_READ

import pytest

from rsp.stages.s07_loop import Loop

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.selector.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair()
    with one, other:
        other.settimeout(2)
        yield one, other


def test_a_timer_lets_the_last_one_go(loop: Loop, pair: Pair) -> None:
    """At once, not with the next event: there may be none."""
    sock, far = pair
    loop.watch(sock, EVENT_READ, print)
    loop.after(0.01, lambda: loop.close(sock))
    loop.run()
    assert far.recv(1) == b""


def test_a_timer_is_waited_for_when_nobody_is_watched(loop: Loop, pair: Pair) -> None:
    """A listener that is not watched for a while is watched again."""
    sock, far = pair
    loop.watch(sock, EVENT_READ, lambda: loop.close(sock))
    loop.watch(sock, 0)
    far.send(b"x")
    loop.after(0.01, lambda: loop.watch(sock, EVENT_READ, lambda: loop.close(sock)))
    loop.run()
    assert sock.fileno() == -1


def test_closing_twice_does_no_harm(loop: Loop, pair: Pair) -> None:
    """In the same round, or when a timer comes too late."""
    sock, _ = pair
    loop.after(0, lambda: loop.close(sock))
    loop.after(0, lambda: loop.close(sock))
    loop.after(0.01, lambda: loop.close(sock))
    loop.run()
    assert sock.fileno() == -1


def test_the_next_timer_may_be_set_by_a_handler(loop: Loop, pair: Pair) -> None:
    """The wait is reckoned when the handlers are done."""
    sock, far = pair

    def on_data() -> None:
        loop.watch(sock, 0)
        loop.after(0.01, lambda: loop.close(sock))

    loop.watch(sock, EVENT_READ, on_data)
    far.send(b"x")
    loop.run()
    assert sock.fileno() == -1
