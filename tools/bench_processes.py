"""A program at work for the length of a `with`, and what it has cost: CPU and memory.

CPU is read in nanoseconds from schedstat of every thread: the ticks of `stat` are 10 ms. A thread
that has ended is no longer counted; the proxies here keep theirs.
Source: man 5 proc; Documentation/scheduler/sched-stats.rst of the kernel.
"""

import http.client
import os
import random
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from string import Template

from tools.bench_children import said, started
from tools.bench_peers import Peer
from tools.bench_programs import find, stream_module

HOST = "127.0.0.1"
PATIENCE = 10.0  # seconds for a program to start
LOOK = 0.02  # seconds between two looks whether it has
LOG = "output.log"
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST_PORT, HIGHEST_PORT = 10_000, 65_535  # above those of known services
ENOUGH = 1000  # ports to choose from


class BenchError(Exception):
    """The benchmark cannot go on; the message is one sentence."""


class Proxy:
    """A process and its children, which listen on `port`."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.name, self.process, self.port, self.log = name, process, port, log

    def __repr__(self) -> str:
        return f"<Proxy {self.name} on port {self.port}>"

    def cpu(self) -> float:
        """Return the seconds of CPU that all its threads have used until now."""
        return sum(map(cpu_of, family(self.process.pid)))

    def memory(self) -> tuple[int, int]:
        """Return RSS and PSS in bytes, all its processes together."""
        sizes = [memory_of(pid) for pid in family(self.process.pid)]
        return sum(rss for rss, _ in sizes), sum(pss for _, pss in sizes)

    def wait_for(self, path: str, size: int) -> None:
        """Wait until it answers a request for `path` with `size` bytes. Raises BenchError."""
        until = time.monotonic() + PATIENCE
        while (got := answer(self.port, path)) != (200, size):
            if self.process.poll() is not None:
                raise BenchError(f"{self.name} ended with {self.process.returncode}{self.said()}")
            if time.monotonic() > until:
                raise BenchError(
                    f"{self.name} answers {path} with {got}, not with {(200, size)}{self.said()}"
                )
            time.sleep(LOOK)

    def said(self) -> str:
        """Return the end of what it printed, as the end of a sentence."""
        return said(self.log)


def answer(port: int, path: str) -> tuple[int, int]:
    """Return status and size of one answer; status 0 where there was none."""
    client = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
    try:
        client.request("GET", path, headers={"Connection": "close"})
        got = client.getresponse()
        return got.status, sum(map(len, iter(lambda: got.read(1 << 20), b"")))
    except (OSError, http.client.HTTPException):
        return 0, 0
    finally:
        client.close()


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with suppress(OSError):
                # The name before it, in parentheses, may hold anything.
                text = Path("/proc", entry, "stat").read_text(errors="replace").rpartition(")")[2]
                parents[int(entry)] = int(text.split()[1])
    found = [pid]
    for one in found:  # which grows
        found += [child for child, parent in parents.items() if parent == one]
    return found


def cpu_of(pid: int) -> float:
    """Return the seconds of CPU of the threads of one process."""
    used = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError):  # the thread has just ended
            used += int(path.read_text().split()[0])
    return used / 1e9


def memory_of(pid: int) -> tuple[int, int]:
    """Return RSS and PSS of one process in bytes. Source: man 5 proc, smaps_rollup."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    sizes = dict(re.findall(r"^(Rss|Pss): +(\d+) kB", text, re.MULTILINE))
    return int(sizes["Rss"]) * 1024, int(sizes["Pss"]) * 1024


def free_port() -> int:
    """Return a port that nobody listens on just now.

    It is below those that the kernel gives to clients, of which there are thousands here.
    Source: Documentation/networking/ip-sysctl.rst, ip_local_port_range.
    """
    clients = int(RANGE.read_text().split()[0])
    # A machine may give clients nearly all ports; then it is one of these.
    above = clients if clients > LOWEST_PORT + ENOUGH else HIGHEST_PORT
    while True:
        port = random.randrange(LOWEST_PORT, above)
        with socket.socket() as sock, suppress(OSError):
            sock.bind((HOST, port))
            return port


@contextmanager
def proxying(peer: Peer, backend: int, folder: Path, clients: int) -> Iterator[Proxy]:
    """Run a peer before the backend on port `backend`, with room for `clients` at once."""
    port = free_port()
    values = {
        "PORT": port,
        "BACKEND": backend,
        "FOLDER": folder,
        "CLIENTS": clients,
        "CONNECTIONS": 2 * clients + 64,  # nginx counts both sides, and its listener
        "USER": "user root;" if os.geteuid() == 0 else "",
        "STREAM_MODULE": stream_module() or "",
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in peer.files.items():
        (folder / name).write_text(Template(text).safe_substitute(values), encoding="utf-8")
    program, *words = (Template(word).safe_substitute(values) for word in peer.command)
    with started([find(program) or program, *words], folder / LOG) as process:
        yield Proxy(peer.name, process, port, folder / LOG)
