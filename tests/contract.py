"""What the contract's tests share: whom to ask, what each says of itself, and how that differs."""

from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

from rsp import stages
from rsp.gateway import serve as serve_http
from rsp.lab.asked import asked_of, not_right
from rsp.lab.contract import (
    HTTP_OUTCOMES,
    OUTCOMES,
    RIGHT,
    SYMPTOMS,
    Before,
    Outcome,
    already_before,
    before,
)
from rsp.lab.not_yet import NOT_YET, NOT_YET_IN_HTTP
from rsp.lab.running import COMMAND, RELAY
from rsp.net import Address
from rsp.proxy import serve


class Subject(NamedTuple):
    """Somebody of whom the contract is asked; `says` is the name of its lists in not_yet, or ""."""

    name: str
    says: str
    before: Before
    http: bool = False  # it reads HTTP, though no list says so

    def __str__(self) -> str:
        return self.name

    def asked(self) -> dict[str, Outcome]:
        """Return the outcomes that are asked of it."""
        return OUTCOMES | HTTP_OUTCOMES if self.http else asked_of(self.says)


def stage_names(folder: Path | None = None) -> list[str]:
    """Return the stages there are: every module of theirs, so that none can be forgotten."""
    folder = folder or Path(next(iter(stages.__path__)))
    return sorted(path.stem for path in folder.glob("s[0-9]*.py"))


def stage(name: str) -> Subject:
    """Return a stage of the package."""
    return Subject(name, name, before(import_module(f"rsp.stages.{name}").serve))


def finished() -> list[Subject]:
    """Return what the package gives: the relay, the gateway, and both as commands."""
    return [
        Subject("proxy", "", before(serve)),
        Subject("gateway", "gateway", before(serve_http)),
        Subject("command", "gateway", before(COMMAND)),
        Subject("command --relay", "", before(RELAY)),
    ]


def subjects(config: pytest.Config) -> list[Subject]:
    """Return the stages and what is finished, or the one proxy that the options name.

    Raises UsageError when the options do not go together.
    """
    proxy, port = config.getoption("--proxy"), config.getoption("--backend-port")
    says, http = config.getoption("--not-yet") or "", bool(config.getoption("--http"))
    if not proxy:
        if port or says or http:
            wrong = "--backend-port, --http and --not-yet belong to --proxy HOST:PORT"
            raise pytest.UsageError(wrong)
        return [*map(stage, stage_names()), *finished()]
    host, colon, number = proxy.rpartition(":")
    if not colon or not number.isdigit() or not port:
        raise pytest.UsageError("wanted: --proxy HOST:PORT --backend-port N")
    if says and says not in lists():
        raise pytest.UsageError(f"--not-yet {says}: there are {', '.join(lists())}")
    if config.getoption("numprocesses", None):
        raise pytest.UsageError("--proxy goes with -n 0: its backend has one port")
    address = Address(host.strip("[]"), number)
    return [Subject("proxy", says, already_before(address, port), http)]


def lists() -> list[str]:
    """Return the names under which something is said of somebody."""
    return sorted(NOT_YET.keys() | NOT_YET_IN_HTTP.keys())


def said(says: str, text: str) -> str:
    """Return what an outcome is to show, by the lists of that name."""
    if says and says not in lists():
        raise KeyError(says)
    return not_right(says).get(text, RIGHT)


def difference(subject: Subject, text: str) -> str:
    """Return how the subject differs from what it says, in a sentence; "" when it does not.

    What cannot be told from outside does not differ.
    """
    shown = (OUTCOMES | HTTP_OUTCOMES)[text](subject.before)
    expected = said(subject.says, text)
    if shown is None or shown == expected:
        return ""
    if shown == RIGHT:
        return f"{subject} has learned more than it says ({expected}): “{text}” holds now"
    wanted = "" if expected == RIGHT else f", not {expected}"
    return f"{subject}: “{text}” shows {shown} ({SYMPTOMS[shown]}){wanted}"
