"""Post 1 of the series: a proxy that serves one client at a time.

New: the whole of it: accept a client, dial the backend, send the request on, copy the answer back.
Missing: more than one client; more than one read of the request; a client that leaves or a backend
that keeps quiet is waited for; a backend's reset looks like an end; no time-outs; knows no HTTP.
Read: handle_client, then serve, then clients.
"""

import errno
import logging
import socket
import time
from collections.abc import Iterator

from rsp.errors import RspError
from rsp.net import Address, dial

log = logging.getLogger(__name__)

READ_SIZE = 4096  # bytes that one recv may give, the post's BUFFER_SIZE
PAUSE = 0.1  # seconds before the next accept when descriptors or memory have run out
SHUT_DOWN = {errno.EINVAL, errno.EBADF}  # accept on a listener that was shut down, or closed


def handle_client(client: socket.socket, backend: Address) -> None:
    """Send what one read of the client gives to the backend, then copy its answer, to the end.

    Raises BackendError when there is no backend, OSError when either side breaks off.
    """
    with dial(backend) as upstream:
        request = client.recv(READ_SIZE)
        if not request:  # the client left without a word: the backend would wait for ever
            return
        upstream.sendall(request)
        while data := upstream.recv(READ_SIZE):
            client.sendall(data)


def serve(listener: socket.socket, backend: Address) -> None:
    """Serve clients one after the other, until the listener is shut down."""
    for client in clients(listener):
        with client:
            try:
                handle_client(client, backend)
            except (OSError, RspError) as error:  # this client's trouble, not the next one's
                log.warning("%s", error)


def clients(listener: socket.socket) -> Iterator[socket.socket]:
    """Yield each client that connects, until the listener is shut down (man 2 accept)."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError as error:
            if error.errno in SHUT_DOWN:
                return
            # Linux hands over the errors of a connection that died in the queue; and with no
            # descriptor left, trying again at once would only spin.
            log.warning("Could not accept: %s", error.strerror)
            time.sleep(PAUSE)
        else:
            yield client
