"""The reactor: a loop that knows nothing but whom to call, and a handler for each socket.

New: handlers and timers; the kernel is told once who is watched; a round's end closes sockets.
Missing: to dial waits, and to send waits for the slowest reader; an end one way ends both.
Read: Loop, then attach, then serve.
"""

import sched
import socket
from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ, DefaultSelector

from rsp.net import Address
from rsp.stages.s06_readiness import Ends, forward, take

Handler = Callable[[], None]
Attach = Callable[["Loop", Ends], None]  # gives the two ends of a client their handlers


class Loop:
    """Waits for sockets and for moments, and calls their handlers."""

    def __init__(self) -> None:
        self.selector = DefaultSelector()  # epoll on Linux
        self.timers = sched.scheduler()
        self.leaving: list[socket.socket] = []

    def watch(self, sock: socket.socket, events: int, handler: Handler | None = None) -> None:
        """Call `handler` whenever one of `events` happens to `sock`; 0: watch it no more."""
        if sock in self.selector.get_map():
            self.selector.unregister(sock)
        if events:
            self.selector.register(sock, events, handler)

    def after(self, seconds: float, handler: Handler) -> None:
        """Call `handler` once, so many seconds from now."""
        self.timers.enter(seconds, 0, handler)

    def close(self, sock: socket.socket) -> None:
        """Watch `sock` no more, and close it when this round is over; twice does no harm."""
        if sock not in self.leaving and sock.fileno() >= 0:
            self.watch(sock, 0)
            self.leaving.append(sock)

    def run(self, wait: float | None = 0) -> None:
        """Call handlers while anybody is watched or a timer is set; `wait` is the first wait's."""
        while (watched := self.selector.get_map()) or wait is not None:
            for key, _ in self.selector.select(wait):
                if key.fd in watched:  # nobody has closed it earlier in this round
                    key.data()
            wait = self.timers.run(blocking=False)  # what is due is called; the next is when?
            while self.leaving:
                self.leaving.pop().close()


def attach(loop: Loop, pair: Ends) -> None:
    """Give each end a handler; an end, or an error, ends both ways."""

    def on_data(source: socket.socket, target: socket.socket) -> None:
        if not forward(source, target):
            loop.close(source)
            loop.close(target)

    for source, target in pair.items():
        loop.watch(source, EVENT_READ, partial(on_data, source, target))


def serve(listener: socket.socket, backend: Address, attach: Attach = attach) -> None:
    """Serve all clients on one loop, until the listener is shut down and they have gone."""
    loop = Loop()

    def on_client() -> None:
        pair: Ends = {}
        if not take(listener, backend, pair):
            loop.close(listener)
        attach(loop, pair)

    loop.watch(listener, EVENT_READ, on_client)
    loop.run()
