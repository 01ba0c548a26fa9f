"""The proxy: accepts clients on a loop, dials a backend for each, and relays.

`serve(listener, backend)` is the last stage of the course, and what the command runs.
"""

import logging
import socket

from rsp.accepting import Accepting, Peer, quick, serve_on
from rsp.dialling import Dialling
from rsp.errors import BackendError
from rsp.loop import HAS_EPOLL, Loop
from rsp.names import Names
from rsp.net import Address
from rsp.pipes import CAN_SPLICE, Pipes
from rsp.relay import Relay
from rsp.stream import reset_at_close

log = logging.getLogger(__name__)


class Proxy(Accepting):
    """One listener before one backend, on one loop."""

    def __init__(
        self, loop: Loop, listener: socket.socket, backend: Address, *, splice: bool = CAN_SPLICE
    ) -> None:
        super().__init__(loop, listener)
        self.backend = backend
        self.names = Names(loop, backend)
        self.pipes = Pipes(self.pipes_at_once) if splice else None
        self.dialling: dict[Dialling, socket.socket] = {}  # and the client that waits for it
        self.relays: set[Relay] = set()
        self.let_go = self.on_close  # one for all: a method that is asked for anew is 64 bytes

    def __repr__(self) -> str:
        return f"<Proxy to {self.backend}: {self.count()} clients>"

    def count(self) -> int:
        """Return how many clients there are."""
        return len(self.dialling) + len(self.relays)

    def take(self, client: socket.socket, peer: Peer) -> None:
        """Dial the backend for a client."""
        try:
            client.setblocking(False)
            entries = self.names.entries()
            dialling = Dialling(self.loop, self.backend, entries, self.on_connected, self.on_failed)
            self.dialling[dialling] = client
            dialling.start()
        except BaseException:  # a fault of ours
            self.dialling = {one: who for one, who in self.dialling.items() if who is not client}
            self.refuse(client)
            raise

    def on_connected(self, dialling: Dialling, upstream: socket.socket) -> None:
        """Relay between a client and its upstream."""
        quick(upstream)
        client = self.dialling.pop(dialling)
        relay = Relay(self.loop, client, upstream, self.let_go, self.pipes)
        self.relays.add(relay)
        relay.start()

    def on_failed(self, dialling: Dialling, error: BackendError) -> None:
        """Let a client go: an end would be an empty answer."""
        log.warning("%s", error)
        self.refuse(self.dialling.pop(dialling))
        self.gone()

    def refuse(self, client: socket.socket) -> None:
        """Close a client that has no upstream, as if the backend had done it."""
        reset_at_close(client)
        self.loop.close(client)

    def on_close(self, relay: Relay) -> None:
        """Forget a client that has been let go."""
        self.relays.discard(relay)
        self.gone()

    def close(self) -> None:
        """Let everybody go at once, as broken off."""
        self.accepting = False
        self.loop.reads(self.listener, None)
        for dialling, client in self.dialling.items():
            dialling.stop()
            self.refuse(client)
        self.dialling.clear()
        for relay in tuple(self.relays):
            relay.close(reset=True)
        if self.pipes:
            self.pipes.close()


def serve(
    listener: socket.socket,
    backend: Address,
    *,
    epoll: bool = HAS_EPOLL,
    splice: bool = CAN_SPLICE,
) -> None:
    """Serve until the listener is shut down and its clients have gone.

    Raises what `resolve` does when nobody knows the backend's name at the start.
    """
    loop = Loop(epoll=epoll)
    serve_on(loop, lambda: Proxy(loop, listener, backend, splice=splice))
