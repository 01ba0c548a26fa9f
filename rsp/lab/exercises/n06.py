"""Checks of notebook 06."""

import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from types import ModuleType
from typing import Any

from rsp.lab.backends import Backend
from rsp.lab.by_hand import pairs
from rsp.lab.checks import Wrong, exercise, expect
from rsp.lab.clients import Client, Named
from rsp.lab.contract import RIGHT, SYMPTOMS
from rsp.lab.ends import End
from rsp.lab.exercises.given import all_closed, idle, listed, shut_soon, spoken_to
from rsp.lab.exercises.loops import by_poll
from rsp.lab.exercises.n03 import Served, served
from rsp.lab.judge import judge
from rsp.lab.proxies import InThread, wake
from rsp.lab.running import running
from rsp.lab.settings import TIMEOUT
from rsp.lab.tempers import holding
from rsp.net import Address

AT_ONCE = 1.0  # seconds within which what does not wait comes back, on a busy machine, too
OFTEN = 100  # times that somebody is asked who must not wait
A_WHILE = 0.2  # seconds in which nothing happens
CROWD = 4  # clients at once
LOOK = 0.001  # seconds between two looks

Socks = list[socket.socket]
Wait = Callable[[Iterable[int]], list[int]]


@exercise("6.1")
def asks_who_is_readable(readable_now: Callable[[Socks], Iterable[socket.socket]]) -> None:
    """Those with bytes and those that have ended, without waiting and without taking."""
    with pairs("silent", "spoke", "ended", "closed") as (ours, theirs):
        theirs["spoke"].send(b"hello")
        theirs["ended"].shutdown(socket.SHUT_WR)
        theirs["closed"].close()
        with spoken_to(theirs["silent"], AT_ONCE) as waited:  # who waits is woken
            for _ in range(OFTEN):  # a short wait is one, too
                found = listed(readable_now([ours["silent"]]))
        expect(not waited.is_set(), "nobody was ready, and it waited")
        expect(not found, "nothing has come on a socket, and it is in the list")
        expect(listed(readable_now([])) == [], "of no sockets at all, some are in the list")
        found = listed(readable_now(list(ours.values())))
        strange = [type(one).__name__ for one in found if not isinstance(one, socket.socket)]
        expect(not strange, f"in the list there is {', '.join(strange)}: sockets were asked for")
        ready = [name for name, sock in ours.items() if sock in found]
        told = f"bytes, an end, a close and nothing came: in the list are {ready}"
        expect(ready == ["spoke", "ended", "closed"], told)
        expect(len(found) == len(ready), "a socket stands in the list twice")
        expect(ours["spoke"].getblocking(), "a socket that waited before no longer does")
        ours["spoke"].setblocking(False)
        left = b""
        with suppress(BlockingIOError):
            left = ours["spoke"].recv(100)
        expect(left == b"hello", "it took what had come: whoever reads now misses it")


@exercise("6.2")
def takes_all_there_is(all_there_is: Callable[[socket.socket], tuple[bytes, bool]]) -> None:
    """All that has come, and whether more may come."""
    long = bytes(range(256)) * 80
    for data, ends in [(b"", False), (b"hello", False), (long, False), (b"bye", True), (b"", True)]:
        with pairs("one") as (ours, theirs):
            ours["one"].setblocking(False)
            theirs["one"].sendall(data)
            if ends:
                theirs["one"].shutdown(socket.SHUT_WR)
            got = all_there_is(ours["one"])
            left = ours["one"].gettimeout()
        expect(left == 0, "a socket that must not wait was made one that may")
        came = f"{len(data):,} bytes came{' and then the end' if ends else ''}"
        judged(got, came, data, ends=ends)


def judged(got: Any, came: str, data: bytes, *, ends: bool) -> None:
    """Raise Wrong unless `got` is what came, and whether that was the end."""
    expect(isinstance(got, tuple) and len(got) == 2, f"{came}: it does not return two things")
    read, ended = got
    expect(isinstance(read, bytes | bytearray), f"{came}: the first thing it returns is no bytes")
    expect(isinstance(ended, bool), f"{came}: the second thing it returns is not True or False")
    expect(len(read) == len(data), f"{came}, and it returns {len(read):,}")
    expect(read == data, f"{came}, and it returns others")
    expect(ended or not ends, f"{came}, and it says that more may come")
    expect(ends or not ended, f"{came}, and it says that this was the end")


@exercise("6.3")
def echoes_for_many(echo_for_many: Callable[[socket.socket], None]) -> None:
    """Many at once, one thread, no spinning; each end is seen, and nothing is left open."""
    with shut_soon(A_WHILE / 2) as (listener, shut):
        echo_for_many(listener)
        expect(shut.is_set(), "it returns while its listener is still open")
    with all_closed():
        with served(echo_for_many) as server, ExitStack() as stack:
            threads = threading.active_count()
            visitors = [stack.enter_context(Client(Named(server.listener))) for _ in range(3)]
            talk(visitors, server)
            expect(threading.active_count() <= threads, "it starts threads: one is enough")
            expect(idle(), "nobody says anything, and it works all the time: does it wait?")
            leave(visitors, server)
        expect(server.in_time, "the listener was shut down, and it serves on")
        if server.failure:
            raise server.failure


