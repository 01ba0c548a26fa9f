"""Answers to the exercises of notebook 06."""

import select
import selectors
import socket
import threading
from contextlib import suppress

from rsp.net import Address
from rsp.stages.s04_serial import clients
from rsp.stages.s05_threads import serve as with_threads
from rsp.stages.s06_readiness import Ends, Wait, forward, take, with_poll
from tests.answers import right, wrong

Socks = list[socket.socket]


@wrong("6.1", "nobody was ready, and it waited")
def waits_for_one(socks: Socks) -> Socks:
    return select.select(socks, [], [])[0]


@wrong("6.1", "bytes, an end, a close and nothing came: in the list are ['spoke']")
def only_those_with_bytes(socks: Socks) -> Socks:
    ready = select.select(socks, [], [], 0)[0]
    return [sock for sock in ready if sock.recv(1, socket.MSG_PEEK)]


@wrong("6.1", "in the list there is int, int, int: sockets were asked for")
def their_numbers(socks: Socks) -> list[int]:
    return select.select([sock.fileno() for sock in socks], [], [], 0)[0]


@wrong("6.1", "it took what had come: whoever reads now misses it")
def by_taking(socks: Socks) -> Socks:
    found = []
    for sock in socks:
        sock.setblocking(False)
        with suppress(BlockingIOError):
            sock.recv(1)
            found.append(sock)
        sock.setblocking(True)
    return found


@wrong("6.1", "a socket that waited before no longer does")
def without_putting_it_back(socks: Socks) -> Socks:
    found = []
    for sock in socks:
        sock.setblocking(False)
        with suppress(BlockingIOError):
            sock.recv(1, socket.MSG_PEEK)
            found.append(sock)
    return found


@wrong("6.1", "nothing has come on a socket, and it is in the list")
def writable_ones(socks: Socks) -> Socks:
    return select.select([], socks, [], 0)[1]


@wrong("6.1", "nobody was ready, and it waited")
def for_a_moment(socks: Socks) -> Socks:
    return select.select(socks, [], [], 1.5)[0]


@wrong("6.1", "nobody was ready, and it waited")
def for_a_hundredth(socks: Socks) -> Socks:
    return select.select(socks, [], [], 0.01)[0]


@right("6.1")
def by_a_look(socks: Socks) -> Socks:
    found = []
    for sock in socks:
        with suppress(BlockingIOError):
            sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            found.append(sock)
    return found


@wrong("6.2", "it raised BlockingIOError: ")
def until_the_end(sock: socket.socket) -> tuple[bytes, bool]:
    data = b""
    while more := sock.recv(4096):
        data += more
    return data, True


@wrong("6.2", "20,480 bytes came, and it returns 4,096")
def one_read(sock: socket.socket) -> tuple[bytes, bool]:
    try:
        data = sock.recv(4096)
    except BlockingIOError:
        return b"", False
    return data, not data


@wrong("6.2", "0 bytes came, and it says that this was the end")
def nothing_is_the_end(sock: socket.socket) -> tuple[bytes, bool]:
    data = b""
    with suppress(BlockingIOError):
        while more := sock.recv(4096):
            data += more
    return data, not data


@wrong("6.2", "3 bytes came and then the end, and it says that more may come")
def until_less_came(sock: socket.socket) -> tuple[bytes, bool]:
    data = b""
    try:
        while True:
            more = sock.recv(4096)
            data += more
            if len(more) < 4096:
                return data, not more
    except BlockingIOError:
        return data, False


@wrong("6.2", "a socket that must not wait was made one that may")
def with_patience(sock: socket.socket) -> tuple[bytes, bool]:
    data = b""
    sock.settimeout(0.05)
    with suppress(TimeoutError):
        while more := sock.recv(4096):
            data += more
        return data, True
    return data, False


@wrong("6.2", "0 bytes came: it does not return two things")
def bytes_alone(sock: socket.socket) -> bytes:
    return nothing_is_the_end(sock)[0]


@right("6.2")
def asking_first(sock: socket.socket) -> tuple[bytes, bool]:
    pieces: list[bytes] = []
    while select.select([sock], [], [], 0)[0]:
        if not (data := sock.recv(100)):
            return b"".join(pieces), True
        pieces.append(data)
    return b"".join(pieces), False


@wrong("6.3", "of three clients one speaks while others are silent, and nothing comes back")
def one_after_the_other(listener: socket.socket) -> None:
    for client in clients(listener):
        with client, suppress(OSError):
            while data := client.recv(4096):
                client.sendall(data)


@wrong("6.3", "it starts threads: one is enough")
def in_threads(listener: socket.socket) -> None:
    def attend(client: socket.socket) -> None:
        with client, suppress(OSError):
            while data := client.recv(4096):
                client.sendall(data)

    for client in clients(listener):
        threading.Thread(target=attend, args=(client,), daemon=True).start()


