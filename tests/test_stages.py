"""The contract, asked of every stage, the proxy and the command; or of any proxy, by options:

python -m pytest -p no:nbval tests/test_stages.py --proxy 127.0.0.1:8000 --backend-port 8080
"""

import pytest

from rsp.lab.contract import OUTCOMES, RIGHT, SYMPTOMS
from rsp.lab.not_yet import NOT_YET
from tests.contract import Subject, difference, stage_names, subjects


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask each subject for each outcome."""
    if "subject" in metafunc.fixturenames:
        metafunc.parametrize("text", OUTCOMES)
        metafunc.parametrize("subject", subjects(metafunc.config), ids=str)


def test_it_shows_what_it_says_of_itself(subject: Subject, text: str) -> None:
    """Whoever learns more than it says, or fails in another way, fails."""
    assert difference(subject, text) == ""


def test_every_stage_says_what_it_cannot_do_yet() -> None:
    """A new stage has a list, be it empty; and a list has its stage."""
    assert sorted(NOT_YET) == stage_names()


def test_what_is_said_is_about_outcomes_that_are_asked() -> None:
    for name, cannot in NOT_YET.items():
        assert cannot.keys() <= OUTCOMES.keys(), name
        assert set(cannot.values()) <= SYMPTOMS.keys() - {RIGHT, "untried"}, name


def test_enough_is_asked() -> None:
    assert len(OUTCOMES) >= 25
