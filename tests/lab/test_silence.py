"""rsp.lab.silence: an address at which nobody answers."""

import errno
import select
import socket
import sys

import pytest

from rsp.lab.leaks import left_open, snapshot
from rsp.lab.silence import black_hole

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="one loopback address elsewhere")


def test_nobody_answers_there_and_nothing_is_left() -> None:
    """Neither yes nor no, as long as it lasts; the port is free in other places, and afterwards."""
    before = snapshot()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for _ in range(2):
            with black_hole(port), socket.socket() as dialling:
                dialling.setblocking(False)
                assert dialling.connect_ex(("127.0.0.2", port)) == errno.EINPROGRESS
                assert select.select([], [dialling], [], 0.3)[1] == []
                socket.create_connection(("127.0.0.1", port), timeout=2).close()
    assert left_open(before) == []


def test_who_waits_there_is_refused_when_it_is_over() -> None:
    """When its kernel asks again (RFC 6298 §2: after a second)."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as dialling:
        port = listener.getsockname()[1]
        dialling.settimeout(8)
        with black_hole(port):
            dialling.setblocking(False)
            dialling.connect_ex(("127.0.0.2", port))
        assert select.select([], [dialling], [], 8)[1]
        assert dialling.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED
