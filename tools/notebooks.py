"""Make and check the notebooks: `python tools/notebooks.py COMMAND [START…]`.

START chooses the notebooks whose names start so (04, or 04_serial), their solutions with them;
without one it is all of them. The exit status is 1 when something is wrong, 2 for wrong usage.
"""

import argparse
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: Python looks in tools/, not in the checkout
    sys.path[0] = str(ROOT)

from tools.book import Project, say  # noqa: E402

# A command's module is imported when it is wanted: jupytext and nbclient take two seconds, which
# `rhythm` and wrong usage need not wait for.
COMMANDS = {
    "build": ("tools.making", "make, execute, check and write them"),
    "check": ("tools.checking", "compare what is committed with its source, and check it"),
    "run": ("tools.making", "execute what is committed, twice in the same kernel"),
    "rhythm": ("tools.showing", "print the numbers of each lesson"),
    "slides": ("tools.slides", "write the slides into build/slides, one HTML file each"),
    "schedule": ("tools.schedule", "sum the minutes into the plans of docs/schedule.md"),
    "quotes": ("tools.showing", "print what each notebook quotes from the package"),
}


def parsed(words: list[str] | None) -> argparse.Namespace:
    """Return what the command line says; wrong usage ends with status 2."""
    parser = argparse.ArgumentParser(
        prog="notebooks.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout than this one")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, told) in COMMANDS.items():
        command = commands.add_parser(name, help=told, description=f"{name}: {told}")
        command.add_argument("starts", nargs="*", metavar="START", help="how a name starts")
        if name == "check":
            command.add_argument("--run", action="store_true", help="and execute them, as run does")
    chosen = parser.parse_args(words)
    project = Project(chosen.root.resolve())
    for start in chosen.starts:
        if not project.sources((start,)):
            names = ", ".join(path.stem for path in project.sources()) or "none"
            parser.error(f"no notebook starts with '{start}'; there are: {names}")
    return chosen


def faults(command: str, project: Project, sources: list[Path]) -> Iterator[str]:
    """Do what `command` says; yield a sentence for each fault."""
    module, _ = COMMANDS[command]
    yield from getattr(import_module(module), command)(project, sources)


def counted(number: int, what: str) -> str:
    """Return a number of things in words."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def main(words: list[str] | None = None) -> int:
    """Do what the command line says; return the exit status."""
    chosen = parsed(words)
    project = Project(chosen.root.resolve())
    sources = project.sources(tuple(chosen.starts))
    if not sources:
        print(f"{project.notebooks / 'src'}: it has no sources; write one", file=sys.stderr)
        return 1
    count = 0
    for command in [chosen.command, *(["run"] if getattr(chosen, "run", False) else [])]:
        for fault in faults(command, project, sources):
            count += 1
            print(fault, file=sys.stderr, flush=True)
    say(f"{chosen.command}: {counted(len(sources), 'notebook')}, {counted(count, 'fault')}")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
