"""The decks: marks become metadata, pages show what can be read, and each gate can fail."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.planted import SVG, TABLE, Course, code, paged, printed, prose
from tools import fit, heights, rendering, teaching
from tools.book import Book, BookError, Cell
from tools.convert import convert
from tools.marks import KINDS
from tools.notebooks import main
from tools.pages import Page, pages
from tools.slides import ASSETS, deck

ROOT = Path(__file__).resolve().parent.parent
Plant = Callable[[Course], Cell | None]
SLIDE = {"slideshow": {"slide_type": "slide"}}
ABOVE = "write '<!-- slide, 4 min: what to say -->' above it"


def made(course: Course, text: str) -> list[Cell]:
    """Return the cells that a text makes."""
    return convert(course.write("notebooks/src/05_text.md", text), course.project).cells


def book(*cells: Cell) -> Book:
    """Return a notebook of these cells."""
    return Book(Path("05_text.ipynb"), list(cells))


def only(*cells: Cell) -> Page:
    """Return the one page that these cells make."""
    (page,) = pages(book(*cells))
    return page


def shown(page: Page) -> list[str]:
    """Return the pieces of prose that a page shows."""
    return [block.text for part in page.parts for block in page.shown(part)]


class TestMarks:
    def test_a_mark_becomes_metadata_and_leaves_the_text(self, tmp_path: Path) -> None:
        """What Jupyter and the deck read is the same truth."""
        (cell,) = made(Course(tmp_path), "<!-- slide, 4 min: Ask: why? -->\n\n# A\n\nText.\n")
        assert cell.source == "# A\n\nText."
        assert cell.metadata == SLIDE | {"rsp": {"minutes": 4, "notes": "Ask: why?"}}

    def test_a_mark_inside_prose_begins_a_cell(self, tmp_path: Path) -> None:
        """A cell has one slide type; so the text is parted there, and lines stay known."""
        text = "One.\n\n<!-- fragment -->\n\nTwo.\n\n<!-- notes -->\n\nThree.\n"
        cells = made(Course(tmp_path), text)
        kinds = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in cells]
        assert [(c.source, c.line) for c in cells] == [("One.", 1), ("Two.", 5), ("Three.", 9)]
        assert kinds == [None, "fragment", "notes"]
        assert [cell.id for cell in cells] == [f"05_text-00{n}" for n in (1, 2, 3)]

    def test_a_mark_above_a_code_cell_is_the_code_cells(self, tmp_path: Path) -> None:
        """Its tags stay."""
        text = "Prose.\n\n<!-- skip -->\n\n```{code-cell}\n:tags: [setup]\nx = 1\n```\n"
        cells = made(Course(tmp_path), text)
        assert [cell.metadata for cell in cells] == [
            {},
            {"slideshow": {"slide_type": "skip"}, "tags": ["setup"]},
        ]

    def test_notes_may_have_many_lines(self, tmp_path: Path) -> None:
        """A long one reads better so."""
        (cell,) = made(Course(tmp_path), "<!-- slide: Say it.\n\n**Ask:** why? -->\n\n# A\n")
        assert cell.metadata["rsp"] == {"notes": "Say it.\n\n**Ask:** why?"}

    def test_a_mark_in_a_listing_is_text(self, tmp_path: Path) -> None:
        """One may write about marks."""
        text = "A:\n\n```text\n<!-- slide -->\n```\n"
        assert [cell.source for cell in made(Course(tmp_path), text)] == [text.strip()]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (
                "# A\n\n<!-- slyde, 4 min -->\n\nB",
                "3: cannot use the mark '<!-- slyde, 4 min -->': write '<!-- slide, 4 min: what to "
                "say -->' with one of slide, subslide, fragment, skip, notes",
            ),
            ("<!-- slide 4 min -->\n\nB", "1: cannot use the mark '<!-- slide 4 min -->': write"),
            (
                "<!-- fragment, 2 min -->\n\nB",
                "minutes and notes belong to a slide or subslide; move them there",
            ),
            ("B\n\n<!-- skip -->\n", "nothing stands behind it"),
            ("<!-- slide -->\n\n<!-- skip -->\n\nB", "the next mark stands right behind it"),
        ],
    )
    def test_a_mark_that_would_mark_nothing_is_an_error(
        self, text: str, said: str, tmp_path: Path
    ) -> None:
        """A comment is not seen by anybody; so it would be missed on the day of the class."""
        with pytest.raises(BookError, match=re.escape(said)):
            made(Course(tmp_path), text)


class TestPages:
    def test_slides_and_subslides_begin_pages_and_skipped_cells_are_on_none(self) -> None:
        """As Jupyter has it."""
        skipped = Cell("", "markdown", "B", {"slideshow": {"slide_type": "skip"}})
        found = pages(book(paged(prose("# A"), 3), skipped, paged(code("x = 1")), prose("C")))
        assert [[cell.source for cell in page.cells] for page in found] == [["# A"], ["x = 1", "C"]]
        assert [(page.kind, page.minutes) for page in found] == [("slide", 3), ("subslide", 0)]

    def test_a_paragraph_is_spoken_and_the_rest_is_shown(self) -> None:
        """Nobody reads and listens at once."""
        page = only(paged(prose(f"## A\n\nSpoken.\n\n- a list\n\n{TABLE}"), 3), code("x = 1"))
        assert shown(page) == ["## A", "- a list", TABLE]
        assert page.spoken == ["Spoken."]

    def test_a_page_of_nothing_but_paragraphs_shows_them(self) -> None:
        """Else it would be empty."""
        assert shown(only(paged(prose("## A\n\nText.\n\nMore."), 3))) == ["## A", "Text.", "More."]

    def test_a_bold_sentence_is_shown_alone_and_a_bold_label_with_its_text(self) -> None:
        """The first sums up what is said, the second is no sentence."""
        page = only(prose("**It does not wait.** Long.\n\n**Predict.** What? \n\n- a"))
        assert shown(page) == ["**It does not wait.**", "**Predict.** What?", "- a"]
        assert page.spoken == ["**It does not wait.** Long."]

    def test_a_fragment_is_shown_whole_and_comes_with_a_key(self) -> None:
        """Somebody has marked it, so it is wanted."""
        fragment = Cell("", "markdown", "Text.", {"slideshow": {"slide_type": "fragment"}})
        page = only(prose("## A\n\n- list\n\nSpoken."), fragment)
        assert shown(page) == ["## A", "- list", "Text."]
        assert [part.step for part in page.parts] == [0, 1]
        assert page.steps == 1

    def test_an_output_comes_with_a_key_of_its_own(self) -> None:
        """One asks first what it will be."""
        page = only(code("print(1)", prints="1\n"), code("x = 2"), code("print(2)", prints="2\n"))
        assert [part.step for part in page.parts] == [0, 1, 1]
        assert page.steps == 2

    def test_the_answer_is_not_shown_while_the_room_votes(self) -> None:
        """The call of `reveal` has it; what the call prints comes with a key of its own."""
        call = "reveal(\n    '4.1', guess, 'c',\n    'since nobody looks',\n)"
        cell = code(f"run()\n{call}\nassert seen", prints="c, since nobody looks\n")
        made = book(paged(prose("## A"), 3), cell)
        assert pages(made)[0].parts[1].code == "run()\nassert seen"
        before, _, after = deck(made).partition('<pre class="output"')
        shown = before.partition("</style>")[2]
        assert "run" in shown
        assert "reveal" not in shown
        assert "nobody looks" not in shown
        assert "nobody looks" in after

    @pytest.mark.parametrize(
        ("source", "shown"),
        [
            ("reveal('4.1', guess, 'c', 'so')", ""),
            ("%time run()\nreveal('4.1', guess, 'c', 'so')", "%time run()"),
            ('revealed = 1\nprint("""\nreveal(1)\n""")', None),
        ],
    )
    def test_nothing_else_of_the_code_is_hidden(self, source: str, shown: str | None) -> None:
        """A cell that does nothing else shows only what it gave."""
        made = book(paged(code(source, prints="c\n")))
        assert pages(made)[0].parts[0].code == (source if shown is None else shown)
        assert ("<pre><code>" in deck(made)) == (shown != "")

    def test_what_a_check_says_of_a_bare_stub_is_not_shown(self) -> None:
        """The room has not tried yet."""
        assert only(code("check('1.1', f)", "check", prints="✗ not yet\n")).steps == 0

    def test_notes_are_a_cells_own_and_those_of_its_mark(self) -> None:
        """Both are for the speaker."""
        cell = Cell("", "markdown", "Aside.", {"slideshow": {"slide_type": "notes"}})
        page = only(paged(prose("# A"), 3), cell)
        assert page.notes == ["Ask first.", "Aside."]

    def test_a_further_page_repeats_the_heading_of_its_section(self) -> None:
        """Who looked away finds back."""
        first, second = pages(book(paged(prose("## A\n\n- b"), 3), paged(code("x = 1"))))
        assert (first.again, second.again, second.title) == ("", "A", "A")

    def test_what_a_cell_gave_has_a_page_of_its_own_when_there_is_no_room_below(self) -> None:
        """It would be too small to read; what is said behind it goes along."""
        drawing = code("\n".join("x = 1" for _ in range(10)) + "\ndraw()")
        drawing.outputs = [picture(600, 400)]
        found = fit.laid_out(book(paged(prose("## A"), 3), drawing, prose("Said of it.")))
        assert [part.only for page in found for part in page.parts] == ["", "code", "outputs", ""]
        assert [page.minutes for page in found] == [3, 0]
        assert found[1].spoken == ["Said of it."]
        assert not any(fit.fit(page).excess for page in found)

    def test_one_line_that_only_asks_for_a_picture_is_not_shown_without_it(self) -> None:
        """A page with nothing but `draw()` on it says nothing."""
        drawing = paged(code("draw()"), 3)
        drawing.outputs = [picture(600, 570)]
        (page,) = fit.laid_out(book(drawing))
        assert ([part.only for part in page.parts], page.minutes) == (["outputs"], 3)


def picture(width: int, height: int, inside: str = "") -> dict[str, object]:
    """Return an output that is a picture."""
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}'>{inside}</svg>"
    )
    data = {"image/svg+xml": svg, "text/plain": "a picture"}
    return {"output_type": "display_data", "metadata": {}, "data": data}


def kind(course: Course) -> Cell:
    cell = course.cell("## Exercises")
    cell.metadata["slideshow"]["slide_type"] = "sub-slide"
    return cell


def key(course: Course) -> Cell:
    cell = course.cell("## Exercises")
    cell.metadata["rsp"]["minute"] = 3
    return cell


def lost(course: Course) -> Cell:
    cell = course.cell("print(serve")
    cell.metadata["rsp"] = {"notes": "Say it."}
    return cell


def long(course: Course) -> Cell:
    cell = course.cell("## Exercises")
    cell.metadata["rsp"]["minutes"] = 21
    return cell


def untitled(course: Course) -> Cell:
    cell = course.cell("# 04")
    cell.source = cell.source.replace("# 04 · One at a time\n\n", "")
    return cell


def unplaced(course: Course) -> Cell:
    cell = course.cell("## Exercises")
    cell.metadata["slideshow"]["slide_type"] = "skip"
    del cell.metadata["rsp"]
    course.cell("## C beside").metadata["rsp"]["minutes"] = 20
    return cell


def untimed(course: Course) -> Cell:
    cell = course.cell("## Exercises")
    del cell.metadata["rsp"]["minutes"]
    return cell


def short(course: Course) -> None:
    for start in ("# 04", "## A draft"):
        course.cell(start).metadata["rsp"]["minutes"] = 2


def empty(course: Course) -> Cell:
    cell = paged(prose("## Nothing"), 2)
    course.lesson.cells.append(cell)
    return cell


def silent(course: Course) -> Cell:
    cell = course.cell("Against")
    del cell.metadata["rsp"]
    return cell


def lines(course: Course) -> Cell:
    cell = course.cell("print(serve")
    cell.source = "\n".join(["x = 1"] * (fit.LINES + 1))
    return cell


def columns(course: Course) -> Cell:
    cell = course.cell("print(serve")
    cell.source = f"x = '{'a' * 101}'"
    return cell


def words(course: Course) -> Cell:
    cell = course.cell("## What is still missing")
    cell.source += "\n\n" + "so " * 60
    return cell


def high(course: Course) -> Cell:
    cell = course.cell("print(serve")
    cell.outputs = [printed("1\n" * 28)]
    return cell


def tall(course: Course) -> Cell:
    cell = course.cell("class Picture")
    cell.outputs = [picture(600, 700)]
    return cell


FAULTS: dict[str, tuple[Plant, str]] = {
    "kind": (
        kind,
        "there is no slide type 'sub-slide'; use one of slide, subslide, fragment, skip, notes",
    ),
    "key": (key, "its rsp metadata has 'minute'; only minutes and notes are read"),
    "lost": (lost, "it has minutes or notes and begins no page; move them to one"),
    "long": (long, "its minutes are 21; write a whole number up to 20"),
    "untitled": (
        untitled,
        "its deck begins without a title; write '<!-- slide, 4 min: what to say -->' above the "
        "notebook's heading",
    ),
    "unplaced": (unplaced, f"the section 'Exercises' is on no page; {ABOVE}"),
    "untimed": (untimed, f"the section 'Exercises' has no minutes; {ABOVE}"),
    "short": (short, "its minutes are 44 together, 45 to 100 must be; plan again"),
    "empty": (empty, "its page 'Nothing' shows nothing; put more on it, or skip it"),
    "silent": (silent, f"its page 'The piece' has no notes; {ABOVE}"),
    "lines": (lines, "its code is 24 lines, a page shows 23; split it, or skip it"),
    "columns": (columns, "a line of its code is 107 columns wide, a page shows 104; break it"),
    "words": (
        words,
        "its page has 123 words, 110 can be read; begin a subslide, or hide some with notes",
    ),
    "high": (
        high,
        "with it its page is 38 px too high (a line of code is 24); begin a subslide there, or "
        "skip something",
    ),
    "tall": (
        tall,
        "its picture is 700 px high, its page has 580 left for it; begin a subslide there, or skip "
        "something",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_gate_tells_its_planted_fault(name: str, tmp_path: Path) -> None:
    """A gate that cannot fail is worth nothing."""
    plant, said = FAULTS[name]
    course = Course(tmp_path)
    assert list(teaching.faults(course.lesson)) == []
    cell = plant(course)
    assert course.lesson.fault(cell, said) in list(teaching.faults(course.lesson))


def test_the_docs_say_the_same_marks_and_limits() -> None:
    """One place counts, the page repeats it."""
    text = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8").partition("## Slides")[2]
    assert tuple(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == KINDS
    words = " ".join(text.split())
    assert "{} to {} minutes".format(*teaching.MINUTES) in words
    assert f"{fit.LINES} lines or {heights.columns()} columns" in words
    assert f"more than {fit.WORDS} words" in words


def test_check_tells_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A page without notes does not wait for the day of the class."""
    course = Course(tmp_path)
    cell = silent(course)
    course.commit(course.lesson)
    assert main(["--root", str(tmp_path), "check"]) == 1
    said = capsys.readouterr().err
    assert cell.id in said
    assert f"its page 'The piece' has no notes; {ABOVE}" in said


