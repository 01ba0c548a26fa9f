"""Builds the site of the docs, the executed notebooks among its pages: `make docs`.

Sphinx reads a copy of README, docs and notebooks in docs/_build/source that lies as they do, so
every link holds in both places. Nothing is executed, and nothing is fetched.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINKED = ["CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"]  # beside the README
# In this order.
PAGES = ["series", "glossary", "configuration", "architecture", "protocol", "performance"]
PAGES += ["style", "notebooks"]


def main(words: list[str]) -> int:
    """Build the site of this checkout, in the folder that `words` name; return the exit status."""
    built = Path(words[0]) if words else ROOT / "docs" / "_build"
    said = build(ROOT, built)
    print(said.stdout, said.stderr, sep="", end="", flush=True)
    if said.returncode == 0:
        print(f"the site is {built / 'html' / 'index.html'}")
    return said.returncode


def build(root: Path, built: Path) -> "subprocess.CompletedProcess[str]":
    """Make `built`/html from the checkout `root`; a warning is a failure."""
    source = built / "source"
    shutil.rmtree(source, ignore_errors=True)
    stage(root, source)
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-W", "--keep-going", "-n"]
    paths = ["-c", root / "docs", "-d", built / "doctrees", source, built / "html"]
    return subprocess.run([*command, *map(str, paths)], capture_output=True, text=True)


def stage(root: Path, source: Path) -> None:
    """Lay the pages out in `source`, the README as the first one."""
    for path in [root / name for name in LINKED] + list(pages(root)):
        copy = source / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".ipynb":
            copy.write_text(with_told_pictures(path.read_text(encoding="utf-8")), encoding="utf-8")
        else:
            shutil.copyfile(path, copy)
    readme = (root / "README.md").read_text(encoding="utf-8")
    (source / "index.md").write_text(f"{readme}\n{contents(root)}", encoding="utf-8")


def with_told_pictures(notebook: str) -> str:
    """Return a notebook whose SVGs become part of the page, with the words that they carry.

    Sphinx would make a file of each, and the name of that file its alt text.
    """
    data = json.loads(notebook)
    for cell in data["cells"]:
        for output in cell.get("outputs", []):
            if "image/svg+xml" in output.get("data", {}):
                output["data"] = {"text/html": output["data"]["image/svg+xml"]}
    return json.dumps(data)


def pages(root: Path) -> Iterator[Path]:
    """Yield the files of docs and notebooks that are pages, or pictures in them."""
    yield from sorted((root / "docs").glob("*.md"))
    yield from sorted((root / "docs" / "pictures").iterdir())
    yield from sorted((root / "notebooks").glob("*.ipynb"))
    yield from sorted((root / "notebooks" / "solutions").glob("*.ipynb"))


def contents(root: Path) -> str:
    """Return the tables of contents that the side bar shows."""
    listed = [path.with_suffix("").relative_to(root).as_posix() for path in pages(root)]
    lessons = [name for name in listed if re.match(r"notebooks/\d", name)]
    docs = [f"docs/{name}" for name in PAGES]
    docs += [name for name in listed if name.startswith("docs/") and is_other(root, name)]
    solved = [name for name in listed if name.startswith("notebooks/solutions/")]
    return "\n".join(
        [
            toctree("The course", lessons),
            toctree("How it is made", [*docs, "CONTRIBUTING", "CHANGELOG"]),
            toctree("Solutions", solved),
        ]
    )


def is_other(root: Path, name: str) -> bool:
    """Tell whether it is a page of the docs that PAGES does not name."""
    return name.removeprefix("docs/") not in PAGES and (root / f"{name}.md").is_file()


def toctree(caption: str, names: list[str]) -> str:
    """Return one part of the side bar, in MyST."""
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *names, "```", ""])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
