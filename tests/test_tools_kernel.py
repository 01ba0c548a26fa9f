"""A notebook in a real kernel: its outputs, its errors, what it leaves open, a second run."""

import threading
from pathlib import Path

import pytest

from tests.planted import METADATA, Course, code, numbered, printed, prose
from tools.book import Book, BookError, Cell
from tools.execution import Run, difference, execute, steps
from tools.kernel import running, stable

ROOT = Path(__file__).resolve().parent.parent
kernel = pytest.mark.kernel  # starts a kernel: half a second each


def ran(course: Course, *cells: Cell) -> tuple[Book, Run]:
    """Execute a notebook of these cells."""
    book = numbered(Book(course.root / "notebooks/05_run.ipynb", list(cells), METADATA))
    return book, execute(book, course.root)


@kernel
def test_the_good_lesson_shows_what_it_should(tmp_path: Path) -> None:
    """Outputs and counts are those of a first run, and there are no faults."""
    course, again = Course(tmp_path), Course(tmp_path)
    for cell in again.lesson.cells:
        cell.outputs, cell.count = [], None
    run = execute(again.lesson, tmp_path)
    assert run.faults == []
    assert 0 < run.seconds < 20
    assert [(c.count, c.outputs) for c in again.lesson.cells] == [
        (c.count, c.outputs) for c in course.lesson.cells
    ]


@kernel
def test_a_kernel_is_reached_by_files(tmp_path: Path) -> None:
    """A port that was found free may be taken before the kernel takes it; a folder may not."""
    with running(Course(tmp_path).lesson, tmp_path) as session:
        manager = session.client.km
        folder = Path(manager.ip).parent
        assert (manager.transport, folder.is_dir()) == ("ipc", True)
        assert session.ask("1 + 1") == 2
    assert not folder.exists()


@kernel
def test_no_thread_outlives_it(tmp_path: Path) -> None:
    """A heartbeat would: it opens descriptors in every test that counts them."""
    before = set(threading.enumerate())
    ran(Course(tmp_path), code("1 + 1"))
    assert set(threading.enumerate()) <= before


@kernel
def test_a_cell_that_fails_is_told_with_its_first_line_and_error(tmp_path: Path) -> None:
    """The rest is not run: nobody knows what it would say."""
    with pytest.raises(BookError) as error:
        ran(Course(tmp_path), code("x = 1"), prose("Then:"), code("\nassert x == 2, 'not two'"))
    assert str(error.value) == (
        "05_run.ipynb 05_run-003: failed at 'assert x == 2, 'not two'' with AssertionError: "
        "not two; run it in JupyterLab and correct its source"
    )


@kernel
def test_an_error_that_is_meant_is_kept_without_this_machine_s_files(tmp_path: Path) -> None:
    """Of its traceback the last line stays."""
    book, run = ran(Course(tmp_path), code("open('none')", "raises-exception"))
    assert run.faults == []
    (output,) = book.cells[0].outputs
    assert output["traceback"] == ["FileNotFoundError: [Errno 2] No such file or directory: 'none'"]


@kernel
def test_what_a_section_leaves_open_is_told_with_its_heading(tmp_path: Path) -> None:
    """Once, at the end of the section that opened it: all later ones would find it again."""
    book, run = ran(
        Course(tmp_path),
        prose("# 05\n\n## Closed"),
        code("import socket\nwith socket.socket() as s:\n    pass"),
        prose("## Open"),
        code("left = socket.socket()"),
        code("x = 1"),
        prose("## Later"),
        code("left.close()"),
    )
    what = "the section 'Open' ends and leaves open: 1 socket; close it before the section ends"
    assert run.faults == [book.fault(book.cells[4], what)]


@kernel
def test_a_socket_that_a_section_closes_before_its_end_is_not_told(tmp_path: Path) -> None:
    """A section may need several cells."""
    _, run = ran(
        Course(tmp_path),
        code("import socket\nkept = socket.socket()"),
        prose("Still the same section."),
        code("kept.close()"),
    )
    assert run.faults == []


@kernel
def test_a_second_run_that_shows_something_else_is_told(tmp_path: Path) -> None:
    """A learner runs cells again; the first difference is enough."""
    book, run = ran(
        Course(tmp_path),
        code("n = globals().get('n', 0) + 1"),
        code("print('run', n)", "nbval-ignore-output"),
        code("print('same')\nprint('run', n)"),
        code("print(n)"),
    )
    what = "its output is 'run 2' and not 'run 1' in a second run in the same kernel"
    assert run.faults == [book.fault(book.cells[2], f"{what}; start from nothing in each section")]
    assert book.cells[2].outputs == [printed("same\nrun 1\n")]


