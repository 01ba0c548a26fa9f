"""A plugin of pytest: the kernels that nbval starts are reached by files, not by ports.

Jupyter chooses its ports, gives them back, and hopes that they are free when the kernel takes them.
The notebooks of this course open hundreds of ports, and one beside it may have been quicker.
"""

import tempfile
from typing import Any

from jupyter_client.manager import KernelManager

FOLDERS: list[tempfile.TemporaryDirectory[str]] = []  # gone with the process
usual = KernelManager.__init__


def by_files(self: KernelManager, *arguments: Any, **named: Any) -> None:
    """Make a manager whose kernel listens in a folder of its own."""
    usual(self, *arguments, **named)
    folder = tempfile.TemporaryDirectory(prefix="kernel-")
    FOLDERS.append(folder)
    self.transport = "ipc"
    self.ip = f"{folder.name}/at"


KernelManager.__init__ = by_files  # type: ignore[method-assign]
