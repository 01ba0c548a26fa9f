"""What learners hand in is read, never run; what cannot be read is a sentence."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from rsp.lab import copies
from rsp.lab.copies import Cell, Unreadable, cells, learners


def notebook(*found: Any) -> str:
    """Return a notebook with these cells."""
    return json.dumps({"cells": found, "nbformat": 4, "nbformat_minor": 5})


def put(folder: Path, *names: str) -> None:
    """Put an empty notebook at each of these places."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(notebook(), encoding="utf-8")


def test_a_folder_is_a_learner_and_so_is_a_notebook(tmp_path: Path) -> None:
    """In the order of their names; what is neither, or hidden, is nobody."""
    put(tmp_path, "cleo/a.ipynb", "ada.ipynb", "bob.ipynb", "bob/b.ipynb", ".hidden.ipynb")
    (tmp_path / "marks.csv").write_text("", encoding="utf-8")
    found = learners(tmp_path)
    assert [each.name for each in found] == ["ada", "bob", "bob.ipynb", "cleo"]
    assert [[book.name for book in each.books] for each in found] == [
        ["ada.ipynb"], ["b.ipynb"], ["bob.ipynb"], ["a.ipynb"]
    ]  # fmt: skip


def test_of_a_copy_of_the_course_only_the_learners_own_counts(tmp_path: Path) -> None:
    """Our solutions, checkpoints and offers lie in it as well; a notebook's copy comes last."""
    put(tmp_path, "ada/02_dialling.ipynb", "ada/solutions/02_dialling.ipynb")
    put(tmp_path, "ada/.ipynb_checkpoints/02_dialling.ipynb", "ada/02_dialling.new.ipynb")
    put(tmp_path, "ada/02_dialling.new2.ipynb", "ada/02_dialling-Copy1.ipynb", "ada/old/0.ipynb")
    (ada,) = learners(tmp_path)
    assert [book.name for book in ada.books] == [
        "02_dialling.ipynb", "02_dialling-Copy1.ipynb", "old/0.ipynb"
    ]  # fmt: skip
    assert ada.faults == []


def test_cells_of_code_are_read_and_nothing_else(tmp_path: Path) -> None:
    """Text as one string or as lines; what is of another kind is nothing."""
    code = {"cell_type": "code"}
    path = tmp_path / "a.ipynb"
    path.write_text(
        notebook(
            {**code, "source": "x = 1", "metadata": {"tags": ["check", 7]}},
            {**code, "source": ["a\n", "b", 3]},
            {**code, "source": 7, "metadata": []},
            {**code, "metadata": {"tags": "check"}},
            {"cell_type": "markdown", "source": "text"},
            "cell",
        ),
        encoding="utf-8",
    )
    assert cells(path) == [
        Cell(["check"], "x = 1"), Cell([], "a\nb"), Cell([], ""), Cell([], "")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is not JSON (Expecting value, line 1)"),
        (b'{"cells": [', "it is not JSON (Expecting value, line 1)"),
        (b"PK\x03\x04\xff\xff", "it is not text"),
        (b"[" * 100_000, "it is not JSON of a notebook (nested without end)"),
        (b"[]", "it has no list of cells"),
        (b'{"cells": {}}', "it has no list of cells"),
        (b'{"cells": ' + b"9" * 5000 + b"}", "Exceeds the limit"),
    ],
)
def test_what_is_no_notebook_is_told(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "a.ipynb"
    path.write_bytes(content)
    with pytest.raises(Unreadable) as error:
        cells(path)
    assert str(error.value).startswith(why)


def test_links_pipes_and_giants_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link may lead to somebody else's answers, a pipe never ends."""
    folder = tmp_path / "ada"
    put(tmp_path, "other/x.ipynb", "ada/big.ipynb")
    os.mkfifo(folder / "pipe.ipynb")
    (folder / "link.ipynb").symlink_to(tmp_path / "other" / "x.ipynb")
    (folder / "folder").symlink_to(tmp_path / "other")
    monkeypatch.setattr(copies, "LARGEST", 10)
    ada = learners(tmp_path)[0]
    assert ada.books == []
    assert ada.faults == [
        "big.ipynb cannot be read: it has more than 10 bytes",
        "link.ipynb cannot be read: it is not a plain file",
        "pipe.ipynb cannot be read: it is not a plain file",
    ]
