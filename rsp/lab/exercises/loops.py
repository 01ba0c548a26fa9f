"""Loops for the checks: one that is turned by hand, the smallest that turns by itself, a wait."""

import select
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from rsp.lab.settings import TIMEOUT

LOOK = 0.02  # seconds between two looks whether the loop is to end

Handler = Callable[[], None]


class ByHand:
    """A loop that is turned by hand: what is asked of it is only noted."""

    def __init__(self) -> None:
        self.handler: Handler | None = None
        self.timers: list[tuple[float, Handler]] = []
        self.closed = False

    def watch(self, sock: socket.socket, events: int, handler: Handler | None = None) -> None:
        """Note the handler."""
        self.handler = handler if events & selectors.EVENT_READ else None

    def after(self, seconds: float, handler: Handler) -> None:
        """Note the timer."""
        self.timers.append((seconds, handler))

    def close(self, sock: socket.socket) -> None:
        """Note that it is over."""
        self.closed, self.handler = True, None

    def come(self) -> None:
        """Let something come."""
        if self.handler:
            self.handler()

    def fire(self, waited: float = 0) -> None:
        """Let the time pass for which the timers were set, of which `waited` is over."""
        timers, self.timers = self.timers, []
        for seconds, handler in timers:
            time.sleep(max(0, seconds - waited))
            handler()


class Small:
    """A loop, the smallest that will do, in a thread of its own."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.sockets: set[socket.socket] = set()
        self.ending = threading.Event()
        self.failure: BaseException | None = None
        self.closes = 0  # how often it was asked to close something

    def watch(self, sock: socket.socket, events: int, handler: Handler | None = None) -> None:
        """Call `handler` whenever one of `events` happens to `sock`; 0: watch it no more."""
        if sock in self.selector.get_map():
            self.selector.unregister(sock)
        if events:
            self.sockets.add(sock)
            self.selector.register(sock, events, handler)

    def close(self, sock: socket.socket) -> None:
        """Watch it no more, and close it."""
        self.closes += 1
        if sock.fileno() >= 0:
            self.watch(sock, 0)
            sock.close()

    def after(self, seconds: float, handler: Handler) -> None:
        """Nobody needs it here."""

    def run(self) -> None:
        """Call handlers until the check is over, or one of them raises."""
        try:
            while not self.ending.is_set():
                for key, _ in self.selector.select(LOOK):
                    key.data()
        except BaseException as error:
            self.failure = error

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Run in a thread for the length of a `with`."""
        thread = threading.Thread(target=self.run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.ending.set()
            for sock in self.sockets:  # whoever waits in one of them goes on
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            thread.join(TIMEOUT)
            for sock in self.sockets:
                sock.close()
            self.selector.close()


def by_poll(fds: Iterable[int]) -> list[int]:
    """Wait until some are readable; return them."""
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    return [fd for fd, _ in poll.poll()]
