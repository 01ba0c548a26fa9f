"""Quotes: what a marker line becomes, and what is said when it asks for nothing there is."""

from pathlib import Path

import pytest

from tests.planted import Course
from tools.book import BookError
from tools.modules import Module
from tools.quotes import Marker, import_of, load, marker_of
from tools.scope import Scope


def quoted(root: Path, line: str, *before: str) -> str:
    """Return the cell that a marker line becomes, behind cells that bind names."""
    scope, marker = Scope(root), marker_of(line)
    assert marker is not None
    for source in before:
        scope.learn(source)
    return scope.quote(load(root, marker, "here"), marker, "here")


def test_a_function_comes_with_its_marker_and_the_imports_it_needs(tmp_path: Path) -> None:
    """Each name is imported from where it is defined, and only what the notebook has not."""
    Course(tmp_path)
    assert quoted(tmp_path, "# rsp/net.py: listen") == (
        "# rsp/net.py: listen\n"
        "import socket\n"
        "from rsp.net import BACKLOG, Address\n"
        "\n"
        "def listen(address: Address, backlog: int = BACKLOG) -> socket.socket:\n"
        '    """Return a listener."""\n'
        "    return socket.create_server(address, backlog=backlog)"
    )


def test_what_the_notebook_has_is_not_imported_again(tmp_path: Path) -> None:
    """Under the same name and from the same place, through any module that passes it on."""
    Course(tmp_path)
    before = (
        "import socket\nfrom rsp.net import BACKLOG",
        "from rsp.stages.s04_serial import TIMEOUT",
    )
    assert quoted(tmp_path, "# rsp/net.py: listen", *before).splitlines()[1:3] == [
        "from rsp.net import Address",
        "",
    ]
    stage = quoted(tmp_path, "# rsp/stages/s04_serial.py: serve", *before)
    assert stage.splitlines()[1] == "from rsp.stages.s04_serial import LIMIT"


@pytest.mark.parametrize(
    "before", ["BACKLOG = 1", "def BACKLOG(): ...", "for BACKLOG in (1, 2): pass", "del BACKLOG"]
)
def test_a_name_that_the_notebook_uses_for_its_own_is_imported(before: str, tmp_path: Path) -> None:
    """Else the quote would work with the reader's value."""
    Course(tmp_path)
    again = quoted(tmp_path, "# rsp/net.py: listen", "from rsp.net import BACKLOG", before)
    assert "from rsp.net import BACKLOG, Address\n" in again


def test_a_method_stands_in_a_subclass_of_its_class(tmp_path: Path) -> None:
    """So it runs, and the rest of the class is still there; its comments come with it."""
    Course(tmp_path)
    assert quoted(tmp_path, "# rsp/net.py: Address.__str__") == (
        "# rsp/net.py: Address.__str__\n"
        "from rsp.net import Address\n"
        "\n"
        "class Address(Address):  # and all the rest of rsp/net.py\n"
        "    # The brackets are of RFC 3986.\n"
        "    def __str__(self) -> str:\n"
        '        """Return it as a person writes it."""\n'
        '        return f"{self.host}:{self.port}"  # IPv6 as well'
    )


def test_constants_stand_close_with_the_comments_that_belong_to_them(tmp_path: Path) -> None:
    """A comment above, one behind, and one that goes on in the next line."""
    Course(tmp_path)
    assert quoted(tmp_path, "# rsp/net.py: BACKLOG, TIMEOUT") == (
        "# rsp/net.py: BACKLOG, TIMEOUT\n"
        "BACKLOG = 4096  # connections waiting for accept, as the series has it; the kernel\n"
        "# cuts it to its own limit\n"
        "# Seconds, for every socket.\n"
        "TIMEOUT = 2.0"
    )


def test_several_definitions_stand_in_the_order_of_the_marker(tmp_path: Path) -> None:
    """What one of them defines, the others need not import."""
    Course(tmp_path)
    text = quoted(tmp_path, "# rsp/net.py: listen, BACKLOG")
    assert "from rsp.net import Address\n" in text
    assert text.index("def listen") < text.index("BACKLOG = 4096")


def test_a_decorator_and_a_comment_at_the_end_belong_to_a_function() -> None:
    """Text is cut by the lines that a reader would cut."""
    body = "@cache\ndef one():\n    return 1\n    # The end.\n"
    assert Module(f"import x\n\n\n{body}\n\n# Two.\ntwo = 2\n").cut("one") == body.rstrip()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "# rsp/net.py: listn",
            "here: rsp/net.py defines no listn; the nearest: listen",
        ),
        (
            "# rsp/net.py: Address.__repr__",
            "here: rsp/net.py defines no Address.__repr__; the nearest: Address.__str__",
        ),
        (
            "# rsp/nett.py: listen",
            "here: there is no file rsp/nett.py; the nearest: rsp/net.py",
        ),
        (
            "# rsp/net.py: Side.CLIENT",
            "here: Side is an Enum and cannot be subclassed; quote the whole class",
        ),
    ],
)
def test_a_quote_of_nothing_names_what_is_nearest(line: str, said: str, tmp_path: Path) -> None:
    """A name changes in the package: the writer is told what it may be called now."""
    Course(tmp_path)
    with pytest.raises(BookError) as error:
        quoted(tmp_path, line)
    assert str(error.value).split(", ")[0] == said


@pytest.mark.parametrize(
    "line", ["# rsp/net.py", "# rsp/net.py: a b", "rsp/net.py: listen", "# net: x", "# a.py: x.y.z"]
)
def test_another_comment_is_no_marker(line: str) -> None:
    """Only the exact form quotes."""
    assert marker_of(line) is None


def test_a_marker_knows_its_module_and_what_to_import() -> None:
    """A method's class once, however many of its methods are quoted."""
    marker = Marker("rsp/stages/__init__.py", ("Relay.a", "Relay.b", "serve"))
    assert marker.dotted == "rsp.stages"
    assert marker.owners == ["Relay", "serve"]
    assert marker_of(str(marker)) == marker


def test_a_wide_import_is_broken_into_lines() -> None:
    """As wide as a notebook shows."""
    names = [f"name_{n:02d}" for n in range(20)]
    lines = import_of("rsp.net", names).splitlines()
    assert lines[0] == "from rsp.net import ("
    assert lines[-1] == ")"
    assert max(map(len, lines)) <= 88
