"""rsp.lab.syscalls: what Python asks of the kernel, seen by strace, or as it was recorded."""

import json
import shutil

import pytest

from rsp.lab.backends import Backend
from rsp.lab.settings import Stuck
from rsp.lab.syscalls import (
    RECORDINGS,
    Call,
    Trace,
    calls_in,
    can_trace,
    trace,
    trace_proxy,
    whole_lines,
)
from rsp.lab.tempers import answering

NeedsStrace = pytest.mark.skipif(
    not shutil.which("strace") or not can_trace(), reason="no strace here that may look"
)
PROXY = "accept4 getsockname socket connect recvfrom sendto recvfrom sendto recvfrom close close"
WRITTEN = """\
100 write(-1, "begin", 5) = -1 EBADF (Bad file descriptor)
100 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3<TCP:[7]>
100 connect(3<TCP:[7]>, {sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr("127.0.0.1")}, \
16) = -1 ECONNREFUSED (Connection refused)
100 openat(AT_FDCWD, "/etc/hosts", O_RDONLY) = 4
100 recvfrom(3<TCP:[127.0.0.1:2->127.0.0.1:3]>,  <unfinished ...>
101 close(5<TCP:[8]>) = 0
100 <... recvfrom resumed>"GET / HTTP/1.1\\r\\nHost"..., 4096, 0, NULL, NULL) = 57
100 recvfrom(3<TCPv6:[[::1]:2->[::1]:3]>, "", 4096, 0, NULL, NULL) = 0
100 read(6</tmp/file>, "no socket", 100) = 9
"""


@pytest.fixture
def no_strace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RSP_LAB_NO_STRACE", "1")


def test_what_strace_wrote_is_read() -> None:
    assert calls_in(WRITTEN) == [
        Call("socket", "", "AF_INET, SOCK_STREAM", "3"),
        Call("connect", "a new socket", "127.0.0.1:1", "ECONNREFUSED"),
        Call("close", "a new socket", "", "0"),
        Call("recvfrom", "to the client", "“GET / HTTP/1.1…”", "57"),
        Call("recvfrom", "to the client", "nothing: the end", "0"),
    ]


def test_calls_before_the_beginning_are_left_out() -> None:
    before = "100 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 9<TCP:[1]>\n"
    assert calls_in(before + WRITTEN, begin='write(-1, "begin"') == calls_in(WRITTEN)


def test_a_call_that_waited_is_one_line() -> None:
    text = "7 accept4(3,  <unfinished ...>\n8 close(4) = 0\n7 <... accept4 resumed>) = 5\n"
    assert list(whole_lines(text)) == ["close(4) = 0", "accept4(3,) = 5"]


@NeedsStrace
def test_the_calls_of_a_script_are_seen_and_those_of_its_setup_are_not() -> None:
    with Backend(answering("hello\n")) as backend:
        seen = trace(
            f"s = socket.create_connection(('127.0.0.1', {backend.port}))\n"
            "s.sendall(b'GET / HTTP/1.1\\r\\n\\r\\n')\n"
            "while s.recv(4096): pass\n"
            "s.close()",
            setup="import socket; socket.socket().close(); import encodings.idna",
        )
    assert not seen.recorded
    assert seen.names == ["socket", "connect", "sendto", "recvfrom", "recvfrom", "close"]
    assert list(seen)[1].what == "127.0.0.1:<backend>"
    assert repr(seen) == f"<Trace: {', '.join(seen.names)}>"


@NeedsStrace
def test_the_calls_of_the_proxy_for_one_request_are_the_same_in_every_run() -> None:
    for _ in range(3):
        with Backend(answering("hello\n")) as backend:
            assert trace_proxy(backend, keep="").names == PROXY.split()


@NeedsStrace
def test_a_script_that_fails_is_told_with_its_last_word() -> None:
    with pytest.raises(RuntimeError, match="the script failed: ValueError: no"):
        trace("raise ValueError('no')")
    with pytest.raises(RuntimeError, match="the script failed"):
        trace("raise SystemExit(1)")


@NeedsStrace
def test_a_script_that_waits_for_ever_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """With strace alone killed, the script would go on: its whole group is."""
    monkeypatch.setattr("rsp.lab.syscalls.PATIENCE", 0.5)
    with pytest.raises(Stuck, match=r"the script did not end within 0\.5 s"):
        trace("import time; time.sleep(60)")


@NeedsStrace
def test_the_committed_recording_is_what_is_seen_today() -> None:
    """The names and the order; descriptors' numbers are Python's own business."""
    with Backend(answering("hello\n")) as backend:
        seen = trace_proxy(backend, keep="")
    recorded = [Call(*call) for call in json.loads(RECORDINGS.read_text("utf-8"))["proxy"]]
    assert [call[:3] for call in seen] == [call[:3] for call in recorded]


@pytest.mark.usefixtures("no_strace")
def test_without_strace_the_recording_is_shown_and_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Backend(answering("hello\n")) as backend:
        shown = trace_proxy(backend)
        assert backend.requests == []
    assert shown.recorded
    assert shown.names == PROXY.split()
    shown.table()
    out = capsys.readouterr().out
    assert out.endswith("(recorded on Linux: strace is not to be had here)\n")
    assert "<backend>" in out


@pytest.mark.usefixtures("no_strace")
def test_without_strace_and_without_a_recording_that_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = trace("raise ValueError")
    assert len(shown) == 0
    shown.table()
    assert "(nothing was recorded: strace is not to be had here)" in capsys.readouterr().out


def test_a_strace_that_is_not_there_cannot_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert not can_trace()


def test_the_table_has_python_and_c_beside_the_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    Trace(calls_in(WRITTEN)).table()
    rows = [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("│ .recv()")
    ]
    assert rows[0][:2] == [".recv()", "recvfrom (read)"]
