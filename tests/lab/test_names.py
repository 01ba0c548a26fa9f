"""rsp.lab.names and rsp.lab.where: ports and threads, told alike in every run."""

import threading
import traceback
from collections.abc import Iterator

import pytest

from rsp.lab.names import name_port, with_names
from rsp.lab.where import innermost, where_is


@pytest.fixture(autouse=True)
def ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rsp.lab.names.NAMES", {40_001: "proxy", 8080: "backend"})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("127.0.0.1:40001", "127.0.0.1:<proxy>"),
        ("[::1]:40001", "[::1]:<proxy>"),
        ("Listening on port 40001.", "Listening on port <proxy>."),
        ("8080 and 40001, 8080/tcp", "<backend> and <proxy>, <backend>/tcp"),
        (40_001, "<proxy>"),
        ("port 40002 is nobody's", "port 40002 is nobody's"),
        ("10.8080 or 8080.5 or v8080", "10.8080 or 8080.5 or v8080"),
        ("140001 or 400011", "140001 or 400011"),
        ("", ""),
    ],
)
def test_a_port_is_written_as_the_name_of_its_owner(text: object, named: str) -> None:
    assert with_names(text) == named


def test_the_last_owner_of_a_port_counts() -> None:
    name_port(40_001, "other")
    assert with_names("40001") == "<other>"


@pytest.fixture
def waiting() -> Iterator[threading.Thread]:
    """A thread that waits in a line of ours, which waits in a line of Python's."""
    go_on, there = threading.Event(), threading.Event()

    def wait_here() -> None:
        there.set()
        go_on.wait()  # the line to name

    thread = threading.Thread(target=wait_here)
    thread.start()
    there.wait()
    yield thread
    go_on.set()
    thread.join()


def test_a_thread_is_in_the_innermost_line_that_is_not_pythons(waiting: threading.Thread) -> None:
    told = where_is(waiting)
    while "there.set()" in told:  # it may not have come further yet
        told = where_is(waiting)
    assert told.startswith("`go_on.wait()  # the line to name` (wait_here, line ")


def test_a_thread_that_has_ended_is_nowhere() -> None:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    assert where_is(thread) == "no code: it has just ended"


def test_the_labs_own_lines_are_named_only_when_there_are_no_others() -> None:
    """Whoever waits in the lab's recv waits in the line that called it."""
    lab = where_is.__code__.co_filename
    own = traceback.FrameSummary(__file__, 1, "mine")
    frames = [own, traceback.FrameSummary(lab, 1, "labs")]
    assert innermost(frames) is own
    assert innermost(frames[1:]) is None
