"""What a name of the package means: where it comes from, and whether it is there at all.

The files are read, never imported: a name is looked up in the checkout that is being checked, and
looking does nothing else.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from tools.modules import Module, bound, defines, module_at

Origin = tuple[str, str]  # module and name; the name is empty for a module itself
HERE: Origin = ("", "")  # bound where it is used, to something of its own


def file_of(root: Path, dotted: str) -> Path | None:
    """Return the file of a module of the package, None for a module from elsewhere."""
    path = root / dotted.replace(".", "/")
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def module_of(root: Path, dotted: str) -> Module | None:
    """Return a module of the package, None for a module from elsewhere."""
    path = file_of(root, dotted)
    return module_at(path, dotted) if path else None


def origin(root: Path, dotted: str, name: str) -> Origin:
    """Return where `name` of a module is defined, through the modules that only import it."""
    module = module_of(root, dotted)
    for node in module.tree.body if module else []:
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


def exists(root: Path, dotted: str) -> bool:
    """Tell whether `rsp.net`, `rsp.net.listen` or `rsp.net.Address.port` is in the package."""
    parts = dotted.split(".")
    for split in range(len(parts), 0, -1):
        head, rest = ".".join(parts[:split]), parts[split:]
        if not rest and (root / head.replace(".", "/")).is_dir():
            return True
        if module_of(root, head):
            return not rest or defined(root, head, rest)
    return False


def defined(root: Path, dotted: str, names: list[str]) -> bool:
    """Tell whether a module has the first of `names`, and that one, a class, the second."""
    where, name = origin(root, dotted, names[0])
    module = module_of(root, where)
    if module is None:  # from elsewhere: it is imported, so it is there
        return True
    if not name:
        return len(names) == 1 or defined(root, where, names[1:])
    node = module.find(name)
    if node is None or len(names) == 1:
        return node is not None
    if not isinstance(node, ast.ClassDef) or len(names) > 2:
        return False
    return names[1] in members(root, module, node)


def members(root: Path, module: Module, node: ast.ClassDef) -> Iterator[str]:
    """Yield what a class and the classes of the package below it have."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.stmt) and inner is not node:
            yield from bound(inner)
        if isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
            yield inner.attr
    for base in node.bases:
        if isinstance(base, ast.Name):
            where, name = origin(root, module.dotted, base.id)
            below = module_of(root, where)
            found = below.find(name) if below else None
            if below and isinstance(found, ast.ClassDef) and found is not node:
                yield from members(root, below, found)
