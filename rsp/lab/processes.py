"""A proxy at work, as a child process: any command that says on which port it listens."""

import os
import re
import select
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress

from rsp.lab.proxies import PROXIES, Proxy, end_all_ends
from rsp.lab.settings import READ_SIZE, TIMEOUT, Stuck
from rsp.net import Address

STARTED = re.compile(r"Listening on port (\d+)")
START_TIMEOUT = 10 * TIMEOUT  # seconds: a process has an interpreter to start
LOOK = 0.05  # seconds after which the reader looks whether the process has ended


class InProcess(Proxy):
    """A command as a child process; {host} and {port} in it stand for the backend's."""

    def __init__(self, command: Sequence[str], backend: Address, name: str) -> None:
        super().__init__(name)
        words = [
            word.replace("{host}", str(backend.host)).replace("{port}", str(backend.port))
            for word in command
        ]
        # A group of its own: a signal reaches what the command itself has started, too.
        self.process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        PROXIES.add(self)
        self.status: int | None = None
        self.started, self.over = threading.Event(), threading.Event()
        self.still_held = False  # the output, by something that outlived the command
        self.reader = threading.Thread(target=self.read_output, name=name, daemon=True)
        self.reader.start()
        self.started.wait(START_TIMEOUT)
        found = STARTED.search("\n".join(self.lines))
        if not found:
            self.stop(signal.SIGKILL)
            raise Stuck(f"{words} did not start: {' '.join(self.lines) or 'it said nothing'}")
        self.port = int(found[1])

    def read_output(self) -> None:
        """Keep each line that the child prints, so that it never waits for a reader."""
        assert self.process.stdout
        pipe, rest = self.process.stdout.fileno(), b""
        while data := self.output(pipe):
            *lines, rest = (rest + data).split(b"\n")
            self.lines += [line.decode(errors="replace") for line in lines]
            if any(STARTED.search(line) for line in self.lines):
                self.started.set()
        self.lines += [rest.decode(errors="replace")] if rest else []
        self.started.set()  # it will not be, now

    def output(self, pipe: int) -> bytes:
        """Return what came next; b"" at the end, or when only a stranger keeps the pipe open."""
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        while True:
            over = self.over.is_set()  # asked first: what it had still said is read
            if poll.poll(LOOK * 1000):
                return os.read(pipe, READ_SIZE)
            if over:
                self.still_held = True
                return b""

    def ended(self, timeout: float = TIMEOUT) -> bool:
        """Wait for the command to end by itself; tell whether it did in time."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> None:
        """Send the child a signal and wait for it; `status` is what it returned."""
        self.recording.end()
        self.tell(with_signal)
        in_time = self.ended()
        self.tell(signal.SIGKILL)  # it, or what it has left behind
        self.status = self.process.wait()
        self.over.set()
        self.reader.join()
        if self.process.stdout:
            self.process.stdout.close()
        end_all_ends()
        PROXIES.discard(self)
        if not in_time:
            raise Stuck(f"the {self.name} did not end on {with_signal.name}")
        if self.still_held:
            raise Stuck(f"the {self.name} ended, but what it had started still holds its output")

    def tell(self, what: signal.Signals) -> None:
        """Send a signal to the child and to its whole group."""
        with suppress(ProcessLookupError, PermissionError):  # none left; macOS: only dead ones
            os.killpg(self.process.pid, what)
