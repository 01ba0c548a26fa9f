"""The command with each of its options, seen from outside: a process, its clients, its backend."""

import json
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from rsp.lab.backends import Backend
from rsp.lab.clients import Client, fetch
from rsp.lab.ends import End
from rsp.lab.silence import black_hole
from rsp.lab.tempers import answering, echoing, response, silent
from rsp.net import Address
from tests.test_cli import ENDS, outcome, running

COMBINED = re.compile(
    r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET /page HTTP/1\.1" 200 6 '
    r'"-" "-"\n'
)
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"
PATIENCE = 5  # seconds: the gateway looks at its deadlines once in one
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def sized(size: int) -> bytes:
    """Return a request with a body of so many bytes."""
    return HEAD + b"Content-Length: %d\r\n\r\n" % size + bytes(size)


def fields(count: int) -> bytes:
    """Return a request with so many fields."""
    return GET.removesuffix(b"\r\n") + b"A: b\r\n" * (count - 1) + b"\r\n"


def padded(size: int) -> bytes:
    """Return a request with a head of so many bytes, its last CRLFs not counted."""
    rest = GET.removesuffix(b"\r\n") + b"P: "
    return rest + b"p" * (size - len(rest)) + b"\r\n\r\n"


def chunked(chunk: bytes, trailers: bytes = b"") -> bytes:
    """Return a request with one chunk and these trailers."""
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"\r\n0\r\n" + trailers + b"\r\n"


Write = Callable[..., Path]


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    with Backend(answering("hello\n")) as server:
        yield server


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a config file before a backend, and give its path."""

    def write(backend: Backend, *lines: str) -> Path:
        path = tmp_path / "rsp.lua"
        backend_lines = ['backendAddress = "127.0.0.1"', f"backendPort = {backend.port}"]
        path.write_text("\n".join(["listenPort = 0", *backend_lines, *lines, ""]))
        return path

    return write


def status_of(proxy: Address, said: bytes) -> int:
    """Return the status that a client is told who says this, and then waits."""
    with Client(proxy) as client:
        client.sock.settimeout(PATIENCE)
        client.send(said)
        return int(client.recv().split(b" ", 2)[1])


class TestAccessLog:
    """A line for each exchange, as it is: no stamp of the log's stands before it."""

    @pytest.mark.parametrize("level", ["info", "error"])
    def test_it_is_combined_as_it_comes(self, level: str, backend: Backend) -> None:
        """The level is that of the other log."""
        with running("--log", level, 0, "127.0.0.1", backend.port) as proxy:
            assert fetch(proxy.address, "/page").status == 200
            assert COMBINED.fullmatch(proxy.wait_for_raw_lines(1)[-1])

    @pytest.mark.parametrize("where", ["word", "file"])
    def test_json_is_an_object_a_line(self, where: str, backend: Backend, write: Write) -> None:
        file = write(backend, 'accessLog = "json"' if where == "file" else "")
        words = ["--access-log", "json"] if where == "word" else []
        with running(*words, file) as proxy:
            fetch(proxy.address, "/page")
            said = json.loads(proxy.wait_for_raw_lines(1)[0])
        assert (said["method"], said["target"], said["status"]) == ("GET", "/page", 200)
        assert (said["client"], said["host"], said["bytes"]) == ("127.0.0.1", "example.test", 6)

    @pytest.mark.parametrize(("words", "in_file"), [([], "off"), (["--access-log", "off"], "json")])
    def test_off_is_none(
        self, words: Sequence[str], in_file: str, backend: Backend, write: Write
    ) -> None:
        """The command line's word counts more than the file's."""
        with running(*words, write(backend, f'accessLog = "{in_file}"')) as proxy:
            with Client(proxy.address) as later:
                assert fetch(proxy.address).status == 200
                assert later.quiet(1.5)  # longer than lines are kept back
            assert proxy.end() == 0
        assert proxy.lines == []

    @pytest.mark.parametrize("by", ENDS)
    def test_what_was_noted_is_not_lost_at_the_end(
        self, by: signal.Signals, backend: Backend
    ) -> None:
        """Lines are kept back for up to a second."""
        with running(0, "127.0.0.1", backend.port) as proxy:
            for _ in range(5):
                fetch(proxy.address, "/page")
            assert proxy.end(by) == 0
            proxy.reader.join()
        assert len(proxy.lines) == 5
        assert all(map(COMBINED.fullmatch, proxy.lines))


