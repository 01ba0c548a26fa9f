"""Checks of notebook 02."""

import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

from rsp.lab.backends import Backend
from rsp.lab.checks import Wrong, exercise, expect
from rsp.lab.exercises.given import all_closed, cut, fed, impatient, in_pieces
from rsp.lab.settings import HOST
from rsp.lab.tempers import answering, pattern, response
from rsp.net import Address, AddrInfo, resolve

LONG = 50_000  # bytes: more than one read of 4,096 gives


def expect_bytes(got: object) -> None:
    """Ask for bytes; those that can be changed are as good."""
    expect(got is not None, "it returns nothing")
    expect(isinstance(got, bytes | bytearray), f"it returns {type(got).__name__}, not bytes")


@exercise("2.1")
def reads_to_the_end(recv_until_end: Callable[[socket.socket], bytes]) -> None:
    """All bytes, however they come."""
    data = pattern(LONG)
    for how, pieces in {"at once": [data], "in three pieces": cut(data, 20_000)}.items():
        with fed(pieces) as sock:
            got = recv_until_end(sock)
        expect_bytes(got)
        expect(len(got) == LONG, f"{LONG:,} bytes came {how}, and it returns {len(got):,}")
        expect(bytes(got) == data, f"of what came {how} the order is wrong")
    with fed([]) as sock:
        got = recv_until_end(sock)
    expect(got == b"", f"a stream that ends at once has no bytes, and it returns {got!r}")


@exercise("2.2")
def reads_exactly(recv_exactly: Callable[[socket.socket, int], bytes]) -> None:
    """So many bytes, not one of the next message, and EOFError for too few."""
    data = pattern(10_000)
    for how, pieces in {"at once": [data], "in pieces": cut(data, 999)}.items():
        with fed(pieces) as sock:
            got = recv_exactly(sock, 6_000)
            expect_bytes(got)
            asked = f"asked for 6,000 of what came {how}, it returns {len(got):,}"
            expect(len(got) == 6_000, asked)
            expect(got == data[:6_000], f"of what came {how} the bytes are not the first ones")
            try:
                rest = recv_exactly(sock, 4_000)
            except EOFError:
                rest = b""
            expect(rest == data[6_000:], "it took bytes that belong to the next call")
    with fed([data[:100]]) as sock:
        try:
            got = recv_exactly(sock, 101)
        except EOFError:
            return
    told = f"{len(got):,} bytes" if isinstance(got, bytes | bytearray) else repr(got)
    raise Wrong(f"101 bytes wanted, 100 came, then the end: it returns {told}")


@exercise("2.3")
def tells_the_status(status_of: Callable[[Address, str], int]) -> None:
    """The number, also when the first line comes byte by byte; what the server got is a request."""
    replies = {"/": response("x"), "/missing": response("x", "404 Not Found")}

    def reply(message: bytes) -> bytes:
        path = message.split(b" ")[1].decode() if message.count(b" ") > 1 else "/"
        return replies.get(path, response("x", "400 Bad Request"))

    for how, size in {"in one piece": 1000, "byte by byte": 1}.items():
        with all_closed(), Backend(in_pieces(reply, size)) as backend, impatient():
            for path, want in {"/": 200, "/missing": 404}.items():
                try:
                    got = status_of(backend.address, path)
                except TimeoutError:
                    expect_request(backend, path)
                    raise
                except (ValueError, IndexError) as error:
                    expect_request(backend, path)
                    if size > 1:
                        raise
                    kind = type(error).__name__
                    told = f"when the answer comes {how} it raises {kind}: {error}"
                    raise Wrong(told) from error
                expect_request(backend, path)
                expect(isinstance(got, int), f"it returns {type(got).__name__}, not a number")
                told = f"the status of {path} is {want}, and it returns {got}"
                expect(got == want, f"{told}, when the answer comes {how}")


def expect_request(backend: Backend, path: str) -> None:
    """Ask that what came last was a request for `path`."""
    heard = backend.requests[-1] if backend.requests else b""
    expect(
        b"\r\n\r\n" in heard,
        "the server still waits for the empty line; every line must end with \\r\\n",
    )
    expect(
        heard.startswith(f"GET {path} HTTP/1.1\r\n".encode()),
        f"the server got {heard[:30]!r}: is that a request line for {path}?",
    )
    expect(b"\r\nhost:" in heard.lower(), "the request has no Host field")
    expect(b"connection: close" in heard.lower(), "the server was not asked to close")


@exercise("2.4")
def connects_the_first(first_connected: Callable[[Sequence[AddrInfo]], socket.socket]) -> None:
    """The first that works; nothing stays open of those that do not."""
    with Backend(answering(), up=False, name="nobody") as dead, Backend(answering()) as backend:
        bad, good = resolve(dead.address)[0], resolve(backend.address)[0]
        odd = good._replace(family=9999)  # type: ignore[arg-type]
        for entries in ([good], [bad, good], [odd, bad, good], [good, bad]):
            count = len(backend.connections)
            with all_closed():
                sock = first_connected(entries)
                expect(sock is not None, "it returns nothing")
                kind = type(sock).__name__
                expect(isinstance(sock, socket.socket), f"it returns {kind}, not a socket")
                with sock:
                    expect(sock.fileno() != -1, "the socket that it returns is closed")
                    expect_connected(sock, backend)
                # The server's side, which is in this process, too, ends with ours.
                backend.wait_until(lambda: len(backend.connections) > count)  # noqa: B023
                backend.wait_until(lambda: backend.connections[-1].sock.fileno() == -1)
        with all_closed():
            try:
                first_connected([odd, bad])
            except ConnectionRefusedError:
                return
            except OSError as error:
                raise Wrong(f"none worked, and the error is not the last one: {error}") from None
            raise Wrong("none worked, and it raises nothing")


def expect_connected(sock: socket.socket, backend: Backend) -> None:
    """Ask that a socket is connected to the backend."""
    place = None
    with suppress(OSError):
        place = sock.getpeername()
    expect(place, "the socket that it returns is not connected")
    expect(place == (HOST, backend.port), "it is connected elsewhere")
