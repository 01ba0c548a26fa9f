"""The command: `rsp <server port> <backend address> <backend port>`, as in post 1.

All work is done in a thread of its own, and the main thread waits for a signal: a signal is then
never late, whatever call the proxy is in, be it a slow look-up of a name at the start.
"""

import argparse
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import IO, NoReturn

from rsp import __version__
from rsp.errors import StartError
from rsp.net import Address, check_port, listen, resolve
from rsp.stages.s04_serial import serve

USAGE = "rsp <server port> <backend address> <backend port>"
POSITIONALS = {
    "server port": "where to listen; 0 takes any free port",
    "backend address": "a name or an IP address",
    "backend port": 'a number, or a service such as "http"',
}
WRONG_USAGE, FAILED = 2, 1  # exit statuses
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
    arguments = parse(argv)
    # Blocked, a signal waits for sigwait below: one that comes early is not lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    log_to(sys.stdout)
    try:
        status = until_signal(lambda: run(arguments.server_port, arguments.backend))
    except StartError as error:
        print(f"rsp: {error}", file=sys.stderr)
        status = FAILED
    # Not sys.exit: that would wait for the lock on stdout, which a thread may hold that waits
    # for a reader. Nothing is lost: every line was flushed when it was said.
    os._exit(status)


def run(port: str, backend: Address) -> None:
    """Start, say so, and serve. Raises StartError."""
    listener = start(port, backend)
    say(f"Started.  Listening on port {listener.getsockname()[1]}.")
    serve(listener, backend)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return `server_port` (text) and `backend` (Address); exit where they are wrong."""
    parser = Parser(
        prog="rsp",
        usage=USAGE,
        description="Send what clients ask to a backend, and its answers back to them.",
    )
    for name, help_line in POSITIONALS.items():
        parser.add_argument(name.replace(" ", "_"), metavar=f"<{name}>", help=help_line)
    parser.add_argument("--version", action="version", version=f"rsp {__version__}")
    arguments = parser.parse_args(argv)
    for name in POSITIONALS:
        text = getattr(arguments, name.replace(" ", "_"))
        if not text.strip() or not text.isprintable():  # bytes that are no UTF-8 are not, either
            parser.error(f"{text!r} is no {name}")
    for port in (arguments.server_port, arguments.backend_port):
        try:
            check_port(port)
        except ValueError as error:
            parser.error(str(error))
    arguments.backend = Address(arguments.backend_address, arguments.backend_port)
    return arguments


def start(port: str, backend: Address) -> socket.socket:
    """Return the listener, once the backend's name is known to be good.

    Raises StartError, in one line: what could not be done, where, and why.
    """
    try:
        resolve(backend)
    except OSError as error:
        raise StartError(f"Couldn't find backend {backend}: {error.strerror}") from error
    try:
        return listen(Address(None, port))
    except socket.gaierror as error:
        raise StartError(f"Couldn't find port {port}: {error.strerror}") from error
    except PermissionError as error:
        why = f"{error.strerror} (ports below 1024 are the system's)"
        raise StartError(f"Couldn't bind port {port}: {why}") from error
    except OSError as error:
        raise StartError(f"Couldn't bind port {port}: {error.strerror}") from error


def until_signal(work: Callable[[], None]) -> int:
    """Run `work` in a thread until SIGINT or SIGTERM; return the exit status.

    Raises what `work` raises. At a signal the thread is left behind, whatever it waits for.
    """
    working = ThreadPoolExecutor(max_workers=1).submit(work)
    # It ends by itself only at a fault: that wakes the main thread, too.
    working.add_done_callback(lambda _: os.kill(os.getpid(), signal.SIGTERM))
    signal.sigwait(STOP_SIGNALS)
    if not working.done():
        return 0
    working.result()
    return FAILED  # nobody had asked it to return


def log_to(stream: IO[str]) -> None:
    """Write the log of rsp to `stream`, a line a record."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    logging.raiseExceptions = False  # nobody may be reading: that must not end the proxy


def say(line: str) -> None:
    """Print `line` at once; that nobody reads it is no reason to stop."""
    with suppress(OSError):
        print(line, flush=True)
