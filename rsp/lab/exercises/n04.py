"""Checks of notebook 04."""

from collections.abc import Callable
from contextlib import suppress
from socket import socket
from types import ModuleType

from rsp.lab.backends import Backend
from rsp.lab.checks import Wrong, exercise, expect
from rsp.lab.clients import fetch, parse_answer, request
from rsp.lab.contract import RIGHT, SYMPTOMS
from rsp.lab.exercises.given import all_closed, cut, fed, handled
from rsp.lab.judge import judge, swapped
from rsp.lab.running import running
from rsp.lab.tempers import LARGE, answering, large, pattern
from rsp.net import Address

Handle = Callable[[socket, Address], None]
BLANK_LINE = b"\r\n\r\n"
SENT = 64 * 1024  # bytes of a page: some hundred sends of a socket that takes little


@exercise("4.1")
def reads_a_head(read_head: Callable[[socket], bytes]) -> None:
    """A head is read whole, however it is cut; a client that leaves gives nothing."""
    head = request("/in/pieces")
    ways = {"in one piece": [head], "in two pieces": [head[:20], head[20:]]}
    ways["byte by byte"] = cut(head, 1)
    ways["cut within its blank line"] = [head[:-2], head[-2:]]
    for how, pieces in ways.items():
        try:
            with fed(pieces, end=False) as client:
                read = read_head(client)
        except TimeoutError:
            raise Wrong(f"a head that comes {how} is complete, and it reads on") from None
        expect(read is not None, "it returns nothing")
        expect(isinstance(read, bytes | bytearray), f"it returns {type(read).__name__}, not bytes")
        expect(read == head, f"a head that comes {how}: {len(read)} of {len(head)} bytes returned")
    for words, pieces in {"too early": [head[:20]], "without a word": []}.items():
        with fed(pieces) as client:
            read = read_head(client)
        expect(read == b"", f'a client that leaves {words}: it returns {read!r}, not b""')
    with fed([head + b"body"]) as client:
        read = read_head(client)
        expect(read.startswith(head), "what came with the head cost a part of the head")
        left = client.makefile("rb").read()
    expect(
        read + left == head + b"body",
        "what came behind the head is lost: it was taken, and is not in what is returned",
    )


@exercise("4.2")
def says_502(handle_or_502: Handle, stage: ModuleType) -> None:
    """A dead backend is told with a status, a live one is not."""
    with Backend(answering(), up=False) as backend:
        try:
            got = handled(handle_or_502, backend)
        except TimeoutError:
            raise Wrong("the client whose backend is down waits, and gets no end") from None
        except ConnectionError:
            raise Wrong("the client is reset: something that it sent was never read") from None
        told = parse_answer(got)
        expect(got, "the client whose backend is down still gets no answer")
        status = told.status or told.head
        expect(told.status == 502, f"the client whose backend is down is told {status}")
        expect(BLANK_LINE in got, "the head of its answer has no blank line at its end")
        expect(told.body == b"", f"its answer has a body: {told.body[:20]!r}")
        with (
            swapped(stage, {"handle_client": handle_or_502}),
            running(stage.serve, backend) as proxy,
        ):
            fetch(proxy)
            backend.up()
            after = fetch(proxy)
    expect(after.status == 200, "after the backend is up again, its page does not arrive")
    with Backend(large()) as backend:
        whole = handled(handle_or_502, backend).endswith(BLANK_LINE + pattern(LARGE))
    expect(whole, "a long page, which arrived before, no longer arrives whole")
    keeps_the_contract(handle_or_502, stage)


@exercise("4.3")
def can_all_that_ours_can(my_handle_client: Handle, stage: ModuleType) -> None:
    """The contract of the stage, and no `send` to the client of which nobody looks at the count."""
    with all_closed(), Backend(answering()) as backend, suppress(TimeoutError, ConnectionError):
        handled(my_handle_client, backend)  # what it raises tells more than an outcome does
    keeps_the_contract(my_handle_client, stage)
    loses_nothing(my_handle_client)


def loses_nothing(handle: Handle) -> None:
    """What one `send` did not take is sent again: a client of the kernel's would hide that."""
    with Backend(large(SENT)) as backend:
        whole = handled(handle, backend, sparing=True).endswith(BLANK_LINE + pattern(SENT))
    expect(whole, "a part of the answer is lost: does it look at what send returns?")


def keeps_the_contract(handle: Handle, stage: ModuleType) -> None:
    """All that the stage can do, it can do with this function as well."""
    for outcome, symptom in judge(stage, handle_client=handle).shown.items():
        expect(symptom == RIGHT, f"“{outcome}” does not hold: {SYMPTOMS[symptom]}")
