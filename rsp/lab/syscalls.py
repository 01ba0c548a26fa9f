"""The system calls of a run, by strace: what Python asks of the kernel, beside the post's C.

Where there is no strace, or it may not look, a recording made on Linux is shown, and says so.
`RSP_LAB_RECORD=1` makes the recordings anew.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import NamedTuple

from rsp.lab.backends import Backend
from rsp.lab.clients import fetch
from rsp.lab.names import with_names
from rsp.lab.running import running
from rsp.lab.settings import TIMEOUT, Stuck
from rsp.lab.tables import print_table

PATIENCE = 10 * TIMEOUT  # seconds for a script and for its strace
RECORDINGS = Path(__file__).with_name("recordings.json")
STRACE = ("strace", "-f", "-yy", "-s", "24", "-e", "trace=network,read,write,close", "-o")
# The stage of post 1 alone: the command does more, and in another order.
STAGE = """
from rsp.net import Address, listen
from rsp.stages.s04_serial import serve
listener = listen(Address("127.0.0.1", 0))
print("Listening on port", listener.getsockname()[1], flush=True)
serve(listener, Address("{host}", "{port}"))
"""
BEGIN = 'write(-1, "begin"'  # a call that fails, and that only a traced script makes
IN_PYTHON = {
    "socket": "socket()",
    "connect": ".connect()",
    "setsockopt": ".setsockopt()",
    "bind": ".bind()",
    "listen": ".listen()",
    "accept4": ".accept()",
    "getsockname": ".getsockname()",
    "sendto": ".sendall()",
    "recvfrom": ".recv()",
    "shutdown": ".shutdown()",
    "close": ".close()",
}
IN_C = {
    "accept4": " (accept)",
    "sendto": " (write)",
    "recvfrom": " (read)",
}  # in the post; else alike
LINE = re.compile(r"(?P<name>\w+)\((?P<rest>.*)\)\s+= (?P<result>-?\d+)(?P<more>.*)")
SOCKET = re.compile(r"\d+<TCP(?:v6)?:\[(?P<ends>.*?)\]>")
PORTS = re.compile(r":(\d+)")


class Call(NamedTuple):
    """One system call: its name, on which socket, with what, and what it gave."""

    name: str
    socket: str
    what: str
    result: str


class Trace:
    """The system calls of a run, in order."""

    def __init__(self, calls: list[Call], *, recorded: bool = False) -> None:
        self.calls, self.recorded = calls, recorded

    def __iter__(self) -> Iterator[Call]:
        return iter(self.calls)

    def __len__(self) -> int:
        return len(self.calls)

    def __repr__(self) -> str:
        return f"<Trace: {', '.join(self.names)}>"

    @property
    def names(self) -> list[str]:
        """The names of the calls, as the kernel has them."""
        return [call.name for call in self]

    def table(self) -> None:
        """Print the calls: what the kernel sees, in Python, in the post's C."""
        rows = [
            (IN_PYTHON.get(call.name, ""), call.name + IN_C.get(call.name, ""), *call[1:])
            for call in self
        ]
        print_table(["in Python", "system call (in C)", "on", "with", "gave"], rows)
        if self.recorded:
            what = "recorded on Linux" if self.calls else "nothing was recorded"
            print(f"({what}: strace is not to be had here)")


def trace(script: str, *, setup: str = "", keep: str = "") -> Trace:
    """Run `setup`, then `script`, in a Python of its own; return the socket calls of the script.

    `keep` is the recording's name. Raises RuntimeError when the script fails.
    """
    if not can_trace():
        return recording(keep)
    program = f"import os\n{setup}\ntry: os.write(-1, b'begin')\nexcept OSError: pass\n{script}\n"
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "calls"
        run([*STRACE, str(output), sys.executable, "-c", program])
        return made(calls_in(output.read_text(), begin=BEGIN), keep)


def run(words: list[str]) -> None:
    """Run a script under strace. Raises RuntimeError with its last word, Stuck when it waits."""
    with subprocess.Popen(
        words, stdout=DEVNULL, stderr=PIPE, text=True, start_new_session=True
    ) as process:
        try:
            _, complaints = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise Stuck(f"the script did not end within {PATIENCE:g} s") from None
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # strace alone would leave the script behind
    if process.returncode:
        last_line = complaints.strip().rpartition("\n")[2]
        raise RuntimeError(f"the script failed: {last_line}")


