"""The rhythm of a notebook: how long its cells, how much prose, how often it shows and asserts.

The admired build-it texts have these numbers in common; here they are limits.
"""

import re
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from rich.console import Console
from rich.table import Table

from tools.book import Book, Cell

CODE_MEDIAN, CODE_P90, CODE_MAX = 7, 15, 30  # lines of a code cell that are not blank
CODE_RUN = 3  # code cells in a row
WORDS = 1200, 3200  # of prose in a notebook
CELLS = 20, 70
PARAGRAPH = 60  # words
ASSERTS, IGNORED, OUTPUTS = 0.15, 0.10, 0.50  # shares of code cells, of shown ones, of code cells
PICTURES = {"image/svg+xml", "image/png"}

PLAIN_FENCE = re.compile(r"```.*?```", re.DOTALL)
ASSERTING = re.compile(r"\bassert\b|\bcheck\(|raises")
DEFINING = re.compile(r"^\s*(async def|def|class) ", re.MULTILINE)
DRAWN = re.compile(r"!\[|```mermaid|<svg")
# A line that starts like one of these is a list item, a table's row, a heading, HTML or a picture.
OTHER = re.compile(r"\s*([-*+] |\d+[.)] |\||#|<|!\[|\$\$|---)")


@dataclass(frozen=True)
class Rhythm:
    """The numbers of one notebook; `broken` says which limits they pass."""

    cells: int
    code: int
    median: float
    p90: int
    longest: int
    words: int
    per_definition: float
    asserts: float
    run: int
    pictures: int
    ignored: float
    outputs: float

    def broken(self) -> Iterator[str]:
        """Yield a sentence for each limit that is passed."""
        if self.median > CODE_MEDIAN:
            what = f"the median code cell has {self.median:g} lines"
            yield f"{what}, the limit is {CODE_MEDIAN}; split cells"
        if self.p90 > CODE_P90:
            what = f"one code cell in ten has {self.p90} lines or more"
            yield f"{what}, the limit is {CODE_P90}; split them"
        if self.longest > CODE_MAX:
            yield f"a code cell has {self.longest} lines, the limit is {CODE_MAX}; split it"
        if self.run > CODE_RUN:
            what = f"{self.run} code cells stand in a row"
            yield f"{what}, the limit is {CODE_RUN}; put prose between"
        if self.pictures < 1:
            yield "there is no picture; draw one"
        if self.asserts < ASSERTS:
            what = f"{self.asserts:.0%} of the code cells assert something"
            yield f"{what}, {ASSERTS:.0%} must; assert more"
        if self.ignored > IGNORED:
            what = f"{self.ignored:.0%} of the outputs are ignored"
            yield f"{what}, the limit is {IGNORED:.0%}; make them stable"
        if self.outputs < OUTPUTS:
            what = f"{self.outputs:.0%} of the code cells show an output"
            yield f"{what}, {OUTPUTS:.0%} must; show more"
        if not WORDS[0] <= self.words <= WORDS[1]:
            least, most = WORDS
            yield f"it has {self.words} words, {least} to {most} are allowed; lengthen or cut it"
        if not CELLS[0] <= self.cells <= CELLS[1]:
            least, most = CELLS
            yield f"it has {self.cells} cells, {least} to {most} are allowed; merge or split it"


def measure(book: Book) -> Rhythm:
    """Return the numbers of `book`. A cell without code in it does not count as code."""
    code = book.code
    lines = sorted(length(cell) for cell in code) or [0]
    shown = [cell for cell in code if cell.outputs]
    words = sum(len(prose(cell.source).split()) for cell in book.markdown)
    defining = sum(bool(DEFINING.search(cell.source)) for cell in code)
    return Rhythm(
        cells=sum(1 for _ in groupby(book.cells, key=separate)),
        code=len(code),
        median=statistics.median(lines),
        p90=lines[int(len(lines) * 0.9) if len(lines) > 1 else 0],
        longest=lines[-1],
        words=words,
        per_definition=words / max(1, defining),
        asserts=sum(bool(ASSERTING.search(cell.source)) for cell in code) / max(1, len(code)),
        run=longest_run(book.cells),
        pictures=sum(pictures(cell) for cell in book.cells if cell.is_markdown or cell in code),
        ignored=sum(ignored(cell) for cell in shown) / max(1, len(shown)),
        outputs=len(shown) / max(1, len(code)),
    )


