"""Checks of notebook 03."""

import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

from rsp.lab.checks import Wrong, end, exercise, expect
from rsp.lab.clients import Client, Named
from rsp.lab.exercises.given import all_closed
from rsp.lab.proxies import wake
from rsp.lab.settings import HOST, TIMEOUT
from rsp.net import Address, listen


@exercise("3.1")
def finds_a_port(free_port: Callable[[], int]) -> None:
    """A number that can be bound, another one when that is taken, and nothing left open."""
    with all_closed():
        port = free_port()
    expect(port is not None, "it returns nothing")
    expect(isinstance(port, int), f"it returns {type(port).__name__}, not a number")
    expect(0 < port <= 65_535, f"{port} is not the number of a port that one can connect to")
    try:
        listener = listen(Address(HOST, port))
    except OSError as error:
        raise Wrong(f"port {port} cannot be bound: {error.strerror}") from None
    with listener:
        expect(free_port() != port, f"now somebody listens at port {port}, and it still gives that")


@exercise("3.2")
def knows_who_listens(is_taken: Callable[[int], bool]) -> None:
    """A listener is seen, a drawer is not, nobody is bothered, and no error is taken for one."""
    with listen(Address(HOST, 0)) as listener:
        port = listener.getsockname()[1]
        taken = is_taken(port)
        expect(taken is not None, "it returns nothing")
        expect(taken, "somebody listens there, and it says no")
        listener.setblocking(False)
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            pass
        else:
            expect(False, "it connected: the server there had a visitor for nothing")
        put_in_the_drawer(listener)
    with all_closed():
        taken = is_taken(port)
        expect(not taken, "nobody listens there, only a drawer is left, and it says yes")
    refused = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    with patch.object(socket.socket, "bind", side_effect=refused) as bind:
        try:
            answer = is_taken(port)
        except OSError:
            return
    expect(
        not bind.called,
        f"bind failed with “{refused.strerror}”, and it answers {answer} as if it knew",
    )


def put_in_the_drawer(listener: socket.socket) -> None:
    """Let the server's side close a connection first: TIME_WAIT stays at its port."""
    listener.setblocking(True)
    with socket.create_connection(listener.getsockname()[:2], TIMEOUT) as visitor:
        listener.accept()[0].close()
        visitor.recv(1)


class Served(threading.Thread):
    """A server of the learner's at work; what it raises is kept in `failure`."""

    def __init__(self, serve: Callable[[socket.socket], None], listener: socket.socket) -> None:
        super().__init__(daemon=True)
        self.serve, self.listener = serve, listener
        self.failure: Exception | SystemExit | None = None
        self.in_time = False  # whether it ended when its listener was shut down

    def run(self) -> None:
        """Serve; whoever comes after the end finds nobody."""
        try:
            self.serve(self.listener)
        except (Exception, SystemExit) as error:
            self.failure = error
        finally:
            self.listener.close()

    def has_ended(self) -> bool:
        """Tell whether it has ended; one whose client was just let down may be about to."""
        self.join(TIMEOUT / 2)
        return not self.is_alive()

    def shout_to(self, words: bytes) -> bytes:
        """Return what comes back to a client that sends `words` and ends its side.

        Raises Wrong where that cannot be right, and what the server raised: that tells more.
        """
        why = ""
        try:
            with Client(Named(self.listener)) as client:
                client.send(words)
                client.half_close()
                return client.recv_all()
        except TimeoutError:
            why = "the client has ended its side and gets no end of the answer"
        except OSError:
            why = "the client is reset: something that it sent was never read"
        if self.has_ended():
            raise self.failure or Wrong("it has ended, and there was one more client to serve")
        raise Wrong(why)


@exercise("3.3")
def shouts_back(shout: Callable[[socket.socket], None]) -> None:
    """Everything back in capitals, for one after the other, until shut down."""
    with served(shout) as server:
        for words in (b"hello", b"a" * 20_000, b""):
            got = server.shout_to(words)
            if got != words.upper() and server.has_ended() and server.failure:
                raise server.failure
            sent = f"of {len(words):,} bytes {len(got):,} came back"
            expect(len(got) == len(words), sent)
            expect(got == words.upper(), "what comes back is not what was sent, in capitals")
        with Client(Named(server.listener)) as client:
            client.send(b"x" * 100)
            client.abort()
        try:
            got = server.shout_to(b"still there?")
        except (Exception, SystemExit):
            got = b""
        if not got and server.has_ended():
            kind = f" with {type(server.failure).__name__}" if server.failure else ""
            raise Wrong(f"a client that broke off has ended the server{kind}")
        expect(got == b"STILL THERE?", "after one that broke off nobody is served")
    expect(server.in_time, "the listener was shut down, and it serves on")
    if server.failure:
        raise server.failure


@contextmanager
def served(serve: Callable[[socket.socket], None]) -> Iterator[Served]:
    """Run a server of the learner's for the length of a `with`."""
    with listen(Address(HOST, 0)) as listener:
        server = Served(serve, listener)
        server.start()
        try:
            yield server
        finally:
            wake(listener)
            server.join(TIMEOUT)
            server.in_time = not server.is_alive()
            if not server.in_time:
                end(server)
