"""Checks of notebook 02."""

import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

from rsp.lab.backends import Backend
from rsp.lab.checks import Wrong, exercise, expect
from rsp.lab.ends import End
from rsp.lab.exercises.given import cut, fed
from rsp.lab.leaks import left_open, snapshot
from rsp.lab.settings import HOST
from rsp.lab.tempers import answering, linger, pattern, response
from rsp.net import Address, AddrInfo, resolve

LONG = 50_000  # bytes: more than one read of 4,096 gives


@exercise("2.1")
def reads_to_the_end(recv_until_end: Callable[[socket.socket], bytes]) -> None:
    """All bytes, however they come."""
    data = pattern(LONG)
    for how, pieces in {"at once": [data], "in three pieces": cut(data, 20_000)}.items():
        with fed(pieces) as sock:
            got = recv_until_end(sock)
        expect(isinstance(got, bytes | bytearray), f"it returns {type(got).__name__}, not bytes")
        expect(len(got) == LONG, f"{LONG:,} bytes came {how}, and it returns {len(got):,}")
        expect(bytes(got) == data, f"of what came {how} the order is wrong")
    with fed([]) as sock:
        expect(recv_until_end(sock) == b"", "a stream that ends at once is not empty")


@exercise("2.2")
def reads_exactly(recv_exactly: Callable[[socket.socket, int], bytes]) -> None:
    """So many bytes, not one of the next message, and EOFError for too few."""
    data = pattern(10_000)
    for how, pieces in {"at once": [data], "in pieces": cut(data, 999)}.items():
        with fed(pieces) as sock:
            got = recv_exactly(sock, 6_000)
            expect(got is not None, "it returns nothing")
            expect(
                len(got) == 6_000, f"asked for 6,000 of what came {how}, it returns {len(got):,}"
            )
            expect(
                bytes(got) == data[:6_000], f"of what came {how} the bytes are not the first ones"
            )
            rest = recv_exactly(sock, 4_000)
            expect(bytes(rest) == data[6_000:], "it took bytes that belong to the next call")
    with fed([data[:100]]) as sock:
        try:
            got = recv_exactly(sock, 101)
        except EOFError:
            return
        raise Wrong(f"101 bytes wanted, 100 came, then the end: it returns {len(got):,} bytes")


@exercise("2.3")
def tells_the_status(status_of: Callable[[Address, str], int]) -> None:
    """The number, also when the first line comes byte by byte; what the server got is a request."""
    replies = {"/": response("x"), "/missing": response("x", "404 Not Found")}

    def byte_by_byte(end: End, backend: Backend) -> None:
        message = backend.take(end)
        path = message.split(b" ")[1].decode() if message.count(b" ") > 1 else "/"
        for data in cut(replies.get(path, response("x", "400 Bad Request")), 1):
            end.send(data)
        linger(end)

    with Backend(byte_by_byte) as backend:
        for path, want in {"/": 200, "/missing": 404}.items():
            got = status_of(backend.address, path)
            heard = backend.requests[-1] if backend.requests else b""
            expect(heard, "the server got no request that ends with an empty line")
            expect(
                heard.startswith(f"GET {path} HTTP/1.1\r\n".encode()),
                f"the server got {heard[:30]!r}: is that a request line for {path}?",
            )
            expect(b"\r\nhost:" in heard.lower(), "the request has no Host field")
            expect(b"connection: close" in heard.lower(), "the server was not asked to close")
            expect(isinstance(got, int), f"it returns {type(got).__name__}, not a number")
            expect(got == want, f"the status of {path} is {want}, and it returns {got}")


@exercise("2.4")
def connects_the_first(first_connected: Callable[[Sequence[AddrInfo]], socket.socket]) -> None:
    """The first that works; nothing stays open of those that do not."""
    with Backend(answering(), up=False, name="nobody") as dead, Backend(answering()) as backend:
        bad, good = resolve(dead.address)[0], resolve(backend.address)[0]
        odd = good._replace(family=9999)  # type: ignore[arg-type]
        for entries in ([good], [bad, good], [odd, bad, good], [good, bad]):
            before = snapshot()
            sock = first_connected(entries)
            expect(
                isinstance(sock, socket.socket), f"it returns {type(sock).__name__}, not a socket"
            )
            with sock:
                expect(sock.fileno() != -1, "the socket that it returns is closed")
                with suppress(OSError):
                    expect(sock.getpeername() == (HOST, backend.port), "it is connected elsewhere")
                opened = [words for words in left_open(before) if "socket" in words]
                expect(
                    len(opened) <= 2, "a socket that failed is still open"
                )  # its own, the server's
        try:
            first_connected([odd, bad])
        except ConnectionRefusedError:
            return
        except OSError as error:
            raise Wrong(f"none worked, and the error is not the last one: {error}") from None
        raise Wrong("none worked, and it raises nothing")
