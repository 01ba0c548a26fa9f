"""Checks of notebook 13."""

import itertools
import socket
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

from rsp.lab.checks import exercise, expect
from rsp.lab.tempers import pattern

Put = Callable[[list[socket.socket], socket.socket, int], object]
InOrder = Callable[[Callable[[bytes], object]], Callable[[int, bytes], object]]

NAMES = "first", "second", "third", "fourth"


@contextmanager
def pairs(count: int) -> Iterator[tuple[list[socket.socket], list[socket.socket]]]:
    """Give so many connections: their ends in our hands, and the far ones."""
    both = [socket.socketpair() for _ in range(count)]
    near, far = [one for one, _ in both], [other for _, other in both]
    try:
        yield near, far
    finally:
        for sock in near + far:
            sock.close()


def told(socks: list[socket.socket], all_of: list[socket.socket]) -> str:
    """Return which sockets are in a list, in words."""
    names = [NAMES[all_of.index(sock)] if sock in all_of else "a strange one" for sock in socks]
    return ", ".join(names) or "none"


@exercise("13.1")
def keeps_so_many(put: Put) -> None:
    """The new one at the end; who has news goes first, then the oldest; whoever goes is closed."""
    kept(put, 2, [], [0, 1])
    kept(put, 3, [], [1, 2])
    kept(put, 3, [1], [0, 2])
    kept(put, 4, [0, 1], [2, 3])
    kept(put, 4, [2], [1, 3])
    kept(put, 4, [1, 2], [0, 3])
    kept(put, 3, [2], [0, 1])
    kept(put, 2, [0], [0, 1])


def kept(put: Put, count: int, news: list[int], left: list[int]) -> None:
    """Put the last of so many sockets to the others, where there is room for two."""
    with pairs(count) as (near, far):
        for number in news:
            far[number].send(b"x")
        idle = near[:-1]
        put(idle, near[-1], 2)
        wanted = [near[number] for number in left]
        who = f" and the {' and the '.join(NAMES[n] for n in news)} had news" if news else ""
        said = f"there were {count} for 2 places{who}"
        expect(len(idle) <= 2, f"{said}: {len(idle)} are in the list")
        expect(idle == wanted, f"{said}: in the list are now: {told(idle, near)}")
        for number, sock in enumerate(near):
            open_, in_list = sock.fileno() != -1, number in left
            expect(not open_ or in_list, f"{said}: the {NAMES[number]} has gone, and is not closed")
            expect(open_ or not in_list, f"{said}: the {NAMES[number]} is kept, and closed")


@exercise("13.2")
def answers_in_order(in_order: InOrder) -> None:
    """Whatever the order in which they come, they go as they were asked, and not too late."""
    answers = [b"zero", b"one", b"two", b"three"]
    for order in itertools.permutations(range(len(answers))):
        sent: list[bytes] = []
        answered = in_order(sent.append)
        expect(callable(answered), f"it returns {type(answered).__name__}, not a function")
        come: list[int] = []
        for number in order:
            answered(number, answers[number])
            come.append(number)
            ready = next(n for n in range(5) if n not in come)
            said = f"when {', '.join(map(str, come))} had come, it had sent"
            what = ", ".join(data.decode() for data in sent) or "nothing"
            expect(sent == answers[:ready], f"{said}: {what}")
    one, other = [list[bytes]() for _ in range(2)]
    first, second = in_order(one.append), in_order(other.append)
    second(1, b"one")
    first(0, b"zero")
    expect(one == [b"zero"] and not other, "what one client is to get, went to another one")
    first(1, b"")
    first(2, b"two")
    expect(one == [b"zero", b"", b"two"], "an answer of no bytes held up what is behind it")
    answer = memoryview(b"zero")  # of bytes nobody can tell whether they are kept
    watched = weakref.ref(answer)
    last = in_order(lambda answer: None)
    last(0, cast("bytes", answer))
    del answer
    expect(watched() is None, "an answer that has gone is still kept")


def frame(text: bytes, mask: bytes) -> bytes:
    """Return a frame of WebSocket with one text (RFC 6455 §5.2)."""
    length, more = len(text), b""
    if length > 65_535:
        length, more = 127, length.to_bytes(8, "big")
    elif length > 125:
        length, more = 126, length.to_bytes(2, "big")
    keys = itertools.cycle(mask or b"\0")
    body = bytes(byte ^ key for byte, key in zip(text, keys, strict=False))
    return bytes([0x81, length | (0x80 if mask else 0)]) + more + mask + body


@exercise("13.3")
def reads_frames(text_of: Callable[[bytes], bytes]) -> None:
    """Masked or not, and with each of the three ways to tell a length."""
    for mask, kind in ((b"", "a frame without a mask"), (b"\x37\xfa\x21\x3d", "a masked frame")):
        for length in 5, 0, 125, 126, 512, 70_000:
            text = b"Hello" if length == 5 else pattern(length)
            given = text_of(frame(text, mask))
            expect(isinstance(given, bytes), f"it returns {type(given).__name__}, not bytes")
            said = f"{kind} of {length:,} bytes"
            right = len(given) == length
            expect(right, f"{said}: it found {len(given):,}")
            expect(given == text, f"{said}: as many came out, but others")