class TestRelay:
    @pytest.mark.parametrize("where", ["word", "file", "both"])
    def test_bytes_pass_unread_and_a_half_close_too(self, where: str, write: Write) -> None:
        """Nothing of it is HTTP."""
        with Backend(echoing()) as backend:
            file = write(backend, "" if where == "word" else 'listenKind = "relay"')
            with running(*([] if where == "file" else ["--relay"]), file) as proxy:
                with Client(proxy.address) as client:
                    client.send(b"\0 no HTTP \r\n")
                    client.half_close()
                    assert client.recv_all() == b"\0 no HTTP \r\n"
                assert proxy.end() == 0
        assert proxy.lines == []

    def test_the_command_line_makes_a_relay_of_a_file_for_http(
        self, backend: Backend, write: Write
    ) -> None:
        """Settings for HTTP then have nothing to do."""
        with running("--relay", write(backend, 'accessLog = "json"', "bodyLimit = 1")) as proxy:
            fetch(proxy.address)
            assert proxy.end() == 0
        assert proxy.lines == []

    @pytest.mark.parametrize("words", [[], ["-t"]])
    def test_a_relay_has_no_access_log(
        self, words: Sequence[str], backend: Backend, write: Write
    ) -> None:
        file = write(backend, 'listenKind = "relay"')
        status, out, err = outcome(*words, "--access-log", "json", file)
        why = "there are no exchanges for --access-log to tell of: a relay reads no HTTP"
        assert (status, out, err) == (1, "", f"rsp: {file}: listenKind is a relay, and {why}\n")

    def test_http_is_what_it_speaks_as_it_comes(self, backend: Backend) -> None:
        with running(0, "127.0.0.1", backend.port) as proxy:
            assert status_of(proxy.address, b"\0 no HTTP \r\n") == 400


class TestWhatTheBackendIsTold:
    @pytest.mark.parametrize(
        ("line", "fields"),
        [
            ("", [b"X-Forwarded-For: 127.0.0.1", b"Host: example.test"]),
            ('trusted = "127.0.0.1"', [b"X-Forwarded-For: 192.0.2.1, 127.0.0.1"]),
            ('trusted = {"::1", "127.0.0.0/8"}', [b"X-Forwarded-For: 192.0.2.1, 127.0.0.1"]),
            ('trusted = {"10.0.0.0/8"}', [b"X-Forwarded-For: 127.0.0.1"]),
            ('host = "app.test:81"', [b"Host: app.test:81", b"X-Forwarded-Host: example.test"]),
            ("forwarded = true", [b'Forwarded: for=127.0.0.1;host="example.test";proto=http']),
        ],
    )
    def test_fields(self, line: str, fields: Sequence[bytes], write: Write) -> None:
        """Of a client that says it comes from somewhere else."""
        with Backend(answering("hello\n")) as server, running(write(server, line)) as proxy:
            fetch(proxy.address, X_Forwarded_For="192.0.2.1")
            lines = server.requests[0].split(b"\r\n")
        for field in fields:
            assert field in lines
        assert (b"Forwarded:" in server.requests[0]) == ("forwarded" in line)


