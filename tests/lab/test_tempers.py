"""rsp.lab.tempers: what a client finds at backends of every temper."""

import pytest

from rsp.lab.backends import Backend
from rsp.lab.clients import Client, fetch, request
from rsp.lab.tempers import (
    answering,
    closing_early,
    counting,
    dripping,
    echoing,
    hanging_up,
    holding,
    in_two_parts,
    large,
    pattern,
    replying,
    resetting,
    response,
    silent,
    site,
    slow,
)


def test_answering_answers_at_once_and_closes() -> None:
    with Backend(answering("hello\n")) as backend, Client(backend) as client:
        client.ask()
        assert client.recv_all() == response("hello\n", Connection="close")


def test_answering_with_keep_alive_takes_request_after_request() -> None:
    with Backend(answering("hello\n", keep_alive=True)) as backend, Client(backend) as client:
        for _ in range(3):
            client.ask()
            assert client.recv_message().endswith(b"hello\n")
    assert len(backend.connections) == 1
    assert len(backend.requests) == 3


def test_replying_answers_what_it_was_asked() -> None:
    def reply(message: bytes, backend: Backend) -> bytes:
        return response(message.split(b" ")[1] + b" of " + str(len(backend.requests)).encode())

    with Backend(replying(reply)) as backend:
        assert fetch(backend, "/a").body == b"/a of 1"
        assert fetch(backend, "/b").body == b"/b of 2"


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/", 200, "Content-Type: text/html; charset=utf-8"),
        ("/style.css", 200, "Content-Type: text/css"),
        ("/none", 404, ""),
    ],
)
def test_a_site_has_its_pages_with_their_types_and_no_others(
    path: str, status: int, kind: str
) -> None:
    with Backend(site({"/": "<p>page", "/style.css": "p {}"})) as backend:
        answer = fetch(backend, path)
    assert answer.status == status
    assert kind in answer.head


def test_slow_answers_only_after_its_seconds() -> None:
    with Backend(slow(0.5)) as backend, Client(backend) as client:
        client.ask()
        assert client.quiet(0.05)
        assert client.recv_all().endswith(b"at last\n")


def test_leaving_does_not_wait_for_a_slow_one() -> None:
    with Backend(slow(60)) as backend, Client(backend) as client:
        client.ask()
        assert backend.wait_until(lambda: len(backend.requests) == 1)


def test_holding_answers_when_it_is_released() -> None:
    with Backend(holding()) as backend, Client(backend) as client:
        client.ask()
        assert client.quiet(0.05)
        backend.release()
        assert client.recv_all().endswith(b"at last\n")


def test_dripping_sends_its_lines_one_by_one() -> None:
    with Backend(dripping(3)) as backend:
        answer = fetch(backend)
    assert "Content-Length: 21" in answer.head
    assert answer.body == b"drip 1\ndrip 2\ndrip 3\n"


def test_a_pause_is_between_two_drips() -> None:
    with Backend(dripping(3, pause=60)) as backend, Client(backend) as client:
        client.ask()
        assert client.recv().endswith(b"\r\n\r\n")


def test_in_two_parts_sends_the_second_when_it_is_released() -> None:
    with Backend(in_two_parts("one, ", "two")) as backend, Client(backend) as client:
        client.ask()
        first = b""
        while not first.endswith(b"one, "):
            first += client.recv()
        assert client.quiet(0.05)
        backend.release()
        assert client.recv_all() == b"two"
    assert b"Content-Length: 8\r\n" in first


def test_large_sends_a_body_in_which_a_lost_piece_would_show() -> None:
    with Backend(large(100_000)) as backend:
        body = fetch(backend).body
    assert body == pattern(100_000)
    assert len(set(body.split(b"\n")[:-1])) == 100_000 // 8


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 100_000])
def test_a_pattern_has_the_size_asked_for(size: int) -> None:
    assert len(pattern(size)) == size


def test_silent_takes_everything_and_never_answers() -> None:
    with Backend(silent()) as backend, Client(backend) as client:
        client.send(b"x" * 100_000)
        assert backend.wait_until(lambda: backend.received() == 100_000)
        assert client.quiet(0.05)


def test_a_silent_backend_is_more_patient_than_any_client() -> None:
    """Who gives up first, and so what a proxy sees, is no matter of chance."""
    with Backend(silent()) as backend, Client(backend) as client:
        client.ask()
        with pytest.raises(TimeoutError, match="nothing came from the backend in 2 s"):
            client.recv()


def test_resetting_breaks_off_after_the_request() -> None:
    with Backend(resetting()) as backend, Client(backend) as client:
        client.ask()
        with pytest.raises(ConnectionResetError):
            client.recv_all()


def test_resetting_after_some_bytes_waits_until_they_were_read() -> None:
    """A reset may overtake what nobody has read yet: the experiment says when (man 7 tcp)."""
    with Backend(resetting(b"so far")) as backend, Client(backend) as client:
        client.ask()
        assert client.recv() == b"so far"
        assert client.quiet(0.05)
        backend.release()
        with pytest.raises(ConnectionResetError):
            client.recv()


def test_closing_early_promises_twice_what_it_sends() -> None:
    with Backend(closing_early("half")) as backend:
        answer = fetch(backend)
    assert "Content-Length: 8" in answer.head
    assert answer.head.count("Content-Length") == 1
    assert answer.body == b"half"


def test_hanging_up_ends_every_connection_without_a_word() -> None:
    with Backend(hanging_up()) as backend:
        for _ in range(3):
            with Client(backend) as client:
                assert client.recv() == b""


def test_echoing_sends_back_every_byte_until_the_other_side_ends() -> None:
    with Backend(echoing()) as backend, Client(backend) as client:
        client.send("a")
        assert client.recv() == b"a"
        client.send(b"\0\xff")
        client.half_close()
        assert client.recv_all() == b"\0\xff"


def test_counting_tells_the_number_of_each_request() -> None:
    with Backend(counting()) as backend:
        assert [fetch(backend).body for _ in range(3)] == [b"1\n", b"2\n", b"3\n"]


def test_several_clients_are_treated_at_once() -> None:
    """Each connection has a thread of its own: one that is held stops no other."""
    with Backend(holding()) as backend:
        clients = [Client(backend) for _ in range(5)]
        for client in clients:
            client.ask()
        assert backend.wait_until(lambda: len(backend.requests) == 5)
        backend.release()
        for client in clients:
            with client:
                assert client.recv_all().endswith(b"at last\n")


def test_a_request_body_is_taken_whole() -> None:
    body = pattern(200_000)
    with Backend(answering()) as backend, Client(backend) as client:
        client.send(request("/", "POST", body))
        assert client.recv_all()
    assert backend.requests[0].endswith(b"\r\n\r\n" + body)


def test_a_temper_of_ones_own_whose_mistake_is_told() -> None:
    """What a temper raises comes out where the experiment looks, not in a thread's dying words."""

    def mistaken(*_: object) -> None:
        raise ZeroDivisionError("a mistake")

    with pytest.raises(ZeroDivisionError, match="a mistake"):
        with Backend(mistaken) as backend, Client(backend) as client:
            assert client.recv() == b""


def test_a_client_that_leaves_is_no_mistake_of_the_temper() -> None:
    with Backend(large()) as backend:
        with Client(backend) as client:
            client.ask()
            client.recv(1)
            client.abort()
    assert backend.failure is None
    assert not any(thread.is_alive() for thread in backend.threads)
