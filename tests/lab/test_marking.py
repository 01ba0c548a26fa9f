"""python -m rsp.lab mark: every copy is a row, whatever is in it, and nobody passes by a trick."""

import csv
import inspect
import json
import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rsp.lab import confined
from rsp.lab.__main__ import main
from rsp.lab.checks import CHECKS
from rsp.lab.copies import Learner, learners
from rsp.lab.marking import (
    FAILED,
    MISSING,
    PASSED,
    UNTOUCHED,
    Mark,
    exercises,
    mark,
    write_csv,
)

NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"
GOOD = """\
def recv_until_end(sock):
    pieces = []
    while data := sock.recv(4096):
        pieces.append(data)
    return b"".join(pieces)
"""
WRONG = "def recv_until_end(sock):\n    return sock.recv(4096)\n"
STUB = "there is nothing yet in the place of `...`"
QUICK = 8  # seconds for a trial that is to hang


def notebook(*sources: str, checked: bool = True) -> str:
    """Return a notebook: a cell of code for each source, and behind them the check of 2.1."""
    cells = [{"cell_type": "code", "metadata": {}, "source": source} for source in sources]
    check = {"cell_type": "code", "source": 'check("2.1", recv_until_end)'}
    cells += [{**check, "metadata": {"tags": ["check"]}}] if checked else []
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def marks_of(copies: list[Learner], seconds: float = QUICK) -> dict[str, Mark]:
    """Return what each learner got for 2.1."""
    return {each.learner: each for each in mark(copies, 4, seconds) if each.exercise == "2.1"}


def mark_sources(folder: Path, sources: dict[str, str], seconds: float = QUICK) -> dict[str, Mark]:
    """Hand in one notebook for each name, with one source; return the marks of 2.1."""
    for name, source in sources.items():
        (folder / f"{name}.ipynb").write_text(notebook(source), encoding="utf-8")
    found = marks_of(learners(folder), seconds)
    assert found.keys() == sources.keys()
    return found


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hangs in a trial is given up sooner than a learner would be."""
    monkeypatch.setenv("RSP_LAB_TIMEOUT", "0.5")


def test_every_solution_passes_and_every_stub_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The course's own notebooks, as they lie there: two learners, all or nothing."""
    monkeypatch.delenv("RSP_LAB_TIMEOUT")
    for name, lessons in {"ada": NOTEBOOKS / "solutions", "bob": NOTEBOOKS}.items():
        (tmp_path / name).mkdir()
        for path in lessons.glob("*.ipynb"):
            (tmp_path / name / path.name).write_bytes(path.read_bytes())
    sheet = tmp_path / "marks.csv"
    assert main(["mark", str(tmp_path), "--csv", str(sheet), "-n", "2"]) == 0
    with sheet.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["learner", "exercise", "mark", "why", "notes", "notebook"]
    assert [row["exercise"] for row in rows] == [*exercises()] * 2
    shown = {(row["learner"], row["mark"], row["why"], row["notes"]) for row in rows}
    assert shown == {("ada", PASSED, "", ""), ("bob", UNTOUCHED, STUB, "")}
    printed = capsys.readouterr().out
    assert re.search(r"│ ada +│ ✓ ✓ ✓ │ ✓ ✓ ✓ ✓ │.*│ (\d+) of \1 +│", printed)
    assert re.search(r"│ bob +│ … … … │ … … … … │.*│ 0 of \d+ +│", printed)
    assert "nothing yet" not in printed  # the sign says it


def test_the_lessons_hand_over_what_our_checks_ask_for() -> None:
    """A stage is told by its annotation; everything else is the learner's."""
    for path in NOTEBOOKS.glob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        for number, given in re.findall(r'"check\(\\"([\d.]+)\\", (.*?)\)"', text):
            parameters = inspect.signature(CHECKS[number]).parameters.values()
            stages = ["module" in str(each.annotation).lower() for each in parameters]
            assert [name.startswith("s") and name[1:3].isdigit() for name in given.split(", ")] == (
                stages
            ), number