@kernel
def test_a_second_run_that_fails_is_told(tmp_path: Path) -> None:
    """Notebooks that delete or rename what they started from run only once."""
    book, run = ran(
        Course(tmp_path),
        code("import socket\nfirst = globals().get('first', True)"),
        code("assert first"),
        code("first = False"),
    )
    said = "failed at 'assert first' with AssertionError: ; run it in JupyterLab"
    assert run.faults == [
        book.fault(
            book.cells[1], f"{said} and correct its source (in a second run in the same kernel)"
        )
    ]


@kernel
def test_what_prints_between_two_cells_is_told(tmp_path: Path) -> None:
    """A thread that prints after its cell prints somewhere else in each version of the kernel."""
    with pytest.raises(BookError, match=r"something prints .* between two cells; end it inside"):
        ran(
            Course(tmp_path),
            code(
                "get_ipython().events.register('pre_run_cell', lambda info: print('late'))",
            ),
        )


@kernel
def test_the_notebook_runs_in_its_folder_and_on_its_checkout(tmp_path: Path) -> None:
    """Whatever is installed, and wherever the command was called."""
    cell = code("import os, rsp.net\nprint(os.getcwd(), rsp.net.__file__)")
    ran(Course(tmp_path), cell)
    folder = tmp_path.resolve()
    assert cell.outputs == [printed(f"{folder}/notebooks {folder}/rsp/net.py\n")]


@kernel
def test_a_notebook_that_takes_too_long_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is set to nothing here, so that the test need not wait."""
    monkeypatch.setattr("tools.execution.RUN_LIMIT", 0)
    book, run = ran(Course(tmp_path), code("x = 1"))
    what = "it ran for 0 s, the limit is 0 s; make its cells quicker"
    assert run.faults == [book.fault(None, what)]


@kernel
def test_a_cell_that_hangs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for what nobody sends."""
    monkeypatch.setattr("tools.kernel.CELL_LIMIT", 1)
    with pytest.raises(BookError, match=r"05_run-001: failed at 'import socket' with .* timed out"):
        ran(Course(tmp_path), code("import socket\nsocket.create_server(('', 0)).accept()"))


@kernel
def test_a_kernel_that_dies_is_told(tmp_path: Path) -> None:
    """A cell that ends the process ends everything."""
    with pytest.raises(BookError, match=r"failed at 'import os' with DeadKernelError|Kernel died"):
        ran(Course(tmp_path), code("import os\nos._exit(1)"))


@kernel
def test_the_lab_s_own_leak_check_is_asked(tmp_path: Path) -> None:
    """On this checkout, not on the planted one: a listener and a thread, by their names."""
    source = (
        "import socket, threading\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "thread = threading.Thread(target=listener.accept, name='acceptor', daemon=True)\n"
        "thread.start()"
    )
    book = numbered(Book(tmp_path / "05_run.ipynb", [code("1"), code(source)], METADATA))
    run = execute(book, ROOT)
    listener, thread = run.faults
    assert "the section 'the opening' ends and leaves open: a listener is open, on " in listener
    assert "leaves open: the thread acceptor runs; close it before the section ends" in thread


@kernel
def test_what_we_ask_leaves_no_trace_in_the_counts(tmp_path: Path) -> None:
    """In and Out are the learner's."""
    cells = [prose("## A"), code("1"), prose("## B"), code("len(In), Out[1]")]
    book, _ = ran(Course(tmp_path), *cells)
    assert book.cells[3].outputs[0]["data"] == {"text/plain": "(3, 1)"}


def test_the_steps_are_the_cells_with_the_end_of_each_section(tmp_path: Path) -> None:
    """A heading below the second level ends nothing; a cell without code is no step."""
    cells = [
        *(code("a"), prose("## One"), code("b"), code(""), prose("### Deeper"), code("c")),
        *(prose("```\n## no heading\n```"), code("d"), prose("Text.\n\n## Two"), prose("## Three")),
        code("e"),
    ]
    assert [(cell.source, end) for _, cell, end in steps(Book(tmp_path, cells))] == [
        *(("a", "the opening"), ("b", ""), ("c", ""), ("d", "One"), ("e", "Three")),
    ]


def test_pieces_of_a_stream_are_joined() -> None:
    """How many there are is chance; what stands between two streams is not."""
    pieces = [printed("a"), printed("b\n"), printed("oh\n", "stderr"), printed("c\n")]
    assert stable(pieces) == [printed("ab\n"), printed("oh\n", "stderr"), printed("c\n")]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (["a\n"], ["a\n"], ""),
        (["a\nb\n"], ["a\nc\n"], "its output is 'c' and not 'b'"),
        (["a\n"], ["a\nb\n"], "its output is 'b' and not ''"),
        (["a\n"], [], "its output is '' and not 'a'"),
    ],
)
def test_a_difference_is_told_by_its_first_line(
    first: list[str], second: list[str], said: str
) -> None:
    """The rest follows from it."""
    assert difference(*([printed(text) for text in texts] for texts in (first, second))) == said
