"""rsp.lab.clients: clients, well behaved and not."""

import socket

import pytest

from rsp.lab.backends import Backend
from rsp.lab.clients import Answer, Client, Named, fetch, parse_answer, request
from rsp.lab.recorder import RECORDER
from rsp.lab.tempers import answering, echoing, holding, large, pattern, silent
from rsp.net import Address

NeedsIPv6 = pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")


def test_fetch_returns_the_whole_answer() -> None:
    with Backend(answering("hello\n")) as backend:
        answer = fetch(backend, "/page", User_Agent="lab")
    assert (answer.status, answer.body) == (200, b"hello\n")
    assert str(answer) == "HTTP/1.1 200 OK, 6 bytes of body"
    assert backend.requests[0].startswith(b"GET /page HTTP/1.1\r\nHost: example.test\r\n")
    assert b"\r\nUser-Agent: lab\r\n" in backend.requests[0]


@pytest.mark.parametrize("fields", [{}, {"Connection": "keep-alive"}])
def test_a_request_asks_to_close_unless_told_otherwise(fields: dict[str, str]) -> None:
    wanted = fields.get("Connection", "close")
    assert f"\r\nConnection: {wanted}\r\n".encode() in request(**fields)


def test_a_request_with_a_body_tells_its_length() -> None:
    head, _, body = request("/", "POST", b"body").partition(b"\r\n\r\n")
    assert b"Content-Length: 4" in head
    assert body == b"body"


@pytest.mark.parametrize(
    ("data", "status", "told"),
    [
        (b"", 0, "no answer, 0 bytes of body"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", 404, "HTTP/1.1 404 Not Found, 0 bytes of body"),
        (b"no HTTP at all", 0, "no HTTP at all, 0 bytes of body"),
        (b"HTTP/1.0 200\r\n\r\n" + b"x" * 1234, 200, "HTTP/1.0 200, 1,234 bytes of body"),
    ],
)
def test_an_answer_of_any_kind_can_be_told(data: bytes, status: int, told: str) -> None:
    answer = parse_answer(data)
    assert isinstance(answer, Answer)
    assert (answer.status, str(answer)) == (status, told)


def test_an_address_will_do_for_a_server() -> None:
    with Backend(answering()) as backend:
        assert fetch(Address("127.0.0.1", backend.port)).status == 200


@NeedsIPv6
def test_a_client_goes_to_ipv6_too() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        with Client(Named(listener)) as client:
            far, _ = listener.accept()
            with far:
                client.send(b"hello")
                assert far.recv(100) == b"hello"


def test_a_server_of_ones_own_bears_the_name_it_is_given() -> None:
    with socket.create_server(("0.0.0.0", 0)) as listener:
        named = Named(listener, "shop")
        assert named.address == Address("127.0.0.1", str(listener.getsockname()[1]))
        with Client(named) as client:
            assert client.other == "shop"


def test_pieces_go_one_by_one_with_a_look_between() -> None:
    with Backend(echoing()) as backend, Client(backend) as client:
        seen = []
        client.send_in_pieces([b"one", b"two"], lambda: seen.append(client.recv()))
    assert seen == [b"one", b"two"]


def test_quiet_tells_whether_nothing_comes_and_takes_nothing_away() -> None:
    with Backend(holding()) as backend, Client(backend) as client:
        client.ask()
        assert client.quiet(0.05)
        backend.release()
        assert not client.quiet(2)
        assert client.recv_all().endswith(b"at last\n")


def test_a_connection_that_ended_is_not_quiet() -> None:
    with Backend(answering()) as backend, Client(backend) as client:
        client.half_close()
        assert not client.quiet(2)


def test_a_slow_reader_lets_the_sender_wait() -> None:
    """A small buffer at the receiver: not much is on its way before it is read (man 7 tcp)."""
    size = 8 * 1024 * 1024
    with Backend(large(size)) as backend, Client(backend, receive_buffer=4096) as client:
        client.ask()
        assert not client.quiet(2)  # it has begun
        assert backend.connections[0].doing.name == "SENDING"
        assert client.read_slowly(65_536).endswith(pattern(size))


def test_a_client_that_aborts_is_seen_to() -> None:
    with Backend(silent()) as backend, Client(backend) as client:
        client.ask()
        assert backend.wait_until(lambda: backend.received() > 0)
        client.abort()
        assert backend.wait_until(lambda: backend.connections[0].sock.fileno() == -1)


def test_one_that_is_refused_leaves_nothing_open() -> None:
    with Backend(answering(), up=False) as backend:
        with pytest.raises(ConnectionRefusedError):
            Client(backend)
    assert RECORDER.direct == set()
