"""The command: `python tools/notebooks.py build`, `check`, `rhythm`, `run`."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # as a script, too

from tools.book import BookError, Project
from tools.convert import convert, dumps
from tools.kernel import execute

RUN_LIMIT = 20  # seconds that one notebook may take from top to bottom


def build(project: Project, starts: tuple[str, ...]) -> list[str]:
    """Make, execute and write the notebooks; return what is wrong with those not written."""
    faults = []
    for source in project.sources(starts):
        try:
            seconds, changed = build_one(source, project)
        except BookError as error:
            faults.append(str(error))
            print(f"not written: {error}", flush=True)
        else:
            name = project.short(project.notebook_of(source))
            print(f"{seconds:5.1f} s  {name}{'' if changed else '  (unchanged)'}", flush=True)
    return faults


def build_one(source: Path, project: Project) -> tuple[float, bool]:
    """Make one notebook; return the seconds it ran and whether its file changed."""
    book = convert(source, project)
    seconds = execute(book, project.root)
    if seconds > RUN_LIMIT:
        what = f"ran for {seconds:.0f} s, the limit is {RUN_LIMIT} s; make its cells quicker"
        raise BookError(book.fault(None, what))
    text = dumps(book)
    if book.path.is_file() and book.path.read_text(encoding="utf-8") == text:
        return seconds, False
    book.path.write_text(text, encoding="utf-8")
    return seconds, True


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("command")
    parser.add_argument("starts", nargs="*")
    a = parser.parse_args()
    sys.exit(bool(build(Project(Path(__file__).resolve().parent.parent), tuple(a.starts))))
