"""The backend of the benchmark: nginx with fixed answers, from memory."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tools.bench_loads import HELLO, LOADS, Load
from tools.bench_peers import NGINX, NGINX_MAIN, TEMPORARY, Kind, Peer
from tools.bench_processes import Proxy, proxying

MEMORY = Path("/dev/shm")  # a tmpfs, on Linux
PIECE = b"0123456789abcdef" * 65536
CONFIGURATION = f"""{NGINX_MAIN}http {{
  access_log off; sendfile on; tcp_nodelay on; etag off;
  keepalive_timeout 600s; keepalive_requests 100000000;
  open_file_cache max=16;
{TEMPORARY}  server {{
    listen 127.0.0.1:$PORT backlog=4096;
    location / {{ return 200 "{HELLO.decode().strip()}\\n"; }}
    location /body/ {{ alias $FOLDER/body/; }}
  }}
}}
"""
BACKEND = Peer("backend", "", Kind.HTTP, "nginx", NGINX, {"nginx.conf": CONFIGURATION})


@contextmanager
def backend(loads: list[Load], clients: int) -> Iterator[Proxy]:
    """Run nginx with a file for each load that wants one, for the length of a `with`."""
    with ExitStack() as stack:
        where = MEMORY if MEMORY.is_dir() else None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rsp-", dir=where)))
        (folder / "body").mkdir()
        for load in loads:
            if load.path.startswith("/body/"):
                write(folder / load.path[1:], load.body)
        server = stack.enter_context(proxying(BACKEND, 0, folder, clients))
        server.wait_for("/", LOADS["keep-alive"].body)
        yield server


def write(path: Path, size: int) -> None:
    """Write a file of `size` bytes."""
    with path.open("wb") as file:
        while size:
            size -= file.write(PIECE[:size])
