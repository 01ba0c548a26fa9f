"""The plugin by which nbval's kernels are reached by files."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = """
import tools.ipc
from jupyter_client.manager import KernelManager
one, other = KernelManager(), KernelManager()
print(one.transport, one.ip != other.ip, tools.ipc.FOLDERS[0].name)
"""


def test_every_kernel_has_a_folder_of_its_own_and_no_port() -> None:
    """What is found free now may be taken a moment later; a folder is nobody else's."""
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    transport, differ, folder = ran.stdout.split()
    assert (transport, differ) == ("ipc", "True")
    assert not Path(folder).exists(), "it is left behind"
