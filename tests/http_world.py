"""A gateway on a loop that a test turns by hand: the test is its clients and its backend."""

import gc
import logging
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from rsp.client import Client
from rsp.exchange import Exchange
from rsp.gateway import DEFAULT, Gateway
from rsp.loop import Loop
from rsp.net import Address, listen
from rsp.options import Options
from rsp.pipes import CAN_SPLICE
from rsp.relay import Side
from rsp.upstream import Upstream
from tests.on_loop import LOOK, SMALL, TIMEOUT, Clock, turn, turn_until

GET = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
QUIET = 3  # rounds without news, after which nothing is underway on loopback


class World:
    """A gateway, the clients before it and the listener behind it, in one thread."""

    def __init__(
        self, *, options: Options = DEFAULT, small: bool = False, splice: bool = True
    ) -> None:
        self.stack = ExitStack()
        self.loop = Loop()
        self.listener = self.stack.enter_context(listen(Address("127.0.0.1", 0)))
        self.backend = self.stack.enter_context(listen(Address("127.0.0.1", 0)))
        if small:  # what the kernel takes from a client, and for a backend, is little
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
            self.backend.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        self.backend.settimeout(TIMEOUT)
        self.address = Address(*self.backend.getsockname())
        self.gateway = Gateway(
            self.loop, self.listener, self.address, options=options, splice=splice and CAN_SPLICE
        )
        self.pool = self.gateway.pool

    def close(self) -> None:
        """Let everybody go, and see that nothing is left."""
        self.gateway.close()
        turn(self.loop, 2)
        assert repr(self.loop) == "<Loop: 0 sockets, 0 timers>"
        self.stack.close()
        self.loop.shut()

    def client(self, *, far: int = 0) -> socket.socket:
        """Return a new client, which the gateway has accepted; `far` bytes are its buffer."""
        sock = self.stack.enter_context(socket.socket())
        if far:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, far)
        sock.settimeout(TIMEOUT)
        sock.connect(self.listener.getsockname())
        before = len(self.gateway.clients)
        turn_until(self.loop, lambda: len(self.gateway.clients) > before)
        return sock

    def side(self, sock: socket.socket) -> Client:
        """Return the gateway's end of a client."""
        (one,) = [
            client
            for client in self.gateway.clients
            if client.sock.getpeername() == sock.getsockname()
        ]
        return one

    def accept(self) -> socket.socket:
        """Return the backend's end of the next connection."""
        turn_until(self.loop, lambda: readable(self.backend), [self.backend])
        return self.stack.enter_context(self.backend.accept()[0])

    def none_comes(self) -> bool:
        """Tell whether the gateway has dialled nobody."""
        self.settle()
        return not readable(self.backend)

    def settle(self, rounds: int = QUIET) -> None:
        """Turn until nothing is underway: nobody acts but the gateway, and loopback is quick."""
        quiet = 0
        while quiet < rounds:
            quiet = quiet + 1 if not self.loop.poll.poll(0.002, 1) else 0
            turn(self.loop)

    def read(self, sock: socket.socket, enough: Callable[[bytes], object] | bytes) -> bytes:
        """Return what comes, as soon as it is enough, or ends so; each piece has its time."""
        got = b""
        holds = (lambda data: data.endswith(enough)) if isinstance(enough, bytes) else enough
        deadline = time.monotonic() + TIMEOUT
        while not holds(got):
            assert time.monotonic() < deadline, got[-500:]
            turn_until(self.loop, lambda: readable(sock), [sock])
            data = sock.recv(1 << 20)
            assert data, f"it ended after {got[-500:]!r}"
            got += data
            deadline = time.monotonic() + TIMEOUT
        return got

    def read_all(self, sock: socket.socket) -> bytes:
        """Return what comes until the end. Raises ConnectionResetError; `got` is what came."""
        got = b""
        while True:
            turn_until(self.loop, lambda: readable(sock), [sock])
            try:
                data = sock.recv(1 << 20)
            except ConnectionResetError as error:
                error.add_note(repr(got))
                raise Broken(got) from error
            if not data:
                return got
            got += data

    def head(self, sock: socket.socket) -> bytes:
        """Return the head that comes, and what has come behind it."""
        return self.read(sock, lambda got: b"\r\n\r\n" in got)

    def asked(self, request: bytes = GET) -> tuple[socket.socket, socket.socket]:
        """Return a client and the backend's end, where its request has come."""
        client = self.client()
        client.sendall(request)
        upstream = self.accept()
        self.head(upstream)
        return client, upstream

    def send_all(self, sock: socket.socket, data: bytes) -> None:
        """Send so much that the gateway has to read meanwhile."""
        sock.setblocking(False)
        view = memoryview(data)
        deadline = time.monotonic() + 5 * TIMEOUT
        while view:
            assert time.monotonic() < deadline, f"{len(view)} bytes are not taken"
            try:
                view = view[sock.send(view) :]
            except BlockingIOError:
                turn(self.loop)
        sock.settimeout(TIMEOUT)


def widen(sock: socket.socket) -> None:
    """Let the kernel take more for `sock` from now on: with a small window it takes its time."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)


Made = Callable[[Options], World]


class Broken(Exception):
    """A reset, after `got`."""

    def __init__(self, got: bytes) -> None:
        super().__init__(f"reset after {got[-200:]!r}")
        self.got = got


def readable(sock: socket.socket) -> bool:
    """Tell whether something has come, be it an end."""
    return bool(select.select([sock], [], [], 0)[0])


def open_now() -> set[str]:
    """Return the descriptors that are open; the collector is not asked."""
    listed = os.listdir("/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd")
    return {fd for fd in listed if is_open(int(fd))}  # without the one that the listing took


def is_open(fd: int) -> bool:
    """Tell whether a descriptor is open."""
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def left_open(before: set[str]) -> list[str]:
    """Return what is open that was not before; another test's thread may be at it."""
    deadline = time.monotonic() + TIMEOUT
    while (left := open_now() - before) and time.monotonic() < deadline:
        select.select([], [], [], LOOK)
    return [name_of(fd) for fd in sorted(left)]


def name_of(fd: str) -> str:
    """Return what a descriptor is, where the system tells."""
    try:
        return f"{fd}: {os.readlink(f'/proc/self/fd/{fd}')}"
    except OSError:
        return fd


def left_behind() -> list[object]:
    """Return the gateway's objects that nobody has freed; the collector is not asked."""
    kinds = (Client, Exchange, Upstream, Side)
    return [thing for thing in gc.get_objects() if type(thing) in kinds]


@pytest.fixture
def made(clock: Clock) -> Iterator[Made]:
    """What makes a world with options; it is closed in the end, and nothing may be left."""
    worlds: list[World] = []

    def make(options: Options) -> World:
        worlds.append(World(options=options))
        return worlds[-1]

    yield make
    for one in worlds:
        one.close()


@pytest.fixture
def world(clock: Clock, caplog: pytest.LogCaptureFixture) -> Iterator[World]:
    """A world whose clock stands still; at its end nothing is left open."""
    caplog.set_level(logging.CRITICAL, "rsp")  # a record holds its error, and that the frames
    before = open_now()
    gc.freeze()  # what is here already is not looked through again for each test
    world = World()
    try:
        yield world
        world.close()
        left = left_open(before)
        assert not left, left  # with its words: pytest looks into test modules alone
        assert not (behind := left_behind()), behind
    finally:
        gc.unfreeze()
        world.stack.close()
