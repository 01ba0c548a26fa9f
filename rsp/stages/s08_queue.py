"""The series' last version: what is not taken waits to be sent, and behind it waits the close.

New: to send does not wait, and a slow reader loses nothing.
Missing: all that s08_buffers mends: memory without a limit, half-closes, aborts, resets.
Read: End.on_event, then receive and flush.
"""

import socket
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE

from rsp.net import Address
from rsp.stages import s07_loop
from rsp.stages.s06_readiness import Ends, log

READ_SIZE = 65_536  # bytes that one recv may give
ENDS: set["End"] = set()  # all that were made and not closed: what its heap is to a C program


class End:
    """One end of a connection; what comes from it is pending for the `other`."""

    def __init__(self, loop: s07_loop.Loop, sock: socket.socket) -> None:
        self.loop, self.sock, self.other = loop, sock, self
        self.pending, self.closing = bytearray(), False  # to be sent here; and then to be closed
        sock.setblocking(False)
        ENDS.add(self)

    def on_event(self) -> None:
        """Receive what has come, and send what can be sent."""
        with suppress(BlockingIOError):
            self.receive()
        for end in ENDS & {self, self.other}:
            end.flush()

    def receive(self) -> None:
        """Keep what has come for the other one; an end, or a reset, closes both."""
        try:
            data = self.sock.recv(READ_SIZE)
        except ConnectionError:
            data = b""
        self.other.pending += data
        self.closing = self.other.closing = self.closing or not data

    def flush(self) -> None:
        """Send what is pending until the kernel takes no more; behind it comes the close."""
        try:
            while self.pending:
                del self.pending[: self.sock.send(self.pending)]
        except BlockingIOError:
            self.loop.watch(self.sock, EVENT_WRITE | EVENT_READ * (not self.closing), self.on_event)
        except OSError as error:
            self.broken(error)
        else:
            self.close() if self.closing else self.loop.watch(self.sock, EVENT_READ, self.on_event)

    def broken(self, error: OSError) -> None:
        """Write down that nothing can be sent here, and wait for better times."""
        log.warning("%s", error)
        self.loop.watch(self.sock, 0)

    def close(self) -> None:
        """Close this end, and forget it."""
        ENDS.discard(self)
        self.loop.close(self.sock)


def attach(loop: s07_loop.Loop, pair: Ends) -> None:
    """Make an end of each socket, and let bytes pass."""
    ends = {sock: End(loop, sock) for sock in pair}
    for sock, end in ends.items():
        end.other = ends[pair[sock]]
        loop.watch(sock, EVENT_READ, end.on_event)


def serve(listener: socket.socket, backend: Address) -> None:
    """Serve all clients on one loop, until the listener is shut down and they have gone."""
    s07_loop.serve(listener, backend, attach)
    while ENDS:  # what was never closed; at the end of a process the kernel does it
        ENDS.pop().sock.close()
