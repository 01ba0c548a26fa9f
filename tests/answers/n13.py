"""Answers to the exercises of notebook 13."""

import heapq
import socket
import struct
from collections.abc import Callable

from rsp.stages.pooling import has_news
from tests.answers import right, wrong

Send = Callable[[bytes], object]
Answered = Callable[[int, bytes], None]


@wrong("13.1", "there were 3 for 2 places: 3 are in the list")
def without_a_limit(idle: list[socket.socket], sock: socket.socket, most: int) -> None:
    idle.append(sock)


@wrong("13.1", "there were 3 for 2 places: in the list are now: first, second")
def full_is_full(idle: list[socket.socket], sock: socket.socket, most: int) -> None:
    if len(idle) < most:
        idle.append(sock)
    else:
        sock.close()


@wrong("13.1", "there were 3 for 2 places and the second had news: in the list are now: second")
def the_oldest(idle: list[socket.socket], sock: socket.socket, most: int) -> None:
    idle.append(sock)
    while len(idle) > most:
        idle.pop(0).close()


@wrong("13.1", "there were 3 for 2 places: the first has gone, and is not closed")
def left_open(idle: list[socket.socket], sock: socket.socket, most: int) -> None:
    idle.append(sock)
    for one in [one for one in idle if has_news(one)] + list(idle):
        if len(idle) > most and one in idle:
            idle.remove(one)


@wrong("13.1", "there were 2 for 2 places and the first had news: in the list are now: second")
def all_that_have_news(idle: list[socket.socket], sock: socket.socket, most: int) -> None:
    idle.append(sock)
    for one in [one for one in idle if has_news(one)] + list(idle):
        if one in idle and (len(idle) > most or has_news(one)):
            idle.remove(one)
            one.close()


@wrong("13.1", "had news: in the list are now: third, fourth")
def along_the_list_itself(idle: list[socket.socket], sock: socket.socket, most: int) -> None:
    idle.append(sock)
    for one in idle:
        if len(idle) > most and has_news(one):
            idle.remove(one)
            one.close()
    while len(idle) > most:
        idle.pop(0).close()


@right("13.1")
def sorted_by_their_worth(idle: list[socket.socket], sock: socket.socket, most: int) -> None:
    idle.append(sock)
    worth = sorted(range(len(idle)), key=lambda n: (not has_news(idle[n]), n))
    go = set(worth[: max(0, len(idle) - most)])
    for number in go:
        idle[number].close()
    idle[:] = [one for number, one in enumerate(idle) if number not in go]


@wrong("13.2", "when 0, 1, 3 had come, it had sent: zero, one, three")
def as_they_come(send: Send) -> Answered:
    def answered(number: int, answer: bytes) -> None:
        send(answer)

    return answered


@wrong("13.2", "when 0, 1, 3, 2 had come, it had sent: zero, one, two")
def one_at_a_time(send: Send) -> Answered:
    waiting: dict[int, bytes] = {}
    turn = 0

    def answered(number: int, answer: bytes) -> None:
        nonlocal turn
        waiting[number] = answer
        if turn in waiting:
            send(waiting.pop(turn))
            turn += 1

    return answered


@wrong("13.2", "an answer of no bytes held up what is behind it")
def nothing_is_false(send: Send) -> Answered:
    waiting: dict[int, bytes] = {}
    turn = 0

    def answered(number: int, answer: bytes) -> None:
        nonlocal turn
        waiting[number] = answer
        while answer_of_turn := waiting.pop(turn, None):
            send(answer_of_turn)
            turn += 1

    return answered


SHARED: dict[int, bytes] = {}
TURN = [0]


@wrong("13.2", "had come, it had sent: nothing")
def for_everybody(send: Send) -> Answered:
    def answered(number: int, answer: bytes) -> None:
        SHARED[number] = answer
        while TURN[0] in SHARED:
            send(SHARED.pop(TURN[0]))
            TURN[0] += 1

    return answered


@wrong("13.2", "an answer that has gone is still kept")
def nothing_is_forgotten(send: Send) -> Answered:
    come: dict[int, bytes] = {}
    turn = 0

    def answered(number: int, answer: bytes) -> None:
        nonlocal turn
        come[number] = answer
        while turn in come:
            send(come[turn])
            turn += 1

    return answered


@right("13.2")
def with_a_heap(send: Send) -> Answered:
    waiting: list[tuple[int, bytes]] = []
    sent: list[int] = []

    def answered(number: int, answer: bytes) -> None:
        heapq.heappush(waiting, (number, answer))
        while waiting and waiting[0][0] == len(sent):
            send(heapq.heappop(waiting)[1])
            sent.append(0)

    return answered


@wrong("13.3", "a frame without a mask of 126 bytes: as many came out, but others")
def only_short_ones(frame: bytes) -> bytes:
    length, start = frame[1] & 0x7F, 2
    mask = b"\0\0\0\0"
    if frame[1] & 0x80:
        mask, start = frame[2:6], 6
    return bytes(byte ^ mask[n % 4] for n, byte in enumerate(frame[start : start + length]))


@wrong("13.3", "a masked frame of 5 bytes: it found 9")
def the_mask_is_text(frame: bytes) -> bytes:
    start = {126: 4, 127: 10}.get(frame[1] & 0x7F, 2)
    return frame[start:]


@wrong("13.3", "a masked frame of 5 bytes: as many came out, but others")
def not_unmasked(frame: bytes) -> bytes:
    start = {126: 4, 127: 10}.get(frame[1] & 0x7F, 2)
    return frame[start + (4 if frame[1] & 0x80 else 0) :]


@wrong("13.3", "a frame without a mask of 70,000 bytes: it found 70,006")
def never_so_long(frame: bytes) -> bytes:
    start = 4 if frame[1] & 0x7F > 125 else 2
    if not frame[1] & 0x80:
        return frame[start:]
    mask = frame[start : start + 4]
    return bytes(byte ^ mask[n % 4] for n, byte in enumerate(frame[start + 4 :]))


@wrong("13.3", "a frame without a mask of 512 bytes: it found 2")
def the_lowest_byte_first(frame: bytes) -> bytes:
    length, start = frame[1] & 0x7F, 2
    if length > 125:
        start = 4 if length == 126 else 10
        length = int.from_bytes(frame[2:start], "little")
    return frame[start : start + length]


@right("13.3")
def with_struct(frame: bytes) -> bytes:
    length = frame[1] & 127
    at = 2
    if length == 126:
        (length,) = struct.unpack_from("!H", frame, at)
        at += 2
    elif length == 127:
        (length,) = struct.unpack_from("!Q", frame, at)
        at += 8
    if frame[1] >> 7 == 0:
        return frame[at:]
    mask = frame[at : at + 4] * (length // 4 + 1)
    whole = int.from_bytes(frame[at + 4 :], "big") ^ int.from_bytes(mask[:length], "big")
    return whole.to_bytes(length, "big")