def talk(visitors: list[Client], server: Served) -> None:
    """The last one speaks first, then everybody; the first ones have been silent meanwhile."""
    for visitor in reversed(visitors):
        for words in (b"hello ", b"there"):
            visitor.send(words)
            got = echoed(visitor, len(words), server)
            expect(got == words, f"{words!r} was sent, and {got!r} came back")


def echoed(visitor: Client, count: int, server: Served) -> bytes:
    """Return what comes back. Raises Wrong, or what the server raised."""
    try:
        return visitor.recv_exactly(count)
    except TimeoutError:
        why = "of three clients one speaks while others are silent, and nothing comes back"
    except OSError:
        why = "a client is reset"
    if server.has_ended() and server.failure:
        raise server.failure
    raise Wrong(why)


def leave(visitors: list[Client], server: Served) -> None:
    """One breaks off, one ends, one goes on, and is left when the listener is shut down."""
    first, second, third = visitors
    first.send(b"x")
    first.abort()
    second.half_close()
    try:
        rest = second.recv_all()
    except TimeoutError:
        if server.has_ended() and server.failure:
            raise server.failure from None
        raise Wrong("a client has ended its side, and gets no end") from None
    except OSError:
        rest = b""
    expect(rest == b"", f"a client that has ended still gets {rest!r}")
    third.send(b"still there?")
    got = echoed(third, 12, server)
    if not got and server.has_ended() and server.failure:
        raise server.failure
    expect(got == b"still there?", "after two that left, the third gets nothing back")
    wake(server.listener)
    server.join(TIMEOUT)
    expect(not server.is_alive(), "the listener was shut down, and it serves on")


@exercise("6.4")
def serves_over_wait(my_serve: Callable[..., None]) -> None:
    """It asks `wait` about everybody at once, and can all that our stage can."""
    with Backend(holding()) as backend, shut_soon(A_WHILE / 2) as (listener, shut):
        my_serve(listener, backend.address, by_poll)
        expect(shut.is_set(), "it returns while its listener is still open")
    asks_about_all(my_serve)
    bears_two_at_once(my_serve)
    serves_to_the_end(my_serve)
    stage = ModuleType("s06_readiness")
    stage.serve = my_serve  # type: ignore[attr-defined]
    for outcome, symptom in judge(stage).shown.items():
        expect(symptom == RIGHT, f"“{outcome}” does not hold: {SYMPTOMS[symptom]}")


def asks_about_all(my_serve: Callable[..., None]) -> None:
    """With so many clients at work, one call of `wait` names all their descriptors."""
    most = 0

    def wait(fds: Iterable[int]) -> list[int]:
        nonlocal most
        named = list(fds)
        most = max(most, len(named))
        return by_poll(named)

    def serve(listener: socket.socket, backend: Address) -> None:
        my_serve(listener, backend, wait)

    with Backend(holding()) as backend, running(serve, backend) as proxy, ExitStack() as stack:
        found = [stack.enter_context(Client(proxy)) for _ in range(CROWD)]
        for client in found:
            with suppress(ConnectionError):
                client.ask()
        together = backend.wait_until(lambda: len(backend.requests) == CROWD)
        came = len(backend.requests)
        expect(together, f"{CROWD} clients asked at once, and {came} reached the backend at once")
    everybody = 1 + 2 * CROWD
    told = f"{CROWD} clients have {everybody} descriptors with the listener's"
    expect(most >= everybody, f"{told}: `wait` was asked about {most} at once, at most")


def bears_two_at_once(my_serve: Callable[..., None]) -> None:
    """Both ends of a client end in the same round: the first closes both, the second is told."""
    both = threading.Event()

    def wait(fds: Iterable[int]) -> list[int]:
        ready = by_poll(named := list(fds))
        for _ in range(int(AT_ONCE / LOOK)):
            if not both.is_set() or len(ready) > 1:
                break
            time.sleep(LOOK)
            ready = by_poll(named)
        both.clear()
        return ready

    def serve(listener: socket.socket, backend: Address) -> None:
        my_serve(listener, backend, wait)

    with Backend(leaving) as backend, running(serve, backend, may_fail=True) as proxy:
        with Client(proxy) as client, suppress(OSError):
            client.ask()
            backend.wait_until(lambda: bool(backend.requests))
            both.set()
            backend.release()
            client.half_close()
            client.recv_all()
        ended, failure = proxy.ended(A_WHILE), getattr(proxy, "failure", None)
    told = f" with {type(failure).__name__}" if failure else ""
    expect(not ended, f"both ends of a client were ready in one round, and that ended it{told}")


def serves_to_the_end(my_serve: Callable[..., None]) -> None:
    """Who is at work when the listener is shut down still gets an answer."""
    got = b""
    with Backend(holding()) as backend, running(my_serve, backend) as proxy:
        with Client(proxy) as client, suppress(OSError):
            client.ask()
            backend.wait_until(lambda: bool(backend.requests))
            assert isinstance(proxy, InThread)
            proxy.shut_down()
            proxy.ended(A_WHILE)
            backend.release()
            got = client.recv_all()
    told = "the listener was shut down while a client was at work, and its answer never came"
    expect(got.endswith(b"at last\n"), told)


def leaving(end: End, backend: Backend) -> None:
    """Take a request, wait for `release`, and close without an answer."""
    if backend.take(end):
        backend.hold(end)
