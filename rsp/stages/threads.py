"""What the stages from s10 on do with threads: one for each client, as in s05, and two for a relay.

No stage: there is nothing new in it, and each of them would say it again.
"""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from rsp.errors import RspError
from rsp.stages.s04_serial import clients
from rsp.stages.s05_threads import log

READ_SIZE = 65_536  # bytes that one recv may give
THREADS = 2_000  # clients at once; the next one waits for one of these


def serve_each(listener: socket.socket, handle: Callable[[socket.socket], None]) -> None:
    """Handle each client in a thread, until the listener is shut down and all have gone."""
    with ThreadPoolExecutor(THREADS) as pool:
        for client in clients(listener):
            pool.submit(attend, client, handle)


def attend(client: socket.socket, handle: Callable[[socket.socket], None]) -> None:
    """Handle one client; its trouble ends this and nothing else."""
    with client:
        try:
            handle(client)
        except (OSError, RspError) as error:
            log.warning("%s", error)
        except Exception:  # a fault in a learner's own: the pool would keep it to itself
            log.exception("a handler failed")


def relay(client: socket.socket, upstream: socket.socket) -> None:
    """Copy both ways, each in a thread of its own, until both have ended."""
    with ThreadPoolExecutor(2) as pool:
        pool.submit(copy, client, upstream)
        pool.submit(copy, upstream, client)


def copy(source: socket.socket, target: socket.socket) -> None:
    """Copy one way, and pass the end on; a break counts as one."""
    with suppress(OSError):
        while data := source.recv(READ_SIZE):
            target.sendall(data)
    with suppress(OSError):  # it has gone already
        target.shutdown(socket.SHUT_WR)
