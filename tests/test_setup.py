"""tools/setup.py and the Makefile: one command on a fresh machine, one sentence where it cannot be.

The Pythons here are fakes: small scripts that answer as a Python of another age would.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools import setup
from tools.setup import SetUpError

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "tools" / "setup.py").read_text(encoding="utf-8")
COPIED = ["Makefile", "pyproject.toml", "README.md", "LICENSE", "rsp", "tools"]
# pyenv lays its Pythons side by side.
OLD_PYTHONS = [
    path
    for path in sorted(Path(sys.base_prefix).parent.glob("3.*/bin/python3"))
    if int(path.parts[-3].split(".")[1]) < setup.OLDEST[1]
]
NEEDS_MAKE = pytest.mark.skipif(not shutil.which("make"), reason="no make here")


def fake_python(folder: Path, name: str, says: str, then: str = "exit 1") -> Path:
    """Make a Python: asked what it is it `says` so, and for anything else does `then`."""
    path = folder / name
    path.write_text(f'#!/bin/sh\nif [ "$1" = -c ]; then printf "{says}"; exit 0; fi\n{then}\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH, still empty; and nobody has named a Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("PYTHON", raising=False)
    return folder


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that tools/setup.py takes for the checkout."""
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "pyproject.toml").write_text("[project]\n")
    places = {"ROOT": "", "VENV": ".venv", "VENV_PYTHON": ".venv/bin/python"}
    places |= {"STAMP": ".venv/rsp-setup.json", "LOG": ".venv/rsp-setup.log"}
    for name, place in places.items():
        monkeypatch.setattr(setup, name, str(root / place))
    return root


def one_sentence(text: str) -> str:
    """Return `text` if it is what a learner should see: a line, and no traceback."""
    assert text.count("\n") == 1
    assert "Traceback" not in text
    return text


