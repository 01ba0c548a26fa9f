"""The access log: a line for each exchange, in the form that servers of pages share, or as JSON.

Lines are collected and logged together, once a second: each costs its words, and no more.
"""

import json
import logging
import time
from collections.abc import Callable
from weakref import WeakSet

from rsp.http1.message import Request
from rsp.loop import Loop

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)  # whatever else is logged: it has an option of its own

MUCH = 64 * 1024  # bytes of lines that are not kept back: a client makes a line as long as it likes
GONE = 499  # the status where the client left before there was one: nginx's word for it
# What would end a line, or a quoted part of it, or is no ASCII, is written as nginx writes it.
ESCAPES = {code: f"\\x{code:02X}" for code in (*range(32), 0x22, 0x5C, *range(127, 256))}

Line = Callable[[str, Request | None, int, int, float], str]


class AccessLog:
    """Where exchanges are noted; `form` is combined or json."""

    def __init__(self, loop: Loop, form: str) -> None:
        self.loop = loop
        self.line: Line = {"combined": self.combined, "json": self.as_json}[form]
        self.lines: list[str] = []
        self.size = 0  # of these
        self.until = 0.0
        self.stamp = ""
        opened.add(self)

    def __repr__(self) -> str:
        return f"<AccessLog: {len(self.lines)} lines>"

    def note(
        self, peer: str, request: Request | None, status: int, sent: int, began: float
    ) -> None:
        """Note an exchange that is over; `sent` are the bytes of the response's body.

        No request: what came was none. `began` is a moment of the loop's clock.
        """
        line = self.line(peer, request, status, sent, self.loop.now - began)
        self.lines.append(line)
        self.size += len(line)
        if self.size >= MUCH:
            self.flush()

    def flush(self) -> None:
        """Log what was noted; from any thread."""
        lines, self.lines, self.size = self.lines, [], 0
        if lines:
            log.info("%s", "\n".join(lines))

    def now(self, form: str) -> str:
        """Return the time, written once a second."""
        if self.loop.now >= self.until:
            self.stamp = time.strftime(form)
            self.until = self.loop.now + 1 - time.time() % 1
        return self.stamp

    def combined(self, peer: str, request: Request | None, status: int, sent: int, _: float) -> str:
        """Return a line of the combined log format, as Apache calls it."""
        when = self.now("%d/%b/%Y:%H:%M:%S %z")
        if not request:
            return f'{peer} - - [{when}] "-" {status} {sent} "-" "-"'
        line = f"{text(request.method)} {text(request.target)} HTTP/1.{request.minor}"
        lower = request.fields.lower()
        referer, agent = (
            value(request.fields, lower, name) for name in (b"referer:", b"user-agent:")
        )
        return f'{peer} - - [{when}] "{line}" {status} {sent} "{referer or "-"}" "{agent or "-"}"'

    def as_json(
        self, peer: str, request: Request | None, status: int, sent: int, seconds: float
    ) -> str:
        """Return an object of JSON; what is not known is null."""
        said: dict[str, object] = {
            "time": self.now("%Y-%m-%dT%H:%M:%S%z"),
            "client": peer,
            "status": status,
            "bytes": sent,
            "seconds": round(seconds, 3),
        }
        if request:
            lower = request.fields.lower()
            said |= {
                "method": request.method.decode("latin-1"),
                "target": request.target.decode("latin-1"),
                "version": f"1.{request.minor}",
                "host": None if request.host is None else request.host.decode("latin-1"),
                "referer": found(request.fields, lower, b"referer:"),
                "user_agent": found(request.fields, lower, b"user-agent:"),
            }
        return json.dumps(said)


opened: WeakSet[AccessLog] = WeakSet()


def flush_all() -> None:
    """Log what was noted anywhere: the process is about to end."""
    for one in tuple(opened):
        one.flush()


def text(raw: bytes) -> str:
    """Return bytes of the client's as they may stand in a quoted part of a line."""
    return raw.decode("latin-1").translate(ESCAPES)


def value(fields: bytes, lower: bytes, name: bytes) -> str:
    """Return what a field says, as `text` has it; nothing where there is none."""
    said = found(fields, lower, name)
    return "" if said is None else said.translate(ESCAPES)


def found(fields: bytes, lower: bytes, name: bytes) -> str | None:
    """Return what the first field with this name, in lower case with its colon, says."""
    if not lower.startswith(name):
        at = lower.find(b"\n" + name) + 1
        if not at:
            return None
    else:
        at = 0
    end = fields.index(b"\r", at)
    return fields[at + len(name) : end].strip(b" \t").decode("latin-1")
