"""rsp.lab.http_outcomes and http_answers: what they stand on.

That each outcome can fail, tests/test_contract.py shows.
"""

import pytest

from rsp.lab.asked import asked_of, not_right
from rsp.lab.backends import Backend
from rsp.lab.clients import Client, fetch, request
from rsp.lab.contract import BODY, HTTP_OUTCOMES, OUTCOMES
from rsp.lab.http_answers import coded, keeping, looks_whole, switching
from rsp.lab.http_outcomes import EXPECTING, from_chunks, in_chunks, saying_100, taking_chunks
from rsp.lab.tempers import pattern


@pytest.mark.parametrize("size", [0, 1, 7, 70_000, 200_000])
def test_what_went_into_chunks_comes_out_of_them(size: int) -> None:
    assert from_chunks(in_chunks(pattern(size), 70_000)) == pattern(size)


@pytest.mark.parametrize(
    "broken",
    [b"", b"5\r\nhello\r\n", b"0\r\n", b"0\r\n\r\nmore", b"x\r\n", b"+1\r\na\r\n0\r\n\r\n"],
)
def test_chunks_without_their_end_are_none(broken: bytes) -> None:
    assert from_chunks(broken) is None


def test_a_response_whose_end_is_missing_has_no_last_chunk() -> None:
    assert coded(BODY).endswith(b"\r\n0\r\n\r\n")
    assert from_chunks(coded(BODY, whole=False).partition(b"\r\n\r\n")[2]) is None


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", False),
        (b"HTTP/1.1 200 OK\r\n\r\nok", True),
        (b"", False),
    ],
)
def test_an_answer_looks_whole_or_not(data: bytes, whole: bool) -> None:
    assert looks_whole(data) == whole


def test_a_backend_keeps_a_connection_as_its_client_would() -> None:
    message = request("/", Connection="keep-alive")
    with Backend(keeping()) as backend:
        with Client(backend) as client:
            for _ in range(2):
                client.send(message)
                assert client.recv_message().endswith(BODY)
        assert fetch(backend).body == BODY  # it asks for a close, and gets it


def test_a_backend_that_keeps_for_one_request_closes_at_the_next() -> None:
    message = request("/", Connection="keep-alive")
    with Backend(keeping(1)) as backend, Client(backend) as client:
        client.send(message)
        assert client.recv_message().endswith(BODY)
        client.send(message)
        assert client.recv_all() == b""
        assert len(backend.requests) == 2


def test_a_backend_takes_chunks_to_their_end() -> None:
    """In pieces, and with the next request behind them."""
    message = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Backend(taking_chunks()) as backend, Client(backend) as client:
        client.send(message + in_chunks(b"hello", 2)[:-3])
        client.send(in_chunks(b"hello", 2)[-3:] + request("/behind"))
        assert client.recv_all().count(BODY) == 2
        assert backend.requests == [message + in_chunks(b"hello", 2), request("/behind")]


def test_a_backend_says_100_before_it_takes_the_body() -> None:
    with Backend(saying_100()) as backend, Client(backend) as client:
        client.send(EXPECTING)
        assert client.recv().startswith(b"HTTP/1.1 100 ")
        client.send(b"body")
        assert client.recv_all().endswith(BODY)
        assert backend.requests == [EXPECTING + b"body"]


def test_a_backend_echoes_behind_its_101() -> None:
    with Backend(switching()) as backend, Client(backend) as client:
        client.send(request("/") + b"early")
        client.half_close()
        assert client.recv_all().endswith(b"\r\n\r\nearly")


def test_who_is_asked_for_what() -> None:
    assert asked_of("s08_buffers").keys() == OUTCOMES.keys()
    assert asked_of("gateway").keys() == OUTCOMES.keys() | HTTP_OUTCOMES.keys()
    assert not_right("nobody") == {}
    assert not_right("gateway")
