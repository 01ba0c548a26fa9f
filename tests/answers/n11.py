"""Answers to the exercises of notebook 11."""

import re
from collections.abc import Callable

from rsp.lab.exercises.n11 import Fields, Take
from tests.answers import right, wrong

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n"


@wrong("11.1", "`Content-Length: 5` and `Transfer-Encoding: chunked`: it returned 'chunked'")
def trusts_the_chunks(fields: Fields) -> int | str:
    named = {name.lower(): value for name, value in fields}
    if named.get("transfer-encoding", "").lower() == "chunked":
        return "chunked"
    return int(named.get("content-length", "0"))


@wrong("11.1", "`CONTENT-LENGTH: 0`: it returned 'refuse'")
def knows_one_spelling(fields: Fields) -> int | str:
    names = [name for name, _ in fields]
    if names == ["Content-Length"] and fields[0][1].isdecimal():
        return int(fields[0][1])
    return 0 if "Accept" in names else "refuse"


@wrong("11.1", "`Content-Length: 5` and `content-length: 5`: it returned 5")
def takes_what_is_alike(fields: Fields) -> int | str:
    lengths = {value for name, value in fields if name.lower() == "content-length"}
    codings = [value for name, value in fields if name.lower() == "transfer-encoding"]
    if (lengths and codings) or len(lengths) > 1:
        return "refuse"
    if codings:
        return "chunked" if codings[0].lower() == "chunked" else "refuse"
    return int(lengths.pop()) if lengths else 0


@wrong("11.1", "`Content-Length: +5`: it returned 5")
def leaves_it_to_int(fields: Fields) -> int | str:
    lengths = [value for name, value in fields if name.lower() == "content-length"]
    codings = [value for name, value in fields if name.lower() == "transfer-encoding"]
    if (lengths and codings) or len(lengths) > 1 or len(codings) > 1:
        return "refuse"
    try:
        return codings[0].lower() if codings else int(lengths[0]) if lengths else 0
    except ValueError:
        return "refuse"


@wrong("11.1", "it changed the list of fields")
def takes_them_out(fields: Fields) -> int | str:
    fields.clear()
    return 0


@right("11.1")
def in_one_expression(fields: Fields) -> int | str:
    said = sorted(
        f"{name}={value}".lower()
        for name, value in fields
        if name.lower() in {"content-length", "transfer-encoding"}
    )
    if said == ["transfer-encoding=chunked"]:
        return "chunked"
    match = re.fullmatch(r"(?:content-length=([0-9]{1,18}))?", ";".join(said))
    return int(match[1] or 0) if match else "refuse"


@wrong("11.2", "for b'' it returned (b'', b'')")
def never_waits(data: bytes) -> tuple[bytes, bytes] | None:
    content = b""
    while data:
        line, _, data = data.partition(b"\r\n")
        size = int(line, 16)
        content, data = content + data[:size], data[size + 2 :]
        if not size:
            break
    return content, data


@wrong("11.2", "a sign before a size was not refused")
def reads_with_int(data: bytes) -> tuple[bytes, bytes] | None:
    content = b""
    while b"\r\n" in data:
        line, _, data = data.partition(b"\r\n")
        size = int(line, 16)
        if len(data) < size + 2:
            return None
        if not size:
            return content, data[2:]
        content, data = content + data[:size], data[size + 2 :]
    return None


@wrong("11.2", "a chunk that is longer than its size was not refused")
def looks_not_behind_it(data: bytes) -> tuple[bytes, bytes] | None:
    content = b""
    while match := re.match(rb"([0-9A-Fa-f]{1,15})\r\n", data):
        size, data = int(match[1], 16), data[match.end() :]
        if len(data) < size + 2:
            return None
        if not size and data.startswith(b"\r\n"):
            return content, data[2:]
        content, data = content + data[:size], data[size + 2 :]
        if data and not re.match(rb"[0-9A-Fa-f]{1,15}(\r|$)", data):
            return None
    if not re.fullmatch(rb"[0-9A-Fa-f]{0,15}\r?", data) or data == b"\r":
        raise ValueError
    return None


@wrong("11.2", "and more may come")
def refuses_what_is_not_all_there(data: bytes) -> tuple[bytes, bytes] | None:
    match = re.match(rb"([0-9A-Fa-f]{1,15})\r\n", data)
    if not match:
        raise ValueError("no size")
    size, rest = int(match[1], 16), data[match.end() :]
    content, behind = rest[:size], rest[size:]
    if not behind.startswith(b"\r\n"):
        raise ValueError("no end")
    if not size:
        return b"", behind[2:]
    found = refuses_what_is_not_all_there(behind[2:])
    return found and (content + found[0], found[1])


