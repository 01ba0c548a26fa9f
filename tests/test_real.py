"""The command with real programs on both sides of it: nginx and http.server, curl and Chromium."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from rsp.lab import HOST, running
from rsp.lab.proxies import Proxy, Serve
from rsp.net import Address, listen
from rsp.stages import s04_serial

PROGRAM, PLACES = str(Path(sys.executable).with_name("rsp")), ["0", "{host}", "{port}"]
RELAY = [PROGRAM, "--relay", *PLACES]
RSP = [PROGRAM, "--access-log", "off", *PLACES]
both = pytest.mark.parametrize("serve", [RSP, RELAY], ids=["http", "relay"])
PATIENCE = 20  # seconds for a program that has to start
CHROMIUM = [
    "chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
STYLES = {"one.css": "color: red", "two.css": "width: 123px", "three.css": "display: block"}
# Each style sheet changes one thing about the word, and the page tells when it was loaded.
PAGE = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>styled</title>
<link rel="icon" href="data:,">
{"".join(f'<link rel="stylesheet" href="/{name}">' for name in STYLES)}
</head>
<body>
<span id="word">styled</span>
<script>
addEventListener("load", () => {{
  const style = getComputedStyle(document.getElementById("word"));
  document.title = [style.color, style.width, style.display].join(" ");
}});
</script>
</body>
</html>
"""
SHOWN = "<title>rgb(255, 0, 0) 123px block</title>"
PATHS = ["/", *(f"/{name}" for name in STYLES)]
# nginx as a user who is not root, and as root; all that it writes goes into its folder.
CONFIGURATION = """
daemon off; pid nginx.pid; error_log error.log; {user}
events {{ }}
http {{
  access_log access.log;
  client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp;
  uwsgi_temp_path temp; scgi_temp_path temp;
  types {{ text/html html; text/css css; }}
  keepalive_timeout {keepalive};
  server {{ listen {place}; root www; }}
}}
"""


def needs(program: str) -> pytest.MarkDecorator:
    """Skip where a program is missing."""
    return pytest.mark.skipif(not shutil.which(program, path=PATH), reason=f"no {program} here")


PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])  # where Debian has nginx


class Nginx:
    """nginx at work, in a folder of its own."""

    def __init__(self, folder: Path, address: Address) -> None:
        self.folder, self.address = folder, address

    def requested(self) -> list[str]:
        """Return the paths that were asked for, in order: when it has ended, all are noted."""
        lines = (self.folder / "access.log").read_text(encoding="utf-8").splitlines()
        return [found[1] for line in lines if (found := re.search(r'"GET (\S+) HTTP', line))]


