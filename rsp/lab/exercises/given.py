"""What several checks give to the learner's code."""

import select
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from rsp.lab.settings import TIMEOUT

LOOK = 0.001  # seconds between two looks


@contextmanager
def fed(pieces: Sequence[bytes], *, end: bool = True) -> Iterator[socket.socket]:
    """Give a socket on which `pieces` come, each after the one before was taken, then the end."""
    here, there = socket.socketpair()
    stop = threading.Event()

    def feed() -> None:
        with suppress(OSError):
            for piece in pieces:
                there.sendall(piece)
                while unread(here) and not stop.is_set():
                    stop.wait(LOOK)
            if end:
                there.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=feed, daemon=True)
    here.settimeout(TIMEOUT)  # what waits for ever is told so after a while
    thread.start()
    try:
        yield here
    finally:
        stop.set()
        for sock in (here, there):
            sock.close()
        thread.join(TIMEOUT)


def unread(sock: socket.socket) -> bool:
    """Tell whether there is something that nobody has taken yet."""
    return sock.fileno() != -1 and bool(select.select([sock], [], [], 0)[0])


def cut(data: bytes, size: int) -> list[bytes]:
    """Return `data` in pieces of `size` bytes."""
    return [data[start : start + size] for start in range(0, len(data), size)]