class TestFindPython:
    def test_takes_the_first_that_is_new_enough_and_whole(self, bin_folder: Path) -> None:
        """Debian's python3 may lack venv or be too old, and a better one be there."""
        fake_python(bin_folder, "python3", "3 9 1")
        fake_python(bin_folder, "python3.13", "3 13 0")
        fake_python(bin_folder, "python3.12", "3 12 1")
        assert setup.find_python() == "python3.12"

    def test_takes_the_one_that_was_named(
        self, bin_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """PYTHON=… is a decision, not a hint."""
        fake_python(bin_folder, "python3", "3 12 1")
        mine = fake_python(bin_folder, "mine", "3 11 1")
        monkeypatch.setenv("PYTHON", str(mine))
        assert setup.find_python() == str(mine)
        fake_python(bin_folder, "mine", "3 8 1")
        with pytest.raises(SetUpError, match=r"mine is Python 3\.8"):
            setup.find_python()

    def test_says_that_python_is_too_old(self, bin_folder: Path) -> None:
        fake_python(bin_folder, "python3", "3 9 1")
        with pytest.raises(SetUpError) as caught:
            setup.find_python()
        assert str(caught.value) == (
            "The course needs Python 3.11 or newer, and python3 is Python 3.9: "
            "install a newer one, or name another: make learn PYTHON=/path/to/python3"
        )

    def test_says_that_venv_is_missing_and_where_it_is(self, bin_folder: Path) -> None:
        """Debian's package has the version in its name."""
        fake_python(bin_folder, "python3", "3 11 0")
        with pytest.raises(SetUpError) as caught:
            setup.find_python()
        assert str(caught.value) == (
            "python3 has no venv module: install it (on Debian and Ubuntu: sudo apt install "
            "python3.11-venv), or name another: make learn PYTHON=/path/to/python3"
        )

    @pytest.mark.parametrize("says", ["", "no such version", "3"])
    def test_says_that_there_is_none(self, bin_folder: Path, says: str) -> None:
        """A shim that cannot start what it stands for is none, either."""
        if says:
            fake_python(bin_folder, "python3", says, then="exit 127")
        with pytest.raises(SetUpError, match=r"needs Python 3\.11 .* python3 cannot be run"):
            setup.find_python()

    def test_knows_this_python(self) -> None:
        """No fake: the probe, as it is run."""
        assert setup.probe(sys.executable) == (*sys.version_info[:2], 1)


class TestScript:
    def test_can_be_read_by_a_python_that_is_too_old(self) -> None:
        """It has to say so: a syntax error is not a sentence."""
        ast.parse(TEXT, feature_version=(3, 5))
        assert not re.search(r'\b[rb]?f["\']', TEXT)  # f-strings pass feature_version
        assert not re.search(r"^from __future__", TEXT, re.MULTILINE)
        compile(setup.PROBE, "probe", "exec")

    def test_stands_on_the_standard_library_alone(self) -> None:
        imported = {
            alias.name
            for node in ast.walk(ast.parse(TEXT))
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        assert imported <= set(sys.stdlib_module_names)
        assert "from " not in [line[:5] for line in TEXT.splitlines()]

    def test_says_what_pyproject_says(self) -> None:
        """The oldest Python, and extras each of which holds those before it."""
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert project["requires-python"] == ">={}.{}".format(*setup.OLDEST)
        extras = project["optional-dependencies"]
        for smaller, larger in zip(setup.EXTRAS, setup.EXTRAS[1:], strict=False):
            assert f"{project['name']}[{smaller}]" in extras[larger]

    @pytest.mark.parametrize("python", OLD_PYTHONS, ids=lambda path: path.parts[-3])
    def test_is_read_by_the_old_pythons_that_are_here(self, python: Path, tmp_path: Path) -> None:
        """The real thing, where there is one."""
        (tmp_path / "tools").mkdir()
        for name in ("tools/setup.py", "pyproject.toml"):
            shutil.copy(ROOT / name, tmp_path / name)
        said = subprocess.run(
            [python, tmp_path / "tools" / "setup.py", "course"],
            env={"PATH": "/nowhere", "PYTHON": str(python)},
            capture_output=True,
            text=True,
        )
        assert said.returncode == 1
        assert "needs Python 3.11 or newer" in one_sentence(said.stderr)


class TestSetUp:
    def test_tells_that_the_network_is_missing(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """One sentence with the way out; what pip said stays in a file."""
        says = "WARNING: Retrying ... Failed to establish a new connection: [Errno -3]"
        self.make_python(checkout, monkeypatch, f'echo "{says}"; exit 1')
        assert setup.main(["course"]) == 1
        said = one_sentence(capsys.readouterr().err)
        assert said.startswith("The packages could not be fetched: connect this machine")
        assert "PIP_INDEX_URL" in said
        assert "new connection" in (checkout / ".venv" / "rsp-setup.log").read_text()
        assert not setup.is_set_up("course")

    def test_tells_what_else_pip_says(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.make_python(checkout, monkeypatch, 'echo "ERROR: No space left on device"; exit 1')
        assert setup.main(["course"]) == 1
        said = one_sentence(capsys.readouterr().err)
        assert "could not be installed (ERROR: No space left on device)" in said

    def test_tells_that_venv_failed(
        self,
        checkout: Path,
        bin_folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        broken = fake_python(bin_folder, "mine", "3 12 1", "echo 'Error: no ensurepip'; exit 1")
        monkeypatch.setenv("PYTHON", str(broken))
        assert setup.main(["course"]) == 1
        said = one_sentence(capsys.readouterr().err)
        assert said.startswith(f"{broken} could not make {checkout}/.venv (Error: no ensurepip): ")

    def test_tells_that_it_may_not_write(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def refused(_: str) -> None:
            raise PermissionError(13, "Permission denied", str(checkout))

        monkeypatch.setattr(setup, "make_venv", refused)
        assert setup.main(["course"]) == 1
        assert "Permission denied" in one_sentence(capsys.readouterr().err)

    def test_can_be_interrupted(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Ctrl-C during a long download; nothing counts as set up then."""

        def interrupted(_: str) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(setup, "make_venv", interrupted)
        assert setup.main(["course"]) == 130
        assert "Traceback" not in capsys.readouterr().err
        assert not setup.is_set_up("course")

    def test_takes_pip_where_uv_cannot_be_had(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not every index and not every platform has uv."""
        self.make_python(checkout, monkeypatch, 'case "$*" in *uv*) exit 1;; esac')
        assert setup.main(["course"]) == 0
        commands = re.findall(r"^\$ \S+ -m (.*)$", self.log(checkout), re.MULTILINE)
        assert commands == [
            "pip install --retries 1 uv>=0.5,<1",
            "pip install --retries 1 --editable .[course]",
        ]

    def test_takes_uv_where_it_can(self, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """With bytecode: else each kernel starts a second later."""
        self.make_python(checkout, monkeypatch, "exit 0")
        assert setup.main(["dev"]) == 0
        last = self.log(checkout).strip().splitlines()[-1]
        assert last.endswith("--compile-bytecode --editable .[dev]")

    def test_does_nothing_the_second_time(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.make_python(checkout, monkeypatch, "exit 0")
        assert setup.main(["test"]) == 0
        capsys.readouterr()
        (checkout / ".venv" / "rsp-setup.log").unlink()
        for extra in ("test", "course"):  # the larger one holds the smaller
            assert setup.main([extra]) == 0
        assert capsys.readouterr().out == ""
        assert not (checkout / ".venv" / "rsp-setup.log").exists()
        assert setup.main(["dev"]) == 0
        assert ".[dev]" in self.log(checkout)

    def test_begins_again_when_something_changed(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another pyproject.toml; another Python in .venv; a stamp that cannot be read."""
        self.make_python(checkout, monkeypatch, "exit 0")
        setup.main(["course"])
        assert setup.is_set_up("course")
        (checkout / "pyproject.toml").write_text("[project]\nname = 'x'\n")
        assert not setup.is_set_up("course")
        setup.main(["course"])
        fake_python(checkout / ".venv" / "bin", "python", "3 14 1", "exit 0")
        assert not setup.is_set_up("course")
        setup.main(["course"])
        (checkout / ".venv" / "rsp-setup.json").write_text("{")
        assert not setup.is_set_up("course")

    def test_makes_a_moved_or_broken_venv_anew(
        self, checkout: Path, bin_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The scripts of a moved .venv start the Python of the old folder."""
        noted = bin_folder.parent / "noted"
        system = fake_python(bin_folder, "mine", "3 12 1", f'echo "$*" >> {noted}')
        monkeypatch.setenv("PYTHON", str(system))
        fakes = self.make_python(checkout, monkeypatch, "exit 0", name=False)
        setup.make_venv(str(system))
        assert not noted.exists()  # it is whole: nothing to do
        (checkout / ".venv" / "rsp-setup.json").write_text(json.dumps({"root": "/elsewhere"}))
        setup.make_venv(str(system))
        (checkout / ".venv" / "rsp-setup.json").unlink()
        fake_python(fakes, "python", "3 9 1", "exit 0")
        setup.make_venv(str(system))
        (fakes / "python").unlink()
        setup.make_venv(str(system))
        assert noted.read_text().splitlines() == [f"-m venv --clear {checkout}/.venv"] * 3

    @staticmethod
    def make_python(
        checkout: Path, monkeypatch: pytest.MonkeyPatch, then: str, name: bool = True
    ) -> Path:
        """Give the checkout a .venv whose Python does `then` for every command but --version."""
        folder = checkout / ".venv" / "bin"
        folder.mkdir(parents=True)
        version = 'case "$*" in *--version*) exit 0;; esac'
        python = fake_python(folder, "python", "3 12 1", f"{version}\n{then}")
        if name:
            monkeypatch.setenv("PYTHON", str(python))
        return folder

    @staticmethod
    def log(checkout: Path) -> str:
        return (checkout / ".venv" / "rsp-setup.log").read_text(encoding="utf-8")


@NEEDS_MAKE
class TestMake:
    def test_help_is_the_default_and_lists_every_command(self) -> None:
        for words in ([], ["help"]):
            said = subprocess.run(
                ["make", "-s", *words], cwd=ROOT, capture_output=True, text=True, check=True
            ).stdout
            for name in ("help", "learn", "test", "check", "notebooks", "clean"):
                assert re.search(rf"^  make {name} +\S", said, re.MULTILINE)

    @pytest.mark.parametrize("target", ["learn", "test", "check", "notebooks"])
    def test_says_that_there_is_no_python(self, tmp_path: Path, target: str) -> None:
        said = self.make(tmp_path, target)
        assert said.returncode != 0
        assert said.stderr.splitlines()[0] == (
            "There is no Python here: install Python 3.11 or newer, and run make again."
        )

    @pytest.mark.parametrize("target", ["learn", "test", "check", "notebooks"])
    def test_does_not_go_on_when_the_set_up_failed(self, tmp_path: Path, target: str) -> None:
        """With an old Python the sentence is all there is, and make's own line."""
        python = tmp_path / "python3"
        python.write_text("#!/bin/sh\necho too old >&2\nexit 1\n")
        python.chmod(0o755)
        said = self.make(tmp_path, target)
        assert said.returncode != 0
        first, *rest = said.stderr.splitlines()
        assert first == "too old"
        assert all(line.startswith("make") for line in rest)
        assert said.stdout == ""

    def test_clean_keeps_the_learners_copy(self, tmp_path: Path) -> None:
        self.copy(tmp_path)
        for folder in ("course", ".venv", "build", "rsp/__pycache__"):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / "file").touch()
        subprocess.run(["make", "-s", "clean"], cwd=tmp_path, capture_output=True, check=False)
        assert (tmp_path / "course" / "file").exists()
        for folder in (".venv", "build", "rsp/__pycache__"):
            assert not (tmp_path / folder).exists()

    @pytest.mark.slow
    def test_learn_sets_up_a_fresh_checkout_in_an_empty_home(self, tmp_path: Path) -> None:
        """The whole way, with --version in place of a browser; the second time sets up nothing."""
        checkout = tmp_path / "a checkout"
        self.copy(checkout)
        home = tmp_path / "home"
        home.mkdir()
        environment = {**os.environ, "HOME": str(home)}
        for name in ("PYTHON", "PYTHONPATH", "VIRTUAL_ENV"):
            environment.pop(name, None)
        learn = ["make", "-s", "learn", "ARGS=--version"]
        first = subprocess.run(learn, cwd=checkout, env=environment, capture_output=True, text=True)
        if "could not be fetched" in first.stderr:
            pytest.skip("no way to a package index from here")
        assert first.returncode == 0, first.stdout + first.stderr
        assert re.search(r"^4\.\d+", first.stdout, re.MULTILINE)
        second = subprocess.run(
            learn, cwd=checkout, env=environment, capture_output=True, text=True
        )
        assert second.returncode == 0
        assert "Setting up" not in second.stdout
        assert (checkout / "course").is_dir()

    @staticmethod
    def copy(folder: Path) -> None:
        """Copy what a set-up reads."""
        folder.mkdir(exist_ok=True)
        for name in COPIED:
            if (ROOT / name).is_dir():
                ignore = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, folder / name, ignore=ignore)
            else:
                shutil.copy(ROOT / name, folder)

    @staticmethod
    def make(path: Path, target: str) -> "subprocess.CompletedProcess[str]":
        """Run make where the PATH has nothing but `path` and what make itself needs."""
        program = shutil.which("make")
        assert program
        return subprocess.run(
            [program, "-s", target, "SHELL=/bin/sh"],
            cwd=ROOT,
            env={"PATH": str(path), "HOME": str(path)},
            capture_output=True,
            text=True,
        )
