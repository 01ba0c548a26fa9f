"""Makes .venv with all that an extra of pyproject.toml names: `python3 tools/setup.py course`.

It stands on the standard library alone, and a Python too old for the course must be able to run it,
for it has to say so: nothing here is newer than Python 3.5.
"""
# ruff: noqa: UP032

import hashlib
import json
import os
import re
import subprocess
import sys
import time

OLDEST = (3, 11)  # requires-python in pyproject.toml
EXTRAS = ["course", "test", "dev", "ui"]  # each holds those before it
NAMES = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python"]

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "rsp-setup.json")
LOG = os.path.join(VENV, "rsp-setup.log")

# Prints a Python's version, and whether it can make a virtual environment with pip in it
# (Debian packs venv and ensurepip apart); any Python, even 2, can run it.
PROBE = """
import sys
try:
    import ensurepip, venv
except ImportError:
    venv = None
sys.stdout.write("%d %d %d" % (sys.version_info[0], sys.version_info[1], venv is not None))
"""
# What pip and uv say when they could not reach the package index.
OFFLINE = re.compile(
    "connection|connect error|error sending request|resolve|dns|network|timed? ?out|proxy|"
    "No matching distribution found",
    re.IGNORECASE,
)


class SetUpError(Exception):
    """The set-up cannot go on; the message is one sentence, with the way out."""


def main(words: "list[str]") -> int:
    """Set up the extra in `words`; return the exit status."""
    extra = words[0] if words else "course"
    try:
        if not is_set_up(extra):
            set_up(extra)
    except SetUpError as error:
        sys.stderr.write("{}\n".format(error))
        return 1
    except OSError as error:  # a full disk, a folder that is not ours to write in
        sys.stderr.write(
            "The set-up could not go on ({}): put that right, and run the same ".format(error)
            + "command again\n"
        )
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted; the same command goes on from here.\n")
        return 130
    return 0


def set_up(extra: str) -> None:
    """Make .venv and install `extra` in it. Raises SetUpError."""
    python = find_python()
    began = time.time()
    sys.stdout.write("Setting up .venv, once: seconds to minutes, as your network goes.\n")
    sys.stdout.flush()
    make_venv(python)
    install(extra)
    write_stamp(extra)
    sys.stdout.write("Set up in {:.0f} seconds.\n".format(time.time() - began))
    sys.stdout.flush()


def is_set_up(extra: str) -> bool:
    """Tell whether .venv has `extra` already, as this pyproject.toml in this folder has it."""
    try:
        with open(STAMP, encoding="utf-8") as file:
            stamp = json.load(file)
        return stamp["of"] == fingerprint() and EXTRAS.index(stamp["extra"]) >= EXTRAS.index(extra)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def fingerprint() -> str:
    """Return a hash of what the set-up depends on: pyproject.toml, this folder, the Python."""
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        text = file.read()
    return hashlib.sha256(repr((text, ROOT, probe(VENV_PYTHON))).encode()).hexdigest()


def write_stamp(extra: str) -> None:
    """Note what was installed, and with what."""
    with open(STAMP, "w", encoding="utf-8") as file:
        json.dump({"of": fingerprint(), "extra": extra, "root": ROOT}, file)


def probe(python: str) -> "tuple[int, int, int] | None":
    """Return (major, minor, has venv) of `python`, or None where it cannot be run."""
    try:
        said = subprocess.check_output(
            [python, "-c", PROBE], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        major, minor, has_venv = said.split()
        return int(major), int(minor), int(has_venv)
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None


def find_python() -> str:
    """Return a Python that is new enough and has venv: $PYTHON, or the first by name.

    Raises SetUpError, which says of the best that was found what it lacks.
    """
    named = os.environ.get("PYTHON")
    found = [(name, probe(name)) for name in ([named] if named else NAMES)]
    there = [(name, said) for name, said in found if said]
    new = [(name, said) for name, said in there if said[:2] >= OLDEST]
    for name, said in new:
        if said[2]:
            return name
    another = "or name another: make learn PYTHON=/path/to/python3"
    if new:
        name, said = new[0]
        raise SetUpError(
            "{} has no venv module: install it (on Debian and Ubuntu: "
            "sudo apt install python{}.{}-venv), {}".format(name, said[0], said[1], another)
        )
    oldest = "{}.{}".format(*OLDEST)
    if there:
        name, said = there[0]
        raise SetUpError(
            "The course needs Python {} or newer, and {} is Python {}.{}: "
            "install a newer one, {}".format(oldest, name, said[0], said[1], another)
        )
    raise SetUpError(
        "The course needs Python {} or newer, and {} cannot be run: install one, {}".format(
            oldest, named or "python3", another
        )
    )


def make_venv(python: str) -> None:
    """Make .venv, or mend it; make it anew where it is broken, too old, or of another folder."""
    said = probe(VENV_PYTHON)
    usable = said is not None and said[:2] >= OLDEST and not was_moved()
    if usable and run(VENV_PYTHON, "-m", "pip", "--version"):
        return
    command = [python, "-m", "venv", *([] if usable else ["--clear"]), VENV]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said_by_venv = process.communicate()[0].decode("utf-8", "replace")
    if process.returncode != 0:
        raise SetUpError(
            "{} could not make {} ({}): put that right, and run the same command again".format(
                python, VENV, last_line(said_by_venv)
            )
        )


def was_moved() -> bool:
    """Tell whether .venv was set up in another folder: its scripts would start Python there."""
    try:
        with open(STAMP, encoding="utf-8") as file:
            return bool(json.load(file)["root"] != ROOT)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def install(extra: str) -> None:
    """Install the checkout with `extra`: with uv, which is several times as fast, or with pip."""
    what = ["--editable", ".[{}]".format(extra)]
    pip = [VENV_PYTHON, "-m", "pip", "install", "--retries", "1"]
    # Without bytecode a kernel would start in 1.7 seconds instead of 0.6.
    uv = [VENV_PYTHON, "-m", "uv", "pip", "install", "--python", VENV_PYTHON, "--compile-bytecode"]
    with open(LOG, "w"):
        pass
    if run(*[*pip, "uv>=0.5,<1"]) and run(*[*uv, *what]):
        return
    if run(*[*pip, *what]):
        return
    with open(LOG, encoding="utf-8", errors="replace") as file:
        said = file.read()
    if OFFLINE.search(said):
        raise SetUpError(
            "The packages could not be fetched: connect this machine to the network (or set "
            "PIP_INDEX_URL to a package index that it can reach), and run the same command "
            "again; {} has the details".format(LOG)
        )
    raise SetUpError(
        "The packages could not be installed ({}): put that right, and run the same command "
        "again; {} has the details".format(last_line(said), LOG)
    )


def run(*command: str) -> bool:
    """Run `command`, its output added to the log; tell whether it succeeded."""
    environment = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_USER="0")
    with open(LOG, "ab") as log:
        log.write("\n$ {}\n".format(" ".join(command)).encode("utf-8"))
        log.flush()
        status = subprocess.call(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return status == 0


def last_line(text: str) -> str:
    """Return the last line of `text` that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
