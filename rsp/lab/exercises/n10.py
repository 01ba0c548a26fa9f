"""Checks of notebook 10."""

from collections import deque
from collections.abc import Callable, Iterator

from rsp.http1.message import BadRequest, Limits
from rsp.http1.requests import take_request
from rsp.lab.checks import Wrong, exercise, expect
from rsp.lab.readers import lenient, literal

Feed = Callable[[bytes], int | None]
HEAD = b"GET / HTTP/1.1\r\nHost: a.test"
BLANK = b"\r\n\r\n"
SIGNS = b"!#$%&'*+-.^_`|~"


def cut(message: bytes, at: int) -> list[bytes]:
    """Return a message in two pieces."""
    return [message[:at], message[at:]]


def in_bytes(message: bytes) -> list[bytes]:
    """Return a message byte by byte."""
    return [bytes([byte]) for byte in message]


@exercise("10.1")
def finds_the_end(head_finder: Callable[[], Feed]) -> None:
    """However it is cut; once; by itself; without keeping what has come."""
    expect(callable(head_finder()), "it returns no function")
    message = HEAD + BLANK + b"more\r\n\r\n"
    end = len(HEAD + BLANK)
    found = head_finder()(message)
    expect(found == end, f"a head of {end} bytes comes in one piece, with more behind: {found}")
    for at in range(1, end):
        feed = head_finder()
        first, second = map(feed, cut(message, at))
        told = f"of a head of {end} bytes {at} come, ending in {message[at - 1 : at]!r}"
        expect(first is None, f"{told}, and it finds an end: {first}")
        expect(second == end - at, f"{told}, and in the next piece it finds {second}")
    doubled = b"GET / HTTP/1.1\r\r\n\r\n"
    found = head_finder()(doubled)
    expect(found == len(doubled), f"of the bytes CR CR LF CR LF the last four count: {found}")
    one, two = head_finder(), head_finder()
    one(HEAD + b"\r\n\r")
    expect(two(b"\n") is None, "one finder knows what was fed to another one")
    feed = head_finder()
    feed(b"x" * 100)
    kept = held_by(feed)
    expect(kept <= len(BLANK), f"of a piece of 100 bytes it keeps {kept}")


def held_by(feed: Feed) -> int:
    """Return how many bytes a function keeps in what it remembers."""
    owner = getattr(feed, "__self__", feed)
    cells = [cell.cell_contents for cell in getattr(feed, "__closure__", None) or ()]
    cells += getattr(owner, "__dict__", {}).values()
    cells += [getattr(owner, name, None) for name in getattr(type(owner), "__slots__", ())]
    return max((size_of(each) for each in cells), default=0)


def size_of(kept: object) -> int:
    """Return how many bytes something holds."""
    if isinstance(kept, bytes | bytearray):
        return len(kept)
    if isinstance(kept, list | tuple | deque):
        return sum(1 if isinstance(each, int) else size_of(each) for each in kept)
    return 0


ACCEPTED = {
    b"Host: shop.test": (b"host", b"shop.test"),
    b"X-Empty:": (b"x-empty", b""),
    b"A:\t two words \t": (b"a", b"two words"),
    b"X-Time: 12:30": (b"x-time", b"12:30"),
    b"X-Name: J\xc3\xb6rg": (b"x-name", b"J\xc3\xb6rg"),
    SIGNS + b": 1": (SIGNS, b"1"),
    b"X-Odd: \xa0 \x85": (b"x-odd", b"\xa0 \x85"),
}
REFUSED = {
    b"Host : shop.test": "a space before the colon",
    b"Host\t: shop.test": "a tab before the colon",
    b" Host: shop.test": "a space before the name: a folded line",
    b": nothing": "no name",
    b"no colon": "no colon",
    b"": "nothing at all",
    b"X(1): a": "a bracket in the name",
    b"X\xc3\xb6: a": "a letter that is not ASCII in the name",
    b"X: a\rb": "a CR in the value",
    b"X: a\nb": "an LF in the value",
    b"X: a\x00b": "a NUL in the value",
    b"X: a\x7fb": "a DEL in the value",
    b"X: a\x0b": "a vertical tab behind the value",
    b"X:\x0ca": "a form feed before the value",
    b"X: a\n": "an LF behind the value",
    b"X\n: a": "an LF behind the name",
}


