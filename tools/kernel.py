"""Running a notebook: in the Python that runs this, in the notebook's folder, on this checkout."""

import ast
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import nbformat
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, CellExecutionError, DeadKernelError

from tools.book import Book, BookError, joined
from tools.nodes import to_node

CELL_LIMIT = 30  # seconds for one cell
OPTIONS = [
    "--IPKernelApp.capture_fd_output=False",  # what a child prints is lost under nbval: here, too
    "--IPKernelApp.log_level=40",  # no word about loopback TCP
]
FAILURES = (CellExecutionError, CellControlSignal, DeadKernelError)


class ThisPython(KernelSpecManager):
    """Knows one kernel: the Python that runs this, whether or not it is on the PATH."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return that kernel, whatever the name."""
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", *OPTIONS]
        return KernelSpec(argv=command, display_name=kernel_name, language="python")


class NoHeartbeat(AsyncKernelClient):
    """A client without a heartbeat: whether the kernel lives, its process tells.

    The heartbeat's thread outlives its kernel, and opens a socket a second for ever; told to stop
    before it has begun, it does so without a pause, until no memory is left.
    """

    def start_channels(
        self,
        shell: bool = True,
        iopub: bool = True,
        stdin: bool = True,
        hb: bool = False,
        control: bool = True,
    ) -> None:
        """Start all channels but that one."""
        del hb
        super().start_channels(shell, iopub, stdin, hb=False, control=control)


@contextmanager
def running(book: Book, root: Path) -> Iterator["Session"]:
    """Start a kernel for `book`; it is gone when the block ends."""
    node = to_node(book)
    # Reached by files: a port that was found free may be taken by the notebook beside it.
    manager = AsyncKernelManager(kernel_spec_manager=ThisPython(), transport="ipc")
    manager.client_factory = NoHeartbeat
    client = NotebookClient(
        node,
        timeout=CELL_LIMIT,
        record_timing=False,
        resources={"metadata": {"path": str(book.path.parent)}},
        km=manager,
    )
    path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "RSP_COURSE": "", "PYTHONPATH": path}  # nobody's progress
    book.path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kernel-") as folder:
        manager.ip = f"{folder}/at"
        with client.setup_kernel(env=environment, stdout=DEVNULL):
            yield Session(book, client)


class Session:
    """One kernel with a notebook's cells; what it asks beside them leaves no trace."""

    def __init__(self, book: Book, client: Any) -> None:
        self.book = book
        self.client = client

    def run(self, number: int) -> list[dict[str, Any]]:
        """Execute cell `number` and return its outputs, made the same for every run."""
        cell = self.client.nb.cells[number]
        try:
            self.client.execute_cell(cell, number)
        except FAILURES as error:
            raise BookError(self.book.fault(self.book.cells[number], told(cell, error))) from error
        return stable(cell.outputs)

    def tell(self, source: str) -> str:
        """Execute lines that are no cell of the notebook; return what they print."""
        cell: Any = nbformat.v4.new_code_cell(source)  # type: ignore[no-untyped-call]
        self.client.nb.cells.append(cell)
        try:
            self.client.execute_cell(cell, len(self.client.nb.cells) - 1, store_history=False)
        except FAILURES as error:
            raise BookError(self.book.fault(None, told(cell, error))) from error
        finally:
            self.client.nb.cells.pop()
        return "".join(joined(output["text"]) for output in cell.outputs if "text" in output)

    def ask(self, expression: str) -> Any:
        """Return what `expression` is in the kernel. Raises BookError when it raises there."""
        said = self.tell(f"print(repr({expression}))")
        try:
            return ast.literal_eval(said)
        except (ValueError, SyntaxError) as error:
            what = f"something prints {said!r} between two cells; end it inside its cell"
            raise BookError(self.book.fault(None, what)) from error


def told(cell: Any, error: BaseException) -> str:
    """Return in one line what went wrong in a cell."""
    first = next((line for line in cell.source.splitlines() if line.strip()), "")
    if isinstance(error, CellExecutionError):
        lines = [f"{error.ename}: {error.evalue}"]
    else:
        lines = [line for line in str(error).splitlines() if line.strip()]
    why = lines[0] if lines else type(error).__name__
    return f"failed at '{first}' with {why}; run it in JupyterLab and correct its source"


def stable(outputs: list[Any]) -> list[dict[str, Any]]:
    """Return outputs as they are committed: the same for every run, and free of this machine.

    Pieces of one stream are joined (how many there are is chance), and of an error only its
    last line stays: the rest names files of this machine.
    """
    kept: list[dict[str, Any]] = []
    for output in outputs:
        made = dict(output)
        if made["output_type"] == "stream" and kept and kept[-1].get("name") == made["name"]:
            kept[-1]["text"] += joined(made["text"])
            continue
        if made["output_type"] == "error":
            made["traceback"] = [f"{made['ename']}: {made['evalue']}"]
        made.pop("transient", None)
        kept.append(made)
    return kept
