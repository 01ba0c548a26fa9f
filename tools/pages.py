"""The pages of a deck, from the cells of a notebook: what is shown, and what the speaker says.

Slide types are Jupyter's. A page shows headings, lists, tables, listings, code, outputs and
pictures. Plain paragraphs are what the speaker says, so they go beside the notes; but a page that
would be empty without them shows them, and so does a fragment, which somebody has marked. Of a
paragraph that begins in bold, a bold sentence is shown alone, and a bold label with all behind it.
Of code, the call of `reveal` is not shown: it has the answer, and the room still votes.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from markdown_it import MarkdownIt

from tools.book import Book, Cell, joined, texts

LEAD = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
LABEL = 2  # words: fewer in bold, as "Predict.", are no sentence
PICTURE = re.compile(r"!\[|<img\b")


@cache
def reader() -> MarkdownIt:
    """Return what reads the markdown of this course: CommonMark with tables."""
    return MarkdownIt("commonmark").enable("table")


class Block(NamedTuple):
    """A piece of markdown at the top: its kind as markdown-it names it, and its text."""

    kind: str
    text: str


class Output(NamedTuple):
    """What a page shows of one output: a picture, or lines."""

    picture: bool
    text: str
    told: str = ""  # a picture in words


@dataclass(frozen=True)
class Part:
    """A cell on a page, and the number of key presses after which it is there."""

    cell: Cell
    step: int
    whole: bool = False  # whether its paragraphs are shown
    only: str = ""  # "code" without what it gave, "outputs" with nothing else

    @property
    def code(self) -> str:
        """What is shown of a code cell's text: nothing that gives an answer away."""
        return "" if self.is_output else unrevealed(self.cell.source)

    @property
    def outputs(self) -> list[Output]:
        """What it gave, in order: the SVG where there is one, else the text.

        Not what a check says of a bare stub: the room has not tried yet.
        """
        if "check" in self.cell.tags or self.only == "code":
            return []
        return [shown for output in self.cell.outputs if (shown := output_of(output))]

    @property
    def is_output(self) -> bool:
        """Whether nothing is shown of it but what it gave."""
        return self.only == "outputs"


@dataclass
class Page:
    """What is projected at one time."""

    kind: str
    section: str = ""  # the last `##` heading above, or on it
    parts: list[Part] = field(default_factory=list)
    minutes: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def cells(self) -> list[Cell]:
        """The cells on it."""
        return [part.cell for part in self.parts]

    @property
    def steps(self) -> int:
        """How many key presses it takes to show it all, behind the one that shows the page."""
        last = self.parts[-1] if self.parts else None
        return last.step + bool(last.outputs and not last.is_output) if last else 0

    @property
    def is_only_prose(self) -> bool:
        """Whether nothing stands on it but headings and paragraphs."""
        kinds = {block.kind for part in self.parts for block in blocks(part)}
        return not any(part.cell.runs for part in self.parts) and not kinds - {
            *("heading", "paragraph"),
        }

    @property
    def headings(self) -> list[str]:
        """The headings on it."""
        found = [block for part in self.parts for block in blocks(part) if block.kind == "heading"]
        return [block.text.lstrip("#").strip() for block in found]

    @property
    def again(self) -> str:
        """The heading of its section, when it has none of its own."""
        return "" if self.headings else self.section

    @property
    def title(self) -> str:
        """What it is called in the overview and by a screen reader."""
        return self.headings[0] if self.headings else self.section

    def shown(self, part: Part) -> list[Block]:
        """Return what the page shows of a markdown cell."""
        each = blocks(part)
        return each if part.whole else [cut for cut in map(self.cut, each) if cut.text]

    def cut(self, block: Block) -> Block:
        """Return what is shown of one block: nothing of most paragraphs."""
        if block.kind != "paragraph" or self.is_only_prose or PICTURE.match(block.text):
            return block
        lead = LEAD.match(block.text)
        if lead and lead[1].endswith((".", "?", "!")) and len(lead[1].split()) > LABEL:
            return Block(block.kind, lead[0])
        return block if lead else Block(block.kind, "")

    @property
    def spoken(self) -> list[str]:
        """The paragraphs that it does not show, or not whole."""
        each = [block for part in self.parts if not part.whole for block in blocks(part)]
        return [block.text for block in each if self.cut(block) != block]