@exercise("10.2")
def reads_a_field(read_field: Callable[[bytes], tuple[bytes, bytes]]) -> None:
    """What is in the grammar is read; what is not is refused."""
    for line, wanted in ACCEPTED.items():
        try:
            got = read_field(line)
        except ValueError as error:
            raise Wrong(f"{line!r} is a field, and it raises ValueError: {error}") from error
        expect(got == wanted, f"of {line!r} it returns {got!r}")
    for line, what in REFUSED.items():
        try:
            got = read_field(line)
        except ValueError:
            continue
        raise Wrong(f"{what} is no mistake to it: of {line!r} it returns {got!r}")


class Stream:
    """What `recv` gives: piece by piece, then the end; how much was taken is counted."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces, self.taken, self.ended = pieces, 0, 0

    def recv(self, size: int = 0) -> bytes:
        """Return the next piece. Raises Wrong when nobody notices the end."""
        data = next(self.pieces, b"")
        self.taken += len(data)
        self.ended += not data
        expect(self.ended < 100, "the stream has ended, and it goes on reading")
        expect(self.taken < 100_000, "100,000 bytes of a head have come, and it goes on reading")
        return data


@exercise("10.3")
def reads_a_head(read_head: Callable[[Callable[[], bytes], int], tuple[bytes, bytes]]) -> None:
    """At the limit it passes and beyond it does not, however it comes."""
    size = len(HEAD)
    whole = HEAD + BLANK + b"x" * 500
    for pieces in ([whole], in_bytes(whole), cut(whole, size + 2)):
        got = outcome(read_head, Stream(iter(pieces)), size)
        said = f"a head of {size} bytes, limit {size}, {how(pieces)}"
        if not isinstance(got, tuple) or len(got) != 2:
            raise Wrong(f"{said}: {told(got)}")
        expect(got[0] == HEAD, f"{said}: the head that it returns is {got[0]!r}")
        wanted = b"" if len(pieces) > 2 else whole[size + len(BLANK) :]
        said = f"{said}, {len(wanted)} bytes behind it"
        expect(got[1] == wanted, f"{said}: it returns {len(got[1])} of them")
    for pieces in ([whole], in_bytes(whole), cut(whole, size + 2)):
        got = outcome(read_head, Stream(iter(pieces)), size - 1)
        said = f"a head of {size} bytes, limit {size - 1}, {how(pieces)}"
        expect(isinstance(got, ValueError), f"{said}: {told(got)}")
    endless = Stream(iter(b"x" * 10 for _ in range(20_000)))
    got = outcome(read_head, endless, 1_000)
    expect(isinstance(got, ValueError), f"a head without an end, limit 1,000: {told(got)}")
    expect(endless.taken <= 1_020, f"limit 1,000, and it has read {endless.taken:,} bytes")
    for pieces in ([], [HEAD], [HEAD + b"\r\n\r"]):
        got = outcome(read_head, Stream(iter(pieces)), 1_000)
        come = sum(map(len, pieces))
        expect(isinstance(got, EOFError), f"the stream ends after {come} bytes: {told(got)}")


def outcome(
    read_head: Callable[[Callable[[], bytes], int], tuple[bytes, bytes]],
    stream: Stream,
    limit: int,
) -> object:
    """Return what it returns, or the error that was to be raised."""
    try:
        return read_head(stream.recv, limit)
    except (ValueError, EOFError) as error:
        return error


def how(pieces: list[bytes]) -> str:
    """Return in words how a message is cut."""
    return {1: "in one piece", 2: "in two pieces"}.get(len(pieces), "byte by byte")


def told(got: object) -> str:
    """Return in words what came of it."""
    if isinstance(got, Exception):
        return f"{type(got).__name__} {got}".strip()
    return f"it returns {got!r}" if not isinstance(got, tuple) else "it is taken"


@exercise("10.4")
def hides_a_host(hidden: Callable[[], bytes]) -> None:
    """Three readers, and two hosts."""
    message = hidden()
    expect(isinstance(message, bytes), f"it returns {type(message).__name__}, not bytes")
    try:
        found = take_request(message, Limits())
    except BadRequest as error:
        raise Wrong(f"the package's reader refuses it: {error.status}, {error}") from error
    expect(found, "the package's reader waits for more: where is the empty line?")
    end = found[1] if found else 0
    expect(end == len(message), "there is something behind the empty line")
    for name, read, wanted in (
        ("literal", literal, "shop.test"),
        ("lenient", lenient, "admin.test"),
    ):
        host = read(message)
        expect(host == wanted, f"{name} reads {host or 'no host'}, not {wanted}")
