"""Forwarding: what is changed in a message that passes, and what is said where no answer comes.

New: fields of one hop stay behind and ours come; Host and framing are written anew; HTTP/1.0 gets
no chunks; 100-continue; 502, 504 and time-outs (conversing); what is cut never looks whole.
Missing: an upstream for each request; no tunnels; a circle is not noticed, and Max-Forwards goes
below 0; an answer that comes early waits for the request's body.
Read: exchange, then ask, then framing_for and answer; then converse.
"""

import socket
from functools import partial

from rsp import forward
from rsp.errors import RspError
from rsp.http1.message import CHUNKED, UNTIL_END, BadResponse, Request, Response
from rsp.net import Address, dial
from rsp.stages.conversing import PATIENCE, Cut, converse, date
from rsp.stages.s10_heads import LIMITS
from rsp.stages.s11_bodies import Wire, pass_body, read_response
from rsp.stages.threads import serve_each
from rsp.stream import reset_at_close


def exchange(client: Wire, request: Request, backend: Address) -> bool:
    """Pass on one request and its answer; tell whether another may follow."""
    with dial(backend) as sock:
        sock.settimeout(PATIENCE)
        upstream = Wire(sock)
        return answer(client, request, ask(client, request, upstream), upstream)


def ask(client: Wire, request: Request, upstream: Wire, upgrade: bytes = b"") -> Response:
    """Pass a request on; return the head of its answer. Raises RspError, OSError."""
    forward.check(request, LIMITS, minor=1)
    waits = b"expect" in request.special and forward.expects(request)
    about = forward.about(client.sock.getpeername()[0].removeprefix("::ffff:").encode())
    host, coded = request.host or b"", request.framing == CHUNKED
    head = forward.request_head(request, host, about, expects=waits, upgrade=upgrade)
    upstream.sock.sendall(head)
    send_body = partial(pass_body, client, upstream.sock, request.framing, coded=coded)
    if not waits:
        send_body()
    while (response := read_response(upstream, request.method)[0]).interim:
        if request.minor == 1:
            client.sock.sendall(forward.interim_head(response))
        if waits and response.status == 100:
            send_body()
            waits = False
    if response.status == 101 and not forward.agrees(response, upgrade):
        raise BadResponse("a 101 that nobody asked for")
    request.keep_alive = request.keep_alive and not waits  # else its body may come, or not
    return response


def framing_for(request: Request, response: Response) -> int | None:
    """Return how an answer's body is framed for this client; None: there is no body."""
    if request.method == b"HEAD" or response.status in (204, 304):
        return None
    if response.framing >= 0:
        return response.framing
    return CHUNKED if request.minor == 1 else UNTIL_END


def answer(client: Wire, request: Request, response: Response, upstream: Wire) -> bool:
    """Pass an answer on; tell whether the client may ask again. Raises Cut."""
    framing = framing_for(request, response)
    keep = request.keep_alive and framing != UNTIL_END
    try:
        client.sock.sendall(forward.response_head(response, framing, request.minor, keep, date()))
        pass_body(upstream, client.sock, response.framing, coded=framing == CHUNKED)
    except (RspError, OSError) as error:
        if framing == UNTIL_END:  # an end would say that all of it has come
            reset_at_close(client.sock)
        raise Cut(f"an answer broke off: {error}") from error
    return keep


def serve(listener: socket.socket, backend: Address) -> None:
    """Serve until the listener is shut down."""
    serve_each(listener, lambda client: converse(Wire(client), partial(exchange, backend=backend)))
