"""The contract can fail: each planted fault is found, and named with its symptom."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rsp.lab.contract import OUTCOMES, RIGHT, SYMPTOMS, before
from rsp.lab.not_yet import NOT_YET
from tests import faulty
from tests.contract import Subject, difference, said, stage, stage_names, subjects

ANSWERED = "A request gets the backend's answer"
PIECES = "A request that comes in two pieces arrives whole"
SILENT = "While one client says nothing, another is served"
SLOW_READER = "A client that reads slowly gets every byte"
STREAMS = "The first part of an answer does not wait for the rest"
HALF_CLOSED = "A client that half-closes after its request gets its answer"
ABORTED = "After a client that broke off its download, the next is served"
DOWN = "A client whose backend is down is let go at once, and the next is served when it is up"
HANGS_UP = "A backend that closes at once is told to the client as an end"
UNREAD = "While a client does not read its answer, the backend is made to wait with the rest"
OWN = "Thirty clients at once each get their own answer"
LEFT_OPEN = "After twenty clients no descriptor is left open"

PLANTED = [
    ("learned_threads", SILENT, RIGHT),
    ("refuses_pieces", PIECES, "refuses"),
    ("exits_on_trouble", ABORTED, "exits"),
    ("exits_on_trouble", DOWN, "exits"),
    ("leaks", LEFT_OPEN, "leaks"),
    ("short_writes", SLOW_READER, "cut"),
    ("collects_first", STREAMS, "waits"),
    ("collects_first", UNREAD, "swallows"),
    ("learned_threads", OWN, RIGHT),
    ("drops_half_closed", HALF_CLOSED, "lost"),
    ("answers_itself", ANSWERED, "cut"),
    ("holds_on", DOWN, "waits"),
]


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> Iterator[None]:
    yield
    while faulty.KEPT:
        faulty.KEPT.pop().close()


def planted(name: str) -> Subject:
    """Return a faulty stage that says of itself what s04 says."""
    return Subject(name, "s04_serial", before(faulty.STAGES[name]))


def as_command(name: str) -> Subject:
    """Return the same as a child process."""
    command = [sys.executable, "-m", "tests.faulty", name, "{host}", "{port}"]
    return Subject(f"{name} as a command", "s04_serial", before(command))


@pytest.mark.parametrize(("name", "text", "symptom"), PLANTED)
def test_a_planted_fault_is_found_with_its_symptom(name: str, text: str, symptom: str) -> None:
    found = difference(planted(name), text)
    assert text in found
    if symptom == RIGHT:
        assert found.startswith(f"{name} has learned more than it says (waits): ")
    else:
        assert f" shows {symptom} ({SYMPTOMS[symptom]})" in found


@pytest.mark.parametrize(
    ("name", "text", "symptom"),
    [("exits_on_trouble", ABORTED, "exits"), ("leaks", LEFT_OPEN, "leaks")],
)
def test_a_fault_of_a_command_is_found_too(name: str, text: str, symptom: str) -> None:
    """The process has ended, or has more descriptors: that is seen from outside."""
    assert f" shows {symptom} " in difference(as_command(name), text)


def test_one_that_does_not_return_is_found() -> None:
    try:
        assert " shows stuck " in difference(planted("never_returns"), ANSWERED)
    finally:
        faulty.WAKE.set()


def test_what_a_fault_leaves_whole_is_right() -> None:
    """A symptom is the fault's, not the suite's: the same stage passes elsewhere."""
    for name in ("refuses_pieces", "leaks", "short_writes", "collects_first", "exits_on_trouble"):
        assert difference(planted(name), ANSWERED) == ""


def test_a_stage_that_says_nothing_of_itself_is_asked_for_everything() -> None:
    everything = Subject("s04", "", stage("s04_serial").before)
    assert " shows waits " in difference(everything, SILENT)


def test_another_symptom_than_was_said_is_named_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(NOT_YET, "s04_serial", {SILENT: "lost"})
    assert difference(stage("s04_serial"), SILENT).endswith(
        "shows waits (nothing came within the time), not lost"
    )


def test_what_cannot_be_told_from_outside_does_not_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(OUTCOMES, "unknown", lambda before: None)
    assert difference(stage("s04_serial"), "unknown") == ""


def test_a_stage_without_a_list_is_found(tmp_path: Path) -> None:
    """By its file: nobody has to think of it."""
    for name in ("s04_serial.py", "s05_planted.py", "__init__.py", "notes.txt"):
        (tmp_path / name).touch()
    assert stage_names(tmp_path) == ["s04_serial", "s05_planted"]
    assert stage_names(tmp_path) != sorted(NOT_YET)
    with pytest.raises(KeyError, match="s05_planted"):
        said("s05_planted", ANSWERED)


class Options:
    """What pytest was told."""

    def __init__(self, **told: object) -> None:
        self.told = told

    def getoption(self, name: str, default: object = None) -> object:
        return self.told.get(name.strip("-").replace("-", "_"), default)


def test_without_options_every_stage_and_the_command_are_asked() -> None:
    names = [subject.name for subject in subjects(Options())]  # type: ignore[arg-type]
    assert names == [*stage_names(), "proxy", "command"]


def test_with_options_only_that_proxy_is_asked() -> None:
    options = Options(proxy="[::1]:80", backend_port=8080, not_yet="s04_serial")
    (subject,) = subjects(options)  # type: ignore[arg-type]
    assert (subject.name, subject.says) == ("proxy", "s04_serial")


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ({"backend_port": 8080}, "belong to --proxy"),
        ({"not_yet": "s04_serial"}, "belong to --proxy"),
        ({"proxy": "127.0.0.1:80"}, "wanted: --proxy HOST:PORT --backend-port N"),
        ({"proxy": "127.0.0.1", "backend_port": 1}, "wanted: --proxy"),
        ({"proxy": "x:1", "backend_port": 1, "not_yet": "s99"}, "there are s04_serial"),
        ({"proxy": "x:1", "backend_port": 1, "numprocesses": 2}, "goes with -n 0"),
    ],
)
def test_options_that_do_not_go_together_are_told(told: dict[str, object], complaint: str) -> None:
    with pytest.raises(pytest.UsageError, match=complaint):
        subjects(Options(**told))  # type: ignore[arg-type]
