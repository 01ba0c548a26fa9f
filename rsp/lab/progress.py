"""How far a learner has come, kept in the learner's copy of the course and nowhere else.

The file only ever grows by a line: nothing in it can be lost, a second kernel may add to it at the
same time, and a line that says nothing to us stays as it is.
"""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from rsp.lab.tables import print_table

FILE = ".progress"  # in the folder that RSP_COURSE names: `make learn` sets it
PASSED, RIGHT, WRONG, OPEN = "passed", "right", "wrong", "open"
LINE = re.compile(rf"((?:check|guess) \d+\.\S+) ({PASSED}|{RIGHT}|{WRONG}|{OPEN})")
WON = {PASSED, RIGHT}

noted: dict[str, str] = {}  # what this kernel noted: "check 4.1" → "passed", "guess 4.2" → "right"


def place() -> Path | None:
    """Return the file to keep progress in; None outside a learner's copy."""
    folder = os.environ.get("RSP_COURSE", "")
    return Path(folder) / FILE if folder and Path(folder).is_dir() else None


def load() -> dict[str, str]:
    """Return what is known, here and in the file; what cannot be read there counts as nothing."""
    path, lines = place(), ""
    with suppress(OSError):
        lines = path.read_text(encoding="utf-8", errors="replace") if path else ""
    found = (match.groups() for match in map(LINE.fullmatch, lines.split("\n")) if match)
    return settled([*noted.items(), *((key, how) for key, how in found)])


def settled(notes: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return how each thing stands after all these notes: who tries again loses nothing."""
    known: dict[str, str] = {}
    for key, how in notes:
        if known.get(key) not in WON and (how != OPEN or key not in known):
            known[key] = how
    return known


def note(kind: str, number: str, how: str) -> None:
    """Note how a check or a guess went."""
    key = f"{kind} {number}"
    known = load()
    if settled([*known.items(), (key, how)]) == known:
        return
    noted[key] = how
    path = place()
    if path:
        # The line break comes first: a line that was torn off by a crash spoils only itself.
        with suppress(OSError), path.open("ab", buffering=0) as file:
            file.write(f"\n{key} {how}".encode())


def progress() -> None:
    """Print a table: for each notebook the guesses made and right, and the exercises passed."""
    known = load()
    numbers = sorted({number_of(key) for key in known})
    rows = []
    for number in numbers:
        mine = {key: how for key, how in known.items() if number_of(key) == number}
        guesses = [how for key, how in mine.items() if key.startswith("guess") and how != OPEN]
        checks = [how for key, how in mine.items() if key.startswith("check")]
        passed = f"{checks.count(PASSED)} of {len(checks)} tried" if checks else "none tried"
        rows.append((f"{number:02d}", f"{guesses.count(RIGHT)} of {len(guesses)}", passed))
    if rows:
        print_table(["notebook", "guesses right", "exercises passed"], rows)
    else:
        print("nothing noted yet: guess something, or try an exercise")


def number_of(key: str) -> int:
    """Return the notebook's number: 4 of "check 4.1"."""
    return int(key.partition(" ")[2].partition(".")[0])
