"""Attacks that would exhaust, hang or spin the gateway: each is one peer's, and nobody else's.

Each test says what the attack is. Whoever reads a world's backend is the backend, or the attacker.
"""

from collections.abc import Callable, Iterator

import pytest

from rsp.options import Options
from tests.http_world import GET, OK, World, readable, world
from tests.on_loop import Clock, clock, turn_until

__all__ = ["clock", "world"]  # fixtures

Made = Callable[[Options], World]
CROWD = 400  # clients: a call within a call for each would be too deep


@pytest.fixture
def made(clock: Clock) -> Iterator[Made]:
    """What makes a world with options; it is closed in the end, and nothing may be left."""
    worlds: list[World] = []

    def make(options: Options) -> World:
        worlds.append(World(options=options))
        return worlds[-1]

    yield make
    for one in worlds:
        one.close()


class TestACrowdThatWaits:
    """For an upstream, where the backend may have but one."""

    def test_is_told_when_the_backend_goes(self, made: Made) -> None:
        """Each dials in its turn and fails at once: not one within the other."""
        world = made(Options(upstreams=1, access_log="off"))
        first, upstream = world.asked()
        crowd = [world.client() for _ in range(CROWD)]
        for client in crowd:
            client.sendall(GET)
        turn_until(world.loop, lambda: len(world.pool.waiting) == CROWD)
        world.backend.close()
        upstream.close()
        world.read(first, b"502 Bad Gateway\n")
        world.settle()
        assert all(b" 502 " in client.recv(1000) for client in crowd if readable(client))
        assert (world.pool.count, len(world.pool.waiting), len(world.pool.asked)) == (0, 0, 0)
