"""Every notebook in a real JupyterLab: a browser opens it, runs all cells, and nothing fails.

What it looks like, light and dark, lands in build/screens/: for people to look at.
"""

import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
NAMES = [
    path.relative_to(NOTEBOOKS).as_posix()
    for path in sorted([*NOTEBOOKS.glob("*.ipynb"), *NOTEBOOKS.glob("solutions/*.ipynb")])
]
SCREENS = ROOT / "build" / "screens"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
PATIENCE = 60  # seconds for what a learner waits for, too: JupyterLab, a kernel, a notebook
WIDTH, HEIGHT = 1280, 900  # pixels of a small laptop
AROUND = 150  # pixels above and below a notebook
TALLEST = 16_000  # pixels; Chromium draws no higher picture
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# tools/learn.py does what `make learn` does, with another folder as the checkout.
LEARN = """
import sys
from pathlib import Path
from tools import learn
learn.ROOT = Path(sys.argv[1])
learn.main(sys.argv[2:])
"""

# In the page: JupyterLab's own objects, which --expose-app-in-browser lets us ask.
NOTEBOOK = "const panel = window.jupyterapp?.shell.currentWidget;"
IS_READY = f"""name => {{ {NOTEBOOK}
  const session = panel?.context?.sessionContext;
  return panel?.context?.path === name && panel.content.model?.cells.length > 0
    && session.isReady && session.session?.kernel?.status === "idle"; }}"""
TO_RUN = """[...panel.content.model.cells]
    .filter(cell => cell.type === "code" && cell.sharedModel.getSource().trim())"""
HAS_RUN = f"""() => {{ {NOTEBOOK}
  const counts = {TO_RUN}.map(cell => cell.executionCount);
  return panel.context.sessionContext.session.kernel.status === "idle"
    && (counts.every(count => count) || {TO_RUN}.some(cell =>
      !cell.getMetadata("tags")?.includes("raises-exception")
      && cell.outputs.toJSON().some(output => output.output_type === "error"))); }}"""
CELLS = f"""() => {{ {NOTEBOOK}
  return {TO_RUN}.map(cell => ({{
    source: cell.sharedModel.getSource(),
    tags: cell.getMetadata("tags") ?? [],
    count: cell.executionCount,
    errors: cell.outputs.toJSON().filter(output => output.output_type === "error")
      .map(output => `${{output.ename}}: ${{output.evalue}}`),
  }})); }}"""
# A change of theme is covered by a splash until it is done.
IS_THEME = """title => document.body.dataset.jpThemeName === title
  && !document.getElementById("jupyterlab-splash")"""
SAVED = f"() => {{ {NOTEBOOK} return !panel.context.model.dirty; }}"
# From the first cell to the end of the last one, once all of them are in sight.
FULL_HEIGHT = f"""async () => {{ {NOTEBOOK}
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
  const ends = panel.content.widgets.map(cell => cell.node.getBoundingClientRect());
  return ends.at(-1).bottom - ends[0].top; }}"""
IS_AT_THE_TOP = f"""() => {{ {NOTEBOOK}
  panel.content.activeCellIndex = 0;
  let node = panel.content.widgets[0].node;
  while (node = node.parentElement) node.scrollTop = 0;
  const first = panel.content.widgets[0].node.getBoundingClientRect();
  return first.top >= panel.content.node.getBoundingClientRect().top; }}"""


class Lab(NamedTuple):
    """JupyterLab at work on a learner's copy."""

    url: str
    token: str
    course: Path

    def address(self, name: str) -> str:
        """Return where a browser opens a notebook, in a workspace that remembers nothing."""
        return f"{self.url}lab/tree/{name}?token={self.token}&reset"


class Lines(threading.Thread):
    """Reads all that a process prints, so that it never waits for a reader."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        super().__init__(daemon=True)
        assert process.stdout
        self.stream = process.stdout
        self.queue: queue.Queue[str] = queue.Queue()
        self.start()

    def run(self) -> None:
        with self.stream:
            for line in self.stream:
                self.queue.put(line)
        self.queue.put("")

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return where a line has the pattern."""
        said = []
        with suppress(queue.Empty):
            while line := self.queue.get(timeout=PATIENCE):
                said.append(line)
                if found := re.search(pattern, line):
                    return found
        pytest.fail(f"no {pattern} in {said}")


@pytest.fixture(scope="module")
def chromium() -> str:
    """Where the browser is; nothing else is started when it, or what drives it, is missing."""
    pytest.importorskip("playwright", reason="no playwright here: tools/setup.py ui installs it")
    found = shutil.which("chromium")
    return found or pytest.skip("no chromium here")


