"""The command, as a process: what it does, what it says, its exit status."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.planted import Course
from tools.notebooks import main

SCRIPT = Path(__file__).resolve().parent.parent / "tools" / "notebooks.py"


def command(course: Course, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command on a checkout, from another folder."""
    line = [sys.executable, str(SCRIPT), "--root", str(course.root), *words]
    return subprocess.run(line, capture_output=True, text=True, cwd="/", timeout=60)


def same(course: Course, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Do the same without a process; return the status and what was printed."""
    status = main(["--root", str(course.root), *words])
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.mark.kernel
def test_build_then_check_then_build_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was built passes every check, and is the same when it is built again."""
    course = Course(tmp_path)
    built = command(course, "build")
    assert (built.returncode, built.stderr) == (0, "")
    first, second, last = built.stdout.splitlines()
    assert first.endswith(" s  notebooks/04_one.ipynb")
    assert second.endswith(" s  notebooks/solutions/04_one.ipynb")
    assert last == "build: 2 notebooks, 0 faults"
    bytes_before = course.lesson.path.read_bytes()
    status, out, err = same(course, capsys, "check", "--run")
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "check: 2 notebooks, 0 faults"
    assert same(course, capsys, "build", "04_one")[1].count("(unchanged)") == 2
    assert course.lesson.path.read_bytes() == bytes_before


@pytest.mark.kernel
def test_a_notebook_that_fails_is_not_written_and_the_others_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The committed one stays as it was."""
    course = Course(tmp_path)
    source = course.source
    source.write_text(source.read_text().replace("print(serve(b'pong'))", "print(serve(None))"))
    status, out, err = same(course, capsys, "build")
    assert status == 1
    assert out.splitlines()[0] == "not written  notebooks/04_one.ipynb"
    assert "TypeError: 'NoneType' object is not subscriptable" in err
    assert out.splitlines()[-1] == "build: 2 notebooks, 1 fault"
    assert not course.lesson.path.exists()
    assert course.solutions.path.exists()


@pytest.mark.kernel
def test_a_fault_of_a_gate_is_told_and_the_notebook_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its writer wants to see it; check goes on saying what is wrong."""
    course = Course(tmp_path)
    course.source.write_text(course.source.read_text().replace("**Runs on**", "Runs on"))
    status, _, err = same(course, capsys, "build", "04")
    what = "no line of the first 3 cells starts with **Runs on**; name the systems"
    said = f"notebooks/04_one.ipynb 04_one-001 (line 5 of its source): {what}\n"
    assert (status, err) == (1, said)
    status, _, err = same(course, capsys, "check")
    assert (status, err) == (1, said)


def test_wrong_usage_is_told_with_status_2(tmp_path: Path) -> None:
    """No command, another one, a notebook that is not there."""
    course = Course(tmp_path)
    for words in [(), ("bake",), ("check", "--fast"), ("build", "--run")]:
        done = command(course, *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("usage: notebooks.py ")
    done = command(course, "check", "07")
    assert done.returncode == 2
    assert done.stderr.endswith("no notebook starts with '07'; there are: 04_one, 04_one\n")


def test_a_checkout_without_sources_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """To have checked nothing is no success."""
    course = Course(tmp_path)
    course.source.unlink()
    course.project.sources()[0].unlink()
    status, out, err = same(course, capsys, "check")
    assert (status, out) == (1, "")
    assert err == f"{tmp_path.resolve()}/notebooks/src: it has no sources; write one\n"


def test_check_tells_every_fault_and_counts_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A source that cannot be made does not hide what is wrong with the others."""
    course = Course(tmp_path)
    course.commit(course.lesson)
    course.commit(course.solutions)
    course.source.write_text("```{code-cell}\n# rsp/net.py: listn\n```\n")
    status, out, err = same(course, capsys, "check")
    assert (status, out) == (1, "check: 2 notebooks, 2 faults\n")
    first, second = err.splitlines()
    assert first.startswith("notebooks/src/04_one.md:2: rsp/net.py defines no listn;")
    assert second.startswith("notebooks/solutions/04_one.ipynb: its file is not as the builder")


def test_check_tells_a_notebook_that_nobody_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And run as well: it has nothing to execute."""
    course = Course(tmp_path)
    said = [
        "notebooks/src/04_one.md: it has no notebook; build it",
        "notebooks/src/solutions/04_one.md: it has no notebook; build it",
    ]
    assert same(course, capsys, "check")[2].splitlines() == said
    assert same(course, capsys, "run")[2].splitlines() == said


def test_rhythm_prints_the_table_and_names_the_limits_that_are_passed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Solutions have no rhythm."""
    course = Course(tmp_path)
    course.commit(course.solutions)
    course.cell("class Picture").outputs = []
    course.commit(course.lesson)
    status, out, err = same(course, capsys, "rhythm")
    assert status == 1
    assert "04_one" in out
    assert out.endswith("rhythm: 2 notebooks, 2 faults\n")
    assert err.splitlines() == [
        "notebooks/04_one.ipynb: there is no picture; draw one",
        "notebooks/04_one.ipynb: 47% of the code cells show an output, 50% must; show more",
    ]


def test_quotes_lists_what_is_told_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For the table of what of the package has its place."""
    course = Course(tmp_path)
    status, out, _ = same(course, capsys, "quotes")
    line = course.source.read_text().splitlines().index("# rsp/stages/s04_serial.py: serve") + 1
    assert status == 0
    assert out.splitlines() == [
        f"notebooks/src/04_one.md:{line}: rsp/stages/s04_serial.py: serve",
        "quotes: 2 notebooks, 0 faults",
    ]
