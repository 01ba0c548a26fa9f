"""Checks of notebook 04."""

from collections.abc import Callable
from socket import socket
from types import ModuleType

from rsp.lab.backends import Backend
from rsp.lab.checks import Wrong, exercise, expect
from rsp.lab.clients import fetch, request
from rsp.lab.contract import RIGHT, SYMPTOMS
from rsp.lab.exercises.given import cut, fed
from rsp.lab.judge import judge, swapped
from rsp.lab.running import running
from rsp.lab.tempers import answering
from rsp.net import Address

Handle = Callable[[socket, Address], None]


@exercise("4.1")
def reads_a_head(read_head: Callable[[socket], bytes]) -> None:
    """A head is read whole, however it is cut; a client that leaves gives nothing."""
    head = request("/in/pieces")
    ways = {"in one piece": [head], "in two pieces": [head[:20], head[20:]]}
    ways["byte by byte"] = cut(head, 1)
    ways["cut within its blank line"] = [head[:-2], head[-2:]]
    for how, pieces in ways.items():
        with fed(pieces, end=False) as client:
            try:
                read = read_head(client)
            except TimeoutError:
                raise Wrong(f"a head that comes {how} is complete, and it reads on") from None
        expect(isinstance(read, bytes), f"it returns {type(read).__name__}, not bytes")
        expect(read == head, f"a head that comes {how}: {len(read)} of {len(head)} bytes returned")
    with fed([head[:20]]) as client:
        expect(
            read_head(client) == b"", 'a client that leaves too early: b"" is not what it returns'
        )
    with fed([head + b"body"]) as client:
        expect(
            read_head(client).startswith(head), "what came with the head cost a part of the head"
        )


@exercise("4.2")
def says_502(handle: Handle, stage: ModuleType) -> None:
    """A dead backend is told with a status, a live one is not."""
    with swapped(stage, {"handle_client": handle}):
        with Backend(answering(), up=False) as backend, running(stage.serve, backend) as proxy:
            try:
                told = fetch(proxy)
            except ConnectionError:
                raise Wrong("the client is reset: something that it sent was never read") from None
            backend.up()
            after = fetch(proxy)
    expect(told.head, "the client whose backend is down still gets no answer")
    expect(
        told.status == 502, f"the client whose backend is down is told {told.status or told.head}"
    )
    expect(told.body == b"", f"its answer has a body: {told.body[:20]!r}")
    expect(after.status == 200, "after the backend is up again, its page does not arrive")


@exercise("4.3")
def can_all_that_ours_can(handle: Handle, stage: ModuleType) -> None:
    """The contract of the stage."""
    for outcome, symptom in judge(stage, handle_client=handle).shown.items():
        expect(symptom == RIGHT, f"“{outcome}” does not hold: {SYMPTOMS[symptom]}")