class TestLimits:
    @pytest.mark.parametrize(
        ("line", "passes", "refused", "status"),
        [
            ("bodyLimit = 10", sized(10), sized(11), 413),
            ("bodyLimit = 10", chunked(b"a\r\n" + bytes(10)), chunked(b"b\r\n" + bytes(11)), 413),
            ("requestLineLimit = 14", GET, GET.replace(b"/ ", b"/? "), 414),
            ("headLimit = 200", padded(200), padded(201), 431),
            ("fieldsLimit = 3", fields(3), fields(4), 431),  # the answer has two
            ("extensionsLimit = 4", chunked(b"1;abc\r\n1"), chunked(b"1;abcd\r\n1"), 400),
            (
                "trailersLimit = 6",
                chunked(b"1\r\n1", b"A: bcd\r\n"),
                chunked(b"1\r\n1", b"A: bcde\r\n"),
                400,
            ),
        ],
        ids=["length", "chunks", "line", "head", "fields", "extensions", "trailers"],
    )
    def test_at_the_limit_it_passes_and_above_it_does_not(
        self, line: str, passes: bytes, refused: bytes, status: int, backend: Backend, write: Write
    ) -> None:
        with running(write(backend, line, 'accessLog = "off"')) as proxy:
            assert status_of(proxy.address, passes) == 200
            assert status_of(proxy.address, refused) == status
            assert proxy.end() == 0
        assert proxy.lines == []


class TestTimeouts:
    """Of a fifth of a second; the gateway looks once a second who is late."""

    @pytest.mark.parametrize(
        ("name", "said", "status"),
        [
            ("head", b"GET / HTTP/1.1\r\n", 408),
            ("body", HEAD + b"Content-Length: 2\r\n\r\n1", 408),
            ("answer", GET, 504),
            ("request", GET, 504),
        ],
    )
    def test_who_is_late_is_told(self, name: str, said: bytes, status: int, write: Write) -> None:
        with Backend(silent()) as quiet, running(write(quiet, f"{name}Timeout = 0.2")) as proxy:
            assert status_of(proxy.address, said) == status

    def test_a_client_that_asks_no_more_is_let_go(self, write: Write) -> None:
        with Backend(answering("hello\n", keep_alive=True)) as server:
            with running(write(server, 'idleTimeout = "0.2"')) as proxy:
                with Client(proxy.address) as client:
                    client.sock.settimeout(PATIENCE)
                    client.send(GET)
                    assert client.recv_all().endswith(b"hello\n")

    def test_a_backend_that_does_not_answer_the_dial(self, write: Write) -> None:
        with Backend(answering()) as server, black_hole(server.port):
            file = write(server, 'backendAddress = "127.0.0.2"', "connectTimeout = 0.2")
            with running(file) as proxy:
                assert status_of(proxy.address, GET) in (502, 504)

    def test_an_upstream_is_closed_that_nobody_uses(self, write: Write) -> None:
        with Backend(answering("hello\n", keep_alive=True)) as server:
            with running(write(server, "upstreamTimeout = 0.2")) as proxy:
                assert fetch(proxy.address).status == 200
                (upstream,) = server.connections
                assert server.wait_until(lambda: upstream.ended_there, 5)

    def test_none_is_kept(self, write: Write) -> None:
        with Backend(answering("hello\n", keep_alive=True)) as server:
            with running(write(server, "kept = 0")) as proxy:
                for _ in range(2):
                    assert fetch(proxy.address).status == 200
            assert len(server.connections) == 2

    def test_there_are_no_more_upstreams_than_that(self, write: Write) -> None:
        with Backend(silent()) as quiet:
            with running(write(quiet, "upstreams = 1", "connectTimeout = 0.2")) as proxy:
                with Client(proxy.address) as first:
                    first.ask()
                    assert quiet.wait_until(lambda: quiet.received() > 0)
                    assert status_of(proxy.address, GET) == 503
            assert len(quiet.connections) == 1

    @pytest.mark.parametrize("patience", [0.2, 30])
    def test_a_tunnel_in_which_nobody_speaks(self, patience: float, write: Write) -> None:
        with Backend(switching) as server:
            with running(write(server, f"tunnelTimeout = {patience}")) as proxy:
                with Client(proxy.address) as client:
                    client.ask(Connection="upgrade", Upgrade="echo")
                    assert client.recv().startswith(b"HTTP/1.1 101 ")
                    assert client.quiet(3) == (patience > 3)


def switching(end: End, server: Backend) -> None:
    """Agree to speak another protocol, and say nothing."""
    end.recv()
    end.send(response("", "101 Switching Protocols", Connection="upgrade", Upgrade="echo"))
    end.recv()
