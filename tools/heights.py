"""How high a piece of a page is: sizes, and an estimate on the safe side.

A page is 1280 by 720 CSS pixels, whatever the projector has; the browser scales it as a whole. What
is smaller than a fortieth of its height cannot be read from the last row, so code is 18 pixels. The
style sheet takes these sizes from here, so that the estimate is of the page that is shown; a test
in Chromium measures the real thing.
"""

import math
import re

from tools.pages import Block, Page, Part

SIZES = {  # pixels; in the style sheet each is a variable: `code-line` is `var(--code-line)`
    "width": 1280,
    "height": 720,
    "side": 56,  # left and right of everything
    "top": 26,
    "foot": 40,  # below everything: the notebook's name and the number
    "title": 50,
    "title-line": 66,
    "heading": 34,
    "heading-line": 46,
    "again": 22,  # the heading of the section, on its further pages
    "again-line": 32,
    "text": 24,
    "text-line": 33,
    "table": 20,
    "table-line": 27,
    "code": 18,
    "code-line": 24,
    "output-line": 22,
    "gap": 12,  # below each block
    "pad": 10,  # above and below, in a box of code; in a row of a table the two together
    "indent": 34,  # of a list
}
ACROSS = SIZES["width"] - 2 * SIZES["side"]
ROOM = SIZES["height"] - SIZES["top"] - SIZES["foot"]
LETTER = 0.56  # of the size: how wide a letter of prose is on average, in the widest usual font
MONO = 0.603  # of the size: how wide a letter of code is, in the widest usual font
BOLD = 1.12  # how much wider than that a heading is
BOX_SIDE = 16  # pixels left and right in a box of code, the line of an output in it
CELL_SIDES = 24  # pixels left and right in a cell of a table, together
ITEM = re.compile(r"^(?:[-*+]|\d+[.)]) +", re.MULTILINE)


def height(page: Page, part: Part, zoom: float = 1) -> float:
    """Return the height of a cell on its page, before it is zoomed, and without its pictures."""
    if part.cell.is_code:
        return sum(boxed(text, line, zoom) for text, line in boxes(part))
    return sum(block_height(block, ACROSS / zoom) for block in page.shown(part))


def boxes(part: Part) -> list[tuple[str, str]]:
    """Return the texts that a code cell shows, each with the name of its line's height."""
    code = [(part.code, "code-line")] if part.code else []
    return code + [(out.text, "output-line") for out in part.outputs if not out.picture]


def columns(zoom: float = 1) -> int:
    """Return how many letters of code fit into a line."""
    return int((ACROSS / zoom - 2 * BOX_SIDE) / (SIZES["code"] * MONO))


def boxed(text: str, line: str, zoom: float = 1) -> float:
    """Return the height of a box of code or of an output; too wide a line is broken."""
    wide = columns(zoom)
    lines = sum(max(1, math.ceil(len(row) / wide)) for row in text.splitlines() or [""])
    return lines * SIZES[line] + 2 * SIZES["pad"] + SIZES["gap"]


def block_height(block: Block, across: float) -> float:
    """Return the height of a piece of markdown."""
    if block.kind == "heading":
        size = "title" if block.text.startswith("# ") else "heading"
        return (
            wrapped(block.text.lstrip("# "), size, across / BOLD) * SIZES[f"{size}-line"]
            + SIZES["gap"]
        )
    if block.kind == "fence":
        return boxed("\n".join(block.text.splitlines()[1:-1]), "code-line")
    if block.kind == "table":
        return table_height(block.text, across)
    if block.kind == "list":
        items = ITEM.split(block.text)[1:]
        lines = sum(wrapped(item, "text", across - SIZES["indent"]) for item in items)
        return lines * SIZES["text-line"] + len(items) * 4 + SIZES["gap"]
    return wrapped(block.text, "text", across) * SIZES["text-line"] + SIZES["gap"]


def plain(text: str) -> str:
    """Return markdown as long as it is when it is shown: without its marks and addresses."""
    return re.sub(r"\]\([^)]*\)|[*`\[]", "", text)


def wrapped(text: str, size: str, across: float) -> int:
    """Return how many lines a text takes."""
    return max(1, math.ceil(len(plain(text)) * SIZES[size] * LETTER / across))


def table_height(text: str, across: float) -> float:
    """Return the height of a table, its columns as wide as browsers make them."""
    letter = SIZES["table"] * LETTER
    rows = rows_of(text)
    each = list(zip(*rows, strict=True))
    least = [max(len(w) for cell in c for w in cell.split() or [""]) * letter for c in each]
    most = [max(len(cell) for cell in c) * letter for c in each]
    room = across - len(each) * CELL_SIDES
    share = (room - sum(least)) / max(1.0, sum(most) - sum(least))
    share = min(1.0, max(0.0, share))
    widths = [low + (high - low) * share for low, high in zip(least, most, strict=True)]
    lines = 0
    for row in rows:
        high = [len(cell) * letter / max(w, letter) for cell, w in zip(row, widths, strict=True)]
        lines += max(1, *map(math.ceil, high))
    return lines * SIZES["table-line"] + len(rows) * (SIZES["pad"] + 1) + SIZES["gap"]


def rows_of(text: str) -> list[list[str]]:
    """Return the cells of a table, row by row, without the line below its head."""
    lines = [row for n, row in enumerate(text.replace("\\|", "/").splitlines()) if n != 1]
    rows = [[cell.strip() for cell in plain(row).strip(" ").strip("|").split("|")] for row in lines]
    most = max(len(row) for row in rows)
    return [row + [""] * (most - len(row)) for row in rows]


def size_of(svg: str) -> tuple[float, float]:
    """Return the width and height of a picture; a usual one when it does not say them."""
    tag = re.search(r"<svg\b[^>]*>", svg)
    said = dict(re.findall(r"\s(width|height)=[\"']([\d.]+)", tag[0] if tag else ""))
    return float(said.get("width", 800)), float(said.get("height", 400))
