"""One exercise of one learner, tried in this process, which is started for it and ends with it.

`rsp.lab.confined` starts it, with a job as JSON on its standard input. What comes from the learner
runs here, beside our check: so the limits are set first, and the verdict is worth as much as what
`rsp.lab.marking` says of it.
"""

import importlib
import inspect
import json
import linecache
import os
import pkgutil
import resource
import signal
import sys
import threading
import types
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from rsp.lab.checks import CHECKS, Check, try_out
from rsp.lab.copies import Cell
from rsp.lab.needed import Code, code_of, names_handed_in, needed, until_checked

SENTENCE, NOTES = 500, 3  # characters of a sentence, and how many of them beside the verdict:
ANSWER = 4096  # bytes; what a pipe takes in one piece on every system (man 7 pipe, PIPE_BUF)

KINDS = (types.FunctionType, types.BuiltinFunctionType, type)
Parts = dict[str, tuple[object, object]]


def main() -> None:
    """Do the job on the standard input, and answer where it says."""
    job = json.load(sys.stdin.buffer)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # the job is not to be read a second time
    set_limits(job["limits"])
    notes: list[str] = []
    why = tried(job["number"], [Cell(*cell) for cell in job["cells"]], notes)
    notes = [clean(note, SENTENCE // 4) for note in notes[:NOTES]]
    answer = {"token": job["token"], "why": clean(why, SENTENCE), "notes": notes}
    # In ASCII one character could take twelve bytes.
    os.write(job["answer"], json.dumps(answer, ensure_ascii=False).encode()[:ANSWER])
    os._exit(0)  # whatever the learner's code has left running, or wants to do at the end


def set_limits(limits: dict[str, int]) -> None:
    """Take from this process and its children what they need not have.

    Where the system does not know a limit, or has a lower one already, that stays.
    """
    signal.alarm(limits.pop("alarm"))  # should nobody be there any more to end it
    threading.stack_size(limits.pop("stack"))
    for name, amount in {**limits, "RLIMIT_CORE": 0}.items():
        with suppress(ValueError, OSError, AttributeError):
            resource.setrlimit(getattr(resource, name), (amount, amount))


def tried(number: str, cells: Sequence[Cell], notes: list[str]) -> str:
    """Return what is wrong with an exercise, "" when nothing is; add what else is to be known."""
    check, stage = CHECKS[number], stage_of(number)
    before = parts(modules := list(sys.modules.items()))
    codes = list(readable(until_checked(cells, number), notes))
    wanted = names_wanted(number, check, cells)
    names = [name for name, _ in wanted]
    space = run(needed(codes, set(names)), notes)
    missing = [name for name, is_stage in wanted if not is_stage and name not in space]
    if missing:
        return f"there is no `{missing[0]}` in it"
    why = try_out(check, tuple(stage if is_stage else space[name] for name, is_stage in wanted))
    return why or replaced(before, parts(modules))


def stage_of(number: str) -> types.ModuleType | None:
    """Return our stage of a notebook, s04_serial for 4.2, or the one that its check names."""
    stages = importlib.import_module("rsp.stages")  # by name: the lab itself knows no stage
    start = f"s{int(number.partition('.')[0]):02d}_"
    found = [info.name for info in pkgutil.iter_modules(stages.__path__)]
    asked = [name for name in inspect.signature(CHECKS[number]).parameters if name in found]
    names = asked or [name for name in found if name.startswith(start)]
    return importlib.import_module(f"rsp.stages.{names[0]}") if names else None


def readable(cells: Sequence[Cell], notes: list[str]) -> Iterator[Code]:
    """Yield the cells that are Python; note the others."""
    for cell in cells:
        try:
            yield code_of(cell)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            notes.append(left_out(cell.source, error))


def names_wanted(number: str, check: Check, cells: Sequence[Cell]) -> list[tuple[str, bool]]:
    """Return the names of what the check is to be given, and whether it is our stage.

    The learner's check has them; without it they are as our check calls them.
    """
    theirs = list(names_handed_in(list(readable(cells, [])), number))
    parameters = list(inspect.signature(check).parameters.values())
    theirs = theirs if len(theirs) == len(parameters) else [""] * len(parameters)
    return [
        (name or parameter.name, parameter.annotation is types.ModuleType)
        for name, parameter in zip(theirs, parameters, strict=True)
    ]


def run(codes: Sequence[Code], notes: list[str]) -> dict[str, Any]:
    """Run cells in a module of their own; leave out, and note, the one that fails. Return names."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    for number, code in enumerate(codes, start=1):
        name = f"<cell {number}>"
        lines = code.source.splitlines(keepends=True)
        linecache.cache[name] = (len(code.source), None, lines, name)  # for a complaint to quote
        try:
            exec(compile(code.source, name, "exec", dont_inherit=True), vars(module))
        except BaseException as error:  # sys.exit() or Ctrl-C of a learner's ends but the cell
            notes.append(left_out(code.source, error))
    return vars(module)


def left_out(source: str, error: BaseException) -> str:
    """Return the sentence on a cell that failed."""
    first = next((line.strip() for line in source.splitlines() if line.strip()), "")
    what = error.msg if isinstance(error, SyntaxError) else error
    return f"the cell `{first[:40]}` was left out: {type(error).__name__}: {what}"


def parts(modules: Sequence[tuple[str, types.ModuleType]]) -> Parts:
    """Return every function and class in modules, by name, with the code of each.

    What learners put in the place of one, and leave there, is found by this: in the place of our
    checks, above all.
    """
    found: Parts = {}
    for name, module in modules:
        for key, thing in list(getattr(module, "__dict__", {}).items()):
            if issubclass(type(thing), KINDS):  # not isinstance: a thing may lie about its class
                found[f"{name}.{key}"] = thing, getattr(thing, "__code__", None)
            if type(thing) is type and thing.__module__ == name:
                for inner, method in list(vars(thing).items()):
                    if type(method) is types.FunctionType:
                        found[f"{name}.{key}.{inner}"] = method, method.__code__
    return found


def replaced(before: Parts, now: Parts) -> str:
    """Return in a sentence what is no longer as it was; "" when everything is.

    A method added to a class may hide an inherited one, a function added to a module of ours one
    that is built in.
    """
    changed = [
        name
        for name, (thing, code) in before.items()
        if name not in now or now[name][0] is not thing or now[name][1] is not code
    ]
    added = [
        name
        for name in now
        if name not in before and (name.startswith("rsp.") or name.rpartition(".")[0] in before)
    ]
    what = ", ".join([*changed, *added][:3])
    return f"it puts something of its own in the place of {what}" if what else ""


def clean(text: str, length: int) -> str:
    """Return `text` in one line of at most so many characters, all of which can be shown."""
    shown = (char if char.isprintable() else " " for char in text)
    line = " ".join("".join(shown).split())
    return line if len(line) <= length else line[: length - 1] + "…"


if __name__ == "__main__":
    main()
