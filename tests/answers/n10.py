"""Answers to the exercises of notebook 10."""

import re
import string
from collections import deque
from collections.abc import Callable, Generator

from tests.answers import right, wrong

Feed = Callable[[bytes], int | None]
Recv = Callable[[], bytes]
FORM = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)")
BLANK = b"\r\n\r\n"


@wrong("10.1", "29 come, ending in b'\\r', and in the next piece it finds 11")
def each_piece_by_itself() -> Feed:
    def feed(piece: bytes) -> int | None:
        end = piece.find(BLANK)
        return end + 4 if end >= 0 else None

    return feed


@wrong("10.1", "of the bytes CR CR LF CR LF the last four count: None")
def back_to_nothing() -> Feed:
    state = 0

    def feed(piece: bytes) -> int | None:
        nonlocal state
        for place, byte in enumerate(piece, start=1):
            state = state + 1 if byte == BLANK[state] else 0
            if state == 4:
                return place
        return None

    return feed


@wrong("10.1", "1 come, ending in b'G', and in the next piece it finds 32")
def counted_from_the_start() -> Feed:
    received = b""

    def feed(piece: bytes) -> int | None:
        nonlocal received
        received += piece
        end = received.find(BLANK)
        return end + 4 if end >= 0 else None

    return feed


@wrong("10.1", "of a piece of 100 bytes it keeps 100")
def keeps_everything() -> Feed:
    received = b""

    def feed(piece: bytes) -> int | None:
        nonlocal received
        before, received = len(received), received + piece
        end = received.find(BLANK)
        return end + 4 - before if end >= 0 else None

    return feed


@wrong("10.1", "one finder knows what was fed to another one")
def one_for_all() -> Feed:
    return ALL


@right("10.1")
def by_the_last_three() -> Feed:
    last = b""

    def feed(piece: bytes) -> int | None:
        nonlocal last
        before = len(last)
        end = (last + piece).find(BLANK)
        last = (last + piece)[-3:]
        return end + 4 - before if end >= 0 else None

    return feed


@wrong("10.1", "of a piece of 100 bytes it keeps 100")
def a_window_that_grows() -> Feed:
    window: deque[int] = deque()

    def feed(piece: bytes) -> int | None:
        for place, byte in enumerate(piece, start=1):
            window.append(byte)
            if bytes(window).endswith(BLANK):
                return place
        return None

    return feed


class Slotted:
    """A finder that has no dict, and keeps what it needs."""

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last = b""

    def __call__(self, piece: bytes) -> int | None:
        before, received = len(self.last), self.last + piece
        self.last = received[-3:]
        end = received.find(BLANK)
        return end + 4 - before if end >= 0 else None


@right("10.1")
def without_a_dict() -> Feed:
    return Slotted()


def states() -> Generator[int | None, bytes]:
    """Take piece after piece; a generator is a machine, too."""
    state, found = 0, None
    while True:
        piece = yield found
        found = None
        for place, byte in enumerate(piece, start=1):
            state = state + 1 if byte == BLANK[state] else int(byte == BLANK[0])
            if state == 4:
                found = place
                break


@right("10.1")
def by_a_generator() -> Feed:
    machine = states()
    next(machine)
    return machine.send


@right("10.1")
def by_a_window() -> Feed:
    window: deque[int] = deque(maxlen=4)

    def feed(piece: bytes) -> int | None:
        for place, byte in enumerate(piece, start=1):
            window.append(byte)
            if bytes(window) == BLANK:
                return place
        return None

    return feed


class Shared:
    """A finder that is the same for everybody, and is fresh again after each head."""

    def __init__(self) -> None:
        self.state = 0

    def __call__(self, piece: bytes) -> int | None:
        for place, byte in enumerate(piece, start=1):
            fits = byte == BLANK[self.state]
            self.state = self.state + 1 if fits else 1 if byte == BLANK[0] else 0
            if self.state == 4:
                self.state = 0
                return place
        return None


ALL = Shared()