def separate(cell: Cell) -> str:
    """Return what tells a cell from its neighbours: slides part prose that is read as one."""
    return cell.id if cell.is_code else "prose"


def length(cell: Cell) -> int:
    """Return how many lines of a cell are not blank."""
    return sum(1 for line in cell.source.splitlines() if line.strip())


def prose(text: str) -> str:
    """Return markdown without fenced listings and tables."""
    rows = PLAIN_FENCE.sub("", text).splitlines()
    return " ".join(row for row in rows if not row.lstrip().startswith("|"))


def longest_run(cells: list[Cell]) -> int:
    """Return how many code cells stand in a row at most."""
    run = best = 0
    for cell in cells:
        run = run + 1 if cell.is_code else 0
        best = max(best, run)
    return best


def pictures(cell: Cell) -> int:
    """Return how many pictures a cell has, in its outputs or its markdown."""
    if cell.is_code:
        return sum(bool(PICTURES & output.get("data", {}).keys()) for output in cell.outputs)
    return len(DRAWN.findall(cell.source)) if cell.is_markdown else 0


def ignored(cell: Cell) -> bool:
    """Tell whether an output is not compared: by a tag, a marker, or because it is a PNG."""
    return (
        any("ignore" in tag or "skip" in tag for tag in cell.tags)
        or "NBVAL_IGNORE" in cell.source
        or "NBVAL_SKIP" in cell.source
        or any("image/png" in output.get("data", {}) for output in cell.outputs)
    )


def paragraphs(cell: Cell) -> Iterator[str]:
    """Yield the paragraphs of a markdown cell; a list's items and a table's rows are none."""
    for block in re.split(r"\n\s*\n", cell.prose):
        lines = block.strip().splitlines()
        while lines and lines[0].startswith("#"):
            lines = lines[1:]
        if lines and not OTHER.match(lines[0]) and not block.startswith(("  ", "\t")):
            first_item = next((n for n, line in enumerate(lines) if OTHER.match(line)), len(lines))
            yield " ".join(lines[:first_item])


def limits(book: Book) -> Iterator[str]:
    """Yield a sentence for each limit of the rhythm that `book` passes."""
    for what in measure(book).broken():
        yield book.fault(None, what)


def paragraphs_are_short(book: Book) -> Iterator[str]:
    """No paragraph is a wall."""
    for cell in book.markdown:
        for text in paragraphs(cell):
            count = len(text.split())
            if count > PARAGRAPH:
                start = " ".join(text.split()[:4])
                what = f"the paragraph '{start} …' has {count} words"
                yield book.fault(cell, f"{what}, the limit is {PARAGRAPH}; split it")


def table(books: list[Book]) -> Table:
    """Return the numbers of all notebooks; a row with a broken limit is red."""
    made = Table(title="Rhythm", caption="words/def: 100 to 155 are the aim; all else is enforced")
    made.add_column("notebook", no_wrap=True)
    heads = ["cells", "code", "lines", "words", "words/def", "asserts"]
    for head in [*heads, "run", "pics", "ignored", "outputs"]:
        made.add_column(head, justify="right", no_wrap=True)
    for book in books:
        r = measure(book)
        made.add_row(
            *(book.path.stem, str(r.cells), str(r.code), f"{r.median:g}/{r.p90}/{r.longest}"),
            *(str(r.words), f"{r.per_definition:.0f}", f"{r.asserts:.0%}", str(r.run)),
            *(str(r.pictures), f"{r.ignored:.0%}", f"{r.outputs:.0%}"),
            style="red" if any(r.broken()) else None,
        )
    return made


def show(books: list[Book]) -> None:
    """Print the table."""
    Console(width=110).print(table(books))
