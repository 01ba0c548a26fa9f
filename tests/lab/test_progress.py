"""rsp.lab.progress: kept in the learner's copy, and never lost."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rsp.lab.progress import (
    FILE,
    OPEN,
    PASSED,
    RIGHT,
    WRONG,
    load,
    note,
    noted,
    progress,
)


@pytest.fixture(autouse=True)
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A learner's copy, and a kernel that has noted nothing yet."""
    monkeypatch.setenv("RSP_COURSE", str(tmp_path))
    noted.clear()
    yield tmp_path
    noted.clear()


def test_what_was_noted_is_known_in_the_next_kernel() -> None:
    note("check", "4.1", PASSED)
    note("guess", "4.2", WRONG)
    noted.clear()  # a new kernel
    assert load() == {"check 4.1": PASSED, "guess 4.2": WRONG}


@pytest.mark.parametrize(
    ("notes", "stands"),
    [
        ([OPEN, PASSED], PASSED),
        ([PASSED, OPEN], PASSED),
        ([RIGHT, WRONG], RIGHT),
        ([WRONG, RIGHT], RIGHT),
        ([WRONG, OPEN], WRONG),
        ([OPEN, WRONG], WRONG),
    ],
)
def test_who_tries_again_loses_nothing(notes: list[str], stands: str) -> None:
    for how in notes:
        note("check", "4.1", how)
        noted.clear()  # a new kernel
    assert load() == {"check 4.1": stands}


def test_the_same_again_is_not_written_again(copy: Path) -> None:
    for _ in range(10):
        note("check", "4.1", PASSED)
        note("guess", "4.1", OPEN)
    assert (copy / FILE).read_bytes() == b"\ncheck 4.1 passed\nguess 4.1 open"


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff\xfe\x00", b"\0" * 100, b"check 4.1 pass", b"[1, 2]", b"check x passed\n\n\n"],
)
def test_what_cannot_be_read_is_never_lost_and_never_written_over(
    copy: Path, content: bytes
) -> None:
    (copy / FILE).write_bytes(content)
    assert load() == {}
    note("check", "4.2", PASSED)
    assert load() == {"check 4.2": PASSED}
    assert (copy / FILE).read_bytes().startswith(content)


def test_a_line_that_was_torn_off_spoils_only_itself(copy: Path) -> None:
    note("check", "4.1", PASSED)
    with (copy / FILE).open("ab") as file:
        file.write(b"\ncheck 4.2 pas")
    note("check", "4.3", PASSED)
    noted.clear()  # a new kernel
    assert load() == {"check 4.1": PASSED, "check 4.3": PASSED}


def test_a_folder_in_its_place_is_left_alone(copy: Path) -> None:
    (copy / FILE).mkdir()
    note("check", "4.1", PASSED)
    assert load() == {"check 4.1": PASSED}
    assert (copy / FILE).is_dir()


def test_many_kernels_at_once_lose_nothing() -> None:
    """Each adds its own lines, whole, to the end (man 2 open, O_APPEND)."""
    script = "import sys; from rsp.lab.progress import note; n = sys.argv[1]\n"
    script += "for i in range(50): note('check', f'{n}.{i}', 'passed')"
    kernels = [subprocess.Popen([sys.executable, "-c", script, str(n)]) for n in range(4)]
    assert [kernel.wait(20) for kernel in kernels] == [0] * 4
    assert load() == {f"check {n}.{i}": PASSED for n in range(4) for i in range(50)}


def test_what_another_kernel_has_passed_stays_passed(copy: Path) -> None:
    note("check", "4.1", OPEN)
    with (copy / FILE).open("ab") as file:
        file.write(b"\ncheck 4.1 passed")
    note("check", "4.1", OPEN)
    assert load() == {"check 4.1": PASSED}


@pytest.mark.parametrize("course", ["", "/no/such/folder"])
def test_outside_a_learners_copy_nothing_is_written(
    course: str, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RSP_COURSE", course)
    monkeypatch.chdir(copy)
    note("check", "4.1", PASSED)
    assert load() == {"check 4.1": PASSED}
    assert list(copy.iterdir()) == []


def test_without_the_word_of_the_environment_nothing_is_written(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RSP_COURSE")
    monkeypatch.chdir(copy)
    note("check", "4.1", PASSED)
    assert list(copy.iterdir()) == []


def test_the_table_counts_guesses_and_exercises(capsys: pytest.CaptureFixture[str]) -> None:
    for number, how in [("4.1", RIGHT), ("4.2", WRONG), ("4.3", OPEN), ("10.1", RIGHT)]:
        note("guess", number, how)
    for number, how in [("4.1", PASSED), ("4.2", OPEN)]:
        note("check", number, how)
    progress()
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in row.strip("│").split("│")] for row in rows] == [
        ["04", "1 of 2", "1 of 2 tried"],
        ["10", "1 of 1", "none tried"],
    ]


def test_nothing_noted_is_said_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    progress()
    assert capsys.readouterr().out.startswith("nothing noted yet")
