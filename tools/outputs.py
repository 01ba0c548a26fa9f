"""The checks of what a notebook shows: the same on every machine, and told in words as well."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tools.book import Book, joined, texts

ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{8,}\b")
HOMES = r"/home/\w|/Users/\w|/root/|/tmp/|/private/var/|/var/folders/"
PORT = re.compile(
    r"(?:\b127\.\d+\.\d+\.\d+|\b0\.0\.0\.0|\blocalhost|::1?\]?)[\"']?\s*[:,]\s*(\d{5})\b"
    r"|\bport[ =:]{1,2}(\d{5})\b",
    re.IGNORECASE,
)
EPHEMERAL = range(32_768, 65_535)  # where kernels choose from, Linux's and macOS's together
DEFAULT_REPR = re.compile(r"<[\w.]+ object( at 0x[0-9a-f]+)?>|<[\w.]+ at 0x[0-9a-f]+>")
TITLE = re.compile(r"<title[^>]*>\s*\S|aria-label=[\"'][^\"']*\S")


def no_addresses(book: Book) -> Iterator[str]:
    """An object's address is another one in each run."""
    for cell in book.code:
        for output in cell.outputs:
            for _, text in texts(output):
                if found := ADDRESS.search(text):
                    what = f"its output has the address {found[0]}; give the object a repr"
                    yield book.fault(cell, what)


def no_paths(book: Book) -> Iterator[str]:
    """A folder of the machine that built it is nobody else's."""
    here = [re.escape(str(path)) for path in (Path.home(), Path.cwd()) if path.parent != path]
    pattern = re.compile(rf"(?<![\w.])(?:{'|'.join([HOMES, *here])})[^\s'\"]*")
    for cell in book.code:
        for output in cell.outputs:
            for _, text in texts(output):
                if found := pattern.search(text):
                    what = f"its output has the path {found[0]}; print it without the folder"
                    yield book.fault(cell, what)


def no_ports(book: Book) -> Iterator[str]:
    """A port that the kernel chose is another one in each run."""
    for cell in book.code:
        for output in cell.outputs:
            for _, text in texts(output):
                for found in PORT.finditer(text):
                    port = found[1] or found[2]
                    if int(port) in EPHEMERAL:
                        what = f"its output has the port {port}; print its socket's name instead"
                        yield book.fault(cell, what)


def no_stderr(book: Book) -> Iterator[str]:
    """A warning is worded differently in each version of Python."""
    for cell in book.code:
        for output in cell.outputs:
            if output["output_type"] == "stream" and output["name"] == "stderr":
                first = joined(output["text"]).strip().split("\n")[0]
                what = f"it writes '{first}' to stderr; catch it and print it to stdout"
                yield book.fault(cell, what)


def errors_are_meant(book: Book) -> Iterator[str]:
    """A cell fails where it says so, and only there."""
    for cell in book.code:
        failed = [o["ename"] for o in cell.outputs if o["output_type"] == "error"]
        meant = "raises-exception" in cell.tags
        if failed and not meant:
            what = f"it ends in {failed[0]}; correct it, or tag it raises-exception"
            yield book.fault(cell, what)
        if meant and not failed:
            what = "it is tagged raises-exception and raises nothing; take the tag out"
            yield book.fault(cell, what)


def svgs_are_told(book: Book) -> Iterator[str]:
    """Who sees no picture, on a forge or with a screen reader, gets words."""
    for cell in book.code:
        for output in cell.outputs:
            told = dict(texts(output))
            if "image/svg+xml" in told:
                for what in untold(told["image/svg+xml"], told.get("text/plain", "").strip()):
                    yield book.fault(cell, what)


def untold(svg: str, plain: str) -> Iterator[str]:
    """Yield what a picture does not say in words."""
    head = svg[: svg.find(">", svg.find("<svg")) + 1]
    if not re.search(r"role=[\"']img[\"']", head):
        yield 'its SVG has no role="img"; add it to the svg element'
    if not TITLE.search(svg):
        yield "its SVG has no <title> and no aria-label; say what it shows"
    if not plain or DEFAULT_REPR.fullmatch(plain):
        yield "its SVG has no text beside it; give its class a repr that says it in words"


OUTPUT_GATES: list[Callable[[Book], Iterator[str]]] = [
    *(no_addresses, no_paths, no_ports, no_stderr, errors_are_meant, svgs_are_told),
]