BROKEN = {
    "syntax": ("def recv_until_end(sock:\n    ...", "there is no `recv_until_end` in it"),
    "undefined": ("x = 1", "there is no `recv_until_end` in it"),
    "loop": (f"while True: pass\n{GOOD}", f"it does not come back within {QUICK} seconds"),
    "hangs": ("def recv_until_end(sock):\n    while True: pass", "it does not come back: it is in"),
    "leaves": (f"import os; os._exit(0)\n{GOOD}", "it ended Python (status 0) before the check"),
    "leaves_late": (
        "import os\ndef recv_until_end(sock):\n    os._exit(3)",
        "it ended Python (status 3) before the check",
    ),
    "exits": ("import sys\ndef recv_until_end(sock):\n    sys.exit(0)", "it raised SystemExit"),
    "raises": ("def recv_until_end(sock):\n    return 1 / 0", "it raised ZeroDivisionError"),
    "crashes": (f"import ctypes\nctypes.string_at(0)\n{GOOD}", "it crashed Python (SIGSEGV)"),
    "kills": (
        f"import os, signal\nos.killpg(0, signal.SIGKILL)\n{GOOD}",
        "it crashed Python (SIGKILL)",
    ),
    "memory": (
        "def recv_until_end(sock):\n    return b'x' * (1 << 40)",
        "it raised MemoryError",
    ),
    "deep": (
        "def recv_until_end(sock):\n    return recv_until_end(sock)",
        "it raised RecursionError",
    ),
    "prints": (
        "def recv_until_end(sock):\n    while True: print('x' * 1000000, flush=True)",
        "it raised OSError: [Errno 27]",
    ),
    "writes": (
        "def recv_until_end(sock):\n"
        "    with open('x', 'wb') as file:\n        while True: file.write(bytes(1 << 20))",
        "it raised OSError: [Errno 27]",
    ),
    "closes": (f"import os\nos.closerange(0, 256)\n{GOOD}", "it ended Python (status 1"),
    "asks": ("def recv_until_end(sock):\n    return input()", "it raised EOFError"),
    "forks": (
        "import os, time\nfor _ in range(100):\n    if os.fork() == 0: time.sleep(60)\n"
        f"time.sleep(60)\n{GOOD}",
        "it starts more than 32 processes",
    ),
}


def test_a_broken_copy_is_a_row_and_not_an_end(tmp_path: Path) -> None:
    """Each in its own way; between them one that is right, and passes."""
    sources = {name: source for name, (source, _) in BROKEN.items()} | {"good": GOOD}
    marks = mark_sources(tmp_path, sources)
    assert marks.pop("good").mark == PASSED
    for name, each in marks.items():
        assert (name, each.mark) == (name, FAILED)
        assert each.why.startswith(BROKEN[name][1]), each


CHEATS = {
    "says_so": f'print(\'✓ 2.1 passed\')\nprint(\'{{"why": "", "notes": []}}\')\n{WRONG}',
    "own_check": f"def check(*_): return True\n{WRONG}",
    "rubbish": (
        "import os\n"
        "for fd in range(3, 64):\n"
        '    try: os.write(fd, b\'{"token": "", "why": "", "notes": []}\')\n'
        f"    except OSError: pass\n{WRONG}"
    ),
    "expects": (
        f"import rsp.lab.exercises.n02\nrsp.lab.exercises.n02.expect = lambda *_: None\n{WRONG}"
    ),
    "raises": f"from rsp.lab import checks\nchecks.Wrong.__str__ = lambda self: ''\n{WRONG}",
    "shadows": f"from rsp.lab.exercises import n02\nn02.len = lambda _: 50000\n{WRONG}",
    "adds": f"import socket\nsocket.socket.recv = lambda *_: b''\n{WRONG}",
    "tries": f"from rsp.lab import checks\nchecks.complaint = lambda *_: ''\n{WRONG}",
    "code": (
        "from rsp.lab import checks\n"
        f"checks.expect.__code__ = (lambda holds, otherwise: None).__code__\n{WRONG}"
    ),
    "hidden": (
        "import sys\nfrom rsp.lab import checks\nchecks.complaint = lambda *_: ''\n"
        f"del sys.modules['rsp.lab.checks']\n{WRONG}"
    ),
    "table": f"from rsp.lab.checks import CHECKS\nCHECKS['2.1'] = lambda *_: None\n{WRONG}",
    "late": (
        "from rsp.lab import checks\ndef recv_until_end(sock):\n"
        "    checks.expect.__globals__['expect'] = lambda *_: None\n"
        "    import rsp.lab.exercises.n02 as n02; n02.expect = n02.expect_bytes = lambda *_: None\n"
    ),
    "leaves": f"import os\nprint('passed', flush=True)\nos._exit(0)\n{WRONG}",
    "builtins": f"import builtins\nbuiltins.len = lambda _: 50000\n{WRONG}",
}


