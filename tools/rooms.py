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
WIDTH, HEIGHT, GAP, MARGIN = 130, 34, 30, 24  # px: a room, between two, at the sides
BEND = 34  # px that an arrow swings out for each room that it passes
ARROW = COLOURS[Kind.DATA]


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
    """Return the rooms as an SVG: the list from top to bottom, the lab beside it."""
    rooms = layers(root)
    imported = taken(root)
    told = escape("; ".join(sentences(imported)), quote=True)
    left = MARGIN + WIDTH + 90  # of the list
    width = left + WIDTH + MARGIN + BEND * len(rooms)
    height = 2 * MARGIN + len(rooms) * (HEIGHT + GAP) - GAP
    beside_y = MARGIN + (len(rooms) - 2) * (HEIGHT + GAP)
    parts = [box(BESIDE, MARGIN, beside_y)]
    for place, room in enumerate(rooms):
        top = MARGIN + place * (HEIGHT + GAP)
        parts.append(box(room, left, top))
        for other in sorted(imported[room], key=rooms.index):
            parts.append(down(left, top, rooms.index(other) - place))
        if room in imported[BESIDE]:
            start, end = (MARGIN + WIDTH, beside_y + HEIGHT / 2), (left, top + HEIGHT / 2)
            parts.append(arrow(f"M{start[0]},{start[1]} L{end[0] - 9},{end[1]}", *end, (1, 0)))
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' "
        f"viewBox='0 0 {width} {height}' role='img' aria-label='{told}'><title>{told}</title>"
        f"<rect x='.5' y='.5' width='{width - 1}' height='{height - 1}' rx='8' "
        f"fill='{CARD}' stroke='{LINE}'/>{''.join(parts)}</svg>"
    )


def sentences(imported: dict[str, set[str]]) -> Iterator[str]:
    """Yield who imports from whom, in words."""
    for room, others in imported.items():
        yield f"{room} imports from {', '.join(sorted(others)) or 'no other'}"


def box(name: str, x: float, y: float) -> str:
    """Return a room."""
    return (
        f"<rect x='{x}' y='{y}' width='{WIDTH}' height='{HEIGHT}' rx='6' fill='#f2f4f7' "
        f"stroke='{LINE}'/>" + label(name, x + WIDTH / 2, y + HEIGHT / 2 + 4, INK, weight="600")
    )


def down(left: float, top: float, span: int) -> str:
    """Return the arrow from a room to one that stands `span` places below it."""
    if span == 1:
        x, end = left + WIDTH / 2, top + HEIGHT + GAP
        return arrow(f"M{x},{top + HEIGHT} V{end - 9}", x, end, (0, 1))
    x, y = left + WIDTH, top + HEIGHT / 2
    out, end = x + BEND * span, y + span * (HEIGHT + GAP)
    return arrow(f"M{x},{y} C{out},{y} {out},{end} {x + 9},{end}", x, end, (-1, 0))


def arrow(path: str, x: float, y: float, way: tuple[int, int]) -> str:
    """Return a line with a head whose tip is at (x, y) and points that way."""
    dx, dy = way
    tip, back = (x - 2 * dx, y - 2 * dy), (x - 10 * dx, y - 10 * dy)
    head = f"M{back[0] - 4 * dy},{back[1] - 4 * dx} L{tip[0]},{tip[1]} "
    head += f"L{back[0] + 4 * dy},{back[1] + 4 * dx} Z"
    return (
        f"<path d='{path}' stroke='{ARROW}' stroke-width='1.6' fill='none'/>"
        f"<path d='{head}' fill='{ARROW}'/>"
    )
