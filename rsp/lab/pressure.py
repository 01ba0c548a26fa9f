"""The outcomes of the contract for many clients, and for one that takes nothing of its answer."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from rsp.lab.backends import Backend, Temper
from rsp.lab.clients import SMALL_BUFFER, Client
from rsp.lab.contract import BODY, RIGHT, Before, first, got, outcome
from rsp.lab.ends import End
from rsp.lab.proxies import InThread, Proxy, Serve
from rsp.lab.running import running
from rsp.lab.settings import TIMEOUT
from rsp.lab.tempers import answering, linger, pattern, response

MIB = 1024 * 1024
POURED, SWALLOWED = 64 * MIB, 32 * MIB  # bytes offered; taken, at which nobody was made to wait
PIECE = 64 * 1024  # bytes sent at a time, so that it shows how many were taken
LITTLE = 64 * 1024  # bytes that the kernel keeps for a client of a proxy, twice (man 7 socket)
STILL = 0.2  # seconds: whoever has sent nothing for so long is stuck
MANY, CROWD = 30, 200  # clients


def stuck(sender: End) -> None:
    """Wait until `sender` can send no more, whatever the buffers on the way, or has sent all."""
    deadline, before = time.monotonic() + TIMEOUT, -1
    while len(sender.sent) != before and time.monotonic() < deadline:
        before = len(sender.sent)
        time.sleep(STILL)


@contextmanager
def not_reading(
    serve: Serve, temper: Temper, path: str = "/", receive_buffer: int = SMALL_BUFFER
) -> Iterator[tuple[Client, Backend, Proxy]]:
    """Give a client that has asked and does not read, its backend, and the proxy between them.

    The kernel keeps little for the client: what more there is, the proxy has, or the backend.
    """
    with Backend(temper) as backend, running(serve, backend) as proxy:
        if isinstance(proxy, InThread):  # what it accepts has the same buffer
            proxy.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LITTLE)
        with Client(proxy, receive_buffer) as client:
            client.ask(path)
            backend.wait_until(lambda: bool(backend.requests))
            yield client, backend, proxy


@outcome
def many_at_once_get_their_own(before: Before) -> str:
    """Thirty clients at once each get their own answer."""
    with before(together()) as (proxy, backend), ExitStack() as stack:
        clients = [stack.enter_context(Client(proxy)) for _ in range(MANY)]
        for number, client in enumerate(clients):
            client.ask(f"/{number}")
        if not backend.wait_until(lambda: len(backend.requests) == MANY):
            return "waits"
        backend.release()
        answers = [client.recv_all() for client in clients]
    own = [answer.endswith(f" /{number}\n".encode()) for number, answer in enumerate(answers)]
    return RIGHT if all(own) else "cut" if all(answers) else "lost"


def together() -> Temper:
    """Answer with the path that was asked for, and nobody before `release()`."""

    def temper(end: End, backend: Backend) -> None:
        path = backend.take(end).split(b" ")[1:2]
        backend.hold(end)
        end.send(response(b"you asked for %b\n" % b"".join(path), Connection="close"))
        linger(end)

    return temper


@outcome
def a_crowd_stops_nobody(before: Before) -> str:
    """While two hundred clients say nothing, another is served."""
    with descriptors_for(CROWD), before(answering(BODY)) as (proxy, _), ExitStack() as stack:
        for _ in range(CROWD):
            stack.enter_context(Client(proxy))
        return got(proxy)


@contextmanager
def descriptors_for(clients: int) -> Iterator[None]:
    """Let this process have enough of them for both sides of a proxy, and for the proxy."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4 * clients + 500), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@outcome
def a_slow_reader_stops_nobody(before: Before) -> str:
    """While one client does not read its answer, another is served."""
    with before(first(pouring(), answering(BODY))) as (proxy, backend):
        with Client(proxy, SMALL_BUFFER) as client:
            client.ask()
            if not backend.wait_until(lambda: bool(backend.requests)):
                return "lost"
            stuck(backend.connections[0])
            return got(proxy)


@outcome
def a_backend_is_made_to_wait(before: Before) -> str:
    """While a client does not read its answer, the backend is made to wait with the rest."""
    with before(pouring()) as (proxy, backend), Client(proxy, SMALL_BUFFER) as client:
        client.ask()
        if not backend.wait_until(lambda: bool(backend.requests)):
            return "lost"
        stuck(backend.connections[0])
        return "swallows" if len(backend.connections[0].sent) > SWALLOWED else RIGHT


def pouring() -> Temper:
    """Answer with a body that is longer than anybody should keep, a piece at a time."""

    def temper(end: End, backend: Backend) -> None:
        if backend.take(end):
            end.send(response(b"", Content_Length=str(POURED), Connection="close"))
            for _ in range(POURED // PIECE):
                end.send(pattern(PIECE))
            linger(end)

    return temper