def trace_proxy(backend: Backend, *, keep: str = "proxy") -> Trace:
    """Run the stage of post 1 before `backend`; return the socket calls of its second request.

    The first one also loads what Python needs only once.
    """
    if not can_trace():
        return recording(keep)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "calls"
        with running([*STRACE, str(output), sys.executable, "-c", STAGE], backend) as proxy:
            for _ in range(2):
                fetch(proxy)
        calls = calls_in(output.read_text())
        accepted = [place for place, call in enumerate(calls) if call.name == "accept4"]
        if len(accepted) < 2:
            raise Stuck(f"the proxy's calls were not seen: {calls}")
        end = accepted[2] if len(accepted) > 2 else len(calls)
        return made(calls[accepted[1] : end], keep)


def can_trace() -> bool:
    """Tell whether strace is there and may look at a child of ours."""
    if os.environ.get("RSP_LAB_NO_STRACE") or not shutil.which("strace"):
        return False
    words = ["strace", "-o", os.devnull, sys.executable, "-c", ""]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def calls_in(text: str, begin: str = "") -> list[Call]:
    """Return the calls on TCP sockets in what strace wrote, after `begin`."""
    calls: list[Call] = []
    started = not begin
    for line in whole_lines(text):
        started = started or begin in line
        found = LINE.match(line)
        if started and found and ("<TCP" in line or found["name"] == "socket"):
            calls.append(call_of(found))
    return [call for call in calls if call.name in IN_PYTHON]


def whole_lines(text: str) -> Iterator[str]:
    """Yield each call as one line: with several threads strace cuts one that waits in two."""
    begun: dict[str, str] = {}
    for line in text.splitlines():
        pid, _, call = line.partition(" ")
        call = call.strip()
        if call.endswith("<unfinished ...>"):
            begun[pid] = call.removesuffix("<unfinished ...>").rstrip()
        elif resumed := re.match(r"<\.\.\. \w+ resumed>(.*)", call):
            yield begun.pop(pid, "") + resumed[1]
        else:
            yield call


def call_of(found: re.Match[str]) -> Call:
    """Return what one line says."""
    rest, name = found["rest"], found["name"]
    result = found["result"]
    if result == "-1":
        result = found["more"].split()[0] if found["more"].split() else "-1"
    on = SOCKET.match(rest)
    if name == "socket":
        return Call(
            name, "", ", ".join(word.split("|")[0] for word in rest.split(", ")[:2]), result
        )
    return Call(name, socket_name(on["ends"] if on else ""), what_of(name, rest), result)


def socket_name(ends: str) -> str:
    """Return which socket: by the lab's names of its two ends."""
    _, arrow, far = ends.partition("->")
    ports = PORTS.findall(far if arrow else ends)
    if not ports:
        return "a new socket"
    named = with_names(ports[-1])
    if arrow:
        return "to the backend" if named.startswith("<backend") else "to the client"
    return "the listener"


def what_of(name: str, rest: str) -> str:
    """Return what is worth knowing of a call's arguments."""
    if name in {"sendto", "recvfrom"}:
        text = re.search(r'"((?:[^"\\]|\\.)*)"', rest)
        first = text[1].split("\\r\\n")[0] if text else ""
        return f"“{first}…”" if first else "nothing: the end"
    if name in {"connect", "bind"}:
        port = re.search(r"htons\((\d+)\)", rest)
        host = re.search(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"', rest)
        where = (host[1] or host[2]) if host else "?"
        return f"{where}:{with_names(port[1]) if port else '?'}"
    if name == "setsockopt":
        return ", ".join(rest.split(", ")[1:4])
    if name == "listen":
        return f"backlog {rest.rpartition(', ')[2]}"
    return ""


def made(calls: list[Call], keep: str) -> Trace:
    """Return the trace; keep it as the recording where that is asked for."""
    if keep and os.environ.get("RSP_LAB_RECORD"):
        known = json.loads(RECORDINGS.read_text()) if RECORDINGS.is_file() else {}
        known[keep] = calls
        text = json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False)
        RECORDINGS.write_text(text + "\n", encoding="utf-8")
    return Trace(calls)


def recording(keep: str) -> Trace:
    """Return what was recorded under that name."""
    known = json.loads(RECORDINGS.read_text(encoding="utf-8"))
    return Trace([Call(*call) for call in known.get(keep, [])], recorded=True)
