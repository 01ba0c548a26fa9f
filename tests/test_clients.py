"""Real clients through the gateway: programs and libraries, each as its users use it."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import httpx
import pytest
import requests  # type: ignore[import-untyped]

from rsp.lab.proxies import Proxy
from tests.web_server import LARGE, digest, web

CURL = ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "10"]
WGET = ["wget", "--quiet", "--no-proxy", "--tries=1", "--timeout=10", "--output-document=-"]
TOO_LATE = 20  # seconds for a program
MANY = 20  # requests at once

# Several clients in one, for Node keeps its connections: a page, uploads of both kinds, an end.
NODE = """
const base = process.argv[1], body = "0123456789abcdef".repeat(65536);
const say = async answer => console.log(answer.status, (await answer.text()).trim().slice(0, 90));
const parts = new ReadableStream({start(to) {
  to.enqueue(new TextEncoder().encode(body.slice(0, 10)));
  to.enqueue(new TextEncoder().encode(body.slice(10)));
  to.close();
}});
(async () => {
  await say(await fetch(base + "/"));
  await say(await fetch(base + "/", {method: "POST", body}));
  await say(await fetch(base + "/", {method: "PUT", body: parts, duplex: "half"}));
  const all = await Promise.all([...Array(20).keys()].map(() => fetch(base + "/large")));
  console.log((await Promise.all(all.map(one => one.arrayBuffer())))
    .every(one => one.byteLength === body.length));
})();
"""


def needs(program: str) -> pytest.MarkDecorator:
    """Skip where a program is not installed."""
    return pytest.mark.skipif(not shutil.which(program), reason=f"no {program} here")


def run(command: list[str], data: bytes = b"", **variables: str) -> bytes:
    """Run a program to its good end; return what it printed."""
    done = subprocess.run(
        command,
        env={**os.environ, **variables},
        input=data,
        capture_output=True,
        timeout=TOO_LATE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the gateway is; one for all, as clients find it."""
    with web(tmp_path_factory.mktemp("repositories")) as proxy:
        yield f"http://{proxy.address}"


@needs("curl")
class TestCurl:
    @pytest.mark.parametrize("version", ["--http1.0", "--http1.1"])
    def test_asks_for_a_range(self, version: str, url: str) -> None:
        assert run([*CURL, version, "--range", "10-19", f"{url}/large"]) == LARGE[10:20]

    def test_goes_on_with_a_download(self, url: str, tmp_path: Path) -> None:
        """The first part is here already."""
        part = tmp_path / "part"
        part.write_bytes(LARGE[:1000])
        run([*CURL, "--continue-at", "-", "--output", str(part), f"{url}/large"])
        assert part.read_bytes() == LARGE

    @pytest.mark.parametrize(
        "more", [[], ["--expect100-timeout", "5", "--header", "Expect: 100-continue"]]
    )
    def test_uploads_from_a_pipe(self, more: list[str], url: str) -> None:
        """It does not know the length, and sends chunks."""
        said = run([*CURL, *more, "--upload-file", "-", f"{url}/"], LARGE)
        assert said == digest(LARGE)

    def test_uploads_a_form(self, url: str) -> None:
        said = run([*CURL, "--form", "file=@-", f"{url}/"], LARGE)
        assert int(said.split()[0]) > len(LARGE)

    def test_hears_an_early_answer_to_a_pipe(self, url: str) -> None:
        said = run([*CURL, "--upload-file", "-", f"{url}/early"], LARGE)
        assert said == b"too much\n"

    def test_many_at_once(self, url: str, tmp_path: Path) -> None:
        """Over as many connections as it likes."""
        files = ["--output", f"{tmp_path}/#1"]
        run([*CURL, "--parallel", *files, f"{url}/large?[1-{MANY}]"])
        assert [path.read_bytes() == LARGE for path in tmp_path.iterdir()] == [True] * MANY


@needs("wget")
class TestWget:
    def test_gets_pages_on_one_connection(self, url: str) -> None:
        assert run([*WGET, f"{url}/", f"{url}/large", f"{url}/"]) == b"hello\n" + LARGE + b"hello\n"

    def test_posts_a_file(self, url: str, tmp_path: Path) -> None:
        (tmp_path / "upload").write_bytes(LARGE)
        assert run([*WGET, f"--post-file={tmp_path}/upload", f"{url}/"]) == digest(LARGE)

    def test_goes_on_with_a_download(self, url: str, tmp_path: Path) -> None:
        (tmp_path / "large").write_bytes(LARGE[:1000])
        command = [*WGET[:-1], "--continue", "--directory-prefix", str(tmp_path), f"{url}/large"]
        run(command)
        assert (tmp_path / "large").read_bytes() == LARGE


