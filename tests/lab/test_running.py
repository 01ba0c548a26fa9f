"""rsp.lab.running: a proxy at work for the length of a `with`, whatever it does."""

import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from rsp import lab
from rsp.lab.backends import RUNNING, Backend
from rsp.lab.clients import Client, fetch
from rsp.lab.processes import InProcess
from rsp.lab.proxies import PROXIES, InThread, Proxy
from rsp.lab.running import COMMAND, RELAY, running, stop
from rsp.lab.settings import Stuck
from rsp.lab.tempers import answering, silent
from rsp.net import Address
from rsp.stages import s04_serial

PYTHON = (sys.executable, "-c")
# A command that says its start line and then does something of its own; {host} is not for it.
LISTENING = "import os, sys, time, signal, subprocess; print('Listening on port 1.', flush=True); "


@pytest.fixture
def backend() -> Iterator[Backend]:
    with Backend(answering("hello\n")) as backend:
        yield backend


class TestAFunction:
    def test_it_is_ready_when_with_begins_and_has_returned_when_it_ends(
        self, backend: Backend
    ) -> None:
        with running(s04_serial.serve, backend) as proxy:
            assert fetch(proxy).body == b"hello\n"
            assert not proxy.gone
            assert repr(proxy) == "<proxy: 0 lines logged>"
        assert proxy.gone
        with pytest.raises(ConnectionRefusedError):
            fetch(proxy)

    def test_an_address_will_do_for_a_backend(self, backend: Backend) -> None:
        with running(s04_serial.serve, Address("127.0.0.1", backend.port)) as proxy:
            assert fetch(proxy).body == b"hello\n"

    def test_what_it_raises_comes_out_at_the_end(self, backend: Backend) -> None:
        with pytest.raises(ZeroDivisionError):
            with running(lambda *_: 1 / 0, backend) as proxy:
                assert proxy.ended()

    def test_what_it_raises_can_be_looked_at_instead(self, backend: Backend) -> None:
        with running(lambda *_: 1 / 0, backend, may_fail=True) as proxy:
            assert proxy.ended()
        assert isinstance(proxy, InThread)
        assert isinstance(proxy.failure, ZeroDivisionError)

    @pytest.mark.parametrize("serve", [lambda *_: None, lambda *_: 1 / 0], ids=["ends", "raises"])
    def test_whoever_comes_after_its_end_is_refused(self, serve: object, backend: Backend) -> None:
        """As when a process has ended: nobody waits for what will never be accepted."""
        with running(serve, backend, may_fail=True) as proxy:  # type: ignore[arg-type]
            assert proxy.ended()
            with pytest.raises(ConnectionError):
                fetch(proxy)

    def test_a_first_trouble_of_the_experiment_is_the_one_that_is_told(
        self, backend: Backend
    ) -> None:
        with pytest.raises(LookupError, match="the experiment's"):
            with running(lambda *_: 1 / 0, backend):
                raise LookupError("the experiment's")

    def test_one_that_never_returns_is_named_with_its_line(self, backend: Backend) -> None:
        go_on = threading.Event()

        def serve(listener: socket.socket, backend: Address) -> None:
            go_on.wait()

        with pytest.raises(Stuck) as told:
            with running(serve, backend) as proxy:
                pass
        assert str(told.value).startswith(
            "the proxy did not return: it is in `go_on.wait()` (serve, line "
        )
        go_on.set()
        assert proxy.ended()
        proxy.stop()

    def test_one_that_waits_for_any_of_the_labs_ends_goes_on(self) -> None:
        """A client that stays, a backend that is silent: leaving ends both, at once."""
        started = time.monotonic()
        with Backend(silent()) as backend, running(s04_serial.serve, backend) as proxy:
            client = Client(proxy)
            client.ask()
            assert backend.wait_until(lambda: backend.received() > 0)
        client.close()
        assert time.monotonic() - started < 2

    def test_one_that_dials_after_the_end_goes_on_too(self) -> None:
        """It may just have been about to dial: what is new then is ended as well."""
        may_dial = threading.Event()

        def serve(listener: socket.socket, backend: Address) -> None:
            with suppress(OSError):
                listener.accept()
            may_dial.wait()
            with socket.create_connection((str(backend.host), int(backend.port))) as upstream:
                upstream.recv(1)

        with Backend(silent()) as backend, running(serve, backend):
            threading.Timer(0.1, may_dial.set).start()

    def test_its_log_is_kept_with_names_for_ports(self, capfd: pytest.CaptureFixture[str]) -> None:
        with Backend(answering(), up=False) as backend:
            with running(s04_serial.serve, backend) as proxy:
                with Client(proxy) as client:
                    client.recv_all()
        assert proxy.log == [
            "Couldn't connect to backend 127.0.0.1:<backend>: "
            "127.0.0.1:<backend> Connection refused"
        ]
        assert capfd.readouterr().err == ""

    def test_what_it_logs_of_being_ended_is_nobodys_concern(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        def serve(listener: socket.socket, _: Address) -> None:
            with suppress(OSError):
                listener.accept()
            logging.getLogger("rsp").warning("ended")

        with Backend(silent()) as backend, running(serve, backend) as proxy:
            pass
        assert proxy.log == []
        assert capfd.readouterr().err == ""

    def test_its_name_is_who_is_in_the_middle(self, backend: Backend) -> None:
        with running(s04_serial.serve, backend, name="mine") as proxy:
            fetch(proxy)
        assert {step.sender for step in proxy.transcript()} == {"client", "mine", "backend"}

    def test_two_run_one_behind_the_other(self, backend: Backend) -> None:
        with running(s04_serial.serve, backend, name="inner") as inner:
            with running(s04_serial.serve, inner, name="outer") as outer:
                assert fetch(outer).body == b"hello\n"


class TestACommand:
    def test_its_log_is_the_same_in_every_run(self, backend: Backend) -> None:
        """The time before a line is left out there; `lines` is what was really said."""
        said = "[2026-01-02 03:04:05.678901 +0100] Listening on port 1\\n[no time] [2] done"
        with running([*PYTHON, f"print('{said}')"], backend) as proxy:
            assert proxy.ended()
        assert proxy.log == ["Listening on port 1", "[no time] [2] done"]
        assert proxy.lines[0].startswith("[2026-01-02 03:04:05.678901 +0100] Listening")

    def test_it_is_ready_when_with_begins_and_gone_when_it_ends(self, backend: Backend) -> None:
        with running(RELAY, backend) as proxy:
            assert fetch(proxy).body == b"hello\n"
            assert not proxy.gone
        assert isinstance(proxy, InProcess)
        assert proxy.status == 0
        assert proxy.log == ["Started.  Listening on port <proxy>."]
        with pytest.raises(ConnectionRefusedError):
            fetch(proxy)

    def test_its_log_is_kept_as_it_comes(self) -> None:
        with Backend(answering(), up=False) as backend, running(RELAY, backend) as proxy:
            # The reset may come before the client knows that it is connected.
            with pytest.raises(ConnectionError), Client(proxy) as client:
                client.recv_all()
        assert "Couldn't connect to backend 127.0.0.1:<backend>" in proxy.log[1]

    def test_one_that_ends_at_once_is_told_with_its_words(self, backend: Backend) -> None:
        with pytest.raises(Stuck, match=r"did not start: no wonder$"):
            with running([*PYTHON, "raise SystemExit('no wonder')"], backend):
                pass

    def test_one_that_says_nothing_and_stays_is_told_too(
        self, backend: Backend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("rsp.lab.processes.START_TIMEOUT", 0.2)
        with pytest.raises(Stuck, match=r"did not start: it said nothing$"):
            with running([*PYTHON, "import time; time.sleep(60)"], backend):
                pass

    def test_a_command_that_is_not_there_is_said_to_be_so(self, backend: Backend) -> None:
        with pytest.raises(FileNotFoundError, match="no-such-command"):
            with running(["no-such-command"], backend):
                pass
        stop()

    def test_braces_in_a_command_are_its_own(self, backend: Backend) -> None:
        with running([*PYTHON, LISTENING + "print({1: {}}); time.sleep(60)"], backend) as proxy:
            pass
        assert proxy.lines[0] == "Listening on port 1."

    def test_one_that_does_not_end_on_a_signal_is_named_and_ended(self, backend: Backend) -> None:
        deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); "
        command = [*PYTHON, LISTENING.replace("print(", deaf + "print(", 1) + "time.sleep(60)"]
        with pytest.raises(Stuck, match="the proxy did not end on SIGTERM"):
            with running(command, backend) as proxy:
                pass
        assert proxy.gone

    def test_what_it_has_started_ends_with_it(self, backend: Backend, tmp_path: Path) -> None:
        child = "import time, signal; signal.signal(15, signal.SIG_IGN); print(1); time.sleep(60)"
        start = f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdout=-1); "
        start += "child.stdout.read(1); "
        tell = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid)); "
        command = [*PYTHON, LISTENING.replace("print(", start + tell + "print(", 1)]
        command[-1] = command[-1].replace("print(1)", "print(1, flush=True)", 1)
        command[-1] += "time.sleep(60)"
        with running(command, backend):
            pid = int((tmp_path / "pid").read_text())
        assert has_ended(pid)

    def test_a_strangers_hand_on_its_output_does_not_hold_the_notebook(
        self, backend: Backend
    ) -> None:
        """What the command started in a session of its own outlives it, and keeps the pipe."""
        command = [*PYTHON, LISTENING + "time.sleep(60)"]
        with ExitStack() as held:
            with pytest.raises(Stuck, match="what it had started still holds its output"):
                with running(command, backend) as proxy:
                    held.enter_context(open(output_of(proxy), "wb"))

    def test_the_last_words_are_kept_though_no_line_ends_them(self, backend: Backend) -> None:
        command = [*PYTHON, LISTENING + "print('last', end='', flush=True); os._exit(3)"]
        with running(command, backend) as proxy:
            assert proxy.ended()
        assert proxy.lines[1:] == ["last"]
        assert isinstance(proxy, InProcess)
        assert proxy.status == 3

    def test_bytes_that_are_no_text_do_not_stop_the_reader(self, backend: Backend) -> None:
        command = [*PYTHON, LISTENING + r"os.write(1, b'\xff\n'); os._exit(0)"]
        with running(command, backend) as proxy:
            assert proxy.ended()
        assert proxy.lines[1:] == ["\ufffd"]


