"""What the contract's tests share: whom to ask, what each says of itself, and how that differs."""

from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

from rsp import stages
from rsp.lab import outcomes, pressure, troubles, uploads  # noqa: F401  (they fill OUTCOMES)
from rsp.lab.contract import OUTCOMES, RIGHT, SYMPTOMS, Before, already_before, before
from rsp.lab.not_yet import NOT_YET
from rsp.lab.running import COMMAND
from rsp.net import Address
from rsp.proxy import serve


class Subject(NamedTuple):
    """Somebody of whom the contract is asked; `says` is the name of a list in NOT_YET, or ""."""

    name: str
    says: str
    before: Before

    def __str__(self) -> str:
        return self.name


def stage_names(folder: Path | None = None) -> list[str]:
    """Return the stages there are: every module of theirs, so that none can be forgotten."""
    folder = folder or Path(next(iter(stages.__path__)))
    return sorted(path.stem for path in folder.glob("s[0-9]*.py"))


def stage(name: str) -> Subject:
    """Return a stage of the package."""
    return Subject(name, name, before(import_module(f"rsp.stages.{name}").serve))


def subjects(config: pytest.Config) -> list[Subject]:
    """Return the stages, the proxy and the command, or the one proxy that the options name.

    Raises UsageError when the options do not go together.
    """
    proxy, port = config.getoption("--proxy"), config.getoption("--backend-port")
    says = config.getoption("--not-yet") or ""
    if not proxy:
        if port or says:
            raise pytest.UsageError("--backend-port and --not-yet belong to --proxy HOST:PORT")
        finished = Subject("proxy", "", before(serve)), Subject("command", "", before(COMMAND))
        return [*map(stage, stage_names()), *finished]
    host, colon, number = proxy.rpartition(":")
    if not colon or not number.isdigit() or not port:
        raise pytest.UsageError("wanted: --proxy HOST:PORT --backend-port N")
    if says and says not in NOT_YET:
        raise pytest.UsageError(f"--not-yet {says}: there are {', '.join(NOT_YET)}")
    if config.getoption("numprocesses", None):
        raise pytest.UsageError("--proxy goes with -n 0: its backend has one port")
    return [Subject("proxy", says, already_before(Address(host.strip("[]"), number), port))]


def said(says: str, text: str) -> str:
    """Return what an outcome is to show, by the list of that name."""
    return NOT_YET[says].get(text, RIGHT) if says else RIGHT


def difference(subject: Subject, text: str) -> str:
    """Return how the subject differs from what it says, in a sentence; "" when it does not.

    What cannot be told from outside does not differ.
    """
    shown = OUTCOMES[text](subject.before)
    expected = said(subject.says, text)
    if shown is None or shown == expected:
        return ""
    if shown == RIGHT:
        return f"{subject} has learned more than it says ({expected}): “{text}” holds now"
    wanted = "" if expected == RIGHT else f", not {expected}"
    return f"{subject}: “{text}” shows {shown} ({SYMPTOMS[shown]}){wanted}"
