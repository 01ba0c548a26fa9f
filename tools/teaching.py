"""The checks for who teaches with a notebook: each section timed, each page with something to say.

`tests/test_tools_slides.py` plants the fault of each. Solutions have no deck.
"""

import re
from collections.abc import Callable, Iterator

from tools.book import Book
from tools.fit import pages_fit
from tools.marks import KINDS, PAGES, SHAPE
from tools.pages import Page, kind_of, pages

MINUTES = 45, 100  # of a notebook in class: one sitting
PAGE_MINUTES = 20  # of one slide; more is no plan
WRITE = f"write '{SHAPE}' above it"


def kinds_are_known(book: Book) -> Iterator[str]:
    """Jupyter takes a slide type that it does not know for none, without a word."""
    for cell in book.cells:
        if (kind := kind_of(cell)) not in (*KINDS, "-"):
            what = f"there is no slide type '{kind}'; use one of {', '.join(KINDS)}"
            yield book.fault(cell, what)


def marks_are_read(book: Book) -> Iterator[str]:
    """Minutes and notes that nobody reads are lost work."""
    for cell in book.cells:
        ours = cell.metadata.get("rsp", {})
        if other := sorted(ours.keys() - {"minutes", "notes"}):
            what = f"its rsp metadata has '{other[0]}'; only minutes and notes are read"
            yield book.fault(cell, what)
        given = ours.get("minutes", 1)
        if not isinstance(given, int) or not 1 <= given <= PAGE_MINUTES:
            what = f"its minutes are {given!r}; write a whole number up to {PAGE_MINUTES}"
            yield book.fault(cell, what)
        if ours and kind_of(cell) not in PAGES:
            yield book.fault(cell, "it has minutes or notes and begins no page; move them to one")


def first_is_the_title(book: Book) -> Iterator[str]:
    """The room sees what it came for."""
    first = next((cell for page in pages(book) for cell in page.cells), None)
    if first is None or kind_of(first) != "slide" or not first.source.startswith("# "):
        what = f"its deck begins without a title; write '{SHAPE}' above the notebook's heading"
        yield book.fault(first, what)


def sections_have_minutes(book: Book) -> Iterator[str]:
    """What has no time is not taught; a section's time is that of the page its heading is on."""
    on = {id(cell): page for page in pages(book) for cell in page.cells}
    for cell in book.markdown:
        for text in re.findall(r"^## +(.*)$", cell.prose, re.MULTILINE):
            page = on.get(id(cell))
            if page is None:
                yield book.fault(cell, f"the section '{text}' is on no page; {WRITE}")
            elif not page.minutes:
                yield book.fault(cell, f"the section '{text}' has no minutes; {WRITE}")


def sum_is_a_sitting(book: Book) -> Iterator[str]:
    """Less is not worth coming for, more is not borne."""
    total = minutes(book)
    if not MINUTES[0] <= total <= MINUTES[1]:
        what = f"its minutes are {total} together, {MINUTES[0]} to {MINUTES[1]} must be"
        yield book.fault(None, f"{what}; plan again")


def pages_say_something(book: Book) -> Iterator[str]:
    """No page is empty, and none leaves the speaker alone."""
    for page in pages(book):
        cell = page.cells[0] if page.cells else None
        if is_empty(page):
            what = f"its page '{page.title}' shows nothing; put more on it, or skip it"
            yield book.fault(cell, what)
        if not page.notes:
            yield book.fault(cell, f"its page '{page.title}' has no notes; {WRITE}")


def is_empty(page: Page) -> bool:
    """Tell whether a page shows nothing but headings."""
    return not any(
        part.cell.runs or any(block.kind != "heading" for block in page.shown(part))
        for part in page.parts
    )


def minutes(book: Book) -> int:
    """Return how long a notebook takes in class."""
    return sum(page.minutes for page in pages(book))


def faults(book: Book) -> Iterator[str]:
    """Yield every fault of what a class sees of one notebook."""
    for gate in [] if book.is_solutions else TEACHING_GATES:
        yield from gate(book)


TEACHING_GATES: list[Callable[[Book], Iterator[str]]] = [
    *(kinds_are_known, marks_are_read, first_is_the_title, sections_have_minutes),
    *(sum_is_a_sitting, pages_say_something, pages_fit),
]
