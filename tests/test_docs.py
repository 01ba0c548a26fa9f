"""README and docs: what they name is there, what they count is so, what they draw is fresh."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import rsp
from rsp import cli
from rsp.config import Config, read_config
from rsp.lab import marking
from rsp.net import Address
from tools import execution, frame, gates, notebooks, pictures, quotes, rhythm, rooms
from tools.book import FENCE
from tools.names import exists

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = [README, *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md"))]
PAGES += sorted(DOCS.glob("*.md"))
SOURCES = sorted((ROOT / "notebooks" / "src").glob("*.md"))
THERE = {int(path.name[:2]) for path in SOURCES}  # numbers of the notebooks that are written
LAST = 22  # the number of the course's last notebook

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
ROW = re.compile(r"^\| *(.*?) *\|$", re.MULTILINE)
# What the post's program calls, defines and says; each must have its row.
POST = [
    "#include",
    "MAX_LISTEN_BACKLOG",
    "BUFFER_SIZE",
    "handle_client_connection",
    "backend_host",
    "backend_port_str",
    "hints",
    "memset",
    "AF_UNSPEC",
    "SOCK_STREAM",
    "getaddrinfo",
    "gai_strerror",
    "addrs",
    "addrs_iter",
    "ai_next",
    "socket",
    "connect",
    "close",
    "freeaddrinfo",
    "buffer",
    "read",
    "write",
    "while",
    "main",
    "argc",
    "argv",
    "Usage",
    "exit",
    "AI_PASSIVE",
    "NULL",
    "setsockopt",
    "SO_REUSEADDR",
    "bind",
    "listen",
    "accept",
    "perror",
]
# How the page for instructors calls the marks, and their signs.
SIGNS = {
    "passed": marking.SIGNS[marking.PASSED],
    "failed": marking.SIGNS[marking.FAILED],
    "not handed in": marking.SIGNS[marking.MISSING],
}
MESSAGES = ["Couldn't find backend", "Couldn't connect to backend", "Couldn't bind"]
MESSAGES += ["Could not accept"]

pages = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)


def prose(text: str) -> str:
    """Return Markdown without its fenced listings."""
    return FENCE.sub("", text)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def headings(path: Path) -> dict[str, str]:
    """Return anchor → heading of a page, or of a notebook by its source."""
    if path.suffix == ".ipynb":
        path = path.parent / "src" / path.with_suffix(".md").name
    return {anchor(text.strip()): text.strip() for text in HEADING.findall(prose(read(path)))}


def anchor(heading: str) -> str:
    """Return what forges and Sphinx make of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def broken(text: str, folder: Path) -> Iterator[str]:
    """Yield the links of a page in `folder` that lead nowhere."""
    for _, _, target in LINK.findall(prose(text)):
        name, _, part = target.partition("#")
        if re.match(r"[a-z]+:", name):
            continue
        path = folder / name
        if not path.exists() or (part and part not in headings(path)):
            yield target


def unknown(text: str) -> Iterator[str]:
    """Yield the dotted names of the package that it does not have."""
    for name in re.findall(r"`(rsp(?:\.\w+)+)`", prose(text)):
        if not exists(ROOT, name):
            yield name


def tables(text: str) -> list[list[list[str]]]:
    """Return each table as rows of cells, its head left out."""
    blocks = re.findall(r"(?:^\|.*\|\n?)+", prose(text), re.MULTILINE)
    rows = [[re.split(r" *\| *", row) for row in ROW.findall(block)] for block in blocks]
    return [table[2:] for table in rows]


def numbers(text: str) -> list[int]:
    """Return the numbers in a text, `1,200` as one, `15 %` as 15."""
    return [int(found.replace(",", "")) for found in re.findall(r"\d[\d,]*", text)]


def targets() -> set[str]:
    """Return what make can be asked for."""
    return set(re.findall(r"^([a-z]+):", read(ROOT / "Makefile"), re.MULTILINE))


