"""rsp.lab.recorder, order and transcript: the same words for the same exchange, in every run."""

import threading
from collections.abc import Callable

import pytest

from rsp.lab.backends import Backend
from rsp.lab.clients import Client, fetch, request
from rsp.lab.ends import End
from rsp.lab.order import arranged
from rsp.lab.recorder import RECORDER, Event, Kind
from rsp.lab.running import RELAY, running
from rsp.lab.tempers import (
    answering,
    closing_early,
    dripping,
    echoing,
    hanging_up,
    holding,
    large,
    resetting,
    silent,
)
from rsp.lab.transcript import Recording, Transcript, describe
from rsp.net import Address
from rsp.stages import s04_serial

RUNS = 50


def told(recording: Transcript) -> list[str]:
    return [str(step) for step in recording]


def one_exchange() -> Transcript:
    with Backend(answering("hello\n")) as backend, running(s04_serial.serve, backend) as proxy:
        fetch(proxy)
        return proxy.transcript()


def one_after_the_other() -> Transcript:
    with Backend(answering("hello\n")) as backend, running(s04_serial.serve, backend) as proxy:
        fetch(proxy, "/one")
        fetch(proxy, "/two")
        return proxy.transcript()


def a_client_that_waits_for_another() -> Transcript:
    with Backend(holding("held\n")) as backend, running(s04_serial.serve, backend) as proxy:
        with Client(proxy) as first, Client(proxy) as second:
            first.ask("/first")
            second.ask("/second")
            assert backend.wait_until(lambda: len(backend.requests) == 1)
            first.note("second waits")
            backend.release()
            first.recv_all()
            second.recv_all()
        return proxy.transcript()


def drips() -> Transcript:
    with Backend(dripping(4, 0.001)) as backend, running(s04_serial.serve, backend) as proxy:
        fetch(proxy)
        return proxy.transcript()


def a_half_close() -> Transcript:
    with Backend(answering("hello\n")) as backend, running(s04_serial.serve, backend) as proxy:
        with Client(proxy) as client:
            client.ask()
            client.half_close()
            client.recv_all()
        return proxy.transcript()


def a_reset_by_the_backend() -> Transcript:
    with Backend(resetting(b"so far")) as backend, running(s04_serial.serve, backend) as proxy:
        with Client(proxy) as client:
            client.ask()
            client.recv()
            backend.release()
            client.recv_all()
        return proxy.transcript()


def a_client_that_aborts() -> Transcript:
    with Backend(silent()) as backend, running(s04_serial.serve, backend) as proxy:
        with Client(proxy) as client:
            client.ask()
            assert backend.wait_until(lambda: backend.received() > 0)
            client.abort()
        return proxy.transcript()


def a_backend_that_hangs_up() -> Transcript:
    with Backend(hanging_up()) as backend, running(s04_serial.serve, backend) as proxy:
        with Client(proxy) as client:
            client.ask()
            assert client.recv_all() == b""
        return proxy.transcript()


def a_backend_that_is_down() -> Transcript:
    with Backend(answering(), up=False) as backend, running(s04_serial.serve, backend) as proxy:
        with Client(proxy) as client:
            assert client.recv_all() == b""
        return proxy.transcript()


def a_long_answer() -> Transcript:
    with Backend(large(300_000)) as backend, running(s04_serial.serve, backend) as proxy:
        fetch(proxy)
        return proxy.transcript()


def a_short_answer() -> Transcript:
    with Backend(closing_early("half")) as backend, running(s04_serial.serve, backend) as proxy:
        fetch(proxy)
        return proxy.transcript()