def test_no_trick_makes_a_wrong_answer_pass(tmp_path: Path) -> None:
    """Neither in words, nor through the pipe, nor by putting something in the place of ours."""
    for name, each in mark_sources(tmp_path, CHEATS, 20).items():
        assert (name, each.mark) == (name, FAILED)
        assert each.why, each


def test_what_is_replaced_is_named(tmp_path: Path) -> None:
    """The instructor is to see that it was no mistake."""
    marks = mark_sources(tmp_path, {name: CHEATS[name] for name in ("expects", "code")})
    assert marks["expects"].why == (
        "it puts something of its own in the place of rsp.lab.exercises.n02.expect"
    )
    assert "rsp.lab.checks.expect" in marks["code"].why


def test_a_trial_knows_nothing_of_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No secret of ours, no progress of anybody, no open file, and no token where it can look."""
    monkeypatch.setenv("SECRET", "s3cret")
    monkeypatch.setenv("RSP_COURSE", str(tmp_path))
    monkeypatch.setattr(confined.secrets, "token_hex", lambda: "5eed")
    there = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(there, True)
    look = """\
import os, sys
def recv_until_end(sock):
    names = sorted(os.environ)
    seen = os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd") else []
    paths = [os.path.realpath(f"/proc/self/fd/{fd}") for fd in seen]
    told = sys.stdin.read() + " ".join(sys.argv)
    raise ValueError(f"{names} {told} {paths}")
"""
    why = mark_sources(tmp_path, {"ada": look})["ada"].why
    os.close(there)
    assert "RSP_COURSE" not in why
    assert "SECRET" not in why
    assert str(tmp_path) not in why
    assert "5eed" not in why
    assert why.startswith("it raised ValueError: ['HOME', ")
    assert not (tmp_path / ".progress").exists()


def test_nothing_that_a_copy_started_runs_on(tmp_path: Path) -> None:
    """Not even what has left the group of its own accord, and would write for ever."""
    escape = f"""\
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"],
                         start_new_session=True)
with open({str(tmp_path / "pid")!r}, "w") as file:
    file.write(str(child.pid))
{GOOD}"""
    if not Path("/proc/self/environ").exists():
        pytest.skip("a process that leaves its group is found through /proc")
    assert mark_sources(tmp_path, {"ada": escape}, 20)["ada"].mark == PASSED
    status = Path("/proc", (tmp_path / "pid").read_text(), "status")
    assert not status.exists() or "State:\tZ" in status.read_text()


def test_ctrl_c_ends_the_marking_and_what_it_runs(tmp_path: Path) -> None:
    """Status 130 and a sentence; the trial that was running is gone."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    tell = f"import os\nwith open({str(pipe)!r}, 'w') as file: file.write(str(os.getpid()))\n"
    (tmp_path / "class").mkdir()
    copy = notebook(f"{tell}while True: pass\n{GOOD}")
    (tmp_path / "class" / "ada.ipynb").write_text(copy, encoding="utf-8")
    heard = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    command = [sys.executable, "-m", "rsp.lab", "mark", str(tmp_path / "class")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as marking:
        assert select.select([heard], [], [], 30)[0]
        pid = int(os.read(heard, 100))
        os.close(heard)
        marking.send_signal(signal.SIGINT)
        _, said = marking.communicate(timeout=30)
    assert (marking.returncode, said) == (
        130,
        "Interrupted: nothing was marked, and nothing runs on.\n",
    )
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_cell_that_fails_is_left_out_and_noted(tmp_path: Path) -> None:
    """What the exercise needs is there all the same."""
    copy = notebook("import nowhere\nx = 1", "x = y = 2", f"print(x, y)\n{GOOD}", "def f(:")
    (tmp_path / "ada.ipynb").write_text(copy, encoding="utf-8")
    each = marks_of(learners(tmp_path))["ada"]
    assert each.mark == PASSED
    assert "the cell `def f(:` was left out: SyntaxError: " in each.notes
    assert "the cell `import nowhere` was left out: ModuleNotFoundError: No module" in each.notes


def test_marks_stand_in_order_however_many_work(tmp_path: Path) -> None:
    """The slow one is the first one all the same."""
    slow = f"import threading\nthreading.Event().wait(0.5)\n{GOOD}"
    marks = mark_sources(tmp_path, {"a": slow, "b": GOOD, "c": WRONG}, 20)
    assert [each.mark for each in marks.values()] == [PASSED, PASSED, FAILED]
    assert list(marks) == ["a", "b", "c"]


def test_what_could_not_be_read_is_a_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "eve.ipynb").write_text('{"cells": [', encoding="utf-8")
    (tmp_path / "nobody").mkdir()
    assert main(["mark", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"│ eve +│ 0 of 0 +│", printed)
    assert "eve: eve.ipynb cannot be read: it is not JSON (Expecting value, line 1)" in printed
    assert "nobody: there is no notebook in it" in printed


def test_a_file_that_cannot_be_read_is_one_row(tmp_path: Path) -> None:
    """Not one for each exercise; what else the learner has handed in is marked."""
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "02.ipynb").write_text(notebook(GOOD), encoding="utf-8")
    for path in (tmp_path / "ada" / "03.ipynb", tmp_path / "eve.ipynb"):
        path.write_text("{", encoding="utf-8")
    marks = mark(learners(tmp_path), 4, QUICK)
    broken = [(each.learner, each.mark, each.why[:9]) for each in marks if not each.exercise]
    assert broken == [("ada", MISSING, "03.ipynb "), ("eve", MISSING, "eve.ipynb")]
    assert {each.why for each in marks if each.exercise} == {""}
    assert [each.learner for each in marks].count("eve") == 1
    assert [each.exercise for each in marks if each.mark == PASSED] == ["2.1"]


