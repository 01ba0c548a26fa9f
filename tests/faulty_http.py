"""Proxies with one fault each, for the outcomes of HTTP to find where a plain relay is right."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from rsp.errors import RspError
from rsp.lab.ends import message_length
from rsp.net import Address, dial
from rsp.stages.s04_serial import READ_SIZE, clients

Handle = Callable[[socket.socket, Address], None]
Change = Callable[[bytes], bytes]
Serve = Callable[[socket.socket, Address], None]
LAST = 5  # bytes of the chunk that ends a body
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def serving(handle: Handle) -> Serve:
    """Return a proxy that treats its clients so, one after the other."""

    def serve(listener: socket.socket, backend: Address) -> None:
        for client in clients(listener):
            with client, suppress(OSError, RspError):
                handle(client, backend)

    return serve


def same(data: bytes) -> bytes:
    return data


def pump(source: socket.socket, target: socket.socket, change: Change, end: bytes = b"") -> None:
    """Copy one way, changed, and say something at the end."""
    with suppress(OSError):
        while data := source.recv(READ_SIZE):
            if data := change(data):
                target.sendall(data)
        target.sendall(end)
        target.shutdown(socket.SHUT_WR)


def relay(
    client: socket.socket,
    backend: Address,
    there: Change = same,
    back: Change = same,
    end: bytes = b"",
) -> None:
    """Copy both ways, changed."""
    with dial(backend) as upstream, ThreadPoolExecutor(2) as pool:
        pool.submit(pump, client, upstream, there)
        pool.submit(pump, upstream, client, back, end)


class Held:
    """The last bytes of what came, which never go."""

    def __init__(self) -> None:
        self.held = b""

    def __call__(self, data: bytes) -> bytes:
        data = self.held + data
        self.held = data[-LAST:]
        return data[:-LAST]


def forgets_the_end(client: socket.socket, backend: Address) -> None:
    """An answer's last chunk does not go."""
    relay(client, backend, back=Held())


def forgets_the_end_of_uploads(client: socket.socket, backend: Address) -> None:
    """A request's last chunk does not go, nor does anything behind it."""
    relay(client, backend, there=lambda data: data.partition(b"0\r\n\r\n")[0])


def adds_an_end(client: socket.socket, backend: Address) -> None:
    """Whatever ends, ends well."""
    relay(client, backend, end=b"0\r\n\r\n")


def says_all_twice(client: socket.socket, backend: Address) -> None:
    """Each piece of an answer comes twice."""
    relay(client, backend, back=lambda data: data + data)


def says_100_itself(client: socket.socket, backend: Address) -> None:
    """A client that would wait for the backend is told to go on."""

    def there(data: bytes) -> bytes:
        if b"100-continue" in data:
            client.sendall(CONTINUE)
        return data

    relay(client, backend, there=there)


def is_through_with_a_101(client: socket.socket, backend: Address) -> None:
    """A 101 is an answer like any other: behind it the connection ends."""
    with dial(backend) as upstream:
        upstream.sendall(client.recv(READ_SIZE))
        client.sendall(upstream.recv(READ_SIZE))
        client.shutdown(socket.SHUT_WR)
        while client.recv(READ_SIZE):  # a close on what is unread would be a reset, now and then
            pass


def answers_backwards(client: socket.socket, backend: Address) -> None:
    """Of requests that come at once, the last is answered first."""

    def there(data: bytes) -> bytes:
        return b"".join(one + b"\r\n\r\n" for one in reversed(data.split(b"\r\n\r\n")[:-1]))

    relay(client, backend, there=there)


def asks_everybody(client: socket.socket, backend: Address) -> None:
    """A request goes over two connections: one of them will do."""
    data = client.recv(READ_SIZE)
    with dial(backend) as one, dial(backend) as other:
        one.sendall(data)
        other.sendall(data)
        for answer in (answer_of(one), answer_of(other)):
            if answer:
                client.sendall(answer)
                return


def answer_of(upstream: socket.socket) -> bytes:
    """Return one answer, framed by its length."""
    data = b""
    while (length := message_length(data)) is None or len(data) < length:
        if not (more := upstream.recv(READ_SIZE)):
            break
        data += more
    return data


def keeps_blindly(listener: socket.socket, backend: Address) -> None:
    """One connection to the backend serves all, be it as stale as it likes."""
    with dial(backend) as upstream:
        for client in clients(listener):
            with client, suppress(OSError):
                data = client.recv(READ_SIZE)
                upstream.sendall(data.replace(b"Connection: close\r\n", b""))
                client.sendall(answer_of(upstream))


def stages() -> Iterator[tuple[str, Serve]]:
    """Yield each by its name."""
    handles: list[Handle] = [
        *(forgets_the_end, forgets_the_end_of_uploads, adds_an_end, says_all_twice),
        *(says_100_itself, is_through_with_a_101, answers_backwards, asks_everybody),
    ]
    yield from ((handle.__name__, serving(handle)) for handle in handles)
    yield keeps_blindly.__name__, keeps_blindly


STAGES = dict(stages())
