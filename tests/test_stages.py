"""The contract, asked of every stage, the proxy and the command; or of any proxy, by options:

python -m pytest -p no:nbval tests/test_stages.py --proxy 127.0.0.1:8000 --backend-port 8080

With --http it is asked for what HTTP wants, too.
"""

import pytest

from rsp.lab.asked import asked_of, not_right
from rsp.lab.contract import HTTP_OUTCOMES, OUTCOMES, RIGHT, SYMPTOMS
from rsp.lab.not_yet import NOT_YET, NOT_YET_IN_HTTP, ON_PURPOSE
from tests.contract import Subject, difference, stage_names, subjects


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask each subject for each outcome that is asked of it."""
    if "subject" in metafunc.fixturenames:
        pairs = [(one, text) for one in subjects(metafunc.config) for text in one.asked()]
        ids = [f"{one}-{text}" for one, text in pairs]
        metafunc.parametrize(("subject", "text"), pairs, ids=ids)


def test_it_shows_what_it_says_of_itself(subject: Subject, text: str) -> None:
    """Whoever learns more than it says, or fails in another way, fails."""
    assert difference(subject, text) == ""


def test_every_stage_says_what_it_cannot_do_yet() -> None:
    """A new stage has a list, be it empty; and a list has its stage."""
    assert sorted(NOT_YET) == stage_names()


def test_every_stage_that_reads_http_says_so() -> None:
    """From s10 on; and the gateway, which is no stage."""
    reading = [name for name in stage_names() if name >= "s10"]
    assert sorted(NOT_YET_IN_HTTP) == ["gateway", *reading]
    assert ON_PURPOSE.keys() <= NOT_YET_IN_HTTP.keys()


def test_what_is_said_is_about_outcomes_that_are_asked() -> None:
    for name in NOT_YET.keys() | NOT_YET_IN_HTTP.keys():
        cannot = not_right(name)
        assert cannot.keys() <= asked_of(name).keys(), name
        assert set(cannot.values()) <= SYMPTOMS.keys() - {RIGHT, "untried"}, name


def test_nothing_is_said_twice() -> None:
    """The tables would hide one another."""
    for name, cannot in NOT_YET.items():
        in_http, on_purpose = NOT_YET_IN_HTTP.get(name, {}), ON_PURPOSE.get(name, {})
        assert len(not_right(name)) == len(cannot) + len(in_http) + len(on_purpose)


def test_enough_is_asked() -> None:
    assert len(OUTCOMES) >= 25
    assert len(HTTP_OUTCOMES) >= 20
    assert not OUTCOMES.keys() & HTTP_OUTCOMES.keys()
