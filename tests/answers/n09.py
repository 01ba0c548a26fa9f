"""Answers to the exercises of notebook 09."""

import difflib
import errno
import os
import re
import selectors
import socket
import time
from collections.abc import Iterable

from tests.answers import right, wrong

REST = '\nbackendAddress = "localhost"\nbackendPort = 8080\n'


@wrong("9.1", "with RSP_SITE=1: port 8000 before localhost:8080; wanted is port 8001")
def always_the_same() -> str:
    return "listenPort = 8000" + REST


@wrong("9.1", "when RSP_SITE is not set: Error parsing config file: rsp.lua:1: attempt to")
def without_a_default() -> str:
    return 'listenPort = 8000 + os.getenv("RSP_SITE")' + REST


@wrong("9.1", "with RSP_SITE=12: rsp.lua:1: listenPort: port 80012 is not between")
def put_together_as_text() -> str:
    return 'listenPort = "800" .. (os.getenv("RSP_SITE") or 0)' + REST


@wrong("9.1", "with RSP_SITE=1234: rsp.lua:1: listenPort: port 801234 is not between")
def two_digits_at_most() -> str:
    return 'listenPort = string.format("80%02d", os.getenv("RSP_SITE") or 0)' + REST


@wrong("9.1", "with RSP_SITE=1: port 8000 before localhost:8080; wanted is port 8001")
def computed_in_python() -> str:
    return f"listenPort = {8000 + int(os.environ.get('RSP_SITE', '0'))}" + REST


@right("9.1")
def by_a_function() -> str:
    return """
    local function port(name)  -- of the site that a variable names
      local site = tonumber(os.getenv(name) or "")
      if site then return 8000 + site else return "8000" end
    end
    listenPort, backendAddress, backendPort = port("RSP_SITE"), "localhost", "8080"
    """


@wrong("9.2", "LISTENPORT is all in capitals, and it finds None")
def capitals_count(name: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, list(known), 1)), None)


@wrong("9.2", "colour is like none of them, and it finds")
def always_one(name: str, known: Iterable[str]) -> str | None:
    low = {one.lower(): one for one in known}
    found = difflib.get_close_matches(name.lower(), low, 1, cutoff=0.0)
    return low[found[0]] if found else None


@wrong("9.2", "backendAdress lacks a letter, and it finds None")
def only_capitals(name: str, known: Iterable[str]) -> str | None:
    return {one.lower(): one for one in known}.get(name.lower())


@wrong("9.2", "listenport has one small letter, and it finds listenport")
def in_small_letters(name: str, known: Iterable[str]) -> str | None:
    if name in known:
        return name
    low = [one.lower() for one in known]
    return next(iter(difflib.get_close_matches(name.lower(), low)), None)


@wrong("9.2", "RSP_SITE is known, rsp_sit is near, and it finds None")
def small_letters_on_one_side(name: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name.lower(), list(known), 1)), None)


@right("9.2")
def by_counting_steps(name: str, known: Iterable[str]) -> str | None:
    def steps(one: str, two: str) -> int:
        row = list(range(len(two) + 1))
        for i, a in enumerate(one, 1):
            last, row[0] = row[0], i
            for j, b in enumerate(two, 1):
                last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (a != b))
        return row[-1]

    counted = sorted((steps(name.lower(), one.lower()), one) for one in known)
    return counted[0][1] if counted and counted[0][0] <= 2 else None


@wrong("9.3", "at an address that does not answer it gives 0")
def without_waiting(sock: socket.socket) -> int:
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


@wrong("9.3", "nobody listens there, and it gives 0")
def writable_is_good(sock: socket.socket) -> int:
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        return 0 if selector.select(1) else errno.ETIMEDOUT


@wrong("9.3", "at an address that does not answer it does not give up after a second")
def for_ever(sock: socket.socket) -> int:
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_WRITE)
        selector.select()
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


@wrong("9.3", "the socket is closed afterwards")
def closed(sock: socket.socket) -> int:
    with sock:
        return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


@right("9.3")
def by_asking_again(sock: socket.socket) -> int:
    until = time.monotonic() + 1
    while time.monotonic() < until:
        if code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            return code
        try:
            sock.getpeername()
        except OSError:
            time.sleep(0.01)
        else:
            return 0
    return errno.ETIMEDOUT


@wrong("9.4", "path is '/find?q=rsp', and it finds '/find?q'")
def split_at_each(text: str, file: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        words = line.partition("--")[0].split("=")
        if len(words) > 1:
            found[words[0].strip()] = words[1].strip()
    return found


@wrong("9.4", "a line without =: it says 'rsp.conf:6: ")
def counted_from_0(text: str, file: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines()):
        if line := line.partition("--")[0].strip():
            name, equals, value = (part.strip() for part in line.partition("="))
            if not (name and equals and value) or name in found:
                raise ValueError(f"{file}:{number}: {line}")
            found[name] = value
    return found


@wrong("9.4", "a name that was set before is not refused")
def the_last_one_counts(text: str, file: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line := line.partition("--")[0].strip():
            name, equals, value = (part.strip() for part in line.partition("="))
            if not (name and equals and value):
                raise ValueError(f"{file}:{number}: {line}")
            found[name] = value
    return found


@wrong("9.4", "a line with a comment in the place of its value is not refused")
def comments_last(text: str, file: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.strip().startswith("--"):
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not (name and equals and value) or name in found:
            raise ValueError(f"{file}:{number}: {line}")
        found[name] = value.partition("--")[0].strip()
    return found


@right("9.4")
def by_a_pattern(text: str, file: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        bare = re.sub(r"--.*", "", line).strip()
        match = re.fullmatch(r"([^=\s]+)\s*=\s*(.+)", bare)
        if bare and (not match or match[1] in found):
            raise ValueError(f"{file}:{number}: cannot read {line!r}")
        if match:
            found[match[1]] = match[2]
    return found
