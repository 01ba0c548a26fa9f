"""The proxy: accepts clients on a loop, dials a backend for each, and relays.

`serve(listener, backend)` is the last stage of the course, and what the command runs.
"""

import errno
import logging
import resource
import socket
import sys

from rsp.dialling import Dialling
from rsp.errors import BackendError
from rsp.loop import HAS_EPOLL, Loop
from rsp.names import Names
from rsp.net import Address
from rsp.pipes import CAN_SPLICE, Pipes
from rsp.relay import Relay
from rsp.stream import reset_at_close

log = logging.getLogger(__name__)

ACCEPTS = 64  # clients taken at one event: then the others have their turn
PAUSE = 0.1  # seconds without accepting, when descriptors or memory have run out
OWN = 32  # descriptors that the process needs for itself: files, pipes, the loop, a look-up
LINUX = sys.platform == "linux"
UNACKED = slice(24, 28)  # where struct tcp_info has tcpi_unacked (linux/tcp.h)
SHUT_DOWN = {errno.EINVAL, errno.EBADF}  # accept on a listener that was shut down, or closed


class Proxy:
    """One listener before one backend, on one loop."""

    def __init__(
        self, loop: Loop, listener: socket.socket, backend: Address, *, splice: bool = CAN_SPLICE
    ) -> None:
        self.loop, self.listener, self.backend = loop, listener, backend
        self.names = Names(loop, backend)
        self.pipes = Pipes() if splice else None
        self.dialling: dict[Dialling, socket.socket] = {}  # and the client that waits for it
        self.relays: set[Relay] = set()
        self.let_go = self.on_close  # one for all: a method that is asked for anew is 64 bytes
        self.room = room()
        self.accepting = True  # the listener has not been shut down
        self.full = False  # the next client waits until one has gone
        self.troubled: int | None = None  # errno of the trouble that has been told
        listener.setblocking(False)
        quick(listener)  # what it accepts is so, too
        loop.reads(listener, self.on_readable)

    def __repr__(self) -> str:
        return f"<Proxy to {self.backend}: {self.count()} clients>"

    def count(self) -> int:
        """Return how many clients there are."""
        return len(self.dialling) + len(self.relays)

    def on_readable(self) -> None:
        """Take the clients that wait in the kernel's queue."""
        waiting = queued(self.listener)
        for _ in range(min(waiting, ACCEPTS)):
            if self.count() >= self.room:
                self.wait_for_room()
                return
            try:
                client, _ = self.listener.accept()
            except BlockingIOError:
                break
            except OSError as error:
                self.cannot_accept(error)
                return
            self.take(client)
        if waiting <= ACCEPTS and self.count() < self.room:
            self.troubled = None  # everybody has been taken: what comes now is a new trouble

    def wait_for_room(self) -> None:
        """Let newcomers wait in the kernel's queue: there is no descriptor for their upstream."""
        if self.troubled != errno.EMFILE:  # not once for each
            log.warning("%d clients: the next one waits until one has gone", self.count())
            self.troubled = errno.EMFILE
        self.full = True
        self.loop.reads(self.listener, None)

    def cannot_accept(self, error: OSError) -> None:
        """End when the listener was shut down; else wait a little: EMFILE, ENFILE, ENOMEM."""
        if error.errno in SHUT_DOWN:
            self.accepting = False
            self.loop.reads(self.listener, None)
            self.end_if_done()
            return
        if error.errno != self.troubled:  # not ten times a second
            log.warning("Could not accept: %s", error.strerror)
            self.troubled = error.errno
        if error.errno != errno.ECONNABORTED:  # that was one client; the next is another
            self.pause()

    def pause(self) -> None:
        """Accept nobody for a while: trying again at once would only spin."""
        self.loop.reads(self.listener, None)
        self.loop.after(PAUSE, self.accept_again)

    def accept_again(self) -> None:
        """Look whether there is room now."""
        if self.accepting:
            self.loop.reads(self.listener, self.on_readable)

    def on_failure(self, error: Exception) -> None:
        """Go on after a fault in one client's beginning: the others want to be served."""
        self.pause()

    def take(self, client: socket.socket) -> None:
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

    def gone(self) -> None:
        """Accept the one that waits for this room; end when it was the last."""
        if self.full:
            self.full = False
            self.accept_again()
        if not self.accepting:
            self.end_if_done()

    def end_if_done(self) -> None:
        """Stop the loop when nobody is left, and nobody will come."""
        if not self.count():
            self.loop.stop()

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


def room() -> int:
    """Return how many clients the process has descriptors for: each needs two."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1_000_000 if limit == resource.RLIM_INFINITY else max(1, (limit - OWN) // 2)


def queued(listener: socket.socket) -> int:
    """Return how many clients wait for an accept: one that nobody waits for costs as much as one.

    Linux tells it as tcpi_unacked of a listener (man 7 tcp, TCP_INFO); else ACCEPTS, to be tried.
    """
    if not LINUX:
        return ACCEPTS
    try:
        info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, UNACKED.stop)
    except OSError:  # not TCP, or closed meanwhile: accept tells
        return ACCEPTS
    return max(1, int.from_bytes(info[UNACKED], sys.byteorder))


def quick(sock: socket.socket) -> None:
    """Send small pieces at once, for a relay does not know when more will come (man 7 tcp).

    And read urgent bytes where they stand: a byte out of band would be lost (RFC 6093 §3).
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)


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
    try:
        proxy = Proxy(loop, listener, backend, splice=splice)
        try:
            loop.run()
        finally:
            proxy.close()
    finally:
        loop.shut()
