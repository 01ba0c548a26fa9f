"""One end of a connection, in the lab's hands: it sends, receives, and records both."""

import select
import socket
import struct
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

from rsp.lab.recorder import RECORDER, Event, Kind, here
from rsp.lab.rest import Doing, Watched
from rsp.lab.settings import READ_SIZE, TIMEOUT

PATIENCE = 5 * TIMEOUT  # seconds that a backend waits for its client
OPEN: "weakref.WeakSet[End]" = weakref.WeakSet()  # for lab.stop() and the leak check
BLANK_LINE = b"\r\n\r\n"


class End(Watched):
    """A connected socket with a name; `other` is who stands at its far side."""

    def __init__(self, sock: socket.socket, name: str, other: str, *, at_client: bool) -> None:
        super().__init__()
        self.sock, self.name, self.other, self.at_client = sock, name, other, at_client
        self.lane = next(RECORDER.lanes)
        self.recorded = True
        self.ended_here = self.ended_there = self.was_reset = False
        self.sent, self.received = bytearray(), bytearray()
        self.kept = b""  # received, but of the next message
        # A backend is the more patient one: that a client gave up first is no matter of chance.
        sock.settimeout(TIMEOUT if at_client else PATIENCE)
        OPEN.add(self)

    def __repr__(self) -> str:
        state = "closed" if self.sock.fileno() == -1 else "open"
        return f"<{self.name}: sent {len(self.sent):,}, received {len(self.received):,}, {state}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def note(self, text: str) -> None:
        """Write a word of the experiment's into the transcript."""
        self.record(Kind.NOTE, text.encode())

    def record(self, kind: Kind, data: bytes = b"", *, incoming: bool = False) -> None:
        """Tell the recorder what this end did, or (incoming) what it got."""
        self.count += 1
        if self.recorded:
            who = self.lane, here(), self.name, self.other
            RECORDER.add(Event(*who, kind, data, self.at_client, incoming))

    def send(self, data: bytes | str) -> None:
        """Send all of `data`; text goes as UTF-8."""
        data = data.encode() if isinstance(data, str) else data
        # Recorded first: once it is sent, what it causes may be recorded before it.
        self.record(Kind.DATA, data)
        self.sent += data
        with self.busy_with(Doing.SENDING):
            self.sock.sendall(data)

    def recv(self, size: int = READ_SIZE) -> bytes:
        """Return what has come, at most `size` bytes; b"" at the end of the stream.

        Raises TimeoutError when nothing comes in time, ConnectionResetError after a reset.
        """
        with self.busy_with(Doing.RECEIVING):
            self.wait_readable()
            # From here on not "waiting": what is taken is recorded before anyone looks.
            self.doing = Doing.WORKING
            return self.take(size)

    def take(self, size: int) -> bytes:
        """Return what has come, and record it."""
        try:
            data = self.sock.recv(size)
        except ConnectionResetError:
            if not self.ended_there:
                self.ended_there = self.was_reset = True
                self.record(Kind.RESET, incoming=True)
            raise
        if data:
            self.received += data
            self.record(Kind.DATA, data, incoming=True)
        elif not self.ended_there:
            self.ended_there = True
            self.record(Kind.END, incoming=True)
        return data

    def wait_readable(self) -> None:
        """Wait until there is something to take. Raises TimeoutError when nothing comes in time."""
        timeout = self.sock.gettimeout()
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        if not poll.poll(None if timeout is None else timeout * 1000):
            raise TimeoutError(f"nothing came from the {self.other} in {timeout:g} s")

    @contextmanager
    def busy_with(self, doing: Doing) -> Iterator[None]:
        """Be `doing` that for the length of a `with`."""
        before, self.doing = self.doing, doing
        self.count += 1
        try:
            yield
        finally:
            self.doing = before

    def recv_all(self) -> bytes:
        """Return everything until the end of the stream."""
        pieces = []
        while data := self.recv():
            pieces.append(data)
        return b"".join(pieces)

    def recv_exactly(self, count: int) -> bytes:
        """Return `count` bytes; fewer when the stream ends first."""
        got = b""
        while len(got) < count and (data := self.recv(count - len(got))):
            got += data
        return got

    def recv_message(self) -> bytes:
        """Return one HTTP message: its head, and as much body as its Content-Length says.

        Shorter when the stream ends first. What came too early stays for the next call.
        """
        kept = self.kept
        while (length := message_length(kept)) is None or len(kept) < length:
            data = self.recv()
            if not data:
                length = len(kept)
                break
            kept += data
        self.kept = kept[length:]
        return kept[:length]

    def half_close(self) -> None:
        """Say that no more will be sent; receiving goes on (man 2 shutdown)."""
        if not self.ended_here:
            self.ended_here = True
            self.record(Kind.END)
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_WR)

    def abort(self) -> None:
        """Break the connection off: the far side sees a reset (SO_LINGER with 0, man 7 socket)."""
        if self.sock.fileno() != -1:
            self.record(Kind.RESET)
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()

    def close(self) -> None:
        """Close this end."""
        if self.sock.fileno() != -1:
            self.half_close()
            self.sock.close()

    def shut(self) -> None:
        """End both ways at once, from any thread: whoever waits in recv here is woken."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


def message_length(data: bytes) -> int | None:
    """Return how many bytes the HTTP message has that `data` begins with; None: not known yet."""
    head, blank, _ = data.partition(BLANK_LINE)
    if not blank:
        return None
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            length = int(value)
    return len(head) + len(blank) + length
