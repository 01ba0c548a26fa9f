"""The checks of one notebook: each a small function that yields a sentence for each fault.

A sentence names the file and the cell, says what is wrong and what to do. `tests/test_gates.py`
plants the fault of each: a check that cannot fail is worth nothing.
"""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tools import frame, rhythm
from tools.book import METADATA, Book, BookError, Cell, Project, parse, read
from tools.names import exists
from tools.outputs import OUTPUT_GATES
from tools.quotes import load, marker_of, pasted

Gate = Callable[[Book], Iterator[str]]

TAGS = {
    *("setup", "quote", "draft", "predict", "exercise", "check", "solution"),
    *("raises-exception", "nbval-ignore-output", "linux"),
}
METADATA_KEYS = ["rsp", "slideshow", "tags"]
NBVAL_COMMENT = re.compile(r"#.*\b(NBVAL_[A-Z_]+|PYTEST_VALIDATE_IGNORE_OUTPUT)\b")
RSP_NAME = re.compile(r"(?<![\w./-])rsp(?:\.[A-Za-z_]\w*)+(?![\w/-])")
FILE_ENDS = {"lua", "conf", "cfg", "toml", "py", "md", "json", "log", "sock", "pid", "pem", "svg"}
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)|(?:src|href)=[\"']([^\"']+)[\"']")
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)]*)\)")
HTML_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
LEFTOVER = re.compile(r"\b(?:TODO|FIXME|XXX|TBD)\b|\?\?\?")
DIRECTIVE = re.compile(r"^ {0,3}(?:`{3,}|:{3,})\{.*$", re.MULTILINE)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


def counts_are_in_order(book: Book) -> Iterator[str]:
    """A notebook that was not run from top to bottom, or was stripped, compares nothing."""
    for number, cell in enumerate(book.code, start=1):
        if cell.count != number:
            what = f"its execution count is {cell.count}, not {number}; build it again"
            yield book.fault(cell, what)
            return


def tags_are_known(book: Book) -> Iterator[str]:
    """nbval ignores a tag that it does not know, without a word; so does Jupyter other metadata."""
    for cell in book.cells:
        if other := sorted(cell.metadata.keys() - METADATA_KEYS):
            what = f"its metadata has '{other[0]}'; only {', '.join(METADATA_KEYS)} mean something"
            yield book.fault(cell, what)
        if not isinstance(cell.metadata.get("tags", []), list):
            yield book.fault(cell, "its tags are no list; write them in brackets")
            continue
        for tag in cell.tags:
            if tag not in TAGS:
                what = f"there is no tag '{tag}'; use one of {', '.join(sorted(TAGS))}"
                yield book.fault(cell, what)


def tags_stand_for_comments(book: Book) -> Iterator[str]:
    """A comment of nbval's with words behind it does nothing: so tags only."""
    for cell in book.code:
        for found in NBVAL_COMMENT.finditer(cell.source):
            what = f"{found[1]} is a comment; take it out and use nbval's tag instead"
            yield book.fault(cell, what)


def kernelspec_is_ours(book: Book) -> Iterator[str]:
    """Without it JupyterLab asks which kernel to use."""
    if book.metadata != METADATA:
        yield book.fault(None, "its metadata has another kernelspec than ours; build it again")


def ids_are_fixed(book: Book) -> Iterator[str]:
    """Ids made by chance would change with every build."""
    for number, cell in enumerate(book.cells, start=1):
        if cell.id != f"{book.path.stem}-{number:03d}":
            what = f"its id is not {book.path.stem}-{number:03d}; build it again"
            yield book.fault(cell, what)
            return


def nothing_sleeps(book: Book) -> Iterator[str]:
    """A sleep is too short on a slow machine; the package may pause, a cell waits for an event."""
    for cell in book.code:
        if "quote" not in cell.tags and sleeps(cell):
            yield book.fault(cell, "it calls time.sleep; wait for an event instead")


