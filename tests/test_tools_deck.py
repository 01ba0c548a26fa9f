"""The decks in a real browser, as files without a server: keys, the presenter's window, sizes.

Skipped where there is no playwright or no Chromium: tools/setup.py ui installs the first.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.planted import Course
from tools.book import Project
from tools.slides import deck

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent
SOURCES = [path for path in Project(ROOT).sources() if path.parent.name == "src"]
WAIT = 5_000  # milliseconds
# What is cut off: by the page, by its foot, or by a box of its own.
TOO_MUCH = """() => {
  const page = pages[at];
  const foot = page.querySelector("footer").getBoundingClientRect().top;
  const below = [...page.querySelectorAll(".body, .body *")]
    .filter((one) => one.getBoundingClientRect().bottom > foot + 1);
  const wide = [...page.querySelectorAll("pre, table, .picture")]
    .filter((one) => one.scrollWidth > one.clientWidth + 1);
  const over = page.scrollHeight > page.clientHeight || page.scrollWidth > page.clientWidth;
  return over || below.length > 0 || wide.length > 0;
}"""


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A Chromium without a window."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no playwright here: tools/setup.py ui installs it"
    )
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("no chromium here")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def shown(browser: "Browser", tmp_path: Path) -> "Iterator[Page]":
    """The deck of the good lesson, opened; at the end nothing may have gone wrong in it."""
    html = deck(Course(tmp_path).lesson, ["A draft", "Exercises"])
    yield from opened(browser, html, tmp_path / "deck.html")


def opened(browser: "Browser", html: str, path: Path) -> "Iterator[Page]":
    """Open a deck as a file; fail when the console told an error, or more was asked for."""
    path.write_text(html, encoding="utf-8")
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    wrong: list[str] = []
    asked: list[str] = []
    context.on("console", lambda said: said.type == "error" and wrong.append(said.text))
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    context.on("request", lambda request: asked.append(request.url.split("#")[0]))
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.goto(path.as_uri())
    yield page
    context.close()
    assert wrong == []
    assert {url for url in asked if not url.startswith("data:")} == {path.as_uri()}


def says(page: "Page", where: str, text: str) -> None:
    """Wait until some part of a window says so."""
    api = pytest.importorskip("playwright.sync_api")
    api.expect(page.locator(where).first).to_contain_text(text, timeout=WAIT)


def presented(shown: "Page", key: str) -> "Page":
    """Return the presenter's window, opened by a key, when it has heard from the room's."""
    with shown.context.expect_page() as coming:
        shown.keyboard.press(key)
    says(coming.value, "#notes", "Ask first.")
    return coming.value


def place(page: "Page") -> tuple[int, int]:
    """Return which page is shown and how many of its parts."""
    at, step = page.evaluate("[at, step]")
    return at, step


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_deck_can_be_gone_through_by_keys_and_nothing_is_cut_off(
    source: Path, browser: "Browser", tmp_path: Path
) -> None:
    """Every page, every part of it, at the size of a projector."""
    book = Project(ROOT).committed_of(source)
    assert book is not None
    for page in opened(browser, deck(book), tmp_path / "deck.html"):
        count, steps = page.evaluate("[pages.length, pages.map((_, n) => stepsOf(n))]")
        seen = []
        for _ in range(count + sum(steps)):
            seen.append(place(page))
            number, part = seen[-1]
            assert not page.evaluate(TOO_MUCH), f"page {number + 1} of {source.stem} is cut off"
            page.keyboard.press("Space" if part % 2 else "ArrowRight")
        assert seen == [(n, k) for n in range(count) for k in range(steps[n] + 1)]


def test_the_keys_go_where_they_say(shown: "Page") -> None:
    """A remote control sends PageDown and PageUp."""
    last = shown.evaluate("pages.length - 1")
    for key, wanted in [
        ("PageDown", (1, 0)),
        ("PageDown", (1, 1)),
        ("ArrowLeft", (1, 0)),
        ("PageUp", (0, 0)),
        ("End", (last, 0)),
        ("Home", (0, 0)),
        ("ArrowUp", (0, 0)),
    ]:
        shown.keyboard.press(key)
        assert place(shown) == wanted, key


def test_a_part_that_has_its_key_to_come_is_not_seen(shown: "Page") -> None:
    """Nor heard: what is invisible is left out by a screen reader, too."""
    shown.keyboard.press("ArrowRight")
    output = shown.locator(".page:visible pre.output")
    assert output.evaluate("one => getComputedStyle(one).visibility") == "hidden"
    shown.keyboard.press("ArrowRight")
    assert output.evaluate("one => getComputedStyle(one).visibility") == "visible"


def test_a_screen_reader_is_told_the_page(shown: "Page") -> None:
    """Its number and its heading, once a page."""
    shown.keyboard.press("PageDown")
    count = shown.evaluate("pages.length")
    assert shown.locator("[aria-live=polite]").first.text_content() == (
        f"Slide 2 of {count}: A draft"
    )


def test_a_reload_stays_on_its_page(shown: "Page") -> None:
    """A cable that comes out is no reason to begin again."""
    shown.keyboard.press("PageDown")
    shown.keyboard.press("PageDown")
    shown.reload()
    assert place(shown) == (1, 1)


def test_the_help_lists_the_keys_and_closes(shown: "Page") -> None:
    """As long as it is open the deck does not move."""
    shown.keyboard.press("?")
    assert shown.get_by_role("dialog").is_visible()
    shown.keyboard.press("ArrowRight")
    shown.keyboard.press("Escape")
    assert not shown.get_by_role("dialog").is_visible()
    assert place(shown) == (0, 0)


def test_the_overview_shows_every_page_and_opens_one(shown: "Page") -> None:
    """By a click, or by arrows and Enter."""
    count = shown.evaluate("pages.length")
    shown.keyboard.press("o")
    assert shown.locator(".page:visible").count() == count
    shown.locator(".page").nth(3).click()
    assert (place(shown), shown.locator(".page:visible").count()) == ((3, 0), 1)
    for key in ("o", "ArrowRight", "Enter"):
        shown.keyboard.press(key)
    assert (place(shown), shown.locator(".page:visible").count()) == ((4, 0), 1)


def test_the_presenters_window_and_the_rooms_move_together(shown: "Page") -> None:
    """Whichever of the two gets the key; both are files."""
    presenter = presented(shown, "p")
    presenter.keyboard.press("ArrowRight")
    says(shown, "#said", "Slide 2 of")
    says(presenter, "#now h2", "A draft")
    says(presenter, "#notes", "In the notebook")
    says(presenter, "#next", "guess = 1")
    assert presenter.locator("#now .later").count() == 1
    shown.keyboard.press("ArrowRight")
    presenter.locator("#now .later").wait_for(state="detached")
    assert place(presenter) == (1, 1)


def test_the_rooms_window_may_be_reloaded(shown: "Page") -> None:
    """The presenter's window finds it again."""
    presenter = presented(shown, "s")
    shown.reload()
    presenter.keyboard.press("PageDown")
    says(shown, "#said", "Slide 2 of")
    shown.keyboard.press("Home")
    says(presenter, "#now h1", "One at a time")


