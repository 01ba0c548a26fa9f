"""The site: built without a warning and without the network, and every link in it holds."""

import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest

from tools import docs

ROOT = docs.ROOT
LINK = re.compile(r"<(\w+)\b[^>]*?\s(?:href|src)=\"([^\"]*)\"")
ID = re.compile(r"\bid=\"([^\"]+)\"")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of this checkout; built once."""
    built = tmp_path_factory.mktemp("site")
    said = docs.build(ROOT, built)
    assert said.returncode == 0, said.stdout + said.stderr
    return built / "html"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what the site is made from, to plant faults in."""
    for path in [ROOT / "README.md", *(ROOT / name for name in docs.LINKED)]:
        shutil.copy(path, tmp_path)
    for folder in ("docs", "notebooks"):
        ignored = shutil.ignore_patterns("_build", "src", ".ipynb_checkpoints")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    return tmp_path


def links(page: Path) -> Iterator[tuple[str, str]]:
    """Yield tag and target of each link, and of whatever else is fetched."""
    for tag, target in LINK.findall(page.read_text(encoding="utf-8")):
        yield tag, unescape(target)


def broken(site: Path) -> Iterator[str]:
    """Yield the links between its pages that lead nowhere."""
    anchors = {page: set(ID.findall(page.read_text(encoding="utf-8"))) for page in pages(site)}
    for page in anchors:
        for _, target in links(page):
            name, _, part = target.partition("#")
            if re.match(r"[a-z]+:", name):
                continue
            there = (page.parent / unquote(name.split("?")[0])).resolve() if name else page
            if not there.exists() or (part and unquote(part) not in anchors.get(there, {part})):
                yield f"{page.relative_to(site)}: {target}"


def pages(site: Path) -> list[Path]:
    return sorted(path.resolve() for path in site.rglob("*.html"))


def test_every_link_holds(site: Path) -> None:
    """From page to page, and to a heading where it names one."""
    assert list(broken(site.resolve())) == []


def test_every_page_is_there(site: Path) -> None:
    """The README as the first, each page of the docs, each notebook with its solutions."""
    there = {page.relative_to(site.resolve()).with_suffix("").as_posix() for page in pages(site)}
    wanted = [p for p in docs.pages(ROOT) if p.suffix in {".md", ".ipynb"}]
    assert {p.relative_to(ROOT).with_suffix("").as_posix() for p in wanted} <= there
    assert {"index", "CONTRIBUTING", "CHANGELOG"} <= there


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    """A link may lead away; a style, a script or a picture must not come from there."""
    for page in pages(site):
        fetched = [target for tag, target in links(page) if tag not in {"a", "symbol"}]
        assert not [target for target in fetched if re.match(r"(?:[a-z]+:)?//", target)]


def test_notebooks_show_what_was_stored(site: Path) -> None:
    """Outputs and pictures of the run that was committed; nothing is executed here."""
    text = (site / "notebooks" / "04_serial.html").read_text(encoding="utf-8")
    assert "HTTP/1.1 200 OK, 19 bytes of body" in text
    assert "aria-label='client to proxy: connect;" in text


@pytest.mark.parametrize(
    ("page", "planted", "said"),
    [
        ("docs/style.md", "[a](none.md)", "none.md"),
        ("docs/style.md", "[a](glossary.md#no-such-words)", "no-such-words"),
        ("README.md", "[a](notebooks/99_none.ipynb)", "99_none"),
    ],
)
def test_a_fault_is_named(copy: Path, page: str, planted: str, said: str) -> None:
    """A link that leads nowhere is a warning, and a warning ends the build."""
    path = copy / page
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{planted}\n", encoding="utf-8")
    result = docs.build(copy, copy / "built")
    assert result.returncode != 0
    assert said in result.stderr
