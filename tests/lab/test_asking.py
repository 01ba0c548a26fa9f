"""A client that asks several times on one connection."""

from rsp.lab.asking import in_turn, next_answer, statuses
from rsp.lab.backends import Backend
from rsp.lab.clients import Client, request
from rsp.lab.ends import End
from rsp.lab.tempers import replying, response
from rsp.stages import s13_reuse


def path(message: bytes, _: Backend) -> bytes:
    return response(message.split(b" ")[1])


def test_it_gets_one_answer_after_the_other() -> None:
    with Backend(replying(path, keep_alive=True)) as backend, Client(backend) as client:
        assert in_turn(client, "/one", "/two") == ["/one", "/two"]
        assert len(backend.connections) == 1


def test_what_came_too_early_is_kept_for_the_next() -> None:
    with Backend(replying(path, keep_alive=True)) as backend, Client(backend) as client:
        stays = {"Connection": "keep-alive"}
        client.send(b"".join(request(way, "GET", b"", **stays) for way in ("/one", "/two")))
        assert [next_answer(client).body for _ in range(2)] == [b"/one", b"/two"]


def test_it_is_told_by_the_proxy_where_the_backend_says_nothing() -> None:
    def temper(end: End, backend: Backend) -> None:
        if backend.take(end).startswith(b"GET"):
            end.send(response(""))

    assert statuses(s13_reuse.serve, temper, "GET", "GET", "POST", "GET") == [200, 200, 502, 0]
