"""Bodies: where a body ends is known, so every request on a connection is looked at.

New: a body is copied as it comes, to its end and no further; an upstream serves one request.
Missing: heads pass as they came; nobody says why no answer comes; one that comes early, such as
100 Continue, waits for the request's body; no tunnels, no time-outs.
Read: handle_client, then exchange, then pass_body.
"""

import socket

from rsp.http1.body import reader
from rsp.http1.chunked import chunk, last_chunk
from rsp.http1.message import CHUNKED, UNTIL_END, BadRequest, Request, Response
from rsp.http1.responses import take_response
from rsp.net import Address, dial
from rsp.stages.s10_heads import LIMITS, read_request, refuse
from rsp.stages.threads import READ_SIZE, serve_each


class Wire:
    """A socket, and what has come from it and is not used yet."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.received = sock, b""


def handle_client(client: socket.socket, backend: Address) -> None:
    """Pass on one request after the other, each with its answer. Raises RspError, OSError."""
    wire, more = Wire(client), True
    try:
        while more:
            request, received, end = read_request(client, wire.received)
            wire.received, more = received[end:], False
            if request:
                with dial(backend) as upstream:
                    more = exchange(wire, request, received[:end], Wire(upstream))
    except BadRequest as error:
        refuse(client, error)


def exchange(client: Wire, request: Request, head: bytes, upstream: Wire) -> bool:
    """Pass on a request and its answer; tell whether another may follow."""
    upstream.sock.sendall(head)
    pass_body(client, upstream.sock, request.framing, coded=request.framing == CHUNKED)
    while (found := read_response(upstream, request.method))[0].interim:
        client.sock.sendall(found[1])
    response, head = found
    client.sock.sendall(head)
    pass_body(upstream, client.sock, response.framing, coded=response.framing == CHUNKED)
    return request.keep_alive and response.keep_alive and response.framing != UNTIL_END


def read_response(upstream: Wire, method: bytes) -> tuple[Response, bytes]:
    """Return the next response to `method`, and its head as it came. Raises BadResponse."""
    while not (found := take_response(upstream.received, method, LIMITS)):
        if not (data := upstream.sock.recv(READ_SIZE)):
            raise ConnectionError("the backend ended before its answer")
        upstream.received += data
    response, end = found
    head, upstream.received = upstream.received[:end], upstream.received[end:]
    return response, head


def pass_body(source: Wire, target: socket.socket, framing: int, *, coded: bool) -> None:
    """Copy a body to its end, in chunks if `coded`. Raises Malformed, ConnectionError for a cut."""
    body, data = reader(framing, LIMITS), source.received
    while True:
        content, source.received = body.take(data)
        target.sendall(chunk(content) if coded else content)
        if body.done:
            break
        if not (data := source.sock.recv(READ_SIZE)) and not body.end():
            raise ConnectionError("a body broke off")
    if coded:
        target.sendall(last_chunk(getattr(body, "trailers", b"")))


def serve(listener: socket.socket, backend: Address) -> None:
    """Serve until the listener is shut down."""
    serve_each(listener, lambda client: handle_client(client, backend))
