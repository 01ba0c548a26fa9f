"""The facts that stand with a measurement: the machine, the versions, the date."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import rsp
from tools.bench_loads import Load
from tools.bench_peers import Peer
from tools.bench_programs import VERSION, find, version

ROOT = Path(__file__).resolve().parent.parent
FILES = ":(glob)rsp/*.py"  # of the command; its stages and the lab are not measured


def now() -> str:
    """Return date and time, to the minute."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def machine() -> dict[str, str]:
    """Return what kind of machine this is."""
    return {
        "processor": processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": f"{platform.system()} {platform.release()}",
        "load average before": busy(),
    }


def busy() -> str:
    """Return how many processes wanted to run, on average, in the last minute."""
    return f"{os.getloadavg()[0]:.2f}"


def processor() -> str:
    """Return the name of the CPU, as far as the kernel tells it."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def versions(peers: list[Peer], loads: list[Load]) -> dict[str, str]:
    """Return the version of each program that takes part."""
    used = {"nginx", *(Path(peer.program).name for peer in peers), *(load.tool for load in loads)}
    there = {name: version(name) for name in VERSION if name in used and find(name)}
    return {"Python": platform.python_version(), **there}


def ours() -> str:
    """Return the version of rsp, the commit that changed it last, and a mark of what is not in git.

    Two calls that differ say that somebody has changed it meanwhile.
    """
    said = git("log", "-1", "--format=%h", "--", FILES)
    if not said:
        return rsp.__version__
    changed = git("diff", "HEAD", "--", FILES)
    mark = f" with changes {sha256(changed.encode()).hexdigest()[:8]}" if changed else ""
    return f"{rsp.__version__}, commit {said}{mark}"


def git(*words: str) -> str:
    """Return what git says of this checkout; "" where there is none."""
    try:
        said = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True)
    except OSError:
        return ""
    return said.stdout.strip()