@right("11.2")
def a_byte_at_a_time(data: bytes) -> tuple[bytes, bytes] | None:
    content, digits, left, due = bytearray(), "", 0, "size"
    for at, byte in enumerate(data):
        letter = chr(byte)
        if due == "size" and letter in "0123456789abcdefABCDEF" and len(digits) < 15:
            digits += letter
        elif due == "size" and letter == "\r" and digits:
            left, digits, due = int(digits, 16), "", "lf of " + ("size" if int(digits, 16) else "0")
        elif due == "lf of size" and letter == "\n":
            due = "data"
        elif due == "data":
            content.append(byte)
            left -= 1
            due = "data" if left else "cr"
        elif due == "cr" and letter == "\r":
            due = "lf"
        elif due == "lf" and letter == "\n":
            due = "size"
        elif due == "lf of 0" and letter == "\n":
            due = "last cr"
        elif due == "last cr" and letter == "\r":
            due = "last lf"
        elif due == "last lf" and letter == "\n":
            return bytes(content), data[at + 1 :]
        else:
            raise ValueError(f"{letter!r}, where {due} is due")
    return None


@wrong("11.3", "the backend finds one request, too")
def covers_all(hidden: bytes) -> bytes:
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(hidden), hidden)
    return HEAD % len(body) + body


@wrong("11.3", "a request without Host is refused before that")
def without_a_host(hidden: bytes) -> bytes:
    return behind_a_chunk_of_its_own(hidden).replace(b"Host: a\r\n", b"", 1)


@wrong("11.3", "the proxy finds no whole request, or 2 parts")
def the_other_way_round(hidden: bytes) -> bytes:
    return HEAD % (5 + len(hidden)) + b"0\r\n\r\n" + hidden


@wrong("11.3", "the proxy finds no whole request")
def says_the_size_in_decimal(hidden: bytes) -> bytes:
    size = b"%d\r\n" % len(hidden)
    return HEAD % len(size) + size + hidden + b"\r\n0\r\n\r\n"


@wrong("11.3", "the backend's second request is b'\\r\\nGET")
def ends_before_the_line_does(hidden: bytes) -> bytes:
    size = b"%x" % len(hidden)
    return HEAD % len(size) + size + b"\r\n" + hidden + b"\r\n0\r\n\r\n"


@right("11.3")
def behind_a_chunk_of_its_own(hidden: bytes) -> bytes:
    before = b"1\r\nx\r\n%X\r\n" % len(hidden)
    return HEAD % len(before) + before + hidden + b"\r\n0\r\n\r\n"


@wrong("11.4", "6 bytes of content are allowed, and at 6 it raised")
def counts_what_came(take: Take, most: int) -> Take:
    came = 0

    def limit(data: bytes) -> tuple[bytes, bytes]:
        nonlocal came
        came += len(data)
        if came > most:
            raise ValueError
        return take(data)

    return limit


@wrong("11.4", "in four calls 7 came, and it did not raise")
def each_call_for_itself(take: Take, most: int) -> Take:
    def limit(data: bytes) -> tuple[bytes, bytes]:
        content, rest = take(data)
        if len(content) > most:
            raise ValueError
        return content, rest

    return limit


LEFT: dict[str, int] = {}


@wrong("11.4", "it raised ValueError")
def one_count_for_all(take: Take, most: int) -> Take:
    LEFT.setdefault("left", most)

    def limit(data: bytes) -> tuple[bytes, bytes]:
        content, rest = take(data)
        LEFT["left"] -= len(content)
        if LEFT["left"] < 0:
            raise ValueError("too much")
        return content, rest

    return limit


@wrong("11.4", "6 bytes of content are allowed, and at 6 it raised")
def stops_one_too_early(take: Take, most: int) -> Take:
    came = 0

    def limit(data: bytes) -> tuple[bytes, bytes]:
        nonlocal came
        content, rest = take(data)
        came += len(content)
        if came >= most:
            raise ValueError
        return content, rest

    return limit


class Limit:
    """A right answer may be an object that is called."""

    def __init__(self, take: Take, most: int) -> None:
        self.take, self.most, self.sizes = take, most, [0]

    def __call__(self, data: bytes) -> tuple[bytes, bytes]:
        found = self.take(data)
        self.sizes.append(len(found[0]))
        if sum(self.sizes) > self.most:
            raise ValueError
        return found


@right("11.4")
def an_object(take: Take, most: int) -> Callable[[bytes], tuple[bytes, bytes]]:
    return Limit(take, most)
