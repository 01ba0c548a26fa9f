"""Stages with one fault each, for the contract to find; s04 is what they were made from.

`python -m tests.faulty NAME HOST PORT` runs one as a command.
"""

import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from rsp.errors import RspError
from rsp.net import Address, dial, listen
from rsp.stages.s04_serial import READ_SIZE, clients, handle_client

Handle = Callable[[socket.socket, Address], None]
Serve = Callable[[socket.socket, Address], None]
KEPT: list[socket.socket] = []  # what a stage that leaks never closes


def serving(handle: Handle) -> Serve:
    """Return s04 with another way to treat a client."""

    def serve(listener: socket.socket, backend: Address) -> None:
        for client in clients(listener):
            with client, suppress(OSError, RspError):
                handle(client, backend)

    return serve


def learned_threads(listener: socket.socket, backend: Address) -> None:
    """Serve several clients at once, which s04 does not claim to do."""
    threads = []
    for client in clients(listener):
        threads.append(threading.Thread(target=one_of_many, args=(client, backend)))
        threads[-1].start()
    for thread in threads:
        thread.join()


def one_of_many(client: socket.socket, backend: Address) -> None:
    with client, suppress(OSError, RspError):
        handle_client(client, backend)


def exits_on_trouble(listener: socket.socket, backend: Address) -> None:
    """What one client runs into ends the proxy, as `exit(1)` does in a first C program."""
    for client in clients(listener):
        with client:
            handle_client(client, backend)


def never_returns(listener: socket.socket, backend: Address) -> None:
    """That its listener was shut down is no reason for it to stop: it waits for more clients."""
    serving(handle_client)(listener, backend)
    WAKE.wait()


WAKE = threading.Event()  # the test's way to end it


def leaks(client: socket.socket, backend: Address) -> None:
    """The upstream is never closed."""
    upstream = dial(backend)
    KEPT.append(upstream)
    upstream.sendall(client.recv(READ_SIZE))
    while data := upstream.recv(READ_SIZE):
        client.sendall(data)


def short_writes(client: socket.socket, backend: Address) -> None:
    """Of what `send` did not take, nobody knows any more."""
    with dial(backend) as upstream:
        upstream.sendall(client.recv(READ_SIZE))
        client.setblocking(False)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # full at once, also when busy
        while data := upstream.recv(READ_SIZE):
            with suppress(BlockingIOError):
                client.send(data)


def collects_first(client: socket.socket, backend: Address) -> None:
    """The answer waits until the whole of it is there."""
    with dial(backend) as upstream:
        upstream.sendall(client.recv(READ_SIZE))
        client.sendall(b"".join(iter(lambda: upstream.recv(READ_SIZE), b"")))


def refuses_pieces(client: socket.socket, backend: Address) -> None:
    """A request that is not there at once is dropped, where s04 would forward the piece."""
    if not client.recv(READ_SIZE, socket.MSG_PEEK).endswith(b"\r\n\r\n"):
        return
    handle_client(client, backend)


def drops_half_closed(client: socket.socket, backend: Address) -> None:
    """A client that has ended its side is taken for one that has left."""
    with dial(backend) as upstream:
        upstream.sendall(client.recv(READ_SIZE))
        client.settimeout(0.05)
        with suppress(TimeoutError):
            if not client.recv(1):
                return
        client.settimeout(None)
        while data := upstream.recv(READ_SIZE):
            client.sendall(data)


def answers_itself(client: socket.socket, backend: Address) -> None:
    """Whatever is asked, the client gets a head and nothing else."""
    with dial(backend):
        client.recv(READ_SIZE)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def holds_on(client: socket.socket, backend: Address) -> None:
    """When the backend is down or gone, the client is kept waiting."""
    try:
        handle_client(client, backend)
    except (OSError, RspError):
        client.recv(READ_SIZE)
    client.recv(READ_SIZE)


STAGES: dict[str, Serve] = {
    "learned_threads": learned_threads,
    "exits_on_trouble": exits_on_trouble,
    "never_returns": never_returns,
    **{
        handle.__name__: serving(handle)
        for handle in (
            leaks,
            short_writes,
            collects_first,
            refuses_pieces,
            drops_half_closed,
            answers_itself,
            holds_on,
        )
    },
}


def main(name: str, host: str, port: str) -> None:
    """Run a stage as a command."""
    with listen(Address(None, 0)) as listener:
        print(f"Listening on port {listener.getsockname()[1]}.", flush=True)
        STAGES[name](listener, Address(host, port))


if __name__ == "__main__":
    main(*sys.argv[1:])
