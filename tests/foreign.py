"""Proxies of somebody else's, nginx and HAProxy, at work before a port of the test's.

Each gets its listener from the test, so that it is ready before it has even started: whoever
comes early waits in the kernel's queue.
"""

import grp
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rsp.net import Address

PATHS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])

NGINX = """
daemon off; worker_processes 1; user {user} {group}; pid {folder}/pid; error_log {folder}/log;
events {{ worker_connections 256; }}
http {{
  access_log off; client_max_body_size 0;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{backend};
      proxy_http_version 1.1;
      {more}
    }}
  }}
}}
"""
HAPROXY = """
defaults
  mode http
  retries 0
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend f
  bind fd@{fd}
  default_backend b
backend b
  server s 127.0.0.1:{backend}
"""

WORDS = {
    "nginx": ("-p", "{folder}", "-c", "{file}"),
    "haproxy": ("-db", "-f", "{file}"),
}
CONFIGS = {"nginx": NGINX, "haproxy": HAPROXY}


def path_of(program: str) -> str:
    """Return where a program is; skip the test where it is not installed."""
    path = shutil.which(program, path=PATHS)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


@contextmanager
def standing(program: str, folder: Path, more: str = "") -> Iterator[tuple[Address, int]]:
    """Run a proxy; give where it listens, and the port of its backend, which is reserved."""
    path, file = path_of(program), folder / "config"
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as reserved:
        # Bound but not listening: nobody else gets the port, and a backend may have it too.
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        port, backend = listener.getsockname()[1], reserved.getsockname()[1]
        names: dict[str, object] = {"folder": folder, "file": file, "more": more}
        names |= {"port": port, "backend": backend, "fd": listener.fileno()}
        names["user"] = pwd.getpwuid(os.getuid()).pw_name
        names["group"] = grp.getgrgid(os.getgid()).gr_name
        file.write_text(CONFIGS[program].format(**names))
        process = subprocess.Popen(
            [path, *(word.format(**names) for word in WORDS[program])],
            env={**os.environ, "NGINX": f"{listener.fileno()};"},  # how nginx hands them on
            pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        with process:
            try:
                yield Address("127.0.0.1", str(port)), backend
            finally:
                process.terminate()
