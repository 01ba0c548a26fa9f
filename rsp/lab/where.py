"""Where a thread is just now: the line that it waits in."""

import linecache
import sys
import threading
import traceback


def where_is(thread: threading.Thread) -> str:
    """Return the innermost line of code outside the standard library that `thread` is in."""
    frame = sys._current_frames().get(thread.ident or 0)
    if frame is None:
        return "no code: it has just ended"
    frames = traceback.extract_stack(frame)
    own = [entry for entry in frames if not entry.filename.startswith(sys.base_prefix)]
    entry = (own or frames)[-1]
    line = entry.line or linecache.getline(entry.filename, entry.lineno or 0)
    return f"`{line.strip()}` ({entry.name}, line {entry.lineno})"
