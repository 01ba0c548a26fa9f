"""Checks of exercises: they name what is wrong, never the answer.

A check is a function in `rsp.lab.exercises`, one module for each notebook; it gets what the
learner wrote, tries it, and raises Wrong with a sentence where it does not hold.
"""

import ctypes
import dis
import inspect
import threading
import traceback
from collections.abc import Callable
from typing import Any

from rsp.lab.progress import OPEN, PASSED, note
from rsp.lab.proxies import end_all_ends
from rsp.lab.settings import TIMEOUT
from rsp.lab.where import innermost, where_is

PATIENCE = 5 * TIMEOUT  # seconds for one check; its sockets give up sooner
NOTHING_YET = "there is nothing yet in the place of `...`"

Check = Callable[..., None]
CHECKS: dict[str, Check] = {}


class Wrong(AssertionError):
    """What an exercise's answer does not do yet, in one sentence for the learner."""


class Verdict:
    """How a check went: `passed`, and `why` not."""

    def __init__(self, number: str, why: str = "") -> None:
        self.number, self.why = number, why

    @property
    def passed(self) -> bool:
        """Tell whether there is nothing to complain about."""
        return not self.why

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        if self.passed:
            return f"✓ {self.number} passed"
        return f"✗ {self.number} not yet: {self.why}"


def exercise(number: str) -> Callable[[Check], Check]:
    """Make a function the check of exercise `number`."""

    def add(function: Check) -> Check:
        CHECKS[number] = function
        return function

    return add


def check(number: str, *written: Any) -> Verdict:
    """Try what the learner has written for exercise `number`; return how it went."""
    if number not in CHECKS:
        raise KeyError(f"there is no exercise {number}; there are {', '.join(sorted(CHECKS))}")
    wanted = list(inspect.signature(CHECKS[number]).parameters)
    if len(written) != len(wanted):
        wants = ", ".join(["the number", *wanted])
        raise TypeError(f"this check wants: {wants}; the cell as it was has them all")
    verdict = Verdict(number, try_out(CHECKS[number], written))
    note("check", number, PASSED if verdict else OPEN)
    return verdict


def try_out(function: Check, written: tuple[Any, ...]) -> str:
    """Return what is wrong, "" when nothing is; what hangs is named after a while."""
    found: list[str] = []
    # The learner's code may wait for ever; in a thread of its own it cannot keep the notebook.
    thread = threading.Thread(
        target=lambda: found.append(complaint(function, written)), daemon=True
    )
    thread.start()
    thread.join(PATIENCE)
    if thread.is_alive():
        where = where_is(thread)
        end_all_ends()
        end(thread)
        return f"it does not come back: it is in {where}"
    return found[0]


def end(thread: threading.Thread) -> None:
    """Raise SystemExit in a thread that runs for ever: it would slow all that comes after it."""
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    raise_in(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit))
    thread.join(TIMEOUT)  # what waits in the kernel is reached only when it comes back from there


def complaint(function: Check, written: tuple[Any, ...]) -> str:
    """Return what is wrong with what was written."""
    if any(thing is ... or thing is None or is_stub(thing) for thing in written):
        return NOTHING_YET
    try:
        function(*written)
    except Wrong as error:
        return str(error)
    except NotImplementedError:
        return "it is not written yet"
    # Whatever the learner's code raises is told, not thrown: it would end but this thread.
    except BaseException as error:
        return f"it raised {type(error).__name__}: {error}{line_of(error)}"
    return ""


EMPTY = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}  # of a body that is `...`


def is_stub(thing: Any) -> bool:
    """Tell whether it is a function in which nothing stands but `...`."""
    code = getattr(thing, "__code__", None)
    if code is None:
        return False
    steps = list(dis.get_instructions(code))
    gives = [step.argval for step in steps if step.opname in {"LOAD_CONST", "RETURN_CONST"}]
    return {step.opname for step in steps} <= EMPTY and gives == [None]


def line_of(error: BaseException) -> str:
    """Return the line that raised, when it is one of the learner's or of a stage."""
    entry = innermost(traceback.extract_tb(error.__traceback__))
    return f", in the line `{entry.line.strip()}`" if entry and entry.line else ""


def expect(holds: object, otherwise: str) -> None:
    """Raise Wrong with the sentence `otherwise`, unless it holds."""
    if not holds:
        raise Wrong(otherwise)
