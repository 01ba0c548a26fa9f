"""One round of a loop, recorded: what lay in its batch, whom it called, whose each number was.

`Board(loop)` watches sockets by the names of their owners, runs one round, and draws what it has
seen (`rsp.lab.boards`). Numbers are told as 5, 6, 7 … in the order in which they came.
"""

import select
import socket
from collections.abc import Callable
from contextlib import suppress
from selectors import EVENT_READ
from typing import Any

from rsp.lab.boards import Frame, Place, as_svg, as_text
from rsp.lab.settings import TIMEOUT

FIRST = 5  # by which the first number is called: those below belong to others in most programs
TRIES = 50  # of a scene that wants the numbers which it freed

Handler = Callable[[], None]


class RoundOver(BaseException):
    """Takes the loop out of its second wait."""


class Board:
    """The first round of `loop`, which has a `selector`, `watch`, `close` and `run`."""

    def __init__(self, loop: Any) -> None:
        self.loop = loop
        self.sockets: list[tuple[socket.socket, str]] = []
        self.names: dict[int, int] = {}  # a descriptor → what it is called here
        self.batch: list[tuple[int, str]] = []  # a descriptor, and whose event it was
        self.frames: list[Frame] = []
        self.called: set[int] = set()  # events for which somebody was called, or passed over
        self.begun = False
        self.select, loop.selector.select = loop.selector.select, self.selected

    def watch(self, sock: socket.socket, owner: str, handler: Handler) -> None:
        """Let the loop watch a socket for reading, under the name of its owner."""
        self.sockets.append((sock, owner))
        fd = sock.fileno()  # now: a socket that was closed too early has none
        self.names.setdefault(fd, FIRST + len(self.names))
        self.loop.watch(sock, EVENT_READ, lambda: self.call(fd, owner, handler))

    def wait_for(self, sock: socket.socket) -> None:
        """Wait until a socket is readable: what happens next comes behind it in the batch."""
        if not select.select([sock], [], [], TIMEOUT)[0]:
            raise TimeoutError("nothing came there in time")

    def run(self) -> None:
        """Let the loop have one round, then close what was watched, and the loop's selector."""
        try:
            with suppress(RoundOver):
                self.loop.run()
        finally:
            self.loop.selector.close()
            for sock, _ in self.sockets:
                sock.close()

    def selected(self, timeout: float | None = None) -> list[Any]:
        """Note what the first wait gives, and how things stand when the second would begin."""
        if self.begun:
            self.skip_until(len(self.batch))
            if self.places() != self.frames[-1].places:
                self.note("the round is over", None)
            raise RoundOver
        self.begun = True
        found: list[Any] = self.select(timeout)
        owners = {sock.fileno(): owner for sock, owner in self.sockets}
        self.batch = [(key.fd, owners[key.fd]) for key, _ in found]
        self.note(f"one wait gives {len(found)} events", None)
        return found

    def call(self, fd: int, owner: str, handler: Handler) -> None:
        """Call a handler, and note whom its event was meant for."""
        event = next(n for n, (there, _) in enumerate(self.batch) if there == fd)
        self.skip_until(event)
        self.called.add(event)
        meant = self.batch[event][1]
        told = f"the handler of {owner} is called"
        try:
            handler()
        finally:
            self.note(told, event, wrong=meant != owner)

    def skip_until(self, event: int) -> None:
        """Note the events before this one for which nobody was called."""
        for number in range(event):
            if number not in self.called:
                self.called.add(number)
                told, as_before = "nobody watches it any more: passed over", self.frames[-1].places
                self.frames.append(Frame(told, number, wrong=False, places=as_before))

    def note(self, told: str, event: int | None, *, wrong: bool = False) -> None:
        """Keep how things stand now."""
        self.frames.append(Frame(told, event, wrong, self.places()))

    def places(self) -> list[Place]:
        """Return each number that was ever taken, and whose it is now."""
        now = {sock.fileno(): owner for sock, owner in self.sockets if sock.fileno() >= 0}
        watched = self.loop.selector.get_map()
        return [
            Place(
                self.names[fd],
                now.get(fd, ""),
                "free" if fd not in now else "watched" if fd in watched else "leaving",
            )
            for fd in self.names
        ]

    @property
    def strangers(self) -> list[str]:
        """The events that reached a handler for which they were not meant."""
        return [
            f"{self.batch[frame.event][1]}'s event: {frame.told}"
            for frame in self.frames
            if frame.wrong and frame.event is not None
        ]

    @property
    def events(self) -> list[tuple[int, str]]:
        """The batch: each number as it is told here, and whom its event was meant for."""
        return [(self.names[fd], owner) for fd, owner in self.batch]

    def __repr__(self) -> str:
        return as_text(self.events, self.frames)

    def _repr_svg_(self) -> str:
        return as_svg(self.events, self.frames)


def with_the_same_numbers(scene: Callable[[], Board]) -> Board:
    """Play a scene in which newcomers get the numbers that have been freed, and no others.

    The kernel gives the lowest number that is free, and other threads of a notebook open files,
    too: where one of them was quicker, the scene is played again.
    """
    for _ in range(TRIES):
        board = scene()
        if len(board.names) == len(board.batch):
            break
    return board
