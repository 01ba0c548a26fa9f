"""The gateway: accepts clients on a loop, and passes their HTTP requests on to a backend.

A gateway is what HTTP calls a reverse proxy (RFC 9110 §3.7).
"""

import logging
import socket
import sys
from heapq import nsmallest

from rsp.accepting import LINUX, Accepting, Peer, serve_on
from rsp.access import AccessLog
from rsp.client import Client
from rsp.http1.quick import Quick
from rsp.loop import HAS_EPOLL, Loop
from rsp.net import Address
from rsp.options import Options
from rsp.pipes import CAN_SPLICE, Pipes
from rsp.pool import Pool
from rsp.relay import Relay
from rsp.service import Clock, Service
from rsp.stream import Stream, reset_at_close

log = logging.getLogger(__name__)

DEFAULT = Options()
LAST_DATA = slice(52, 56)  # where struct tcp_info has tcpi_last_data_recv (linux/tcp.h)
FAREWELLS = 32  # idle clients that are let go when there is no room
SWEEP = 1.0  # seconds between two looks at the deadlines: a request touches no timer


class Gateway(Accepting):
    """One listener before one backend, on one loop, in HTTP/1.1."""

    def __init__(
        self,
        loop: Loop,
        listener: socket.socket,
        backend: Address,
        *,
        options: Options = DEFAULT,
        splice: bool = CAN_SPLICE,
    ) -> None:
        super().__init__(loop, listener)
        self.backend = backend
        self.pool = Pool(loop, backend, options)
        self.pipes = Pipes(self.pipes_at_once) if splice else None
        self.clients: set[Client] = set()
        self.tunnels: dict[Relay, float] = {}  # when to look whether anything was said in it
        self.access = None if options.access_log == "off" else AccessLog(loop, options.access_log)
        self.service = Service(
            loop, self.pool, options, options.limits, Quick(options.limits), options.timeouts,
            Clock(loop), self.pipes, self.access, self.on_gone, self.on_tunnel,
        )  # fmt: skip
        self.sweeping = loop.after(SWEEP, self.sweep)

    def __repr__(self) -> str:
        return f"<Gateway to {self.backend}: {self.count()} clients>"

    def count(self) -> int:
        """Return how many clients there are."""
        return len(self.clients) + len(self.tunnels)

    def take(self, client: socket.socket, peer: Peer) -> None:
        """Read a client's requests."""
        try:
            client.setblocking(False)
            one = Client(self.service, client, host_of(peer))
            one.resume()
        except BaseException:  # a fault of ours, or the kernel can watch no more
            reset_at_close(client)
            self.loop.close(client)
            raise
        self.clients.add(one)

    def on_gone(self, client: Stream) -> None:
        """Forget a client that was closed, or has a tunnel now."""
        assert isinstance(client, Client)
        self.clients.discard(client)
        self.gone()

    def on_tunnel(self, client: Stream, upstream: Stream, answer: bytes, said: bytes) -> None:
        """Relay for two who have agreed on a protocol of their own.

        `answer` goes first to the client, `said` to the backend; behind what is pending already.
        """
        relay = Relay(self.loop, client.sock, upstream.sock, self.on_close, self.pipes)
        self.tunnels[relay] = self.loop.now + self.service.timeouts.tunnel
        self.on_gone(client)
        for side, before in ((relay.client, client), (relay.upstream, upstream)):
            if before.pending is not None:
                side.take_over(before)
        relay.start()
        if relay.on_close:
            relay.client.send(answer)
        if said and relay.on_close:
            relay.upstream.send(said)

    def on_close(self, relay: Relay) -> None:
        """Forget a tunnel; its connection to the backend is free for another."""
        self.tunnels.pop(relay, None)
        self.pool.one_less()
        self.gone()

    def end_if_done(self) -> None:
        """Let those go who have nothing underway, now that nobody will come; the rest finish."""
        if not self.service.draining:
            self.service.draining = True
            for client in tuple(self.clients):
                if client.exchange:
                    client.exchange.keep = False  # an answer that has not begun says so
                elif not client.received and not client.closing:
                    client.finish_up()
        super().end_if_done()

    def wait_for_room(self) -> None:
        """Let those go who have been idle for longest: others have something to ask."""
        super().wait_for_room()
        idle = [client for client in self.clients if client.is_idle()]
        for client in nsmallest(FAREWELLS, idle, key=lambda one: one.deadline):
            client.leave()

    def sweep(self) -> None:
        """Look whose deadline has passed."""
        self.sweeping = self.loop.after(SWEEP, self.sweep)  # first: a fault must not end it
        now = self.loop.now
        late = [client for client in self.clients if client.deadline <= now]
        for client in late:
            self.loop.safely(client.on_timeout)
        if whole := self.service.timeouts.request:
            late = [client for client in self.clients if client.began() < now - whole]
            for exchange in [client.exchange for client in late]:
                if exchange:
                    self.loop.safely(exchange.on_too_long)
        for relay in [one for one in self.tunnels if self.is_silent(one, now)]:
            relay.close(reset=True)
        self.pool.sweep()
        if self.access:
            self.access.flush()

    def is_silent(self, tunnel: Relay, now: float) -> bool:
        """Tell whether in a tunnel nobody has said anything for too long.

        A look at the clock for each byte would cost more than the byte: the kernel knows.
        """
        patience = self.service.timeouts.tunnel
        if not patience or now < self.tunnels[tunnel]:
            return False
        silence = min(silent(tunnel.client.sock), silent(tunnel.upstream.sock))
        self.tunnels[tunnel] = now + patience - silence
        return silence >= patience

    def close(self) -> None:
        """Let everybody go at once, as broken off."""
        self.accepting = False
        self.service.draining = True  # so the end of one does not let the others go well
        self.sweeping.cancel()
        self.loop.reads(self.listener, None)
        for client in tuple(self.clients):
            if client.exchange:
                client.exchange.drop()
            client.abort()
        for relay in tuple(self.tunnels):
            relay.close(reset=True)
        self.pool.close()
        if self.access:
            self.access.flush()
        if self.pipes:
            self.pipes.close()


def silent(sock: socket.socket) -> float:
    """Return the seconds since data last came, as the kernel knows; 0 where it does not tell.

    Linux has it in milliseconds, as tcpi_last_data_recv (man 7 tcp, TCP_INFO).
    """
    if not LINUX:
        return 0.0
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, LAST_DATA.stop)
    except OSError:  # not TCP
        return 0.0
    return int.from_bytes(info[LAST_DATA], sys.byteorder) / 1000


def host_of(peer: Peer) -> str:
    """Return a client's address as the forwarded fields have it: IPv4 as IPv4."""
    host = str(peer[0]) if isinstance(peer, tuple) else ""
    return host.removeprefix("::ffff:") if "." in host else host


def serve(
    listener: socket.socket,
    backend: Address,
    *,
    epoll: bool = HAS_EPOLL,
    splice: bool = CAN_SPLICE,
    options: Options = DEFAULT,
) -> None:
    """Serve until the listener is shut down and its clients have gone.

    Raises what `resolve` does when nobody knows the backend's name at the start.
    """
    loop = Loop(epoll=epoll)

    def make() -> Gateway:
        return Gateway(loop, listener, backend, options=options, splice=splice)

    serve_on(loop, make)
