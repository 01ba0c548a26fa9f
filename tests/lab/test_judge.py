"""rsp.lab.judge: the learner's function in the place of ours, judged by the contract."""

import socket
import threading
from collections.abc import Callable

import pytest

from rsp.lab import judge as asked
from rsp.lab.asked import asked_of, not_right
from rsp.lab.contract import HTTP_OUTCOMES, OUTCOMES, RIGHT, SYMPTOMS
from rsp.lab.judge import ENOUGH, judge, swapped
from rsp.lab.not_yet import NOT_YET
from rsp.net import Address, dial
from rsp.stages import s04_serial, s10_heads
from rsp.stages.threads import relay

Handle = Callable[[socket.socket, Address], None]


def sends_nothing_back(client: socket.socket, backend: Address) -> None:
    with dial(backend) as upstream:
        upstream.sendall(client.recv(4096))


def sends_one_piece(client: socket.socket, backend: Address) -> None:
    with dial(backend) as upstream:
        upstream.sendall(client.recv(4096))
        client.sendall(upstream.recv(4096))


def knows_no_backend(client: socket.socket, backend: Address) -> None:
    raise LookupError("which one?")


def works_otherwise(client: socket.socket, backend: Address) -> None:
    """Right, though it is written in another way than ours."""
    with dial(backend) as upstream, client.makefile("wb") as out:
        request = client.recv(4096)
        if request:
            upstream.sendall(request)
            for data in iter(lambda: upstream.recv(1000), b""):
                out.write(data)
                out.flush()


def test_ours_is_judged_good() -> None:
    judgement = judge(s04_serial, handle_client=s04_serial.handle_client)
    able = len(OUTCOMES) - len(NOT_YET["s04_serial"])
    assert judgement
    assert judgement.good
    assert repr(judgement) == f"handle_client: {able} of {able} outcomes right"


def test_from_s10_on_http_is_asked_for() -> None:
    """And a stage that stops nothing is found by that alone."""

    def let_pass(client: socket.socket, backend: Address) -> None:
        with dial(backend) as upstream:
            relay(client, upstream)

    judgement = judge(s10_heads, handle_client=let_pass)
    assert judgement.shown.keys() == asked_of("s10_heads").keys() - not_right("s10_heads").keys()
    wrong = [text for text, shown in judgement.shown.items() if shown == "passes"]
    assert wrong
    assert set(wrong) <= HTTP_OUTCOMES.keys()


def test_one_that_works_in_another_way_is_judged_good() -> None:
    assert judge(s04_serial, handle_client=works_otherwise).shown == dict.fromkeys(
        judge(s04_serial).shown, RIGHT
    )


@pytest.mark.parametrize(
    ("handle", "symptom"),
    [(sends_nothing_back, "lost"), (sends_one_piece, "cut"), (knows_no_backend, "exits")],
)
def test_a_broken_one_gets_its_symptom(handle: Handle, symptom: str) -> None:
    judgement = judge(s04_serial, handle_client=handle)
    assert not judgement
    wrong = [shown for shown in judgement.shown.values() if shown != RIGHT]
    assert wrong[0] == symptom
    assert wrong[ENOUGH:] == ["untried"] * (len(wrong) - ENOUGH)


def test_one_that_never_returns_is_a_symptom_too() -> None:
    go_on = threading.Event()

    def serve(listener: socket.socket, backend: Address) -> None:
        go_on.wait()

    shown = judge(s04_serial, serve=serve).shown
    assert list(shown.values())[:2] == ["stuck", "untried"]
    go_on.set()
    for thread in threading.enumerate():
        if thread.name == "proxy":
            thread.join(2)


def test_the_stage_is_as_it_was_afterwards() -> None:
    ours = dict(vars(s04_serial))
    judge(s04_serial, handle_client=sends_nothing_back)
    assert dict(vars(s04_serial)) == ours


def interrupted() -> None:
    with swapped(s04_serial, {"handle_client": sends_nothing_back}):
        assert s04_serial.handle_client is sends_nothing_back
        raise KeyboardInterrupt


def test_it_is_as_it_was_even_after_an_interruption() -> None:
    ours = s04_serial.handle_client
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert s04_serial.handle_client is ours


def test_a_name_that_the_stage_has_not_is_a_mistake() -> None:
    with pytest.raises(AttributeError, match="has no handle to put yours in the place of"):
        judge(s04_serial, handle=sends_nothing_back)


def test_the_table_tells_what_each_symptom_means(capsys: pytest.CaptureFixture[str]) -> None:
    judge(s04_serial, handle_client=sends_nothing_back).table()
    out = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "A request gets the backend's answer lost: nothing came" in out
    assert set(SYMPTOMS) >= {"untried", "lost", RIGHT}


def test_the_lab_has_it_under_its_name() -> None:
    assert asked is judge