class TestPages:
    @pages
    def test_every_link_leads_somewhere(self, page: Path) -> None:
        """To a file that is there, and to a heading in it."""
        assert list(broken(read(page), page.parent)) == []

    @pages
    def test_every_name_of_the_package_is_there(self, page: Path) -> None:
        assert list(unknown(read(page))) == []

    @pages
    def test_every_picture_is_told(self, page: Path) -> None:
        """Who cannot see it reads a sentence."""
        told = [alt for is_picture, alt, _ in LINK.findall(prose(read(page))) if is_picture]
        assert all(len(alt.split()) > 5 for alt in told)

    @pages
    def test_every_command_is_there(self, page: Path) -> None:
        """Targets of make, scripts, and the words of tools/notebooks.py."""
        code = "\n".join(re.findall(r"`([^`\n]+)`", prose(read(page))))
        assert set(re.findall(r"\bmake ([a-z]+)", code)) <= targets()
        assert all((ROOT / script).is_file() for script in re.findall(r"tools/\w+\.py", code))
        asked = set(re.findall(r"tools/notebooks\.py ([a-z]+)", code))
        assert asked <= notebooks.COMMANDS.keys()

    @pytest.mark.parametrize("page", [*PAGES, *SOURCES], ids=lambda path: path.name)
    def test_nobody_is_sent_to_another_program(self, page: Path) -> None:
        """On the public index the name rsp is not ours."""
        assert not re.search(r"pip3? install (-\S+ )*rsp\b", read(page))

    @pages
    def test_a_quote_says_what_the_package_says(self, page: Path) -> None:
        for found in re.findall(r"```python\n(# rsp/\S+: .*)\n((?:.*\n)*?)```", read(page)):
            marker = quotes.marker_of(found[0])
            assert marker, found[0]
            module = quotes.load(ROOT, marker, page.name)
            assert found[1].strip() == quotes.pasted(module, marker, page.name)

    def test_a_fault_is_found(self) -> None:
        """A check that cannot fail says nothing."""
        text = "[a](docs/none.md) [b](docs/style.md#no-such) [c](docs/style.md#tests) `rsp.net.no`"
        assert list(broken(text, ROOT)) == ["docs/none.md", "docs/style.md#no-such"]
        assert list(unknown(text)) == ["rsp.net.no"]


class TestReadme:
    def test_lists_every_notebook(self) -> None:
        """In order, each with a link to it."""
        linked = re.findall(r"\[(\d\d) · [^\]]+\]\(notebooks/(\w+)\.ipynb\)", read(README))
        assert linked == [(path.stem[:2], path.stem) for path in SOURCES]

    def test_says_honestly_what_is_not_there(self) -> None:
        """The rest of the course, and nothing that is written already."""
        spans = re.findall(r"^- \*\*(\d\d) to (\d\d)\*\*", read(README), re.MULTILINE)
        later = {number for a, b in spans for number in range(int(a), int(b) + 1)}
        assert later == set(range(LAST + 1)) - THERE

    def test_says_the_python_that_is_needed(self) -> None:
        project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
        assert f"Python {project['requires-python'].removeprefix('>=')} or newer" in read(README)

    def test_its_command_is_one(self) -> None:
        """The words after `rsp` are understood, and the start line is the command's own."""
        (words,) = re.findall(r"bin/rsp (\d.*)", read(README))
        assert cli.parse(words.split()).config.listen_port == "8000"
        assert "Started.  Listening on port 8000." in read(README)

    def test_its_example_of_a_file_is_one(self, tmp_path: Path) -> None:
        """What stands there can be copied."""
        (text,) = re.findall(r"```lua\n(.*?)```", read(README), re.DOTALL)
        path = tmp_path / "rsp.lua"
        path.write_text(text)
        assert read_config(str(path)) == Config("8000", Address("localhost", "8080"))


class TestPictures:
    @pytest.mark.parametrize("name", pictures.DRAWN)
    def test_a_fresh_run_draws_the_same(self, name: str) -> None:
        """Otherwise: `make pictures`."""
        assert pictures.DRAWN[name]() + "\n" == read(pictures.PICTURES / name)

    @pytest.mark.parametrize("name", pictures.DRAWN)
    def test_it_can_be_seen_on_any_ground_and_heard(self, name: str) -> None:
        """A white card, a role, a title."""
        svg = read(pictures.PICTURES / name)
        assert "fill='#ffffff'" in svg
        assert "role='img'" in svg
        assert "<title>" in svg

    def test_none_is_left_over(self) -> None:
        assert {path.name for path in pictures.PICTURES.iterdir()} == set(pictures.DRAWN)


class TestSeries:
    text = read(DOCS / "series.md")

    def test_every_link_is_called_as_its_section(self) -> None:
        """`[01 · Walking the list](…#walking-the-list)`: number and heading are true."""
        found = re.findall(r"\[(\d\d) · ([^\]]+)\]\(\.\./notebooks/(\w+)\.ipynb#", self.text)
        assert found
        for number, heading, name in found:
            assert name.startswith(number)
            assert heading in headings(ROOT / "notebooks" / f"{name}.ipynb").values()

    @pytest.mark.parametrize("word", [*POST, *MESSAGES])
    def test_every_step_of_the_post_has_its_row(self, word: str) -> None:
        """In the first column of the tables that follow its program."""
        first = " ".join(row[0] for table in tables(self.text)[:4] for row in table)
        code = " ".join(re.findall(r"`([^`]+)`", first))
        assert re.search(rf"(?<!\w){re.escape(word)}(?!\w)", code)

    def test_every_row_is_whole(self) -> None:
        """A section and an answer for each passage."""
        for table in tables(self.text)[:4]:
            assert all(len(row) == 3 and "](../notebooks/" in row[1] and row[2] for row in table)

    def test_what_is_to_come_is(self) -> None:
        for row in tables(self.text)[4]:
            assert ("to come" in row[2]) == (max(numbers(row[2])) not in THERE)


