"""A thread for each client: nobody waits for another one.

New: a thread for each client; when the listener is shut down, those at work are waited for.
Missing: a silent client holds a thread for as long as it likes; and all that s04 misses of one
client: one read of the request, a reset that looks like an end, no time-outs.
Read: serve, then attend.
"""

import logging
import socket
import threading

from rsp.errors import RspError
from rsp.net import Address
from rsp.stages.s04_serial import clients, handle_client

log = logging.getLogger(__name__)


def attend(client: socket.socket, backend: Address) -> None:
    """Serve one client; its trouble ends this thread and nothing else."""
    with client:
        try:
            handle_client(client, backend)
        except (OSError, RspError) as error:
            log.warning("%s", error)


def serve(listener: socket.socket, backend: Address) -> None:
    """Serve each client in a thread, until the listener is shut down and all have gone."""
    at_work: set[threading.Thread] = set()
    for client in clients(listener):
        at_work = {thread for thread in at_work if thread.is_alive()}
        thread = threading.Thread(target=attend, args=(client, backend), daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system has no more threads: this client's bad luck
            log.warning("%s", error)
            client.close()
        else:
            at_work.add(thread)
    for thread in at_work:
        thread.join()
