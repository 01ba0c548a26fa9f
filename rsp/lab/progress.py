"""How far a learner has come, kept in the learner's copy of the course and nowhere else."""

import json
import os
from contextlib import suppress
from pathlib import Path

from rsp.lab.tables import print_table

FILE = ".progress.json"  # in the folder that RSP_COURSE names: `make learn` sets it
PASSED, RIGHT, WRONG, OPEN = "passed", "right", "wrong", "open"

noted: dict[str, str] = {}  # what this kernel noted: "check 4.1" → "passed", "guess 4.2" → "right"


def place() -> Path | None:
    """Return the file to keep progress in; None outside a learner's copy."""
    folder = os.environ.get("RSP_COURSE", "")
    return Path(folder) / FILE if folder and Path(folder).is_dir() else None


def load() -> dict[str, str]:
    """Return what is known; a file that cannot be read counts as empty, and is kept as it is."""
    path = place()
    kept: dict[str, str] = {}
    if path and path.is_file():
        with suppress(ValueError, OSError, TypeError):
            kept = dict(json.loads(path.read_text(encoding="utf-8")))
    return kept | noted


def note(kind: str, number: str, how: str) -> None:
    """Note how a check or a guess went; what was passed stays passed."""
    key = f"{kind} {number}"
    if noted.get(key) == PASSED or (kind == "check" and load().get(key) == PASSED):
        return
    noted[key] = how
    path = place()
    if path is None:
        return
    known = load()
    if path.is_file() and not known.keys() - noted.keys() and path.stat().st_size > 2:
        # Not ours to judge: an unreadable file is laid aside, never written over.
        with suppress(ValueError):
            json.loads(path.read_text(encoding="utf-8"))
            path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
            return
        path.replace(path.with_suffix(".unreadable"))
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    temporary.replace(path)  # at once: a second kernel reads the old one or the new one


def progress() -> None:
    """Print a table: for each notebook the guesses made and right, and the exercises passed."""
    known = load()
    numbers = sorted({key.split(" ")[1].split(".")[0] for key in known}, key=int)
    rows = []
    for number in numbers:
        mine = {k: v for k, v in known.items() if k.split(" ")[1].split(".")[0] == number}
        guesses = [how for key, how in mine.items() if key.startswith("guess") and how != OPEN]
        checks = [how for key, how in mine.items() if key.startswith("check")]
        passed = f"{checks.count(PASSED)} of {len(checks)} tried" if checks else "none tried"
        rows.append((f"{int(number):02d}", f"{guesses.count(RIGHT)} of {len(guesses)}", passed))
    if rows:
        print_table(["notebook", "guesses right", "exercises passed"], rows)
    else:
        print("nothing noted yet: guess something, or try an exercise")
