"""A file of the package as text: what it defines, and the lines of each definition."""

import ast
import re
import symtable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)


@dataclass(frozen=True)
class Module:
    """The text of one file, and what stands at its top level."""

    text: str
    dotted: str = ""

    @cached_property
    def tree(self) -> ast.Module:
        """The file as Python."""
        return ast.parse(self.text)

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the file."""
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
        names = []
        for node in filter(defines, self.tree.body):
            names += bound(node)
            if isinstance(node, ast.ClassDef):
                inner = [name for inner in filter(defines, node.body) for name in bound(inner)]
                names += [f"{node.name}.{name}" for name in inner]
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
        while first > 0 and self.is_above(first - 1, node):
            first -= 1
        while last < len(self.lines) and (self.belongs(last, node) or self.continues(last)):
            last += 1
        return "\n".join(self.lines[first:last])

    def is_above(self, number: int, node: Definition) -> bool:
        """Tell whether a line is a comment of the definition below it."""
        comment = self.lines[number].startswith(" " * node.col_offset + "#")
        return comment and not self.continues(number)

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
    """Tell whether a statement is a definition, which can be quoted."""
    return isinstance(node, DEFINITIONS)


def bound(node: ast.stmt) -> list[str]:
    """Return the names that a statement binds, its imports under the names they get."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Assign():
            parts = (part for target in node.targets for part in ast.walk(target))
            return [part.id for part in parts if isinstance(part, ast.Name)]
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


def module_at(path: Path, dotted: str) -> Module:
    """Return the file at `path`, which Python imports as `dotted`; read once for each change."""
    return kept(path, dotted, path.stat().st_mtime_ns)


@cache
def kept(path: Path, dotted: str, _changed: int) -> Module:
    """Return the module; one notebook asks for the same file many times."""
    return Module(path.read_text(encoding="utf-8"), dotted)
