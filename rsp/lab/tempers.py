"""The tempers of backends: how each treats a connection.

`with Backend(answering("hello")) as backend:` is a real server that is ready; leaving stops it.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache

from rsp.lab.backends import Backend, Temper
from rsp.lab.ends import End
from rsp.lab.rest import Doing

LARGE = 3 * 1024 * 1024  # bytes; a stage that waits for a slow reader holds less than this
TYPES = {"css": "text/css", "html": "text/html; charset=utf-8", "svg": "image/svg+xml"}

Reply = Callable[[bytes, Backend], bytes]


def response(body: bytes | str, status: str = "200 OK", **fields: str) -> bytes:
    """Return an HTTP response as bytes, framed by its length."""
    body = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    named = {"Content-Length": str(len(body)), **named}  # another one takes its place
    lines = [f"{name}: {value}" for name, value in named.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode() + body


@cache
def pattern(size: int) -> bytes:
    """Return `size` bytes in which a lost or a doubled piece shows."""
    return b"".join(b"%07d\n" % number for number in range(size // 8 + 1))[:size]


def linger(end: End) -> None:
    """End our side and wait for the other one: closing at once could cut what is on its way."""
    end.half_close()
    with suppress(OSError):
        end.recv_all()


def replying(reply: Reply, *, keep_alive: bool = False) -> Temper:
    """Answer each request with `reply(request, backend)`; close after the first, or keep alive."""

    def temper(end: End, backend: Backend) -> None:
        while message := backend.take(end):
            end.send(reply(message, backend))
            if not keep_alive:
                break
        linger(end)

    return temper


def answering(body: bytes | str = "hello\n", *, keep_alive: bool = False) -> Temper:
    """Answer at once with `body`, and close; with `keep_alive`, wait for the next request."""
    data = response(body, Connection="keep-alive" if keep_alive else "close")
    return replying(lambda *_: data, keep_alive=keep_alive)


def site(pages: Mapping[str, str], *, keep_alive: bool = False) -> Temper:
    """Serve a few pages: path → text; anything else is 404 Not Found."""

    def reply(message: bytes, _: Backend) -> bytes:
        path = message.split(b" ", 2)[1].decode()
        if path not in pages:
            return response(f"no {path} here\n", "404 Not Found")
        kind = TYPES.get(path.rpartition(".")[2], TYPES["html"])
        return response(pages[path], Content_Type=kind)

    return replying(reply, keep_alive=keep_alive)


def slow(seconds: float, body: bytes | str = "at last\n") -> Temper:
    """Answer after so many seconds."""
    data = response(body, Connection="close")

    def temper(end: End, backend: Backend) -> None:
        if backend.take(end):
            with end.busy_with(Doing.NOTHING):
                backend.stopping.wait(seconds)
            end.send(data)
            linger(end)

    return temper


def holding(body: bytes | str = "at last\n") -> Temper:
    """Answer when the experiment calls `release()`: slow without a clock."""

    data = response(body, Connection="close")

    def temper(end: End, backend: Backend) -> None:
        if backend.take(end):
            backend.hold(end)
            end.send(data)
            linger(end)

    return temper


def dripping(pieces: int = 5, pause: float = 0.01) -> Temper:
    """Answer in drips: the head, then a line at a time, with a pause of so many seconds."""
    lines = [b"drip %d\n" % number for number in range(1, pieces + 1)]
    head = response(b"".join(lines), Connection="close").partition(b"drip")[0]

    def temper(end: End, backend: Backend) -> None:
        if backend.take(end):
            for data in [head, *lines]:
                end.send(data)
                backend.stopping.wait(pause)
            linger(end)

    return temper


def in_two_parts(first: str = "the first part, ", second: str = "and the rest\n") -> Temper:
    """Send the head and the first part; the second only after `release()`."""
    whole = response(first + second, Connection="close")

    def temper(end: End, backend: Backend) -> None:
        if backend.take(end):
            end.send(whole.removesuffix(second.encode()))
            backend.hold(end)
            end.send(second)
            linger(end)

    return temper


def large(size: int = LARGE) -> Temper:
    """Answer with a body of `size` bytes, `pattern(size)`, in which a lost piece shows."""
    return answering(pattern(size))


def silent() -> Temper:
    """Take everything and never answer."""

    def temper(end: End, _: Backend) -> None:
        end.recv_all()

    return temper


def resetting(after: bytes = b"") -> Temper:
    """Take a request, send `after`, wait for `release()` if that is anything, then reset."""

    def temper(end: End, backend: Backend) -> None:
        if backend.take(end):
            if after:
                end.send(after)
                backend.hold(end)  # a reset may overtake bytes that nobody has read yet
            end.abort()

    return temper


def closing_early(body: str = "half of what was promised") -> Temper:
    """Promise twice as much as it sends, then close."""
    lie = response(body, Content_Length=str(2 * len(body)), Connection="close")
    return replying(lambda *_: lie)


def hanging_up() -> Temper:
    """Close every connection at once, without a word."""
    return lambda end, _: end.close()


def echoing() -> Temper:
    """Send back every byte, until the other side ends."""

    def temper(end: End, _: Backend) -> None:
        while data := end.recv():
            end.send(data)
        end.half_close()

    return temper


def counting() -> Temper:
    """Answer the first request with 1, the second with 2, and so on."""
    return replying(lambda _, backend: response(f"{len(backend.requests)}\n", Connection="close"))
