"""The contract, asked of proxies that are not ours: nginx and HAProxy, where they are installed.

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
from typing import NamedTuple

import pytest

from rsp.lab.contract import OUTCOMES, RIGHT, already_before
from rsp.net import Address
from tests.contract import Subject, difference

# Ninety experiments with programs that are not ours: they change when Debian does, not when we do.
pytestmark = pytest.mark.slow

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


STREAMS = "The first part of an answer does not wait for the rest"
HALF_CLOSED = "A client that half-closes after its request gets its answer"
SHORT = "An answer that ends too early reaches the client as far as it goes, and then ends"
RESET = "A backend's reset in the middle of an answer does not look like its end"
LEFT = "A backend at work for a client learns that the client has left"
CLIENTS_RESET = "A client's reset reaches the backend as a reset"
UNREAD = "While a client does not read its answer, the backend is made to wait with the rest"
STUCK_UPLOAD = "While a backend does not read an upload, its answer passes, and then the upload"
ECHO = "What a backend echoes comes back while the client has still more to say"
ENDS_FIRST = "A backend that ends its side first still gets the rest of an upload"


class Kind(NamedTuple):
    """A proxy of somebody else's: its program, file and command, and what it does otherwise."""

    program: str
    config: str
    words: tuple[str, ...]
    more: str
    differs: dict[str, str]


# nginx sends no request before it has all of it, and of an answer, no more than its length.
REQUEST_FIRST = {ECHO: "waits", ENDS_FIRST: "waits", STUCK_UPLOAD: "cut"}
ALL = "proxy_buffering off; proxy_ignore_client_abort on;"
KINDS = {
    # As it comes, nginx collects small parts of an answer, and takes a half-close for a farewell.
    "nginx": Kind(
        "nginx",
        NGINX,
        ("-p", "{folder}", "-c", "{file}"),
        "",
        {
            **REQUEST_FIRST,
            STREAMS: "waits",
            HALF_CLOSED: "lost",
            RESET: "waits",
            CLIENTS_RESET: "hides",
            UNREAD: "swallows",  # into a file of up to 1 GB
        },
    ),
    "nginx, told so": Kind(
        "nginx",
        NGINX,
        ("-p", "{folder}", "-c", "{file}"),
        ALL,
        {**REQUEST_FIRST, LEFT: "waits", CLIENTS_RESET: "waits"},
    ),
    # HAProxy answers 502 for what was too short from the start, and ends with a FIN in any case.
    "haproxy": Kind(
        "haproxy",
        HAPROXY,
        ("-db", "-f", "{file}"),
        "",
        {
            SHORT: "cut",
            RESET: "hides",
            LEFT: "waits",
            CLIENTS_RESET: "waits",
            ECHO: "cut",
            ENDS_FIRST: "waits",
        },
    ),
}


@pytest.fixture(scope="module", params=KINDS)
def foreign(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Subject]:
    """A proxy that runs, before a port of the test's."""
    kind = KINDS[request.param]
    program = shutil.which(kind.program, path=PATHS)
    if program is None:
        pytest.skip(f"{kind.program} is not installed")
    folder = tmp_path_factory.mktemp(kind.program)
    file = folder / "config"
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as reserved:
        # Bound but not listening: nobody else gets the port, and a backend may have it too.
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        port, backend = listener.getsockname()[1], reserved.getsockname()[1]
        names: dict[str, object] = {"folder": folder, "file": file, "more": kind.more}
        names |= {"port": port, "backend": backend, "fd": listener.fileno()}
        names["user"] = pwd.getpwuid(os.getuid()).pw_name
        names["group"] = grp.getgrgid(os.getgid()).gr_name
        file.write_text(kind.config.format(**names))
        process = subprocess.Popen(
            [program, *(word.format(**names) for word in kind.words)],
            env={
                **os.environ,
                "NGINX": f"{listener.fileno()};",
            },  # how nginx hands its listeners on
            pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        with process:
            try:
                yield Subject(
                    request.param, "", already_before(Address("127.0.0.1", port), backend)
                )
            finally:
                process.terminate()


@pytest.mark.parametrize("text", OUTCOMES)
def test_a_proxy_of_somebody_elses_can_be_asked(foreign: Subject, text: str) -> None:
    """What it does otherwise is known; the contract asks nothing that only ours could do."""
    expected = KINDS[foreign.name].differs.get(text, RIGHT)
    found = difference(foreign, text)
    assert f" shows {expected} " in found if expected != RIGHT else found == ""
