"""Stage 12: what is said where no answer comes, what is not, and answers for old clients."""

from collections.abc import Iterator

import pytest

from rsp.lab.backends import Backend
from rsp.lab.clients import Client, fetch, request
from rsp.lab.ends import End
from rsp.lab.leaks import left_open, snapshot
from rsp.lab.passage import said
from rsp.lab.running import running
from rsp.lab.tempers import answering, closing_early, hanging_up, replying, response, silent
from rsp.stages import conversing, s12_forwarding

HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    """The leak check of the notebooks, around each test."""
    before = snapshot()
    yield
    assert left_open(before) == []


class TestWhatIsSaid:
    """Where no answer has begun, a client reads a status; an error says which (conversing)."""

    def test_the_client_broke_the_rules_of_chunks(self) -> None:
        """Ours is no 502: the backend has done nothing wrong (RFC 9110 §15.5.1)."""
        with Backend(silent()) as backend, running(s12_forwarding.serve, backend) as proxy:
            with Client(proxy) as client:
                client.send(CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n")
                assert client.recv_all().startswith(b"HTTP/1.1 400 ")

    def test_the_backend_is_too_slow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(s12_forwarding, "PATIENCE", 0.1)
        with Backend(silent()) as backend, running(s12_forwarding.serve, backend) as proxy:
            assert fetch(proxy).status == 504

    def test_head_is_told_without_a_body(self) -> None:
        with Backend(hanging_up()) as backend, running(s12_forwarding.serve, backend) as proxy:
            with Client(proxy) as client:
                client.send(request("/", "HEAD"))
                told = client.recv_all()
        assert told.startswith(b"HTTP/1.1 502 ")
        assert told.endswith(b"\r\n\r\n")

    def test_what_comes_after_a_head_is_told_with_its_body(self) -> None:
        """The second request has no method that we could read: the first one's does not count."""
        with Backend(answering()) as backend, running(s12_forwarding.serve, backend) as proxy:
            with Client(proxy) as client:
                client.send(request("/", "HEAD", Connection="keep-alive") + b"no request\r\n\r\n")
                told = client.recv_all()
        assert told.endswith(b"\r\n\r\n400 Bad Request\n")

    def test_nothing_to_a_client_that_asks_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A 504 would be taken for the answer to what it asks next."""
        monkeypatch.setattr(conversing, "PATIENCE", 0.1)
        with Backend(answering()) as backend, running(s12_forwarding.serve, backend) as proxy:
            with Client(proxy) as client:
                assert client.recv_all() == b""

    def test_nothing_behind_the_beginning_of_an_answer(self) -> None:
        with Backend(closing_early()) as backend, running(s12_forwarding.serve, backend) as proxy:
            answer = fetch(proxy)
            assert backend.wait_until(lambda: bool(proxy.log))
        assert answer.body == b"half of what was promised"
        assert proxy.log == ["an answer broke off: a body broke off"]


class TestForAnOldClient:
    """HTTP/1.0 knows no chunks, no interim answers, no Expect, and closes where nothing is said."""

    def test_no_interim_answer(self) -> None:
        temper = replying(lambda *_: HINT + response("a page\n"))
        with Backend(temper) as backend, running(s12_forwarding.serve, backend) as proxy:
            with Client(proxy) as client:
                client.send(b"GET / HTTP/1.0\r\n\r\n")
                assert client.recv_all().startswith(b"HTTP/1.1 200 OK\r\n")

    def test_it_stays_where_it_asks_to_and_a_length_is_told(self) -> None:
        with (
            Backend(answering("a page\n")) as backend,
            running(s12_forwarding.serve, backend) as proxy,
        ):
            with Client(proxy) as client:
                for _ in range(2):
                    client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                    answer = client.recv_message()
                    assert said(answer, "Connection") == "keep-alive"
                    assert answer.endswith(b"a page\n")


def refuses(end: End, _: Backend) -> None:
    """Answer a head, and wait for no body."""
    while b"\r\n\r\n" not in end.received:
        end.recv()
    end.send(response("no\n", "403 Forbidden"))


def test_whoever_was_not_told_to_go_on_is_let_go() -> None:
    """Its body may come or not: what comes next on this connection could be either."""
    head = request("/", "POST", b"12345", Expect="100-continue", Connection="keep-alive")[:-5]
    with Backend(refuses) as backend, running(s12_forwarding.serve, backend) as proxy:
        with Client(proxy) as client:
            client.send(head)
            answer = client.recv_all()  # to the end
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert said(answer, "Connection") == "close"
