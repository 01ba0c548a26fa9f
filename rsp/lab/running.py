"""`running(serve, backend)`: a proxy at work for the length of a `with`.

`serve` is a stage, the learner's own function, or COMMAND, the command as a child process. Leaving
shuts the listener, closes every end of the lab's, waits with a deadline, and names what is stuck.
"""

import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import traceback
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from rsp.lab import backends
from rsp.lab.clients import Server
from rsp.lab.ends import OPEN
from rsp.lab.names import name_port, with_names
from rsp.lab.recorder import RECORDER
from rsp.lab.settings import HOST, TIMEOUT, Stuck
from rsp.lab.transcript import Recording, Transcript
from rsp.lab.where import where_is
from rsp.net import Address, listen

Serve = Callable[[socket.socket, Address], None]
COMMAND = (sys.executable, "-m", "rsp", "0", "{host}", "{port}")  # rsp itself, as a process
STARTED = re.compile(r"Listening on port (\d+)")

PROXIES: "weakref.WeakSet[Proxy]" = weakref.WeakSet()
log = logging.getLogger("rsp")


class Proxy(Server):
    """A proxy that runs: where it listens, what it logged, what the lab's ends saw."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = 0
        self.lines: list[str] = []
        self.recording = Recording()
        PROXIES.add(self)

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self.log)} lines logged>"

    @property
    def address(self) -> Address:
        """Where it listens."""
        return Address(HOST, str(self.port))

    @property
    def log(self) -> list[str]:
        """What it logged, with the lab's ports as names."""
        return [with_names(line) for line in self.lines]

    def transcript(self) -> Transcript:
        """Return who sent what to whom, as the lab's ends saw it while this proxy ran."""
        return self.recording.transcript()

    def stop(self) -> None:
        """End it. Raises Stuck, which names what did not end in time."""
        raise NotImplementedError


class InThread(Proxy):
    """A function `serve(listener, backend)` in a thread; what it raises is kept in `failure`."""

    def __init__(self, serve: Serve, backend: Address, name: str) -> None:
        super().__init__(name)
        self.failure: BaseException | None = None
        self.listener = listen(Address(HOST, 0))
        self.port = self.listener.getsockname()[1]
        self.collector = Collector(self.lines)
        log.addHandler(self.collector)
        self.thread = threading.Thread(target=self.run, args=(serve, backend), daemon=True)
        self.thread.start()

    def run(self, serve: Serve, backend: Address) -> None:
        """Keep what `serve` raises: it is told where the experiment looks."""
        try:
            serve(self.listener, backend)
        except BaseException as error:
            self.failure = error
            forget_frames(error)

    def ended(self, timeout: float = TIMEOUT) -> bool:
        """Wait for `serve` to return or raise; tell whether it did in time."""
        self.thread.join(timeout)
        return not self.thread.is_alive()

    def stop(self) -> None:
        """Shut the listener, end what the lab holds open, and wait for `serve`."""
        self.recording.end()
        log.removeHandler(self.collector)
        wake(self.listener)
        end_all_ends()
        if not self.ended():
            raise Stuck(f"the {self.name} did not return: it is in {where_is(self.thread)}")
        self.listener.close()
        PROXIES.discard(self)


def forget_frames(error: BaseException | None) -> None:
    """Let go what the frames of an error hold: a socket there would stay open as long as it."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


class Collector(logging.Handler):
    """Keeps log lines in a list, for the main thread to print."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line."""
        self.lines.append(self.format(record))


class InProcess(Proxy):
    """A command as a child process; {host} and {port} in it stand for the backend's."""

    def __init__(self, command: Sequence[str], backend: Address, name: str) -> None:
        super().__init__(name)
        words = [word.format(host=backend.host, port=backend.port) for word in command]
        # A group of its own: a signal reaches what the command itself has started, too.
        self.process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started = threading.Event()
        self.reader = threading.Thread(target=self.read_output, daemon=True)
        self.reader.start()
        self.started.wait(10 * TIMEOUT)  # a process has an interpreter to start
        found = STARTED.search("\n".join(self.lines))
        if not found:
            self.stop(signal.SIGKILL)
            raise Stuck(f"{words} did not start: {' '.join(self.lines) or 'it said nothing'}")
        self.port = int(found[1])

    def read_output(self) -> None:
        """Keep each line that the child prints, so that it never waits for a reader."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if STARTED.search(line):
                self.started.set()
        self.started.set()

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> None:
        """Send the child a signal and wait for it; `status` is what it returned."""
        self.recording.end()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, with_signal)
        try:
            self.status = self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise Stuck(f"the {self.name} did not end on {with_signal.name}") from None
        finally:
            self.reader.join(TIMEOUT)
            if self.process.stdout:
                self.process.stdout.close()
            end_all_ends()
            PROXIES.discard(self)


@contextmanager
def running(
    serve: Serve | Sequence[str],
    backend: Server | Address,
    *,
    name: str = "proxy",
    may_fail: bool = False,
) -> Iterator[Proxy]:
    """Run `serve` in front of `backend`; give a Proxy with its `address`, `log` and `transcript()`.

    Raises what `serve` raised, unless it `may_fail`; Stuck when it does not end.
    """
    RECORDER.middle = name
    address = backend if isinstance(backend, Address) else backend.address
    kind = InThread if callable(serve) else InProcess
    proxy: Proxy = kind(serve, address, name)  # type: ignore[arg-type]
    name_port(proxy.port, name)
    try:
        yield proxy
    except BaseException as error:
        try:
            proxy.stop()
        except Stuck as stuck:
            error.add_note(str(stuck))  # the first trouble is the one to tell
        raise
    proxy.stop()
    if isinstance(proxy, InThread) and proxy.failure and not may_fail:
        raise proxy.failure


def wake(listener: socket.socket) -> None:
    """Shut `listener`, so that whoever waits in accept is woken."""
    try:
        listener.shutdown(socket.SHUT_RDWR)  # Linux: accept returns EINVAL
    except (
        OSError
    ):  # BSD and macOS refuse: a last client wakes it, and it finds the listener closed
        with suppress(OSError), socket.socket(listener.family) as last:
            address = listener.getsockname()
            listener.close()
            last.settimeout(TIMEOUT)
            last.connect(address)


def end_all_ends() -> None:
    """Shut every connection that the lab holds: whoever waits at the other end goes on."""
    for end in list(OPEN):
        end.shut()


def stop() -> None:
    """End everything of the lab's that still runs: for a learner whose cell was interrupted."""
    stuck = []
    for end_it in [*(proxy.stop for proxy in PROXIES), *(b.stop for b in backends.RUNNING)]:
        try:
            end_it()
        except Stuck as error:
            stuck.append(str(error))
    for end in list(OPEN):
        end.close()
    PROXIES.clear()
    backends.RUNNING.clear()
    print("\n".join(stuck) or "all stopped: nothing of the lab's runs now")
