"""`python -m rsp.lab mark FOLDER`: marks a class."""

import argparse
import os
import sys
from pathlib import Path

from rsp.lab.copies import learners
from rsp.lab.marking import SECONDS, chapter, exercises, mark, print_marks, write_csv

DESCRIPTION = "What an instructor does with the lab."
MARK = "try every exercise in every learner's copy, and print one table"
FOLDER = "holds the learners' copies: for each a folder of notebooks, or one .ipynb file"
WRONG_USAGE, INTERRUPTED = 2, 130


def main(words: list[str] | None = None) -> int:
    """Do what the command line says; return the exit status."""
    parser = make_parser()
    options = parser.parse_args(words)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal without ✓
    try:
        copies = learners(options.folder)
    except OSError as error:
        parser.error(f"{options.folder} cannot be read: {error.strerror}")
    if not copies:
        parser.error(f"{options.folder} holds no folder and no .ipynb file: nothing to mark")
    if options.csv and not can_be_written(options.csv):
        parser.error(f"{options.csv} cannot be written")
    try:
        marks = mark(copies, options.n, options.seconds, options.only)
    except KeyboardInterrupt:
        print("Interrupted: nothing was marked, and nothing runs on.", file=sys.stderr)
        return INTERRUPTED
    if options.csv:
        write_csv(options.csv, marks)
    print_marks(marks)
    return 0


def make_parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m rsp.lab", description=DESCRIPTION)
    command = parser.add_subparsers(required=True, metavar="mark").add_parser(
        "mark", help=MARK, description=f"{MARK[0].upper()}{MARK[1:]}."
    )
    command.add_argument("folder", type=Path, metavar="FOLDER", help=FOLDER)
    command.add_argument("--csv", type=Path, metavar="FILE", help="write the marks there as well")
    command.add_argument(
        "--only", type=notebook, default=0, metavar="04", help="mark the exercises of one notebook"
    )
    # Half of them: checks wait for a bounded time, and a busy machine makes them wait in vain.
    half = max(1, (os.cpu_count() or 1) // 2)
    command.add_argument(
        "-n", type=positive, default=half, metavar="N", help=f"how many at once ({half})"
    )
    command.add_argument(
        "--seconds",
        type=positive,
        default=int(SECONDS),
        metavar="S",
        help=f"for one exercise of one learner at most ({SECONDS:g})",
    )
    return parser


def positive(word: str) -> int:
    """Return a number of one or more. Raises ValueError."""
    number = int(word)
    if number < 1:
        raise ValueError(word)
    return number


def notebook(word: str) -> int:
    """Return the number of a notebook, by that or by its name. Raises ArgumentTypeError."""
    number = word.partition("_")[0]
    if number.isdecimal() and int(number) and exercises(int(number)):
        return int(number)
    there = ", ".join(f"{int(each):02d}" for each in dict.fromkeys(map(chapter, exercises())))
    raise argparse.ArgumentTypeError(f"'{word}' has no exercises; there are {there}")


def can_be_written(path: Path) -> bool:
    """Tell whether a file can be made at `path`: better now than after the marking."""
    return not path.is_dir() and os.access(path.parent, os.W_OK)


if __name__ == "__main__":
    sys.exit(main())
