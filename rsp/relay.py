"""The relay: bytes both ways between a client and an upstream, unread.

An end of one side passes on as an end, a reset as a reset: a cut must never look like a good end.
Where there is much to pass, it does not enter Python at all: a splice moves it from one socket to
the other inside the kernel, through a pipe (man 2 splice).
"""

import fcntl
import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress

from rsp.loop import Loop
from rsp.stream import READ_SIZE, Stream

log = logging.getLogger(__name__)

CAN_SPLICE = hasattr(os, "splice")
PIPE_SIZE = 256 * 1024  # bytes; a user may have 64 MiB in pipes larger than usual (man 7 pipe)
SPARE_PIPES = 16  # kept for the next one; a pipe is in use only while bytes are in it
FLAGS = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK if CAN_SPLICE else 0


class Pipe:
    """A pipe of the kernel's, and how many bytes are in it."""

    __slots__ = ("left", "reader", "writer")

    spare: "list[Pipe]" = []  # noqa: RUF012  (shared on purpose)

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.left = 0
        with suppress(OSError):  # the usual 64 KiB will do
            fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, PIPE_SIZE)

    @classmethod
    def borrow(cls) -> "Pipe":
        """Return an empty pipe. Raises OSError when there is no descriptor left for one."""
        return cls.spare.pop() if cls.spare else cls()

    def give_back(self) -> None:
        """Keep it for the next one; what is still in it would reach a stranger, so then it goes."""
        if self.left or len(self.spare) >= SPARE_PIPES:
            os.close(self.reader)
            os.close(self.writer)
        else:
            self.spare.append(self)


class Side(Stream):
    """One of the two streams of a relay; what comes from it goes to its `target`."""

    __slots__ = ("bulk", "on_shut", "pipe", "target")

    def __init__(self, loop: Loop, sock: socket.socket) -> None:
        super().__init__(loop, sock)
        self.target: Side
        self.on_shut: Callable[[], None]
        self.bulk = False  # so much comes from it that it is spliced
        self.pipe: Pipe | None = None  # holds bytes on their way to this side

    def resume(self) -> None:
        """Read from now on, as it was read before."""
        if self.paused and not self.ended:
            self.paused = False
            self.loop.reads(self.sock, self.on_bulk if self.bulk else self.on_readable)

    def on_readable(self) -> None:
        """Take what has come and send it on; from a full read on, much may come."""
        try:
            data = self.sock.recv(READ_SIZE)
        except BlockingIOError:  # "readable" can turn out untrue (man 2 select, BUGS)
            return
        except OSError as error:
            self.on_break(error)
            return
        if not data:
            self.end()
            return
        if CAN_SPLICE and len(data) == READ_SIZE:
            self.bulk = True
            self.loop.reads(self.sock, self.on_bulk)
        self.target.send(data)

    def on_bulk(self) -> None:
        """Move what has come into a pipe, and from there to the target."""
        target = self.target
        if target.pending is not None:  # first comes what was read before
            self.on_readable()
            return
        try:
            pipe = Pipe.borrow()
        except OSError:  # no descriptor: the plain way needs none
            self.on_readable()
            return
        try:
            pipe.left = os.splice(self.sock.fileno(), pipe.writer, PIPE_SIZE, flags=FLAGS)
        except BlockingIOError:
            pipe.give_back()
            return
        except OSError as error:
            pipe.give_back()
            self.on_break(error)
            return
        if pipe.left < READ_SIZE:
            self.bulk = False
            self.loop.reads(self.sock, self.on_readable)
        if pipe.left == 0:
            pipe.give_back()
            self.end()
            return
        target.pipe = pipe
        target.drain()
        if target.pipe and not self.paused:
            self.pause()
            target.loop.writes(target.sock, target.drain)

    def drain(self) -> None:
        """Move what is in the pipe to this side; when all has gone, its source goes on."""
        pipe = self.pipe
        assert pipe
        try:
            while pipe.left:
                pipe.left -= os.splice(pipe.reader, self.sock.fileno(), pipe.left, flags=FLAGS)
        except BlockingIOError:
            return
        except OSError as error:
            self.on_break(error)
            return
        self.pipe = None
        pipe.give_back()
        source = self.source
        if source and source.paused:
            self.loop.writes(self.sock, None)
            source.resume()
            self.after_send()

    def finish(self) -> None:
        """Say that no more will come, once everything has gone."""
        self.finishing = True
        if self.pipe is None and not self.shut:
            super().finish()
            if self.shut:
                self.on_shut()

    def close(self) -> None:
        """Close it; what is pending is lost."""
        super().close()
        if self.pipe:
            self.pipe.give_back()
            self.pipe = None


class Relay:
    """Two sides, each the other's target; `on_close` is called once, when both are closed."""

    __slots__ = ("client", "closed", "on_close", "upstream")

    def __init__(
        self,
        loop: Loop,
        client: socket.socket,
        upstream: socket.socket,
        on_close: Callable[["Relay"], None],
    ) -> None:
        self.client, self.upstream = Side(loop, client), Side(loop, upstream)
        self.on_close, self.closed = on_close, False
        self.join(self.client, self.upstream)
        self.join(self.upstream, self.client)

    def __repr__(self) -> str:
        return f"<Relay: client {self.client!r}, upstream {self.upstream!r}>"

    def join(self, source: Side, target: Side) -> None:
        """Let what comes from `source` go to `target`."""
        source.target, target.source = target, source
        source.on_data, source.on_end = target.send, target.finish
        source.on_break, target.on_shut = self.break_off, self.end

    def start(self) -> None:
        """Let bytes pass."""
        self.client.resume()
        self.upstream.resume()

    def end(self) -> None:
        """Close both when each has ended and was told of the other's end."""
        if self.client.shut and self.upstream.shut:
            self.close()

    def break_off(self, error: OSError) -> None:
        """One side broke off: so does the other, never with a good end."""
        log.debug("a connection broke off: %s", error.strerror or error)
        self.close(reset=True)

    def close(self, *, reset: bool = False) -> None:
        """Close both sides in the same way, and tell the owner."""
        if not self.closed:
            self.closed = True
            for side in (self.client, self.upstream):
                side.abort() if reset else side.close()
            self.on_close(self)
