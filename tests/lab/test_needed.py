"""An exercise needs the cells that bind what it uses, directly or not, and no others."""

import pytest

from rsp.lab.copies import Cell
from rsp.lab.needed import code_of, names_handed_in, needed, until_checked


def kept(names: set[str], *sources: str) -> list[str]:
    """Return which of these cells `names` need."""
    codes = [code_of(Cell([], source)) for source in sources]
    return [code.source for code in needed(codes, names)]


def test_what_a_function_uses_is_needed_and_what_that_uses() -> None:
    """Also a name that only an inner function, a default or a decorator uses."""
    imports, table, helper = "import os, sys", "A = sys.path", "def h():\n  return lambda: A"
    answer = "def f(x=B):\n  def g():\n    return h()\n  return g"
    assert kept({"f"}, imports, "print(1)", table, helper, "B = 1", answer, "y = f()") == [
        imports, table, helper, "B = 1", answer
    ]  # fmt: skip


def test_an_experiment_is_not_needed() -> None:
    """It may bind a name that a function has for itself."""
    experiment = "with open('x') as sock:\n  data = sock.read()"
    assert kept({"f"}, experiment, "def f(sock):\n  data = sock.recv(1)\n  return data") == [
        "def f(sock):\n  data = sock.recv(1)\n  return data"
    ]


@pytest.mark.parametrize(
    "cell",
    [
        "T['x'] = 1",
        "T.x = 1",
        "T.append(1)",
        "if True:\n  T.append(1)",
        "from os import *",
        "T: int = 1",
        "for T in []: pass",
        "class T: pass",
        "if (T := 1): pass",
        "try: import T\nexcept ImportError: T = None",
    ],
)
def test_many_statements_bind(cell: str) -> None:
    assert kept({"f"}, cell, "def f(): return T")[0] == cell


def test_magic_is_no_obstacle() -> None:
    """IPython understands it, and Python does not."""
    assert kept({"f"}, "%%time\ndef f():\n  !ls\n  return 1") == [
        "pass\ndef f():\n  pass\n  return 1"
    ]
    with pytest.raises(SyntaxError):
        code_of(Cell([], "def f(:"))


def test_cells_above_the_check_count_and_checks_do_not() -> None:
    """A helper may stand between an exercise and its check."""
    first, second = Cell(["check"], "check('2.1', f)"), Cell(["check"], 'check("2.2", g)')
    code = [Cell([], name) for name in "abc"]
    cells = [code[0], first, code[1], second, code[2]]
    assert until_checked(cells, "2.1") == code[:1]
    assert until_checked(cells, "2.2") == code[:2]
    assert until_checked(cells, "2.3") == code


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("check('2.1', mine, s04_serial)", ["mine", "s04_serial"]),
        ("lab.check('2.1', mine)", ["mine"]),
        ("check('2.1', first)\ncheck('2.1', second)", ["second"]),
        ("check('2.1', lambda: 1)", [""]),
        ("check('2.2', mine)", []),
        ("check()", []),
    ],
)
def test_the_learners_check_tells_the_names(source: str, names: list[str]) -> None:
    assert list(names_handed_in([code_of(Cell([], source))], "2.1")) == names