def test_one_notebook_is_marked_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By its number, or by its name."""
    (tmp_path / "ada.ipynb").write_text(notebook(GOOD), encoding="utf-8")
    for word in ("02", "2", "02_dialling"):
        sheet = tmp_path / "marks.csv"
        assert main(["mark", str(tmp_path), "--only", word, "--csv", str(sheet)]) == 0
        with sheet.open(encoding="utf-8", newline="") as file:
            assert [row["exercise"] for row in csv.DictReader(file)] == exercises(2)
    assert "1 of 1" in capsys.readouterr().out


def test_a_cell_that_is_no_python_is_noted_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under the exercise that it spoils, not under those which only come after it."""
    broken = "# exercise 2.1\ndef recv_until_end(sock:\n    ..."
    other = "# exercise 2.2\ndef recv_exactly(sock, count):\n    return b''"
    (tmp_path / "ada.ipynb").write_text(notebook(broken, other), encoding="utf-8")
    marks = mark(learners(tmp_path), 4, QUICK)
    assert [each.exercise for each in marks if each.notes] == ["2.1"]
    assert main(["mark", str(tmp_path), "--only", "02"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.count("SyntaxError") == 1


def test_a_sheet_is_safe_to_open_and_whole(tmp_path: Path) -> None:
    """A spreadsheet runs what begins with an equals sign; lines and bells are no sentence."""
    path = tmp_path / "marks.csv"
    write_csv(path, [Mark("=1+1", "2.1", FAILED, "a\nb\x1b[2J\ud800", "-x", "")])
    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1] == ["'=1+1", "2.1", FAILED, "a�b�[2J�", "'-x", ""]
    assert [each.name for each in tmp_path.iterdir()] == ["marks.csv"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the following arguments are required"),
        (["mark"], "the following arguments are required: FOLDER"),
        (["mark", "{empty}/none"], "none cannot be read: No such file or directory"),
        (["mark", "{empty}"], "holds no folder and no .ipynb file: nothing to mark"),
        (["mark", "{full}", "--csv", "{empty}/none/x.csv"], "x.csv cannot be written"),
        (["mark", "{full}", "--csv", "{empty}"], "cannot be written"),
        (["mark", "{full}", "-n", "0"], "argument -n: invalid"),
        (["mark", "{full}", "--only", "00"], "'00' has no exercises; there are 01, 02, 03, 04"),
        (["mark", "{full}", "--only", "x"], "argument --only: 'x' has no exercises"),
        (["mark", "{full}", "--seconds", "x"], "argument --seconds: invalid"),
    ],
)
def test_wrong_usage_is_told(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, a sentence, and nothing was run."""
    empty, full = tmp_path / "empty", tmp_path / "full"
    (full / "ada").mkdir(parents=True)
    empty.mkdir()
    with pytest.raises(SystemExit) as ended:
        main([word.format(empty=empty, full=full) for word in words])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_it_is_a_command(tmp_path: Path) -> None:
    """In any folder, and for any terminal: ✓ is not in each one's alphabet."""
    (tmp_path / "ada.ipynb").write_text(notebook(GOOD), encoding="utf-8")
    said = subprocess.run(
        [sys.executable, "-m", "rsp.lab", "mark", "."],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(NOTEBOOKS.parent), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
    )
    assert (said.returncode, said.stderr) == (0, "")
    assert "ada" in said.stdout
    assert MISSING not in said.stdout
