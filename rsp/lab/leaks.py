"""The leak check: what is open now and was not before. Every section of a notebook ends clean.

And `pending_in`: what a stage keeps for those who do not read.
"""

import gc
import os
import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from rsp.lab.names import with_names

Snapshot = dict[tuple[str, int], str]  # what and which → how to call it


def snapshot() -> Snapshot:
    """Return the TCP sockets of Python's that are open, the threads, and the child processes."""
    gc.collect()  # what nobody holds any more is not open
    found: Snapshot = {}
    for thing in gc.get_objects():
        # Not isinstance: it would ask proxies of other packages for their class.
        is_socket = issubclass(type(thing), socket.socket) and thing.fileno() != -1
        if is_socket and thing.family in {socket.AF_INET, socket.AF_INET6}:
            with suppress(OSError):  # closed meanwhile, or behind Python's back
                found["socket", os.fstat(thing.fileno()).st_ino] = told(thing)
    for thread in threading.enumerate():
        # Not ident: the next thread may get that of one that has ended.
        found["thread", thread.native_id or 0] = f"the thread {thread.name} runs"
    for pid in children():
        found["process", pid] = "a child process runs"
    return found


def left_open(before: Snapshot) -> list[str]:
    """Return a sentence for each thing that is open now and was not `before`."""
    return [words for key, words in snapshot().items() if key not in before]


def told(sock: socket.socket) -> str:
    """Return what a socket is, with the lab's ports as names."""
    try:
        here = with_names(sock.getsockname()[1])
        with suppress(OSError):
            return f"a socket is open, connected to {with_names(sock.getpeername()[1])}"
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return f"a listener is open, on {here}"
    except OSError:
        pass
    return "a socket is open, not connected"


def children() -> list[int]:
    """Return the child processes; none where the system does not tell (it has no /proc)."""
    found: list[int] = []
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):  # the thread ended meanwhile
            found += [int(word) for word in path.read_text().split()]
    return found


def pending_in(stage: ModuleType) -> list[int]:
    """Return how many bytes are pending at each open end of a stage that has any."""
    # The referrers of a class are its objects, among others; it is asked often, and this is quick.
    ends = [thing for thing in gc.get_referrers(stage.End) if type(thing) is stage.End]
    return [len(end.pending) for end in ends if end.pending and end.sock.fileno() != -1]
