"""The least that a relay in Python can do: nothing but to read and to send, on one loop.

    python tools/bench_floor.py PORT BACKEND_PORT

No state, no back-pressure, no half-close, no log; to dial waits, and so does a send. It is no proxy
for anybody, it is a floor: what it costs beside C is the price of the calls themselves.
"""

import select
import socket
import sys
from collections.abc import Callable

HOST = "127.0.0.1"
READ_SIZE = 65_536  # bytes, as in rsp
EVENTS = 256  # for each wait, as in rsp


def main(port: int, backend: int) -> None:
    """Relay until somebody ends the process."""
    handlers: dict[int, Callable[[], None]] = {}
    poll = select.epoll()
    where = ("", port)  # on both families, as the others
    with socket.create_server(
        where, family=socket.AF_INET6, backlog=4096, dualstack_ipv6=True
    ) as listener:
        handlers[listener.fileno()] = accepting(listener, backend, handlers, poll)
        poll.register(listener, select.EPOLLIN)
        while True:
            for fd, _ in poll.poll(-1, EVENTS):
                if handler := handlers.get(fd):
                    handler()


def accepting(
    listener: socket.socket,
    backend: int,
    handlers: dict[int, Callable[[], None]],
    poll: select.epoll,
) -> Callable[[], None]:
    """Return the listener's handler."""

    def accept() -> None:
        client, _ = listener.accept()
        upstream = socket.create_connection((HOST, backend))
        pair = (client, upstream)
        for sock in pair:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            poll.register(sock, select.EPOLLIN)
        handlers[client.fileno()] = passing(client, upstream, handlers)
        handlers[upstream.fileno()] = passing(upstream, client, handlers)

    return accept


def passing(
    source: socket.socket, target: socket.socket, handlers: dict[int, Callable[[], None]]
) -> Callable[[], None]:
    """Return the handler of one end: it passes on what has come; an end, or an error, ends both."""
    recv, send = source.recv, target.sendall

    def pass_on() -> None:
        try:
            if data := recv(READ_SIZE):
                send(data)
                return
        except OSError:
            pass
        for sock in (source, target):
            handlers.pop(sock.fileno(), None)
            sock.close()

    return pass_on


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
