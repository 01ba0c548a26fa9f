"""By hand: for experiments with a few sockets and no proxy.

Pairs of sockets by name, errors by name, descriptors that run out, what only Linux can do.
"""

import errno
import os
import resource
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

Socks = dict[str, socket.socket]
T = TypeVar("T")
STANDARD = 3  # descriptors that every process has: input, output, errors


@contextmanager
def pairs(*names: str) -> Iterator[tuple[Socks, Socks]]:
    """Give connected sockets by name: our ends, and the far ones; all are closed at the end.

    They never leave the kernel: what is sent at one end is at the other at once.
    """
    ours, theirs = {}, {}
    with ExitStack() as stack:
        for name in names:
            here, there = socket.socketpair()
            ours[name], theirs[name] = stack.enter_context(here), stack.enter_context(there)
        yield ours, theirs


def now(call: Callable[..., T], *arguments: object) -> T | str:
    """Make a call; return what it gives, or the name of its errno: "EAGAIN"."""
    try:
        return call(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno or 0]


@contextmanager
def no_descriptors_left() -> Iterator[None]:
    """Let whatever wants one more descriptor fail with EMFILE, for the length of a `with`.

    The limit is below every number that may become free meanwhile: in a notebook other threads
    close files, too. It is not 0: to poll more sockets than the limit is an error (man 2 poll).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(2)  # the kernel gives the lowest that is free (man 2 dup)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(free, STANDARD), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def on_linux(experiment: Callable[[], T], recorded: T) -> T:
    """Return what an experiment with epoll gives; elsewhere what it gave on Linux, and say so.

    Raises AssertionError on Linux where the recorded result is not what it gives.
    """
    if not hasattr(select, "epoll"):
        print("(recorded on Linux: there is no epoll here)")
        return recorded
    result = experiment()
    assert result == recorded, f"the recorded result is {recorded}, and this is {result}"
    return result
