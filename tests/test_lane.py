"""rsp.lane: the usual exchange without its parts. An exchange says the same, byte for byte."""

import re
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from rsp.client import Client
from rsp.stream import READ_SIZE
from tests.corpus_of import corpus
from tests.http_world import GET, OK, QUIET, World, world
from tests.on_loop import Clock, clock, turn_until

__all__ = ["clock", "world"]  # fixtures

DATE = re.compile(rb"Date: [^\r]*\r\n")
REQUESTS = [
    GET,
    GET.replace(b"GET", b"POST"),
    GET.replace(b"GET", b"HEAD"),
    GET.replace(b"GET", b"TRACE"),
    GET.replace(b"1.1", b"1.0"),
    GET.replace(b"1.1", b"1.0")[:-2] + b"Connection: keep-alive\r\n\r\n",
    GET.replace(b"1.1", b"1.0")[:-2] + b"Connection: close\r\nA: b\r\n\r\n",
    GET.replace(b"/ ", b"http://b.test/ "),
    GET + GET,
    GET[:-2],
    GET[:-2] + b"Connection: keep-alive\r\nA: b\r\n\r\n",
    GET[:-2] + b"A: b\r\nConnection: Keep-Alive\r\nC: d\r\n\r\n",
    GET[:-2] + b"Connection: close\r\n\r\n",
    GET[:-2] + b"Connection: A\r\nA: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nX: y\r\nHost: a.test\r\nConnection: keep-alive\r\nZ: z\r\n\r\n",
    GET[:-2] + b"X-Forwarded-For: x\r\nVia: 1.1 y\r\n\r\n",
    GET[:-2] + b"Content-Length: 0\r\n\r\n",
    GET[:-2] + b"Content-Length: 2\r\n\r\nhi",
    GET[:-2] + b"Upgrade: x\r\nConnection: upgrade\r\n\r\n",
    GET[:-2] + b"A_B: c\r\n\r\n",
    GET[:-2] + b"A : c\r\n\r\n",
    GET[:-2] + b"Long: " + b"x" * 9000 + b"\r\n\r\n",
]
ANSWERS = [
    OK,
    OK.replace(b"200 OK", b"404 Nowhere at all"),
    OK.replace(b"200 OK", b"204 No"),
    OK.replace(b"200 OK", b"304 Not"),
    OK.replace(b"200 OK", b"103 Early") + OK,
    OK.replace(b"200 OK", b"101 Switch"),
    OK.replace(b"1.1", b"1.0"),
    OK.replace(b"\r\n\r\n", b"\r\nDate: then\r\nA: b\r\nConnection: keep-alive\r\nC: d\r\n\r\n"),
    OK.replace(b"\r\n\r\n", b"\r\ndate: then\r\n\r\n"),
    OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
    OK.replace(b"\r\n\r\n", b"\r\nKeep-Alive: timeout=9\r\n\r\n"),
    OK.replace(b"\r\n\r\n", b"\r\nVia: 1.0 x\r\n\r\n"),
    OK.replace(b"\r\n\r\n", b"\r\nContent-Length: 2\r\n\r\n"),
    OK + b"HTTP/1.1 200 OK\r\n\r\n",
    OK[:-1],
    OK[:-2],
    OK[:-2].replace(b"Length: 2", b"Length: 99999") + b"x" * 5000,
    OK[:9],
    b"",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\nLong: " + b"x" * 9000 + b"\r\n\r\n" + b"y" * 9000,
    b"nonsense\r\n\r\n",
]


def alike(request: bytes, answer: bytes, clock: Clock, split: int = 1 << 20) -> bool:
    """Tell whether an exchange is the same in the lane; a busy machine gets a second chance.

    The answer comes in two pieces, divided at `split`.
    """
    return any(
        conversation(True, request, answer, split, clock, rounds)
        == conversation(False, request, answer, split, clock, rounds)
        for rounds in (QUIET, 50 * QUIET)
    )


def conversation(
    lanes: bool, request: bytes, answer: bytes, split: int, clock: Clock, rounds: int
) -> list[object]:
    """Return all that is seen of an exchange on kept connections, from outside and from inside.

    `rounds` are how many without news it takes until nothing more is underway.
    """
    world = World()
    world.gateway.service.lanes = lanes
    client, upstream = world.asked()
    upstream.sendall(OK)
    world.read(client, b"ok")
    client.sendall(request)
    world.settle(rounds)
    went = received(upstream)
    for piece in filter(None, (answer[:split], answer[split:]) if went else ()):
        with suppress(OSError):  # it has been told enough
            upstream.sendall(piece)
        world.settle(rounds)
    came = received(client)
    alive = [len(world.gateway.clients), len(world.pool.idle), world.pool.count]
    upstream.close()
    clock.pass_(100)
    world.settle(rounds)
    rest = received(client)
    world.close()
    return [went, came, alive, rest]


