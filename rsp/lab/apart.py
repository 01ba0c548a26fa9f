"""Something that may end its process, or never end: run in a process of its own.

It starts in an empty folder that holds only the files of the experiment; afterwards the folder is
gone. So what it prints has no path of this machine, and what it spoils is its own.
"""

import ast
import inspect
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from rsp.lab.settings import TIMEOUT

PATIENCE = 10 * TIMEOUT  # seconds: a process has an interpreter to start
NO_FILES: Mapping[str, str] = {}
SHOW = """
try:
    print(repr({call}))
except Exception as error:
    print(f"{{type(error).__name__}}: {{error}}".splitlines()[0])
"""


class Ran:
    """What a process said, on both of its outputs, and how it ended (None: not by itself)."""

    def __init__(self, said: str, status: int | None) -> None:
        self.said, self.status = said.strip(), status

    def __repr__(self) -> str:
        how = "it did not end" if self.status is None else f"exit status {self.status}"
        return f"{self.said}\n({how})" if self.said else f"(it said nothing; {how})"


def run_rsp(*words: str, files: Mapping[str, str] = NO_FILES) -> Ran:
    """Run the command `rsp` with these words, where these files are (name → text)."""
    return run([sys.executable, "-m", "rsp", *words], files, PATIENCE)


def apart(
    function: Callable[..., Any],
    *arguments: object,
    files: Mapping[str, str] = NO_FILES,
    seconds: float = PATIENCE,
) -> Ran:
    """Call a function of yours in a process of its own, which prints what it returns or raises."""
    if not isinstance(function, FunctionType):
        raise TypeError(f"it takes a function, and {function!r} is none")
    needed = dict.fromkeys(sources(function))  # each once, in order
    call = f"{function.__name__}({', '.join(map(repr, arguments))})"
    source = "\n".join([*needed, SHOW.format(call=call)])
    return run([sys.executable, "-c", source], files, seconds)


def run(command: Sequence[str], files: Mapping[str, str], seconds: float) -> Ran:
    """Run a command to its end, or for so many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        try:
            ran = subprocess.run(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Ran("", None)
    return Ran(ran.stdout, ran.returncode)


def sources(function: FunctionType) -> Iterator[str]:
    """Yield what a function needs, as lines of Python, and then its own text."""
    for name in names(function.__code__):
        thing = function.__globals__.get(name)
        if isinstance(thing, ModuleType):
            yield f"import {thing.__name__} as {name}"
        elif isinstance(thing, FunctionType) and thing.__module__ == function.__module__:
            if thing is not function:
                yield from sources(thing)
        elif isinstance(thing, FunctionType | type):
            yield f"from {thing.__module__} import {thing.__qualname__} as {name}"
        elif name in function.__globals__:
            yield f"{name} = {constant(name, thing)}"
    yield textwrap.dedent(inspect.getsource(function))


def constant(name: str, thing: object) -> str:
    """Return a value as Python writes it. Raises TypeError when it cannot be written."""
    try:
        ast.literal_eval(repr(thing))
    except (ValueError, SyntaxError):
        raise TypeError(f"{name} cannot be taken into another process") from None
    return repr(thing)


def names(code: CodeType) -> Iterator[str]:
    """Yield the names that a function, and those inside it, take from outside or from an object."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from names(inner)
