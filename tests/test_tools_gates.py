"""Every gate of one notebook, proved by the fault it is there for."""

from pathlib import Path

import pytest

from tests.planted import QUOTE, Course
from tests.planting import Plant, add, edit, found, tag
from tools import gates
from tools.book import Cell


def test_every_gate_passes_on_the_good_notebooks(tmp_path: Path) -> None:
    """Without this the planted faults prove nothing."""
    course = Course(tmp_path)
    assert found(course) == []
    assert list(gates.faults(course.solutions, course.project)) == []


def stripped(course: Course) -> Cell:
    cell = course.lesson.code[0]
    cell.count = None
    return cell


def by_chance(course: Course) -> Cell:
    cell = course.lesson.cells[1]
    cell.id = "8a7f00c2"
    return cell


def strange_metadata(course: Course) -> Cell:
    cell = course.lesson.cells[2]
    cell.metadata["tag"] = ["quote"]
    return cell


def tags_in_one_word(course: Course) -> Cell:
    cell = course.lesson.cells[3]
    cell.metadata = {"tags": "setup"}
    return cell


def other_kernel(course: Course) -> None:
    course.lesson.metadata = {"kernelspec": {"name": "python3"}}


def not_imported(course: Course) -> Cell:
    course.cell("from rsp.stages").source = "print(serve(b'pong'))"
    return course.cell(QUOTE)


STATIC: dict[str, tuple[Plant, str]] = {
    "counts": (stripped, "its execution count is None, not 1; build it again"),
    "id": (by_chance, "its id is not 04_one-002; build it again"),
    "tag": (
        tag("def serve", "drafts"),
        "there is no tag 'drafts'; use one of check, draft, exercise, linux, nbval-ignore-output, "
        "predict, quote, raises-exception, setup, solution",
    ),
    "metadata": (
        strange_metadata,
        "its metadata has 'tag'; only rsp, slideshow, tags mean something",
    ),
    "tags": (tags_in_one_word, "its tags are no list; write them in brackets"),
    "comment": (
        add("print(serve", "  # NBVAL_CHECK_OUTPUT: a speed"),
        "NBVAL_CHECK_OUTPUT is a comment; take it out and use nbval's tag instead",
    ),
    "kernelspec": (other_kernel, "its metadata has another kernelspec than ours; build it again"),
    "sleep": (
        add("print(serve", "\ntime.sleep(1)"),
        "it calls time.sleep; wait for an event instead",
    ),
    "imported sleep": (
        add("print(serve", "\nfrom time import monotonic, sleep"),
        "it calls time.sleep; wait for an event instead",
    ),
    "image": (
        add("Against", "\n\n![](https://example.org/a.svg)"),
        "the image https://example.org/a.svg has no alt text; say what it shows",
    ),
    "html image": (
        add("Against", "\n\n<img src='https://example.org/a.svg' alt=''>"),
        "the image <img src='https://example.org/a.svg' alt=''> has no alt text; say what it shows",
    ),
    "link": (
        edit("## What is still", "src/04_one.md", "04_none.ipynb"),
        "it links to 04_none.ipynb, which is not there; correct the link",
    ),
    "leftover": (add("Against", "\n\nTODO: say why"), "it says TODO; do it, or take the word out"),
    "directive": (
        add("Against", "\n\n```{code-cel}\n1\n```"),
        "JupyterLab does not know '```{code-cel}'; write a code-cell, or plain markdown",
    ),
    "name": (
        edit("## The piece", "serial.serve", "serial.serves"),
        "there is no rsp.stages.s04_serial.serves; correct it, or write the words without the dots",
    ),
    "quote": (
        edit(QUOTE, "data[:LIMIT]", "data[LIMIT:]"),
        "the quote is not what rsp/stages/s04_serial.py says; build it again",
    ),
    "tag of a quote": (
        tag(QUOTE, "draft"),
        "it has a quote's tag or marker without the other; build it again",
    ),
    "import": (
        not_imported,
        "the next cell does not go on with the package; write "
        "'from rsp.stages.s04_serial import serve' in it",
    ),
}


@pytest.mark.parametrize("name", STATIC)
def test_a_fault_is_told_with_its_cell_and_what_to_do(name: str, tmp_path: Path) -> None:
    """One fault planted, one sentence: no other gate speaks, and this one does."""
    plant, what = STATIC[name]
    course = Course(tmp_path)
    cell = plant(course)
    assert found(course) == [course.lesson.fault(cell, what)]


def test_code_in_prose_is_no_name_and_no_link(tmp_path: Path) -> None:
    """Fenced listings and file names are not looked up; nor is what only starts like a name."""
    course = Course(tmp_path)
    text = "`/etc/rsp.conf`, `rsp.toml`, `a[0](b)`\n\n```python\nrsp.none.there ![](none.png)\n```"
    course.cell("Against").source += f"\n\n{text}"
    assert found(course) == []
