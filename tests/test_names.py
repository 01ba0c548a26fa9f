"""rsp.names: the addresses of a name, without anybody waiting for a look-up."""

import logging
import socket
import threading
from collections.abc import Iterator

import pytest

from rsp import names as names_module
from rsp.loop import Loop
from rsp.names import FRESH, Names
from rsp.net import Address, AddrInfo
from tests.on_loop import TIMEOUT, Clock, clock, turn_until

__all__ = ["clock"]  # a fixture


def entry(host: str) -> AddrInfo:
    """Return an address as `resolve` does."""
    return AddrInfo(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 80))


class Resolver:
    """A resolver in the test's hands: a look-up lasts until `answer` is set."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = threading.Event()
        self.answers.set()
        self.found: list[AddrInfo] | Exception = [entry("192.0.2.1")]

    def __call__(self, _: Address) -> list[AddrInfo]:
        self.asked += 1
        assert self.answers.wait(TIMEOUT)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    resolver = Resolver()
    monkeypatch.setattr(names_module, "resolve", resolver)
    return resolver


@pytest.fixture
def loop(clock: Clock) -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.shut()


def hosts(names: Names) -> list[object]:
    """Return the addresses that it knows now."""
    return [one.sockaddr[0] for one in names.entries()]


def grow_old(loop: Loop, clock: Clock) -> None:
    """Let what is known become old."""
    clock.pass_(FRESH + 0.1)
    loop.now = clock.monotonic()


BACKEND = Address("shop.test", 80)


def test_are_known_from_the_beginning(loop: Loop, resolver: Resolver) -> None:
    """The first look-up waits: nobody can be served without it."""
    names = Names(loop, BACKEND)
    assert hosts(names) == ["192.0.2.1"]
    assert repr(names) == "<Names shop.test:80: 192.0.2.1:80>"


def test_that_nobody_knows_are_told_at_the_start(loop: Loop, resolver: Resolver) -> None:
    """The operator is there to hear of it."""
    resolver.found = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    with pytest.raises(socket.gaierror):
        Names(loop, BACKEND)


def test_are_good_for_a_while(loop: Loop, clock: Clock, resolver: Resolver) -> None:
    """A client does not ask when another just did."""
    names = Names(loop, BACKEND)
    loop.now += FRESH
    names.entries()
    assert resolver.asked == 1


def test_are_looked_up_again_while_the_old_ones_serve(
    loop: Loop, clock: Clock, resolver: Resolver
) -> None:
    """However slow the look-up is, a client gets what is known, at once, and one thread looks."""
    names = Names(loop, BACKEND)
    grow_old(loop, clock)
    resolver.answers.clear()
    resolver.found = [entry("192.0.2.2")]
    for _ in range(5):
        assert hosts(names) == ["192.0.2.1"]
    resolver.answers.set()
    turn_until(loop, lambda: not names.looking)
    assert hosts(names) == ["192.0.2.2"]
    assert resolver.asked == 2


@pytest.mark.parametrize(
    "trouble",
    [
        socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
        OSError(24, "Too many open files"),
        [],
    ],
    ids=["gaierror", "OSError", "nothing"],
)
def test_stay_when_a_look_up_fails(
    loop: Loop,
    clock: Clock,
    resolver: Resolver,
    caplog: pytest.LogCaptureFixture,
    trouble: list[AddrInfo] | Exception,
) -> None:
    """A name server that is down takes nothing away; and the next look-up is tried in its time."""
    names = Names(loop, BACKEND)
    grow_old(loop, clock)
    resolver.found = trouble
    with caplog.at_level(logging.WARNING, "rsp"):
        names.entries()
        turn_until(loop, lambda: not names.looking)
    assert hosts(names) == ["192.0.2.1"]
    assert resolver.asked == 2
    assert [record.message[:35] for record in caplog.records] == (
        ["Couldn't find backend shop.test:80:"] if trouble else []
    )
    grow_old(loop, clock)
    resolver.found = [entry("192.0.2.3")]
    names.entries()
    turn_until(loop, lambda: not names.looking)
    assert hosts(names) == ["192.0.2.3"]


def test_can_be_looked_up_after_a_fault_of_ours(
    loop: Loop, clock: Clock, resolver: Resolver, caplog: pytest.LogCaptureFixture
) -> None:
    """A thread that dies must not leave word that it still looks; the log has its traceback."""
    names = Names(loop, BACKEND)
    grow_old(loop, clock)
    resolver.found = LookupError("a fault of ours")
    names.entries()
    turn_until(loop, lambda: not names.looking)
    assert hosts(names) == ["192.0.2.1"]
    assert [bool(record.exc_info) for record in caplog.records] == [True]


def test_do_without_a_thread_when_there_is_none(
    loop: Loop, clock: Clock, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RuntimeError: can't start new thread. The client is served with what is known."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    names = Names(loop, BACKEND)
    grow_old(loop, clock)
    with monkeypatch.context() as context:
        context.setattr(threading.Thread, "start", refuse)
        assert hosts(names) == ["192.0.2.1"]
    assert not names.looking


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_are_not_looked_up_again_for_an_address(
    loop: Loop, clock: Clock, resolver: Resolver, host: str
) -> None:
    """An address never changes."""
    names = Names(loop, Address(host, 80))
    grow_old(loop, clock)
    names.entries()
    assert resolver.asked == 1
    assert not names.looking
