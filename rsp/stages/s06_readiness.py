"""Readiness: one thread asks the kernel who has something to say, and reads only there.

New: select, poll or epoll tells which sockets are ready; bytes pass both ways, in one thread.
Missing: one function knows every socket; to dial waits, and to send waits for the slowest reader;
an end one way ends both; a reset looks like an end.
Read: serve, then take and forward, then the three ways to wait.
"""

import logging
import select
import socket
from collections.abc import Callable, Iterable

from rsp.errors import RspError
from rsp.net import Address, dial
from rsp.stages.s04_serial import READ_SIZE, SHUT_DOWN

log = logging.getLogger(__name__)
Wait = Callable[[Iterable[int]], list[int]]  # descriptors → those that are readable
Ends = dict[socket.socket, socket.socket]  # each end of a connection → where its bytes go


def with_select(fds: Iterable[int]) -> list[int]:
    """Wait with select: no descriptor above 1,023 (man 2 select)."""
    return select.select(list(fds), [], [])[0]


def with_poll(fds: Iterable[int]) -> list[int]:
    """Wait with poll: any descriptor, and all of them told to the kernel anew (man 2 poll)."""
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    return [fd for fd, _ in poll.poll()]


def with_epoll(fds: Iterable[int]) -> list[int]:
    """Wait with epoll as if it were poll; it could keep the list in the kernel (man 7 epoll)."""
    with select.epoll() as epoll:
        for fd in fds:
            epoll.register(fd, select.EPOLLIN)
        return [fd for fd, _ in epoll.poll()]


def take(listener: socket.socket, backend: Address, other: Ends) -> bool:
    """Accept a client and dial for it; tell whether more may come."""
    try:
        client = listener.accept()[0]
        upstream = dial(backend)
    except OSError as error:
        return error.errno not in SHUT_DOWN
    except RspError as error:
        log.warning("%s", error)
        client.close()
    else:
        other[client], other[upstream] = upstream, client
    return True


def forward(source: socket.socket, target: socket.socket) -> bool:
    """Pass on what is there; tell whether more may come."""
    try:
        target.sendall(data := source.recv(READ_SIZE))
    except OSError as error:
        log.warning("%s", error)
        return False
    return bool(data)


def serve(listener: socket.socket, backend: Address, wait: Wait = with_poll) -> None:
    """Serve all clients in one thread, until the listener is shut down and they have gone."""
    other: Ends = {}
    waiting = [listener]
    while named := {sock.fileno(): sock for sock in [*waiting, *other]}:
        for source in map(named.get, wait(named)):
            if source is listener and not take(listener, backend, other):
                waiting.clear()
            elif source in other and not forward(source, other[source]):
                for sock in (source, other[source]):
                    del other[sock]
                    sock.close()
