"""Answers to the exercises of notebook 02."""

import http.client
import select
import socket
from collections.abc import Sequence
from contextlib import ExitStack

from rsp.net import Address, AddrInfo, connect, dial
from tests.answers import KEPT, right, wrong


@wrong("2.1", "50,000 bytes came at once, and it returns 4,096")
def one_read(sock: socket.socket) -> bytes:
    return sock.recv(4096)


@wrong("2.1", "50,000 bytes came in three pieces, and it returns 20,000")
def one_large_read(sock: socket.socket) -> bytes:
    return sock.recv(1_000_000, socket.MSG_WAITALL if len(sock.recv(1, socket.MSG_PEEK)) > 1 else 0)


@wrong("2.1", "50,000 bytes came in three pieces, and it returns 20,000")
def until_a_short_read(sock: socket.socket) -> bytes:
    got = b""
    while True:
        data = sock.recv(4096)
        got += data
        if len(data) < 4096:
            return got


@wrong("2.1", "of what came at once the order is wrong")
def in_front(sock: socket.socket) -> bytes:
    got = b""
    while data := sock.recv(4096):
        got = data + got
    return got


@wrong("2.1", "it returns str, not bytes")
def as_text(sock: socket.socket) -> str:
    got = ""
    while data := sock.recv(4096):
        got += data.decode()
    return got


@wrong("2.1", "a stream that ends at once has no bytes, and it returns None")
def nothing_for_nothing(sock: socket.socket) -> bytes | None:
    got = b""
    while data := sock.recv(4096):
        got += data
    return got or None


@wrong("2.1", "it does not come back: it is in `")
def past_the_end(sock: socket.socket) -> bytes:
    got = b""
    while True:
        got += sock.recv(4096)


@right("2.1")
def as_a_file(sock: socket.socket) -> bytes:
    with sock.makefile("rb") as file:
        return file.read()


@right("2.1")
def by_recursion(sock: socket.socket) -> bytes:
    data = sock.recv(4096)
    return data + by_recursion(sock) if data else b""


@right("2.1")
def with_iter(sock: socket.socket) -> bytearray:
    return bytearray().join(iter(lambda: sock.recv(100), b""))


@wrong("2.2", "asked for 6,000 of what came in pieces, it returns 999")
def one_recv(sock: socket.socket, count: int) -> bytes:
    return sock.recv(count)