@pytest.mark.kernel
def test_build_tells_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its writer hears it first."""
    course = Course(tmp_path)
    text = course.source.read_text(encoding="utf-8")
    course.source.write_text(
        text.replace("<!-- slide, 10 min: Ask first. -->", "<!-- slide -->", 1)
    )
    assert main(["--root", str(tmp_path), "build"]) == 1
    assert "the section 'You will be able to' has no minutes" in capsys.readouterr().err


def test_solutions_have_no_deck(tmp_path: Path) -> None:
    """Nobody projects them."""
    assert list(teaching.faults(Course(tmp_path).solutions)) == []


class TestSizes:
    def test_a_page_with_room_to_spare_is_zoomed(self) -> None:
        """And one that is full is not; nor one with a line that would be broken."""
        assert fit.fit(only(code("x = 1"))).zoom == fit.ZOOMS[0]
        assert fit.fit(only(code("x = 1\n" * 24))).zoom == 1
        assert fit.fit(only(code(f"x = '{'a' * 95}'"))).zoom == 1

    def test_a_picture_is_as_large_as_there_is_room(self) -> None:
        """Within limits: a small one is not blown up, a wide one not cut."""
        drawn = code("draw()")
        scales = []
        for size in ((200, 100), (1000, 300), (600, 520)):
            drawn.outputs = [picture(*size)]
            scales.append(fit.fit(only(drawn)).scale)
        assert scales == [1.7, 1.16, 1.12]

    def test_a_table_is_estimated_by_its_longest_cells(self) -> None:
        """A long cell takes more lines when its neighbours leave it no room."""
        one = heights.table_height("| a | b |\n|---|---|\n| c | d |", 1168)
        two = heights.table_height(f"| a | b |\n|---|---|\n| c | {'word ' * 30}|", 1168)
        assert two - one == heights.SIZES["table-line"]

    def test_every_colour_can_be_read_on_its_paper(self) -> None:
        """WCAG's 4.5 to 1, on light and on dark."""
        style = (ASSETS / "deck.css").read_text(encoding="utf-8")
        for scheme in re.findall(r":root(?:\.dark)? \{(.*?)\}", style, re.DOTALL):
            colours = dict(re.findall(r"--([a-z]+): (#\w{6})", scheme))
            for name in colours.keys() - {"paper", "box", "out", "line"}:
                for paper in ("paper", "box"):
                    assert contrast(colours[name], colours[paper]) >= 4.5, (name, paper)


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, as WCAG 2.2 reckons it."""

    def light(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, up = sorted((light(one), light(other)))
    return (up + 0.05) / (low + 0.05)


class TestDeck:
    def test_the_command_writes_a_deck_and_ends_well(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """One file for a lesson, none for its solutions."""
        course = Course(tmp_path)
        course.commit(course.lesson)
        course.commit(course.solutions)
        assert main(["--root", str(tmp_path), "slides", "04"]) == 0
        assert [path.name for path in (tmp_path / "build/slides").iterdir()] == ["04_one.html"]
        out = capsys.readouterr().out
        assert out.startswith(" 12 pages, 60 min  build/slides/04_one.html\n")

    def test_a_deck_knows_the_plan_of_half_a_day(self, tmp_path: Path) -> None:
        """Page by page, from the front matter; and the minutes for the clock."""
        course = Course(tmp_path)
        text = course.source.read_text(encoding="utf-8")
        course.source.write_text(f"---\nweek: 1\nhalf-day:\n- Exercises\n---\n{text}")
        course.commit(course.lesson)
        assert main(["--root", str(tmp_path), "slides", "04"]) == 0
        html = (tmp_path / "build/slides/04_one.html").read_text(encoding="utf-8")
        found = re.findall(r'data-minutes="(\d+)" data-section="([^"]*)"( data-half)?>', html)
        assert sum(int(minutes) for minutes, _, _ in found) == 60
        assert {name for _, name, half in found if half} == {"Exercises"}

    def test_a_fault_is_told_and_the_deck_is_written_all_the_same(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """One wants to look at it."""
        course = Course(tmp_path)
        cell = untimed(course)
        course.commit(course.lesson)
        assert main(["--root", str(tmp_path), "slides"]) == 1
        said = course.lesson.fault(cell, f"the section 'Exercises' has no minutes; {ABOVE}")
        assert said in capsys.readouterr().err
        assert (tmp_path / "build/slides/04_one.html").is_file()

    def test_a_deck_needs_nothing_else(self, tmp_path: Path) -> None:
        """No network in the room, and none asked for."""
        html = deck(Course(tmp_path).lesson)
        assert not re.search(r"(?:src|href)=[\"']?(?!data:|#|https?://)", html)
        assert not re.search(r"<(?:link|script) [^>]|@import", html)
        assert "default-src 'none'" in html
        assert SVG.partition(" ")[0] in html

    @pytest.mark.parametrize(
        "text",
        ["![a](https://example.org/a.png)", "<script>alert(1)</script>", "<img src=a.png alt=a>"],
    )
    def test_what_would_be_loaded_from_elsewhere_is_told(self, text: str) -> None:
        """It would be missing on the day."""
        with pytest.raises(BookError, match=r"05_text.*would be loaded from elsewhere"):
            deck(book(paged(prose(f"# A\n\n{text}"), 3)))

    def test_a_picture_beside_the_notebook_is_put_into_the_deck(self, tmp_path: Path) -> None:
        """As are all others."""
        (tmp_path / "a.svg").write_text("<svg/>", encoding="utf-8")
        assert 'src="data:image/svg+xml;base64,PHN2Zy8+"' in rendering.markdown(
            "![a](a.svg)", tmp_path
        )

    def test_a_link_into_the_checkout_is_none_here(self, tmp_path: Path) -> None:
        """The deck travels alone."""
        html = rendering.markdown("[one](01.ipynb) [web](https://example.org)", tmp_path)
        assert re.findall(r"href=\"([^\"]*)\"", html) == ["https://example.org"]

    def test_the_ids_of_a_picture_are_its_own(self) -> None:
        """Two pictures may have the same ones."""
        svg = "<svg width='9' height='9'><g id='a'/><use href='#a' fill='url(#a)'/></svg>"
        html = rendering.picture(svg, 2, "x")
        assert html == (
            '<svg width="18" height="18" viewBox="0 0 9 9"><g id=\'x-a\'/>'
            "<use href='#x-a' fill='url(#x-a)'/></svg>"
        )

    def test_a_picture_with_a_style_sheet_is_told(self) -> None:
        """It would colour all other pages."""
        drawn = code("draw()")
        drawn.outputs = [picture(9, 9, "<style>rect{fill:red}</style>")]
        with pytest.raises(BookError, match="its SVG has a style sheet"):
            deck(book(drawn))
