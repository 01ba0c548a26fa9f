"""rsp.lab.tables: the same table in a terminal, under any environment, and in a test."""

import os
import subprocess
import sys

import pytest

from rsp.lab.tables import WIDTH, print_table

SCRIPT = """
from rsp.lab.tables import print_table
print_table(["what", "bytes"], [("[bold]all[/bold] of it :smile:", "1,234"), ("x" * 200, "5")])
"""
ENVIRONMENTS = [
    {"NO_COLOR": "1"},
    {"FORCE_COLOR": "1"},
    {"COLUMNS": "40"},
    {"COLUMNS": "200", "LINES": "5"},
    {"TERM": "dumb"},
    {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TTY_COMPATIBLE": "1"},
    {"JUPYTER_COLUMNS": "40"},
]


def printed(**environment: str) -> str:
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**clean, "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=20,
        check=True,
    ).stdout


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=str)
def test_the_environment_changes_nothing(environment: dict[str, str]) -> None:
    assert printed(**environment) == printed()


def test_it_is_never_wider_than_a_notebook_and_cuts_nothing_off(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(["one", "two"], [("x" * 300, "y")])
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) == WIDTH
    assert out.count("x") == 300


def test_what_looks_like_markup_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """`[::1]` is an address, `:80:` no picture, and a learner's own words are theirs."""
    print_table(["[host]"], [("[::1]:80:",), ("[red]x[/red]",), (":smile:",)], title="[b]T[/b]")
    out = capsys.readouterr().out
    for words in ("[host]", "[::1]:80:", "[red]x[/red]", ":smile:", "[b]T[/b]"):
        assert words in out


def test_figures_stand_to_the_right_and_words_to_the_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(["n", "word"], [("1", "a"), ("1,000", "b"), ("", "c")])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert [row.split("│")[1] for row in rows] == ["     1 ", " 1,000 ", "       "]


def test_a_table_without_rows_is_its_head(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["alone"], [])
    assert "alone" in capsys.readouterr().out
