"""Quotes: a marker line of a source becomes the definition that the package has.

`# rsp/net.py: listen` becomes the function with the marker above it and, between the two, imports
of what it needs: so it runs in the notebook, and a learner can change it there. A method is shown
in a subclass of its class, `class Stream(Stream):`, that has nothing else in it.
"""

import ast
import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.book import BookError
from tools.modules import Module, module_at
from tools.names import Origin

MARKER = re.compile(r"# (?P<file>\w+(?:/\w+)*\.py): (?P<names>\w+(?:\.\w+)?(?:, \w+(?:\.\w+)?)*)")
QUOTE_LIMIT = 25  # lines that are not blank, all of the cell: more does not fit beside its prose
WIDTH = 88  # columns: what a notebook shows without a scroll bar


@dataclass(frozen=True)
class Marker:
    """What a marker line asks for: names of one file of the package."""

    file: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"# {self.file}: {', '.join(self.names)}"

    @property
    def dotted(self) -> str:
        """The module, as Python imports it."""
        return self.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def owners(self) -> list[str]:
        """The names to import: a method's class, else the name itself; each once."""
        return list(dict.fromkeys(name.split(".")[0] for name in self.names))


def marker_of(line: str) -> Marker | None:
    """Return what a marker line asks for, None when it is another line."""
    found = MARKER.fullmatch(line.strip())
    return Marker(found["file"], tuple(found["names"].split(", "))) if found else None


def load(root: Path, marker: Marker, where: str) -> Module:
    """Return the file that `marker` names. Raises BookError, with the nearest names."""
    path = root / marker.file
    if not path.is_file():
        there = (root / marker.file.split("/")[0]).rglob("*.py")
        near = nearest(marker.file, [file.relative_to(root).as_posix() for file in there])
        raise BookError(f"{where}: there is no file {marker.file}; {near}")
    module = module_at(path, marker.dotted)
    for name in marker.names:
        if module.find(name) is None:
            near = nearest(name, module.known())
            raise BookError(f"{where}: {marker.file} defines no {name}; {near}")
    return module


def nearest(name: str, known: list[str]) -> str:
    """Return a hint: the known names that are most like `name`."""
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or sorted(known)[:5]
    return f"the nearest: {', '.join(near) or 'none'}"


def pasted(module: Module, marker: Marker, where: str) -> str:
    """Return the definitions alone, methods inside a subclass that bears their class's name."""
    parts: list[str] = []
    owner = ""
    for name in marker.names:
        node, text = module.find(name), module.cut(name)
        head, _, method = name.partition(".")
        if not method:
            tight = isinstance(node, ast.Assign | ast.AnnAssign) and parts and not owner
            parts.append(("\n" if tight else "\n\n\n") + text)
            owner = "" if isinstance(node, ast.Assign | ast.AnnAssign) else name
        elif head == owner:
            parts.append(f"\n\n{text}")
        else:
            refuse_enum(module, head, where)
            opening = f"class {head}({head}):  # and all the rest of {marker.file}"
            parts.append(f"\n\n\n{opening}\n{text}")
            owner = head
    return "".join(parts).strip("\n")


def refuse_enum(module: Module, name: str, where: str) -> None:
    """An Enum with members has no subclasses."""
    node = module.find(name)
    bases = [ast.unparse(base) for base in node.bases] if isinstance(node, ast.ClassDef) else []
    if any(base.split(".")[-1].endswith(("Enum", "Flag")) for base in bases):
        what = f"{name} is an Enum and cannot be subclassed; quote the whole class"
        raise BookError(f"{where}: {what}")


def imports_of(needs: dict[str, Origin]) -> str:
    """Return the imports that give each name what it comes from: modules first, then names."""
    modules, names = set(), dict[str, set[str]]()
    for name, (dotted, defined) in needs.items():
        if not defined:
            modules.add(f"import {dotted}" + (f" as {name}" if name != dotted else ""))
        else:
            renamed = f"{defined} as {name}" if name != defined else name
            names.setdefault(dotted, set()).add(renamed)
    ordered = sorted(names, key=lambda dotted: (dotted.split(".")[0] == "rsp", dotted))
    return "\n".join([*sorted(modules), *(import_of(dotted, names[dotted]) for dotted in ordered)])


def import_of(dotted: str, names: Iterable[str]) -> str:
    """Return one import of `names`, over several lines when it is too wide."""
    listed = sorted(names, key=order)
    line = f"from {dotted} import {', '.join(listed)}"
    if len(line) <= WIDTH:
        return line
    rows = [""]
    for name in listed:
        rows = [*rows, ""] if len(rows[-1]) + len(name) > WIDTH - 8 else rows
        rows[-1] += f"{name}, "
    return f"from {dotted} import (\n" + "".join(f"    {row.rstrip()}\n" for row in rows) + ")"


def order(name: str) -> tuple[int, str]:
    """Sort as ruff sorts imports: constants, classes, functions."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name
