"""The exercises: every solution passes, every stub and every wrong answer is told what is wrong."""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import rsp.lab
from rsp.lab import checks
from rsp.lab.checks import CHECKS, check
from rsp.lab.exercises import given, n03
from rsp.lab.leaks import left_open, snapshot
from tests.answers import GIVEN, KEPT, TRIES, Try

SOURCES = Path(__file__).resolve().parent.parent / "notebooks" / "src"
CELL = re.compile(r"^```\{code-cell\}\n(?::tags: \[(.*?)\]\n)?(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"# exercise (\d+\.\d+)|check\(\"(\d+\.\d+)\"")
PATIENCE, WAIT = 0.5, 1.0  # seconds: the tests wait for what does not come less than a learner


class Cell(NamedTuple):
    """A cell with code of a notebook's text."""

    tags: str
    source: str

    @property
    def number(self) -> str:
        """The exercise that it belongs to."""
        found = NUMBER.search(self.source)
        return (found[1] or found[2]) if found else ""


def cells(path: Path, *tags: str) -> list[Cell]:
    """Return the cells of a text that have one of these tags."""
    found = [Cell(*match.groups("")) for match in CELL.finditer(path.read_text(encoding="utf-8"))]
    return [cell for cell in found if cell.tags in tags]


LESSONS = sorted(SOURCES.glob("*.md"))
STUBS = {cell.number: cell for path in LESSONS for cell in cells(path, "exercise")}
CHECKED = {cell.number: cell for path in LESSONS for cell in cells(path, "check")}
SOLVED = sorted((SOURCES / "solutions").glob("*.md"))
NUMBERS = sorted(CHECKS.keys() | STUBS.keys() | CHECKED.keys())


@pytest.fixture(autouse=True)
def nothing_runs_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Wait for less long, and see to it that no check leaves anything behind."""
    monkeypatch.setattr(given, "TIMEOUT", WAIT)
    monkeypatch.setattr(n03, "TIMEOUT", WAIT)
    before = snapshot()
    yield
    while KEPT:
        KEPT.pop().close()
    assert left_open(before) == []


def run(cell: Cell, scope: dict[str, Any]) -> Any:
    """Run a cell as a kernel does: what its last line gives is returned."""
    *before, last = cell.source.strip().split("\n")
    place = f"<exercise {cell.number}>"
    if cell.tags != "check":
        exec(compile(cell.source, place, "exec"), scope)
        return None
    exec(compile("\n".join(before), place, "exec"), scope)
    return eval(compile(last, place, "eval"), scope)


class TestNotebooks:
    @pytest.mark.parametrize("number", NUMBERS)
    def test_an_exercise_has_a_stub_a_check_and_answers_to_try(self, number: str) -> None:
        """Two wrong answers at least, with different sentences, and an unusual right one."""
        assert number in CHECKS, "no check in rsp.lab.exercises"
        assert number in STUBS, "no exercise cell in a notebook"
        assert number in CHECKED, "no check cell in a notebook"
        sentences = {each.sentence for each in TRIES if each.number == number}
        assert "" in sentences, "no right answer in tests/answers"
        assert len(sentences) >= 3, "fewer than two wrong answers in tests/answers"

    def test_every_answer_belongs_to_an_exercise(self) -> None:
        assert {each.number for each in TRIES} <= set(NUMBERS)
        assert max(Counter(each.name for each in TRIES).values()) == 1

    @pytest.mark.parametrize("number", NUMBERS)
    def test_the_bare_stub_is_nothing_yet(self, number: str) -> None:
        """What a learner sees who runs the whole notebook."""
        stages = {stage.__name__.rpartition(".")[2]: stage for (stage,) in GIVEN.values()}
        scope: dict[str, Any] = {"check": check, **stages}
        run(STUBS[number], scope)
        verdict = run(CHECKED[number], scope)
        assert not verdict
        assert repr(verdict) == f"✗ {number} not yet: there is nothing yet in the place of `...`"

    @pytest.mark.parametrize("path", SOLVED, ids=lambda path: path.stem)
    def test_every_solution_passes(self, path: Path) -> None:
        """In the order of the notebook: one may build on those before it."""
        scope: dict[str, Any] = {}
        solved = {}
        for cell in cells(path, "setup", "solution", "check"):
            verdict = run(cell, scope)
            if cell.tags == "check":
                solved[cell.number] = repr(verdict)
        assert solved == {number: f"✓ {number} passed" for number in solved}
        lesson = [cell.number for cell in cells(SOURCES / path.name, "exercise")]
        assert list(solved) == lesson, "the lesson's exercises are others"

    @pytest.mark.parametrize("path", SOLVED, ids=lambda path: path.stem)
    def test_a_solution_is_checked_as_its_exercise_is(self, path: Path) -> None:
        """What is given to check() is the same in both."""
        for cell in cells(path, "check"):
            assert cell.source == CHECKED[cell.number].source


@pytest.mark.parametrize("each", TRIES, ids=lambda each: each.name)
def test_an_answer_is_judged(each: Try, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong one is told what is wrong with it, a right one passes, however it does it."""
    if "does not come back" in each.sentence:
        monkeypatch.setattr(checks, "PATIENCE", PATIENCE)
    verdict = check(each.number, each.answer, *GIVEN.get(each.number, ()))
    if each.sentence:
        assert each.sentence in verdict.why
    else:
        assert repr(verdict) == f"✓ {each.number} passed"


class TestWhatCannotBeAnAnswer:
    @pytest.mark.parametrize("number", NUMBERS)
    def test_what_raises_is_told_with_its_line(self, number: str) -> None:
        def answer(*_: object) -> None:
            raise ZeroDivisionError("mine")

        verdict = check(number, answer, *GIVEN.get(number, ()))
        assert verdict.why == (
            'it raised ZeroDivisionError: mine, in the line `raise ZeroDivisionError("mine")`'
        )

    @pytest.mark.parametrize("number", NUMBERS)
    def test_what_returns_something_else_is_told_so(self, number: str) -> None:
        """In words, not as an error of the check's own."""
        things = [object(), "text", [None]]
        for thing in things[:1] if number in GIVEN else things:  # a handler returns nothing
            verdict = check(number, lambda *_, thing=thing: thing, *GIVEN.get(number, ()))
            assert not verdict
            assert "it raised" not in verdict.why

    @pytest.mark.parametrize("number", NUMBERS)
    def test_what_takes_other_arguments_is_told_so(self, number: str) -> None:
        verdict = check(number, lambda *, only_by_name: 0, *GIVEN.get(number, ()))
        assert verdict.why.startswith("it raised TypeError: ")

    @pytest.mark.parametrize("number", NUMBERS)
    def test_what_runs_for_ever_is_told_in_time(
        self, number: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And it is ended: nothing_runs_on sees to that."""
        sentence = "it does not come back: it is in `"
        if number == "3.3":  # a server may run for ever; its client may not wait for ever
            sentence = "the client has ended its side and gets no end of the answer"
        else:
            monkeypatch.setattr(checks, "PATIENCE", PATIENCE)

        def answer(*_: object) -> None:
            while True:
                pass

        assert sentence in told(number, answer)

    def test_what_waits_for_ever_is_told_in_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Even where nobody can reach it: in a lock."""
        monkeypatch.setattr(checks, "PATIENCE", PATIENCE)
        monkeypatch.setattr(checks, "TIMEOUT", 0)
        never = threading.Event()
        try:
            assert "it does not come back: it is in `" in told("3.1", never.wait)
        finally:
            never.set()


def told(number: str, answer: Callable[..., object]) -> str:
    """Return what is wrong with an answer."""
    return check(number, answer, *GIVEN.get(number, ())).why


def test_the_lab_has_all_that_it_promises() -> None:
    """What a notebook imports from rsp.lab is named there, and nothing is named that is not."""
    scope: dict[str, Any] = {}
    exec("from rsp.lab import *", scope)
    assert set(rsp.lab.__all__) <= scope.keys()
    assert rsp.lab.__all__ == sorted(set(rsp.lab.__all__), key=sort_key)


def sort_key(name: str) -> tuple[bool, bool, str]:
    """Sort as ruff does: constants, classes, functions."""
    return not name.isupper(), name[0].islower(), name
