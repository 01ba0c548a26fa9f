"""Accepting: clients are taken from the kernel's queue, as long as there is room for them.

An accept storm or a full descriptor table slows it, and never ends or spins it (man 2 accept).
"""

import errno
import logging
import resource
import socket
import sys
from collections.abc import Callable
from typing import Any

from rsp.loop import Loop

log = logging.getLogger(__name__)

ACCEPTS = 64  # clients taken at one event: then the others have their turn
PAUSE = 0.1  # seconds without accepting, when descriptors or memory have run out
OWN = 32  # descriptors that the process needs for itself: files, the loop, a look-up, few pipes
FEW = 8  # pipes that are among these
SHARE = 8  # clients for whom there is one more
PIPES = 64  # more, at most: who does not read may hold 256 KiB of the kernel's memory in each
LINUX = sys.platform == "linux"
UNACKED = slice(24, 28)  # where struct tcp_info has tcpi_unacked (linux/tcp.h)
SHUT_DOWN = {errno.EINVAL, errno.EBADF}  # accept on a listener that was shut down, or closed

Peer = Any  # as accept gives it: its shape is the family's (man 7 ip, man 7 ipv6)


class Accepting:
    """One listener on one loop. `count` and `take` are for a subclass to say."""

    def __init__(self, loop: Loop, listener: socket.socket) -> None:
        self.loop, self.listener = loop, listener
        self.room = room()  # for clients
        self.pipes_at_once = FEW + min(PIPES, self.room // SHARE)
        self.accepting = True  # the listener has not been shut down
        self.full = False  # the next client waits until one has gone
        self.troubled: int | None = None  # errno of the trouble that has been told
        listener.setblocking(False)
        quick(listener)  # what it accepts is so, too
        loop.reads(listener, self.on_readable)

    def count(self) -> int:
        """Return how many clients there are."""
        raise NotImplementedError

    def take(self, client: socket.socket, peer: Peer) -> None:
        """Serve a client, who came from the address `peer`, from now on."""
        raise NotImplementedError

    def close(self) -> None:
        """Let everybody go at once, as broken off."""
        raise NotImplementedError

    def on_readable(self) -> None:
        """Take the clients that wait in the kernel's queue."""
        waiting = queued(self.listener)
        for _ in range(min(waiting, ACCEPTS)):
            if self.count() >= self.room:
                self.wait_for_room()
                return
            try:
                client, peer = self.listener.accept()
            except BlockingIOError:
                break
            except OSError as error:
                self.cannot_accept(error)
                return
            self.take(client, peer)
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
            try:
                self.loop.reads(self.listener, self.on_readable)
            except OSError as error:  # the kernel can watch no more (ENOSPC, man 2 epoll_ctl)
                self.cannot_accept(error)

    def on_failure(self, error: Exception) -> None:
        """Go on after a fault in one client's beginning: the others want to be served."""
        self.pause()

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


def serve_on(loop: Loop, make: Callable[[], Accepting]) -> None:
    """Serve until the listener is shut down and its clients have gone; the loop is ours to shut."""
    try:
        server = make()
        try:
            loop.run()
        finally:
            server.close()
    finally:
        loop.shut()


def room() -> int:
    """Return how many clients the process has descriptors for: two each, and a share of a pipe."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return 1_000_000
    pipes = min(PIPES, (limit - OWN) // (2 * SHARE + 2))
    return max(1, (limit - OWN) // 2 - pipes)


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
