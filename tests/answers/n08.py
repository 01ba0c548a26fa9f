"""Answers to the exercises of notebook 08."""

import socket
from collections.abc import Callable
from contextlib import suppress

from rsp.stages import s08_queue
from rsp.stages.s08_buffers import RESET
from rsp.stages.s08_queue import End
from tests.answers import right, wrong

Gate = Callable[[int], bool]
Events = list[tuple[str, str]]


@wrong("8.1", "bytes were taken from pending")
def forgets_the_rest(sock: socket.socket, pending: bytearray) -> int:
    try:
        sent = sock.send(pending)
    except BlockingIOError:
        return 0
    pending.clear()
    return sent


@wrong("8.1", "there was no room, and it raised BlockingIOError")
def lets_it_out(sock: socket.socket, pending: bytearray) -> int:
    sent = sock.send(pending)
    del pending[:sent]
    return sent


@wrong("8.1", "the other side is gone, and it returned 0")
def every_error_is_a_full_buffer(sock: socket.socket, pending: bytearray) -> int:
    try:
        sent = sock.send(pending)
    except OSError:
        return 0
    del pending[:sent]
    return sent


@wrong("8.1", "all 5 bytes were sent, and 5 are pending still")
def another_name(sock: socket.socket, pending: bytearray) -> int:
    try:
        sent = sock.send(pending)
    except BlockingIOError:
        return 0
    pending = pending[sent:]
    return sent


@right("8.1")
def until_it_is_full(sock: socket.socket, pending: bytearray) -> int:
    before = len(pending)
    with suppress(BlockingIOError):
        while pending:
            with memoryview(pending) as view:
                sent = sock.send(view[:1000])
            del pending[:sent]
    return before - len(pending)


@wrong("8.2", "pending was 0, 9, 10, 9: it says read")
def one_mark(high: int, low: int) -> Gate:
    return lambda size: size >= high


@wrong("8.2", "pending was 0, 9: it says pause")
def the_lower_mark(high: int, low: int) -> Gate:
    return lambda size: size > low


@wrong("8.2", "two gates have one memory")
def one_for_all(high: int, low: int) -> Gate:
    def is_paused(size: int) -> bool:
        global paused
        paused = size >= high or (paused and size > low)
        return paused

    return is_paused


paused = False


@right("8.2")
def an_object(high: int, low: int) -> Gate:
    class Tank:
        paused = False

        def __call__(self, size: int) -> bool:
            self.paused = size > (low if self.paused else high - 1)
            return self.paused

    return Tank()


@wrong("8.3", "the client has ended, and the answer is still to come: it says 'close'")
def one_end_is_enough(events: Events) -> str:
    what = [what for _, what in events]
    return "reset" if "error" in what else "close" if "end" in what else "open"


@wrong("8.3", "one side has ended, and was told so twice: it says 'close'")
def counts_ends(events: Events) -> str:
    what = [what for _, what in events]
    return "reset" if "error" in what else "close" if what.count("end") > 1 else "open"


@wrong("8.3", "both have ended, and one is behind: it says 'close'")
def overtakes_what_is_pending(events: Events) -> str:
    ended = set()
    for who, what in events:
        if what == "error":
            return "reset"
        if what == "end":
            ended.add(who)
    return "close" if len(ended) == 2 else "open"


@wrong("8.3", "one broke: it says 'close'")
def an_error_is_an_end(events: Events) -> str:
    ended: set[str] = set()
    behind: set[str] = set()
    for who, what in events:
        if what == "error":
            return "close"
        if what == "end":
            ended.add(who)
        elif what == "behind":
            behind.add(who)
        else:
            behind.discard(who)
        if len(ended) == 2 and not behind:
            return "close"
    return "open"


@wrong("8.3", "though one was told so twice: it says 'open'")
def counts_who_is_behind(events: Events) -> str:
    ended: set[str] = set()
    behind = 0
    for who, what in events:
        if what == "error":
            return "reset"
        if what == "end":
            ended.add(who)
        else:
            behind += 1 if what == "behind" else -1
        if len(ended) == 2 and not behind:
            return "close"
    return "open"


@right("8.3")
def one_event_at_a_time(events: Events) -> str:
    if not events:
        return "open"
    *before, (_, what) = events
    if (known := one_event_at_a_time(before)) != "open":
        return known
    if what == "error":
        return "reset"
    latest = {who: word for who, word in events if word in {"behind", "has all"}}
    ended = {who for who, word in events if word == "end"}
    return "close" if len(ended) == 2 and "behind" not in latest.values() else "open"


@wrong("8.4", "after an error at the client's end the backend's is still open")
def only_its_own(end: End, error: OSError) -> None:
    end.close()


@wrong("8.4", "the client broke off, and the backend takes it for a good end")
def as_good_ends(end: End, error: OSError) -> None:
    for each in {end, end.other} & s08_queue.ENDS:
        each.close()


@wrong("8.4", "after an error at the client's end both are still open")
def forgets_what_is_pending(end: End, error: OSError) -> None:
    end.pending.clear()
    end.other.pending.clear()


@wrong("8.4", "the other end had been closed before, and it raised OSError")
def closes_twice(end: End, error: OSError) -> None:
    for each in (end, end.other):
        each.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        each.close()


@wrong("8.4", "a socket is closed in the middle of the loop's round")
def without_the_loop(end: End, error: OSError) -> None:
    for each in {end, end.other} & s08_queue.ENDS:
        each.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        each.sock.close()
        s08_queue.ENDS.discard(each)


@right("8.4")
def one_after_the_other(end: End, error: OSError) -> None:
    with suppress(OSError, ValueError):
        end.other.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        end.other.close()
    end.close()
