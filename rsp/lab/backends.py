"""A backend in a thread: a real server on port 0, ready when `with` begins, gone when it ends.

What it says and when is its temper (`rsp.lab.tempers`): a function of one connection.
"""

import select
import socket
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from rsp.lab.clients import Server
from rsp.lab.ends import PATIENCE, End
from rsp.lab.names import name_port
from rsp.lab.recorder import RECORDER, Kind
from rsp.lab.rest import Doing, Watched
from rsp.lab.settings import HOST, TIMEOUT, Stuck
from rsp.lab.where import where_is
from rsp.net import BACKLOG, Address

WAKE = 0.5  # seconds after which a listener that no shutdown can wake is looked at again

Temper = Callable[["End", "Backend"], None]
RUNNING: "weakref.WeakSet[Backend]" = weakref.WeakSet()


class Backend(Server, Watched):
    """A server that treats each connection as its temper says, each in a thread of its own."""

    is_backend = True

    def __init__(
        self, temper: Temper, name: str = "backend", port: int = 0, up: bool = True
    ) -> None:
        super().__init__()
        self.temper, self.name, self.starts_up = temper, name, up
        self.changed = threading.Condition()
        self.connections: list[End] = []
        self.requests: list[bytes] = []  # the messages that came, whole ones only
        self.released = threading.Event()
        self.held: set[End] = set()  # those that wait for it
        self.stopping = threading.Event()
        self.threads: list[threading.Thread] = []
        self.failure: BaseException | None = None  # what the temper raised
        self.sock = self.listener = socket.socket()
        self.port = port

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self.connections)} connections, {len(self.requests)} requests>"

    @property
    def address(self) -> Address:
        """Where it listens, or would if it were up."""
        return Address(HOST, str(self.port))

    def __enter__(self) -> Self:
        try:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Bound at once, even when down: nobody else gets the port, and a dial is refused.
            self.listener.bind((HOST, self.port))
            self.port = self.listener.getsockname()[1]
            name_port(self.port, self.name)
            if self.starts_up:
                self.up()
        except BaseException:
            self.listener.close()
            raise
        RUNNING.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()
        if self.failure and error is None:
            raise self.failure

    def up(self) -> None:
        """Begin to accept: from this call on, nobody is refused."""
        self.listener.listen(BACKLOG)  # a crowd may come at once
        self.start(self.accept_all)

    def start(self, work: Callable[..., None], *arguments: object) -> None:
        """Run `work` in a thread that `stop` joins."""
        thread = threading.Thread(target=work, args=arguments, name=self.name, daemon=True)
        thread.start()
        self.threads.append(thread)  # only now: where no thread can be had, there is none to join

    def accept_all(self) -> None:
        """Give each connection to the temper, until the listener is shut down."""
        poll = select.poll()
        poll.register(self.listener, select.POLLIN)
        while not self.stopping.is_set():
            self.doing = Doing.RECEIVING
            if poll.poll(WAKE * 1000):
                # Not "waiting" while it accepts: what came has an end before anyone looks.
                self.doing = Doing.WORKING
                with suppress(OSError):  # shut down, or the client has gone already
                    self.accept(*self.listener.accept())
        self.doing = Doing.NOTHING

    def accept(self, sock: socket.socket, peer: tuple[str, int]) -> None:
        """Give one connection to the temper."""
        end = End(sock, self.name, RECORDER.middle, at_client=False)
        ports = peer[1], self.port
        end.recorded = ports not in RECORDER.direct
        RECORDER.direct.discard(ports)  # they may be a proxy's next time
        end.record(Kind.CONNECT, incoming=True)
        end.doing = Doing.WORKING
        self.note_change(lambda: self.connections.append(end))
        self.start(self.treat, end)

    def treat(self, end: End) -> None:
        """Let the temper have one connection; a client that breaks it off is nothing unusual."""
        try:
            with end:
                self.temper(end, self)
        except OSError:
            pass
        except Exception as error:  # a temper of the learner's own, with a mistake in it
            self.failure = self.failure or error
        finally:
            end.doing = Doing.NOTHING
            self.note_change(lambda: None)

    def note_change(self, change: Callable[[], None]) -> None:
        """Make a change that `wait_until` may be waiting for."""
        with self.changed:
            change()
            self.changed.notify_all()

    def take(self, end: End) -> bytes:
        """Return the next request of a connection, whole, and keep it; b"" at its end."""
        message = end.recv_message()
        if message:
            self.note_change(lambda: self.requests.append(message))
        return message

    def received(self) -> int:
        """Return how many bytes have come, over all connections."""
        return sum(len(end.received) for end in self.connections)

    def wait_until(self, holds: Callable[[], bool], timeout: float = TIMEOUT) -> bool:
        """Wait until `holds()`; tell whether it came true in time."""
        deadline = time.monotonic() + timeout
        with self.changed:
            while not holds():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                # Bytes are counted without a notice, so look again now and then.
                self.changed.wait(min(left, 0.005))
        return True

    def release(self) -> None:
        """Let a holding temper go on."""
        for end in tuple(self.held):
            end.doing = Doing.WORKING  # from now on, not only when its thread has its turn
        self.released.set()

    def hold(self, end: End) -> None:
        """Let a connection wait for `release`, or for the end of the backend."""
        with end.busy_with(Doing.NOTHING):
            self.held.add(end)
            self.released.wait(PATIENCE)
            self.held.discard(end)

    def stop(self) -> None:
        """Shut the listener and every connection, and join every thread.

        Raises Stuck, which names what did not end in time.
        """
        self.stopping.set()
        self.released.set()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + TIMEOUT
        for thread in self.threads:  # first the one that accepts, then those it has started
            for end in self.connections:
                end.shut()
            thread.join(max(0, deadline - time.monotonic()))
        self.listener.close()
        for ports in [ports for ports in tuple(RECORDER.direct) if ports[1] == self.port]:
            RECORDER.direct.discard(ports)
        RUNNING.discard(self)
        for thread in self.threads:
            if thread.is_alive():
                raise Stuck(f"the {self.name} did not stop: it is in {where_is(thread)}")
