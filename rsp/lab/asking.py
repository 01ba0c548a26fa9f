"""One client that asks several times on one connection: what it gets, and what it is told."""

from rsp.lab.backends import Backend, Temper
from rsp.lab.clients import Answer, Client, parse_answer, request
from rsp.lab.proxies import Serve
from rsp.lab.rest import at_rest
from rsp.lab.running import running

STAYS = {"Connection": "keep-alive"}


def in_turn(client: Client, *paths: str) -> list[str]:
    """Ask for one path after the other, on a connection that stays; return the answers' texts."""
    texts = []
    for path in paths:
        client.ask(path, **STAYS)
        texts.append(next_answer(client).body.decode().strip())
    return texts


def next_answer(client: Client) -> Answer:
    """Return the next answer on a connection, whole; those behind it are kept."""
    return parse_answer(client.recv_message())


def statuses(serve: Serve, temper: Temper, *methods: str) -> list[int]:
    """Return what a client is told for each of its requests, on one connection, by a proxy.

    Each comes when the last one is over and nothing moves any more. 0: there was no answer.
    """
    told = []
    with Backend(temper) as backend, running(serve, backend) as proxy, Client(proxy) as client:
        for method in methods:
            client.send(request("/page", method, b"", **STAYS))
            told.append(next_answer(client).status)
            at_rest()
    return told
