"""The log and the access log, on one stream: lines, written by a thread of their own.

A reader who does not read must not stop the proxy: when too much waits, more is lost.
"""

import logging
import logging.handlers
import queue
from datetime import datetime
from typing import TextIO

ACCESS = "rsp.access"  # the access log: its lines have a time and a form of their own
ROOM = 8 * 1024 * 1024  # bytes that may wait for whoever reads them
RECORD = 1024  # bytes that each record takes beside its text
LAST_WORDS = 0.2  # seconds at the end for what still waits there

log = logging.getLogger("rsp")


class Waiting(queue.Queue[logging.LogRecord | None]):
    """What waits to be written: records, as many as have room. None ends the writing."""

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self.size = 0

    def _qsize(self) -> int:
        return self.size

    def _put(self, item: logging.LogRecord | None) -> None:
        self.size += size_of(item)
        super()._put(item)

    def _get(self) -> logging.LogRecord | None:
        item = super()._get()
        self.size -= size_of(item)
        return item


def size_of(record: logging.LogRecord | None) -> int:
    """Return how many bytes a record takes, about."""
    return RECORD + len(str(record.msg)) if record else RECORD


waiting = Waiting(ROOM)


def log_to(stream: TextIO | None, level: str) -> None:
    """Write to `stream` what rsp logs, from this level on."""
    log.setLevel(level.upper())
    logging.raiseExceptions = False  # nobody may be reading: that must not end the proxy
    if stream is None:  # it was closed, and its descriptor may be a client's soon
        log.addHandler(logging.NullHandler())
        return
    writer = logging.StreamHandler(stream)
    writer.setFormatter(Stamped())
    logging.handlers.QueueListener(waiting, writer).start()
    log.addHandler(logging.handlers.QueueHandler(waiting))


class Stamped(logging.Formatter):
    """Log lines in the form of the series: [date time zone], then the message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, and the traceback of an error below it."""
        if record.name == ACCESS:
            return record.getMessage()
        moment = datetime.fromtimestamp(record.created).astimezone()
        return f"[{moment:%Y-%m-%d %H:%M:%S.%f %z}] {super().format(record)}"


def say_last_words() -> None:
    """Wait until what was logged has been written, but not for long."""
    with waiting.all_tasks_done:
        waiting.all_tasks_done.wait_for(lambda: not waiting.unfinished_tasks, LAST_WORDS)
