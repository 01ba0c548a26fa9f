"""The log and the access log, on one stream: lines, written by a thread of their own.

A reader who does not read must not stop the proxy: when too many lines wait, more are lost.
"""

import logging
import logging.handlers
import queue
from datetime import datetime
from typing import TextIO

ACCESS = "rsp.access"  # the access log: its lines have a time and a form of their own
LINES = 10_000  # that may wait for whoever reads them
LAST_WORDS = 0.2  # seconds at the end for what still waits there

log = logging.getLogger("rsp")
waiting: queue.Queue[logging.LogRecord] = queue.Queue(LINES)


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
