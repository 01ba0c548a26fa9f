"""Programs at work for the length of a `with`: whatever happens, none of them outlives it.

A signal that ends the benchmark must not land between the start of a program and the `try` that
will end it, nor in the middle of that end. There it waits.
"""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 10.0  # seconds for a program to end when it is asked to


class Interrupts:
    """What SIGNALS do: raise KeyboardInterrupt, as soon as that leaves nothing behind."""

    def __init__(self) -> None:
        self.depth = 0  # of the places that must not be disturbed
        self.waiting = False

    def __repr__(self) -> str:
        return f"<Interrupts: depth {self.depth}, {'one' if self.waiting else 'none'} waiting>"

    def take(self) -> None:
        """Have the signals come here from now on."""
        for one in SIGNALS:
            signal.signal(one, self.on_signal)

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """Interrupt, now or later."""
        self.waiting = True
        self.raise_if_due()

    def raise_if_due(self) -> None:
        """Raise what waits, unless something must not be disturbed."""
        if self.waiting and not self.depth:
            self.waiting = False
            raise KeyboardInterrupt

    @contextmanager
    def kept_away(self) -> Iterator[None]:
        """Let signals wait for the length of a `with`."""
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1
        self.raise_if_due()


INTERRUPTS = Interrupts()


@contextmanager
def started(command: Sequence[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program in a group of its own, its output in `log`; at the end that group is gone.

    It reads from a pipe that nobody writes into, and that ends with it, or with us.
    """
    process = None
    try:
        with INTERRUPTS.kept_away(), log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=ROOT,  # where Python looks first: it is this checkout that is measured
                env={**os.environ, "GOMAXPROCS": "1"},  # one worker, for Caddy, too
            )
        yield process
    finally:
        if process:
            with INTERRUPTS.kept_away():
                end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ask a program and its group to end; do not ask twice."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE)
    with suppress(ProcessLookupError):  # the rest of the group, or all of it
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin:
        process.stdin.close()


def said(log: Path, most: int = 300) -> str:
    """Return the end of what a program printed, as the end of a sentence."""
    text = log.read_text(encoding="utf-8", errors="replace").strip()
    return f"; it said: {text[-most:]}" if text else ""
