"""rsp.lab.full: a listener that cannot accept, until it can."""

import errno
import os
import select
import socket

import pytest

from rsp.lab.full import Full
from rsp.lab.settings import HOST
from rsp.net import Address


def test_it_has_room_when_it_is_told() -> None:
    """The client stays in the queue meanwhile, so the listener stays readable."""
    with Full(Address(HOST, 0)) as listener, socket.create_connection(listener.getsockname()):
        for _ in range(2):
            assert select.select([listener], [], [], 2)[0] == [listener]
            with pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
                listener.accept()
        listener.make_room()
        listener.accept()[0].close()
        assert listener.tries == 3