@contextmanager
def nginx(folder: Path, *, keepalive: str) -> Iterator[Nginx]:
    """Run nginx with the page and its style sheets, for the length of a `with`.

    It inherits its listener, as it does from an older nginx in an upgrade: so the port is free, and
    nobody is refused while it starts.
    """
    (folder / "www").mkdir()
    (folder / "www" / "index.html").write_text(PAGE, encoding="utf-8")
    for name, style in STYLES.items():
        (folder / "www" / name).write_text(f"#word {{ {style} }}\n", encoding="utf-8")
    with listen(Address(HOST, 0)) as listener:
        address = Address(HOST, listener.getsockname()[1])
        user = "user root;" if os.geteuid() == 0 else ""
        text = CONFIGURATION.format(user=user, keepalive=keepalive, place=address)
        (folder / "nginx.conf").write_text(text, encoding="utf-8")
        process = subprocess.Popen(
            ["nginx", "-p", folder, "-c", "nginx.conf", "-e", "error.log"],
            pass_fds=[listener.fileno()],
            env={**os.environ, "PATH": PATH, "NGINX": f"{listener.fileno()};"},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    try:
        yield Nginx(folder, address)
    finally:
        process.send_signal(signal.SIGQUIT)  # after what it is answering just now
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


@contextmanager
def http_server(folder: Path) -> Iterator[Address]:
    """Run Python's own server on a folder, for the length of a `with`."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", HOST, "-d", str(folder)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout
    try:
        line = process.stdout.readline()
        found = re.search(r"port (\d+)", line)
        assert found, line
        yield Address(HOST, int(found[1]))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def url(proxy: Proxy, path: str = "/") -> str:
    """Return where a browser finds a page."""
    return f"http://{proxy.address}{path}"


def output(command: Sequence[str | Path], patience: float = PATIENCE) -> str:
    """Run a program to its end; return what it printed."""
    said = subprocess.run(
        command, capture_output=True, text=True, timeout=patience, stdin=subprocess.DEVNULL
    )
    assert said.returncode == 0, said.stderr
    return said.stdout


CURL = ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "10"]


@needs("nginx")
@needs("curl")
@both
def test_curl_gets_a_page_of_nginx_and_its_style_sheets(
    serve: Sequence[str], tmp_path: Path
) -> None:
    with nginx(tmp_path, keepalive="0") as backend, running(serve, backend.address) as proxy:
        for path in PATHS:
            file = tmp_path / "www" / (path[1:] or "index.html")
            assert output([*CURL, url(proxy, path)]) == file.read_text(encoding="utf-8")
        assert proxy.log[1:] == []
    assert backend.requested() == PATHS


@needs("nginx")
@needs("curl")
@both
def test_curl_asks_for_all_files_at_once(serve: Sequence[str], tmp_path: Path) -> None:
    """Four connections, served side by side."""
    with nginx(tmp_path, keepalive="0") as backend, running(serve, backend.address) as proxy:
        pages = output([*CURL, "--parallel", *(url(proxy, path) for path in PATHS)])
    assert sorted(backend.requested()) == sorted(PATHS)
    assert all(style in pages for style in STYLES.values())


@needs("nginx")
@needs("chromium")
@both
def test_chromium_shows_a_page_with_its_style_sheets(serve: Sequence[str], tmp_path: Path) -> None:
    """What the style sheets say has come true on the page."""
    with nginx(tmp_path, keepalive="0") as backend, running(serve, backend.address) as proxy:
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        page = output([*CHROMIUM, profile, "--dump-dom", url(proxy)])
    assert SHOWN in page
    assert sorted(backend.requested()) == sorted(PATHS)


@needs("nginx")
@needs("curl")
@pytest.mark.parametrize("serve", [RELAY, s04_serial.serve], ids=["command", "s04"])
def test_only_the_first_stage_lets_the_next_client_wait_for_a_kept_connection(
    serve: Serve | Sequence[str], tmp_path: Path
) -> None:
    """The end of an answer is the end of the stream, and nginx ends it when it has waited.

    Whoever serves one client at a time waits with it; the command serves the next one meanwhile.
    """
    with nginx(tmp_path, keepalive="3s") as backend, running(serve, backend.address) as proxy:
        with socket.create_connection((HOST, proxy.port), timeout=2) as first:
            first.sendall(b"GET / HTTP/1.1\r\nHost: example.test\r\n\r\n")
            answer = b""
            while not answer.endswith(PAGE.encode()):  # its length tells a browser that it has all
                data = first.recv(4096)
                assert data
                answer += data
            command = [*CURL, "--header", "Connection: close", url(proxy)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as second:
                if serve is RELAY:
                    assert second.communicate(timeout=2)[0] == PAGE
                    first.sendall(b"GET /one.css HTTP/1.1\r\nHost: example.test\r\n\r\n")
                    assert first.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
                else:
                    with pytest.raises(subprocess.TimeoutExpired):
                        second.communicate(timeout=1)
                    assert second.communicate(timeout=PATIENCE)[0] == PAGE


@both
def test_pythons_own_client_and_server_meet(serve: Sequence[str], tmp_path: Path) -> None:
    """http.client checks what it gets: the status line, the length, the end."""
    (tmp_path / "page.html").write_text(PAGE, encoding="utf-8")
    with http_server(tmp_path) as backend, running(serve, backend) as proxy:
        for path, status in {"/page.html": 200, "/none.html": 404}.items():
            client = http.client.HTTPConnection(HOST, proxy.port, timeout=2)
            client.request("GET", path)
            answer = client.getresponse()
            body = answer.read()
            client.close()
            assert (answer.status, body == PAGE.encode()) == (status, status == 200)


def test_an_answer_without_a_head_stays_as_it_is(tmp_path: Path) -> None:
    """HTTP/0.9, which http.server speaks as well: nothing is added on the way."""
    (tmp_path / "page.html").write_text(PAGE, encoding="utf-8")
    with http_server(tmp_path) as backend, running(RELAY, backend) as proxy:
        with socket.create_connection((HOST, proxy.port), timeout=2) as client:
            client.sendall(b"GET /page.html\r\n\r\n")
            pieces = list(iter(lambda: client.recv(4096), b""))
    assert b"".join(pieces) == PAGE.encode()