GET = "GET / HTTP/1.1 (57 bytes)"
OK = "HTTP/1.1 200 OK (63 bytes)"
EXCHANGES: dict[Callable[[], Transcript], list[str]] = {
    one_exchange: [
        "client → proxy: connect",
        f"client → proxy: {GET}",
        "proxy → backend: connect",
        f"proxy → backend: {GET}",
        f"backend → proxy: {OK}",
        f"proxy → client: {OK}",
        "backend → proxy: end",
        "proxy → client: end",
    ],
    one_after_the_other: [
        "client-1 → proxy: connect",
        "client-1 → proxy: GET /one HTTP/1.1 (60 bytes)",
        "proxy → backend: connect",
        "proxy → backend: GET /one HTTP/1.1 (60 bytes)",
        f"backend → proxy: {OK}",
        f"proxy → client-1: {OK}",
        "backend → proxy: end",
        "proxy → client-1: end",
        "client-2 → proxy: connect",
        "client-2 → proxy: GET /two HTTP/1.1 (60 bytes)",
        "proxy → backend: connect",
        "proxy → backend: GET /two HTTP/1.1 (60 bytes)",
        f"backend → proxy: {OK}",
        f"proxy → client-2: {OK}",
        "backend → proxy: end",
        "proxy → client-2: end",
    ],
    a_client_that_waits_for_another: [
        "client-1 → proxy: connect",
        "client-2 → proxy: connect",
        "client-1 → proxy: GET /first HTTP/1.1 (62 bytes)",
        "client-2 → proxy: GET /second HTTP/1.1 (63 bytes)",
        "proxy → backend: connect",
        "proxy → backend: GET /first HTTP/1.1 (62 bytes)",
        "client-1: second waits",
        "backend → proxy: HTTP/1.1 200 OK (62 bytes)",
        "proxy → client-1: HTTP/1.1 200 OK (62 bytes)",
        "backend → proxy: end",
        "proxy → client-1: end",
        "proxy → backend: connect",
        "proxy → backend: GET /second HTTP/1.1 (63 bytes)",
        "backend → proxy: HTTP/1.1 200 OK (62 bytes)",
        "proxy → client-2: HTTP/1.1 200 OK (62 bytes)",
        "backend → proxy: end",
        "proxy → client-2: end",
    ],
    drips: [
        "client → proxy: connect",
        f"client → proxy: {GET}",
        "proxy → backend: connect",
        f"proxy → backend: {GET}",
        "backend → proxy: HTTP/1.1 200 OK (86 bytes)",
        "proxy → client: HTTP/1.1 200 OK (86 bytes)",
        "backend → proxy: end",
        "proxy → client: end",
    ],
    a_half_close: [
        "client → proxy: connect",
        f"client → proxy: {GET}",
        "client → proxy: end",
        "proxy → backend: connect",
        f"proxy → backend: {GET}",
        f"backend → proxy: {OK}",
        f"proxy → client: {OK}",
        "backend → proxy: end",
        "proxy → client: end",
    ],
    a_reset_by_the_backend: [
        "client → proxy: connect",
        f"client → proxy: {GET}",
        "proxy → backend: connect",
        f"proxy → backend: {GET}",
        "backend → proxy: “so far” (6 bytes)",
        "proxy → client: “so far” (6 bytes)",
        "backend → proxy: reset",
        "proxy → client: end",
    ],
    a_client_that_aborts: [
        "client → proxy: connect",
        f"client → proxy: {GET}",
        "client → proxy: reset",
        "proxy → backend: connect",
        f"proxy → backend: {GET}",
    ],
    a_backend_that_hangs_up: [
        "client → proxy: connect",
        f"client → proxy: {GET}",
        "proxy → backend: connect",
        "backend → proxy: end",
        "proxy → client: end",
    ],
    a_backend_that_is_down: ["client → proxy: connect", "proxy → client: end"],
    a_long_answer: [
        "client → proxy: connect",
        f"client → proxy: {GET}",
        "proxy → backend: connect",
        f"proxy → backend: {GET}",
        "backend → proxy: HTTP/1.1 200 OK (300,062 bytes)",
        "proxy → client: HTTP/1.1 200 OK (300,062 bytes)",
        "backend → proxy: end",
        "proxy → client: end",
    ],
    a_short_answer: [
        "client → proxy: connect",
        f"client → proxy: {GET}",
        "proxy → backend: connect",
        f"proxy → backend: {GET}",
        "backend → proxy: HTTP/1.1 200 OK (61 bytes)",
        "proxy → client: HTTP/1.1 200 OK (61 bytes)",
        "backend → proxy: end",
        "proxy → client: end",
    ],
}


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.__name__)
def test_an_exchange_is_told_in_the_same_words_in_fifty_runs(
    exchange: Callable[[], Transcript],
) -> None:
    """The order on a connection and what caused what are certain; the rest is chosen."""
    for _ in range(RUNS):
        assert told(exchange()) == EXCHANGES[exchange]


