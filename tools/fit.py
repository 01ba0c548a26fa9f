"""What fits on a projected page: a fault for each thing that is too long, too wide, or too much."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tools.book import Book, Cell
from tools.heights import ACROSS, ROOM, SIZES, block_height, boxes, columns, height, plain, size_of
from tools.pages import Page, Part, pages

LINES = (ROOM - SIZES["heading-line"] - 2 * SIZES["pad"] - 2 * SIZES["gap"]) // SIZES["code-line"]
WORDS = 110  # on a page, tables included: 45 seconds of reading, when nobody speaks
ZOOMS = 1.4, 1.3, 1.2, 1.1  # of a page with room to spare: it is easier to read
SCALE = 1.05, 1.7  # of a picture: the lab's letters of 12 pixels must stay legible


@dataclass(frozen=True)
class Fit:
    """What a page needs: the height of everything but pictures, and the pictures' size."""

    text: float
    pictures: float  # the height of them all, at a scale of 1
    width: float  # of the widest one
    zoom: float = 1  # of all but the pictures

    @property
    def scale(self) -> float:
        """How large the pictures are drawn: as large as there is room, within limits."""
        if not self.pictures:
            return 1
        room = min((ROOM - self.text) / self.pictures, ACROSS / self.width, SCALE[1])
        return max(SCALE[0], math.floor(room * 100) / 100)

    @property
    def excess(self) -> int:
        """How many pixels do not fit."""
        return max(0, math.ceil(self.text + self.pictures * self.scale - ROOM))


def fit(page: Page) -> Fit:
    """Return what a page needs."""
    sizes = [size for part in page.parts for size in pictures_of(part)]
    if sizes:  # which are zoomed in the place of the rest
        text = above(page) + high(page) + len(sizes) * SIZES["gap"]
        return Fit(text, sum(tall for _, tall in sizes), max(wide for wide, _ in sizes))
    for zoom in ZOOMS:
        text = above(page) + high(page, zoom) * zoom
        if text <= ROOM and widest(page) <= columns(zoom) and not breaks(page, zoom):
            return Fit(text, 0, 1, zoom)
    return Fit(above(page) + high(page), 0, 1)


def breaks(page: Page, zoom: float) -> bool:
    """Tell whether a heading takes one more line."""
    shown = [block for part in page.parts for block in page.shown(part) if block.kind == "heading"]
    return any(block_height(block, ACROSS / zoom) > block_height(block, ACROSS) for block in shown)


def high(page: Page, zoom: float = 1) -> float:
    """Return the height of all cells of a page, before they are zoomed, without pictures."""
    return sum(height(page, part, zoom) for part in page.parts)


def widest(page: Page) -> int:
    """Return the columns of the longest line of code, or of what it printed."""
    texts = [text for part in page.parts if part.cell.is_code for text, _ in boxes(part)]
    return max((len(row) for text in texts for row in text.splitlines()), default=0)


def laid_out(book: Book) -> list[Page]:
    """Return the pages as they are projected.

    What the last cell of a page gave comes on a page of its own when there is no room for it; then
    one line alone, which only asks for it, is not shown.
    """
    made: list[Page] = []
    for page in pages(book):
        seen = [n for n, part in enumerate(page.parts) if height(page, part)]
        last = page.parts[seen[-1]] if seen else None
        if last and last.outputs and fit(page).excess:
            head = replace(page, parts=[*page.parts[: seen[-1]], replace(last, only="code")])
            rest = [replace(part, step=0) for part in page.parts[seen[-1] + 1 :]]
            parts = [replace(last, step=0, only="outputs"), *rest]
            if len(seen) > 1 or "\n" in last.code.strip():
                made.append(head)
                page = Page("subslide", page.section, parts, 0, page.notes)
            else:
                page = replace(page, parts=[*head.parts[:-1], *parts])
        made.append(page)
    return made


def above(page: Page) -> float:
    """Return the height of what the deck puts on a page by itself: the section's heading, again."""
    return SIZES["again-line"] + SIZES["gap"] if page.again else 0


def pictures_of(part: Part) -> list[tuple[float, float]]:
    """Return the widths and heights of the pictures that a cell gave."""
    return [size_of(output.text) for output in part.outputs if output.picture]


def words(page: Page) -> int:
    """Return how many words of prose a page shows."""
    shown = [block for part in page.parts for block in page.shown(part) if block.kind != "fence"]
    return sum(len(re.findall(r"\w[\w'’-]*", plain(block.text))) for block in shown)


def pages_fit(book: Book) -> Iterator[str]:
    """What is projected can be read from the last row."""
    for page in laid_out(book):
        found = [what for part in page.parts for what in wide_or_long(book, part)]
        if not found and (count := words(page)) > WORDS:
            what = f"its page has {count} words, {WORDS} can be read; begin a subslide"
            found.append(book.fault(page.parts[0].cell, f"{what}, or hide some with notes"))
        yield from found or too_high(book, page)


def wide_or_long(book: Book, part: Part) -> Iterator[str]:
    """Yield what is wrong with one cell of code, wherever it stands."""
    if not part.cell.is_code:
        return
    lines = part.code.splitlines()
    if len(lines) > LINES:
        what = f"its code is {len(lines)} lines, a page shows {LINES}; split it, or skip it"
        yield book.fault(part.cell, what)
    if (wide := max(map(len, lines), default=0)) > columns():
        what = f"a line of its code is {wide} columns wide, a page shows {columns()}; break it"
        yield book.fault(part.cell, what)


def too_high(book: Book, page: Page) -> Iterator[str]:
    """Yield what is too high, at the cell that crosses the page's lower edge."""
    needs = fit(page)
    if not needs.excess:
        return
    cell, what = crossing(page, needs)
    yield book.fault(cell, f"{what}; begin a subslide there, or skip something")


def crossing(page: Page, needs: Fit) -> tuple[Cell, str]:
    """Return the cell that crosses the lower edge, and what is to be said of it."""
    total, last = above(page), page.parts[-1]
    for part in page.parts:
        last, before = part, total
        tall = sum(size[1] for size in pictures_of(part))
        total += height(page, part) + tall * needs.scale
        if total > ROOM:
            break
    if tall:
        left = max(0, int((ROOM - before - height(page, last)) / needs.scale))
        return last.cell, f"its picture is {tall:.0f} px high, its page has {left} left for it"
    return last.cell, f"with it its page is {needs.excess} px too high (a line of code is 24)"