@pytest.fixture(scope="module")
def lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab as `make learn` starts it, with nothing of ours in its home."""
    folder = tmp_path_factory.mktemp("learner")
    (folder / "notebooks").symlink_to(NOTEBOOKS)
    places = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    environment = {**os.environ, **places, "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    command = [sys.executable, "-c", LEARN, str(folder), "--no-browser", "--expose-app-in-browser"]
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    lines = Lines(process)
    try:
        found = lines.wait_for(r"(http://\S+/)lab\S*\?token=(\w+)")
        yield Lab(found[1], found[2], folder / "course")
    finally:
        process.terminate()  # it ends its kernels first
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        lines.join()


@pytest.fixture(scope="module")
def page(chromium: str) -> Iterator["Page"]:
    """A browser's page."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (it may be missing)

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        yield browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        browser.close()


def wait_for(page: "Page", what: str, expression: str, argument: str = "") -> None:
    """Wait until an expression holds in the page; where it never does, say what is in the way."""
    try:
        page.wait_for_function(expression, arg=argument, timeout=PATIENCE * 1000)
    except Exception as error:  # a TimeoutError of playwright's, which may not be here to import
        if type(error).__name__ != "TimeoutError":
            raise
        pytest.fail(f"{what} did not come; dialogs: {dialogs(page)}")


def dialogs(page: "Page") -> list[str]:
    """Return what each dialog says that stands in the way."""
    return page.locator(".jp-Dialog").all_inner_texts()


def choose(page: "Page", menu: str, entry: str) -> None:
    """Choose an entry of a menu, as a person does."""
    page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(f"^{menu}$")).click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{entry}$")).click()


@contextmanager
def as_tall_as_its_notebook(page: "Page") -> Iterator[None]:
    """Make the window so high that nothing needs to be scrolled to."""
    height, before = TALLEST, 0
    while height != before:  # what was never in sight has only now its real height
        page.set_viewport_size({"width": WIDTH, "height": height})
        wait_for(page, "the first cell", IS_AT_THE_TOP)
        height, before = min(TALLEST, round(page.evaluate(FULL_HEIGHT)) + AROUND), height
    yield
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})


def take_pictures(page: "Page", name: str) -> None:
    """Write a picture of the whole notebook for each theme."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    with as_tall_as_its_notebook(page):
        for theme, title in THEMES.items():
            page.evaluate(
                "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", title
            )
            wait_for(page, f"the {theme} theme", IS_THEME, title)
            stem = name.removesuffix(".ipynb").replace("/", "-")
            page.screenshot(path=SCREENS / f"{stem}-{theme}.png")


def wrong_with(cells: list[dict[str, Any]]) -> list[str]:
    """Return what is wrong with the cells that were to run."""
    found = []
    for number, cell in enumerate(cells, start=1):
        first = cell["source"].strip().splitlines()[0]
        if cell["errors"] and "raises-exception" not in cell["tags"]:
            found.append(f"cell {number}, `{first}`: {cell['errors'][0]}")
        if cell["count"] != number:
            found.append(f"cell {number}, `{first}` has the number {cell['count']}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_from_the_menu(lab: Lab, page: "Page", name: str) -> None:
    """All cells, once, in order; nothing fails, and no dialog asks for anything."""
    page.goto(lab.address(name))
    wait_for(page, "the notebook", IS_READY, name)
    choose(page, "Edit", "Clear Outputs of All Cells")
    choose(page, "Run", "Run All Cells")
    try:
        wait_for(page, "the end of the last cell", HAS_RUN)
    finally:
        cells = page.evaluate(CELLS)
        ran = [cell for cell in cells if cell["count"]]
        print(f"{len(ran)} of {len(cells)} cells ran; the last: {ran[-1:]}")
    assert wrong_with(cells) == []
    assert cells
    assert dialogs(page) == []
    take_pictures(page, name)
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    wait_for(page, "the saved file", SAVED)
    page.evaluate("jupyterapp.commands.execute('notebook:shutdown-kernel')")


def test_what_went_wrong_in_a_notebook_is_found() -> None:
    """An error, a cell that did not run, one that ran twice; an error on purpose is none."""
    good = {"source": "x = 1", "tags": [], "count": 1, "errors": []}
    on_purpose = {**good, "count": 2, "tags": ["raises-exception"], "errors": ["OSError: no"]}
    assert wrong_with([good, on_purpose]) == []
    bad = {**good, "count": 2, "errors": ["NameError: y"]}
    never = {**good, "count": None}
    assert wrong_with([good, bad, never]) == [
        "cell 2, `x = 1`: NameError: y",
        "cell 3, `x = 1` has the number None",
    ]
