"""Reuse: an upstream is kept for the next request, whoever asks it.

New: idle upstreams in a pool (pooling), watched, and kept for a while; where a kept one was stale
and it is safe, a new one is asked; a 101 that was asked for opens a tunnel.
Missing: one backend for all hosts; a thread for each client; an early answer is heard late.
Read: exchange, then may_be_kept, then asked and may_ask_again.
"""

import socket
from contextlib import closing
from functools import partial

from rsp import forward
from rsp.http1.message import UNTIL_END, Request, Response
from rsp.net import Address
from rsp.stages.conversing import converse
from rsp.stages.pooling import Pool
from rsp.stages.s11_bodies import Wire
from rsp.stages.s12_forwarding import answer, ask
from rsp.stages.threads import serve_each
from rsp.stages.tunnelling import tunnel

IDEMPOTENT = {b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"}  # twice is as once (RFC 9110 §9.2.2)


def exchange(client: Wire, request: Request, pool: Pool) -> bool:
    """Pass on one request and its answer; tell whether another may follow."""
    upstream, response = asked(client, request, pool)
    again = False
    try:
        if response.status == 101:
            tunnel(client, response, upstream)
            return False
        more = answer(client, request, response, upstream)  # raises when that breaks off
        again = may_be_kept(request, response, upstream)
    finally:
        pool.put(upstream) if again else upstream.sock.close()
    return more


def may_be_kept(request: Request, response: Response, upstream: Wire) -> bool:
    """Tell whether its next bytes must be the next one's answer; this one's came whole."""
    stays = response.keep_alive and response.framing != UNTIL_END
    waits = b"expect" in request.special  # perhaps: a body may not have gone, for want of a 100
    return stays and not waits and not upstream.received


def asked(client: Wire, request: Request, pool: Pool) -> tuple[Wire, Response]:
    """Ask an idle upstream, else, or where it was stale and that is safe, a new one."""
    if kept := pool.take():
        try:
            return kept, ask_or_close(client, request, kept)
        except ConnectionError:
            if not may_ask_again(request, kept):
                raise
    upstream = pool.dial()
    return upstream, ask_or_close(client, request, upstream)


def may_ask_again(request: Request, kept: Wire) -> bool:
    """Tell whether a second try is safe: nothing came, no body has gone, twice is as once."""
    return not kept.received and not request.framing and request.method in IDEMPOTENT


def ask_or_close(client: Wire, request: Request, upstream: Wire) -> Response:
    """Ask an upstream, and close it where no answer begins."""
    try:
        return ask(client, request, upstream, forward.upgrade_of(request))
    except BaseException:
        upstream.sock.close()
        raise


def serve(listener: socket.socket, backend: Address) -> None:
    """Serve until the listener is shut down."""
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # and so for its clients
    with closing(Pool(backend)) as pool:
        serve_each(listener, lambda client: converse(Wire(client), partial(exchange, pool=pool)))
