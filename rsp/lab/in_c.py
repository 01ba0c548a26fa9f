"""C beside Python: a small C program, compiled and run where there is a compiler."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from rsp.lab.settings import TIMEOUT

COMPILERS = ("cc", "gcc", "clang")
PATIENCE = 10 * TIMEOUT  # seconds for the compiler, or for the program


def run_c(source: str, *arguments: object) -> str | None:
    """Compile `source`, run it with `arguments`, and return what it printed.

    None where there is no compiler. Raises RuntimeError with the compiler's or the program's words.
    """
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        text, program = Path(folder) / "program.c", Path(folder) / "program"
        text.write_text(source)
        run([compiler, "-Wall", "-Werror", "-o", str(program), str(text)])
        return run([str(program), *map(str, arguments)])


def run(words: list[str]) -> str:
    """Run a command and return what it printed."""
    ran = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if ran.returncode:
        raise RuntimeError((ran.stderr or ran.stdout).strip() or f"status {ran.returncode}")
    return ran.stdout