@wrong("6.3", "nobody says anything, and it works all the time: does it wait?")
def again_and_again(listener: socket.socket) -> None:
    echoing(listener, timeout=0)


@wrong("6.3", "it raised ConnectionResetError: ")
def ended_by_a_reset(listener: socket.socket) -> None:
    echoing(listener, catching=())


@wrong("6.3", "a client has ended its side, and gets no end")
def deaf_to_the_end(listener: socket.socket) -> None:
    echoing(listener, closing=False)


@wrong("6.3", "a socket is never closed")
def leaves_them_open(listener: socket.socket) -> None:
    echoing(listener, closing_the_rest=False)


def echoing(
    listener: socket.socket,
    *,
    timeout: int | None = None,
    catching: tuple[type[OSError], ...] = (OSError,),
    closing: bool = True,
    closing_the_rest: bool = True,
) -> None:
    """Echo to all, in one thread; in the ways that a learner may get wrong."""
    socks = {listener.fileno(): listener}
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    try:
        while True:
            for fd, _ in poll.poll(timeout):
                sock = socks[fd]
                if sock is listener:
                    try:
                        client = listener.accept()[0]
                    except OSError:
                        return
                    socks[client.fileno()] = client
                    poll.register(client, select.POLLIN)
                    continue
                data = b""
                with suppress(*catching):
                    data = sock.recv(4096)
                    sock.sendall(data)
                if not data:
                    poll.unregister(fd)
                    if closing:
                        socks.pop(fd).close()
    finally:
        for sock in socks.values() if closing_the_rest else ():
            sock.close()


@right("6.3")
def by_selectors(listener: socket.socket) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        watching = True
        while watching:
            for key, _ in selector.select():
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                try:
                    if sock is listener:
                        selector.register(listener.accept()[0], selectors.EVENT_READ)
                        continue
                    if data := sock.recv(4096):
                        sock.sendall(data)
                        continue
                except OSError:
                    watching = watching and sock is not listener
                if sock is not listener:
                    selector.unregister(sock)
                    sock.close()
        for key in list(selector.get_map().values()):
            if key.fileobj is not listener and isinstance(key.fileobj, socket.socket):
                key.fileobj.close()


@wrong("6.4", "4 clients have 9 descriptors with the listener's: `wait` was asked about 0")
def threads_again(listener: socket.socket, backend: Address, wait: Wait = with_poll) -> None:
    with_threads(listener, backend)


@wrong("6.4", "4 clients asked at once, and 0 reached the backend at once")
def one_way(listener: socket.socket, backend: Address, wait: Wait = with_poll) -> None:
    """Read the backends alone."""
    other: Ends = {}
    waiting = [listener]
    while named := {sock.fileno(): sock for sock in [*waiting, *list(other)[1::2]]}:
        for source in map(named.get, wait(named)):
            if source is listener and not take(listener, backend, other):
                waiting.clear()
            elif source in other and not forward(source, other[source]):
                for sock in (source, other[source]):
                    del other[sock]
                    sock.close()


@wrong("6.4", "ready in one round, and that ended it with KeyError")
def surprised_by_the_second(
    listener: socket.socket, backend: Address, wait: Wait = with_poll
) -> None:
    """Both ends may be ready in the same round, and the first one closes both."""
    other: Ends = {}
    waiting = [listener]
    while named := {sock.fileno(): sock for sock in [*waiting, *other]}:
        ready = [named[fd] for fd in wait(named)]
        for source in ready:
            if source is listener:
                if not take(listener, backend, other):
                    waiting.clear()
            elif not forward(source, other[source]):
                for sock in (source, other[source]):
                    del other[sock]
                    sock.close()


@wrong("6.4", "shut down while a client was at work, and its answer never came")
def cuts_them_off(listener: socket.socket, backend: Address, wait: Wait = with_poll) -> None:
    other: Ends = {}
    while True:
        named = {sock.fileno(): sock for sock in [listener, *other]}
        for source in map(named.get, wait(named)):
            if source is listener and not take(listener, backend, other):
                for sock in other:
                    sock.close()
                return
            if source in other and not forward(source, other[source]):
                for sock in (source, other[source]):
                    del other[sock]
                    sock.close()


@right("6.4")
def one_generator_each(listener: socket.socket, backend: Address, wait: Wait = with_poll) -> None:
    """Descriptor → what to do; an end that is gone does nothing any more."""
    other: Ends = {}
    accepts = True
    while accepts or other:
        socks = {sock.fileno(): sock for sock in other}
        if accepts:
            socks[listener.fileno()] = listener
        for fd in wait(list(socks)):
            sock = socks[fd]
            if sock is listener:
                accepts = take(listener, backend, other)
            elif sock.fileno() == fd and not forward(sock, other[sock]):
                target = other.pop(sock)
                del other[target]
                sock.close()
                target.close()
