"""The loop: waits for sockets and timers, and calls handlers. It knows no protocol.

A handler is a function that a socket's event calls: one for "readable", one for "writable". The
loop asks the kernel for many events at a time, and level-triggered: what a handler leaves is told
again (man 7 epoll).
"""

import heapq
import logging
import select
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Protocol

log = logging.getLogger(__name__)

Handler = Callable[[], None]

EVENTS = 256  # that one wait may give; the rest is told by the next
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
IDLE = 3600.0  # seconds: the longest wait when no timer is set


class Timer:
    """Something to call at a moment; `cancel` makes it nothing."""

    __slots__ = ("call",)

    def __init__(self, call: Handler) -> None:
        self.call: Handler | None = call

    def __repr__(self) -> str:
        return f"<Timer: {'set' if self.call else 'cancelled'}>"

    def cancel(self) -> None:
        """Call nothing; twice does no harm."""
        self.call = None


class Poll(Protocol):
    """What the loop needs of the kernel: epoll, or what stands for it elsewhere."""

    def register(self, fd: int, events: int) -> None:
        """Begin to watch a descriptor."""

    def modify(self, fd: int, events: int) -> None:
        """Watch it for something else."""

    def unregister(self, fd: int) -> None:
        """Watch it no more."""

    def poll(self, timeout: float, maxevents: int) -> list[tuple[int, int]]:
        """Return (descriptor, events) for what has happened, after `timeout` seconds at most."""

    def close(self) -> None:
        """Give back what it holds."""


