"""Heads: a request's head is read to its end and looked at before anything of it passes.

New: the head is read a piece at a time, within limits; what could be read in two ways is refused.
Missing: only a connection's first head is looked at, for nobody knows where a body ends; nothing
is changed in what passes; a reset looks like an end; no time-outs.
Read: handle_client, then read_request.
"""

import socket

from rsp.http1.message import BadRequest, Limits, Request
from rsp.http1.requests import take_request
from rsp.net import Address, dial
from rsp.stages.threads import READ_SIZE, relay, serve_each

LIMITS = Limits()


def handle_client(client: socket.socket, backend: Address) -> None:
    """Pass a request on if its head is good, and then everything, both ways.

    Raises BackendError when there is no backend, OSError when either side breaks off.
    """
    try:
        request, received, _ = read_request(client, b"")
    except BadRequest as error:
        refuse(client, error)
        return
    if request:
        with dial(backend) as upstream:
            upstream.sendall(received)
            relay(client, upstream)


def read_request(sock: socket.socket, received: bytes) -> tuple[Request | None, bytes, int]:
    """Return the next request, all that was received, and where in it the head ends.

    No request: the client has no more to say. Raises BadRequest.
    """
    known = 0  # bytes that were looked at before, and need no second look
    while not (found := take_request(received, LIMITS, known)):
        known = len(received)
        data = sock.recv(READ_SIZE)
        if not data and received:
            raise BadRequest(400, "the request broke off")
        if not data:
            return None, b"", 0
        received += data
    return found[0], received, found[1]


def refuse(client: socket.socket, error: BadRequest) -> None:
    """Answer ourselves; then wait for the client's end.

    Closing on what is unread would be a reset, and could cost the answer (RFC 9112 §9.6).
    """
    client.sendall(refusal(error))
    client.shutdown(socket.SHUT_WR)
    while client.recv(READ_SIZE):
        pass


def refusal(error: BadRequest) -> bytes:
    """Return a response of our own, after which the connection ends."""
    text = f"{error}\n"
    head = f"HTTP/1.1 {error.status} Refused\r\nContent-Length: {len(text)}\r\nConnection: close"
    return f"{head}\r\n\r\n{text}".encode("ascii", "replace")


def serve(listener: socket.socket, backend: Address) -> None:
    """Serve each client in a thread, until the listener is shut down and all have gone."""
    serve_each(listener, lambda client: handle_client(client, backend))
