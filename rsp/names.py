"""The addresses of a backend's name, looked up outside the loop.

A look-up can take seconds and cannot be made not to wait (man 3 getaddrinfo), so a thread does it.
"""

import logging
import socket
import threading

from rsp.loop import Loop
from rsp.net import Address, AddrInfo, resolve

log = logging.getLogger(__name__)

FRESH = 10.0  # seconds for which a look-up is good; then the next client starts another


class Names:
    """The addresses of one backend: those of the last look-up that found any.

    The first look-up waits, and raises as `resolve` does: nobody is served without it.
    """

    def __init__(self, loop: Loop, backend: Address) -> None:
        self.loop, self.backend = loop, backend
        self.found = resolve(backend)
        self.looked = loop.now
        self.looking = False
        self.literal = is_literal(backend.host)

    def __repr__(self) -> str:
        return f"<Names {self.backend}: {', '.join(map(str, self.found))}>"

    def entries(self) -> list[AddrInfo]:
        """Return what is known, at once; when that is old, have it looked up again."""
        if not self.literal and not self.looking and self.loop.now - self.looked > FRESH:
            self.looking = True
            try:
                threading.Thread(target=self.look_up, name="look-up", daemon=True).start()
            except RuntimeError as error:  # no thread to be had: what is known must do
                log.warning("Couldn't look up backend %s: %s", self.backend, error)
                self.learn(self.found)
        return self.found

    def look_up(self) -> None:
        """Look the name up; a failure keeps what is known."""
        found = self.found
        try:
            found = resolve(self.backend) or found
        except OSError as error:
            log.warning("Couldn't find backend %s: %s", self.backend, error.strerror)
        except Exception:  # a fault of ours: nobody else looks while this seems underway
            log.exception("Couldn't look up backend %s", self.backend)
        self.loop.call(lambda: self.learn(found))

    def learn(self, found: list[AddrInfo]) -> None:
        """Use what was found from now on."""
        self.found, self.looked, self.looking = found, self.loop.now, False


def is_literal(host: str | None) -> bool:
    """Tell whether a host is an address already, which never changes."""
    try:
        socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except OSError:
        return False
    return True
