"""The gateway in a storm: clients and backends that do at random what real ones do in bad weather.

Each request has a number and each answer is made of it, so an answer that reaches somebody else, a
lost or a doubled piece, and a cut that looks like an end all show. A seed tells the weather.
"""

import logging
import random
import socket
from collections.abc import Iterator
from itertools import count

import pytest

from rsp.http1.body import Reader, reader
from rsp.http1.message import Limits, Response
from rsp.http1.requests import take_request
from rsp.http1.responses import take_response
from tests.http_world import World, readable, world
from tests.on_loop import clock, reset, turn

__all__ = ["clock", "world"]  # fixtures

LIMITS = Limits()
STOLEN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<bad>"
SIZES = (1, 9, 80, 2000, 1 << 20)  # bytes that are sent, or read, at a time
STEPS = 10_000


class Peer:
    """One end of a connection, that sends and reads as chance has it."""

    def __init__(self, sock: socket.socket, chance: random.Random) -> None:
        self.sock, self.chance = sock, chance
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what is sent has come
        self.to_send = self.received = b""
        self.over = self.last = False

    def step(self) -> None:
        """Do one thing."""
        dice = self.chance.random()
        try:
            if dice < 0.45:
                self.say()
                if self.to_send:
                    sent = self.sock.send(self.to_send[: self.chance.choice(SIZES)])
                    self.to_send = self.to_send[sent:]
                elif self.last:
                    self.leave()
            elif dice < 0.97:
                data = self.sock.recv(self.chance.choice(SIZES))
                self.received += data
                self.hear()
                if not data:
                    self.leave()
            elif dice < 0.98:
                self.leave(broken=True)
        except BlockingIOError:
            pass
        except OSError:
            self.leave()

    def leave(self, *, broken: bool = False) -> None:
        """Close it, well or not."""
        self.over = True
        reset(self.sock) if broken else self.sock.close()

    def say(self) -> None:
        """Have something to send."""

    def hear(self) -> None:
        """Take what has come."""


class Asking(Peer):
    """A client; it checks what it gets."""

    numbers = count()
    whole = 0  # answers, of all clients

    def __init__(self, sock: socket.socket, chance: random.Random) -> None:
        super().__init__(sock, chance)
        self.asked: list[int] = []
        self.answer: Response | None = None
        self.reader: Reader | None = None
        self.body = b""

    def say(self) -> None:
        """Ask, up to eight times in a row."""
        if self.to_send or len(self.asked) >= 8:
            return
        number = next(self.numbers)
        self.asked.append(number)
        body = b"<%d>" % number * self.chance.choice((1, 10_000))
        self.to_send = self.chance.choice(
            (
                b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number,
                b"PUT /%d HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (number, len(body))
                + body,
                b"PUT /%d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" % number
                + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
            )
        )

    def hear(self) -> None:
        """Take answers, each of which must be to the oldest question."""
        while self.received:
            if not self.reader:
                found = take_response(self.received, b"GET", LIMITS)
                if not found:
                    return
                assert self.asked, "an answer that nobody asked for"
                self.answer, end = found
                self.received, self.body = self.received[end:], b""
                self.reader = reader(self.answer.framing, LIMITS)
            content, self.received = self.reader.take(self.received)
            self.body += content
            assert self.answer
            if self.reader.done:
                self.check(self.asked.pop(0), self.answer)
                self.reader = None

    def check(self, number: int, answer: Response) -> None:
        """See that a whole answer is the right one, and all of it."""
        if answer.status == 200:
            piece = b"<%d>" % number
            assert self.body == piece * (len(self.body) // len(piece) or 1)
            assert b"X-Length: %d\r\n" % len(self.body) in answer.fields
            Asking.whole += 1
        if not answer.keep_alive:
            self.leave()


class Answering(Peer):
    """A backend. What is behind its answer, and what nobody asked for, must reach nobody."""

    answered = False  # at least once: only then can it be idle

    def hear(self) -> None:
        """Answer what has come whole."""
        if self.last:
            return
        found = take_request(self.received, LIMITS) if self.received else None
        if not found:
            return
        request, end = found
        number = int(request.target[1:])
        body = reader(request.framing, LIMITS) if request.framing else None
        content, rest = body.take(self.received[end:]) if body else (b"", b"")
        if body and body.done:
            piece = b"<%d>" % number
            assert content == piece * (len(content) // len(piece))
        if not body or body.done or self.chance.random() < 0.01:
            self.received = rest
            self.say_of(number, early=bool(body and not body.done))

    def say_of(self, number: int, *, early: bool) -> None:
        """Answer in one of the ways in which answers come; an early one is the last."""
        body = b"<%d>" % number * self.chance.choice((1, 3, 30_000))
        head = b"HTTP/1.1 200 OK\r\nX-Length: %d\r\n" % len(body)
        length = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
        in_chunks = head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(body), body)
        self.to_send, self.last = self.chance.choice(
            (
                *[(length, early)] * 8,
                *[(in_chunks + b"0\r\n\r\n", early)] * 8,
                (length[:-1], True),
                (in_chunks, True),
                (head + b"\r\n" + body, True),
            )
        )
        self.answered = True
        if (
            not self.last and len(self.to_send) < 1000 and self.chance.random() < 0.1
        ):  # at once: later is too late
            self.sock.send(self.to_send + STOLEN)
            self.to_send, self.answered = b"", False

    def say(self) -> None:
        """Say now and then what nobody has asked for."""
        idle = not self.to_send and not self.received and not readable(self.sock)
        if idle and self.answered and not self.last and self.chance.random() < 0.1:
            self.sock.send(STOLEN)
            self.answered = False

    def leave(self, *, broken: bool = False) -> None:
        """Close it; not well in the middle of an answer, which may have no other end."""
        super().leave(broken=broken or bool(self.to_send))


def storm(world: World, chance: random.Random, steps: int) -> Iterator[None]:
    """Let peers come, do what chance has it, and leave; between two of their steps it is ours."""
    world.backend.setblocking(False)
    peers: list[Peer] = []
    for _ in range(steps):
        if len(peers) < 16 and chance.random() < 0.2:
            sock = world.stack.enter_context(socket.create_connection(world.listener.getsockname()))
            peers.append(Asking(sock, chance))
        if readable(world.backend):
            sock = world.stack.enter_context(world.backend.accept()[0])
            peers.append(Answering(sock, chance))
        if peers:
            chance.choice(peers).step()
        peers = [peer for peer in peers if not peer.over]
        yield
    for peer in peers:
        peer.leave()


@pytest.mark.parametrize("seed", range(4))
def test_every_answer_is_whole_and_the_right_one(
    world: World, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Or shows that it is not; and nothing fails, and nothing is left (the world looks)."""
    chance = random.Random(seed)
    caplog.set_level(logging.ERROR, "rsp")
    Asking.whole = 0
    for _ in storm(world, chance, STEPS):
        if chance.random() < 0.5:
            turn(world.loop)
    world.settle()
    assert Asking.whole > 50
    assert caplog.records == []
