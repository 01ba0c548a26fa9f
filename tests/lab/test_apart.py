"""rsp.lab.apart: what may end its process, or never end, in a process of its own."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from rsp.lab.apart import Ran, apart, run_rsp
from rsp.net import Address

LINES = 3


def first_line(path: str) -> str:
    return Path(path).read_text(encoding="utf-8").splitlines()[0]


def address_in(path: str) -> Address:
    return Address(first_line(path), LINES)


def ends() -> None:
    os._exit(7)


def never_ends() -> None:
    while True:
        time.sleep(1)


def fails() -> None:
    raise ValueError("two lines\nof it")


def test_a_function_brings_what_it_needs() -> None:
    """Modules, names of other modules, functions beside it, constants."""
    ran = apart(address_in, "a.txt", files={"a.txt": "localhost\n"})
    assert repr(ran) == "Address(host='localhost', port=3)\n(exit status 0)"


def test_it_may_end_its_process() -> None:
    assert repr(apart(ends)) == "(it said nothing; exit status 7)"


def test_it_may_never_end() -> None:
    assert repr(apart(never_ends, seconds=0.5)) == "(it said nothing; it did not end)"


def test_what_it_raises_is_told_in_one_line() -> None:
    assert apart(fails).said == "ValueError: two lines"


def test_what_cannot_be_taken_along_is_told() -> None:
    """Instead of an error in the other process."""
    thing = object()
    scope: dict[str, Any] = {"thing": thing, "__name__": "__main__"}
    exec("def uses():\n    return thing", scope)
    with pytest.raises(TypeError, match="thing cannot be taken into another process"):
        apart(scope["uses"])
    with pytest.raises(TypeError, match="it takes a function"):
        apart(len)


def test_the_command_runs_where_its_files_are() -> None:
    """So that what it says has no path."""
    text = 'listenPort = 1 backendAddress = "127.0.0.1" backendPort = 1'
    assert repr(run_rsp("-t", "a.lua", files={"a.lua": text})) == "a.lua: ok\n(exit status 0)"
    assert isinstance(run_rsp("-t", "none.lua"), Ran)
    assert run_rsp("-t", "none.lua").status == 1
