"""The frame that every lesson has: what it gives, predictions, exercises, what is still missing."""

import re
from collections.abc import Callable, Iterator

from tools.book import Book, Cell

HEADINGS = [
    *("You will be able to", "C beside Python", "Exercises"),
    *("Invariants", "Recap", "What is still missing", "Further reading"),
]
FIRST_CELLS = 3  # where the reader learns what it is about and on what it runs
ABILITIES = 3, 5
PREDICTIONS = 3
EXERCISES = 3, 5
EXERCISE = re.compile(r"# exercise (\d+)\.(\d+)\b.*")


def headings(book: Book) -> list[tuple[int, str]]:
    """Return the headings with the place of their cell."""
    return [
        (place, found[1].strip())
        for place, cell in enumerate(book.cells)
        if cell.is_markdown
        for found in re.finditer(r"^#+ (.*)$", cell.prose, re.MULTILINE)
    ]


def headings_are_in_order(book: Book) -> Iterator[str]:
    """The parts of a lesson come in one order."""
    there = [text.lower() for _, text in headings(book)]
    after = 0
    for wanted in HEADINGS:
        places = [n for n, text in enumerate(there) if wanted.lower() in text]
        if not places:
            yield book.fault(None, f"there is no heading '{wanted}'; write that part")
        elif places[-1] < after:
            what = f"the heading '{wanted}' stands too early; keep to {', '.join(HEADINGS)}"
            yield book.fault(None, what)
        else:
            after = next(n for n in places if n >= after)


def opening_says_it(book: Book) -> Iterator[str]:
    """The first cells say what the reader will be able to do, and on which systems it runs."""
    opening = book.cells[:FIRST_CELLS]
    text = "\n".join(cell.prose for cell in opening if cell.is_markdown)
    if not re.search(r"^#+ .*You will be able to", text, re.MULTILINE | re.IGNORECASE):
        what = f"'You will be able to' is not in the first {FIRST_CELLS} cells; move it up"
        yield book.fault(opening[0] if opening else None, what)
    if not re.search(r"^\*\*Runs on\*\*", text, re.MULTILINE):
        what = f"no line of the first {FIRST_CELLS} cells starts with **Runs on**; name the systems"
        yield book.fault(opening[0] if opening else None, what)


def opening_lists_it(book: Book) -> Iterator[str]:
    """Three to five things, in a list: more is more than one sitting."""
    cells = section(book, "You will be able to")
    count = sum(len(re.findall(r"^[-*] ", cell.prose, re.MULTILINE)) for cell in cells[:1])
    if cells and not ABILITIES[0] <= count <= ABILITIES[1]:
        what = f"it lists {count} things to be able to do, {ABILITIES[0]} to {ABILITIES[1]} must be"
        yield book.fault(cells[0], f"{what}; mend the list")


def predictions_are_asked(book: Book) -> Iterator[str]:
    """The reader guesses before the run tells."""
    count = sum("predict" in cell.tags for cell in book.cells)
    if count < PREDICTIONS:
        yield book.fault(None, f"{count} cells are tagged predict, {PREDICTIONS} must be; ask more")


def recap_has_a_table(book: Book) -> Iterator[str]:
    """What was learnt, at one look."""
    cells = section(book, "Recap")
    if cells and not any(re.search(r"^\|.*\|", cell.prose, re.MULTILINE) for cell in cells):
        yield book.fault(cells[0], "the recap has no table; make one")


def section(book: Book, heading: str) -> list[Cell]:
    """Return the cells from the last such heading to the next one in a later cell."""
    found = headings(book)
    places = [n for n, (_, text) in enumerate(found) if heading.lower() in text.lower()]
    if not places:
        return []
    start = found[places[-1]][0]
    end = next((place for place, _ in found[places[-1] + 1 :] if place > start), len(book.cells))
    return book.cells[start:end]


def exercises_are_checked(book: Book) -> Iterator[str]:
    """Three to five exercises, numbered, each with a check right behind it."""
    code = book.code
    tagged = [(n, cell) for n, cell in enumerate(code) if "exercise" in cell.tags]
    if not EXERCISES[0] <= len(tagged) <= EXERCISES[1]:
        least, most = EXERCISES
        what = f"{len(tagged)} cells are tagged exercise, {least} to {most} must be; mend that"
        yield book.fault(None, what)
    start = next((p for p, text in headings(book) if "exercises" in text.lower()), len(book.cells))
    for number, (place, cell) in enumerate(tagged, start=1):
        wanted = f"# exercise {book.number}.{number}"
        found = EXERCISE.fullmatch(first_line(cell))
        if found is None or (int(found[1]), int(found[2])) != (book.number, number):
            yield book.fault(cell, f"its first line is not '{wanted}'; write that")
        if place + 1 >= len(code) or "check" not in code[place + 1].tags:
            what = "the next code cell is not tagged check; let it check this exercise"
            yield book.fault(cell, what)
        if book.cells.index(cell) < start:
            yield book.fault(cell, "it is an exercise above the heading 'Exercises'; move it down")


def first_line(cell: Cell) -> str:
    """Return what names an exercise, and its solution."""
    return cell.source.split("\n", 1)[0].strip()


def exercises_have_solutions(book: Book, solutions: Book | None) -> Iterator[str]:
    """Each exercise is solved by a cell with its first line, in the notebook of solutions."""
    solved = {first_line(c) for c in solutions.code if "solution" in c.tags} if solutions else set()
    for cell in book.code:
        if "exercise" in cell.tags and first_line(cell) not in solved:
            where = f"solutions/{book.path.stem}"
            what = f"no solution starts with '{first_line(cell)}'; write one in {where}"
            yield book.fault(cell, what)


def stage_is_compared(book: Book) -> Iterator[str]:
    """A notebook that builds a stage shows what is new in it, as a diff."""
    stage = f"# rsp/stages/s{book.number:02d}_"
    quote = next((cell for cell in book.code if cell.source.startswith(stage)), None)
    if quote and not any("```diff" in cell.source for cell in book.markdown):
        what = "it quotes this notebook's stage, and no diff compares that with the last one"
        yield book.fault(quote, f"{what}; write a line '<!-- diff: … -->'")


# Of all lessons but the map, which has only the opening.
FRAME_GATES: list[Callable[[Book], Iterator[str]]] = [
    *(headings_are_in_order, opening_lists_it, predictions_are_asked),
    *(recap_has_a_table, exercises_are_checked, stage_is_compared),
]