class TestStop:
    def test_it_ends_all_that_an_interrupted_cell_has_left(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        backend = Backend(silent()).__enter__()
        left = running(s04_serial.serve, backend)
        proxy = left.__enter__()
        command = running(COMMAND, backend)
        child = command.__enter__()
        client = Client(proxy)
        client.ask()
        lab.stop()
        assert capsys.readouterr().out == "all stopped: nothing of the lab's runs now\n"
        assert client.sock.fileno() == -1
        assert proxy.gone
        assert child.gone
        assert not any(thread.is_alive() for thread in backend.threads)
        assert not PROXIES
        assert not RUNNING
        for context in (left, command):
            context.__exit__(None, None, None)

    def test_it_names_what_is_stuck_and_ends_the_rest(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        go_on = threading.Event()
        with Backend(answering()) as other:
            backend = Backend(lambda *_: go_on.wait() and None).__enter__()
            client = Client(backend)
            assert backend.wait_until(lambda: len(backend.connections) == 1)
            lab.stop()
            assert "the backend did not stop: it is in `backend = Backend" in (
                capsys.readouterr().out
            )
            assert not any(thread.is_alive() for thread in other.threads)
        go_on.set()
        for thread in backend.threads:
            thread.join()
        client.close()

    def test_twice_is_as_good_as_once(self, capsys: pytest.CaptureFixture[str]) -> None:
        lab.stop()
        lab.stop()
        assert capsys.readouterr().out.count("all stopped") == 2


def output_of(proxy: Proxy) -> str:
    """Return a path by which another can hold the pipe that a command prints to."""
    assert isinstance(proxy, InProcess)
    assert proxy.process.stdout
    return f"/proc/{os.getpid()}/fd/{proxy.process.stdout.fileno()}"


def has_ended(pid: int) -> bool:
    """Wait for a process that is no child of ours; tell whether it ended in time."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except FileNotFoundError:
            return True
        if stat.rpartition(")")[2].split()[0] == "Z":  # nobody has collected it yet
            return True
    return False
