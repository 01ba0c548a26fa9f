"""What the loop asks the kernel with: epoll, or `selectors` in its shape elsewhere."""

import selectors
from typing import Protocol

IN, OUT = 1, 4  # EPOLLIN and EPOLLOUT, which are POLLIN and POLLOUT too (man 2 poll)
BROKEN = 8 | 16  # EPOLLERR and EPOLLHUP, which are told to whoever waits for anything


class Poll(Protocol):
    """What the loop needs of the kernel."""

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


# selectors has bits of its own, and tells an error or a hang-up as what was asked for.
ASKED = {
    IN: selectors.EVENT_READ,
    OUT: selectors.EVENT_WRITE,
    IN | OUT: selectors.EVENT_READ | selectors.EVENT_WRITE,
}
TOLD = {theirs: ours for ours, theirs in ASKED.items()}


class Selected:
    """`selectors` in the shape of epoll."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()

    def register(self, fd: int, events: int) -> None:
        """Begin to watch a descriptor."""
        self.selector.register(fd, ASKED[events])

    def modify(self, fd: int, events: int) -> None:
        """Watch it for something else."""
        self.selector.modify(fd, ASKED[events])

    def unregister(self, fd: int) -> None:
        """Watch it no more."""
        self.selector.unregister(fd)

    def poll(self, timeout: float, maxevents: int) -> list[tuple[int, int]]:
        """Return what has happened: all of it, for who was left out might be so each time."""
        return [(key.fd, TOLD[events]) for key, events in self.selector.select(timeout)]

    def close(self) -> None:
        """Give back what it holds."""
        self.selector.close()
