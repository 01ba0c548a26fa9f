"""A proxy at work, as a thread of ours: where it listens, what it logs, how it is ended."""

import logging
import re
import socket
import threading
import time
import traceback
import weakref
from collections.abc import Callable
from contextlib import suppress

from rsp.lab.clients import Server
from rsp.lab.ends import OPEN
from rsp.lab.names import with_names
from rsp.lab.rest import members
from rsp.lab.settings import HOST, TIMEOUT, Stuck
from rsp.lab.transcript import Recording, Transcript
from rsp.lab.where import where_is
from rsp.net import Address, listen

Serve = Callable[[socket.socket, Address], None]
LOOK = 0.02  # seconds between two looks at one that is to end
STAMP = re.compile(r"^\[\d{4}-\d\d-\d\d [^]]*\] ")  # before a log line: when it was said

PROXIES: "weakref.WeakSet[Proxy]" = weakref.WeakSet()  # those that run
log = logging.getLogger("rsp")


class Proxy(Server):
    """A proxy that runs: where it listens, what it logged, what the lab's ends saw."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = 0
        self.lines: list[str] = []
        self.recording = Recording()

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self.log)} lines logged>"

    @property
    def address(self) -> Address:
        """Where it listens."""
        return Address(HOST, str(self.port))

    @property
    def log(self) -> list[str]:
        """What it logged, the same in every run: without the time, the lab's ports as names."""
        return [with_names(STAMP.sub("", line)) for line in self.lines]

    def transcript(self) -> Transcript:
        """Return who sent what to whom, as the lab's ends saw it while this proxy ran."""
        return self.recording.transcript()

    @property
    def gone(self) -> bool:
        """Tell whether it has ended by itself."""
        return self.ended(0)

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
        self.thread = threading.Thread(
            target=self.run, args=(serve, backend), name=name, daemon=True
        )
        self.thread.start()
        PROXIES.add(self)

    def run(self, serve: Serve, backend: Address) -> None:
        """Keep what `serve` raises: it is told where the experiment looks."""
        try:
            serve(self.listener, backend)
        except BaseException as error:
            self.failure = error
            forget_frames(error)
        finally:
            wake(self.listener)  # as when a process ends: whoever comes now is refused

    def ended(self, timeout: float = TIMEOUT) -> bool:
        """Wait for `serve` to return or raise; tell whether it did in time."""
        self.thread.join(timeout)
        return not self.thread.is_alive()

    def shut_down(self) -> None:
        """Let it take no more clients; those that it has go on."""
        wake(self.listener)

    def stop(self) -> None:
        """Shut the listener, end what the lab holds open, and wait for `serve`."""
        self.recording.end()
        self.collector.lines = []  # what it says of being ended is nobody's concern
        wake(self.listener)
        deadline = time.monotonic() + TIMEOUT
        end_all_ends()
        while not self.ended(LOOK) and time.monotonic() < deadline:
            end_all_ends()  # it may have dialled once more
        PROXIES.discard(self)
        log.removeHandler(self.collector)
        if not self.gone:
            raise Stuck(f"the {self.name} did not return: it is in {where_is(self.thread)}")
        self.listener.close()


class Collector(logging.Handler):
    """Keeps log lines in a list, for the main thread to print."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line."""
        self.lines.append(self.format(record))


def forget_frames(error: BaseException | None) -> None:
    """Let go what the frames of an error hold: a socket there would stay open as long as it."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def wake(listener: socket.socket) -> None:
    """Shut `listener`, so that whoever waits in accept is woken."""
    try:
        listener.shutdown(socket.SHUT_RDWR)  # Linux: accept returns EINVAL
    except OSError:
        # BSD and macOS refuse: a last client wakes it, and it finds the listener closed.
        with suppress(OSError), socket.socket(listener.family) as last:
            address = listener.getsockname()
            listener.close()
            last.settimeout(TIMEOUT)
            last.connect(address)


def end_all_ends() -> None:
    """Shut every connection that the lab holds: whoever waits at the other end goes on."""
    for end in members(OPEN):
        end.shut()
