"""Waiting until the lab's ends are at rest: nothing has come that they have not taken."""

import select
import time

from rsp.lab.ends import OPEN, Doing, End
from rsp.lab.settings import TIMEOUT

LOOK = 0.001  # seconds between two looks


def at_rest(timeout: float = TIMEOUT) -> bool:
    """Wait until no end of the lab's has anything left to do; tell whether so."""
    deadline = time.monotonic() + timeout
    while any(busy(end) for end in list(OPEN)):
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK)
    return True


def busy(end: End) -> bool:
    """Tell whether an end works, or could: what it waits for has come."""
    if end.doing in {Doing.NOTHING, Doing.WORKING}:
        return end.doing is Doing.WORKING
    poll = select.poll()
    try:
        poll.register(end.sock, end.doing.value)
        return bool(poll.poll(0))
    except (OSError, ValueError):  # closed meanwhile
        return False
