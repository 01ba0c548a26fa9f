"""Where a thread is just now, or an error came from: the line that somebody wrote for this."""

import sys
import sysconfig
import threading
import traceback
from collections.abc import Iterable
from pathlib import Path

# Whose lines are nobody's: Python's own, those of packages, and the lab's.
OTHERS = (
    *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    str(Path(__file__).parent),
    "<frozen",
)


def where_is(thread: threading.Thread) -> str:
    """Return the innermost line that `thread` is in, outside of packages, Python and the lab."""
    frame = sys._current_frames().get(thread.ident or 0)
    if frame is None:
        return "no code: it has just ended"
    frames = traceback.extract_stack(frame)
    entry = innermost(frames) or frames[-1]
    return f"`{(entry.line or '').strip()}` ({entry.name}, line {entry.lineno})"


def in_a_cell(thread: threading.Thread) -> bool:
    """Tell whether a cell of a notebook wrote what `thread` is in."""
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None:
        if Path(frame.f_code.co_filename).parent.name.startswith("ipykernel_"):
            return True
        frame = frame.f_back
    return False


def innermost(frames: Iterable[traceback.FrameSummary]) -> traceback.FrameSummary | None:
    """Return the last of the frames that is nobody else's."""
    own = [entry for entry in frames if not entry.filename.startswith(OTHERS)]
    return own[-1] if own else None
