"""Options: the contract of the stages, asked of any proxy that runs already."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("rsp", "the contract (tests/test_stages.py), asked of another proxy")
    group.addoption(
        "--proxy",
        metavar="HOST:PORT",
        help="a proxy that runs already, instead of the stages and the command",
    )
    group.addoption(
        "--backend-port",
        type=int,
        metavar="N",
        help="the port of 127.0.0.1 that it forwards to",
    )
    group.addoption(
        "--http",
        action="store_true",
        help="it reads HTTP: ask for that, too",
    )
    group.addoption(
        "--not-yet",
        metavar="NAME",
        help="the stage whose list of what it cannot do holds for it, too (default: none)",
    )
