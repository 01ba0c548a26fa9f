"""rsp.lab.ends: what an end of the lab's sends, receives, and tells of it."""

import socket
import threading
from collections.abc import Iterator

import pytest

from rsp.lab.ends import End, message_length
from rsp.lab.recorder import Kind
from rsp.lab.transcript import Recording

Pair = tuple[End, socket.socket]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"


@pytest.fixture
def pair() -> Iterator[Pair]:
    """An end, and a plain socket at its far side."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        far = socket.create_connection(listener.getsockname(), timeout=2)
        near, _ = listener.accept()
    with far, End(near, "near", "far", at_client=True) as end:
        yield end, far


def test_it_counts_what_it_sent_and_received(pair: Pair) -> None:
    end, far = pair
    end.send("text: ü")
    far.sendall(b"bytes")
    assert end.recv() == b"bytes"
    assert far.recv(100) == "text: ü".encode()
    assert repr(end) == "<near: sent 8, received 5, open>"
    end.close()
    assert repr(end) == "<near: sent 8, received 5, closed>"


def test_it_takes_at_most_what_was_asked_for(pair: Pair) -> None:
    end, far = pair
    far.sendall(b"bytes")
    assert end.recv(2) == b"by"
    assert end.recv() == b"tes"


def test_everything_is_what_comes_until_the_end(pair: Pair) -> None:
    end, far = pair
    thread = threading.Thread(target=lambda: (far.sendall(b"x" * 500_000), far.close()))
    thread.start()
    assert end.recv_all() == b"x" * 500_000
    thread.join()


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_message_is_its_head_and_the_body_that_it_promises(pair: Pair, size: int) -> None:
    """Whole, byte by byte, and with the beginning of the next one behind it (RFC 9112 §6.3)."""
    end, far = pair
    stream = HEAD + b"body" + HEAD + b"next" + b"rest"
    thread = threading.Thread(
        target=lambda: [far.sendall(stream[at : at + size]) for at in range(0, len(stream), size)]
    )
    thread.start()
    assert end.recv_message() == HEAD + b"body"
    assert end.recv_message() == HEAD + b"next"
    thread.join()
    far.close()
    assert end.recv_message() == b"rest"
    assert end.recv_message() == b""


@pytest.mark.parametrize(
    ("data", "length"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n", None),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27),
        (HEAD, len(HEAD) + 4),
        (b"POST / HTTP/1.1\r\ncontent-length:4\r\n\r\nbo", 41),
        (b"POST / HTTP/1.1\r\nContent-Length: four\r\n\r\nbo", 41),
        (b"POST / HTTP/1.1\r\nContent-Length: -4\r\n\r\nbo", 39),
    ],
)
def test_the_length_of_a_message_is_told_by_its_head(data: bytes, length: int | None) -> None:
    """A length that is none counts as no body: no client may break the lab."""
    assert message_length(data) == length


def test_a_half_close_ends_one_way_only(pair: Pair) -> None:
    end, far = pair
    end.half_close()
    end.half_close()  # once is enough, twice does no harm
    assert far.recv(100) == b""
    far.sendall(b"still here")
    assert end.recv() == b"still here"


def test_an_abort_is_seen_as_a_reset(pair: Pair) -> None:
    end, far = pair
    end.abort()
    end.abort()
    with pytest.raises(ConnectionResetError):
        far.recv(100)


def test_nothing_within_the_time_is_said_with_who_was_silent(pair: Pair) -> None:
    end, _ = pair
    end.sock.settimeout(0.01)
    with pytest.raises(TimeoutError, match=r"nothing came from the far in 0\.01 s"):
        end.recv()


def test_shutting_it_from_another_thread_wakes_whoever_waits(pair: Pair) -> None:
    end, _ = pair
    got: list[bytes] = []
    thread = threading.Thread(target=lambda: got.append(end.recv()))
    thread.start()
    end.shut()
    thread.join(2)
    assert got == [b""]


def test_each_thing_is_recorded_once(pair: Pair) -> None:
    """An end and a reset happen once, however often they are looked at."""
    end, far = pair
    with Recording() as seen:
        end.send(b"out")
        far.sendall(b"in")
        end.recv()
        end.note("a word")
        far.shutdown(socket.SHUT_WR)
        assert end.recv() == end.recv() == b""
        end.close()
        end.close()
    kinds = [(event.kind, event.incoming, event.data) for event in seen.events]
    assert kinds == [
        (Kind.DATA, False, b"out"),
        (Kind.DATA, True, b"in"),
        (Kind.NOTE, False, b"a word"),
        (Kind.END, True, b""),
        (Kind.END, False, b""),
    ]


def test_a_reset_is_recorded_as_one(pair: Pair) -> None:
    end, far = pair
    with Recording() as seen:
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        far.close()
        with pytest.raises(ConnectionResetError):
            end.recv()
    assert [(event.kind, event.incoming) for event in seen.events] == [(Kind.RESET, True)]


def test_one_that_is_not_recorded_says_nothing(pair: Pair) -> None:
    end, _ = pair
    end.recorded = False
    with Recording() as seen:
        end.send(b"out")
    assert seen.events == []
