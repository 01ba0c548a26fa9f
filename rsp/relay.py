"""The relay: bytes both ways between a client and an upstream, unread.

What one side sends faster than the other takes waits in the kernel, not here: while anything is
pending for one side, nothing is read from the other. An end passes on as an end, a reset as a reset.
"""

import logging
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

from rsp.loop import Loop

log = logging.getLogger(__name__)

READ_SIZE = 64 * 1024  # bytes that one recv may give
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for 0 seconds: close resets (man 7 socket)


class Side:
    """One of the two sockets of a relay: what is pending for it, and what has ended."""

    __slots__ = ("ended", "loop", "other", "pending", "relay", "shut", "sock")

    def __init__(self, loop: Loop, sock: socket.socket, relay: "Relay") -> None:
        self.loop, self.sock, self.relay = loop, sock, relay
        self.other: Side = self
        self.pending: bytes | memoryview = b""
        self.ended = False  # it will send no more
        self.shut = False  # it was told that no more will come

    def on_readable(self) -> None:
        """Take what has come and hand it to the other side."""
        try:
            data = self.sock.recv(READ_SIZE)
        except BlockingIOError:  # "readable" can turn out untrue (man 2 select, BUGS)
            return
        except OSError as error:
            self.relay.reset(error)
            return
        if not data:
            self.ended = True
            self.loop.reads(self.sock, None)
            self.other.finish()
            return
        self.other.give(data)

    def give(self, data: bytes) -> None:
        """Send `data`; what the kernel does not take is pending, and the other side must wait."""
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self.relay.reset(error)
            return
        if sent < len(data):
            self.pending = memoryview(data)[sent:]
            self.loop.writes(self.sock, self.on_writable)
            self.loop.reads(self.other.sock, None)

    def on_writable(self) -> None:
        """Send what is pending; when it is gone, the other side may go on."""
        try:
            sent = self.sock.send(self.pending)
        except BlockingIOError:
            return
        except OSError as error:
            self.relay.reset(error)
            return
        self.pending = self.pending[sent:]
        if self.pending:
            return
        self.pending = b""
        self.loop.writes(self.sock, None)
        if self.other.ended:
            self.finish()
        else:
            self.loop.reads(self.other.sock, self.other.on_readable)

    def finish(self) -> None:
        """Tell this side that no more will come, once it has taken what is pending."""
        if self.pending or self.shut:
            return
        self.shut = True
        with suppress(OSError):  # it has gone: its own event will say so
            self.sock.shutdown(socket.SHUT_WR)
        if self.ended:
            self.relay.close()


class Relay:
    """Two sides; `on_close` is called once, when both sockets have been given to the loop to close."""

    __slots__ = ("client", "closed", "on_close", "upstream")

    def __init__(
        self,
        loop: Loop,
        client: socket.socket,
        upstream: socket.socket,
        on_close: Callable[["Relay"], None] | None = None,
    ) -> None:
        self.on_close, self.closed = on_close, False
        self.client, self.upstream = Side(loop, client, self), Side(loop, upstream, self)
        self.client.other, self.upstream.other = self.upstream, self.client
        for side in (self.client, self.upstream):
            loop.reads(side.sock, side.on_readable)

    def __repr__(self) -> str:
        waiting = len(self.client.pending), len(self.upstream.pending)
        return f"<Relay: {waiting[0]} bytes to the client, {waiting[1]} to the backend>"

    def reset(self, error: OSError) -> None:
        """One side broke off: break off the other one as well, never with a good end."""
        log.info("%s", error.strerror or error)
        for side in (self.client, self.upstream):
            with suppress(OSError):
                side.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.close()

    def close(self) -> None:
        """Close both sides."""
        if self.closed:
            return
        self.closed = True
        for side in (self.client, self.upstream):
            side.loop.close(side.sock)
        if self.on_close:
            self.on_close(self)