def test_the_command_is_recorded_like_a_function() -> None:
    """The recorder sits at the lab's own ends: it sees any proxy alike."""
    with Backend(answering("hello\n")) as backend, running(RELAY, backend) as proxy:
        fetch(proxy)
    assert told(proxy.transcript()) == EXCHANGES[one_exchange]


def test_two_clients_in_threads_are_told_apart_by_what_they_asked() -> None:
    """Which of the threads was first is chance, and so no matter."""

    def both() -> list[str]:
        with Backend(answering("hello\n")) as backend, running(s04_serial.serve, backend) as proxy:
            threads = [threading.Thread(target=fetch, args=(proxy, path)) for path in ("/b", "/a")]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return told(proxy.transcript())

    expected = [line.replace("/one", "/a") for line in EXCHANGES[one_after_the_other]]
    expected = [line.replace("/two", "/b").replace("(60", "(58") for line in expected]
    for _ in range(RUNS):
        assert both() == expected


def test_a_client_at_a_backend_is_recorded_once() -> None:
    """Without a proxy both ends of the connection are the lab's: one tells."""
    for _ in range(RUNS):
        with Backend(echoing(), name="server") as backend, Recording() as seen:
            with Client(backend) as client:
                client.send(b"\xff\n\0")
                client.half_close()
                client.recv_all()
        assert told(seen.transcript()) == [
            "client → server: connect",
            "client → server: “\\xff\\n\\x00” (3 bytes)",
            "client → server: end",
            "server → client: “\\xff\\n\\x00” (3 bytes)",
            "server → client: end",
        ]


def test_a_refused_connection_is_told() -> None:
    with Backend(answering(), up=False) as backend, Recording() as seen:
        with pytest.raises(ConnectionRefusedError):
            Client(backend)
    assert told(seen.transcript()) == ["client → backend: connect", "backend → client: reset"]


def test_what_came_in_several_pieces_is_one_step() -> None:
    with Backend(holding("held\n")) as backend, running(s04_serial.serve, backend) as proxy:
        with Client(proxy) as client:
            client.send(b"GET / HT")
            client.send(b"TP/1.1\r\n\r\n")
            client.quiet(0.05)
    first = [str(step) for step in proxy.transcript()][:2]
    assert first == ["client → proxy: connect", "client → proxy: GET / HTTP/1.1 (18 bytes)"]


def test_a_note_stands_behind_everything_that_had_come() -> None:
    with Backend(holding()) as backend, running(s04_serial.serve, backend) as proxy:
        with Client(proxy) as client:
            client.ask()
            assert client.quiet(0.2)
            backend.release()
            client.recv_all()
    steps = told(proxy.transcript())
    assert steps.index("client: no answer yet") == steps.index(f"proxy → backend: {GET}") + 1


def test_a_recording_ends_with_its_proxy() -> None:
    with Backend(answering()) as backend:
        with running(s04_serial.serve, backend) as proxy:
            fetch(proxy)
        before = told(proxy.transcript())
        with running(s04_serial.serve, backend, name="other") as other:
            fetch(other)
    assert told(proxy.transcript()) == before
    assert next(iter(other.transcript())).receiver == "other"
    assert RECORDER.recordings == ()
    assert RECORDER.middle == "proxy"


def test_the_bytes_of_one_way_can_be_summed() -> None:
    with Backend(answering("hello\n")) as backend, running(s04_serial.serve, backend) as proxy:
        answer = fetch(proxy)
    seen = proxy.transcript()
    size = len(answer.head) + len("\r\n\r\n") + len(answer.body)
    assert seen.bytes_sent("backend", "proxy") == seen.bytes_sent("proxy", "client") == size
    assert seen.bytes_sent("proxy", "backend") == len(request())


