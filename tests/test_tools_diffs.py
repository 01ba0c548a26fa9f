"""Diffs in the prose: two stages, or a draft and the package's version."""

from pathlib import Path

import pytest

from tests.planted import DIFF, Course, code
from tools.book import BookError
from tools.diffs import expand

DRAFT = code("%time 1\ndef serve(data: bytes) -> bytes:\n    return data", "draft")


def test_two_stages_are_compared_by_what_is_new(tmp_path: Path) -> None:
    """A hunk is named by the definitions it is in: line numbers say nothing in a notebook."""
    Course(tmp_path)
    text = "So:\n\n<!-- diff: rsp/stages/s03_echo.py rsp/stages/s04_serial.py -->\n\nThat is all."
    assert (
        expand(text, [], tmp_path, "here")
        == '''\
So:

```diff
--- rsp/stages/s03_echo.py
+++ rsp/stages/s04_serial.py
@@ Relay @@
-"""Echo."""
+"""Relay."""
+
+from rsp.net import TIMEOUT
+
+LIMIT = 3  # bytes
+
+
+class Relay:
+    """Bytes both ways."""
+
+    def __init__(self) -> None:
+        self.pending = b""

@@ serve @@
 def serve(data: bytes) -> bytes:
-    """Return what came."""
-    return data
+    """Return what goes on."""
+    return data[:LIMIT] if TIMEOUT else b""
```

That is all.'''
    )


def test_a_draft_is_compared_with_the_package(tmp_path: Path) -> None:
    """The last cell tagged draft that defines the name, its magics aside; other cells are none."""
    Course(tmp_path)
    older = code("def serve(): ...", "draft")
    later = code("def serve(): ...", "exercise")
    line = "<!-- diff: draft serve | rsp/stages/s04_serial.py: serve -->"
    assert expand(f"Against the draft:\n\n{line}", [older, DRAFT, later], tmp_path, "here") == DIFF


def test_a_line_that_is_only_indented_anew_is_not_new(tmp_path: Path) -> None:
    """A block around old lines must not hide which lines are new; nor must a docstring."""
    Course(tmp_path)
    (tmp_path / "rsp/stages/s04_serial.py").write_text(
        'def serve(data: bytes) -> bytes:\n    """Say it."""\n    if data:\n        return data\n'
    )
    text = expand(
        "<!-- diff: draft serve | rsp/stages/s04_serial.py: serve -->", [DRAFT], tmp_path, "here"
    )
    assert text.splitlines()[3:-1] == [" def serve(data):", "+    if data:", "         return data"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "<!-- diff: rsp/stages/s03_echo.py rsp/stages/s05.py -->",
            "there is no file rsp/stages/s05.py to compare; correct the diff line",
        ),
        (
            "<!-- diff: rsp/net.py rsp/net.py -->",
            "rsp/net.py and rsp/net.py are the same; take the diff line out",
        ),
        (
            "<!-- diff: draft relay | rsp/stages/s04_serial.py: serve -->",
            "no cell above defines relay and is tagged draft; tag it, or correct the name",
        ),
        (
            "<!-- diff: draft serve | rsp/stages/s04_serial.py: server -->",
            "rsp/stages/s04_serial.py defines no server; the nearest: serve",
        ),
        (
            "<!-- diff: serve -->",
            "cannot read 'diff: serve'; write 'diff: rsp/a.py rsp/b.py' "
            "or 'diff: draft name | rsp/a.py: name'",
        ),
        (
            "See <!-- diff: rsp/a.py rsp/b.py -->",
            "cannot read '<!-- diff: rsp/a.py rsp/b.py -->'; "
            "write '<!-- diff: … -->' on a line of its own",
        ),
    ],
)
def test_a_diff_of_nothing_is_told(line: str, said: str, tmp_path: Path) -> None:
    """A line that stays a comment would show nothing."""
    Course(tmp_path)
    with pytest.raises(BookError) as error:
        expand(f"Text.\n\n{line}", [DRAFT], tmp_path, "here")
    assert str(error.value) == f"here: {said}"
