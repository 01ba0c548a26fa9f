"""What a notebook's names mean so far, so that a quote imports what it needs and no more."""

import ast
from dataclasses import dataclass, field
from pathlib import Path

from tools.book import parse
from tools.quotes import Marker, Module, bound, defines, import_of, pasted, used

Origin = tuple[str, str]  # where a name comes from: module and name; no name for a module itself
HERE: Origin = ("", "")  # bound in the notebook, to something of its own


def file_of(root: Path, dotted: str) -> Path | None:
    """Return the file of a module of the package, None for a module from elsewhere."""
    path = root / dotted.replace(".", "/")
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def origin(root: Path, dotted: str, name: str) -> Origin:
    """Return where `name` of a module is defined, through the modules that only import it."""
    path = file_of(root, dotted)
    if path is None:
        return dotted, name
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if name in bound(node) and not defines(node):
            return imported(root, node, name)
    return dotted, name


def imported(root: Path, node: ast.stmt, name: str) -> Origin:
    """Return where the import `node` takes `name` from."""
    aliases = node.names if isinstance(node, ast.Import | ast.ImportFrom) else []
    for alias in aliases:
        if isinstance(node, ast.ImportFrom) and name == (alias.asname or alias.name):
            return origin(root, node.module or "", alias.name)
        if isinstance(node, ast.Import) and name == (alias.asname or alias.name.split(".")[0]):
            return alias.name if alias.asname else name, ""
    return HERE


@dataclass
class Scope:
    """The names of one notebook, cell by cell, and where each comes from."""

    root: Path
    names: dict[str, Origin] = field(default_factory=dict)

    def learn(self, source: str) -> None:
        """Take in what an ordinary cell binds at its top level."""
        tree = parse(source)
        for node in top_level(tree) if tree else []:
            for name in bound(node) if isinstance(node, ast.stmt) else []:
                self.names[name] = HERE if defines(node) else imported(self.root, node, name)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
                self.names[node.id] = HERE

    def quote(self, module: Module, marker: Marker, where: str) -> str:
        """Return the cell that `marker` asks for, and take in what it binds."""
        text = pasted(module, marker, where)
        wrapped = {name.split(".")[0] for name in marker.names if "." in name}
        whole = {name for name in marker.names if "." not in name}
        needs = set(wrapped)
        for name in used(text) - whole - wrapped:
            if any(name in bound(node) for node in module.tree.body) and not self.has(name, module):
                needs.add(name)
        for name in needs | whole:
            self.names[name] = origin(self.root, marker.dotted, name)
        self.names.update(dict.fromkeys(wrapped, HERE))
        imports = import_of(marker.dotted, needs) + "\n\n" if needs else ""
        return f"{marker}\n{imports}{text}"

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
