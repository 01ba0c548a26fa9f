"""A stream: one non-blocking socket, with what is pending for it.

A subclass says what to do with data, with the end, and with a break; the stream says when to
stop reading: once too much is pending for one, its source is read no more until that has gone.
"""

import socket
import struct
from collections import deque
from contextlib import suppress

from rsp.loop import Handler, Loop

READ_SIZE = 64 * 1024  # bytes that one recv may give
HIGH_WATER = 64 * 1024  # pending bytes at which the source is read no more
LOW_WATER = 16 * 1024  # pending bytes at which it is read again
PIECES = 64  # pending, at most: each costs 50 bytes or more beside its own, however small it is
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for 0 seconds (man 7 socket)

Data = bytes | memoryview


class Stream:
    """One socket. `on_data`, `on_end` and `on_break` are for a subclass to say.

    `source` is the stream whose data are sent here, or None: it is paused at the high water.
    """

    __slots__ = (
        *("loop", "sock", "source", "pending", "size"),
        *("paused", "ended", "finishing", "shut"),
    )

    def __init__(self, loop: Loop, sock: socket.socket) -> None:
        self.loop, self.sock = loop, sock
        self.source: Stream | None = None
        self.pending: deque[Data] | None = None  # None costs nothing, and most have nothing
        self.size = 0  # bytes pending
        self.paused = True
        self.ended = False  # it will send no more
        self.finishing = False  # it is to be told that no more will come
        self.shut = False  # it was told

    def __repr__(self) -> str:
        states = ("paused", "ended", "finishing", "shut")
        state = "".join(f", {name}" for name in states if getattr(self, name))
        return f"<Stream: {self.size} bytes pending{state}>"

    def on_data(self, data: bytes) -> None:
        """Do something with what has come."""
        raise NotImplementedError

    def on_end(self) -> None:
        """Note that nothing more will come; to send is still possible."""
        raise NotImplementedError

    def on_break(self, error: Exception) -> None:
        """Close it: it broke off, or its handler failed."""
        raise NotImplementedError

    def on_failure(self, error: Exception) -> None:
        """Close it: the loop calls its handler no more."""
        self.on_break(error)

    def resume(self) -> None:
        """Read from now on."""
        if self.paused and not self.ended:
            self.paused = False
            self.loop.reads(self.sock, self.reading())

    def reading(self) -> Handler:
        """Return what is called when something has come."""
        return self.on_readable

    def pause(self) -> None:
        """Read no more; what comes waits in the kernel, and then at the other end."""
        if not self.paused:
            self.paused = True
            self.loop.reads(self.sock, None)

    def on_readable(self) -> None:
        """Take what has come, once: others are waiting too, and the loop tells again."""
        try:
            data = self.sock.recv(READ_SIZE)
        except BlockingIOError:  # "readable" can turn out untrue (man 2 select, BUGS)
            return
        except OSError as error:
            self.on_break(error)
            return
        if data:
            self.on_data(data)
        else:
            self.end()

    def end(self) -> None:
        """Note that no more will come, and tell the owner."""
        self.ended = True
        self.on_end()
        self.pause()  # last: whoever has closed it meanwhile need not

    def send(self, data: Data) -> None:
        """Send `data`, now or when there is room."""
        if self.pending is None:
            try:
                sent = self.sock.send(data)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                self.on_break(error)
                return
            if sent == len(data):
                return
            data = memoryview(data)[sent:]
            self.pending = deque()
            self.loop.writes(self.sock, self.on_writable)
        self.pending.append(data)
        self.size += len(data)
        if self.source and (self.size >= HIGH_WATER or len(self.pending) >= PIECES):
            self.source.pause()

    def on_writable(self) -> None:
        """Send what is pending, as much as there is room for."""
        assert self.pending
        try:
            while self.pending:
                data = self.pending[0]
                sent = self.sock.send(data)
                self.size -= sent
                if sent < len(data):
                    self.pending[0] = memoryview(data)[sent:]
                    break
                self.pending.popleft()
        except BlockingIOError:
            pass
        except OSError as error:
            self.on_break(error)
            return
        if not self.pending:
            self.pending = None
            self.loop.writes(self.sock, None)
        self.after_send()

    def after_send(self) -> None:
        """Go on with what had to wait for room."""
        if self.size <= LOW_WATER and self.source:
            self.source.resume()
        if self.finishing and self.pending is None:
            self.finish()

    def finish(self) -> None:
        """Say that no more will come, once all that is pending has gone: a half-close."""
        self.finishing = True
        if self.pending is None and not self.shut:
            self.shut = True
            with suppress(OSError):  # it has gone already: reading tells how
                self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close it; what is pending is lost."""
        self.loop.close(self.sock)
        self.pending, self.size = None, 0
        self.paused = self.ended = True  # whoever resumes it now does nothing

    def abort(self) -> None:
        """Close it so that the other end sees a reset, not an end."""
        reset_at_close(self.sock)
        self.close()


def reset_at_close(sock: socket.socket) -> None:
    """Let the other end see a reset when `sock` is closed, not an end; what is unsent is lost."""
    with suppress(OSError):  # it has gone already
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
