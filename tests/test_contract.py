"""The contract can fail: each planted fault is found, and named with its symptom."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rsp.lab.contract import HTTP_OUTCOMES, OUTCOMES, RIGHT, SYMPTOMS, before
from rsp.lab.not_yet import NOT_YET
from rsp.proxy import serve as relay
from tests import faulty, faulty_http
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

LENGTHS = "A request with two lengths is refused, and the backend sees nothing of it"
BOTH = "A request with a length and with chunks is refused, and the backend sees nothing of it"
HIDDEN = "What one reader takes for a body and another for a request does not reach the backend"
SECOND = "The second request on one connection is looked at as strictly as the first"
SIGN = "A chunk whose size has a sign is refused, and its content does not reach the backend"
HUGE = "A head of more than 64 KiB is refused with 431"
HOP = "The fields that Connection names do not reach the backend, the others do"
TOLD = "The backend is told the client's address, and nothing that the client says of itself"
URL = "The authority of a URL in the request line replaces Host"
UPLOADED = "A body in chunks arrives whole, and so does the request behind it"
CONTINUES = "A client is told to go on with a body by the backend, and by nobody else"
HEAD = "The answer to HEAD ends at its head, and the connection goes on"
OLD = "A client of HTTP/1.0 gets an answer without chunks, whole"
CHUNKS = "An answer in chunks comes whole, with its end, and the connection goes on"
BACKEND_DOWN = "A client whose backend is down is told 502"
ORDER = "Requests that come at once are answered in their order"
REUSED = "A second client's request goes over the connection that the first one's went over"
STALE = "A kept connection that the backend closes costs a GET nothing"
ONCE = "A POST is never sent twice, though the connection breaks; then its client is told"
TUNNEL = "Behind a 101 that was asked for, both sides send what they like, until both end"
UNASKED = "A 101 that nobody asked for does not reach the client, who is told 502"
CUT = "An answer that is cut never looks whole, whoever asked for it and however it is framed"

# What a relay shows, which reads no byte of what passes; and where it is right, a planted fault.
RELAYED = {
    **dict.fromkeys([LENGTHS, BOTH, HIDDEN, SECOND, SIGN, HUGE, HOP, TOLD, URL], "passes"),
    **{OLD: "other", BACKEND_DOWN: "lost", REUSED: "wastes", UNASKED: "other"},
}
PLANTED_IN_HTTP = [
    ("forgets_the_end_of_uploads", UPLOADED, "waits"),
    ("says_100_itself", CONTINUES, "other"),
    ("says_all_twice", HEAD, "other"),
    ("forgets_the_end", CHUNKS, "waits"),
    ("answers_backwards", ORDER, "other"),
    ("keeps_blindly", STALE, "lost"),
    ("asks_everybody", ONCE, "twice"),
    ("is_through_with_a_101", TUNNEL, "cut"),
    ("adds_an_end", CUT, "hides"),
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


@pytest.mark.parametrize("text", HTTP_OUTCOMES)
def test_a_relay_shows_which_outcomes_want_a_reader(text: str) -> None:
    """Each of these has failed: here, or below."""
    assert HTTP_OUTCOMES[text](before(relay)) == RELAYED.get(text, RIGHT)


@pytest.mark.parametrize(("name", "text", "symptom"), PLANTED_IN_HTTP)
def test_a_fault_planted_in_http_is_found(name: str, text: str, symptom: str) -> None:
    assert HTTP_OUTCOMES[text](before(faulty_http.STAGES[name])) == symptom


def test_each_outcome_of_http_has_been_seen_to_fail() -> None:
    assert RELAYED.keys() | {text for _, text, _ in PLANTED_IN_HTTP} == HTTP_OUTCOMES.keys()


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
    assert names == [*stage_names(), "proxy", "gateway", "command", "command --relay"]


def test_who_reads_http_is_asked_for_it() -> None:
    """By its list, or because somebody says so of it."""
    asked = {one.name: one.asked() for one in subjects(Options())}  # type: ignore[arg-type]
    assert asked["s08_buffers"].keys() == asked["proxy"].keys() == OUTCOMES.keys()
    assert asked["s10_heads"].keys() == asked["gateway"].keys()
    assert asked["gateway"].keys() == OUTCOMES.keys() | HTTP_OUTCOMES.keys()
    options = Options(proxy="[::1]:80", backend_port=8080, http=True)
    (subject,) = subjects(options)  # type: ignore[arg-type]
    assert subject.asked().keys() == asked["gateway"].keys()


def test_with_options_only_that_proxy_is_asked() -> None:
    options = Options(proxy="[::1]:80", backend_port=8080, not_yet="s04_serial")
    (subject,) = subjects(options)  # type: ignore[arg-type]
    assert (subject.name, subject.says) == ("proxy", "s04_serial")


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ({"backend_port": 8080}, "belong to --proxy"),
        ({"not_yet": "s04_serial"}, "belong to --proxy"),
        ({"http": True}, "belong to --proxy"),
        ({"proxy": "127.0.0.1:80"}, "wanted: --proxy HOST:PORT --backend-port N"),
        ({"proxy": "127.0.0.1", "backend_port": 1}, "wanted: --proxy"),
        ({"proxy": "x:1", "backend_port": 1, "not_yet": "s99"}, "there are gateway, s04_serial"),
        ({"proxy": "x:1", "backend_port": 1, "numprocesses": 2}, "goes with -n 0"),
    ],
)
def test_options_that_do_not_go_together_are_told(told: dict[str, object], complaint: str) -> None:
    with pytest.raises(pytest.UsageError, match=complaint):
        subjects(Options(**told))  # type: ignore[arg-type]
