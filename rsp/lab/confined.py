"""A trial in a process of its own: started with little, watched while it runs, ended with its kin.

What it may take is limited in several ways, none of which is a wall: see `rsp.lab.marking`.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from rsp.lab.copies import Cell

ROOT = Path(__file__).resolve().parent.parent.parent  # what rsp is imported from
MARKER = "RSP_TRIAL"  # a variable that a trial's processes inherit, and are found by
LOOK = 0.2  # seconds between two looks at what runs
MEMORY = 1 << 30  # bytes of address space for each process
FILE = 8 << 20  # bytes of one file, and of the output
DESCRIPTORS = 4096  # a crowd of 500 takes 2,500: both sides of a proxy are in one process
STACK = 1 << 20  # bytes of address space for each thread; a crowd has one for each client
PROCESSES = 32  # a check starts none, or a proxy; more are a fork bomb
GRACE = 5  # seconds after which a trial that nobody watches any more ends itself
PATIENCE = (
    60  # seconds for the end of a fork bomb that leaves its group, on a machine that it fills
)
HEARD = 1 << 20  # bytes of the pipe that are looked at; no system lets more lie in one
SAID = 4096  # bytes of the end of the output that are looked at


class Verdict(NamedTuple):
    """What came of a trial: `why` is "" when the exercise is passed."""

    why: str
    notes: list[str]


def try_exercise(
    number: str, cells: Sequence[Cell], seconds: float, stop: threading.Event
) -> Verdict:
    """Try an exercise on a learner's cells, for so long at most, or until `stop` is set."""
    token = secrets.token_hex()
    hear, answer = os.pipe()
    try:
        job = {"number": number, "cells": cells, "token": token, "answer": answer}
        job["limits"] = limits(seconds)
        how = run(job, answer, seconds, stop)
    finally:
        os.close(answer)
        os.set_blocking(hear, False)
        said = heard(hear)
        os.close(hear)
    return verdict(said, token) or Verdict(how, [])


def limits(seconds: float) -> dict[str, int]:
    """Return what a trial limits itself to, by the names of `resource`."""
    return {
        "alarm": int(seconds) + GRACE,
        "stack": STACK,
        "RLIMIT_CPU": int(seconds) + 1,
        "RLIMIT_AS": MEMORY,
        "RLIMIT_FSIZE": FILE,
        "RLIMIT_NOFILE": DESCRIPTORS,
    }


def run(job: dict[str, Any], answer: int, seconds: float, stop: threading.Event) -> str:
    """Run a job to its end, and everything that it has started; return how it ended."""
    marker = secrets.token_hex()
    with (
        tempfile.TemporaryFile() as order,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
    ):
        order.write(json.dumps(job).encode())
        order.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "rsp.lab.trial"],
            stdin=order,
            stdout=output,
            stderr=output,
            pass_fds=[answer],
            cwd=folder,
            env=environment(folder, marker),
            start_new_session=True,
        )
        try:
            stopped = watch(process, marker, seconds, stop)
        finally:
            end(process, marker)
        return stopped or how_it_ended(process.returncode, last_line(output))


def environment(folder: str, marker: str) -> dict[str, str]:
    """Return the few variables that a trial gets: no home of ours, no progress of anybody."""
    kept = {name: os.environ[name] for name in ("PATH", "RSP_LAB_TIMEOUT") if name in os.environ}
    return {
        **kept,
        "HOME": folder,
        "TMPDIR": folder,
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MALLOC_ARENA_MAX": "2",  # each thread would reserve address space for one of its own
        MARKER: marker,
    }


def watch(
    process: "subprocess.Popen[bytes]", marker: str, seconds: float, stop: threading.Event
) -> str:
    """Wait for a trial to end by itself; return why it must not go on, "" when it has ended."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, min(LOOK, deadline - time.monotonic())))
            return ""
        if stop.is_set():
            return "the marking was interrupted"
        if time.monotonic() >= deadline:
            return f"it does not come back within {seconds:g} seconds"
        if sum(1 for _ in kin(marker)) > PROCESSES:
            return f"it starts more than {PROCESSES} processes"


def end(process: "subprocess.Popen[bytes]", marker: str) -> None:
    """Kill a trial, its group, and what has left the group."""
    with suppress(ProcessLookupError, PermissionError):  # none left; macOS: only dead ones
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + PATIENCE
    while sum(map(killed, kin(marker))) and time.monotonic() < deadline:
        pass  # what a fork bomb has started meanwhile


def killed(pid: int) -> bool:
    """Kill a process; tell whether there was one."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


def kin(marker: str) -> Iterator[int]:
    """Yield the processes that have inherited a marker; none where there is no /proc."""
    line = f"{MARKER}={marker}".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it ended meanwhile, or is somebody else's
            if line in path.read_bytes().split(b"\0"):
                yield int(path.parent.name)


def heard(pipe: int) -> bytes:
    """Return what lies in a pipe, and no more: who has escaped may still write to it."""
    with suppress(BlockingIOError):
        return os.read(pipe, HEARD)
    return b""


def verdict(said: bytes, token: str) -> Verdict | None:
    """Return the verdict, which has the token, in what came through the pipe."""
    place = said.find(json.dumps({"token": token})[:-1].encode())
    if place < 0:
        return None
    try:
        answer, _ = json.JSONDecoder().raw_decode(said[place:].decode("utf-8", "replace"))
        return Verdict(str(answer["why"]), [str(note) for note in answer["notes"]])
    except (ValueError, KeyError, TypeError):
        return None


def how_it_ended(status: int, said: str) -> str:
    """Return a sentence on a process that ended without a verdict."""
    if status == -signal.SIGXCPU:
        return "it took more of the processor's time than it may"
    if status < 0:
        return f"it crashed Python ({signal.Signals(-status).name})"
    return f"it ended Python (status {status}) before the check did" + (said and f": {said}")


def last_line(output: IO[bytes]) -> str:
    """Return the last line of what a trial printed."""
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - SAID))
    lines = output.read().decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
