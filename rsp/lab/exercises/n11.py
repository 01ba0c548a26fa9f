"""Checks of notebook 11."""

from collections.abc import Callable, Sequence

from rsp.lab.careless import by_chunks, by_length, messages_in, name_of
from rsp.lab.checks import exercise, expect
from rsp.lab.clients import request

Fields = list[tuple[str, str]]
Take = Callable[[bytes], tuple[bytes, bytes]]
LENGTH, CODING = "Content-Length", "Transfer-Encoding"

BODIES: Sequence[tuple[Fields, int | str]] = [
    ([("Accept", "*/*")], 0),
    ([(LENGTH, "12")], 12),
    ([("CONTENT-LENGTH", "0")], 0),
    ([(CODING, "chunked")], "chunked"),
    ([("transfer-encoding", "Chunked")], "chunked"),
    ([(LENGTH, "5"), (CODING, "chunked")], "refuse"),
    ([(CODING, "chunked"), ("content-length", "5")], "refuse"),
    ([(LENGTH, "5"), (LENGTH, "6")], "refuse"),
    ([(LENGTH, "5"), ("content-length", "5")], "refuse"),
    ([(LENGTH, "5, 5")], "refuse"),
    ([(LENGTH, "+5")], "refuse"),
    ([(LENGTH, "-5")], "refuse"),
    ([(LENGTH, "5_0")], "refuse"),
    ([(LENGTH, "0x5")], "refuse"),
    ([(LENGTH, "")], "refuse"),
    ([(LENGTH, "\u0665")], "refuse"),
    ([(CODING, "xchunked")], "refuse"),
    ([(CODING, "chunked, gzip")], "refuse"),
    ([(CODING, "chunked"), (CODING, "chunked")], "refuse"),
    ([(CODING, "")], "refuse"),
]


def told(fields: Fields) -> str:
    """Return fields as they stand in a head."""
    return " and ".join(f"`{name}: {value}`" for name, value in fields)


@exercise("11.1")
def finds_the_body(body_of: Callable[[Fields], int | str]) -> None:
    """A number, "chunked" or "refuse" for each list of fields, and the list as it was."""
    for fields, want in BODIES:
        given = list(fields)
        try:
            got = body_of(given)
        except ValueError as error:
            expect(False, f"{told(fields)}: it raised ValueError: {error}")
        right = got == want and type(got) is type(want)
        expect(right, f"{told(fields)}: it returned {got!r}")
        expect(given == fields, "it changed the list of fields")


WHOLE = b"5\r\nhello\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n"
CONTENT = b"helloabcdefghijklmnopqrstuvwxyz"
MALFORMED = {
    b"+5\r\nhello\r\n0\r\n\r\n": "a sign before a size",
    b"0x5\r\nhello\r\n0\r\n\r\n": "a prefix before a size",
    b"0_5\r\nhello\r\n0\r\n\r\n": "an underscore in a size",
    b" 5\r\nhello\r\n0\r\n\r\n": "a space before a size",
    b"5 \r\nhello\r\n0\r\n\r\n": "a space behind a size",
    b"\r\nhello\r\n0\r\n\r\n": "no size at all",
    b"5\nhello\r\n0\r\n\r\n": "an LF alone behind a size",
    b"4\r\nhello\r\n0\r\n\r\n": "a chunk that is longer than its size",
    b"5\r\nhelloXX0\r\n\r\n": "two letters where the CRLF of a chunk should be",
    b"5\r\nhello\r\n0\r\nX: y\r\n\r\n": "a field where the empty line should be",
    b"0000000000000005\r\nhello\r\n0\r\n\r\n": "16 digits",
}


@exercise("11.2")
def reads_chunks(unchunk: Callable[[bytes], tuple[bytes, bytes] | None]) -> None:
    """The content and the rest; None for each beginning; ValueError for what cannot become one."""
    behind = b"GET / HTTP/1.1\r\n"
    for data, want in [
        (WHOLE, (CONTENT, b"")),
        (WHOLE + behind, (CONTENT, behind)),
        (b"0\r\n\r\n", (b"", b"")),
        (b"6\r\na\r\n0\r\n\r\n0\r\n\r\n", (b"a\r\n0\r\n", b"")),
    ]:
        got = unchunk(data)
        expect(got == want, f"for {data!r} it returned {got!r}")
    for count in range(len(WHOLE)):
        try:
            got = unchunk(WHOLE[:count])
        except ValueError:
            expect(False, f"for {WHOLE[:count]!r} it raised ValueError, and more may come")
        expect(got is None, f"for {WHOLE[:count]!r} it returned {got!r}")
    for data, what in MALFORMED.items():
        expect(refuses(unchunk, data), f"{what} was not refused: {data!r}")
    expect(refuses(unchunk, b"x"), "b'x' was not refused: no size begins so, whatever comes")


def refuses(unchunk: Callable[[bytes], object], data: bytes) -> bool:
    """Tell whether it raises ValueError."""
    try:
        unchunk(data)
    except ValueError:
        return True
    return False


@exercise("11.3")
def hides_a_request(hide: Callable[[bytes], bytes]) -> None:
    """One request by the chunks; by the length two, and the second is the one that was given."""
    for hidden in (
        request("/admin", Connection="keep-alive"),
        request("/" + "a" * 300, "DELETE"),
    ):
        data = hide(hidden)
        expect(isinstance(data, bytes), f"it returned {type(data).__name__}, not bytes")
        by_the_chunks = messages_in(data, by_chunks)
        by_the_length = messages_in(data, by_length)
        expect(name_of(data) == "POST /", f"it begins with {data[:16]!r}")
        head = data.partition(b"\r\n\r\n")[0].lower()
        expect(b"\r\nhost:" in head, "a request without Host is refused before that")
        found = len(by_the_chunks)
        one = found == 1 and by_chunks(data) == len(data)
        expect(one, f"the proxy finds no whole request, or {found} parts, in {data!r}")
        expect(len(by_the_length) > 1, "the backend finds one request, too")
        second = by_the_length[1]
        expect(second == hidden, f"the backend's second request is {second[:40]!r}")


@exercise("11.4")
def stops_a_body_in_time(limited: Callable[[Take, int], Take]) -> None:
    """What fits passes as it was; the first byte too many raises."""
    take = limited(without_dots, 6)
    expect(callable(take), f"it returns {type(take).__name__}, not a function")
    try:
        got = [take(b".ab..|x"), take(b"....."), take(b"cdef"), take(b"")]
    except ValueError:
        expect(False, "6 bytes of content are allowed, and at 6 it raised ValueError")
    expect(got[0] == (b"ab", b"x"), f"take gave (b'ab', b'x'), and it returned {got[0]!r}")
    expect(got[2] == (b"cdef", b""), f"take gave (b'cdef', b''), and it returned {got[2]!r}")
    expect(refuses(take, b"g"), "6 bytes are allowed, in four calls 7 came, and it did not raise")
    other = limited(without_dots, 3)
    expect(other(b"abc") == (b"abc", b""), "a second body begins where the first one stopped")
    expect(refuses(limited(without_dots, 0), b"a"), "of 0 bytes it let one pass")


def without_dots(data: bytes) -> tuple[bytes, bytes]:
    """Take what is before a bar; dots are no content, as sizes are none."""
    body, _, rest = data.partition(b"|")
    return body.replace(b".", b""), rest
