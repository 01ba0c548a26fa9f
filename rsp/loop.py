"""The loop: waits for sockets and timers, and calls handlers. It knows no protocol.

A handler is a function that a socket's event calls: one for "readable", one for "writable". The
loop asks the kernel for many events at a time, and level-triggered: what a handler leaves is told
again (man 7 epoll).
"""

import heapq
import logging
import select
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Protocol, runtime_checkable

from rsp.poll import BROKEN, IN, OUT, Poll, Selected

log = logging.getLogger(__name__)

Handler = Callable[[], None]

HAS_EPOLL = hasattr(select, "epoll")
EVENTS = 256  # that one wait may give; the rest is told by the next
IDLE = 3600.0  # seconds: the longest wait when no timer is set
CANCELLED = 256  # timers that may lie about cancelled, before they are looked through
# An error or a hang-up is told to both handlers: whoever acts next gets the errno.
READABLE, WRITABLE = IN | BROKEN, OUT | BROKEN


@runtime_checkable
class Owner(Protocol):
    """Whose method a handler is: it is told what its handler raised, and lets its socket go."""

    def on_failure(self, error: Exception) -> None:
        """Close what the handler was for: it will be called no more."""


class Timer:
    """Something to call at a moment; `cancel` makes it nothing."""

    __slots__ = ("call", "loop")

    def __init__(self, loop: "Loop", call: Handler) -> None:
        self.loop = loop
        self.call: Handler | None = call

    def __repr__(self) -> str:
        return f"<Timer: {'set' if self.call else 'over'}>"

    def cancel(self) -> None:
        """Call nothing; twice does no harm, nor when it is over."""
        if self.call:
            self.call = None
            self.loop.note_cancelled()


class Loop:
    """One thread's loop. `run` returns after `stop`; `call` may come from any thread."""

    def __init__(self, *, epoll: bool = HAS_EPOLL) -> None:
        self.poll: Poll = select.epoll() if epoll else Selected()
        self.keeps = not epoll  # what is closed; epoll forgets it by itself (man 7 epoll, Q6)
        self.readers: dict[int, Handler] = {}
        self.writers: dict[int, Handler] = {}
        self.timers: list[tuple[float, int, Timer]] = []
        self.cancelled = 0  # of these
        self.order = count()  # of timers for the same moment
        self.leaving: list[socket.socket] = []
        self.calls: deque[Handler] = deque()
        self.now = time.monotonic()  # seconds, as this round began: what a handler may go by
        self.round, self.batch = 0, list[tuple[int, int]]()  # its number; what was told as it began
        self.running = False
        self.waker, self.woken = socket.socketpair()
        for sock in (self.waker, self.woken):
            sock.setblocking(False)
        self.reads(self.woken, self.take_calls)

    def __repr__(self) -> str:
        watched = len(self.readers.keys() | self.writers.keys()) - 1
        return f"<Loop: {watched} sockets, {len(self.timers) - self.cancelled} timers>"

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
        Raises OSError when the kernel has no room (ENOSPC, ENOMEM; man 2 epoll_ctl).
        """
        other = other_event if fd in others else 0
        if handler is None:
            if mine.pop(fd, None) is None:
                return
            if other:
                self.poll.modify(fd, other)
            else:
                self.poll.unregister(fd)
        else:
            if fd not in mine:
                if other:
                    self.poll.modify(fd, event | other)
                else:
                    self.poll.register(fd, event)
            mine[fd] = handler

    def forget(self, fd: int) -> None:
        """Call no handler of this descriptor any more."""
        reader, writer = self.readers.pop(fd, None), self.writers.pop(fd, None)
        if reader or writer:
            self.poll.unregister(fd)

    def close(self, sock: socket.socket) -> None:
        """Close `sock` and forget its handlers, at the end of this round.

        At once its number would be free and the next accept's, and an event in this round's batch
        for the old socket would reach the new one's handler.
        """
        fd = sock.fileno()
        reader, writer = self.readers.pop(fd, None), self.writers.pop(fd, None)
        if (reader or writer) and self.keeps:
            self.poll.unregister(fd)
        self.leaving.append(sock)

    def after(self, seconds: float, call: Handler) -> Timer:
        """Call something once, so many seconds from now."""
        timer = Timer(self, call)
        heapq.heappush(self.timers, (time.monotonic() + seconds, next(self.order), timer))
        return timer

    def note_cancelled(self) -> None:
        """Throw cancelled timers away, once they are the most: they would lie until their time."""
        self.cancelled += 1
        if self.cancelled > CANCELLED and self.cancelled * 2 > len(self.timers):
            self.timers = [entry for entry in self.timers if entry[2].call]
            heapq.heapify(self.timers)
            self.cancelled = 0

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
            self.safely(self.calls.popleft())

    def run(self) -> None:
        """Serve events until `stop`. What a handler raises ends that handler, and nothing else."""
        self.running = True
        poll, readers, writers = self.poll.poll, self.readers.get, self.writers.get
        handler: Handler | None = None
        while self.running:
            self.batch = batch = poll(self.patience(), EVENTS)
            self.now = time.monotonic()
            self.round += 1
            try:
                for fd, events in batch:
                    if events == IN:  # nearly always
                        if handler := readers(fd):
                            handler()
                        continue
                    if events & READABLE and (handler := readers(fd)):
                        handler()
                    if events & WRITABLE and (handler := writers(fd)):
                        handler()
            except Exception as error:  # the rest of the batch is told again
                self.failed(fd, handler, error)
            if self.timers:
                self.call_due()
            if self.leaving:
                self.close_leaving()

    def failed(self, fd: int, handler: Handler | None, error: Exception) -> None:
        """Log what a handler raised, once: its event would be told again, so it is not asked for.

        Its owner closes what belongs to it; the other clients never notice.
        """
        log.error("A handler failed: %s", handler, exc_info=error)
        self.forget(fd)
        if isinstance(owner := getattr(handler, "__self__", None), Owner):
            self.safely(lambda: owner.on_failure(error))

    def safely(self, call: Handler) -> None:
        """Make a call; when it raises, that is logged, and the loop goes on."""
        try:
            call()
        except Exception:
            log.exception("A call failed: %s", call)

    def patience(self) -> float:
        """Return how many seconds to wait for events: until the next timer."""
        due = self.timers[0][0] - time.monotonic() if self.timers else IDLE
        return min(IDLE, max(0.0, due))

    def call_due(self) -> None:
        """Call what is due, each once."""
        while self.timers and self.timers[0][0] <= self.now:
            timer = heapq.heappop(self.timers)[2]
            call, timer.call = timer.call, None
            if call:
                self.safely(call)
            else:
                self.cancelled -= 1

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
