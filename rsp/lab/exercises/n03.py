"""Checks of notebook 03."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rsp.lab.checks import exercise, expect
from rsp.lab.clients import Client, Named
from rsp.lab.leaks import left_open, snapshot
from rsp.lab.proxies import wake
from rsp.lab.settings import HOST, TIMEOUT
from rsp.net import Address, listen


@exercise("3.1")
def finds_a_port(free_port: Callable[[], int]) -> None:
    """A number that can be bound, and nothing left open."""
    before = snapshot()
    port = free_port()
    expect(isinstance(port, int), f"it returns {type(port).__name__}, not a number")
    expect(0 < port <= 65_535, f"{port} is not the number of a port that one can connect to")
    expect(not left_open(before), "it leaves a socket open")
    with socket.socket() as sock:
        try:
            sock.bind((HOST, port))
        except OSError as error:
            expect(False, f"port {port} cannot be bound: {error.strerror}")


@exercise("3.2")
def knows_who_listens(is_taken: Callable[[int], bool]) -> None:
    """A listener is seen, a drawer is not, and nobody is bothered."""
    with listen(Address(HOST, 0)) as listener:
        port = listener.getsockname()[1]
        before = snapshot()
        taken = is_taken(port)
        expect(taken is not None, "it returns nothing")
        expect(taken, "somebody listens there, and it says no")
        expect(not left_open(before), "it leaves a socket open")
        listener.setblocking(False)
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            pass
        else:
            expect(False, "it connected: the server there had a visitor for nothing")
        put_in_the_drawer(listener)
    expect(not is_taken(port), "nobody listens there, only a drawer is left, and it says yes")
    try:
        is_taken(70_000)
    except (OSError, OverflowError, ValueError):
        return
    expect(False, "70,000 is no port, and it answers as if it were")


def put_in_the_drawer(listener: socket.socket) -> None:
    """Let the server's side close a connection first: TIME_WAIT stays at its port."""
    listener.setblocking(True)
    with socket.create_connection(listener.getsockname()[:2], TIMEOUT) as visitor:
        listener.accept()[0].close()
        visitor.recv(1)


@exercise("3.3")
def shouts_back(shout: Callable[[socket.socket], None]) -> None:
    """Everything back in capitals, for one after the other, until shut down."""
    with served(shout) as (listener, server):
        place = Named(listener)
        for words in (b"hello", b"a" * 20_000, b""):
            with Client(place) as client:
                client.send(words)
                client.half_close()
                try:
                    got = client.recv_all()
                except TimeoutError:
                    expect(False, "the client has ended its side and gets no end of the answer")
            sent = f"of {len(words):,} bytes {len(got):,} came back"
            expect(len(got) == len(words), sent)
            expect(got == words.upper(), "what comes back is not what was sent, in capitals")
        with Client(place) as client:
            client.send(b"x" * 100)
            client.abort()
        with Client(place) as client:
            client.send(b"still there?")
            client.half_close()
            expect(server.is_alive(), "a client that broke off has ended the server")
            expect(
                client.recv_all() == b"STILL THERE?", "after one that broke off nobody is served"
            )
    expect(not server.is_alive(), "the listener was shut down, and it serves on")


@contextmanager
def served(
    serve: Callable[[socket.socket], None],
) -> Iterator[tuple[socket.socket, threading.Thread]]:
    """Run a server of the learner's in a thread; what it raises ends it, and is not shown."""

    def run() -> None:
        try:
            serve(listener)
        except Exception:
            listener.close()  # the next visitor finds nobody

    with listen(Address(HOST, 0)) as listener:
        server = threading.Thread(target=run, daemon=True)
        server.start()
        try:
            yield listener, server
        finally:
            wake(listener)
            server.join(TIMEOUT)
