"""rsp.gateway: requests and answers through it, as clients and backends see them."""


from tests.http_world import OK, World, world
from tests.on_loop import clock

__all__ = ["clock", "world"]  # fixtures


def test_passes_a_request_on_and_the_answer_back(world: World) -> None:
    client, upstream = world.asked()
    upstream.sendall(OK)
    answer = world.read(client, b"ok")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nVia: 1.1 rsp\r\n" in answer
