"""Names of the package in the prose: which of them are there."""

from pathlib import Path

import pytest

from tests.planted import Course
from tools.names import exists, origin


@pytest.mark.parametrize(
    "name",
    [
        *(
            "rsp",
            "rsp.net",
            "rsp.stages",
            "rsp.stages.s04_serial",
            "rsp.net.listen",
            "rsp.net.BACKLOG",
        ),
        *("rsp.net.Address", "rsp.net.Address.host", "rsp.net.Side.CLIENT"),
        "rsp.stages.s04_serial.Relay.pending",  # set in __init__
        "rsp.stages.s04_serial.TIMEOUT",  # imported there
        "rsp.net.socket",
    ],
)
def test_a_name_of_the_package_is_there(name: str, tmp_path: Path) -> None:
    """Modules, what they define and import, and the members of their classes."""
    Course(tmp_path)
    assert exists(tmp_path, name)


@pytest.mark.parametrize(
    "name",
    [
        "rsp.none",
        "rsp.net.none",
        "rsp.net.Address.none",
        "rsp.net.listen.x",
        "rsp.net.Address.host.x",
    ],
)
def test_another_name_is_not(name: str, tmp_path: Path) -> None:
    """It was renamed, or never was."""
    Course(tmp_path)
    assert not exists(tmp_path, name)


def test_members_come_from_the_classes_below_as_well(tmp_path: Path) -> None:
    """As far as they are of the package."""
    course = Course(tmp_path)
    text = "from rsp.stages.s04_serial import Relay\n\n\nclass Slow(Relay):\n    pass\n"
    course.write("rsp/stages/s05.py", text)
    assert exists(tmp_path, "rsp.stages.s05.Slow.pending")
    assert not exists(tmp_path, "rsp.stages.s05.Slow.none")


def test_a_name_is_traced_to_where_it_is_defined(tmp_path: Path) -> None:
    """Through the modules that only pass it on."""
    course = Course(tmp_path)
    course.write(
        "rsp/stages/s05.py", "import socket as s\nfrom rsp.stages.s04_serial import TIMEOUT\n"
    )
    assert origin(tmp_path, "rsp.stages.s05", "TIMEOUT") == ("rsp.net", "TIMEOUT")
    assert origin(tmp_path, "rsp.stages.s05", "s") == ("socket", "")
    assert origin(tmp_path, "rsp.net", "NamedTuple") == ("typing", "NamedTuple")
