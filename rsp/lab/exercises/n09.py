"""Checks of notebook 09."""

import errno
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable

from rsp.lab.apart import PATIENCE, run
from rsp.lab.backends import Backend
from rsp.lab.checks import exercise, expect
from rsp.lab.settings import HOST, TIMEOUT
from rsp.lab.silence import ELSEWHERE, black_hole
from rsp.lab.tempers import answering

Settings = Callable[[str, str], dict[str, str]]
KNOWN = ("listenPort", "backendAddress", "backendPort")
# Reads a configuration where RSP_SITE is the word behind it, or is not set.
READ = """
import os, sys
from rsp.config import ConfigError, read_config
os.environ.pop("RSP_SITE", None)
os.environ.update({"RSP_SITE": site} if (site := sys.argv[1]) else {})
try:
    config = read_config("rsp.lua")
    print("port", config.listen_port, "before", config.backend)
except ConfigError as error:
    print(error)
"""


@exercise("9.1")
def computes_a_port(configuration: Callable[[], str]) -> None:
    """8000 and the number of the site, in Lua: with it, without it, and with a larger one."""
    text = configuration()
    expect(isinstance(text, str), f"it returns {type(text).__name__}, not a text")
    for site, port in (("", 8000), ("1", 8001), ("12", 8012), ("1234", 9234)):
        ran = run([sys.executable, "-c", READ, site], {"rsp.lua": text}, PATIENCE)
        when = f"with RSP_SITE={site}" if site else "when RSP_SITE is not set"
        want = f"port {port} before localhost:8080"
        expect(ran.said == want, f"{when}: {ran.said or ran}; wanted is {want}")


@exercise("9.2")
def finds_what_was_meant(nearest: Callable[[str, Iterable[str]], str | None]) -> None:
    """Slips of the shift key and of a letter are found, and what is like nothing is not."""
    found = nearest("listenPort", KNOWN)
    kind = type(found).__name__
    expect(found is None or isinstance(found, str), f"it returns {kind}, not a name")
    expect(found == "listenPort", f"listenPort is known, and it finds {found}")
    for name, meant, slip in (
        ("listenport", "listenPort", "has one small letter"),
        ("LISTENPORT", "listenPort", "is all in capitals"),
        ("backendAdress", "backendAddress", "lacks a letter"),
        ("backendProt", "backendPort", "has two letters changed about"),
        ("backend_port", "backendPort", "has one character too many"),
    ):
        found = nearest(name, KNOWN)
        expect(found == meant, f"{name} {slip}, and it finds {found}")
    found = nearest("colour", KNOWN)
    expect(found is None, f"colour is like none of them, and it finds {found}")
    found = nearest("rsp_sit", ("RSP_HOME", "RSP_SITE"))
    expect(found == "RSP_SITE", f"RSP_SITE is known, rsp_sit is near, and it finds {found}")
    expect(nearest("listenPort", ()) is None, "where nothing is known it still finds something")


@exercise("9.3")
def tells_how_it_went(connect_code: Callable[[socket.socket], int]) -> None:
    """0, the errno, or ETIMEDOUT after a second."""
    with Backend(answering()) as up, Backend(answering(), up=False) as down:
        code = code_of(connect_code, HOST, up.port)
        expect(isinstance(code, int), f"it returns {type(code).__name__}, not a number")
        expect(code == 0, f"somebody listens there, and it gives {name_of(code)}")
        code = code_of(connect_code, HOST, down.port)
        expect(code == errno.ECONNREFUSED, f"nobody listens there, and it gives {name_of(code)}")
        if sys.platform != "linux":
            return  # there is no second address of loopback to make a black hole of
        with black_hole(up.port) as hole:
            # Whoever would wait for ever is told so when the hole has become a refusal.
            timer = threading.Timer(TIMEOUT, hole.close)
            timer.start()
            begun = time.monotonic()
            code = code_of(connect_code, ELSEWHERE, up.port)
            took = time.monotonic() - begun
            timer.cancel()
            timer.join()
        there = "at an address that does not answer"
        expect(code in {errno.ETIMEDOUT, errno.ECONNREFUSED}, f"{there} it gives {name_of(code)}")
        expect(code == errno.ETIMEDOUT, f"{there} it does not give up after a second")
        expect(took > 0.5, f"{there} it gives up at once, not after a second")


def code_of(connect_code: Callable[[socket.socket], int], host: str, port: int) -> int:
    """Return what is said of a connect that is underway; and the socket must still be open."""
    with socket.socket() as sock:
        sock.setblocking(False)
        sock.connect_ex((host, port))
        code = connect_code(sock)
        expect(sock.fileno() >= 0, "the socket is closed afterwards: its owner wants to use it")
        return code


def name_of(code: int) -> str:
    """Return an errno by its name."""
    return errno.errorcode.get(code, str(code))


GOOD = """-- where we listen
listenPort = 8000

backendAddress = localhost-- this machine
  -- and what we ask it for
path = /find?q=rsp
"""
READ_AS = {"listenPort": "8000", "backendAddress": "localhost", "path": "/find?q=rsp"}


@exercise("9.4")
def reads_or_refuses(read_settings: Settings) -> None:
    """A good text as a dict; a bad one refused with file and line."""
    found = read_settings(GOOD, "rsp.conf")
    expect(isinstance(found, dict), f"it returns {type(found).__name__}, not a dict")
    for name, value in READ_AS.items():
        expect(name in found, f"{name} is in the text, and it is not found")
        expect(found[name] == value, f"{name} is {value!r}, and it finds {found[name]!r}")
    extra = sorted(set(found) - set(READ_AS))
    expect(not extra, f"it finds {', '.join(map(repr, extra))} as well")
    for line, what in (
        ("listenPort 8000", "a line without ="),
        ("= 8000", "a line without a name"),
        ("backendPort =", "a line without a value"),
        ("backendPort = -- 8080", "a line with a comment in the place of its value"),
        ("listenPort = 9000", "a name that was set before"),
    ):
        refuses(read_settings, f"{GOOD}{line}\nlast = 1\n", "rsp.conf:7: ", what)
    refuses(read_settings, "x", "other.conf:1: ", "a file of one wrong line")


def refuses(read_settings: Settings, text: str, where: str, what: str) -> None:
    """A ValueError comes, and begins with file and line."""
    try:
        found = read_settings(text, where.partition(":")[0])
    except ValueError as error:
        said = str(error)
        expect(
            said.startswith(where), f"{what}: it says {said!r}, and that begins not with {where!r}"
        )
    else:
        expect(False, f"{what} is not refused: it gives {found}")
