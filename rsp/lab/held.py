"""How much memory it takes to pass on a body: the most that Python held at any moment."""

import socket
import threading
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

from rsp.lab.by_hand import pairs

PIECE = bytes(64 * 1024)  # what is sent at once


def most_held(pass_on: Callable[[socket.socket, socket.socket], object], size: int) -> int:
    """Let `pass_on(source, target)` carry `size` bytes; return the most bytes held meanwhile.

    Raises AssertionError when they did not all arrive.
    """
    came: list[int] = []
    with pairs("source", "target") as (ours, theirs):
        threads = [
            threading.Thread(target=pour, args=(theirs["source"], size), daemon=True),
            threading.Thread(target=swallow, args=(theirs["target"], came), daemon=True),
        ]
        tracemalloc.start()
        try:
            for thread in threads:
                thread.start()
            pass_on(ours["source"], ours["target"])
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            for sock in ours.values():
                sock.shutdown(socket.SHUT_RDWR)  # whoever waits there goes on
            for thread in threads:
                thread.join()
    assert sum(came) == size, f"{size:,} bytes were sent, and {sum(came):,} came"
    return peak


def pour(sock: socket.socket, size: int) -> None:
    """Send `size` bytes."""
    with suppress(OSError):  # whoever should take it has failed
        for start in range(0, size, len(PIECE)):
            sock.sendall(PIECE[: size - start])


def swallow(sock: socket.socket, came: list[int]) -> None:
    """Take everything, and keep how much it was."""
    while data := sock.recv(len(PIECE)):
        came.append(len(data))
