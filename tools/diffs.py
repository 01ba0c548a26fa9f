"""Diffs in a notebook's prose: two stages, or the reader's draft and the package's version.

`<!-- diff: rsp/stages/s04_serial.py rsp/stages/s05_threads.py -->` compares two files,
`<!-- diff: draft serve | rsp/stages/s04_serial.py: serve -->` the last cell tagged `draft` that
defines a name with what the package has.
"""

import ast
import difflib
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from tools.book import BookError, Cell
from tools.modules import Module
from tools.quotes import load, marker_of

DIFF = re.compile(r"^<!-- diff: (?P<what>.+?) -->$", re.MULTILINE)
LOST = re.compile(r"<!--\s*diff\b.*")
FILES = re.compile(r"(\S+\.py) (\S+\.py)")
DRAFT = re.compile(r"draft (\w+) \| (.+)")
CONTEXT = 1  # lines around a change: the reader knows the rest
HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@")


def expand(text: str, before: list[Cell], root: Path, where: str) -> str:
    """Return `text` with each diff line replaced by the diff; `before` are the cells above."""
    made = DIFF.sub(lambda found: one(found["what"].strip(), before, root, where), text)
    if lost := LOST.search(made):  # it would stay a comment, and show nothing
        what = f"cannot read '{lost[0]}'; write '<!-- diff: … -->' on a line of its own"
        raise BookError(f"{where}: {what}")
    return made


def one(what: str, before: list[Cell], root: Path, where: str) -> str:
    """Return the diff that one line asks for. Raises BookError when it asks for none."""
    if files := FILES.fullmatch(what):
        old, new = files[1], files[2]
        return fenced(text_of(root, old, where), text_of(root, new, where), old, new, where)
    draft = DRAFT.fullmatch(what)
    marker = marker_of(f"# {draft[2].strip()}") if draft else None
    if draft is None or marker is None or len(marker.names) != 1:
        raise BookError(
            f"{where}: cannot read 'diff: {what}'; write 'diff: rsp/a.py rsp/b.py' "
            "or 'diff: draft name | rsp/a.py: name'"
        )
    old_text = bare(drafted(draft[1], before, where))
    new_text = bare(load(root, marker, where).cut(marker.names[0]))
    name = f"{marker.file}: {marker.names[0]}"
    if old_text == new_text:
        raise BookError(f"{where}: the draft and {name} are the same; take the diff line out")
    return "\n".join(["```diff", "--- the draft", f"+++ {name}", *steps(old_text, new_text), "```"])


def bare(text: str) -> str:
    """Return a definition without what changes no step of it: docstrings, annotations, comments."""
    tree = ast.parse(textwrap.dedent(text))
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def steps(old: str, new: str) -> Iterator[str]:
    """Yield the lines of both; one that is only indented anew counts as the same."""
    was, now = old.splitlines(), new.splitlines()
    matcher = difflib.SequenceMatcher(
        None, [line.strip() for line in was], [line.strip() for line in now], autojunk=False
    )
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            yield from (f" {line}" for line in now[j1:j2])
        else:
            yield from (f"-{line}" for line in was[i1:i2])
            yield from (f"+{line}" for line in now[j1:j2])


def text_of(root: Path, name: str, where: str) -> str:
    """Return the text of a file. Raises BookError when there is none."""
    if not (root / name).is_file():
        raise BookError(f"{where}: there is no file {name} to compare; correct the diff line")
    return (root / name).read_text(encoding="utf-8")


def drafted(name: str, before: list[Cell], where: str) -> str:
    """Return the definition of `name` in the last draft that has one."""
    for cell in reversed(before):
        if cell.is_code and "draft" in cell.tags and cell.tree is not None:
            module = Module(cell.source)
            module.__dict__["tree"] = cell.tree  # without the magics
            if module.find(name) is not None:
                return module.cut(name)
    what = f"no cell above defines {name} and is tagged draft; tag it, or correct the name"
    raise BookError(f"{where}: {what}")


def fenced(old: str, new: str, old_name: str, new_name: str, where: str) -> str:
    """Return the diff as a fenced listing; a place is named by the definition it is in."""
    lines = list(
        difflib.unified_diff(
            old.splitlines(), new.splitlines(), old_name, new_name, lineterm="", n=CONTEXT
        )
    )
    if not lines:
        raise BookError(f"{where}: {old_name} and {new_name} are the same; take the diff line out")
    return "\n".join(["```diff", *(named(line, new).rstrip() for line in lines), "```"])


def named(line: str, new: str) -> str:
    """Return a line; a hunk's head with the definitions it is in, in the place of its numbers."""
    hunk = HUNK.fullmatch(line)
    if hunk is None:
        return line
    first, length = int(hunk[1]), int(hunk[2] or 1)
    names = [
        node.name
        for node in ast.parse(new).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
        and node.lineno < first + length
        and first <= (node.end_lineno or node.lineno)
    ]
    return f"@@ {', '.join(names)} @@" if names else "@@ … @@"
