"""The command, as a process of its own: what it prints, what it returns, how it ends."""

import fcntl
import os
import re
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from rsp import __version__, cli
from rsp.config import Config
from rsp.errors import StartError
from rsp.lab.backends import Backend
from rsp.lab.clients import Client, fetch, request
from rsp.lab.tempers import answering, in_two_parts, large, silent
from rsp.net import Address, resolve

COMMAND = [sys.executable, "-m", "rsp"]
USAGE = """Usage: rsp <config file>
       rsp <server port> <backend address> <backend port>
       rsp --relay <server port> <backend address> <backend port>
       rsp -t <config file>
"""
STAMP = r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} [+-]\d{4}\] "
STAMPED = re.compile(STAMP + r"(.*\n)")
START = re.compile(STAMP + r"Started\.  Listening on port (\d+)\.\n")
TIMEOUT = 2  # seconds; more for a process, which has an interpreter to start
PROCESS_TIMEOUT = 20
ENDS = {signal.SIGINT, signal.SIGTERM}

# Runs the command in a Python whose look-ups the test has changed.
WITH_LOOK_UP = "import socket, threading; {change}; from rsp.cli import main; main({words})"

QUIET = ("--access-log", "off")  # what is said then is of something that went wrong
kinds = pytest.mark.parametrize("kind", [QUIET, ("--relay",)], ids=["http", "relay"])

NeedsIPv6 = pytest.mark.skipif(not os.path.exists("/proc/net/if_inet6"), reason="no IPv6 here")


