"""What several checks give to the learner's code, and what they ask of what it returns."""

import gc
import select
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from rsp.errors import RspError
from rsp.lab.backends import Backend, Temper
from rsp.lab.checks import Wrong, expect
from rsp.lab.clients import Client, Named
from rsp.lab.ends import End
from rsp.lab.leaks import left_open, snapshot
from rsp.lab.proxies import wake
from rsp.lab.settings import HOST, TIMEOUT
from rsp.lab.tempers import linger
from rsp.net import Address, listen

LOOK = 0.001  # seconds between two looks
STILL = 0.8  # seconds to see whether somebody spins, who may have to share the processor
IDLE = 0.03  # seconds of the processor that who waits does not use up meanwhile
LITTLE = 100  # bytes that a sparing socket takes with one send


@contextmanager
def fed(pieces: Sequence[bytes], *, end: bool = True) -> Iterator[socket.socket]:
    """Give a socket on which `pieces` come, each after the one before was taken, then the end.

    Without `end` there is only silence, and who waits in it: then TimeoutError is raised. The
    socket has no time-out of its own: with one, MSG_WAITALL would not wait.
    """
    here, there = socket.socketpair()
    stop, gave_up = threading.Event(), threading.Event()

    def feed() -> None:
        with suppress(OSError):
            for piece in pieces:
                there.sendall(piece)
                while unread(here) and not stop.is_set():
                    stop.wait(LOOK)
            if not end and not stop.wait(TIMEOUT):
                gave_up.set()
            there.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    try:
        yield here
    finally:
        stop.set()
        for sock in (here, there):
            sock.close()
        thread.join(TIMEOUT)
        if gave_up.is_set():
            raise TimeoutError("nothing more came")


def unread(sock: socket.socket) -> bool:
    """Tell whether there is something that nobody has taken yet."""
    return sock.fileno() != -1 and bool(select.select([sock], [], [], 0)[0])


def cut(data: bytes, size: int) -> list[bytes]:
    """Return `data` in pieces of `size` bytes."""
    return [data[start : start + size] for start in range(0, len(data), size)]


def in_pieces(reply: Callable[[bytes], bytes], size: int) -> Temper:
    """Answer a request `size` bytes at a time, each after the ones before were taken."""

    def temper(end: End, backend: Backend) -> None:
        message = backend.take(end)
        taker = other_side(end.sock)
        for data in cut(reply(message), size):
            end.send(data)
            while taker and unread(taker) and not backend.stopping.is_set():
                backend.stopping.wait(LOOK)
        del taker  # whoever lets go of it leaves no socket open
        linger(end)

    return temper


def other_side(sock: socket.socket) -> socket.socket | None:
    """Return the socket at the far side of a connection within this process."""
    place = sock.getpeername()
    for thing in gc.get_objects():
        # Not isinstance: it would ask proxies of other packages for their class.
        if issubclass(type(thing), socket.socket) and thing.fileno() != -1:
            with suppress(OSError):  # closed meanwhile
                if thing.getsockname() == place:
                    return thing  # type: ignore[no-any-return]
    return None


@contextmanager
def all_closed() -> Iterator[None]:
    """Ask that every socket which is opened in the `with` is closed there, by who opened it."""
    before = snapshot()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ResourceWarning)
        yield
        opened = [words for words in left_open(before) if "socket" in words or "listener" in words]
    expect(not opened, f"it leaves something open: {', '.join(opened)}")
    expect(
        not any("unclosed <socket" in str(warning.message) for warning in warned),
        "a socket is never closed: it is only forgotten, and Python cleans up when it notices",
    )


def listed(got: object, where: str = "") -> list[object]:
    """Return the list that was asked for; a tuple, or a generator, is as good."""
    expect(got is not None, f"{where}it returns nothing")
    if isinstance(got, list | tuple | Iterator):
        return list(got)
    raise Wrong(f"{where}it returns {type(got).__name__}, not a list")


class Sparing(socket.socket):
    """A socket whose `send` takes little at a time, as a kernel with a full buffer does."""

    def send(self, data: Any, flags: int = 0) -> int:
        """Send the beginning of `data`; return how many bytes that were."""
        return super().send(memoryview(data).cast("B")[:LITTLE], flags)


def handled(
    handle: Callable[[socket.socket, Address], object], backend: Backend, *, sparing: bool = False
) -> bytes:
    """Return what a client gets of `handle` whose whole request came before anyone read.

    With `sparing`, `handle` gets a client whose `send` takes LITTLE; `sendall` takes all.

    Raises TimeoutError when either side waits for ever, ConnectionError when it is reset, and
    whatever `handle` raises that a stage does not catch.
    """
    with listen(Address(HOST, 0)) as listener, Client(Named(listener, "proxy")) as visitor:
        visitor.ask()
        client, _ = listener.accept()
        if sparing:
            client = Sparing(client.family, client.type, client.proto, client.detach())
        select.select([client], [], [], TIMEOUT)
        with ThreadPoolExecutor(1) as pool, client:
            got = pool.submit(visitor.recv_all)
            client.settimeout(TIMEOUT)
            try:
                handle(client, backend.address)
            except TimeoutError:
                raise
            except (OSError, RspError):
                pass  # a stage tells it in its log, and goes on
        return got.result()


@contextmanager
def impatient() -> Iterator[None]:
    """Give every new socket a time-out: what would wait for ever is then told."""
    socket.setdefaulttimeout(TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(None)


@contextmanager
def spoken_to(far: socket.socket, seconds: float) -> Iterator[threading.Event]:
    """Say something after so many seconds, unless the `with` ends first; the event tells so."""
    spoken = threading.Event()

    def speak() -> None:
        spoken.set()
        far.send(b"x")

    timer = threading.Timer(seconds, speak)
    timer.start()
    try:
        yield spoken
    finally:
        timer.cancel()
        timer.join()


@contextmanager
def shut_soon(seconds: float) -> Iterator[tuple[socket.socket, threading.Event]]:
    """Give a listener that is shut down after so many seconds, and the event that tells it."""
    shut = threading.Event()

    def shut_down() -> None:
        shut.set()
        wake(listener)

    with listen(Address(HOST, 0)) as listener:
        timer = threading.Timer(seconds, shut_down)
        timer.start()
        try:
            yield listener, shut
        finally:
            timer.cancel()
            timer.join()


def idle() -> bool:
    """Tell whether this program uses no processor for a while."""
    begun, deadline = time.process_time(), time.monotonic() + STILL
    while time.monotonic() < deadline:
        time.sleep(STILL / 20)
        if time.process_time() - begun > IDLE:
            return False
    return True
