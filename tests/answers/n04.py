"""Answers to the exercises of notebook 04."""

import socket

from rsp.errors import BackendError
from rsp.net import Address, dial
from rsp.stages.s04_serial import handle_client
from tests.answers import KEPT, right, wrong

BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
BLANK_LINE = b"\r\n\r\n"


@wrong("4.1", "a head that comes in two pieces: 20 of")
def one_read(client: socket.socket) -> bytes:
    return client.recv(4096)


@wrong("4.1", "a head that comes byte by byte is complete, and it reads on")
def only_in_the_last_piece(client: socket.socket) -> bytes:
    head = b""
    while data := client.recv(4096):
        head += data
        if BLANK_LINE in data:
            return head
    return b""


@wrong("4.1", "it does not come back: it is in `")
def waits_for_one_who_left(client: socket.socket) -> bytes:
    head = b""
    while BLANK_LINE not in head:
        head += client.recv(4096)
    return head


@wrong("4.1", "a client that leaves too early: it returns b'GET /in/pieces HTTP/', not b\"\"")
def half_a_head(client: socket.socket) -> bytes:
    head = b""
    while BLANK_LINE not in head and (data := client.recv(4096)):
        head += data
    return head


@wrong("4.1", "what came behind the head is lost")
def lost_in_a_buffer(client: socket.socket) -> bytes:
    head = b""
    with client.makefile("rb") as file:
        while line := file.readline():
            head += line
            if line == b"\r\n":
                return head
    return b""


@wrong("4.1", "bytes returned")
def without_its_end(client: socket.socket) -> bytes:
    head = b""
    while BLANK_LINE not in head:
        data = client.recv(4096)
        if not data:
            return b""
        head += data
    return head.partition(BLANK_LINE)[0]


@wrong("4.1", "it returns str, not bytes")
def as_text(client: socket.socket) -> str:
    return client.recv(4096).decode()


@right("4.1")
def byte_by_byte(client: socket.socket) -> bytearray:
    head = bytearray()
    while not head.endswith(BLANK_LINE):
        data = client.recv(1)
        if not data:
            return bytearray()
        head += data
    return head


@right("4.1")
def by_recursion(client: socket.socket, head: bytes = b"") -> bytes:
    if BLANK_LINE in head:
        return head
    data = client.recv(4096)
    return by_recursion(client, head + data) if data else b""


@wrong("4.2", "the client is reset: something that it sent was never read")
def answers_before_it_reads(client: socket.socket, backend: Address) -> None:
    try:
        handle_client(client, backend)
    except BackendError:
        client.sendall(BAD_GATEWAY)


@wrong("4.2", "the client whose backend is down still gets no answer")
def says_nothing(client: socket.socket, backend: Address) -> None:
    client.recv(4096)
    handle_client(client, backend)


@wrong("4.2", "the client whose backend is down is told 503")
def another_status(client: socket.socket, backend: Address) -> None:
    tell(client, backend, BAD_GATEWAY.replace(b"502", b"503"))


@wrong("4.2", "its answer has a body: b'sorry'")
def with_a_body(client: socket.socket, backend: Address) -> None:
    tell(client, backend, BAD_GATEWAY + b"sorry")


@wrong("4.2", "the head of its answer has no blank line at its end")
def no_blank_line(client: socket.socket, backend: Address) -> None:
    tell(client, backend, b"HTTP/1.1 502 Bad Gateway\r\n")


@wrong("4.2", "after the backend is up again, its page does not arrive")
def always_502(client: socket.socket, backend: Address) -> None:
    client.recv(4096)
    client.sendall(BAD_GATEWAY)


@wrong("4.2", "a long page, which arrived before, no longer arrives whole")
def one_read_of_the_answer(client: socket.socket, backend: Address) -> None:
    request = client.recv(4096)
    try:
        with dial(backend) as upstream:
            upstream.sendall(request)
            client.sendall(upstream.recv(4096))
    except BackendError:
        client.sendall(BAD_GATEWAY)


@wrong("4.2", "the client whose backend is down waits, and gets no end")
def waits_for_the_end_of_the_client(client: socket.socket, backend: Address) -> None:
    try:
        handle_client(client, backend)
    except BackendError:
        client.sendall(BAD_GATEWAY)
        while client.recv(4096):
            pass


def tell(client: socket.socket, backend: Address, answer: bytes) -> None:
    """Do all as it should be, but with this answer when the backend is down."""
    request = client.recv(4096)
    if not request:
        return
    try:
        upstream = dial(backend)
    except BackendError:
        client.sendall(answer)
        raise
    with upstream:
        upstream.sendall(request)
        while data := upstream.recv(4096):
            client.sendall(data)


@right("4.2")
def and_raises_it_for_the_log(client: socket.socket, backend: Address) -> None:
    tell(client, backend, BAD_GATEWAY)


@right("4.2")
def reads_after_the_fault(client: socket.socket, backend: Address) -> None:
    try:
        handle_client(client, backend)
    except BackendError:
        client.recv(65_536)
        client.sendall(b"HTTP/1.0 502 Bad Gateway\r\n\r\n")


@wrong("4.3", "it raised NameError: name 'BUFFER_SIZE' is not defined, in the line")
def a_name_from_c(client: socket.socket, backend: Address) -> None:
    with dial(backend) as upstream:
        upstream.sendall(client.recv(BUFFER_SIZE))  # type: ignore[name-defined]  # noqa: F821


@wrong("4.3", "“A long answer arrives whole” does not hold: a part is missing")
def one_read_of_it(client: socket.socket, backend: Address) -> None:
    with dial(backend) as upstream:
        if request := client.recv(4096):
            upstream.sendall(request)
            client.sendall(upstream.recv(4096))


@wrong("4.3", "does not hold: nothing came within the time")
def waits_for_words(client: socket.socket, backend: Address) -> None:
    with dial(backend) as upstream:
        upstream.sendall(client.recv(4096))
        while data := upstream.recv(4096):
            client.sendall(data)


@wrong("4.3", "it leaves something open: a socket is open, connected to <backend>")
def upstreams_kept(client: socket.socket, backend: Address) -> None:
    upstream = dial(backend)
    KEPT.append(upstream)
    if request := client.recv(4096):
        upstream.sendall(request)
        while data := upstream.recv(4096):
            client.sendall(data)


@wrong("4.3", "“A request gets the backend's answer” does not hold: nothing came")
def does_nothing(client: socket.socket, backend: Address) -> None:
    client.recv(4096)


@wrong("4.3", "a part of the answer is lost: does it look at what send returns?")
def the_count_is_not_looked_at(client: socket.socket, backend: Address) -> None:
    with dial(backend) as upstream:
        if request := client.recv(4096):
            upstream.sendall(request)
            while data := upstream.recv(4096):
                client.send(data)


@right("4.3")
def repeats_a_short_send(client: socket.socket, backend: Address) -> None:
    with dial(backend) as upstream:
        if request := client.recv(4096):
            upstream.sendall(request)
            while data := upstream.recv(4096):
                while data:
                    data = data[client.send(data) :]


@right("4.3")
def by_files(client: socket.socket, backend: Address) -> None:
    with dial(backend) as upstream, upstream.makefile("rb", buffering=0) as answer:
        request = client.recv(4096)
        if request:
            upstream.sendall(request)
            with client.makefile("wb") as file:
                while data := answer.read(4096):
                    file.write(data)
                    file.flush()
