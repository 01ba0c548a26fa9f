"""Waiting until the lab is at rest: nothing has come to it that it has not taken.

What a proxy has in its hands just now cannot be seen from outside: rest must last a little.
"""

import select
import socket
import time
import weakref
from enum import Enum
from typing import TypeVar

from rsp.lab.settings import TIMEOUT

LOOK = 0.001  # seconds between two looks
LASTS = 5  # quiet looks in a row that make a rest


class Doing(Enum):
    """What something of the lab's is doing; the value is the poll event that would wake it."""

    NOTHING = 0
    WORKING = -1
    RECEIVING = select.POLLIN  # accepting, too
    SENDING = select.POLLOUT


class Watched:
    """Something that waits at a socket: an end, or the listener of a backend."""

    sock: socket.socket
    doing = Doing.NOTHING
    count = 0  # of all that it did: whether it grew, shows whether there was rest

    def __init__(self) -> None:
        WATCHED.add(self)


WATCHED: "weakref.WeakSet[Watched]" = weakref.WeakSet()
T = TypeVar("T")


def members(of: "weakref.WeakSet[T]") -> list[T]:
    """Return what is in a set that other threads add to.

    Not by walking along it: whoever adds meanwhile ends that, and may do so for ever. Its
    references are copied in one step, in which no other thread has a turn.
    """
    references: list[weakref.ref[T]] = list(vars(of)["data"])
    return [one for reference in references if (one := reference()) is not None]


def at_rest(timeout: float = TIMEOUT) -> bool:
    """Wait until nothing of the lab's has anything left to do; tell whether so."""
    deadline = time.monotonic() + timeout
    quiet, before = 0, -1
    while quiet < LASTS:
        if time.monotonic() > deadline:
            return False
        watched = members(WATCHED)
        done = sum(one.count for one in watched)
        moved = done != before or any(busy(one) for one in watched)
        quiet, before = 0 if moved else quiet + 1, done
        time.sleep(LOOK)
    return True


def busy(one: Watched) -> bool:
    """Tell whether it works, or could: what it waits for has come."""
    doing = one.doing
    if doing in {Doing.NOTHING, Doing.WORKING}:
        return doing is Doing.WORKING
    poll = select.poll()
    try:
        poll.register(one.sock, doing.value)
        return bool(poll.poll(0))
    except (OSError, ValueError):  # closed meanwhile
        return False