class TestRequests:
    @pytest.fixture
    def session(self) -> Iterator[requests.Session]:
        with requests.Session() as session:
            session.trust_env = False
            yield session

    def test_gets_and_posts(self, session: requests.Session, url: str) -> None:
        for _ in range(3):
            assert session.get(f"{url}/large", timeout=5).content == LARGE
            assert session.post(f"{url}/", LARGE, timeout=5).content == digest(LARGE)

    def test_uploads_in_chunks(self, session: requests.Session, url: str) -> None:
        """What it sends in chunks goes on in chunks."""
        answer = session.put(f"{url}/", iter([LARGE[:10], LARGE[10:]]), timeout=5)
        assert answer.content == digest(LARGE)
        assert answer.headers["X-Coding"] == "chunked"

    def test_streams(self, session: requests.Session, url: str) -> None:
        with session.get(f"{url}/large", stream=True, timeout=5) as answer:
            assert b"".join(answer.iter_content(1000)) == LARGE

    def test_leaves_in_the_middle(self, session: requests.Session, url: str) -> None:
        with session.get(f"{url}/large", stream=True, timeout=5) as answer:
            assert next(answer.iter_content(1000)) == LARGE[:1000]
        assert session.get(f"{url}/", timeout=5).text == "hello\n"


class TestHttpx:
    def test_gets_posts_and_streams(self, url: str) -> None:
        with httpx.Client(base_url=url, trust_env=False) as client:
            assert client.get("/large").content == LARGE
            assert client.head("/large").headers["Content-Length"] == str(len(LARGE))
            assert client.post("/", content=LARGE).content == digest(LARGE)
            assert client.put("/", content=iter([LARGE, LARGE])).content == digest(LARGE * 2)
            with client.stream("GET", "/large") as answer:
                assert b"".join(answer.iter_bytes()) == LARGE


class TestAiohttp:
    def test_many_at_once(self, url: str) -> None:
        """More than it has connections for; uploads in chunks and with a length among them."""

        async def parts() -> AsyncIterator[bytes]:
            for start in range(0, len(LARGE), 100_000):
                yield LARGE[start : start + 100_000]

        async def ask(session: aiohttp.ClientSession, number: int) -> bool:
            if number % 3 == 0:
                async with session.get(f"{url}/large") as answer:
                    return await answer.read() == LARGE
            body = parts() if number % 3 == 1 else LARGE
            async with session.post(f"{url}/", data=body) as answer:
                return await answer.read() == digest(LARGE)

        async def all_of_them() -> list[bool]:
            connector = aiohttp.TCPConnector(limit=MANY // 3)
            timeout = aiohttp.ClientTimeout(TOO_LATE)
            async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
                return await asyncio.gather(*(ask(session, number) for number in range(MANY)))

        assert all(asyncio.run(all_of_them()))


@needs("node")
class TestNode:
    def test_fetches(self, url: str) -> None:
        if not run(["node", "--print", "typeof fetch"]).startswith(b"function"):
            pytest.skip("this Node has no fetch")
        told = digest(LARGE).decode().strip()
        said = run(["node", "--eval", NODE, url]).decode().splitlines()
        assert said == ["200 hello", f"200 {told}", f"200 {told}", "true"]


@needs("git")
@pytest.mark.slow
class TestGit:
    def test_pushes_and_clones(self, tmp_path: Path) -> None:
        """Over smart HTTP; what it pushes is more than it would frame by a length."""
        bare, work, copy = tmp_path / "one.git", tmp_path / "work", tmp_path / "copy"
        git(tmp_path, "init", "--quiet", "--bare", str(bare))
        git(bare, "config", "http.receivepack", "true")
        git(tmp_path, "init", "--quiet", "--initial-branch=main", str(work))
        (work / "file").write_bytes(os.urandom(3 << 20))  # no zip makes it smaller
        git(work, "add", "file")
        git(work, "commit", "--quiet", "--message", "One file")
        with web(tmp_path) as proxy:
            git(work, "push", "--quiet", address(proxy), "main")
            git(bare, "symbolic-ref", "HEAD", "refs/heads/main")
            git(tmp_path, "clone", "--quiet", address(proxy), str(copy))
        assert (copy / "file").read_bytes() == (work / "file").read_bytes()


def address(proxy: Proxy) -> str:
    """Return where the repository is, for git."""
    return f"http://{proxy.address}/git/one.git"


def git(folder: Path, *words: str) -> None:
    """Run git without anybody's settings."""
    names = {f"GIT_{role}_{what}" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    variables = dict.fromkeys(names, "rsp@example.test")
    variables |= {"HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    run(["git", "-C", str(folder), *words], no_proxy="*", **variables)
