"""The proxy: accepts clients on a loop, dials a backend for each, and relays.

`serve(listener, backend)` is the last stage of the course, and what the command runs.
"""

import errno
import logging
import socket

from rsp.dialling import Dialling
from rsp.errors import BackendError
from rsp.loop import Loop
from rsp.names import Names
from rsp.net import Address
from rsp.relay import Relay

log = logging.getLogger(__name__)

ACCEPTS = 64  # clients taken at one event: then the others have their turn
PAUSE = 0.1  # seconds without accepting, when descriptors or memory have run out
FULL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
SHUT_DOWN = {errno.EINVAL, errno.EBADF}  # accept on a listener that was shut down, or closed


class Proxy:
    """One listener before one backend, on one loop."""

    def __init__(self, loop: Loop, listener: socket.socket, backend: Address) -> None:
        self.loop, self.listener, self.backend = loop, listener, backend
        self.names = Names(loop, backend)
        self.clients: set[Dialling | Relay] = set()
        self.accepting = True
        listener.setblocking(False)
        loop.reads(listener, self.on_readable)

    def __repr__(self) -> str:
        return f"<Proxy to {self.backend}: {len(self.clients)} clients>"

    def on_readable(self) -> None:
        """Take the clients that wait in the kernel's queue."""
        for _ in range(ACCEPTS):
            try:
                client, _ = self.listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                self.cannot_accept(error)
                return
            self.take(client)

    def cannot_accept(self, error: OSError) -> None:
        """End when the listener was shut down; wait a little when the machine is full."""
        if error.errno in SHUT_DOWN:
            self.accepting = False
            self.loop.reads(self.listener, None)
            self.end_if_done()
            return
        log.warning("Could not accept: %s", error.strerror)
        if error.errno in FULL:  # trying again at once would only spin
            self.loop.reads(self.listener, None)
            self.loop.after(PAUSE, self.accept_again)

    def accept_again(self) -> None:
        """Look whether there is room now."""
        if self.accepting:
            self.loop.reads(self.listener, self.on_readable)

    def take(self, client: socket.socket) -> None:
        """Dial the backend for a client."""
        client.setblocking(False)
        no_delay(client)

        def on_connected(upstream: socket.socket) -> None:
            no_delay(upstream)
            self.clients.discard(dialling)
            relay = Relay(self.loop, client, upstream, self.gone)
            self.clients.add(relay)
            relay.start()

        def on_failed(error: BackendError) -> None:
            log.warning("%s", error)
            self.loop.close(client)
            self.gone(dialling)

        entries = self.names.entries()
        dialling = Dialling(self.loop, str(self.backend), entries, on_connected, on_failed)
        self.clients.add(dialling)
        dialling.start()

    def gone(self, client: Dialling | Relay) -> None:
        """Forget a client that has been let go."""
        self.clients.discard(client)
        if not self.accepting:
            self.end_if_done()

    def end_if_done(self) -> None:
        """Stop the loop when nobody is left, and nobody will come."""
        if not self.clients:
            self.loop.stop()


def no_delay(sock: socket.socket) -> None:
    """Send small pieces at once: a relay does not know when more will come (man 7 tcp)."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def serve(listener: socket.socket, backend: Address) -> None:
    """Serve until the listener is shut down and its clients have gone."""
    loop = Loop()
    try:
        Proxy(loop, listener, backend)
        loop.run()
    finally:
        loop.shut()
