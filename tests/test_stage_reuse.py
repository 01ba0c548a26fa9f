"""Stage 13: what becomes of an upstream after its answer, and of one that is stale; tunnels."""

import socket
from collections.abc import Callable, Iterator

import pytest

from rsp.http1.message import Request
from rsp.http1.requests import take_request
from rsp.http1.responses import take_response
from rsp.lab.backends import Backend
from rsp.lab.clients import Client, fetch, request
from rsp.lab.ends import End
from rsp.lab.leaks import left_open, snapshot
from rsp.lab.rest import at_rest
from rsp.lab.running import running
from rsp.lab.tempers import in_two_parts, replying, response
from rsp.stages import pooling, s13_reuse
from rsp.stages.s10_heads import LIMITS
from rsp.stages.s11_bodies import Wire

UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket"}
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


@pytest.fixture(autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    """The leak check of the notebooks, around each test."""
    before = snapshot()
    yield
    assert left_open(before) == []


def path(message: bytes, _: Backend | None = None) -> bytes:
    """Return an answer whose body is what was asked for."""
    return response(message.split(b" ")[1] + b"\n")


KEEPING = replying(path, keep_alive=True)


def ask(client: Client, what: str, method: str = "GET", body: bytes = b"") -> bytes:
    """Ask on a connection that stays, and return the answer's body."""
    client.send(request(what, method, body, Connection="keep-alive"))
    return client.recv_message().partition(b"\r\n\r\n")[2]


def breaking(second: Callable[[End], None]) -> Callable[[End, Backend], None]:
    """Answer a connection's first request, and do that with the second."""

    def temper(end: End, backend: Backend) -> None:
        end.send(path(backend.take(end)))
        if backend.take(end):
            second(end)

    return temper


class TestWhatIsKept:
    """An upstream is put back after a whole answer with nothing behind it, and only then."""

    def test_one_serves_many_clients(self) -> None:
        with Backend(KEEPING) as backend, running(s13_reuse.serve, backend) as proxy:
            for number in range(5):
                assert fetch(proxy, f"/{number}").body == b"/%d\n" % number
            assert len(backend.connections) == 1

    def test_two_at_once_have_one_each_and_the_last_used_is_used_first(self) -> None:
        def temper(end: End, backend: Backend) -> None:
            while message := backend.take(end):
                if b"/held" in message:
                    backend.hold(end)
                end.send(path(message))

        with Backend(temper) as backend, running(s13_reuse.serve, backend) as proxy:
            with Client(proxy) as client:
                client.ask("/held")
                assert backend.wait_until(lambda: len(backend.requests) == 1)
                assert fetch(proxy, "/quick").body == b"/quick\n"  # its end comes behind the put
                backend.release()
                assert client.recv_all().endswith(b"/held\n")
            for _ in range(3):
                assert fetch(proxy, "/more").body == b"/more\n"
            first, second = backend.connections
            assert (first.received.count(b"GET"), second.received.count(b"GET")) == (4, 1)

    def test_bytes_behind_an_answer_are_nobodys(self) -> None:
        behind = path(b"GET /nobody's ")
        temper = replying(lambda message, _: path(message) + behind, keep_alive=True)
        with Backend(temper) as backend, running(s13_reuse.serve, backend) as proxy:
            with Client(proxy) as client:
                assert [ask(client, "/a"), ask(client, "/b")] == [b"/a\n", b"/b\n"]
            assert len(backend.connections) == 2

    def test_nor_are_those_that_come_later(self) -> None:
        def temper(end: End, backend: Backend) -> None:
            while message := backend.take(end):
                end.send(path(message))
                backend.hold(end)
                end.send(path(b"GET /nobody's "))

        with Backend(temper) as backend, running(s13_reuse.serve, backend) as proxy:
            with Client(proxy) as client:
                assert ask(client, "/a") == b"/a\n"
                backend.release()
                at_rest()
                assert ask(client, "/b") == b"/b\n"

    def test_an_answer_that_its_client_left_is_never_the_next_ones(self) -> None:
        with Backend(in_two_parts()) as backend, running(s13_reuse.serve, backend) as proxy:
            with Client(proxy) as client:
                client.ask()
                client.recv()
                client.abort()
            backend.release()
            assert fetch(proxy, "/next").body == b"the first part, and the rest\n"
            assert len(backend.connections) == 2

    def test_nor_is_one_that_came_too_late(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pooling, "PATIENCE", 0.1)

        def temper(end: End, backend: Backend) -> None:
            while message := backend.take(end):
                if b"/held" in message:
                    backend.hold(end)
                end.send(path(message))

        with Backend(temper) as backend, running(s13_reuse.serve, backend) as proxy:
            assert fetch(proxy, "/held").status == 504
            backend.release()
            assert fetch(proxy, "/next").body == b"/next\n"

    def test_one_that_may_wait_for_a_body_is_not_kept(self) -> None:
        behind: list[bytes] = []

        def temper(end: End, backend: Backend) -> None:
            end.recv()
            end.send(response("no\n", "417 Expectation Failed"))
            behind.append(end.recv())  # it would read a request as the body that it waits for

        with Backend(temper) as backend, running(s13_reuse.serve, backend) as proxy:
            with Client(proxy) as client:
                client.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n")
                client.send(b"Content-Length: 9\r\n\r\n")
                assert b"417" in client.recv_message()
            assert fetch(proxy).status == 417
            assert backend.wait_until(lambda: bool(behind))
            assert behind == [b""]

    def test_one_whose_body_lasted_until_its_end_is_not_kept(self) -> None:
        with socket.socket() as sock:
            request, _ = take_request(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", LIMITS) or (None, 0)
            for head, kept in (b"Content-Length: 0\r\n", True), (b"", False):
                answer = b"HTTP/1.1 200 OK\r\n" + head + b"\r\n"
                response, _ = take_response(answer, b"GET", LIMITS) or (None, 0)
                assert request
                assert response
                assert s13_reuse.may_be_kept(request, response, Wire(sock)) is kept

    def test_small_pieces_go_at_once_on_both_sides(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Else the body of an answer waits until its head is acknowledged: 40 ms, on Linux."""
        seen: list[int] = []
        exchange = s13_reuse.exchange

        def looked(client: Wire, asked: Request, pool: pooling.Pool) -> bool:
            more = exchange(client, asked, pool)
            for sock in client.sock, pool.idle[-1][1].sock:
                seen.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            return more

        monkeypatch.setattr(s13_reuse, "exchange", looked)
        with Backend(KEEPING) as backend, running(s13_reuse.serve, backend) as proxy:
            assert fetch(proxy, "/a").body == b"/a\n"
        assert len(seen) == 2
        assert all(seen)

    def test_one_that_was_idle_for_too_long_is_closed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pooling, "IDLE", -1)
        with Backend(KEEPING) as backend, running(s13_reuse.serve, backend) as proxy:
            with Client(proxy) as client:
                ask(client, "/a")
                ask(client, "/b")
                assert len(backend.connections) == 2
                assert backend.wait_until(lambda: backend.connections[0].ended_there)


class TestTheStale:
    """One that was closed meanwhile is not used; one that breaks under a request, with care."""

    def test_one_that_has_ended_is_not_used(self) -> None:
        def temper(end: End, backend: Backend) -> None:
            end.send(path(backend.take(end)))

        with Backend(temper) as backend, running(s13_reuse.serve, backend) as proxy:
            with Client(proxy) as client:
                for number in range(3):
                    what = f"/{number}"
                    assert ask(client, what, "POST", b"order") == what.encode() + b"\n"
                    at_rest()
            assert len(backend.requests) == 3

    @pytest.mark.parametrize("second", [End.close, End.abort])
    def test_what_is_safe_is_asked_again_on_a_new_one(self, second: Callable[[End], None]) -> None:
        with Backend(breaking(second)) as backend, running(s13_reuse.serve, backend) as proxy:
            with Client(proxy) as client:
                assert [ask(client, "/a"), ask(client, "/b")] == [b"/a\n", b"/b\n"]
            assert [message.split(b" ")[1] for message in backend.requests] == [b"/a", b"/b", b"/b"]

    def test_what_is_not_is_502_and_done_once(self) -> None:
        for method, body in ("POST", b""), ("PATCH", b""), ("PUT", b"a body"):
            with Backend(breaking(End.close)) as backend:
                with running(s13_reuse.serve, backend) as proxy, Client(proxy) as client:
                    ask(client, "/a")
                    client.send(request("/order", method, body, Connection="keep-alive"))
                    assert b" 502 " in client.recv_message()
                assert len(backend.requests) == 2

    def test_nor_is_what_was_answered_in_part(self) -> None:
        half = breaking(lambda end: end.send(b"HTTP/1.1 200 "))
        with Backend(half) as backend, running(s13_reuse.serve, backend) as proxy:
            with Client(proxy) as client:
                ask(client, "/a")
                client.ask("/b", Connection="keep-alive")
                assert b" 502 " in client.recv_message()
            assert len(backend.requests) == 2

    def test_a_new_one_that_breaks_is_not_tried_again(self) -> None:
        def temper(end: End, backend: Backend) -> None:
            backend.take(end)

        with Backend(temper) as backend, running(s13_reuse.serve, backend) as proxy:
            assert fetch(proxy).status == 502
            assert len(backend.requests) == 1


class TestInARow:
    """Requests that were sent without waiting are answered in order, one after the other."""

    def test_they_are_answered_in_order(self) -> None:
        with Backend(KEEPING) as backend, running(s13_reuse.serve, backend) as proxy:
            with Client(proxy) as client:
                ways = [f"/{number}" for number in range(20)]
                client.send(b"".join(request(way, Connection="keep-alive") for way in ways))
                got = [client.recv_message().partition(b"\r\n\r\n")[2] for _ in ways]
            assert got == [f"{way}\n".encode() for way in ways]
            assert len(backend.connections) == 1

    def test_the_next_is_asked_when_the_last_is_answered(self) -> None:
        def temper(end: End, backend: Backend) -> None:
            while message := backend.take(end):
                backend.hold(end)
                end.send(path(message))

        with Backend(temper) as backend, running(s13_reuse.serve, backend) as proxy:
            with Client(proxy) as client:
                client.send(request("/a", Connection="keep-alive") + request("/b"))
                assert client.quiet(0.1)
                assert [message.split(b" ")[1] for message in backend.requests] == [b"/a"]
                backend.release()
                assert b"/a\n" in client.recv_message()
                assert b"/b\n" in client.recv_message()


def switching(end: End, backend: Backend) -> None:
    """Change the protocol at once, with first bytes behind the head; then echo."""
    backend.take(end)
    end.send(SWITCH + b"first ")
    end.send(end.kept)
    while data := end.recv():
        end.send(data)


class TestTunnels:
    """A 101 that was asked for opens one; any other is the backend's fault."""

    def test_bytes_pass_both_ways_also_those_that_came_early(self) -> None:
        with Backend(switching) as backend, running(s13_reuse.serve, backend) as proxy:
            with Client(proxy) as client:
                client.send(request("/chat", "GET", b"", **UPGRADE) + b"early ")
                assert b" 101 " in client.recv_message()
                got = client.kept
                while b"early " not in got:
                    got += client.recv()
                client.send(b"\x81\x00\xff")
                assert got == b"first early "
                assert client.recv_exactly(3) == b"\x81\x00\xff"
                client.half_close()
                assert client.recv() == b""

    @pytest.mark.parametrize("fields", [{}, {"Connection": "Upgrade", "Upgrade": "other"}])
    def test_one_that_nobody_asked_for_is_502(self, fields: dict[str, str]) -> None:
        with Backend(switching) as backend, running(s13_reuse.serve, backend) as proxy:
            assert fetch(proxy, **fields).status == 502
            assert backend.wait_until(lambda: backend.connections[0].ended_there)

    def test_who_gets_an_answer_instead_stays_in_http(self) -> None:
        with Backend(KEEPING) as backend, running(s13_reuse.serve, backend) as proxy:
            with Client(proxy) as client:
                client.ask("/chat", **UPGRADE)
                assert client.recv_message().endswith(b"/chat\n")
                assert ask(client, "/next") == b"/next\n"
            assert len(backend.connections) == 1
            assert b"\r\nUpgrade: websocket\r\n" in backend.requests[0]
