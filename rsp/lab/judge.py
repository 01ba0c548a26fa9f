"""Now you write it: the learner's function in the place of ours, judged by the contract."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from rsp.lab.asked import asked_of, not_right
from rsp.lab.contract import RIGHT, SYMPTOMS, before
from rsp.lab.tables import print_table

ENOUGH = 2  # wrong outcomes after which no more are tried: each may cost seconds of waiting


class Judgement:
    """Outcome → what it showed, for what this stage can do; `later` is what it cannot do yet."""

    def __init__(self, name: str, shown: dict[str, str], later: dict[str, str]) -> None:
        self.name, self.shown, self.later = name, shown, later

    @property
    def good(self) -> bool:
        """Tell whether all of it was right."""
        return all(symptom == RIGHT for symptom in self.shown.values())

    def __bool__(self) -> bool:
        return self.good

    def __repr__(self) -> str:
        right = list(self.shown.values()).count(RIGHT)
        return f"{self.name}: {right} of {len(self.shown)} outcomes right"

    def table(self) -> None:
        """Print each outcome with what it showed, then those that were not asked for yet."""
        rows = [(text, told(symptom)) for text, symptom in self.shown.items()]
        rows += [(text, f"not yet: {symptom}") for text, symptom in self.later.items()]
        print_table(["outcome", "here"], rows)


def judge(stage: ModuleType, **mine: Callable[..., Any]) -> Judgement:
    """Run the contract over `stage` with your functions in the place of its own.

    `judge(s04_serial, handle_client=handle_client)` asks all that s04 can do; the stage is as it
    was afterwards.
    """
    for name in mine:
        if not hasattr(stage, name):
            raise AttributeError(f"{stage.__name__} has no {name} to put yours in the place of")
    name = stage.__name__.rpartition(".")[2]
    shown: dict[str, str] = {}
    later = not_right(name)
    with swapped(stage, mine):
        for text, outcome in asked_of(name).items():
            if text in later:
                continue
            tried = "untried" if enough(shown) else outcome(before(stage.serve))
            shown[text] = tried or RIGHT
    return Judgement(", ".join(mine) or name, shown, later)


def told(symptom: str) -> str:
    """Return a symptom in words; what is right needs none."""
    return symptom if symptom == RIGHT else f"{symptom}: {SYMPTOMS[symptom]}"


def enough(shown: dict[str, str]) -> bool:
    """Tell whether trying more would only cost time."""
    wrong = [symptom for symptom in shown.values() if symptom != RIGHT]
    return len(wrong) >= ENOUGH or "stuck" in wrong


@contextmanager
def swapped(stage: ModuleType, mine: dict[str, Callable[..., Any]]) -> Iterator[None]:
    """Put functions into a module for the length of a `with`."""
    ours = {name: getattr(stage, name) for name in mine}
    try:
        for name, function in mine.items():
            setattr(stage, name, function)
        yield
    finally:
        for name, function in ours.items():
            setattr(stage, name, function)
