"""Which cells of a learner's notebook an exercise needs: those that bind the names it uses.

The experiments of a notebook take seconds and prove nothing about the exercise, so they stay out.
"""

import ast
import builtins
import re
import symtable
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rsp.lab.copies import Cell

MAGIC = re.compile(r"^(\s*)[%!].*$", re.MULTILINE)  # what only IPython understands
BUILT_IN = frozenset(dir(builtins))


class Code(NamedTuple):
    """A cell that is Python: its names, and where it stood."""

    source: str
    binds: set[str]
    uses: set[str]
    calls: list[ast.Call]


def code_of(cell: Cell) -> Code:
    """Return what a cell binds and uses. Raises SyntaxError or ValueError when it is no Python."""
    source = cell.source
    try:
        tree = ast.parse(source)
    except SyntaxError:
        source = MAGIC.sub(r"\1pass", source)
        tree = ast.parse(source)
    table = symtable.symtable(source, "<cell>", "exec")
    return Code(source, binds(table) | stores(tree), uses(table), calls(tree))


def binds(table: symtable.SymbolTable) -> set[str]:
    """Return the names that a cell binds at its top."""
    return {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    }


def stores(tree: ast.Module) -> set[str]:
    """Return the names whose contents a cell sets, as far as that can be seen, and "*" for all.

    `table["x"] = 1` does, `table.append(1)` on a line of its own may.
    """
    return {changed(node) for node in ast.walk(tree)} - {""}


def changed(node: ast.AST) -> str:
    """Return the name whose contents one node sets, "*" for `from somewhere import *`."""
    if isinstance(node, ast.ImportFrom):
        return "*" if node.names[0].name == "*" else ""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        node = node.value.func
    elif not isinstance(getattr(node, "ctx", None), ast.Store):
        return ""
    whole = getattr(node, "value", None)
    return whole.id if isinstance(whole, ast.Name) else ""


def uses(table: symtable.SymbolTable) -> set[str]:
    """Return the names that a cell takes from the notebook, in its functions as well."""
    at_top = table.get_type() == "module"
    found = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (at_top or symbol.is_global())
    }
    return found.union(*(uses(child) for child in table.get_children())) - BUILT_IN


def calls(tree: ast.Module) -> list[ast.Call]:
    """Return the calls of `check`, with the number of the exercise in front."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", "") == "check" or getattr(node.func, "attr", "") == "check")
    ]


def checked(call: ast.Call) -> str:
    """Return the number of the exercise that a call of `check` is about."""
    first = call.args[0] if call.args else None
    return str(first.value) if isinstance(first, ast.Constant) else ""


def until_checked(cells: Sequence[Cell], number: str) -> list[Cell]:
    """Return the cells above the check of an exercise, without checks.

    What comes below it may bind a name anew, and the checks are ours.
    """
    call = re.compile(rf"""check\(\s*["']{re.escape(number)}["']""")
    above = []
    for cell in cells:
        if "check" not in cell.tags:
            above.append(cell)
        elif call.search(cell.source):
            break
    return above


def names_handed_in(codes: Sequence[Code], number: str) -> Iterator[str]:
    """Yield the names that the learner's own check of an exercise hands over, "" for no name."""
    found = [call for code in codes for call in code.calls if checked(call) == number]
    for argument in found[-1].args[1:] if found else []:
        yield argument.id if isinstance(argument, ast.Name) else ""


def needed(codes: Sequence[Code], names: set[str]) -> list[Code]:
    """Return those cells, in their order, that `names` need, directly or not."""
    kept: list[Code] = []
    wanted = names | {"*"}
    for code in reversed(codes):
        if code.binds & wanted:
            kept.insert(0, code)
            wanted |= code.uses
    return kept