def received(sock: socket.socket) -> bytes:
    """Return what has come, and how it ended if it has; a date may be another one's."""
    got = b""
    sock.settimeout(0)
    try:
        while data := sock.recv(1 << 20):
            got += data
        got += b"<end>"
    except BlockingIOError:
        pass
    except OSError:
        got += b"<reset>"
    return DATE.sub(b"", got) + b"<dated>" * len(DATE.findall(got))


@pytest.mark.parametrize("request_", REQUESTS, ids=range(len(REQUESTS)))
@pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
def test_it_is_all_the_same(clock: Clock, request_: bytes, answer: bytes) -> None:
    """What goes, what comes, who stays, and what a break makes of it."""
    if b"T / HTTP/1.1\r\nHost: a.test\r\nLong" in request_ and answer is not OK:
        return  # one of the long ones is enough
    assert alike(request_, answer, clock)


@pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
def test_it_is_all_the_same_in_pieces(clock: Clock, answer: bytes) -> None:
    """Divided in the head, at its end, in the body, and behind it."""
    end = answer.find(b"\r\n\r\n") + 4
    for split in {5, end - 1, end, end + 1, len(answer) - 1, end + 2, end + 4000}:
        last = GET[:-2] + b"Connection: close\r\n\r\n"
        for request in (GET, last, GET.replace(b"GET", b"HEAD")):
            assert alike(request, answer, clock, split), split


def test_it_is_all_the_same_for_odd_messages(clock: Clock) -> None:
    """Those of the corpus that somebody might send on a connection that is kept."""
    requests = [message.data for message in corpus("requests")]
    assert len(requests) > 100
    for request in requests[::7]:
        assert alike(request, OK, clock), request


@pytest.fixture
def promoted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Whom the lane was not for, though it had begun with them."""
    usual = Client.promote
    seen: list[object] = []

    def noting(client: Client) -> object:
        seen.append(client)
        return usual(client)

    monkeypatch.setattr(Client, "promote", noting)
    yield seen
    seen.clear()


def test_the_usual_stays_in_it(world: World, promoted: list[object]) -> None:
    """Or the tests above would compare an exchange with itself."""
    client, upstream = world.asked()
    for _ in range(3):
        upstream.sendall(OK)
        world.read(client, b"ok")
        client.sendall(GET)
        world.head(upstream)
    assert promoted == []
    lane = world.side(client).lane
    assert repr(lane) == "<Lane: in use>"
    assert "at work" in repr(world.side(client))
    upstream.sendall(OK[:-1])
    world.head(client)
    assert promoted == []  # the rest of a short body may come later
    upstream.sendall(OK[-1:])
    world.read(client, b"k")
    client.sendall(GET)
    world.head(upstream)
    upstream.sendall(OK[:9])
    turn_until(world.loop, lambda: promoted)
    assert promoted == [world.side(client)]
    assert repr(lane) == "<Lane: free>"
    promoted.clear()


class TestNewsOfAnIdleUpstream:
    """Bytes that nobody asked for, before the request: they are not its answer."""

    STOLEN = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"

    def test_that_lie_behind_a_body_moved_in_the_kernel_are_seen(self, world: World) -> None:
        """It takes exactly the body; and the next one may ask in the same round."""
        client, upstream = world.asked()
        other = world.client()
        upstream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n")
        world.head(client)
        world.send_all(upstream, b"x" * 300_000 + self.STOLEN)
        other.sendall(GET)
        world.settle()
        second = world.accept()
        second.sendall(OK)
        assert b"stolen" not in world.read(other, b"ok")

    def test_that_did_not_fit_into_the_read_are_seen(self, world: World) -> None:
        """An answer that fills it to the last byte says nothing of what is behind it."""
        size = READ_SIZE
        client, upstream = world.asked()
        upstream.sendall(OK)
        world.read(client, b"ok")
        client.sendall(GET)
        world.head(upstream)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (size - 42)
        assert len(head) + size - 42 == size
        upstream.sendall(head + b"x" * (size - 42))
        upstream.sendall(self.STOLEN)
        turn_until(world.loop, lambda: world.pool.idle)
        assert world.pool.take() is None
