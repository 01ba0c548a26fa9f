"""A splice: so many bytes from one stream to another inside the kernel; Python never sees them.

They go through a pipe that is borrowed while bytes are in it (man 2 splice).
"""

import os
import socket
from typing import Protocol

from rsp.loop import Handler, Loop
from rsp.pipes import FLAGS, PIPE_SIZE, Pipe, Pipes
from rsp.stream import Stream

BULK = 64 * 1024  # bytes to come, from which on a splice costs less than to read and send


class Mover(Protocol):
    """Who has bytes moved."""

    def on_spliced(self, splice: "Splice") -> None:
        """Note that some have been moved: all of them when none is `left`."""

    def on_unspliced(self, splice: "Splice") -> None:
        """Go on in the plain way: it moves no more, and `left` bytes have not been taken."""


class Source(Stream):
    """A stream whose bytes may be moved, instead of being read."""

    __slots__ = ("splice",)

    def __init__(self, loop: Loop, sock: socket.socket) -> None:
        super().__init__(loop, sock)
        self.splice: Splice | None = None

    def reading(self) -> Handler:
        """Return what is called when something has come."""
        return self.splice.move if self.splice else self.on_readable

    def spliced(self, splice: "Splice | None") -> None:
        """Let what comes be moved from now on, or be read."""
        self.splice = splice
        if not self.paused:
            self.loop.reads(self.sock, self.reading())


class Splice:
    """What moves `left` bytes from `source` to `target`, for which nothing is pending."""

    __slots__ = ("left", "mover", "pipe", "pipes", "source", "target", "waits")

    def __init__(
        self, pipes: Pipes, source: Source, target: Stream, left: int, mover: Mover
    ) -> None:
        self.pipes, self.source, self.target = pipes, source, target
        self.left, self.mover = left, mover
        self.pipe: Pipe | None = None
        self.waits = False  # for room at the target

    def __repr__(self) -> str:
        return f"<Splice: {self.left} bytes to come{', waits' if self.waits else ''}>"

    def move(self) -> None:
        """Move what has come into a pipe, and from there on; the plain way is always there."""
        try:
            pipe = self.pipes.borrow()
        except OSError:  # no descriptor for one (EMFILE, ENFILE), or enough are lent
            self.mover.on_unspliced(self)
            self.source.on_readable()
            return
        try:
            size = min(self.left, PIPE_SIZE)
            pipe.left = os.splice(self.source.sock.fileno(), pipe.writer, size, flags=FLAGS)
        except BlockingIOError:  # an urgent byte is next, which only a read gets past (man 7 tcp)
            self.pipes.give_back(pipe)
            self.mover.on_unspliced(self)
            return
        except OSError as error:
            self.pipes.give_back(pipe)
            self.source.on_break(error)
            return
        if not pipe.left:
            self.pipes.give_back(pipe)
            self.source.end()
            return
        self.left -= pipe.left
        self.pipe = pipe
        self.drain()

    def drain(self) -> None:
        """Move what is in the pipe to the target; the next comes when all of it has gone."""
        pipe = self.pipe
        assert pipe
        try:
            while pipe.left:
                pipe.left -= os.splice(
                    pipe.reader, self.target.sock.fileno(), pipe.left, flags=FLAGS
                )
        except BlockingIOError:
            if not self.waits:
                self.waits = True
                self.source.pause()
                self.target.loop.writes(self.target.sock, self.drain)
            return
        except OSError as error:
            self.mover.on_unspliced(self)
            self.target.on_break(error)
            return
        self.give_back()
        self.mover.on_spliced(self)

    def give_back(self) -> None:
        """Let the next one have the pipe, and the source go on."""
        if self.pipe:
            self.pipes.give_back(self.pipe)
            self.pipe = None
        if self.waits:
            self.waits = False
            self.target.loop.writes(self.target.sock, None)
            self.source.resume()

    def on_failure(self, error: Exception) -> None:
        """Break off: the loop calls it no more."""
        self.source.on_failure(error)