class TestArchitecture:
    text = read(DOCS / "architecture.md")

    def test_the_list_is_the_contract(self) -> None:
        """The same rooms in the same order as import-linter checks them."""
        rows = tables(self.text)[0]
        assert [row[0].strip("`") for row in rows] == rooms.layers(ROOT)

    def test_who_imports_whom_is_so(self) -> None:
        """As the files have it, the lab included."""
        for row in [*tables(self.text)[0], *tables(self.text)[1]]:
            room, *others = re.findall(r"`(rsp\.\w+)`", f"{row[0]} {row[2]}")
            assert others == sorted(rooms.imports(ROOT, room))

    def test_the_picture_is_told_as_it_is(self) -> None:
        """Its alt text says what its title says."""
        told = "; ".join(rooms.sentences(rooms.taken(ROOT)))
        (alt,) = [alt for is_picture, alt, _ in LINK.findall(self.text) if is_picture]
        assert alt.endswith(f": {told}.")

    def test_rooms_to_come_are_not_there(self) -> None:
        (later,) = [table for table in tables(self.text) if table[0][0].startswith("`worker`")]
        for row in later:
            assert not any(exists(ROOT, f"rsp.{name}") for name in re.findall(r"`(\w+)`", row[0]))
            assert not THERE & set(numbers(row[2]))

    def test_every_module_of_the_lab_has_a_line(self) -> None:
        """But for the smallest, which only serve the others."""
        named = set(re.findall(r"`(rsp\.lab\.\w+)`", self.text))
        assert len(named) > 20


class TestGlossary:
    text = read(DOCS / "glossary.md")

    def test_every_word_is_in_its_notebook(self) -> None:
        for row in tables(self.text)[0]:
            (name,) = re.findall(r"notebooks/(\w+)\.ipynb", row[3])
            words = re.sub(r"\s+", " ", read(ROOT / "notebooks" / "src" / f"{name}.md").lower())
            assert row[0].strip("*").lower() in words

    def test_words_to_come_are_to_come(self) -> None:
        """When their notebook is there, they move up."""
        assert not THERE & {int(row[3]) for row in tables(self.text)[2]}

    def test_every_word_stands_once(self) -> None:
        words = [row[0].lower() for table in tables(self.text) for row in table]
        assert len(set(words)) == len(words)

    def test_the_words_are_in_order(self) -> None:
        for table in tables(self.text):
            words = [row[0].strip("*").lower() for row in table]
            assert words == sorted(words)


class TestNotebooks:
    text = read(DOCS / "notebooks.md")

    def test_the_numbers_are_those_of_the_tools(self) -> None:
        """One place counts, the page repeats it."""
        (table,) = [table for table in tables(self.text) if table[0][0].startswith("cells")]
        said = {row[0]: numbers(row[1]) for row in table}
        percent = (rhythm.ASSERTS, rhythm.OUTPUTS, rhythm.IGNORED)
        assert list(said.values()) == [
            list(rhythm.CELLS),
            list(rhythm.WORDS),
            *([number] for number in (rhythm.PARAGRAPH, rhythm.CODE_MEDIAN, rhythm.CODE_P90)),
            *([number] for number in (rhythm.CODE_MAX, quotes.QUOTE_LIMIT, rhythm.CODE_RUN)),
            *([round(share * 100)] for share in percent),
            [1],
            [execution.RUN_LIMIT],
        ]

    def test_the_tags_are_those_of_the_gates(self) -> None:
        (table,) = [table for table in tables(self.text) if table[0][0] == "`setup`"]
        assert {row[0].strip("`") for row in table} == gates.TAGS

    def test_the_headings_are_those_of_the_frame(self) -> None:
        there = re.findall(r"^\d\. \*\*([^*]+)\*\*", self.text, re.MULTILINE)
        assert there == frame.HEADINGS


class TestTeaching:
    text = read(DOCS / "teaching.md")

    def test_every_notebook_has_its_troubles(self) -> None:
        """And none that is not written."""
        (table,) = [table for table in tables(self.text) if table[0][0] == "00"]
        assert {int(row[0]) for row in table} == THERE

    def test_the_columns_are_those_of_the_sheet(self) -> None:
        (table,) = [table for table in tables(self.text) if table[0][0] == "`learner`"]
        named = re.findall(r"`(\w+)`", " ".join(row[0] for row in table))
        assert sorted(named) == sorted(marking.Mark._fields)

    def test_what_it_says_of_marking_is_so(self) -> None:
        said = re.sub(r"\s+", " ", self.text)
        assert f"gives slow code longer than {marking.SECONDS:.0f}" in said
        assert all(f"{sign} {word}" in said for word, sign in SIGNS.items())

    def test_the_sections_to_stop_at_are_there(self) -> None:
        """What stands in quotation marks with a notebook's number is a heading of it."""
        there = headings(ROOT / "notebooks" / "04_serial.ipynb").values()
        named = ["The finished piece", "What one client at a time costs"]
        named += ["Your own, in your browser"]
        assert all(f'"{name}"' in self.text and name in there for name in named)


def test_the_changelog_is_about_this_version() -> None:
    """Either it is released, or it says what it will be."""
    assert re.search(rf"\b{re.escape(rsp.__version__)}\b", read(ROOT / "CHANGELOG.md"))
