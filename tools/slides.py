"""Makes the decks: `python tools/notebooks.py slides [START…]`, one HTML file for each notebook.

Such a file needs nothing else, neither a network nor a server: it holds its style, its few keys
and its pictures, and its policy forbids the browser to load more. What does not fit on a page is
told, file and cell, and the deck is written all the same, to look at it.
"""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from string import Template

from tools import rendering, teaching
from tools.book import Book, BookError, Project, say
from tools.fit import fit, laid_out
from tools.front import front_of
from tools.heights import SIZES
from tools.pages import Page, Part
from tools.teaching import minutes

ASSETS = Path(__file__).resolve().parent / "deck"


def slides(project: Project, sources: list[Path]) -> Iterator[str]:
    """Write the decks of the committed notebooks; yield what does not fit, or is not marked."""
    folder = project.root / "build" / "slides"
    folder.mkdir(parents=True, exist_ok=True)
    for source in sources:
        if source.parent.name == "solutions":
            continue
        try:
            book = project.committed_of(source)
            if book is None:
                yield f"{project.short(source)}: it has no notebook; build it"
                continue
            path = folder / f"{source.stem}.html"
            path.write_text(deck(book, half_day(source, project)), encoding="utf-8")
        except BookError as error:
            yield str(error)
            continue
        say(f"{len(laid_out(book)):3} pages, {minutes(book)} min  {project.short(path)}")
        yield from teaching.faults(book)


def half_day(source: Path, project: Project) -> tuple[str, ...]:
    """Return the sections that half a day has; none without a front matter. Raises BookError."""
    has_front = source.read_text(encoding="utf-8").startswith("---\n")
    return front_of(source, project).half_day if has_front else ()


def deck(book: Book, half: Sequence[str] = ()) -> str:
    """Return the HTML of a deck; `half` are the sections that half a day has.

    Raises BookError when a cell cannot be shown.
    """
    all_pages = laid_out(book)
    made = [
        section(book, page, f"{number} / {len(all_pages)}", page.section in half)
        for number, page in enumerate(all_pages, start=1)
    ]
    title = rendering.words_of(all_pages[0].title) if all_pages else book.path.stem
    sizes = "".join(f"--{name}:{value}px;" for name, value in SIZES.items())
    return Template(asset("deck.html")).substitute(
        title=escape(title),
        style=f":root{{{sizes}}}\n{asset('deck.css')}",
        pages="\n".join(made),
        script=asset("deck.js") + asset("plan.js") + asset("presenter.js"),
    )


def asset(name: str) -> str:
    """Return the text of a file of the deck's own."""
    return (ASSETS / name).read_text(encoding="utf-8")


def section(book: Book, page: Page, number: str, in_half: bool) -> str:
    """Return one page: what is shown, and the speaker's notes, which are hidden."""
    needs = fit(page)
    again = f'<p class="again">{inline(page.again)}</p>' if page.again else ""
    shown = "\n".join(shown_of(book, page, part, needs.scale) for part in page.parts)
    return (
        f'<section class="page {page.kind}" role="group" aria-roledescription="slide" hidden '
        f'aria-label="{escape(rendering.words_of(page.title))}" '
        f'data-steps="{page.steps}" data-minutes="{page.minutes}" '
        f'data-section="{escape(page.section)}"{" data-half" if in_half else ""}>\n'
        f'{again}<div class="body" style="zoom:{needs.zoom}">{shown}</div>\n'
        f"<footer><span>{escape(book.path.stem.replace('_', ' '))}</span>"
        f"<span>{number}</span></footer>\n"
        f'<aside class="notes">{notes(book, page)}</aside>\n</section>'
    )


def inline(text: str) -> str:
    """Return a heading's text as HTML."""
    return escape(rendering.words_of(text), quote=False)


def shown_of(book: Book, page: Page, part: Part, scale: float) -> str:
    """Return a cell as it is shown; what it gave comes one key press later."""
    try:
        if part.cell.is_markdown:
            text = "\n\n".join(block.text for block in page.shown(part))
            return (
                f'<div data-step="{part.step}">{rendering.markdown(text, book.path.parent)}</div>'
            )
        code = rendering.code(part.code, " ".join(part.cell.tags)) if part.code else ""
        gave = "".join(
            rendering.output(output, scale, f"{part.cell.id}-{number}")
            for number, output in enumerate(part.outputs)
        )
    except BookError as error:
        raise BookError(book.fault(part.cell, str(error))) from error
    if part.is_output:
        return gave
    after = f'<div data-step="{part.step + 1}">{gave}</div>' if gave else ""
    return f'<div data-step="{part.step}">{code}</div>{after}'


def notes(book: Book, page: Page) -> str:
    """Return the speaker's notes, and below them the prose that the page does not show."""
    ours = rendering.markdown("\n\n".join(page.notes), book.path.parent)
    spoken = rendering.markdown("\n\n".join(page.spoken), book.path.parent)
    return ours + (f"<h3>In the notebook</h3>{spoken}" if spoken else "")
