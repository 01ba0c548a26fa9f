"""rsp.lab.backends: ready when `with` begins, gone when it ends, and what is stuck is named."""

import socket
import threading
from collections.abc import Callable

import pytest

from rsp.lab.backends import RUNNING, Backend, Temper
from rsp.lab.clients import Client, fetch
from rsp.lab.ends import End
from rsp.lab.names import with_names
from rsp.lab.settings import HOST, Stuck
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
    resetting,
    response,
    silent,
    site,
    slow,
)

TEMPERS: dict[str, Callable[[], Temper]] = {
    "answering": answering,
    "closing_early": closing_early,
    "counting": counting,
    "dripping": dripping,
    "echoing": echoing,
    "hanging_up": hanging_up,
    "holding": holding,
    "in_two_parts": in_two_parts,
    "large": large,
    "resetting": lambda: resetting(b"so far"),
    "silent": silent,
    "site": lambda: site({"/": "page"}),
    "slow": lambda: slow(60),
}


@pytest.mark.parametrize("name", TEMPERS)
def test_each_temper_is_ready_at_once_and_joined_at_the_end(name: str) -> None:
    """No dial is refused after `with` begins; after it, no thread and no connection is left."""
    with Backend(TEMPERS[name]()) as backend:
        with Client(backend) as client:
            client.ask()
            assert backend.wait_until(lambda: len(backend.connections) == 1)
        left = Client(backend)  # one that stays, in the middle of whatever it is
    left.close()
    assert not any(thread.is_alive() for thread in backend.threads)
    assert backend not in RUNNING
    with pytest.raises(ConnectionRefusedError):
        Client(backend)


def test_it_stops_even_when_a_client_arrives_at_that_moment() -> None:
    """A connection accepted while it stops is ended with the others."""
    for _ in range(50):
        with Backend(silent()) as backend:
            clients = [Client(backend) for _ in range(3)]
        for client in clients:
            client.close()


def test_one_that_is_down_refuses_and_keeps_its_port_until_it_is_up() -> None:
    with Backend(answering("up\n"), up=False) as backend:
        with pytest.raises(ConnectionRefusedError):
            fetch(backend)
        backend.up()
        assert fetch(backend).body == b"up\n"


def test_it_can_have_a_port_of_the_experiments_choice_again_and_again() -> None:
    with Backend(answering()) as backend:
        port = backend.port
        fetch(backend)
    for _ in range(3):
        with Backend(answering(), port=port) as again:
            assert again.port == port
            assert fetch(again).status == 200


def test_a_port_that_is_taken_leaves_nothing_open() -> None:
    with Backend(answering()) as backend:
        with pytest.raises(OSError, match="Address already in use"):
            with Backend(answering(), port=backend.port):
                pass


def test_its_port_bears_its_name() -> None:
    with Backend(answering(), name="backend-2") as backend:
        assert backend.address == (HOST, str(backend.port))
        assert with_names(f"to {backend.address}") == "to 127.0.0.1:<backend-2>"


def test_it_tells_what_it_has_seen() -> None:
    with Backend(answering()) as backend:
        fetch(backend, "/one")
        fetch(backend, "/two")
        assert [message.split(b" ")[1] for message in backend.requests] == [b"/one", b"/two"]
        assert backend.received() == sum(map(len, backend.requests))
        assert repr(backend) == "<backend: 2 connections, 2 requests>"


def test_waiting_for_what_never_comes_tells_so() -> None:
    with Backend(answering()) as backend:
        assert not backend.wait_until(lambda: bool(backend.requests), timeout=0.01)


def test_one_that_is_stuck_is_named_with_its_line() -> None:
    go_on = threading.Event()

    def stuck(end: End, backend: Backend) -> None:
        go_on.wait()  # here it hangs

    backend = Backend(stuck)
    with pytest.raises(Stuck) as told:
        with backend, Client(backend):
            assert backend.wait_until(lambda: len(backend.connections) == 1)
    assert str(told.value).startswith(
        "the backend did not stop: it is in `go_on.wait()  # here it hangs` (stuck, line "
    )
    go_on.set()
    for thread in backend.threads:
        thread.join()


def test_a_first_trouble_of_the_experiment_is_the_one_that_is_told() -> None:
    with pytest.raises(LookupError, match="the experiment's"):
        with Backend(silent()) as backend, Client(backend):
            raise LookupError("the experiment's")


def test_a_standard_client_is_satisfied_too() -> None:
    """An outside oracle: a plain socket, without anything of the lab's."""
    with Backend(answering("plain\n")) as backend:
        with socket.create_connection((HOST, backend.port), timeout=2) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            data = b"".join(iter(lambda: sock.recv(4096), b""))
    assert data == response("plain\n", Connection="close")


def test_where_no_thread_can_be_had_there_is_none_to_join(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error that is told is the system's, and not one of the end."""

    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with Backend(answering()) as backend, monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refused)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            backend.start(print)