def test_a_transcript_prints_as_a_diagram_and_as_a_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Backend(answering("hello\n")) as backend, running(s04_serial.serve, backend) as proxy:
        fetch(proxy)
    seen = proxy.transcript()
    assert len(seen) == len(list(seen)) == 8
    assert repr(seen) == str(seen)
    assert str(seen).splitlines()[0].split() == ["client", "proxy", "backend"]
    assert seen._repr_svg_().startswith("<svg ")
    seen.table()
    row = next(line for line in capsys.readouterr().out.splitlines() if "200 OK" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        "5", "backend", "proxy", "HTTP/1.1 200 OK", "63",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a HTTP/1.1"),
        (b"GET /" + b"a" * 100 + b" HTTP/1.1\r\n", "GET /" + "a" * 55 + "…"),
        (b"HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK"),
        (b"plain", "“plain”"),
        (b"0123456789abcdefg", "“0123456789abcdef…”"),
        (b"\x00\xff\n\\", "“\\x00\\xff\\n\\\\”"),
        (b"GET /\x00 HTTP/1.1\r\n", "“GET /\\x00 HTTP/1.1\\r…”"),
        ("GET /ü HTTP/1.1".encode(), "“GET /\\xc3\\xbc HTTP/1.1”"),
    ],
)
def test_bytes_are_described_by_their_first_line_or_their_first_bytes(
    data: bytes, words: str
) -> None:
    assert describe(data) == words


def event(lane: int, kind: Kind, *, at_client: bool, incoming: bool, data: bytes = b"") -> Event:
    return Event(lane, 1, "owner", "other", kind, data, at_client, incoming)


def seen_from(lane: int, asked: bytes, *, at_client: bool) -> list[Event]:
    """Return a request and its answer, as one end saw them."""
    mine = {"lane": lane, "at_client": at_client}
    return [
        event(kind=Kind.CONNECT, incoming=not at_client, **mine),
        event(kind=Kind.DATA, incoming=not at_client, data=asked, **mine),
        event(kind=Kind.DATA, incoming=at_client, data=b"answer to " + asked, **mine),
        event(kind=Kind.END, incoming=at_client, **mine),
    ]


@pytest.mark.parametrize("crossed", [False, True])
def test_an_upstream_belongs_to_the_client_whose_request_it_carries(crossed: bool) -> None:
    """Not to the first that asked, nor by the first line only: two requests may begin alike."""
    alike = b"GET / HTTP/1.1\r\nCookie: "
    clients = seen_from(1, alike + b"one", at_client=True)
    clients += seen_from(2, alike + b"two", at_client=True)
    backends = seen_from(3, alike + (b"two" if crossed else b"one"), at_client=False)
    backends += seen_from(4, alike + (b"one" if crossed else b"two"), at_client=False)
    order = [each.lane for each in arranged([*clients, *backends]) if each.kind is Kind.END]
    assert order == ([4, 1, 3, 2] if crossed else [3, 1, 4, 2])


def test_an_end_that_only_answers_an_end_is_left_out() -> None:
    mine = {"lane": 1, "at_client": True}
    ends = [event(kind=Kind.END, incoming=incoming, **mine) for incoming in (True, False)]
    assert list(arranged(ends)) == ends[:1]


def test_an_end_after_more_data_is_no_answer_to_the_first_one() -> None:
    """Half-closed, a connection goes on the other way, and ends there on its own."""
    mine = {"lane": 1, "at_client": True}
    events = [
        event(kind=Kind.END, incoming=False, **mine),
        event(kind=Kind.DATA, incoming=True, data=b"more", **mine),
        event(kind=Kind.END, incoming=True, **mine),
    ]
    assert list(arranged(events)) == events


def test_bytes_of_two_ways_are_not_merged() -> None:
    mine = {"lane": 1, "at_client": True}
    cut = [(b"a", False), (b"b", False), (b"c", True), (b"d", False)]
    events = [event(kind=Kind.DATA, incoming=way, data=data, **mine) for data, way in cut]
    assert [each.data for each in arranged(events)] == [b"ab", b"c", b"d"]


def test_nothing_can_be_told_too() -> None:
    assert told(Transcript([])) == []
    assert str(Transcript([])) == "(nothing was sent)"


def test_recordings_from_many_threads_lose_nothing() -> None:
    def work(end: End) -> None:
        for number in range(1000):
            end.note(str(number))

    with Backend(silent()) as backend, Recording() as seen:
        ends = [Client(Address("127.0.0.1", backend.port)) for _ in range(4)]
        threads = [threading.Thread(target=work, args=(end,)) for end in ends]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for end in ends:
            end.close()
    notes = [each for each in seen.events if each.kind is Kind.NOTE]
    for end in ends:
        mine = [int(each.data) for each in notes if each.lane == end.lane]
        assert mine == list(range(1000))
