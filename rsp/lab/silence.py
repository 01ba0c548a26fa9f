"""A black hole: an address at which nobody answers, not even with a refusal.

So are a machine that is off, and a firewall that drops. Here it is a listener on loopback whose
queue is full: the kernel then drops whatever asks for a connection (man 2 listen).
"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

ELSEWHERE = "127.0.0.2"  # on Linux all of 127.0.0.0/8 is this machine (RFC 1122 §3.2.1.3)
FULL = 2  # connections: one that waits in a queue of one, and one that the kernel has dropped


@contextmanager
def black_hole(port: int, host: str = ELSEWHERE) -> Iterator[socket.socket]:
    """Let nobody answer at `host` and `port` for the length of a `with`; then they are refused.

    Who dials already learns of that only when its kernel asks again, after a second or so.
    """
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(FULL):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener
