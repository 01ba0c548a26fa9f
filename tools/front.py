"""The front matter of a lesson's source: what it needs, and where the plans of a class have it.

    ---
    needs: [02_dialling, 03_listening]
    week: 1
    half-day:
    - The post, line by line
    may-go:
    - The contract
    ---

`needs` names the notebooks that must come before, `week` the week in a course of six, `half-day`
the sections that half a day has time for, `may-go` those that a single class leaves out first, in
this order. It is YAML, since jupytext reads it too; here only as
much of YAML is understood as this needs, so that a slip is told and not taken for something else.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from tools.book import BookError, Project

KEYS = ("needs", "week", "half-day", "may-go")
LAST_WEEK = 6
LINE = re.compile(r"(?P<key>[a-z-]+):(?: (?P<value>\S.*))?")
ITEM = re.compile(r"- (?P<quote>[\"']?)(?P<text>\S.*)(?P=quote)")


@dataclass(frozen=True)
class Front:
    """What the front matter says."""

    needs: tuple[str, ...]
    week: int
    half_day: tuple[str, ...]
    may_go: tuple[str, ...] = ()


def front_of(source: Path, project: Project) -> Front:
    """Return the front matter of a source. Raises BookError when it cannot be used."""
    name = project.short(source)
    said = parsed(source.read_text(encoding="utf-8"), name)
    week = said["week"][0] if said["week"] else ""
    if not week.isdecimal() or not 1 <= int(week) <= LAST_WEEK:
        what = f"its front matter has week '{week}'; write a number from 1 to {LAST_WEEK}"
        raise BookError(f"{name}: {what}")
    known = [path.stem for path in project.sources() if path.parent == source.parent]
    for needed in said["needs"]:
        if needed not in known[: known.index(source.stem)]:
            what = f"it needs '{needed}', and no earlier notebook has that name; correct it"
            raise BookError(f"{name}: {what}")
    return Front(tuple(said["needs"]), int(week), tuple(said["half-day"]), tuple(said["may-go"]))


def parsed(text: str, name: str) -> dict[str, list[str]]:
    """Return the lists of the front matter by their keys. Raises BookError."""
    lines = text.splitlines()
    if not lines or lines[0] != "---" or "---" not in lines[1:]:
        what = f"it has no front matter; write {', '.join(KEYS)} between two lines of ---"
        raise BookError(f"{name}: {what}")
    said: dict[str, list[str]] = {key: [] for key in KEYS}
    key = ""
    for number, line in enumerate(lines[1 : lines.index("---", 1)], start=2):
        found, item = LINE.fullmatch(line), ITEM.fullmatch(line)
        if item and key:
            said[key].append(item["text"])
        elif found and found["key"] in KEYS:
            key = found["key"]
            value = (found["value"] or "").strip("[]")
            said[key] = [word.strip() for word in value.split(",") if word.strip()]
        else:
            what = f"cannot read '{line}'; the keys are {', '.join(KEYS)}"
            raise BookError(f"{name}:{number}: {what}")
    return said