def blocks(part: Part) -> list[Block]:
    """Return the blocks of a markdown cell; none of a code cell."""
    return list(read(part.cell.source)) if part.cell.is_markdown else []


@cache
def read(text: str) -> tuple[Block, ...]:
    """Return the blocks of a markdown text, in order."""
    lines = text.splitlines()
    return tuple(
        Block(
            token.type.removesuffix("_open").replace("bullet_", "").replace("ordered_", ""),
            "\n".join(lines[token.map[0] : token.map[1]]).rstrip(),
        )
        for token in reader().parse(text)
        if token.level == 0 and token.map and token.nesting >= 0
    )


def output_of(output: dict[str, Any]) -> Output | None:
    """Return what is shown of one output, None when it has neither a picture nor text."""
    told = dict(texts(output))
    if "image/svg+xml" in told:
        return Output(True, told["image/svg+xml"], told.get("text/plain", ""))
    for kind in ("text/plain", "stdout", "stderr", "error"):
        if joined(told.get(kind, "")).strip():
            return Output(False, told[kind].rstrip("\n"))
    return None


@cache
def unrevealed(source: str) -> str:
    """Return code without its statements `reveal(…)`, however many lines they take."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a line for IPython alone is in it
        return re.sub(r"^[ \t]*reveal\(.*(?:\n|$)", "", source, flags=re.MULTILINE).rstrip("\n")
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and getattr(node.value.func, "id", "") == "reveal"
    ]
    hidden = {n for node in calls for n in range(node.lineno, (node.end_lineno or 0) + 1)}
    lines = enumerate(source.split("\n"), start=1)
    return "\n".join(line for n, line in lines if n not in hidden).strip("\n")


def kind_of(cell: Cell) -> str:
    """Return a cell's slide type as Jupyter names it; `-` belongs to what stands above it."""
    return str(cell.metadata.get("slideshow", {}).get("slide_type", "-") or "-")


def pages(book: Book) -> list[Page]:
    """Return the pages of a notebook's deck."""
    made: list[Page] = []
    section, step = "", 0
    for cell in book.cells:
        kind = kind_of(cell)
        if kind == "skip" or not cell.source.strip():
            continue
        if kind in ("slide", "subslide") or not made:
            section = "" if kind == "slide" else section
            made.append(Page(kind, section, notes=list(notes_of(cell)), minutes=minutes_of(cell)))
            step = 0
        page = made[-1]
        if kind == "notes":
            page.notes.append(cell.source)
            continue
        step += kind == "fragment"
        part = Part(cell, step, whole=kind == "fragment")
        page.parts.append(part)
        step += bool(part.outputs)  # so that one can ask first what it will be
        page.section = section = next(sections(cell), section)
    return made


def sections(cell: Cell) -> Iterator[str]:
    """Yield the section headings of a cell, the last one first."""
    if cell.is_markdown:
        for found in reversed(re.findall(r"^## +(.*)$", cell.prose, re.MULTILINE)):
            yield found.strip()


def minutes_of(cell: Cell) -> int:
    """Return the minutes that are planned for a page; 0 without any."""
    minutes = cell.metadata.get("rsp", {}).get("minutes", 0)
    return minutes if isinstance(minutes, int) else 0


def notes_of(cell: Cell) -> Iterator[str]:
    """Yield a cell's speaker notes, if it has some."""
    if notes := str(cell.metadata.get("rsp", {}).get("notes", "")).strip():
        yield notes
