"""The house: who may import whom, and how long a room may be. Each rule is proved by a fault."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULE_LIMIT = 250  # lines
FUNCTION_LIMIT = 40  # lines, with its docstring
SOURCES = sorted((ROOT / "rsp").rglob("*.py"))

Function = ast.FunctionDef | ast.AsyncFunctionDef


def lint_imports(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Check the contracts of the pyproject.toml in `folder` on the rsp in `folder`."""
    command = (
        "import sys; sys.path.insert(0, ''); from importlinter.cli import lint_imports_command"
    )
    return subprocess.run(
        [sys.executable, "-c", f"{command}; lint_imports_command(['--no-cache', '--no-logo'])"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function in `tree`."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def hidden_imports(tree: ast.AST) -> list[int]:
    """Return the lines of the imports that stand inside a function."""
    inside = [node for function in functions(tree) for node in ast.walk(function)]
    return sorted({node.lineno for node in inside if isinstance(node, ast.Import | ast.ImportFrom)})


def too_long(text: str) -> list[str]:
    """Return what is over its limit in the source `text`: the module, or functions by name."""
    faults = []
    lines = len(text.splitlines())
    if lines > MODULE_LIMIT:
        faults.append(f"{lines} lines, the limit is {MODULE_LIMIT}")
    for function in functions(ast.parse(text)):
        length = (function.end_lineno or 0) - function.lineno + 1
        if length > FUNCTION_LIMIT:
            faults.append(f"{function.name}: {length} lines, the limit is {FUNCTION_LIMIT}")
    return faults


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package to plant faults in."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "rsp", tmp_path / "rsp", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_every_room_imports_only_from_rooms_below_it() -> None:
    """The contracts in pyproject.toml hold."""
    said = lint_imports(ROOT)
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("rsp/net.py", "from rsp.stages import s04_serial"),
        ("rsp/errors.py", "import rsp.net"),
        ("rsp/stages/s04_serial.py", "import rsp.cli"),
        ("rsp/stages/s04_serial.py", "import rsp.lab"),
        ("rsp/net.py", "import rich"),
        ("rsp/lab/settings.py", "from rsp.stages.s04_serial import serve"),
    ],
)
def test_an_import_from_above_is_found(copy: Path, module: str, line: str) -> None:
    """A contract that cannot break says nothing: plant one import, and it is named."""
    path = copy / module
    path.write_text(path.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    said = lint_imports(copy)
    assert said.returncode == 1, said.stdout + said.stderr
    assert "BROKEN" in said.stdout
    assert module.removesuffix(".py").replace("/", ".") in said.stdout


def test_every_room_has_its_place_in_the_list() -> None:
    """A module that no contract names could import what it likes."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    listed = {name for contract in contracts for name in contract.get("layers", [])}
    rooms = [path for path in (ROOT / "rsp").glob("[!_]*") if path.is_dir() or path.suffix == ".py"]
    here = {f"rsp.{path.stem}" for path in rooms}
    assert here - {"rsp.lab"} == listed
    guarded = [set(contract.get("source_modules", [])) for contract in contracts]
    assert listed in guarded


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
class TestRoom:
    def test_imports_where_one_looks_for_imports(self, path: Path) -> None:
        """An import inside a function hides a circle."""
        assert hidden_imports(ast.parse(path.read_text(encoding="utf-8"))) == []

    def test_is_no_longer_than_one_can_read(self, path: Path) -> None:
        """A module is under 250 lines, a function under 40."""
        assert too_long(path.read_text(encoding="utf-8")) == []


def test_a_hidden_import_is_found() -> None:
    """In a function, in a method, in a function of a function; not at the top of the module."""
    text = "import a\ndef f():\n    import b\n    async def g():\n        from c import d\n"
    text += "class A:\n    def h(self):\n        import e\n"
    assert hidden_imports(ast.parse(text)) == [3, 5, 8]


def test_what_is_too_long_is_found() -> None:
    """By one line, and not before."""
    body = "    pass\n" * (FUNCTION_LIMIT - 1)
    assert too_long("def f():\n" + body) == []
    assert too_long("def f():\n" + body + "    pass\n") == ["f: 41 lines, the limit is 40"]
    assert too_long("\n" * MODULE_LIMIT) == []
    assert too_long("\n" * (MODULE_LIMIT + 1)) == ["251 lines, the limit is 250"]
