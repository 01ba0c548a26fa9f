"""The pool of s13: one backend's upstreams that nobody uses, kept for whoever asks next.

No stage, but a part of s13, and what it has of a pool. Several threads may ask it.
"""

import select
import socket
import threading
import time

from rsp.net import Address, dial
from rsp.stages.conversing import PATIENCE
from rsp.stages.s11_bodies import Wire

IDLE = 50.0  # seconds: less than the 60 or 75 for which most servers wait


class Pool:
    """The idle upstreams of one backend, the one used last at the end."""

    def __init__(self, backend: Address) -> None:
        self.backend, self.lock = backend, threading.Lock()
        self.idle: list[tuple[float, Wire]] = []  # each with the moment at which it came

    def __repr__(self) -> str:
        return f"<Pool: {len(self.idle)} idle>"

    def take(self) -> Wire | None:
        """Return the one used last, unless it has news: an end, or what nobody asked for."""
        with self.lock:
            self.sweep()
            while self.idle:
                _, upstream = self.idle.pop()
                if not has_news(upstream.sock):
                    return upstream
                upstream.sock.close()
        return None

    def put(self, upstream: Wire) -> None:
        """Keep one whose answer was whole, with nothing behind it."""
        with self.lock:
            self.idle.append((time.monotonic(), upstream))
            self.sweep()

    def sweep(self) -> None:
        """Close those that have been idle for too long: they are the first."""
        oldest = time.monotonic() - IDLE
        while self.idle and self.idle[0][0] < oldest:
            self.idle.pop(0)[1].sock.close()

    def dial(self) -> Wire:
        """Return a new upstream. Raises BackendError."""
        sock = dial(self.backend)
        sock.settimeout(PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Wire(sock)

    def close(self) -> None:
        """Close what is idle."""
        with self.lock:
            while self.idle:
                self.idle.pop()[1].sock.close()


def has_news(sock: socket.socket) -> bool:
    """Tell whether there is something to read, be it the end."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
