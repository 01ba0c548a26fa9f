"""Lays out the learner's copy of the notebooks and opens JupyterLab on it: `make learn`.

The copy is the learner's own: what they changed is never written over. A notebook that they did
not change follows the course; beside one that they did, the course's newer version is laid.
Lessons come without outputs: under each guess would stand the answer.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ".manifest.json"  # in the copy: the version of each file that we laid there
NOT_COPIED = {"src", "build", "__pycache__", ".ipynb_checkpoints"}  # of notebooks/
# No question about news on the first start: nothing here is sent anywhere.
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}
}


class Version(NamedTuple):
    """Two hashes: of what a person would call a change, and of every byte."""

    words: str
    whole: str


class Change(NamedTuple):
    """A file that was written into the copy, and what the learner is told of it, if anything."""

    path: Path
    line: str = ""


class Manifest:
    """What we laid into the copy, and what beside a changed file: versions by the file's name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.laid: dict[str, Version] = {}
        self.beside: dict[str, Version] = {}
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            self.laid = {name: Version(*hashes) for name, hashes in data["laid"].items()}
            self.beside = {name: Version(*hashes) for name, hashes in data["beside"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.laid = {}  # then every file counts as the learner's, and is left alone

    def write(self) -> None:
        """Keep it for the next time."""
        text = json.dumps({"laid": self.laid, "beside": self.beside}, indent=1, sort_keys=True)
        write(self.path, text.encode())


def main(arguments: list[str]) -> NoReturn:
    """Bring the copy up to date and become JupyterLab, with `arguments` for it.

    With --lay-out alone, for Binder, it ends there.
    """
    course = ROOT / "course"
    is_first = not course.exists()
    try:
        changes = lay_out(ROOT / "notebooks", course)
    except OSError as error:  # a full disk, a folder that is not ours to write in
        changes = []
        print(f"Your copy could not be brought up to date: {error}", file=sys.stderr)
        if arguments == ["--lay-out"] or not course.is_dir():
            sys.exit(1)
    for change in changes:
        if change.line:
            print(change.line)
    trust([change.path for change in changes if change.path.suffix == ".ipynb"])
    configure(Path(sys.prefix))
    if arguments == ["--lay-out"]:
        sys.exit()
    open_lab(course, [*first_page(course, is_first), *arguments])


def lay_out(notebooks: Path, course: Path) -> list[Change]:
    """Bring `course` up to date with `notebooks`; return what was written."""
    course.mkdir(exist_ok=True)
    manifest = Manifest(course / MANIFEST)
    changes = []
    try:
        for source in files(notebooks):
            name = source.relative_to(notebooks).as_posix()
            change = lay_one(source, course / name, name, manifest)
            changes += [change] if change else []
    finally:
        manifest.write()  # of what was laid before a trouble, too: it stays ours to refresh
    return changes


def files(notebooks: Path) -> Iterator[Path]:
    """Yield what a learner needs of `notebooks`: all but the texts they are made from."""
    for path in sorted(notebooks.iterdir()) if notebooks.is_dir() else []:
        if path.name in NOT_COPIED or path.name.startswith("."):
            continue
        if path.is_dir():
            yield from files(path)
        else:
            yield path


def lay_one(source: Path, copy: Path, name: str, manifest: Manifest) -> Change | None:
    """Bring one file up to date, or lay the newer version beside it; None when there is no need."""
    content = source.read_bytes()
    content = content if is_solved(name) else bare(content)
    newest, mine = version_of(content), version_at(copy)
    offered = [manifest.laid.get(name), manifest.beside.get(name)]
    is_needed = mine is None or any(is_older(mine, laid, newest) for laid in offered if laid)
    if is_needed:
        write(copy, content)
    elif mine and mine.words != newest.words:
        return lay_beside(copy, content, name, manifest)
    manifest.laid[name] = newest
    manifest.beside.pop(name, None)
    return Change(copy) if is_needed else None


def is_solved(name: str) -> bool:
    """Tell whether a file may show what its cells gave: solutions may, and what is no notebook."""
    return not name.endswith(".ipynb") or name.startswith("solutions/")


def bare(content: bytes) -> bytes:
    """Return a notebook as it is before anybody ran it; anything else as it is."""
    try:
        notebook = json.loads(content)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell.update(outputs=[], execution_count=None)
    except (ValueError, KeyError, TypeError, RecursionError):  # not a notebook
        return content
    return f"{json.dumps(notebook, indent=1, ensure_ascii=False)}\n".encode()


def is_older(mine: Version, laid: Version, newest: Version) -> bool:
    """Tell whether the learner's file is what we `laid`, run at most, and the course has a newer.

    One that was run keeps its outputs for as long as its cells are the newest.
    """
    if mine.whole == laid.whole:
        return mine.whole != newest.whole
    return mine.words == laid.words and mine.words != newest.words


def lay_beside(copy: Path, content: bytes, name: str, manifest: Manifest) -> Change | None:
    """Lay a version that the learner has not been offered yet beside their changed file."""
    newest, laid, beside = version_of(content), manifest.laid.get(name), manifest.beside.get(name)
    if newest.words in [version.words for version in (laid, beside) if version]:
        return None
    place = place_beside(copy, beside)
    write(place, content)
    manifest.beside[name] = newest
    line = f"You have changed {name}: yours stays, and the course's newer one is {place.name}"
    return Change(place, line)


def place_beside(copy: Path, ours: Version | None) -> Path:
    """Return `NAME.new.ipynb`, or a numbered one where the learner has worked in that."""
    number = 1
    while True:
        place = copy.with_name(f"{copy.stem}.new{number if number > 1 else ''}{copy.suffix}")
        there = version_at(place)
        if there is None or (ours and there.words == ours.words):
            return place
        number += 1


def version_at(path: Path) -> Version | None:
    """Return the version that lies at `path`, None when there is none.

    A folder or a dead link in that place is a version of the learner's.
    """
    if path.is_file():
        return version_of(path.read_bytes())
    return Version("", "") if os.path.lexists(path) else None


def version_of(content: bytes) -> Version:
    """Return the version that `content` is; the words of a notebook are its cells, run or not.

    JupyterLab writes outputs, counts and metadata into a notebook that was only looked at.
    """
    whole = hashlib.sha256(content).hexdigest()
    try:
        cells = json.loads(content)["cells"]
        text = [[cell["cell_type"], "".join(cell["source"])] for cell in cells]
    except (ValueError, KeyError, TypeError, RecursionError):  # not a notebook, or no longer
        return Version(whole, whole)
    return Version(hashlib.sha256(json.dumps(text).encode()).hexdigest(), whole)


def write(path: Path, content: bytes) -> None:
    """Write `path` whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(content)
    draft.replace(path)


def trust(notebooks: list[Path]) -> None:
    """Let JupyterLab show the pictures of `notebooks` before they are run, too."""
    if notebooks:
        command = [sys.executable, "-m", "nbformat.sign", *map(str, notebooks)]
        said = subprocess.run(command, capture_output=True, text=True)
        if said.returncode != 0:  # untrusted, a picture shows as text until its cell is run
            print(
                "The notebooks could not be trusted: run a cell to see its picture", file=sys.stderr
            )


def configure(prefix: Path) -> None:
    """Put our settings of JupyterLab into .venv, where they touch nothing of the learner's."""
    path = prefix / "etc" / "jupyter" / "labconfig" / "default_setting_overrides.json"
    write(path, json.dumps(SETTINGS).encode())


def first_page(course: Path, is_first: bool) -> list[str]:
    """Return the option that opens the first notebook, the first time."""
    notebooks = sorted(course.glob("*.ipynb"))
    return [f"--LabApp.default_url=/lab/tree/{notebooks[0].name}"] if is_first and notebooks else []


def open_lab(course: Path, options: list[str]) -> NoReturn:
    """Become JupyterLab, in `course`; Ctrl-C is then its own."""
    # The lab keeps the learner's progress in RSP_COURSE; a kernel of another Python would lack rsp.
    environment = {**os.environ, "RSP_COURSE": str(course), "JUPYTER_PREFER_ENV_PATH": "1"}
    quiet = [f"--ServerApp.root_dir={course}", "--log-level=WARN"]  # the address is told
    as_root = ["--allow-root"] if os.geteuid() == 0 else []
    command = [sys.executable, "-m", "jupyterlab", *quiet, *as_root, *options]
    print(f"JupyterLab opens on {course}, your own copy. Ctrl-C, twice, ends it.")
    sys.stdout.flush()
    os.chdir(course)
    os.execve(command[0], command, environment)


if __name__ == "__main__":
    main(sys.argv[1:])
