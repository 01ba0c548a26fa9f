"""The gates of what a notebook shows, each proved by an output that would differ elsewhere."""

from pathlib import Path

import pytest

from tests.planted import SVG, Course, printed, shown
from tests.planting import found, tag

PRINTED = {
    "address": (
        "<Pool at 0x7f0f1c2a3b40>\n",
        "its output has the address 0x7f0f1c2a3b40; give the object a repr",
    ),
    "path": (
        "No such file: '/tmp/pool/rsp.lua'\n",
        "its output has the path /tmp/pool/rsp.lua; print it without the folder",
    ),
    "home": (
        f"{Path.home()}/rsp.lua\n",
        f"its output has the path {Path.home()}/rsp.lua; print it without the folder",
    ),
    "port": (
        "listening on 127.0.0.1:43817\n",
        "its output has the port 43817; print its socket's name instead",
    ),
    "port of an address": (
        "('::1', 43817, 0, 0)\n",
        "its output has the port 43817; print its socket's name instead",
    ),
}


@pytest.mark.parametrize("name", PRINTED)
def test_an_output_that_is_not_the_same_elsewhere_is_told(name: str, tmp_path: Path) -> None:
    """The address of an object, a folder of this machine, a port that the kernel chose."""
    text, what = PRINTED[name]
    course = Course(tmp_path)
    cell = course.cell("print(serve")
    cell.outputs = [printed(text)]
    assert found(course) == [course.lesson.fault(cell, what)]


@pytest.mark.parametrize("text", ["127.0.0.1:8080\n", "port 80\n", "it took 43817 bytes\n"])
def test_what_is_the_same_everywhere_may_be_shown(text: str, tmp_path: Path) -> None:
    """A port that was written down is no chance, and a number of bytes is no port."""
    course = Course(tmp_path)
    course.cell("print(serve").outputs = [printed(text)]
    assert found(course) == []


def test_a_warning_is_told(tmp_path: Path) -> None:
    """Each version of Python words it in its own way."""
    course = Course(tmp_path)
    cell = course.cell("print(serve")
    cell.outputs = [printed("ResourceWarning: unclosed\nmore\n", name="stderr")]
    what = "it writes 'ResourceWarning: unclosed' to stderr; catch it and print it to stdout"
    assert found(course) == [course.lesson.fault(cell, what)]


def test_an_error_that_is_not_meant_is_told(tmp_path: Path) -> None:
    """It is one only where the cell is tagged."""
    course = Course(tmp_path)
    cell = course.cell("print(serve")
    cell.outputs = [{"output_type": "error", "ename": "OSError", "evalue": "x", "traceback": []}]
    what = "it ends in OSError; correct it, or tag it raises-exception"
    assert found(course) == [course.lesson.fault(cell, what)]
    cell.metadata = {"tags": ["raises-exception"]}
    assert found(course) == []


def test_an_error_that_is_meant_and_does_not_come_is_told(tmp_path: Path) -> None:
    """A tag that is left behind would hide the next real error."""
    course = Course(tmp_path)
    cell = tag("print(serve", "raises-exception")(course)
    what = "it is tagged raises-exception and raises nothing; take the tag out"
    assert found(course) == [course.lesson.fault(cell, what)]


TOLD = {
    "role": (
        SVG.replace('role="img"', ""),
        "client",
        'its SVG has no role="img"; add it to the svg element',
    ),
    "title": (
        SVG.replace("aria-label", "id"),
        "client",
        "its SVG has no <title> and no aria-label; say what it shows",
    ),
    "text": (
        SVG,
        " ",
        "its SVG has no text beside it; give its class a repr that says it in words",
    ),
    "repr": (
        SVG,
        "<IPython.core.display.SVG object>",
        "its SVG has no text beside it; give its class a repr that says it in words",
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_a_picture_without_words_is_told(name: str, tmp_path: Path) -> None:
    """A freshly cloned notebook shows the words only, and so does a screen reader."""
    svg, plain, what = TOLD[name]
    course = Course(tmp_path)
    cell = course.cell("class Picture")
    cell.outputs = [shown(**{"image/svg+xml": svg, "text/plain": plain})]
    assert found(course) == [course.lesson.fault(cell, what)]
