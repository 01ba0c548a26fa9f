"""Attacks that would confuse: two messages taken for one, or one for two; another's answer.

Each test is an attack, with what it would win: what is smuggled past us, or poisons a connection
that others use, or is told in somebody's name. None may come through.
"""

import socket

import pytest

from rsp.pipes import CAN_SPLICE
from rsp.splice import BULK
from tests.http_world import OK, World, world
from tests.on_loop import SMALL, clock, turn_until

__all__ = ["clock", "world"]  # fixtures

PUT = b"PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: %d\r\n\r\n"


@pytest.mark.skipif(not CAN_SPLICE, reason="no os.splice here")
class TestAnUploadMovedInTheKernel:
    def test_of_which_a_part_is_lost_ends_its_upstream(self, world: World) -> None:
        """Answered early, while its last bytes were in a pipe: the backend still waits for them.

        The next request there would be read as the rest of the body, and what is in it as one.
        """
        world.backend.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        client, upstream = world.asked(PUT % BULK)
        side = world.side(client)
        assert side.exchange
        assert side.exchange.upstream
        side.exchange.upstream.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        client.sendall(b"x" * BULK)
        turn_until(world.loop, lambda: side.splice and not side.splice.left)
        assert side.splice
        assert side.splice.pipe
        upstream.sendall(OK)
        world.read(client, b"ok")
        assert world.pool.idle == []
