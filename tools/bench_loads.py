"""The loads: what clients ask, how many at once, and the programs that play them.

The clients and the backend run in processes of their own; only the proxy's CPU is counted.
"""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.bench_children import said, started
from tools.bench_processes import HOST, BenchError
from tools.bench_programs import find

MIB = 1 << 20
HEADS = Path(__file__).with_name("bench_heads.lua")
HELLO = b"hello world\n"
TIMEOUT = 10  # seconds after which a client gives up on an answer
GRACE = 30  # seconds for the program to end by itself
REQUESTS = 1_000_000  # that ab makes room for: more than it can ask in the longest sample
FIELDS = ["User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"]
FIELDS += ["Accept-Language: en-GB,en;q=0.7", "Accept-Encoding: gzip, deflate, br"]
COOKIE = "session=0028802300009e37"


@dataclass(frozen=True)
class Load:
    """What the clients do, for as long as a sample lasts."""

    name: str
    words: str
    path: str
    body: int  # bytes of each answer
    connections: int
    close: bool = False  # each request on a connection of its own
    everyday: bool = True  # False: only with --all

    @property
    def per(self) -> str:
        """Return what its cost is counted by: bodies by their size, all else by the request."""
        return "MiB" if self.body >= MIB else "request"

    @property
    def tool(self) -> str:
        """Return the program that plays it."""
        return "ab" if self.close and find("ab") else "wrk"


LOADS = {
    load.name: load
    for load in [
        Load("keep-alive", "Kept connections, 12 bytes", "/", len(HELLO), 32),
        Load("connect", "A connection for each request, 12 bytes", "/", len(HELLO), 32, close=True),
        Load("10k", "Bodies of 10 KiB", "/body/10k", 10 * 1024, 32, everyday=False),
        Load("1m", "Bodies of 1 MiB", "/body/1m", MIB, 32),
        Load("100m", "Bodies of 100 MiB", "/body/100m", 100 * MIB, 4, everyday=False),
    ]
}


@dataclass(frozen=True)
class Played:
    """What the clients counted; see tools.bench_record.Sample for the words."""

    requests: int
    size: int
    seconds: float
    p50: float
    p99: float
    errors: dict[str, int]


def play(load: Load, port: int, seconds: int, folder: Path) -> Played:
    """Ask the proxy on `port` for as long as `seconds`. Raises BenchError."""
    url = f"http://{HOST}:{port}{load.path}"
    if load.tool == "ab":
        return played_by_ab(load, url, seconds, folder)
    command = ["wrk", "-t1", f"-c{load.connections}", f"-d{seconds}s", f"--timeout={TIMEOUT}s"]
    command += ["-H", "Connection: close"] if load.close else []
    text = output([*command, "-s", str(HEADS), url], seconds, folder)
    found = re.search(r"^\{.*\}$", text, re.MULTILINE)
    if not found:
        raise BenchError(f"wrk did not tell what it had counted: {text.strip()[-300:]}")
    counted: dict[str, Any] = json.loads(found[0])
    return Played(**counted)


def played_by_ab(load: Load, url: str, seconds: int, folder: Path) -> Played:
    """Play with ab. One connection a request is all that it does, as HTTP/1.0 has it."""
    percent = folder / "percent.csv"
    command = ["ab", "-q", "-r", f"-c{load.connections}", f"-t{seconds}", f"-n{REQUESTS}"]
    command += [f"-s{TIMEOUT}", "-e", str(percent), "-C", COOKIE]
    command += [word for field in FIELDS for word in ("-H", field)]
    text = output([*command, url], seconds, folder)

    def number(label: str) -> float:
        found = re.search(rf"^{label}: +([\d.]+)", text, re.MULTILINE)
        return float(found[1]) if found else 0

    times = dict(re.findall(r"^(\d+),([\d.]+)$", percent.read_text(), re.MULTILINE))
    failed = {"failed": int(number("Failed requests")), "status": int(number("Non-2xx responses"))}
    return Played(
        int(number("Complete requests")),
        int(number("Total transferred")),
        number("Time taken for tests"),
        float(times["50"]) / 1000,  # ab tells milliseconds
        float(times["99"]) / 1000,
        failed,
    )


def output(command: list[str], seconds: int, folder: Path) -> str:
    """Run a client program to its end; return what it printed. Raises BenchError."""
    log = folder / f"{command[0]}.log"
    with started([find(command[0]) or command[0], *command[1:]], log) as process:
        try:
            status = process.wait(seconds + GRACE)
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"{command[0]} did not end after {seconds} seconds") from error
    if status != 0:
        raise BenchError(f"{command[0]} ended with {status}{said(log)}")
    return log.read_text(encoding="utf-8", errors="replace")