class Running:
    """The command at work; what it prints after its first line is read by a thread."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        assert process.stdout
        self.first_line = first_line(process)
        found = START.fullmatch(self.first_line)
        self.port = int(found[1]) if found else 0
        self.lines: list[str] = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line)
                self.changed.notify_all()

    def wait_for_lines(self, count: int) -> list[str]:
        """Return what it says after its first line, without the stamps, which must be there."""
        return [unstamped(line) for line in self.wait_for_raw_lines(count)]

    def wait_for_raw_lines(self, count: int) -> list[str]:
        """Return what it says after its first line, as it says it."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.lines) >= count, TIMEOUT), self.lines
            return list(self.lines)

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self.port)

    def end(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal; return its exit status, which must be there in time."""
        self.process.send_signal(by)
        return self.process.wait(TIMEOUT)


def unstamped(line: str) -> str:
    """Return a log line without its time."""
    found = STAMPED.fullmatch(line)
    assert found, line
    return found[1]


def start(*words: object, **options: object) -> "subprocess.Popen[str]":
    """Start the command with `words`, or what `command=` says, its output captured."""
    command = options.pop("command", [*COMMAND, *map(str, words)])
    # As a learner's shell has it: what is not flushed then stays in the process.
    options["env"] = {key: v for key, v in os.environ.items() if key != "PYTHONUNBUFFERED"}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options}
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, text=True, **streams)  # type: ignore[call-overload,no-any-return]


def first_line(process: "subprocess.Popen[str]") -> str:
    """Return the first line that a process prints; end it where it says nothing."""
    assert process.stdout
    if not select.select([process.stdout], [], [], PROCESS_TIMEOUT)[0]:
        process.kill()
    return process.stdout.readline()


@contextmanager
def running(*words: object, **options: object) -> Iterator[Running]:
    """Run the command for the length of a `with`."""
    process = start(*words, **options)
    proxy = Running(process)
    try:
        yield proxy
    finally:
        process.kill()
        process.wait()
        proxy.reader.join()
        assert process.stdout
        process.stdout.close()


def outcome(*words: object, **options: object) -> tuple[int, str, str]:
    """Run the command to its end; return its status, its stdout and its stderr."""
    with start(*words, stderr=subprocess.PIPE, **options) as process:
        try:
            out, err = process.communicate(timeout=PROCESS_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return process.returncode, out, err


def is_refused(proxy: Address) -> bool:
    """Tell whether a client gets no answer of a backend's: 502, an end, or a reset."""
    try:
        answer = fetch(proxy)
        return not answer.head or answer.status == 502
    except ConnectionResetError:
        return True


def received_by(server: Backend) -> bytes:
    """Return what a backend has got, over all connections."""
    return b"".join(end.received for end in server.connections)


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    with Backend(answering("hello\n")) as server:
        yield server


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port on which nobody listens, and which nobody else can get: it is bound."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


class TestUsage:
    @pytest.mark.parametrize(
        ("words", "complaint"),
        [
            ([], "a config file, or three words, and there are 0 words"),
            (["8000", "localhost"], "a config file, or three words, and there are 2 words"),
            (["8000", "localhost", "80", "81"], "and there are 4 words"),
            (["-t"], "it takes one config file, and there are 0 words"),
            (["-t", "8000", "localhost", "80"], "it takes one config file, and there are 3 words"),
            ([""], "'' is no config file"),
            (["--log", "loud", "rsp.lua"], "invalid choice: 'loud'"),
            (["65536", "localhost", "80"], "port 65536 is not between 0 and 65535"),
            (["-1", "localhost", "80"], "port -1 is not between 0 and 65535"),
            (["8000", "localhost", "70000"], "port 70000 is not between 0 and 65535"),
            (["", "localhost", "80"], "'' is no server port"),
            (["8000", " ", "80"], "' ' is no backend address"),
            (["8000", "a\nb", "80"], r"'a\nb' is no backend address"),
            (["8000", "localhost", "\udcff"], "is no backend port"),
            (["--fast", "8000", "localhost", "80"], "unrecognized arguments: --fast"),
            (["--access-log", "xml", "rsp.lua"], "invalid choice: 'xml'"),
            (["--relay", "--access-log", "off", "rsp.lua"], "a relay reads no HTTP"),
        ],
        ids=ascii,
    )
    def test_wrong_usage_is_answered_with_the_usage_line(
        self, words: list[str], complaint: str
    ) -> None:
        """The posts print their usage and leave; the status 2 is the shell's for wrong usage."""
        status, out, err = outcome(*words)
        assert (status, out) == (2, "")
        assert err.startswith(f"{USAGE}rsp: ")
        assert err.count("\n") == 5
        assert complaint in err

    def test_help_begins_with_the_usage_line_and_names_each_argument(self) -> None:
        status, out, err = outcome("--help")
        assert (status, err) == (0, "")
        assert out.startswith(USAGE)
        words = ["<config file>", "<server port>", "<backend address>", "<backend port>"]
        for word in [*words, "-t, --test", "--relay", "--log", "--access-log", "--version"]:
            assert f"\n  {word}" in out

    def test_version_is_that_of_the_package(self) -> None:
        assert outcome("--version") == (0, f"rsp {__version__}\n", "")

    def test_it_is_installed_as_a_command(self) -> None:
        """[project.scripts]: `rsp` is `python -m rsp`."""
        script = Path(sys.executable).parent / "rsp"
        assert outcome(command=[script, "--version"]) == (0, f"rsp {__version__}\n", "")


class TestStart:
    def test_says_when_it_is_ready_and_where(self, backend: Backend) -> None:
        """The line of the series, flushed into a pipe; port 0 is told as the real one."""
        with running(0, "127.0.0.1", backend.port) as proxy:
            assert unstamped(proxy.first_line) == f"Started.  Listening on port {proxy.port}.\n"
            assert proxy.port > 0
            assert fetch(proxy.address).body == b"hello\n"

    def test_listens_on_the_port_that_it_was_given(self, backend: Backend, nobody: int) -> None:
        """The port of `nobody` is bound to 127.0.0.1 alone: this one was free a moment ago."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with running(port, "127.0.0.1", backend.port) as proxy:
            assert proxy.port == port
            assert fetch(proxy.address).status == 200

    @NeedsIPv6
    def test_serves_ipv4_and_ipv6_clients_alike(self, backend: Backend) -> None:
        with running(0, "127.0.0.1", backend.port) as proxy:
            for host in ["127.0.0.1", "::1"]:
                assert fetch(Address(host, proxy.port)).body == b"hello\n"

    @NeedsIPv6
    def test_reaches_a_backend_that_has_only_ipv6(self) -> None:
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
            listener.settimeout(TIMEOUT)
            port = listener.getsockname()[1]
            with running("--relay", 0, "::1", port) as proxy, Client(proxy.address) as client:
                client.ask()
                with listener.accept()[0] as upstream:
                    upstream.settimeout(TIMEOUT)
                    assert upstream.recv(4096) == request()
                    upstream.sendall(b"over IPv6")
                assert client.recv_all() == b"over IPv6"

    def test_takes_services_by_name(self, nobody: int) -> None:
        """`http` is looked up, as getaddrinfo does; what the log then names is that service."""
        look_up = (
            "real = socket.getaddrinfo; socket.getaddrinfo = lambda host, port, *a, **k: "
            f"real(host, {{'mine': '0', 'theirs': '{nobody}'}}.get(port, port), *a, **k)"
        )
        command = WITH_LOOK_UP.format(change=look_up, words=[*QUIET, "mine", "127.0.0.1", "theirs"])
        with running(command=[sys.executable, "-c", command]) as proxy:
            assert proxy.port > 0
            assert is_refused(proxy.address)
            assert "backend 127.0.0.1:theirs" in proxy.wait_for_lines(1)[0]
        assert resolve(Address("127.0.0.1", "http"))[0].sockaddr[1] == 80

    def test_tries_each_address_of_the_backend_in_turn(self, backend: Backend) -> None:
        """A name with two addresses, of which only the second takes a connection."""
        look_up = (
            "real = socket.getaddrinfo; socket.getaddrinfo = lambda host, *a, **k: "
            "[e for h in ('127.0.0.2', '127.0.0.1') for e in real(h, *a, **k)] "
            "if host == 'two.test' else real(host, *a, **k)"
        )
        command = WITH_LOOK_UP.format(change=look_up, words=["0", "two.test", str(backend.port)])
        with running(command=[sys.executable, "-c", command]) as proxy:
            assert fetch(proxy.address).body == b"hello\n"

    @pytest.mark.parametrize(
        ("words", "line"),
        [
            (["0", "name.invalid", "80"], "Couldn't find backend name.invalid:80: "),
            (["0", "a..b", "80"], "Couldn't find backend a..b:80: Not a name"),
            (["0", "::1%no-such-link", "80"], "Couldn't find backend [::1%no-such-link]:80: "),
            (["0", "127.0.0.1", "no-such"], "Couldn't find backend 127.0.0.1:no-such: "),
            (["no-such", "127.0.0.1", "80"], "Couldn't find port no-such: "),
        ],
    )
    def test_an_unknown_name_is_one_line(self, words: list[str], line: str) -> None:
        """What, where and why; status 1; no traceback."""
        status, out, err = outcome(*words)
        assert (status, out) == (1, "")
        assert err.startswith(f"rsp: {line}")
        assert err.count("\n") == 1
        assert not err.endswith(": \n")

    def test_a_port_in_use_is_one_line(self, backend: Backend) -> None:
        status, out, err = outcome(backend.port, "127.0.0.1", backend.port)
        assert (status, out) == (1, "")
        assert err == f"rsp: Couldn't bind port {backend.port}: Address already in use\n"

    def test_a_port_without_permission_is_one_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """EACCES; the line says whose such ports are, for that is the way out."""

        def refused(_: Address) -> socket.socket:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(cli, "listen", refused)
        with pytest.raises(StartError) as caught:
            cli.start(Config("80", Address("127.0.0.1", 80)))
        why = "Permission denied (ports below 1024 are the system's)"
        assert str(caught.value) == f"Couldn't bind port 80: {why}"

    @pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs a right to give up"
    )
    def test_a_process_without_the_right_gets_that_line(self) -> None:
        """Linux: the right is CAP_NET_BIND_SERVICE (man 7 capabilities)."""
        limit = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        if int(limit.read_text()) <= 1:
            pytest.skip("every port is everybody's here")
        drop = ["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service"]
        status, out, err = outcome(command=[*drop, *COMMAND, "1", "127.0.0.1", "80"])
        assert (status, out) == (1, "")
        assert err.startswith("rsp: Couldn't bind port 1: Permission denied (")
        assert err.count("\n") == 1

    def test_a_look_up_that_fails_by_itself_is_one_line(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """For EAI_SYSTEM Python raises a plain OSError: no descriptor for the resolver, say."""

        def out_of_descriptors(_: Address) -> list[object]:
            raise OSError(24, "Too many open files")

        monkeypatch.setattr(cli, "resolve", out_of_descriptors)
        with pytest.raises(StartError, match="Couldn't find backend a:80: Too many open files"):
            cli.start(Config("0", Address("a", 80)))


class TestConfigFile:
    """`rsp <config file>`, and `rsp -t <config file>`, which only checks it."""

    @pytest.fixture
    def write(self, tmp_path: Path) -> Callable[..., Path]:
        """Write a config file, and give its path."""

        def write(*lines: str, name: str = "rsp.lua") -> Path:
            path = tmp_path / name
            path.write_text("\n".join([*lines, ""]))
            return path

        return write

    def test_it_serves_what_the_file_says(
        self, backend: Backend, write: Callable[..., Path]
    ) -> None:
        file = write(
            "listenPort = 0", 'backendAddress = "127.0.0.1"', f'backendPort = "{backend.port}"'
        )
        with running(file) as proxy:
            assert fetch(proxy.address).body == b"hello\n"
            assert proxy.end() == 0

    @pytest.mark.parametrize("words", [["-t", "{}"], ["{}", "-t"], ["--test", "{}"]])
    def test_a_good_one_is_ok(self, words: list[str], write: Callable[..., Path]) -> None:
        """The port is not taken: the one that runs may have it."""
        with socket.create_server(("", 0)) as taken:
            port = taken.getsockname()[1]
            file = write(f"listenPort = {port}", 'backendAddress = "127.0.0.1"', "backendPort = 80")
            said = outcome(*(word.format(file) for word in words))
        assert said == (0, f"{file}: ok\n", "")

    @pytest.mark.parametrize("words", [[], ["-t"]])
    @pytest.mark.parametrize(
        ("lines", "complaint"),
        [
            (["", "listenPort = ="], "Error parsing config file: {}:2: unexpected symbol near '='"),
            (
                ["listenPort = 0", 'backendAdress = "a"', "backendPort = 80"],
                "{}:2: there is no setting backendAdress; did you mean backendAddress?",
            ),
            (
                ["listenPort = 0", 'backendAddress = "a"', "", "backendPort = 70000"],
                "{}:4: backendPort: port 70000 is not between 0 and 65535",
            ),
            (["listenPort = 0", "backendPort = 80"], "{}: backendAddress is missing: "),
        ],
        ids=["syntax", "unknown", "port", "missing"],
    )
    def test_a_bad_one_is_one_line_with_its_place(
        self, words: list[str], lines: list[str], complaint: str, write: Callable[..., Path]
    ) -> None:
        file = write(*lines)
        status, out, err = outcome(*words, file)
        assert (status, out) == (1, "")
        assert err.startswith(f"rsp: {complaint.format(file)}")
        assert err.count("\n") == 1

    def test_a_name_that_nobody_knows_is_told_with_the_file(
        self, write: Callable[..., Path]
    ) -> None:
        file = write("listenPort = 0", 'backendAddress = "name.invalid"', "backendPort = 80")
        status, out, err = outcome("-t", file)
        assert (status, out) == (1, "")
        assert err.startswith(f"rsp: {file}: Couldn't find backend name.invalid:80: ")
        assert err.count("\n") == 1
        file = write('listenPort = "none"', 'backendAddress = "127.0.0.1"', "backendPort = 80")
        status, out, err = outcome("-t", file)
        assert (status, out) == (1, "")
        assert err.startswith(f"rsp: {file}: Couldn't find port none: ")

    @pytest.mark.parametrize("words", [[], ["-t"]])
    def test_one_that_is_not_there_is_one_line(self, words: list[str], tmp_path: Path) -> None:
        """A single word is a config file, even when it looks like a port."""
        for name in ("none.lua", "8000", "odd\n\udcff"):
            path = tmp_path / name
            shown = str(path).replace("\n", r"\n").replace("\udcff", r"\udcff")
            why = f"cannot open {shown}: No such file or directory"
            line = f"rsp: Error parsing config file: {why}\n"
            assert outcome(*words, path) == (1, "", line)

    def test_an_odd_name_is_shown_in_one_line(self, write: Callable[..., Path]) -> None:
        """A newline, and a byte that is no UTF-8."""
        lines = ("listenPort = 0", 'backendAddress = "127.0.0.1"', "backendPort = 80")
        file = write(*lines, name="a\nb\udcff")
        assert outcome("-t", file) == (0, rf"{file.parent}/a\nb\udcff: ok" + "\n", "")

    @pytest.mark.parametrize("by", ENDS)
    def test_one_that_takes_its_time_can_be_ended(self, by: signal.Signals, tmp_path: Path) -> None:
        """A pipe that nobody writes to: to open it waits."""
        os.mkfifo(tmp_path / "pipe")
        process = start(tmp_path / "pipe", stdout=subprocess.DEVNULL)
        try:
            with (tmp_path / "pipe").open("wb"):  # returns when it has opened it
                process.send_signal(by)
                assert process.wait(TIMEOUT) == 0
        finally:
            process.kill()
            process.wait()


class TestLog:
    """`--log LEVEL` says how much; the start line is always there, for programs wait for it."""

    @kinds
    def test_the_limit_of_descriptors_is_raised_and_told(
        self, kind: Sequence[str], backend: Backend
    ) -> None:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        lower: Callable[[], object] = lambda: resource.setrlimit(  # noqa: E731
            resource.RLIMIT_NOFILE, (100, hard)
        )
        words = [*kind, "--log", "debug", 0, "127.0.0.1", backend.port]
        with running(*words, preexec_fn=lower) as proxy:
            (line,) = proxy.wait_for_lines(1)
            assert line.startswith("Started.  Listening on port ")
            now, _ = resource.prlimit(proxy.process.pid, resource.RLIMIT_NOFILE)
        assert now == hard
        assert unstamped(proxy.first_line) == f"Limit of descriptors: {hard}, and it was 100.\n"

    @kinds
    @pytest.mark.parametrize(("level", "count"), [("warning", 1), ("error", 0)])
    def test_a_level_hides_what_is_below_it(
        self, kind: Sequence[str], nobody: int, level: str, count: int
    ) -> None:
        with running(*kind, "--log", level, 0, "127.0.0.1", nobody) as proxy:
            assert proxy.port
            assert is_refused(proxy.address)
            assert proxy.end() == 0
            proxy.reader.join()
            assert len(proxy.wait_for_lines(count)) == count

    @kinds
    def test_as_it_comes_it_says_nothing_of_clients_that_break_off(
        self, kind: Sequence[str]
    ) -> None:
        with Backend(large()) as big, running(*kind, 0, "127.0.0.1", big.port) as proxy:
            with Client(proxy.address) as client:
                client.ask()
                assert client.recv(1)
                client.abort()
            assert fetch(proxy.address).status == 200
            assert proxy.end() == 0
        assert proxy.lines == []


class TestEnd:
    """SIGINT and SIGTERM end it at once, with status 0, whatever it is in the middle of."""

    @kinds
    @pytest.mark.parametrize("by", ENDS)
    def test_when_it_has_nothing_to_do(
        self, kind: Sequence[str], backend: Backend, by: signal.Signals
    ) -> None:
        with running(*kind, 0, "127.0.0.1", backend.port) as proxy:
            assert proxy.end(by) == 0
        assert proxy.lines == []

    @kinds
    @pytest.mark.parametrize("by", ENDS)
    def test_while_a_client_is_connected_and_silent(
        self, kind: Sequence[str], by: signal.Signals
    ) -> None:
        """The proxy has dialled, and waits for the request."""
        with Backend(answering()) as server:
            with (
                running(*kind, 0, "127.0.0.1", server.port) as proxy,
                Client(proxy.address) as client,
            ):
                if kind is not QUIET:  # HTTP dials when it has a request
                    assert server.wait_until(lambda: len(server.connections) == 1)
                assert proxy.end(by) == 0
                with suppress(ConnectionResetError):  # nothing was cut: an end is as good
                    assert client.recv_all() == b""
        assert proxy.lines == []

    @kinds
    @pytest.mark.parametrize("by", ENDS)
    def test_in_the_middle_of_a_transfer(self, kind: Sequence[str], by: signal.Signals) -> None:
        """The backend has sent a part, the client has it, the rest is still to come.

        Without a length, an end is how a client knows that it has all: what was cut is reset.
        """
        with Backend(in_two_parts("first", "rest")) as halfway:
            with (
                running(*kind, 0, "127.0.0.1", halfway.port) as proxy,
                Client(proxy.address) as client,
            ):
                client.ask()
                while not client.received.endswith(b"first"):
                    assert client.recv()
                assert proxy.end(by) == 0
                with pytest.raises(ConnectionResetError):
                    client.recv_all()
        assert proxy.lines == []

    @kinds
    @pytest.mark.parametrize("by", ENDS)
    def test_in_the_middle_of_an_upload(self, kind: Sequence[str], by: signal.Signals) -> None:
        """The backend must not take the part that it has for the whole."""
        with Backend(silent()) as server:
            with (
                running(*kind, 0, "127.0.0.1", server.port) as proxy,
                Client(proxy.address) as client,
            ):
                client.send(request("/", "POST", bytes(100))[:-60])
                assert server.wait_until(lambda: b"\0" in received_by(server))
                assert proxy.end(by) == 0
                with pytest.raises(ConnectionResetError):
                    client.recv_all()
                (upstream,) = server.connections
                assert server.wait_until(lambda: upstream.ended_there)
                assert upstream.was_reset
        assert proxy.lines == []

    @kinds
    @pytest.mark.parametrize("by", ENDS)
    def test_when_no_descriptor_is_left(self, kind: Sequence[str], by: signal.Signals) -> None:
        """It cannot even look which there are, and finds them all the same."""
        full = "import os; os.listdir = lambda _: os.open('/none', 0)"
        with Backend(in_two_parts("first", "rest")) as halfway:
            words = [*kind, "0", "127.0.0.1", str(halfway.port)]
            command = [sys.executable, "-c", WITH_LOOK_UP.format(change=full, words=words)]
            with running(command=command) as proxy, Client(proxy.address) as client:
                client.ask()
                while not client.received.endswith(b"first"):
                    assert client.recv()
                assert proxy.end(by) == 0
                with pytest.raises(ConnectionResetError):
                    client.recv_all()

    @kinds
    @pytest.mark.parametrize("by", ENDS)
    def test_while_a_client_does_not_read(self, kind: Sequence[str], by: signal.Signals) -> None:
        """The proxy is stuck in send: more was answered than the kernel's buffers hold."""
        with Backend(large(8 * 1024 * 1024)) as big:
            with running(*kind, 0, "127.0.0.1", big.port) as proxy:
                with Client(proxy.address, receive_buffer=4096) as client:
                    client.ask()
                    assert client.recv(1)
                    assert proxy.end(by) == 0
        assert proxy.lines == []

    @kinds
    @pytest.mark.parametrize("by", ENDS)
    def test_while_a_backend_is_silent(self, kind: Sequence[str], by: signal.Signals) -> None:
        with Backend(silent()) as quiet:
            with (
                running(*kind, 0, "127.0.0.1", quiet.port) as proxy,
                Client(proxy.address) as client,
            ):
                client.ask()
                assert quiet.wait_until(lambda: quiet.received() >= len(request()))
                assert proxy.end(by) == 0
        assert proxy.lines == []

    @kinds
    @pytest.mark.parametrize("by", ENDS)
    def test_while_a_name_is_looked_up(self, kind: Sequence[str], by: signal.Signals) -> None:
        """A resolver may take many seconds to answer (man 5 resolv.conf, timeout)."""
        look_up = (
            "socket.getaddrinfo = lambda *a, **k: "
            "(print('looking', flush=True), threading.Event().wait())"
        )
        command = WITH_LOOK_UP.format(change=look_up, words=[*kind, "0", "slow.test", "80"])
        with running(command=[sys.executable, "-c", command]) as proxy:
            assert proxy.first_line == "looking\n"
            assert proxy.end(by) == 0
        assert proxy.lines == []

    @kinds
    @pytest.mark.parametrize("by", ENDS)
    def test_while_nobody_reads_what_it_logs(
        self, kind: Sequence[str], nobody: int, by: signal.Signals
    ) -> None:
        """A full pipe stops whoever writes to it: that is not the proxy, nor its end."""
        process = start(*kind, 0, "127.0.0.1", nobody)
        assert process.stdout
        try:
            found = START.fullmatch(first_line(process))
            assert found
            proxy = Address("127.0.0.1", int(found[1]))
            write_until_full(proxy, process.stdout.fileno())
            used = cpu_ticks(process.pid)
            for _ in range(100):
                assert is_refused(proxy)
            threading.Event().wait(0.5)
            assert cpu_ticks(process.pid) - used < 30  # of a hundred a second: it does not spin
            process.send_signal(by)
            assert process.wait(TIMEOUT) == 0
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    @kinds
    def test_what_it_said_before_is_not_lost(self, kind: Sequence[str], nobody: int) -> None:
        """Lines wait for the thread that writes them: the last ones are written at the end."""
        with running(*kind, 0, "127.0.0.1", nobody) as proxy:
            for _ in range(20):
                assert is_refused(proxy.address)
            assert proxy.end() == 0
            proxy.reader.join()
        assert len(proxy.lines) == 20

    @kinds
    def test_when_it_runs_in_the_background_of_a_script(
        self, kind: Sequence[str], backend: Backend
    ) -> None:
        """A shell without job control lets its background jobs ignore SIGINT."""
        ignoring: Callable[[], object] = lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)  # noqa: E731
        with running(*kind, 0, "127.0.0.1", backend.port, preexec_fn=ignoring) as proxy:
            assert proxy.end(signal.SIGINT) == 0

    @kinds
    def test_frees_its_port_at_once(self, kind: Sequence[str], backend: Backend) -> None:
        """A second one starts on the port of the first, whatever its clients left."""
        with running(*kind, 0, "127.0.0.1", backend.port) as first:
            assert fetch(first.address).status == 200
            assert first.end() == 0
        with running(first.port, "127.0.0.1", backend.port) as second:
            assert second.port == first.port
            assert fetch(second.address).status == 200

    def test_a_fault_of_its_own_is_told_with_status_1(self) -> None:
        """Only a bug gets there; the traceback must not be lost with the thread it happened in."""
        fault = "import rsp.cli; rsp.cli.serve_http = lambda *_, **__: 1 / 0"
        command = WITH_LOOK_UP.format(change=fault, words=["0", "127.0.0.1", "80"])
        status, out, err = outcome(command=[sys.executable, "-c", command])
        assert status == 1
        assert START.fullmatch(out)
        assert err.rstrip().endswith("ZeroDivisionError: division by zero")

    def test_a_serve_that_just_returns_is_no_success(self) -> None:
        fault = "import rsp.cli; rsp.cli.serve_http = lambda *_, **__: None"
        command = WITH_LOOK_UP.format(change=fault, words=["0", "127.0.0.1", "80"])
        status, _, err = outcome(command=[sys.executable, "-c", command])
        assert (status, err) == (1, "")


