"""A web server of Python's own for real clients: pages, ranges, uploads, events, and git by CGI."""

import hashlib
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from rsp.gateway import serve
from rsp.lab import HOST, TIMEOUT, running
from rsp.lab.proxies import Proxy
from rsp.net import Address

LARGE = b"0123456789abcdef" * 65_536  # 1 MiB
EVENTS = 3
PAGE = """<!doctype html><title>waiting</title>
<form action="/upload" method="post" enctype="multipart/form-data">
<input type="file" name="file"><button>Send</button></form>
<script>
const source = new EventSource("/events");
const seen = [];
source.onmessage = async event => {
  seen.push(event.data);
  if (seen.length === 3) { source.close(); document.title = seen.join(" "); }
  else await fetch("/next");  // only then comes the next one
};
</script>
"""


def digest(data: bytes) -> bytes:
    """Return what an upload is told of its body: how long it was, and its sum."""
    return b"%d %b\n" % (len(data), hashlib.sha256(data).hexdigest().encode())


class Handler(BaseHTTPRequestHandler):
    """One client; it tells what it got."""

    protocol_version = "HTTP/1.1"
    server: "WebServer"

    def do_GET(self) -> None:
        """Serve a page, a part of one, events, or git."""
        if self.path.startswith("/git/"):
            self.run_git(b"")
        elif self.path == "/events":
            self.stream_events()
        elif self.path == "/next":
            self.server.go_on.release()
            self.answer(204, b"")
        elif self.path == "/page":
            self.answer(200, PAGE.encode(), Content_Type="text/html")
        else:
            self.send_page(LARGE if self.path.startswith("/large") else b"hello\n")

    do_HEAD = do_GET  # noqa: N815  (its names)

    def do_POST(self) -> None:
        """Take an upload, and tell what came; or let git have it."""
        if self.path == "/early":  # before the body has come
            self.close_connection = True
            self.answer(413, b"too much\n")
            return
        body = self.body()
        if self.path.startswith("/git/"):
            self.run_git(body)
        else:
            self.answer(200, digest(body), X_Coding=self.headers["Transfer-Encoding"] or "none")

    do_PUT = do_POST  # noqa: N815

    def body(self) -> bytes:
        """Return the request's body, however it is framed."""
        if self.headers["Transfer-Encoding"] != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        parts = []
        while count := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(count))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def send_page(self, body: bytes) -> None:
        """Send a page, or the range of it that was asked for."""
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers["Range"] or "")
        if not found:
            self.answer(200, body)
            return
        start, end = int(found[1]), int(found[2] or len(body) - 1)
        where = f"bytes {start}-{end}/{len(body)}"
        self.answer(206, body[start : end + 1], Content_Range=where)

    def stream_events(self) -> None:
        """Send events without a length, each after the first when somebody has asked for it."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for number in range(EVENTS):
            self.wfile.write(b"data: event-%d\n\n" % number)
            self.wfile.flush()
            if number + 1 < EVENTS and not self.server.go_on.acquire(timeout=5 * TIMEOUT):
                return

    def run_git(self, body: bytes) -> None:
        """Let `git http-backend` answer, as a web server does by CGI (RFC 3875)."""
        path, _, query = self.path.removeprefix("/git").partition("?")
        variables = {
            "GIT_PROJECT_ROOT": str(self.server.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers["Git-Protocol"] or "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "REMOTE_ADDR": HOST,
            "CONTENT_TYPE": self.headers["Content-Type"] or "",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers["Content-Encoding"] or "",
        }
        done = subprocess.run(
            ["git", "http-backend"],
            env={**os.environ, **variables},
            input=body,
            capture_output=True,
            timeout=20,
            check=True,
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        pairs = (line.split(": ", 1) for line in head.decode().split("\r\n"))
        fields = {name.replace("-", "_"): value for name, value in pairs}
        self.answer(int(fields.pop("Status", "200").split()[0]), content, **fields)

    def answer(self, status: int, body: bytes, **fields: str) -> None:
        """Send a response with its length."""
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class WebServer(ThreadingHTTPServer):
    """The server; it has git's repositories in `folder`."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__((HOST, 0), Handler)
        self.folder = folder
        self.go_on = threading.Semaphore(0)


@contextmanager
def web(folder: Path) -> Iterator[Proxy]:
    """Run the gateway before such a server."""
    with WebServer(folder) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            with running(serve, Address(HOST, str(server.server_address[1]))) as proxy:
                yield proxy
        finally:
            server.shutdown()
            thread.join()