@wrong("10.2", "a space before the colon is no mistake to it")
def stripped(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon:
        raise ValueError("no colon")
    return name.strip().lower(), value.strip(b" \t")


@wrong("10.2", "b'X-Time: 12:30' is a field, and it raises ValueError")
def split_at_every_colon(line: bytes) -> tuple[bytes, bytes]:
    name, value = line.split(b":")
    return name.lower(), value.strip(b" \t")


@wrong("10.2", "a vertical tab behind the value is no mistake to it")
def stripped_first(line: bytes) -> tuple[bytes, bytes]:
    match = FORM.fullmatch(line.rstrip())
    if not match:
        raise ValueError("malformed")
    return match[1].lower(), match[2].strip(b" \t")


@wrong("10.2", "an LF behind the value is no mistake to it")
def up_to_a_dollar(line: bytes) -> tuple[bytes, bytes]:
    match = re.match(FORM.pattern + rb"$", line)
    if not match:
        raise ValueError("malformed")
    return match[1].lower(), match[2].strip(b" \t")


@wrong("10.2", "J\\xc3\\xb6rg' is a field, and it raises ValueError")
def ascii_alone(line: bytes) -> tuple[bytes, bytes]:
    line.decode("ascii")
    return by_sets(line)


@wrong("10.2", "of b'Host: shop.test' it returns (b'Host', b'shop.test')")
def as_it_came(line: bytes) -> tuple[bytes, bytes]:
    match = FORM.fullmatch(line)
    if not match:
        raise ValueError("malformed")
    return match[1], match[2].strip(b" \t")


@right("10.2")
def by_sets(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    signs = set((string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~").encode())
    visible = {9, *range(32, 127), *range(128, 256)}
    if not colon or not name or not set(name) <= signs or not set(value) <= visible:
        raise ValueError("no field")
    return name.lower(), value.strip(b"\t ")


@wrong("10.3", "100,000 bytes of a head have come, and it goes on reading")
def without_a_limit(recv: Recv, limit: int) -> tuple[bytes, bytes]:
    received = b""
    while BLANK not in received:
        data = recv()
        if not data:
            raise EOFError
        received += data
    head, _, rest = received.partition(BLANK)
    if len(head) > limit:
        raise ValueError("too long")
    return head, rest


@wrong("10.3", "limit 28, in one piece: ValueError")
def what_lies_behind_counts(recv: Recv, limit: int) -> tuple[bytes, bytes]:
    received = b""
    while BLANK not in received:
        data = recv()
        if not data:
            raise EOFError
        received += data
        if len(received) > limit:
            raise ValueError("too long")
    head, _, rest = received.partition(BLANK)
    return head, rest


@wrong("10.3", "the stream has ended, and it goes on reading")
def no_end(recv: Recv, limit: int) -> tuple[bytes, bytes]:
    received = b""
    while BLANK not in received:
        received += recv()
        if BLANK not in received and len(received) > limit + 3:
            raise ValueError("too long")
    head, _, rest = received.partition(BLANK)
    if len(head) > limit:
        raise ValueError("too long")
    return head, rest


@wrong("10.3", "limit 27, in one piece: it is taken")
def only_while_it_is_incomplete(recv: Recv, limit: int) -> tuple[bytes, bytes]:
    received = b""
    while BLANK not in received:
        data = recv()
        if not data:
            raise EOFError
        received += data
        if BLANK not in received and len(received) > limit + 3:
            raise ValueError("too long")
    head, _, rest = received.partition(BLANK)
    return head, rest


@wrong("10.3", "the head that it returns is b'GET / HTTP/1.1\\r\\nHost: a.test\\r\\n'")
def with_its_last_line_end(recv: Recv, limit: int) -> tuple[bytes, bytes]:
    head, rest = line_by_line(recv, limit)
    return head + b"\r\n", rest


@wrong("10.3", "limit 28, byte by byte: ValueError")
def counts_the_beginning_of_the_end(recv: Recv, limit: int) -> tuple[bytes, bytes]:
    received = b""
    while BLANK not in received:
        if len(received) > limit:
            raise ValueError("too long")
        data = recv()
        if not data:
            raise EOFError
        received += data
    head, _, rest = received.partition(BLANK)
    if len(head) > limit:
        raise ValueError("too long")
    return head, rest


@wrong("10.3", "500 bytes behind it: it returns 0")
def the_rest_is_lost(recv: Recv, limit: int) -> tuple[bytes, bytes]:
    return line_by_line(recv, limit)[0], b""


@right("10.3")
def line_by_line(recv: Recv, limit: int) -> tuple[bytes, bytes]:
    received, lines = bytearray(), 0
    while True:
        while (end := received.find(b"\r\n", lines)) >= 0:
            if end == lines and lines:
                if lines - 2 > limit:
                    raise ValueError("too long")
                return bytes(received[: lines - 2]), bytes(received[end + 2 :])
            lines = end + 2
        if len(received) - 3 > limit:
            raise ValueError("too long")
        data = recv()
        if not data:
            raise EOFError
        received += data


@wrong("10.4", "the package's reader refuses it: 400, more than one Host")
def two_of_them() -> bytes:
    return b"GET / HTTP/1.1\r\nHost: shop.test\r\nHost: admin.test\r\n\r\n"


@wrong("10.4", "the package's reader refuses it: 400, a control character in the head")
def a_form_feed() -> bytes:
    return b"GET / HTTP/1.1\r\nHost: shop.test\r\nX-Note: 1\x0cHost: admin.test\r\n\r\n"


@wrong("10.4", "lenient reads shop.test, not admin.test")
def the_other_way_round() -> bytes:
    return b"GET / HTTP/1.1\r\nX-Note: 1\x85Host: admin.test\r\nHost: shop.test\r\n\r\n"


@wrong("10.4", "the package's reader waits for more")
def not_complete() -> bytes:
    return b"GET / HTTP/1.1\r\nHost: shop.test\r\nX-Note: 1\x85Host: admin.test\r\n"


@right("10.4")
def by_a_name() -> bytes:
    return "GET / HTTP/1.1\r\nHost: shop.test\r\nX-By: ÅHost: admin.test\r\n\r\n".encode()
