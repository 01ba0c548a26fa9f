"""The relay: bytes both ways between a client and an upstream, unread.

An end of one side passes on as an end, a reset as a reset: a cut must never look like a good end.
Where there is much to pass, it does not enter Python at all: a splice moves it from one socket to
the other inside the kernel, through a pipe (man 2 splice).
"""

import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress

from rsp.loop import Handler, Loop
from rsp.pipes import FLAGS, PIPE_SIZE, Pipe, Pipes
from rsp.stream import READ_SIZE, Stream

log = logging.getLogger(__name__)


class Side(Stream):
    """One of the two streams of a relay; what comes from it goes to its `target`."""

    __slots__ = ("bulk", "pipe", "relay", "target")

    def __init__(self, loop: Loop, sock: socket.socket, relay: "Relay") -> None:
        super().__init__(loop, sock)
        self.relay = relay
        self.target: Side
        self.bulk = False  # so much comes from it that it is spliced
        self.pipe: Pipe | None = None  # holds bytes on their way to this side

    def on_end(self) -> None:
        """Pass the end on: a half-close."""
        self.target.finish()

    def on_break(self, error: Exception) -> None:
        """Pass on its last words, and then the break."""
        if not self.ended:
            with suppress(OSError):
                self.pass_last_words()
        self.relay.break_off(error)

    def on_failure(self, error: Exception) -> None:
        """Break off: the loop calls its handler no more."""
        self.relay.break_off(error)

    def pass_last_words(self) -> None:
        """Pass on what it had said before it broke off, as far as there is room.

        A server may answer early and close, with a request unread: that is a reset, and sending
        to it fails while its answer still waits to be read (RFC 9112 §9.6). Raises OSError.
        """
        target = self.target
        room = target.pending is None and target.pipe is None
        while room and (data := self.sock.recv(READ_SIZE)):
            room = target.sock.send(data) == len(data)

    def reading(self) -> Handler:
        """Return what is called when something has come."""
        return self.on_bulk if self.bulk else self.on_readable

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
        if len(data) == READ_SIZE and self.relay.pipes:
            self.spliced(True)
        self.target.send(data)

    def spliced(self, bulk: bool) -> None:
        """Let what comes be spliced from now on, or be read."""
        self.bulk = bulk
        self.loop.reads(self.sock, self.reading())

    def on_bulk(self) -> None:
        """Move what has come into a pipe, and from there to the target."""
        target = self.target
        # What was read before goes first; and without a descriptor there is still the plain way.
        if target.pending is not None or (pipe := self.borrow()) is None:
            self.on_readable()
            return
        try:
            pipe.left = os.splice(self.sock.fileno(), pipe.writer, PIPE_SIZE, flags=FLAGS)
        except OSError as error:
            self.not_spliced(pipe, error)
            return
        if pipe.left < READ_SIZE:
            self.spliced(False)
        if pipe.left == 0:
            self.give_back(pipe)
            self.end()
            return
        target.pipe = pipe
        target.drain()
        if target.pipe:  # not all of it went: the rest first, then the next
            self.pause()
            target.loop.writes(target.sock, target.drain)

    def not_spliced(self, pipe: Pipe, error: OSError) -> None:
        """Go on in the plain way when there was nothing to splice; else it broke off."""
        self.give_back(pipe)
        if isinstance(error, BlockingIOError):
            # An urgent byte may be next, which a splice leaves and only a read gets past: the
            # socket would be readable without end (man 7 tcp, sockatmark).
            self.spliced(False)
        else:
            self.on_break(error)

    def borrow(self) -> Pipe | None:
        """Return an empty pipe, or None when there is no descriptor for one (EMFILE, ENFILE)."""
        try:
            return self.relay.pipes.borrow() if self.relay.pipes else None
        except OSError:
            return None

    def give_back(self, pipe: Pipe) -> None:
        """Let the next one have a pipe."""
        if self.relay.pipes:
            self.relay.pipes.give_back(pipe)

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
        self.give_back(pipe)
        if self.target.paused:  # for the pipe's sake
            self.loop.writes(self.sock, None)
            self.target.resume()

    def take_over(self, before: Stream) -> None:
        """Send first what was pending for its socket before it became a side."""
        self.pending, self.size = before.pending, before.size
        before.pending, before.size = None, 0
        self.loop.writes(self.sock, self.on_writable)

    def finish(self) -> None:
        """Say that no more will come, once everything has gone."""
        if self.ended and self.target.shut and self.pending is None:
            self.shut = True  # the other way is over, too: to close says it
        else:
            super().finish()
        if self.shut:
            self.relay.end()

    def close(self) -> None:
        """Close it; what is pending is lost."""
        super().close()
        if self.pipe:
            self.give_back(self.pipe)
            self.pipe = None
        self.source = None
        del self.target  # no circle is left: both are freed at once, not by the collector


class Relay:
    """Two sides, each the other's target; `on_close` is called once, when both are closed.

    With `pipes` bytes are spliced where there are many; without, they are read and sent.
    """

    __slots__ = ("client", "on_close", "pipes", "upstream")

    def __init__(
        self,
        loop: Loop,
        client: socket.socket,
        upstream: socket.socket,
        on_close: Callable[["Relay"], None],
        pipes: Pipes | None = None,
    ) -> None:
        self.client, self.upstream = Side(loop, client, self), Side(loop, upstream, self)
        self.client.source = self.client.target = self.upstream
        self.upstream.source = self.upstream.target = self.client
        self.on_close: Callable[[Relay], None] | None = on_close
        self.pipes = pipes

    def __repr__(self) -> str:
        if not self.on_close:
            return "<Relay: closed>"
        return f"<Relay: client {self.client!r}, upstream {self.upstream!r}>"

    def start(self) -> None:
        """Let bytes pass."""
        try:
            self.client.resume()
            self.upstream.resume()
        except OSError as error:  # the kernel can watch no more (ENOSPC, man 2 epoll_ctl)
            self.break_off(error)

    def end(self) -> None:
        """Close both when each has ended and was told of the other's end."""
        if self.client.shut and self.upstream.shut:
            self.close()

    def break_off(self, error: Exception) -> None:
        """One side broke off: so does the other, never with a good end."""
        log.debug("a connection broke off: %s", error)
        self.close(reset=True)

    def close(self, *, reset: bool = False) -> None:
        """Close both sides in the same way, and tell the owner; once."""
        on_close, self.on_close = self.on_close, None
        if on_close:
            for side in (self.client, self.upstream):
                side.abort() if reset else side.close()
            del self.client, self.upstream
            on_close(self)
