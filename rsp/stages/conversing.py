"""A conversation: one request after the other, and what is said where no answer comes.

No stage, but a part of s12 and s13: what they do around each exchange. It has 502, 504, time-outs.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus

from rsp import forward
from rsp.errors import RspError
from rsp.http1.chunked import Malformed
from rsp.http1.message import Request
from rsp.stages.s05_threads import log
from rsp.stages.s10_heads import read_request
from rsp.stages.s11_bodies import Wire
from rsp.stages.threads import READ_SIZE

PATIENCE = 60.0  # seconds for either side's next bytes


class Cut(Exception):
    """An answer broke off after its head had gone: it is too late to say anything else."""


def converse(client: Wire, exchange: Callable[[Wire, Request], bool]) -> None:
    """Answer one request after the other; where no answer has begun, say why."""
    client.sock.settimeout(PATIENCE)
    more = True
    while more:
        request, more = None, False
        try:
            request = next_request(client)
            more = request is not None and exchange(client, request)
        except Cut as error:
            log.warning("%s", error)
        except (RspError, OSError) as error:
            log.warning("%s", error)
            say_why(client.sock, status_of(error), request)


def next_request(client: Wire) -> Request | None:
    """Return a client's next request; None when it has none, or says nothing for too long."""
    with suppress(TimeoutError):
        request, received, end = read_request(client.sock, client.received)
        client.received = received[end:]
        return request
    return None


def status_of(error: Exception) -> HTTPStatus:
    """Return what a client is told that gets no answer (RFC 9110 §15.6.3, §15.6.5)."""
    if isinstance(error, Malformed):  # a body's, and before there is an answer: the client's
        return HTTPStatus.BAD_REQUEST
    if isinstance(error, RspError):
        return HTTPStatus(error.status)
    return HTTPStatus.GATEWAY_TIMEOUT if isinstance(error, TimeoutError) else HTTPStatus.BAD_GATEWAY


def say_why(client: socket.socket, status: HTTPStatus, request: Request | None) -> None:
    """Answer ourselves, and no more after that; then wait for the client's end."""
    text = None if request and request.method == b"HEAD" else b""
    page = forward.own_answer(status, text, date(), keep=False)
    client.sendall(b"".join(page))
    client.shutdown(socket.SHUT_WR)
    while client.recv(READ_SIZE):  # to close on what is unread would be a reset
        pass


def date() -> bytes:
    """Return what a Date field says now (RFC 9110 §5.6.7)."""
    return formatdate(usegmt=True).encode()