def sleeps(cell: Cell) -> bool:
    """Tell whether a cell calls `time.sleep`, or imports it."""
    if cell.tree is None:
        return "time.sleep(" in cell.source
    for node in ast.walk(cell.tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "time.sleep":
            return True
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            return any(alias.name == "sleep" for alias in node.names)
    return False


def images_have_alt(book: Book) -> Iterator[str]:
    """Who cannot see the picture reads what it says."""
    for cell in book.markdown:
        for found in IMAGE.finditer(cell.prose):
            if not found[1].strip():
                yield book.fault(cell, f"the image {found[2]} has no alt text; say what it shows")
        for tag in HTML_IMAGE.findall(cell.prose):
            if not re.search(r"\balt=[\"'][^\"']+", tag):
                yield book.fault(cell, f"the image {tag} has no alt text; say what it shows")


def links_exist(book: Book) -> Iterator[str]:
    """A relative link names a file that is there."""
    for cell in book.markdown:
        for found in LINK.finditer(INLINE.sub("", cell.prose)):
            target = (found[1] or found[2]).split("#")[0]
            if not target or re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            if not (book.path.parent / target).exists():
                what = f"it links to {target}, which is not there; correct the link"
                yield book.fault(cell, what)


def prose_is_finished(book: Book) -> Iterator[str]:
    """What its writer meant to come back to is no reader's business; nor is a lost directive."""
    for cell in book.markdown:
        for found in LEFTOVER.finditer(cell.source):
            yield book.fault(cell, f"it says {found[0]}; do it, or take the word out")
        for found in DIRECTIVE.finditer(cell.source):
            what = f"JupyterLab does not know '{found[0].strip()}'"
            yield book.fault(cell, f"{what}; write a code-cell, or plain markdown")


def names_exist(book: Book, root: Path) -> Iterator[str]:
    """Each dotted name of the package in the prose is one that it has."""
    for cell in book.markdown:
        for span in INLINE.findall(cell.prose):
            for name in RSP_NAME.findall(span):
                if name.rsplit(".", 1)[-1] not in FILE_ENDS and not exists(root, name):
                    what = f"there is no {name}; correct it, or write the words without the dots"
                    yield book.fault(cell, what)


def quotes_match(book: Book, root: Path) -> Iterator[str]:
    """A quote says what the package says, but for its comments."""
    for cell in book.code:
        marker = marker_of(cell.source.split("\n", 1)[0])
        if "quote" not in cell.tags and marker is None:
            continue
        if "quote" not in cell.tags or marker is None:
            what = "it has a quote's tag or marker without the other; build it again"
            yield book.fault(cell, what)
            continue
        try:
            ours = parse(pasted(load(root, marker, book.fault(cell, "quote")), marker, book.name))
        except BookError as error:
            yield str(error)
            continue
        if not same(ours, cell.tree):
            yield book.fault(cell, f"the quote is not what {marker.file} says; build it again")


def same(ours: ast.Module | None, cell: ast.Module | None) -> bool:
    """Tell whether two pieces of Python say the same, the imports of a quote aside."""
    if ours is None or cell is None:
        return False
    body = [node for node in cell.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    return [ast.dump(node) for node in ours.body] == [ast.dump(node) for node in body]


def quotes_are_imported(book: Book) -> Iterator[str]:
    """After a quote the notebook goes on with the package's own."""
    code = book.code
    for number, cell in enumerate(code):
        marker = marker_of(cell.source.split("\n", 1)[0])
        if "quote" not in cell.tags or marker is None:
            continue
        after = next((c for c in code[number + 1 :] if "quote" not in c.tags), None)
        missing = [name for name in marker.owners if name not in imports(after, marker.dotted)]
        if missing:
            line = f"from {marker.dotted} import {', '.join(missing)}"
            what = f"the next cell does not go on with the package; write '{line}' in it"
            yield book.fault(cell, what)


def imports(cell: Cell | None, dotted: str) -> set[str]:
    """Return the names that a cell imports from a module."""
    nodes = ast.walk(cell.tree) if cell and cell.tree else []
    return {
        alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module == dotted
        for alias in node.names
    }


STATIC: list[Gate] = [
    *(counts_are_in_order, tags_are_known, tags_stand_for_comments, kernelspec_is_ours),
    *(ids_are_fixed, nothing_sleeps, images_have_alt, links_exist, prose_is_finished),
    quotes_are_imported,
    *OUTPUT_GATES,
]
LESSON: list[Gate] = [  # not for solutions
    *(rhythm.limits, rhythm.paragraphs_are_short, frame.opening_says_it),
]


def faults(book: Book, project: Project) -> Iterator[str]:
    """Yield every fault of one notebook, its solutions beside it."""
    for gate in STATIC:
        yield from gate(book)
    yield from quotes_match(book, project.root)
    yield from names_exist(book, project.root)
    if book.is_solutions:
        return
    for gate in LESSON:
        yield from gate(book)
    if book.number >= 1:  # 00 is the map: it has an opening, and sets no exercises
        for gate in frame.FRAME_GATES:
            yield from gate(book)
        yield from frame.exercises_have_solutions(book, solutions_of(book))


def solutions_of(book: Book) -> Book | None:
    """Return the notebook of solutions beside a lesson; None without one that can be read."""
    try:
        return read(book.path.parent / "solutions" / book.path.name)
    except (OSError, BookError):  # which is told where that notebook is checked
        return None
