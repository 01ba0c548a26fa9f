"""Which programs this machine has, where, and of what version."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tools.bench_peers import STREAM_MODULE, Peer

PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])  # Debian's
VERSION = {  # how each says its version, and what of that is it
    "nginx": ("-v", r"nginx/(\S+)"),
    "haproxy": ("-v", r"version (\S+)"),
    "caddy": ("version", r"v?(\d\S*)"),
    "wrk": ("-v", r"wrk (?:debian/)?(\S+)"),
    "ab": ("-V", r"Version (\S+)"),
}
PATIENCE = 10  # seconds for a program to say its version
MODULE = "ngx_stream_module.so"


def find(program: str) -> str | None:
    """Return the path of a program, or None where it is missing."""
    return shutil.which(program, path=PATH)


def said_by(program: str, word: str) -> str:
    """Return what a program prints when asked with one word; "" where it is missing."""
    path = find(program)
    if path is None:
        return ""
    said = subprocess.run(
        [path, word], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE
    )
    return said.stdout + said.stderr


def version(program: str) -> str:
    """Return the version of a program that is there."""
    word, pattern = VERSION[program]
    found = re.search(pattern, said_by(program, word))
    return found[1] if found else "unknown"


@cache
def stream_module() -> str | None:
    """Return the line by which nginx loads its stream module, "" if built in, None if missing.

    NGINX_MODULES may name a folder to look in first.
    """
    built = said_by("nginx", "-V")
    if re.search(r"--with-stream(\s|$)", built):
        return ""
    named = re.search(r"--modules-path=(\S+)", built)
    folders = [os.environ.get("NGINX_MODULES"), named and named[1], "/usr/lib/nginx/modules"]
    for folder in filter(None, folders):
        if (Path(folder) / MODULE).is_file():
            return f"load_module {Path(folder).resolve() / MODULE};"
    return None


def missing(peer: Peer) -> str:
    """Return what a peer lacks on this machine, "" if nothing."""
    if find(peer.program) is None:
        return f"no {peer.program} here"
    if any(STREAM_MODULE in text for text in peer.files.values()) and stream_module() is None:
        return "this nginx has no stream module (on Debian: libnginx-mod-stream)"
    return ""