@wrong("2.2", "asked for 6,000 of what came at once, it returns 8,192")
def too_much(sock: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        got += sock.recv(4096)
    return got


@wrong("2.2", "it took bytes that belong to the next call")
def thrown_away(sock: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        data = sock.recv(4096)
        if not data:
            raise EOFError
        got += data
    return got[:count]


@wrong("2.2", "it took bytes that belong to the next call")
def a_buffered_file(sock: socket.socket, count: int) -> bytes:
    with sock.makefile("rb") as file:
        got = file.read(count)
    if len(got) < count:
        raise EOFError
    return got


@wrong("2.2", "101 bytes wanted, 100 came, then the end: it returns 100 bytes")
def content_with_less(sock: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count and (data := sock.recv(count - len(got))):
        got += data
    return got


@wrong("2.2", "101 bytes wanted, 100 came, then the end: it returns None")
def none_for_less(sock: socket.socket, count: int) -> bytes | None:
    got = content_with_less(sock, count)
    return got if len(got) == count else None


@wrong("2.2", "it does not come back: it is in `")
def waits_past_the_end(sock: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        got += sock.recv(count - len(got))
    return got


@right("2.2")
def the_kernel_waits(sock: socket.socket, count: int) -> bytes:
    got = sock.recv(count, socket.MSG_WAITALL)
    if len(got) < count:
        raise EOFError
    return got


@right("2.2")
def an_unbuffered_file(sock: socket.socket, count: int) -> bytes:
    got = b""
    with sock.makefile("rb", buffering=0) as file:
        while len(got) < count:
            data = file.read(count - len(got))
            if not data:
                raise EOFError
            got += data
    return got


@right("2.2")
def into_one_buffer(sock: socket.socket, count: int) -> bytearray:
    got = bytearray(count)
    rest = memoryview(got)
    while rest:
        size = sock.recv_into(rest)
        if not size:
            raise EOFError
        rest = rest[size:]
    return got


def request(path: str, *more: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: example.test", "Connection: close", *more, "", ""]
    return "\r\n".join(lines).encode()


@wrong("2.3", "when the answer comes byte by byte it raises IndexError: list index out of range")
def one_read_of_the_answer(address: Address, path: str) -> int:
    with dial(address) as sock:
        sock.sendall(request(path))
        return int(sock.recv(4096).split()[1])


@wrong("2.3", "the server still waits for the empty line")
def no_blank_line(address: Address, path: str) -> int:
    with dial(address) as sock:
        sock.sendall(request(path).removesuffix(b"\r\n"))
        sock.shutdown(socket.SHUT_WR)
        return int(sock.makefile("rb").readline().split()[1])


@wrong("2.3", "is that a request line for /missing?")
def always_the_first_page(address: Address, path: str) -> int:
    with dial(address) as sock, sock.makefile("rb") as file:
        sock.sendall(request("/"))
        return int(file.readline().split()[1])


@wrong("2.3", "the request has no Host field")
def no_host(address: Address, path: str) -> int:
    with dial(address) as sock, sock.makefile("rb") as file:
        sock.sendall(request(path).replace(b"Host", b"Hose"))
        return int(file.readline().split()[1])


@wrong("2.3", "the server was not asked to close")
def kept_alive(address: Address, path: str) -> int:
    with dial(address) as sock, sock.makefile("rb") as file:
        sock.sendall(request(path).replace(b"close", b"keep-alive"))
        return int(file.readline().split()[1])


@wrong("2.3", "it returns str, not a number")
def as_words(address: Address, path: str) -> str:
    with dial(address) as sock, sock.makefile("rb") as file:
        sock.sendall(request(path))
        return file.readline().split()[1].decode()


@wrong("2.3", "the status of /missing is 404, and it returns 200")
def an_optimist(address: Address, path: str) -> int:
    with dial(address) as sock, sock.makefile("rb") as file:
        sock.sendall(request(path))
        return 200 if file.readline() else 0


@right("2.3")
def by_the_first_line(address: Address, path: str) -> int:
    with dial(address) as sock, sock.makefile("rwb") as file:
        file.write(request(path))
        file.flush()
        return int(file.readline().split()[1])


@right("2.3")
def by_the_library(address: Address, path: str) -> int:
    connection = http.client.HTTPConnection(str(address.host), int(address.port), timeout=2)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        return connection.getresponse().status
    finally:
        connection.close()


@wrong("2.4", "it raised ConnectionRefusedError: ")
def the_first_alone(entries: Sequence[AddrInfo]) -> socket.socket:
    return connect(entries[0])


@wrong("2.4", "it raised OSError: [Errno 97]")
def made_outside_the_try(entries: Sequence[AddrInfo]) -> socket.socket:
    last = OSError()
    for entry in entries:
        sock = socket.socket(entry.family, entry.type, entry.proto)
        try:
            sock.connect(entry.sockaddr)
            return sock
        except OSError as error:
            sock.close()
            last = error
    raise last


@wrong("2.4", "a socket is never closed: it is only forgotten")
def forgets_to_close(entries: Sequence[AddrInfo]) -> socket.socket:
    last = OSError()
    for entry in entries:
        try:
            sock = socket.socket(entry.family, entry.type, entry.proto)
            sock.connect(entry.sockaddr)
            return sock
        except OSError as error:
            last = error
    raise last


@wrong("2.4", "it leaves something open: a socket is open, not connected")
def keeps_what_failed(entries: Sequence[AddrInfo]) -> socket.socket:
    last = OSError()
    for entry in entries:
        try:
            sock = socket.socket(entry.family, entry.type, entry.proto)
            KEPT.append(sock)
            sock.connect(entry.sockaddr)
            return sock
        except OSError as error:
            last = error
    raise last


@wrong("2.4", "none worked, and it raises nothing")
def gives_up_quietly(entries: Sequence[AddrInfo]) -> socket.socket | None:
    for entry in entries:
        try:
            return connect(entry)
        except OSError:
            continue
    return None


@wrong("2.4", "none worked, and the error is not the last one: no entry worked")
def own_words(entries: Sequence[AddrInfo]) -> socket.socket:
    found = gives_up_quietly(entries)
    if found is None:
        raise OSError("no entry worked")
    return found


@wrong("2.4", "the socket that it returns is closed")
def closed_again(entries: Sequence[AddrInfo]) -> socket.socket:
    with own_words(entries) as sock:
        return sock


@wrong("2.4", "it raised UnboundLocalError: ")
def name_after_as(entries: Sequence[AddrInfo]) -> socket.socket:
    for entry in entries:
        try:
            return connect(entry)
        except OSError as error:
            errno = error.errno
    raise error or errno  # type: ignore[misc]  # noqa: F821


@wrong("2.4", "the socket that it returns is not connected")
def only_made(entries: Sequence[AddrInfo]) -> socket.socket:
    for entry in entries:
        try:
            return socket.socket(entry.family, entry.type, entry.proto)
        except OSError:
            continue
    raise OSError


@right("2.4")
def entry_by_entry(entries: Sequence[AddrInfo]) -> socket.socket:
    first, *rest = entries
    try:
        return connect(first)
    except OSError:
        if not rest:
            raise
    return entry_by_entry(rest)


@right("2.4")
def by_exit_stack(entries: Sequence[AddrInfo]) -> socket.socket:
    last: OSError | None = None
    for entry in entries:
        with ExitStack() as stack:
            try:
                sock = stack.enter_context(socket.socket(entry.family, entry.type, entry.proto))
                sock.setblocking(False)
                sock.connect_ex(entry.sockaddr)
                select.select([], [sock], [], 2)
                failed = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if failed:
                    raise OSError(failed, "connect")
                sock.setblocking(True)
            except OSError as error:
                last = error
            else:
                stack.pop_all()
                return sock
    raise last or OSError
