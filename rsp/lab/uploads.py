"""The outcomes of the contract for uploads: a backend may read them late, in part, or never."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rsp.lab.backends import Backend, Temper
from rsp.lab.clients import SMALL_BUFFER, Client, request
from rsp.lab.contract import BODY, RIGHT, Before, first, got, outcome
from rsp.lab.ends import BLANK_LINE, End
from rsp.lab.pressure import MIB, PIECE, stuck
from rsp.lab.settings import TIMEOUT
from rsp.lab.tempers import answering, linger, pattern, response

FLOOD = 8 * MIB  # bytes: more than a kernel keeps for who sends to a slow reader (tcp_wmem)
SLOW_BUFFER = 64 * 1024  # bytes: a backend's kernel takes no more than twice that unread
PIECES = 16  # are echoed one by one
UPLOAD, SHORT = 20_000, 2_000  # bytes; the second is sent, and read, in one go


@outcome
def a_stuck_upload_stops_nobody(before: Before) -> str:
    """While a backend does not read one client's upload, another client is served."""
    with before(first(reading_late(BODY), answering(BODY))) as (proxy, backend):
        message = request("/", "POST", pattern(FLOOD))
        with Client(proxy) as client, sending(client, message, backend):
            backend.wait_until(lambda: backend.received() > 0)
            stuck(client)
            return got(proxy)


@outcome
def a_stuck_upload_lets_the_answer_pass(before: Before) -> str:
    """While a backend does not read an upload, its answer passes, and then the upload."""
    message, answer = request("/", "POST", pattern(FLOOD)), pattern(2 * FLOOD)
    with before(reading_late(answer)) as (proxy, backend), Client(proxy) as client:
        with sending(client, message, backend):
            if not body_came(client, len(answer)):
                return "cut"
            backend.release()
            return upload_came(backend, pattern(FLOOD))


def reading_late(body: bytes) -> Temper:
    """Answer when the head has come; read the rest of the request only after `release()`."""

    def temper(end: End, backend: Backend) -> None:
        end.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BUFFER)
        if take_head(end):
            end.send(response(body))
            backend.hold(end)
            take_upload(end, backend)
            linger(end)

    return temper


@contextmanager
def sending(client: Client, data: bytes, backend: Backend) -> Iterator[None]:
    """Send in a thread for the length of a `with`: it may be stuck, and it may be broken off.

    At the end `backend` is released: nobody is left stuck with what it does not read.
    """

    def send() -> None:
        with suppress(OSError):
            client.send_in_pieces(pieces, lambda: None)

    pieces = [data[start : start + PIECE] for start in range(0, len(data), PIECE)]
    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    try:
        yield
    finally:
        backend.release()
        client.shut()
        sender.join(TIMEOUT)


@outcome
def an_echo_comes_back_at_once(before: Before) -> str:
    """What a backend echoes comes back while the client has still more to say."""
    data = pattern(PIECE * PIECES)
    with before(echoing_a_body(len(data))) as (proxy, _), Client(proxy) as client:
        client.send(request("/", "POST", data).removesuffix(data))
        for start in range(0, len(data), PIECE):
            client.send(data[start : start + PIECE])
            if not body_came(client, start + PIECE):
                return "cut"
        return RIGHT if client.received.endswith(BLANK_LINE + data) else "cut"


def echoing_a_body(size: int) -> Temper:
    """Answer with the body of the request, each part as soon as it has come."""

    def temper(end: End, _: Backend) -> None:
        if take_head(end):
            end.send(response(b"", Content_Length=str(size), Connection="close"))
            sent, begin = 0, end.received.index(BLANK_LINE) + len(BLANK_LINE)
            while sent < size:
                data = bytes(end.received[begin + sent :])
                end.send(data)
                sent += len(data)
                if sent < size and not end.recv():
                    return
            linger(end)

    return temper


@outcome
def an_early_end_lets_the_upload_pass(before: Before) -> str:
    """A backend that ends its side first still gets the rest of an upload."""
    body = pattern(UPLOAD)
    message = request("/", "POST", body)
    with before(ending_first()) as (proxy, backend), Client(proxy) as client:
        with suppress(ConnectionError):  # a proxy that has closed it says so
            client.send(message[:-8])
            client.recv_all()
            client.send(message[-8:])
        return upload_came(backend, body)


def ending_first() -> Temper:
    """Answer and half-close when the head has come, and read on."""

    def temper(end: End, backend: Backend) -> None:
        if take_head(end):
            end.send(response(BODY, Connection="close"))
            end.half_close()
            take_upload(end, backend)

    return temper


@outcome
def an_early_answer_arrives(before: Before) -> str:
    """A backend that answers and closes with a request half read: its answer still arrives."""
    message = request("/", "POST", pattern(SHORT))
    with before(half_reading()) as (proxy, _), Client(proxy) as client:
        client.send(message)
        with suppress(ConnectionError):  # what comes after the answer is another matter
            client.recv_all()
        return RIGHT if client.received.endswith(BLANK_LINE + BODY) else "lost"


def half_reading() -> Temper:
    """Read the head alone, answer, and close: a reset, for more is unread (RFC 2525 §2.17)."""

    def temper(end: End, _: Backend) -> None:
        head = b""
        while not (found := re.match(rb"(?s).*?\r\n\r\n(?=.)", head)):
            end.wait_readable()
            head = end.sock.recv(SMALL_BUFFER, socket.MSG_PEEK)
        end.recv_exactly(found.end())
        end.send(response(BODY, Connection="close"))
        end.sock.close()

    return temper


def take_head(end: End) -> bool:
    """Read until the head of a request is there, and perhaps more; tell whether it came."""
    while BLANK_LINE not in end.received:
        if not end.recv():
            return False
    return True


def take_upload(end: End, backend: Backend) -> None:
    """Read until the whole request is there, and keep it."""
    head = bytes(end.received).partition(BLANK_LINE)[0]
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    if length and body_came(end, int(length[1])):
        backend.note_change(lambda: backend.requests.append(bytes(end.received)))


def body_came(end: End, size: int) -> bool:
    """Receive until so many bytes are there after the first head; False when it ends before."""
    begin = end.received.find(BLANK_LINE) + len(BLANK_LINE)
    while begin < len(BLANK_LINE) or len(end.received) < begin + size:
        if not end.recv():
            return False
        begin = end.received.find(BLANK_LINE) + len(BLANK_LINE)
    return True


def upload_came(backend: Backend, body: bytes) -> str:
    """Tell whether the upload of the first request came whole."""
    if not backend.wait_until(lambda: bool(backend.requests)):
        return "cut"
    return RIGHT if backend.requests[0].endswith(BLANK_LINE + body) else "cut"
