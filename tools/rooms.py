"""The rooms of the package and who imports whom, read from the files; the picture of it."""

import ast
import tomllib
from collections.abc import Iterator
from html import escape
from pathlib import Path

from rsp.lab.drawing import CARD, COLOURS, INK, LINE, label
from rsp.lab.recorder import Kind
from tools.names import file_of

BESIDE = "rsp.lab"  # a room that stands beside the list
STEP, NAME, MARGIN = 27, 100, 20  # px: a stair, the longest name, at the sides
DOT = COLOURS[Kind.DATA]


def layers(root: Path) -> list[str]:
    """Return the rooms from top to bottom, as the contract in pyproject.toml has them."""
    config = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    (listed,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    return list(listed)


def imports(root: Path, room: str) -> set[str]:
    """Return the rooms that `room` imports from; a name of the package itself is none."""
    place = root / room.replace(".", "/")
    files = place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]
    found = {name for file in files for name in named(ast.parse(file.read_text(encoding="utf-8")))}
    rooms = {".".join(name.split(".")[:2]) for name in found if name.startswith("rsp.")}
    return {other for other in rooms - {room} if file_of(root, other)}


def taken(root: Path) -> dict[str, set[str]]:
    """Return each room with those that it imports from, the lab last."""
    return {room: imports(root, room) for room in [*layers(root), BESIDE]}


def named(tree: ast.Module) -> Iterator[str]:
    """Yield each module that a file imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "rsp":
            yield from (f"rsp.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def drawn(root: Path) -> str:
    """Return the rooms as an SVG: stairs of names, and a dot for each import.

    From a dot it is straight down to the room that is imported, and to the left to the one that
    imports it. A room that imported from one above it would have its dot on the other side.
    """
    imported = taken(root)
    rooms = [BESIDE, *layers(root)]
    told = escape("; ".join(sentences(imported)), quote=True)
    width = MARGIN + NAME + STEP * len(rooms) + MARGIN
    height = 2 * MARGIN + STEP * len(rooms)
    parts: list[str] = []
    for row, room in enumerate(rooms):
        y = MARGIN + STEP * row + STEP / 2
        found = sorted(rooms.index(other) for other in imported[room])
        if found:
            parts.append(line(across(row) + 6, y, across(found[-1]), y))
        importers = [above for above, other in enumerate(rooms) if room in imported[other]]
        if importers:
            top = MARGIN + STEP * importers[0] + STEP / 2
            parts.append(line(across(row), top, across(row), y - 10))
    for row, room in enumerate(rooms):
        y = MARGIN + STEP * row + STEP / 2
        parts.append(label(room, across(row), y + 4, INK, "end", "600"))
        dots = (across(rooms.index(other)) for other in sorted(imported[room]))
        parts += [f"<circle cx='{x}' cy='{y}' r='5' fill='{DOT}'/>" for x in dots]
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' "
        f"viewBox='0 0 {width} {height}' role='img' aria-label='{told}'><title>{told}</title>"
        f"<rect x='.5' y='.5' width='{width - 1}' height='{height - 1}' rx='8' "
        f"fill='{CARD}' stroke='{LINE}'/>{''.join(parts)}</svg>"
    )


def across(place: int) -> float:
    """Return where the column of a room is, which begins where its name ends."""
    return MARGIN + NAME + STEP * place


def line(x: float, y: float, to_x: float, to_y: float) -> str:
    """Return a thin line, for the eye to go along."""
    return f"<path d='M{x},{y} L{to_x},{to_y}' stroke='{LINE}' stroke-width='1.5'/>"


def sentences(imported: dict[str, set[str]]) -> Iterator[str]:
    """Yield who imports from whom, in words."""
    for room, others in imported.items():
        yield f"{room} imports from {', '.join(sorted(others)) or 'no other'}"
