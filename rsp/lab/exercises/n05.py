"""Checks of notebook 05."""

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress

from rsp.lab.backends import Backend
from rsp.lab.checks import exercise, expect
from rsp.lab.clients import Client, fetch
from rsp.lab.ends import End
from rsp.lab.proxies import Proxy, Serve
from rsp.lab.running import running
from rsp.lab.settings import TIMEOUT
from rsp.lab.tempers import response
from rsp.net import Address, connect, resolve

Handle = Callable[[socket.socket, Address], None]
SOON = 0.2  # seconds for what must not come


def pass_on(client: socket.socket, backend: Address) -> None:
    """Do what notebook 04's handle_client does."""
    with connect(resolve(backend)[0]) as upstream:
        if request := client.recv(4096):
            upstream.sendall(request)
            while data := upstream.recv(4096):
                client.sendall(data)


def held(end: End, backend: Backend) -> None:
    """Take a request, wait for `release`, answer."""
    if backend.take(end):
        backend.hold(end)
        end.send(response("done\n", Connection="close"))


def asking(stack: ExitStack, proxy: Proxy, count: int) -> list[Client]:
    """Return so many clients, each of which has asked."""
    found = [stack.enter_context(Client(proxy)) for _ in range(count)]
    for client in found:
        client.ask()
    return found


def answered(client: Client) -> bool:
    """Tell whether a client gets its whole answer."""
    with suppress(OSError):
        return client.recv_all().endswith(b"done\n")
    return False


@exercise("5.1")
def serves_in_threads(in_threads: Callable[[Handle], Serve]) -> None:
    """Several at once, each closed afterwards, one's trouble nobody else's."""
    serve = in_threads(pass_on)
    expect(callable(serve), f"it returns {type(serve).__name__}, not a function")
    with Backend(held) as backend, running(serve, backend) as proxy, ExitStack() as stack:
        found = asking(stack, proxy, 3)
        together = backend.wait_until(lambda: len(backend.requests) == 3)
        came = len(backend.requests)
        backend.release()
        got = [answered(client) for client in found]
        expect(came > 0, "of three clients none was served")
        expect(together, f"three clients asked at once, and {came} reached the backend at once")
        expect(all(got), "a client did not get its whole answer, or no end of it")

    serve = in_threads(fails)
    with Backend(held) as backend, running(serve, backend) as proxy:
        with Client(proxy) as client, suppress(ConnectionError):
            client.ask("/bad")
            try:
                client.recv_all()
            except TimeoutError:
                expect(False, "a client whose handler fails is never closed")
        expect(fetch(proxy).body == b"done\n", "after a handler that failed nobody is served")


@exercise("5.2")
def serves_so_many(at_most: Callable[[int, Handle], Serve]) -> None:
    """Two at once and not three; the third when one has gone."""
    serve = at_most(2, pass_on)
    expect(callable(serve), f"it returns {type(serve).__name__}, not a function")
    with Backend(held) as backend, running(serve, backend) as proxy, ExitStack() as stack:
        found = asking(stack, proxy, 3)
        backend.wait_until(lambda: len(backend.requests) >= 2)
        came = len(backend.requests)
        third = backend.wait_until(lambda: len(backend.requests) > 2, SOON)
        backend.release()
        got = [answered(client) for client in found]
        expect(came >= 2, f"two may be served at once, and {came} reached the backend")
        expect(not third, "two may be served at once, and three were")
        expect(all(got), "the one that had to wait was not served when there was room again")
        expect(fetch(proxy).body == b"done\n", "after three clients nobody is served any more")
    gives_places_back(at_most(2, fails))


def fails(client: socket.socket, backend: Address) -> None:
    """Let a client that asks for /bad meet an error; answer the others."""
    if client.recv(4096).startswith(b"GET /bad"):
        raise OSError("this client's trouble")
    client.sendall(response("done\n"))


def gives_places_back(serve: Serve) -> None:
    """A handler that failed has left its place."""
    with Backend(held) as backend, running(serve, backend) as proxy:
        for _ in range(2):
            with Client(proxy) as client, suppress(OSError):
                client.ask("/bad")
                client.recv_all()
        try:
            answer = fetch(proxy)
        except OSError:
            expect(False, "after two handlers that failed nobody is served: who gives back?")
        else:
            expect(answer.body == b"done\n", "after handlers that failed nobody is served")


@exercise("5.3")
def counts_who_is_at_work(counted: Callable[[Handle, list[int]], Handle]) -> None:
    """1, 2, 3 … while they are at work; 1 again when all have gone, failed or not."""
    seen: list[int] = []
    go = threading.Event()

    def wait(client: socket.socket, backend: Address) -> None:
        go.wait(TIMEOUT)
        raise OSError("fails in the end")

    handle = counted(wait, seen)
    expect(callable(handle), f"it returns {type(handle).__name__}, not a function")

    def attend() -> None:
        with socket.socket() as client, suppress(OSError):
            handle(client, Address("localhost", 80))

    def together(count: int) -> None:
        threads = [threading.Thread(target=attend, daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        until_seen(seen, len(before) + count)
        go.set()
        for thread in threads:
            thread.join(TIMEOUT)

    before: list[int] = []
    together(5)
    expect(len(seen) == 5, f"five clients came, and the list has {len(seen)} numbers")
    expect(sorted(seen) == [1, 2, 3, 4, 5], f"five came at once, and the list is {sorted(seen)}")
    before = list(seen)
    together(1)
    told = "all five had failed and gone"
    expect(seen[5:] == [1], f"{told}, and the next one counts {seen[5:]}")


def until_seen(seen: list[int], count: int) -> None:
    """Wait until so many numbers are in the list, or too long."""
    pause = threading.Event()
    for _ in range(int(TIMEOUT / 0.005)):
        if len(seen) >= count:
            return
        pause.wait(0.005)
