"""The command: `rsp <config file>`, or with all on the command line, as in post 1.

All work is done in a thread of its own, and the main thread waits for a signal: a signal is then
never late, whatever call the proxy is in, be it a slow look-up of a name at the start.
"""

import argparse
import logging
import logging.handlers
import os
import queue
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import IO, NoReturn

from rsp import __version__
from rsp.config import SETTINGS, Config, read_config
from rsp.errors import StartError
from rsp.net import Address, check_port, listen, resolve
from rsp.proxy import serve

USAGE = """rsp <config file>
       rsp <server port> <backend address> <backend port>
       rsp -t <config file>"""
POSITIONALS = {
    "server port": "where to listen; 0 takes any free port",
    "backend address": "a name or an IP address",
    "backend port": 'a number, or a service such as "http"',
}
HELP = f"""
  <config file>      a Lua file that sets {", ".join(SETTINGS)}
""" + "\n".join(f"  {f'<{name}>':18} {words}" for name, words in POSITIONALS.items())
LEVELS = ("debug", "info", "warning", "error")
WRONG_USAGE, FAILED = 2, 1  # exit statuses
LINES = 10_000  # of the log that may wait for whoever reads it
STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM}

log = logging.getLogger("rsp")


class Parser(argparse.ArgumentParser):
    """argparse, with the usage line as the series writes it."""

    def format_usage(self) -> str:
        """Return the usage line of post 1."""
        return f"Usage: {USAGE}\n"

    def format_help(self) -> str:
        """Return the help, which begins with the usage line."""
        return super().format_help().replace("usage:", "Usage:", 1)

    def error(self, message: str) -> NoReturn:
        """Exit with the usage line and, below it, what is wrong."""
        self.exit(WRONG_USAGE, f"{self.format_usage()}rsp: {message}\n")


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command with `argv` (default: the process's own); the process ends with it."""
    options = parse(argv)
    # Blocked, a signal waits for sigwait below: one that comes early is not lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    log_to(sys.stdout, options.log)
    try:
        status = until_signal(lambda: run(options))
    except StartError as error:
        print(f"rsp: {error}", file=sys.stderr)
        status = FAILED
    # Not sys.exit: that would wait for the lock on stdout, which a thread may hold that waits
    # for a reader. Nothing is lost: every line was flushed when it was said.
    os._exit(status)


def run(options: argparse.Namespace) -> int:
    """Check the configuration, or start, say so, and serve. Raises StartError."""
    config = options.config or read_config(options.file)
    if options.test:
        check(config)
        say(f"{options.file}: ok")
        return 0
    listener = start(config)
    say(stamped(f"Started.  Listening on port {listener.getsockname()[1]}."))
    serve(listener, config.backend)
    return FAILED  # nobody had asked it to return


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return `file` or `config`, `test` and `log`; exit where they are wrong."""
    parser = Parser(
        prog="rsp",
        usage=USAGE,
        description="Send what clients ask to a backend, and its answers back to them.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("-t", "--test", action="store_true", help="only check the config file")
    parser.add_argument("--log", choices=LEVELS, default="info", help="what to log (default: info)")
    parser.add_argument("--version", action="version", version=f"rsp {__version__}")
    options = parser.parse_args(argv)
    options.file, options.config = options.words[0] if options.words else "", None
    if len(options.words) == len(POSITIONALS) and not options.test:
        options.config = from_words(parser, options.words)
    elif len(options.words) != 1:
        parser.error(f"it takes a config file or three words, and here are {len(options.words)}")
    return options


def from_words(parser: Parser, words: Sequence[str]) -> Config:
    """Return what the three words of post 1 say; exit where they are wrong."""
    for name, word in zip(POSITIONALS, words, strict=True):
        if not word.strip() or not word.isprintable():  # bytes that are no UTF-8 are not, either
            parser.error(f"{word!r} is no {name}")
    port, address, backend_port = words
    for text in (port, backend_port):
        try:
            check_port(text)
        except ValueError as error:
            parser.error(str(error))
    return Config(port, Address(address, backend_port))


def check(config: Config) -> None:
    """See whether the names in a configuration can be looked up. Raises StartError."""
    try:
        resolve(config.backend)
    except OSError as error:
        raise StartError(f"Couldn't find backend {config.backend}: {error.strerror}") from error


def start(config: Config) -> socket.socket:
    """Return the listener, once the backend's name is known to be good.

    Raises StartError, in one line: what could not be done, where, and why.
    """
    check(config)
    port = config.listen_port
    try:
        return listen(Address(None, port))
    except socket.gaierror as error:
        raise StartError(f"Couldn't find port {port}: {error.strerror}") from error
    except PermissionError as error:
        why = f"{error.strerror} (ports below 1024 are the system's)"
        raise StartError(f"Couldn't bind port {port}: {why}") from error
    except OSError as error:
        raise StartError(f"Couldn't bind port {port}: {error.strerror}") from error


def until_signal(work: Callable[[], int]) -> int:
    """Run `work` in a thread until it returns, or SIGINT or SIGTERM; return the exit status.

    Raises what `work` raises. At a signal the thread is left behind, whatever it waits for.
    """
    working = ThreadPoolExecutor(max_workers=1).submit(work)
    # When it ends by itself, that wakes the main thread, too.
    working.add_done_callback(lambda _: os.kill(os.getpid(), signal.SIGTERM))
    signal.sigwait(STOP_SIGNALS)
    return working.result() if working.done() else 0


def log_to(stream: IO[str], level: str) -> None:
    """Write the log of rsp to `stream`, a line a record, from a thread of its own.

    A reader who does not read must not stop the proxy: when too many lines wait, more are lost.
    """
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(LINES)
    writer = logging.StreamHandler(stream)
    writer.setFormatter(Stamped())
    logging.handlers.QueueListener(waiting, writer).start()
    log.addHandler(logging.handlers.QueueHandler(waiting))
    log.setLevel(level.upper())
    logging.raiseExceptions = False  # nobody may be reading: that must not end the proxy


class Stamped(logging.Formatter):
    """Log lines in the form of the series: [date time zone], then the message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, and the traceback of an error below it."""
        return stamped(super().format(record), record.created)


def stamped(line: str, seconds: float | None = None) -> str:
    """Return `line` with the time before it (default: now)."""
    moment = datetime.fromtimestamp(time.time() if seconds is None else seconds).astimezone()
    return f"[{moment:%Y-%m-%d %H:%M:%S.%f %z}] {line}"


def say(line: str) -> None:
    """Print `line` at once; that nobody reads it is no reason to stop."""
    with suppress(OSError):
        print(line, flush=True)
