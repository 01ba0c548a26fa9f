"""What a notebook's names mean so far, so that a quote imports what it needs and no more."""

import ast
from dataclasses import dataclass, field
from pathlib import Path

from tools.book import parse
from tools.modules import Module, bound, defines, used
from tools.names import HERE, Origin, imported, origin
from tools.quotes import Marker, imports_of, pasted


@dataclass
class Scope:
    """The names of one notebook, cell by cell, and where each comes from."""

    root: Path
    names: dict[str, Origin] = field(default_factory=dict)

    def learn(self, source: str) -> None:
        """Take in what an ordinary cell binds at its top level."""
        tree = parse(source)
        for node in top_level(tree) if tree else []:
            if isinstance(node, ast.stmt):
                for name in bound(node):
                    self.names[name] = HERE if defines(node) else imported(self.root, node, name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
                self.names[node.id] = HERE

    def quote(self, module: Module, marker: Marker, where: str) -> str:
        """Return the cell that `marker` asks for, and take in what it binds."""
        text = pasted(module, marker, where)
        wrapped = {name.split(".")[0] for name in marker.names if "." in name}
        whole = {name for name in marker.names if "." not in name}
        there = {name for node in module.tree.body for name in bound(node)}
        wanted = {name for name in used(text) & there - whole if not self.has(name, module)}
        needs = {name: origin(self.root, module.dotted, name) for name in wrapped | wanted}
        self.names |= needs | {name: (module.dotted, name) for name in whole}
        self.names |= dict.fromkeys(wrapped, HERE)
        return f"{marker}\n{imports_of(needs)}\n\n{text}" if needs else f"{marker}\n{text}"

    def has(self, name: str, module: Module) -> bool:
        """Tell whether the notebook has under `name` what the module has under it."""
        return self.names.get(name) == origin(self.root, module.dotted, name)


def top_level(tree: ast.Module) -> list[ast.AST]:
    """Return the nodes of a cell that run in its own scope."""
    found: list[ast.AST] = []
    queue: list[ast.AST] = list(tree.body)
    while queue:
        node = queue.pop(0)
        found.append(node)
        inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        comprehension = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
        if not isinstance(node, inner + comprehension):
            queue += ast.iter_child_nodes(node)
    return found