class Selected:
    """`selectors` in the shape of epoll, for systems without it."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()

    def register(self, fd: int, events: int) -> None:
        """Begin to watch a descriptor."""
        self.selector.register(fd, events)

    def modify(self, fd: int, events: int) -> None:
        """Watch it for something else."""
        self.selector.modify(fd, events)

    def unregister(self, fd: int) -> None:
        """Watch it no more."""
        self.selector.unregister(fd)

    def poll(self, timeout: float, maxevents: int) -> list[tuple[int, int]]:
        """Return what has happened, `maxevents` at most."""
        ready = self.selector.select(timeout)[:maxevents]
        return [(key.fd, events) for key, events in ready]

    def close(self) -> None:
        """Give back what it holds."""
        self.selector.close()


# selectors' two bits are epoll's EPOLLIN and EPOLLOUT by another name, so they are mapped once.
if hasattr(select, "epoll"):
    IN, OUT = select.EPOLLIN, select.EPOLLOUT
    # An error or a hang-up is told to both handlers: whoever acts next gets the errno.
    READABLE = IN | select.EPOLLHUP | select.EPOLLERR
    WRITABLE = OUT | select.EPOLLHUP | select.EPOLLERR
else:
    IN, OUT = READ, WRITE
    READABLE, WRITABLE = IN, OUT


class Loop:
    """One thread's loop. `run` returns after `stop`; `call` may come from any thread."""

    def __init__(self, *, epoll: bool = hasattr(select, "epoll")) -> None:
        self.poll: Poll = select.epoll() if epoll else Selected()
        self.readers: dict[int, Handler] = {}
        self.writers: dict[int, Handler] = {}
        self.timers: list[tuple[float, int, Timer]] = []
        self.order = count()  # of timers for the same moment
        self.leaving: list[socket.socket] = []
        self.calls: deque[Handler] = deque()
        self.now = time.monotonic()  # seconds, as this round began: what a handler may go by
        self.running = False
        self.waker, self.woken = socket.socketpair()
        for sock in (self.waker, self.woken):
            sock.setblocking(False)
        self.reads(self.woken, self.take_calls)

    def __repr__(self) -> str:
        watched = len(self.readers.keys() | self.writers.keys()) - 1
        return f"<Loop: {watched} sockets, {len(self.timers)} timers>"

    def reads(self, sock: socket.socket, handler: Handler | None) -> None:
        """Call `handler` when `sock` is readable, from now on; None: no more."""
        self.watch(sock.fileno(), handler, self.readers, self.writers, IN, OUT)

    def writes(self, sock: socket.socket, handler: Handler | None) -> None:
        """Call `handler` when `sock` is writable, from now on; None: no more."""
        self.watch(sock.fileno(), handler, self.writers, self.readers, OUT, IN)

    def watch(
        self,
        fd: int,
        handler: Handler | None,
        mine: dict[int, Handler],
        others: dict[int, Handler],
        event: int,
        other_event: int,
    ) -> None:
        """Change what the kernel is asked about `fd`, if it must be changed at all.

        Who waits for nothing is not registered: else a hang-up would be told without end.
        """
        other = other_event if fd in others else 0
        if handler is None:
            if mine.pop(fd, None) is None:
                return
            if other:
                self.poll.modify(fd, other)
            else:
                self.poll.unregister(fd)
        elif fd in mine:
            mine[fd] = handler
        else:
            mine[fd] = handler
            if other:
                self.poll.modify(fd, event | other)
            else:
                self.poll.register(fd, event)

    def close(self, sock: socket.socket) -> None:
        """Close `sock` and forget its handlers, at the end of this round.

        Not at once: its number would be free, the next accept would get it, and an event that
        lies in this round's batch for the old socket would reach the new one's handler.
        """
        fd = sock.fileno()
        if fd in self.readers or fd in self.writers:
            self.readers.pop(fd, None)
            self.writers.pop(fd, None)
            self.poll.unregister(fd)
        self.leaving.append(sock)

    def after(self, seconds: float, call: Handler) -> Timer:
        """Call something once, so many seconds from now."""
        timer = Timer(call)
        heapq.heappush(self.timers, (time.monotonic() + seconds, next(self.order), timer))
        return timer

    def call(self, handler: Handler) -> None:
        """Call something in the loop's thread, soon; from any thread, or a signal's handler."""
        self.calls.append(handler)
        with suppress(OSError):  # full: it is awake already; closed: nobody to wake
            self.waker.send(b"!")

    def on_signal(self, number: signal.Signals, handler: Handler) -> None:
        """Call `handler` in the loop when a signal comes; from the main thread only."""
        signal.signal(number, lambda *_: self.call(handler))

    def take_calls(self) -> None:
        """Make the calls that came from elsewhere."""
        with suppress(BlockingIOError):
            self.woken.recv(4096)
        for _ in range(len(self.calls)):  # those only: a call that calls again waits its turn
            self.calls.popleft()()

    def run(self) -> None:
        """Serve events until `stop`."""
        self.running = True
        poll, readers, writers = self.poll.poll, self.readers.get, self.writers.get
        while self.running:
            batch = poll(self.patience(), EVENTS)
            self.now = time.monotonic()
            for fd, events in batch:
                if events & READABLE and (handler := readers(fd)):
                    handler()
                if events & WRITABLE and (handler := writers(fd)):
                    handler()
            if self.timers:
                self.call_due()
            if self.leaving:
                self.close_leaving()

    def patience(self) -> float:
        """Return how many seconds to wait for events: until the next timer."""
        if not self.timers:
            return IDLE
        return min(IDLE, max(0.0, self.timers[0][0] - time.monotonic()))

    def call_due(self) -> None:
        """Call what is due, each once."""
        while self.timers and self.timers[0][0] <= self.now:
            timer = heapq.heappop(self.timers)[2]
            if timer.call:
                timer.call()

    def close_leaving(self) -> None:
        """Close what was told to leave."""
        leaving, self.leaving = self.leaving, []
        for sock in leaving:
            sock.close()

    def stop(self) -> None:
        """Let `run` return after this round; from any thread."""

        def end() -> None:
            self.running = False

        self.call(end)

    def shut(self) -> None:
        """Close what the loop itself holds; its sockets belong to others."""
        self.close_leaving()
        self.poll.close()
        self.waker.close()
        self.woken.close()