def write_until_full(proxy: Address, pipe: int) -> None:
    """Let clients be refused, each of whom the proxy logs, until no line has room in the pipe."""
    size = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
    for _ in range(5000):
        assert is_refused(proxy)
        (inside,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))
        if inside > size - select.PIPE_BUF:
            return
    raise AssertionError("the pipe never filled")


def cpu_ticks(pid: int) -> int:
    """Return how much of a processor a process has used, in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])  # utime, stime (man 5 proc)


class TestGoesOn:
    """One client's trouble ends neither the proxy nor the next client's exchange."""

    @kinds
    def test_when_the_backend_is_down_and_comes_up_later(self, kind: Sequence[str]) -> None:
        with Backend(answering("back again\n"), up=False) as later:
            with running(*kind, 0, "127.0.0.1", later.port) as proxy:
                assert is_refused(proxy.address)
                assert proxy.wait_for_lines(1) == [
                    f"Couldn't connect to backend 127.0.0.1:{later.port}: "
                    f"127.0.0.1:{later.port} Connection refused\n"
                ]
                later.up()
                assert fetch(proxy.address).body == b"back again\n"

    @kinds
    def test_when_a_client_leaves(self, kind: Sequence[str]) -> None:
        """Without a word, and in the middle of an answer that it then does not take."""
        with Backend(large()) as big, running(*kind, 0, "127.0.0.1", big.port) as proxy:
            Client(proxy.address).close()
            with Client(proxy.address) as client:
                client.ask()
                assert client.recv(1)
                client.abort()
            assert fetch(proxy.address).status == 200

    @kinds
    def test_when_the_reader_of_its_output_has_gone(self, kind: Sequence[str], nobody: int) -> None:
        """A broken pipe (EPIPE) is no reason to stop, and none for a last word about it."""
        process = start(*kind, 0, "127.0.0.1", nobody, stderr=subprocess.PIPE)
        assert process.stdout
        assert process.stderr
        found = START.fullmatch(first_line(process))
        process.stdout.close()
        assert found
        proxy = Address("127.0.0.1", int(found[1]))
        for _ in range(3):
            assert is_refused(proxy)
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0
        assert process.stderr.read() == ""
        process.stderr.close()

    @pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full"])
    def test_when_a_standard_stream_is_closed_or_full(self, backend: Backend, closed: str) -> None:
        """A descriptor that is free is the next socket's: nothing must be written there."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = ["sh", "-c", f'exec "$@" {closed}', "sh", *COMMAND]
        words = [str(port), "127.0.0.1", str(backend.port)]
        process = start(command=[*command, *words], stdout=subprocess.DEVNULL, stderr=None)
        try:
            assert fetch_when_up(Address("127.0.0.1", port), process) == b"hello\n"
            process.send_signal(signal.SIGTERM)
            assert process.wait(TIMEOUT) == 0
        finally:
            process.kill()
            process.wait()


def fetch_when_up(proxy: Address, process: "subprocess.Popen[str]") -> bytes:
    """Fetch from a proxy that cannot say when it is ready."""
    while process.poll() is None:
        try:
            return fetch(proxy).body
        except ConnectionRefusedError:
            threading.Event().wait(0.01)  # no event could tell: its output is what is closed
    raise AssertionError(f"it ended with status {process.returncode}")
