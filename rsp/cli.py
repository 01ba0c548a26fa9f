"""The command: `rsp <config file>`, or with all on the command line, as in post 1.

All work is done in a thread of its own, and the main thread waits for a signal: a signal is then
never late, whatever call the proxy is in, be it a slow look-up of a name at the start.
"""

import argparse
import logging
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import NoReturn, TextIO

from rsp import __version__
from rsp.access import flush_all
from rsp.config import Config, read_config
from rsp.errors import StartError
from rsp.gateway import serve as serve_http
from rsp.logs import log_to, say_last_words
from rsp.net import Address, check_port, listen, resolve
from rsp.options import ACCESS_LOGS
from rsp.proxy import serve as relay
from rsp.settings import NEEDED
from rsp.stream import reset_at_close

USAGE = """rsp <config file>
       rsp <server port> <backend address> <backend port>
       rsp --relay <server port> <backend address> <backend port>
       rsp -t <config file>"""
POSITIONALS = {
    "server port": "where to listen; 0 takes any free port",
    "backend address": "a name or an IP address",
    "backend port": 'a number, or a service such as "http"',
}
HELP = f"""
  <config file>      a Lua file that sets {", ".join(NEEDED)}, and more
""" + "\n".join(f"  {f'<{name}>':18} {words}" for name, words in POSITIONALS.items())
NO_EXCHANGES = "there are no exchanges for --access-log to tell of: a relay reads no HTTP"
LEVELS = ("debug", "info", "warning", "error")
WRONG_USAGE, FAILED = 2, 1  # exit statuses
STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM}

log = logging.getLogger("rsp")
started = log.getChild("started")
started.setLevel(logging.INFO)  # the start line is said at every level: programs wait for it


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
    # Blocked, a signal waits for sigwait below: one that comes early is not lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    options = parse(argv)
    log_to(sys.stdout, options.log)
    status = until_signal(lambda: attempt(options))
    cut_off()
    flush_all()
    say_last_words()
    # Not sys.exit: that would wait for the lock on stdout, which a thread may hold that waits
    # for a reader.
    os._exit(status)


def attempt(options: argparse.Namespace) -> int:
    """Do what the command line asks for; tell what went wrong; return the exit status."""
    try:
        return run(options)
    except StartError as error:
        say(f"rsp: {error}", sys.stderr)
    except Exception:  # a fault of ours: it must not be lost with this thread
        traceback.print_exc()
    return FAILED


def run(options: argparse.Namespace) -> int:
    """Check the configuration, or start, say so, and serve. Raises StartError."""
    config = overridden(options.config or read_config(options.file), options)
    if options.test:
        check(config, f"{options.file}: ")
        say(f"{options.file}: ok", sys.stdout)
        return 0
    raise_limit()
    listener = start(config)
    started.info("Started.  Listening on port %d.", listener.getsockname()[1])
    if config.kind == "relay":
        relay(listener, config.backend)
    else:
        serve_http(listener, config.backend, options=config.options)
    return FAILED  # nobody had asked it to return


def overridden(config: Config, options: argparse.Namespace) -> Config:
    """Return what is wanted: the command line's word counts more than the file's.

    Raises StartError where they do not go together.
    """
    if options.relay:
        return replace(config, kind="relay")
    if not options.access_log:
        return config
    if config.kind == "relay":
        raise StartError(f"{options.file}: listenKind is a relay, and {NO_EXCHANGES}")
    return replace(config, options=replace(config.options, access_log=options.access_log))


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return `file` or `config`, `test` and what the options say; exit where they are wrong."""
    parser = Parser(
        prog="rsp",
        usage=USAGE,
        description="Send what clients ask, in HTTP, to a backend, and its answers back to them.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("-t", "--test", action="store_true", help="only check the config file")
    parser.add_argument("--relay", action="store_true", help="pass bytes both ways, unread")
    parser.add_argument("--log", choices=LEVELS, default="info", help="what to log (default: info)")
    parser.add_argument(
        "--access-log",
        choices=ACCESS_LOGS,
        help="a line for each exchange, in which form (default: combined)",
    )
    parser.add_argument("--version", action="version", version=f"rsp {__version__}")
    options = parser.parse_args(argv)
    if options.relay and options.access_log:
        parser.error(f"with --relay {NO_EXCHANGES}")
    options.file, options.config = options.words[0] if options.words else "", None
    if len(options.words) == len(POSITIONALS) and not options.test:
        options.config = from_words(parser, options.words)
    elif len(options.words) != 1:
        wanted = "one config file" if options.test else "a config file, or three words"
        parser.error(f"it takes {wanted}, and there are {len(options.words)} words")
    elif not options.file.strip():
        parser.error(f"{options.file!r} is no config file")
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


def check(config: Config, where: str = "") -> None:
    """See whether the names in a configuration can be looked up. Raises StartError."""
    backend, port = config.backend, config.listen_port
    for what, address in {
        f"backend {backend}": backend,
        f"port {port}": Address(None, port),
    }.items():
        try:
            resolve(address)
        except OSError as error:
            raise StartError(f"{where}Couldn't find {what}: {error.strerror}") from error


def start(config: Config) -> socket.socket:
    """Return the listener, once the names are known to be good.

    Raises StartError, in one line: what could not be done, where, and why.
    """
    check(config)
    port = config.listen_port
    try:
        return listen(Address(None, port))
    except PermissionError as error:
        why = f"{error.strerror} (ports below 1024 are the system's)"
        raise StartError(f"Couldn't bind port {port}: {why}") from error
    except OSError as error:
        raise StartError(f"Couldn't bind port {port}: {error.strerror}") from error


def raise_limit() -> None:
    """Take as many descriptors as the system lets this process have: a client needs two."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS has a lower limit than it says; then it stays
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    now, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    log.debug("Limit of descriptors: %d, and it was %d.", now, soft)


def until_signal(work: Callable[[], int]) -> int:
    """Run `work` in a thread until it returns, or SIGINT or SIGTERM; return the exit status.

    At a signal the thread is left behind, whatever it waits for.
    """
    working = ThreadPoolExecutor(max_workers=1).submit(work)
    # When it ends by itself, that wakes the main thread, too.
    working.add_done_callback(lambda _: os.kill(os.getpid(), signal.SIGTERM))
    signal.sigwait(STOP_SIGNALS)
    return working.result() if working.done() else 0


def cut_off() -> None:
    """Let every connection end in a reset, for the process ends in the middle of its work.

    The kernel would end them as if all had been said. Not by the loop: nothing is waited for.
    """
    for fd in descriptors():
        with suppress(OSError):  # it is no socket, or has been closed just now
            sock = socket.socket(fileno=fd)
            reset_at_close(sock)
            sock.detach()


def descriptors() -> Iterable[int]:
    """Return the descriptors that are open, and perhaps some that are not."""
    try:
        return [int(name) for name in os.listdir("/dev/fd")]
    except OSError:  # even to look takes one, and all may be in use: then these are they
        return range(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def say(line: str, stream: TextIO) -> None:
    """Print one line at once, whatever is in it; that nobody reads it is no reason to stop."""
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)
    with suppress(OSError, UnicodeError):
        print(shown, file=stream, flush=True)
