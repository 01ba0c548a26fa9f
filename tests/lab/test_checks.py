"""rsp.lab.checks: what is wrong is said in a sentence, whatever the learner's code does."""

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rsp.lab import checks
from rsp.lab.backends import Backend
from rsp.lab.checks import CHECKS, Wrong, check, exercise, expect
from rsp.lab.clients import Client
from rsp.lab.progress import load, noted
from rsp.lab.tempers import silent

Twice = Callable[[int], int]


@pytest.fixture(autouse=True)
def _an_exercise(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Exercise 99.1 asks for a function that doubles a number; 99.2 takes what it is given."""
    monkeypatch.delenv("RSP_COURSE", raising=False)
    monkeypatch.setattr(checks, "CHECKS", {})
    monkeypatch.setattr(checks, "PATIENCE", 0.2)

    @exercise("99.1")
    def doubles(twice: Twice) -> None:
        expect(twice(2) == 4, "two is not doubled")

    @exercise("99.2")
    def runs(work: Callable[[], object]) -> None:
        work()

    noted.clear()
    yield
    noted.clear()


def stub(number: int) -> int: ...  # type: ignore[empty-body]


def stub_with_words(number: int) -> int:  # type: ignore[empty-body]
    """Return twice the number."""
    ...


@pytest.mark.parametrize("written", [..., None, stub, stub_with_words])
def test_a_bare_stub_is_told_as_one(written: object) -> None:
    verdict = check("99.1", written)
    assert not verdict
    assert repr(verdict) == "✗ 99.1 not yet: there is nothing yet in the place of `...`"


@pytest.mark.parametrize(
    "wrong", [lambda number: number, lambda number: number * number * number, lambda number: 42]
)
def test_a_wrong_answer_gets_its_sentence(wrong: Twice) -> None:
    assert repr(check("99.1", wrong)) == "✗ 99.1 not yet: two is not doubled"


def test_a_right_answer_passes() -> None:
    verdict = check("99.1", lambda number: number * 2)
    assert verdict
    assert verdict.passed
    assert repr(verdict) == "✓ 99.1 passed"


def test_several_things_may_be_asked_for_at_once() -> None:
    @exercise("99.3")
    def both(one: int, other: int) -> None:
        expect(one < other, "the first is not the smaller one")

    assert check("99.3", 1, 2)
    assert "nothing yet" in repr(check("99.3", 1, ...))


def raises() -> None:
    raise KeyError("a mistake")


def is_not_written_yet() -> None:
    raise NotImplementedError


def leaves() -> None:
    sys.exit(3)


def times_out() -> None:
    with Backend(silent()) as backend, Client(backend) as client:
        client.sock.settimeout(0.01)
        client.recv()


@pytest.mark.parametrize(
    ("work", "why"),
    [
        (raises, "it raised KeyError: 'a mistake', in the line `raise KeyError(\"a mistake\")`"),
        (is_not_written_yet, "it is not written yet"),
        (leaves, "it raised SystemExit: 3, in the line `sys.exit(3)`"),
        (
            times_out,
            "it raised TimeoutError: nothing came from the backend in 0.01 s, "
            "in the line `client.recv()`",
        ),
    ],
)
def test_whatever_it_raises_is_told_with_the_learners_line(
    work: Callable[[], object], why: str
) -> None:
    assert check("99.2", work).why == why


def test_what_runs_for_ever_is_named_and_ended() -> None:
    """It would slow every cell that comes after it."""

    def runs_for_ever() -> None:
        while True:
            pass

    threads = threading.active_count()
    why = check("99.2", runs_for_ever).why
    assert why.startswith("it does not come back: it is in `")
    assert "(runs_for_ever, line " in why
    assert threading.active_count() == threads


def test_what_waits_at_an_end_of_the_labs_is_named_and_ended() -> None:
    def waits_for_ever() -> None:
        with Backend(silent()) as backend, Client(backend) as client:
            client.sock.settimeout(None)
            client.recv()

    threads = threading.active_count()
    why = check("99.2", waits_for_ever).why
    assert why.startswith("it does not come back: it is in `client.recv()` (waits_for_ever, line ")
    assert threading.active_count() == threads


def test_what_waits_in_the_kernel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be reached there; the notebook goes on all the same."""
    monkeypatch.setattr(checks, "TIMEOUT", 0.1)
    one, other = socket.socketpair()

    def waits_in_the_kernel() -> None:
        one.recv(1)

    why = check("99.2", waits_in_the_kernel).why
    assert why.startswith("it does not come back: it is in `one.recv(1)` (waits_in_the_kernel, ")
    other.close()
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.daemon:
            thread.join(2)
    one.close()


def test_how_it_went_is_noted_and_what_was_passed_stays_passed() -> None:
    check("99.1", lambda number: number)
    assert load() == {"check 99.1": "open"}
    check("99.1", lambda number: number * 2)
    check("99.1", lambda number: number)
    assert load() == {"check 99.1": "passed"}


def test_an_exercise_that_is_not_there_is_a_mistake_of_the_notebooks() -> None:
    with pytest.raises(KeyError, match=r"there is no exercise 99\.9; there are 99\.1, 99\.2"):
        check("99.9", None)


def test_expect_raises_the_sentence_unless_it_holds() -> None:
    expect([1], "never said")
    with pytest.raises(Wrong, match="no list"):
        expect([], "no list")


def test_the_exercises_of_the_course_are_there_at_once() -> None:
    """Whoever imports the lab can check: 4.1 is asked in notebook 04."""
    assert "4.1" in CHECKS


def test_anything_may_be_given_to_a_check() -> None:
    @exercise("99.4")
    def takes(thing: Any) -> None:
        expect(thing, "empty")

    for thing in ([1], "text", 1.5, len, Twice, type):
        assert check("99.4", thing)
