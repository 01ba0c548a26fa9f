"""A listener that cannot accept: as if the program had no descriptor left."""

import errno
import os
import socket
from typing import Any

from rsp.net import Address, listen


class Full(socket.socket):
    """A listener whose `accept` fails with EMFILE (man 2 accept) until `make_room` is called."""

    def __init__(self, address: Address) -> None:
        super().__init__(fileno=listen(address).detach())
        self.tries = 0  # to accept
        self.room = False

    def make_room(self) -> None:
        """Let the next one in."""
        self.room = True

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept as others do, once there is room."""
        self.tries += 1
        if not self.room:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return super().accept()