def test_the_clock_runs_against_the_plan(shown: "Page") -> None:
    """It tells what is planned, starts, pauses, outlives a reload, and begins again."""
    presenter = presented(shown, "p")
    says(presenter, "#planned", "planned here: 0:00 to 10:00")
    presenter.get_by_role("button", name="Start").click()
    presenter.evaluate("clock.since -= 11 * 60_000")
    says(presenter, "#pace", "late")
    presenter.get_by_role("button", name="Pause").click()
    says(presenter, "#elapsed", "11:0")
    presenter.reload()
    says(presenter, "#elapsed", "11:0")
    presenter.get_by_role("button", name="Reset").click()
    says(presenter, "#elapsed", "0:00")


def test_a_button_that_was_clicked_lets_go_of_the_keys(shown: "Page") -> None:
    """Space goes on; it would pause the clock. Who came by Tab keeps the button."""
    presenter = presented(shown, "p")
    presenter.get_by_role("button", name="Start").click()
    presenter.keyboard.press("Space")
    says(shown, "#said", "Slide 2 of")
    says(presenter, "#run", "Pause")
    presenter.locator("#run").focus()
    presenter.keyboard.press("Space")
    says(presenter, "#run", "Start")
    assert place(presenter) == (1, 0)


def sections(page: "Page", key: str) -> list[str]:
    """Return the sections that a key goes through, from the page that is shown."""
    seen = [page.evaluate("sectionOf(at)")]
    for _ in range(40):
        page.keyboard.press(key)
        if (name := page.evaluate("sectionOf(at)")) != seen[-1]:
            seen.append(name)
    return seen


def test_half_a_day_has_the_sections_of_its_plan(shown: "Page") -> None:
    """In both windows, on and back, and by the clock; the key again takes it back."""
    presenter = presented(shown, "p")
    says(presenter, "#planned", "planned here: 0:00 to 10:00 of 60:00")
    presenter.keyboard.press("h")
    says(presenter, "#planned", "planned here: 0:00 to 10:00 of 20:00")
    says(shown, "#said", "A draft")
    assert sections(shown, "ArrowRight") == ["A draft", "Exercises"]
    assert sections(shown, "ArrowLeft") == ["Exercises", "A draft"]
    shown.keyboard.press("End")
    says(presenter, "#planned", "of 20:00")
    assert shown.evaluate("sectionOf(at)") == "Exercises"
    shown.reload()
    assert shown.evaluate("out.size") > 0
    presenter.keyboard.press("h")
    says(presenter, "#planned", "of 60:00")
    shown.wait_for_function("out.size === 0")


def test_the_presenter_leaves_a_section_out(shown: "Page") -> None:
    """The planned minutes follow; from the overview it is taken back."""
    presenter = presented(shown, "p")
    presenter.keyboard.press("PageDown")
    says(presenter, "#planned", "planned here: 10:00 to 20:00 of 60:00")
    presenter.keyboard.press("x")
    says(presenter, "#planned", "planned here: 10:00 to 20:00 of 50:00")
    assert presenter.evaluate("sectionOf(at)") == "C beside Python"
    says(shown, "#said", "C beside Python")
    presenter.keyboard.press("ArrowLeft")
    says(presenter, "#next", "C beside Python")
    shown.keyboard.press("o")
    shown.locator(".page.out").first.click()
    says(presenter, "#planned", "this section is left out")
    presenter.keyboard.press("x")
    says(presenter, "#planned", "planned here: 10:00 to 20:00 of 60:00")


def test_it_prints_one_page_a_sheet(shown: "Page") -> None:
    """With everything on it that comes by keys."""
    count = shown.evaluate("pages.length")
    printed = shown.pdf(prefer_css_page_size=True, print_background=True)
    assert printed.count(b"/Type /Page\n") == count
