"""Buffers: what a reader cannot take yet is kept for it, and its sender is made to wait.

New: to send does not wait; what was not taken is pending, and meanwhile no more is read for it.
Missing: to dial waits, and everybody with it; every byte passes through Python.
Read: End.on_event, then receive, flush and update, then attach.
"""

import socket
import struct
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE

from rsp.stages import s07_loop
from rsp.stages.s06_readiness import Ends, log

READ_SIZE = 65_536  # bytes that one recv may give
RESET = struct.pack("ii", 1, 0)  # SO_LINGER for 0 seconds: to close is to reset (man 7 socket)


class End:
    """One end of a connection; what comes from it is pending for the `other`."""

    def __init__(self, loop: s07_loop.Loop, sock: socket.socket) -> None:
        self.loop, self.sock, self.other = loop, sock, self
        self.pending = bytearray()  # to be sent here
        self.ended = self.finished = False  # it will send no more; it knows that no more comes
        sock.setblocking(False)

    def on_event(self) -> None:
        """Send and receive what can be; an error at one end is a reset for the other."""
        try:
            for act in (self.receive, self.flush, self.other.flush):
                with suppress(BlockingIOError):
                    act()
            self.other.update()
            self.update()
        except OSError as error:
            log.warning("%s", error)
            self.close(reset=True)

    def receive(self) -> None:
        """Take what has come, unless the other one is behind."""
        if not self.ended and not self.other.pending:
            data = self.sock.recv(READ_SIZE)
            self.ended = not data
            self.other.pending += data

    def flush(self) -> None:
        """Send what is pending; when all is sent, and no more will come, say so."""
        if self.pending:
            del self.pending[: self.sock.send(self.pending)]
        if self.other.ended and not self.pending and not self.finished:
            self.finished = True
            self.sock.shutdown(socket.SHUT_WR)

    def update(self) -> None:
        """Ask the loop for exactly what the state needs."""
        reads, writes = not self.ended and not self.other.pending, bool(self.pending)
        self.loop.watch(self.sock, reads * EVENT_READ | writes * EVENT_WRITE, self.on_event)
        if self.finished and self.other.finished:
            self.close(reset=False)

    def close(self, *, reset: bool) -> None:
        """Close both ends; by a reset, if nobody may take it for a good end."""
        for end in (self, self.other):
            if reset:
                end.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            end.loop.close(end.sock)


def attach(loop: s07_loop.Loop, pair: Ends) -> None:
    """Make an end of each socket, and let bytes pass."""
    ends = {sock: End(loop, sock) for sock in pair}
    for sock, end in ends.items():
        end.other = ends[pair[sock]]
        end.update()


serve = partial(s07_loop.serve, attach=attach)  # the same loop, with ends that keep what they must
