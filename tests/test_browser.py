"""A real browser through the gateway: a page, an upload by form, events, a WebSocket."""

import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from websockets.sync.server import ServerConnection
from websockets.sync.server import serve as serve_websockets

from rsp.gateway import serve
from rsp.lab import HOST, running
from rsp.net import Address
from tests.test_frontend import CHROMIUM_OPTIONS
from tests.web_server import EVENTS, LARGE, web

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
PATIENCE = 20_000  # ms for what a page does
TALK = """where => new Promise((resolve, reject) => {
  const socket = new WebSocket(where), heard = [], long = "0123456789abcdef".repeat(16384);
  socket.onopen = () => { socket.send("hello"); socket.send(long); };
  socket.onmessage = event => {
    heard.push(event.data === long ? "the same" : event.data);
    if (heard.length === 2) socket.close(1000, "bye");
  };
  socket.onclose = event => resolve([...heard, event.code]);
  socket.onerror = () => reject(new Error("no WebSocket"));
})"""
FETCH = """async () => {
  const all = await Promise.all([...Array(20).keys()].map(() => fetch("/large")));
  const bodies = await Promise.all(all.map(one => one.arrayBuffer()));
  return bodies.map(one => one.byteLength);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Chromium."""
    pytest.importorskip("playwright", reason="no playwright here: tools/setup.py ui installs it")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (it may be missing)

    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("no chromium here")
    with sync_playwright() as started:
        options = [*CHROMIUM_OPTIONS, "--no-proxy-server"]
        browser = started.chromium.launch(executable_path=chromium, args=options)
        yield browser
        browser.close()


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Where the gateway is."""
    with web(tmp_path) as proxy:
        yield f"http://{proxy.address}"


@pytest.fixture
def page(browser: "Browser", url: str) -> Iterator["Page"]:
    """A page, whose connections end with it: before the gateway does, which would wait for them."""
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    yield page
    context.close()


def test_opens_a_page_and_hears_events_as_they_come(page: "Page") -> None:
    """Each event is sent when the page has the one before it: whoever collects them waits."""
    page.goto("/page")
    page.wait_for_function("document.title !== 'waiting'")
    assert page.title() == " ".join(f"event-{number}" for number in range(EVENTS))


def test_uploads_a_file_by_a_form(page: "Page", tmp_path: Path) -> None:
    (tmp_path / "upload").write_bytes(LARGE)
    page.goto("/page")
    page.wait_for_function("document.title !== 'waiting'")
    page.set_input_files("input", tmp_path / "upload")
    page.click("button")
    page.wait_for_url("/upload")
    told = re.fullmatch(r"(\d+) \w{64}\s*", page.inner_text("body"))
    assert told
    assert len(LARGE) < int(told[1]) < len(LARGE) + 1000


def test_fetches_many_at_once(page: "Page") -> None:
    page.goto("/")
    assert page.evaluate(FETCH) == [len(LARGE)] * 20


def test_talks_over_a_websocket(page: "Page") -> None:
    """Another server has it; the page may ask any."""

    def echo(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    with serve_websockets(echo, HOST, 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        with running(serve, Address(HOST, str(server.socket.getsockname()[1]))) as proxy:
            page.goto("/")
            assert page.evaluate(TALK, f"ws://{proxy.address}/") == ["hello", "the same", 1000]
        server.shutdown()
        thread.join()
