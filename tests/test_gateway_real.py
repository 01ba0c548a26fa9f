"""The gateway with real clients before it, and real servers behind it."""

import http.client
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rsp.gateway import serve
from rsp.lab import HOST, running
from rsp.lab.proxies import Proxy
from rsp.net import Address

CURL = ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "10"]
BODY = b"0123456789abcdef" * 65_536  # 1 MiB
needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")


class Handler(BaseHTTPRequestHandler):
    """Python's own server: it tells what it got."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer(200, BODY if self.path == "/large" else b"hello\n")

    do_HEAD = do_GET  # noqa: N815  (its names)

    def do_PUT(self) -> None:
        """Take the body, however it is framed, and say how long it was."""
        if self.path == "/early":  # before the body has come
            self.close_connection = True
            self.answer(413, b"too much\n")
            return
        if self.headers["Transfer-Encoding"] == "chunked":
            size = 0
            while count := int(self.rfile.readline(), 16):
                size += len(self.rfile.read(count))
                self.rfile.readline()
            self.rfile.readline()
        else:
            size = len(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(200, b"%d\n" % size)

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def gateway() -> Iterator[Proxy]:
    """Run the gateway before Python's own server."""
    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            with running(serve, Address(HOST, str(server.server_address[1]))) as proxy:
                yield proxy
        finally:
            server.shutdown()
            thread.join()


def curl(*arguments: str | Path) -> bytes:
    """Run curl to its end; return what it printed."""
    done = subprocess.run([*CURL, *arguments], capture_output=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def upload(tmp_path: Path) -> str:
    """A file of 1 MiB."""
    path = tmp_path / "upload"
    path.write_bytes(BODY)
    return str(path)


@needs_curl
class TestCurl:
    @pytest.mark.parametrize("version", ["--http1.0", "--http1.1"])
    @pytest.mark.parametrize(("path", "body"), [("/", b"hello\n"), ("/large", BODY)])
    def test_gets_a_page(self, version: str, path: str, body: bytes) -> None:
        with gateway() as proxy:
            assert curl(version, f"http://{proxy.address}{path}") == body

    def test_gets_several_on_one_connection(self) -> None:
        """It tells how many it has made."""
        with gateway() as proxy:
            urls = [f"http://{proxy.address}/{number}" for number in range(4)]
            made = curl("--write-out", "%{num_connects}\n", *urls)
        assert made.split() == b"hello 1 hello 0 hello 0 hello 0".split()

    def test_asks_for_the_head_alone(self) -> None:
        with gateway() as proxy:
            head = curl("--head", f"http://{proxy.address}/large")
        assert b"\r\nContent-Length: %d\r\n" % len(BODY) in head

    @pytest.mark.parametrize(
        "options",
        [
            [],
            ["--http1.0"],
            ["--header", "Transfer-Encoding: chunked"],
            ["--expect100-timeout", "5"],
            ["--header", "Expect:"],
        ],
        ids=["length", "http1.0", "chunked", "expect", "no expect"],
    )
    def test_uploads(self, options: list[str], upload: str) -> None:
        """1 MiB, with and without waiting for a 100."""
        with gateway() as proxy:
            said = curl(*options, "--upload-file", upload, f"http://{proxy.address}/")
        assert said == b"%d\n" % len(BODY)

    @pytest.mark.parametrize("options", [[], ["--header", "Expect:"]], ids=["expect", "at once"])
    def test_hears_an_early_answer(self, options: list[str], upload: str) -> None:
        """The server closes with the upload unread, which is a reset; the answer arrives."""
        with gateway() as proxy:
            said = curl(*options, "--upload-file", upload, f"http://{proxy.address}/early")
        assert said == b"too much\n"

    def test_that_stops_early_is_nobody_elses_trouble(self) -> None:
        """It reads a little of a large answer, and closes."""
        with gateway() as proxy:
            command = [*CURL, f"http://{proxy.address}/large"]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
                assert process.stdout
                os.read(process.stdout.fileno(), 100)
                process.kill()
            assert curl(f"http://{proxy.address}/") == b"hello\n"


class TestHttpClient:
    def test_asks_again_and_again(self) -> None:
        """http.client checks what it gets: the status line, the length, who may stay."""
        with gateway() as proxy:
            client = http.client.HTTPConnection(HOST, proxy.port, timeout=5)
            for path, body in (("/", b"hello\n"), ("/large", BODY), ("/", b"hello\n")):
                client.request("GET", path)
                answer = client.getresponse()
                assert answer.read() == body
                assert not answer.will_close
            client.close()

    def test_uploads_in_chunks(self) -> None:
        with gateway() as proxy:
            client = http.client.HTTPConnection(HOST, proxy.port, timeout=5)
            client.request("PUT", "/", iter([BODY[:10], BODY[10:]]), encode_chunked=True)
            assert client.getresponse().read() == b"%d\n" % len(BODY)
            client.close()

    def test_hears_an_early_answer_behind_its_upload(self) -> None:
        """It reads nothing before all of it has gone."""
        with gateway() as proxy:
            client = http.client.HTTPConnection(HOST, proxy.port, timeout=5)
            client.request("PUT", "/early", BODY)
            answer = client.getresponse()
            assert (answer.status, answer.read()) == (413, b"too much\n")
            client.close()
