"""Quotes: a marker line of a source becomes the definition that the package has.

`# rsp/net.py: listen` becomes the function with the marker above it and, between the two, one
import of what it needs: so it runs in the notebook, and a learner can change it there. A method is
shown in a subclass of its class, `class Stream(Stream):`, that has nothing else in it.
"""

import ast
import difflib
import re
import symtable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tools.book import BookError

MARKER = re.compile(r"# (?P<file>\w+(?:/\w+)*\.py): (?P<names>\w+(?:\.\w+)?(?:, \w+(?:\.\w+)?)*)")
QUOTE_LIMIT = 25  # lines that are not blank, all of the cell: more does not fit beside its prose
WIDTH = 88  # columns: what a notebook shows without a scroll bar

Origin = tuple[str, str]  # module and name; the name is empty for a module itself
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)


@dataclass(frozen=True)
class Module:
    """The text of one file, and what stands at its top level."""

    text: str
    dotted: str = ""

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def find(self, name: str) -> Definition | None:
        """Return the definition of `name`, or of `Class.name`."""
        body: list[ast.stmt] = self.tree.body
        *owners, last = name.split(".")
        for owner in owners:
            node = definition(body, owner)
            if not isinstance(node, ast.ClassDef):
                return None
            body = node.body
        return definition(body, last)

    def known(self) -> list[str]:
        """Return every name that can be quoted."""
        names = [name for node in self.tree.body for name in bound(node) if defines(node)]
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef):
                names += [f"{node.name}.{n}" for inner in node.body if defines(inner) for n in bound(inner)]
        return names

    def cut(self, name: str) -> str:
        """Return the text of `name`: decorators, the comments above, inside and behind it.

        Raises KeyError when there is no such definition.
        """
        node = self.find(name)
        if node is None:
            raise KeyError(name)
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) - 1
        last = node.end_lineno or node.lineno
        while first > 0 and self.is_comment(first - 1, node.col_offset) and not self.continues(first - 1):
            first -= 1
        while last < len(self.lines) and (self.belongs(last, node) or self.continues(last)):
            last += 1
        return "\n".join(self.lines[first:last])

    def is_comment(self, number: int, indent: int) -> bool:
        line = self.lines[number]
        return line.startswith(" " * indent + "#")

    def belongs(self, number: int, node: Definition) -> bool:
        """Tell whether a line behind a definition is a comment of its body."""
        line = self.lines[number]
        indent = len(line) - len(line.lstrip())
        return not isinstance(node, ast.Assign | ast.AnnAssign) and (
            line.lstrip().startswith("#") and indent > node.col_offset
        )

    def continues(self, number: int) -> bool:
        """Tell whether a comment line goes on with the comment at the end of a line of code.

        A comment of its own starts with a capital; one that goes on does not.
        """
        if not re.match(r"\s*# [^A-Z]", self.lines[number]):
            return False
        while number > 0 and self.lines[number].lstrip().startswith("#"):
            number -= 1
        return "  # " in self.lines[number]


def defines(node: ast.stmt) -> bool:
    return isinstance(node, DEFINITIONS)


def bound(node: ast.stmt) -> list[str]:
    """Return the names that a statement binds, its imports under the names they get."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Assign():
            return [n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)]
        case ast.AnnAssign():
            return [node.target.id] if isinstance(node.target, ast.Name) else []
        case ast.Import():
            return [alias.asname or alias.name.split(".")[0] for alias in node.names]
        case ast.ImportFrom():
            return [alias.asname or alias.name for alias in node.names]
    return []


def definition(body: list[ast.stmt], name: str) -> Definition | None:
    """Return the last statement of `body` that defines `name`."""
    found = None
    for node in body:
        if isinstance(node, DEFINITIONS) and name in bound(node):
            found = node
    return found


@dataclass(frozen=True)
class Marker:
    """What a marker line asks for: names of one file of the package."""

    file: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"# {self.file}: {', '.join(self.names)}"

    @property
    def dotted(self) -> str:
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
        files = [p.relative_to(root).as_posix() for p in (root / marker.file.split("/")[0]).rglob("*.py")]
        raise BookError(f"{where}: there is no file {marker.file}; {nearest(marker.file, files)}")
    module = Module(path.read_text(encoding="utf-8"), marker.dotted)
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
            parts.append(f"\n\n\nclass {head}({head}):  # and all the rest of {marker.file}\n{text}")
            owner = head
    return "".join(parts).strip("\n")


def refuse_enum(module: Module, name: str, where: str) -> None:
    """An Enum with members has no subclasses."""
    node = module.find(name)
    bases = [ast.unparse(base) for base in node.bases] if isinstance(node, ast.ClassDef) else []
    if any(base.split(".")[-1].endswith(("Enum", "Flag")) for base in bases):
        raise BookError(f"{where}: {name} is an Enum and cannot be subclassed; quote the whole class")


def used(text: str) -> set[str]:
    """Return the global names that `text` reads, in any of its scopes."""
    found = set()
    tables = [symtable.symtable(text, "quote", "exec")]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        top = table.get_type() == "module"
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (symbol.is_global() or top):
                found.add(symbol.get_name())
    return found


def order(name: str) -> tuple[int, str]:
    """Sort as ruff sorts imports: constants, classes, functions."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def import_of(dotted: str, names: set[str]) -> str:
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
