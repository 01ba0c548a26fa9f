"""rsp.lab.leaks: each thing that is left open is found, and nothing else."""

import gc
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rsp.lab.backends import Backend
from rsp.lab.clients import Client
from rsp.lab.leaks import children, left_open, pending_in, snapshot
from rsp.lab.running import running
from rsp.lab.tempers import large, silent
from rsp.stages import s08_buffers, s08_queue


@contextmanager
def a_listener() -> Iterator[None]:
    with socket.create_server(("127.0.0.1", 0)):
        yield


@contextmanager
def a_socket() -> Iterator[None]:
    with socket.socket():
        yield


@contextmanager
def a_thread() -> Iterator[None]:
    go_on = threading.Event()
    thread = threading.Thread(target=go_on.wait, name="left behind")
    thread.start()
    yield
    go_on.set()
    thread.join()


@contextmanager
def a_child() -> Iterator[None]:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE):
        yield


PLANTED: dict[str, tuple[Callable[[], object], str]] = {
    "listener": (a_listener, "a listener is open, on "),
    "socket": (a_socket, "a socket is open, not connected"),
    "thread": (a_thread, "the thread left behind runs"),
    "child": (a_child, "a child process runs"),
}
NEEDS_PROC = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="no /proc here")


@pytest.mark.parametrize("name", [pytest.param(n, marks=NEEDS_PROC) for n in PLANTED])
def test_what_is_left_open_is_found_until_it_is_closed(name: str) -> None:
    plant, words = PLANTED[name]
    before = snapshot()
    with plant():  # type: ignore[attr-defined]
        (found,) = left_open(before)
        assert found.startswith(words)
    assert left_open(before) == []


def test_what_was_open_before_is_not_told() -> None:
    with socket.socket():
        before = snapshot()
        assert left_open(before) == []


def test_a_connection_is_told_with_the_name_of_who_is_at_its_far_side() -> None:
    with Backend(silent()) as backend:
        before = snapshot()
        with Client(backend):
            assert backend.wait_until(lambda: len(backend.connections) == 1)
            assert "a socket is open, connected to <backend>" in left_open(before)


def test_a_socket_that_nobody_holds_any_more_is_not_open() -> None:
    """A ring of references keeps it only until the collector comes."""
    before = snapshot()
    ring: list[object] = [socket.socket()]
    ring.append(ring)
    gc.disable()
    try:
        del ring
        assert left_open(before) == []
    finally:
        gc.enable()


def test_a_socket_of_another_kind_is_not_the_networks() -> None:
    before = snapshot()
    one, other = socket.socketpair()
    with one, other:
        assert left_open(before) == []


def test_a_descriptor_that_was_closed_behind_pythons_back_is_no_trouble() -> None:
    sock = socket.socket()
    before = snapshot()
    os.close(sock.fileno())
    assert left_open(before) == []
    sock.detach()


def test_a_thread_is_found_though_it_has_the_number_of_one_that_ended() -> None:
    """The kernel's number of a thread is not given again so soon; that of pthreads is."""
    with a_thread():
        before = snapshot()
    with a_thread():
        assert left_open(before) == ["the thread left behind runs"]


@NEEDS_PROC
def test_children_of_any_thread_are_ours() -> None:
    command = [sys.executable, "-c", "input()"]
    started: list[subprocess.Popen[bytes]] = []
    thread = threading.Thread(
        target=lambda: started.append(subprocess.Popen(command, stdin=subprocess.PIPE))
    )
    thread.start()
    thread.join()
    with started[0] as child:
        assert child.pid in children()
        child.communicate(b"\n")


class TestPendingIn:
    def test_what_a_stage_keeps_for_who_does_not_read_is_counted(self) -> None:
        size = 16 * 1024 * 1024  # bytes: more than the buffers of the kernel
        with Backend(large(size)) as backend, running(s08_queue.serve, backend) as proxy:
            with Client(proxy, 4096) as client:
                client.ask()
                assert backend.wait_until(lambda: sum(pending_in(s08_queue)) > size // 2)
                assert len(pending_in(s08_queue)) == 1
                assert pending_in(s08_buffers) == []
                client.recv_all()
            assert pending_in(s08_queue) == []
