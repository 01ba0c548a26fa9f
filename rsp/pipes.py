"""Pipes of the kernel's, through which a splice moves bytes (man 2 splice, man 7 pipe)."""

import errno
import fcntl
import os
from contextlib import suppress

CAN_SPLICE = hasattr(os, "splice")
PIPE_SIZE = 256 * 1024  # bytes; a user may have 64 MiB in pipes larger than usual (man 7 pipe)
SPARE_PIPES = 16  # kept for the next one; a pipe is in use only while bytes are in it
FLAGS = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK if CAN_SPLICE else 0


class Pipe:
    """A pipe of the kernel's, and how many bytes are in it."""

    __slots__ = ("left", "reader", "writer")

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.left = 0
        with suppress(OSError):  # EPERM, EBUSY: the size that it has will do
            fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, PIPE_SIZE)

    def __repr__(self) -> str:
        return f"<Pipe: {self.left} bytes>"

    def close(self) -> None:
        """Close both its ends; what is in it is lost."""
        os.close(self.reader)
        os.close(self.writer)


class Pipes:
    """The pipes of one loop, `most` at once: lent for as long as bytes are in them."""

    def __init__(self, most: int = 256) -> None:
        self.most = most
        self.count = 0  # of those that are open
        self.spare: list[Pipe] = []

    def __repr__(self) -> str:
        return f"<Pipes: {len(self.spare)} spare>"

    def borrow(self) -> Pipe:
        """Return an empty pipe. Raises OSError when there may be no more: the plain way is left.

        Else those who do not read would take all descriptors, and nobody could be accepted.
        """
        if self.spare:
            return self.spare.pop()
        if self.count >= self.most:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        pipe = Pipe()
        self.count += 1
        return pipe

    def give_back(self, pipe: Pipe) -> None:
        """Keep it for the next one; what is still in it would reach a stranger, so then it goes."""
        if pipe.left or len(self.spare) >= SPARE_PIPES:
            self.count -= 1
            pipe.close()
        else:
            self.spare.append(pipe)

    def close(self) -> None:
        """Close what is spare."""
        while self.spare:
            self.count -= 1
            self.spare.pop().close()
