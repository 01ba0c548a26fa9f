"""tools/learn.py: the learner's copy follows the course and is never written over."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tools import learn
from tools.learn import Change, files, first_page, lay_out, version_of

PICTURE = b"\x89PNG\r\n\x1a\n\x00"


def notebook(*sources: str, outputs: str = "", metadata: dict[str, Any] | None = None) -> str:
    """Return a notebook with one code cell for each source, each with the same outputs."""
    cells = [
        {
            "cell_type": "code",
            "execution_count": number,
            "id": f"cell-{number}",
            "metadata": {},
            "outputs": [{"output_type": "stream", "name": "stdout", "text": outputs}],
            "source": source.splitlines(keepends=True),
        }
        for number, source in enumerate(sources, start=1)
    ]
    data = {"cells": cells, "metadata": metadata or {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(data)


def fresh(*sources: str) -> str:
    """Return such a notebook as it is laid out: nobody has run it."""
    return learn.bare(notebook(*sources).encode()).decode()


class Course:
    """A course in a folder of its own, and a learner's copy of it."""

    def __init__(self, folder: Path) -> None:
        self.notebooks, self.copy = folder / "notebooks", folder / "course"
        self.publish("00_map.ipynb", notebook("x = 1"))
        self.publish("solutions/01.ipynb", notebook("answer = 42"))

    def publish(self, name: str, text: str) -> None:
        """The course brings out a version of a file."""
        path = self.notebooks / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def update(self) -> list[str]:
        """Do what `make learn` does; return the lines that the learner is told."""
        return [change.line for change in lay_out(self.notebooks, self.copy) if change.line]

    def edit(self, name: str, text: str) -> None:
        """The learner saves a file."""
        (self.copy / name).write_text(text, encoding="utf-8")

    def mine(self, name: str = "00_map.ipynb") -> str:
        """Return what the learner has."""
        return (self.copy / name).read_text(encoding="utf-8")

    def names(self) -> set[str]:
        """Return the names of the files in the copy that a learner sees."""
        paths = [path for path in self.copy.rglob("*") if path.is_file()]
        return {path.relative_to(self.copy).as_posix() for path in paths if path.name[0] != "."}


@pytest.fixture
def course(tmp_path: Path) -> Course:
    made = Course(tmp_path)
    assert made.update() == []
    return made


def test_the_first_copy_has_what_a_learner_needs_and_no_more(tmp_path: Path) -> None:
    """Notebooks, solutions and what they show; not the texts that they are made from."""
    made = Course(tmp_path)
    made.publish("src/00_map.md", "# the text")
    made.publish(".ipynb_checkpoints/00_map.ipynb", "{}")
    made.publish("build/x.txt", "")
    (made.notebooks / "picture.png").write_bytes(PICTURE)
    made.update()
    assert made.names() == {"00_map.ipynb", "solutions/01.ipynb", "picture.png"}
    assert (made.copy / "picture.png").read_bytes() == PICTURE


def test_a_course_without_notebooks_is_an_empty_copy(tmp_path: Path) -> None:
    assert list(files(tmp_path / "notebooks")) == []
    assert lay_out(tmp_path / "notebooks", tmp_path / "course") == []


def test_nothing_is_written_when_nothing_is_new(course: Course) -> None:
    """A second `make learn` starts in seconds: nothing has to be trusted again."""
    before = {path: path.stat().st_mtime_ns for path in course.copy.rglob("*.ipynb")}
    assert lay_out(course.notebooks, course.copy) == []
    assert before == {path: path.stat().st_mtime_ns for path in course.copy.rglob("*.ipynb")}


def test_a_new_notebook_is_added(course: Course) -> None:
    course.publish("01_addresses.ipynb", notebook("y = 2"))
    assert lay_out(course.notebooks, course.copy) == [Change(course.copy / "01_addresses.ipynb")]
    assert course.mine("01_addresses.ipynb") == fresh("y = 2")


def test_an_untouched_notebook_is_refreshed(course: Course) -> None:
    course.publish("00_map.ipynb", notebook("x = 2"))
    assert course.update() == []
    assert course.mine() == fresh("x = 2")


def test_a_lesson_comes_without_what_its_cells_gave(course: Course) -> None:
    """Else the answer stands below the guess; nothing else of it is changed, solutions not at all.

    The same holds for what is laid beside a changed one.
    """
    course.publish("01_guess.ipynb", notebook("guess = ''", "répondre()", outputs="b is right"))
    course.publish("solutions/01.ipynb", notebook("answer = 43", outputs="passed"))
    course.edit("00_map.ipynb", notebook("x = 'mine'", outputs="of my run"))
    course.publish("00_map.ipynb", notebook("x = 2", outputs="the answer"))
    course.update()
    for name in ("01_guess.ipynb", "00_map.new.ipynb"):
        ours = json.loads((course.notebooks / name.replace(".new", "")).read_text(encoding="utf-8"))
        laid = json.loads(course.mine(name))
        assert [(c.pop("outputs"), c.pop("execution_count")) for c in laid["cells"]] == (
            [([], None)] * len(ours["cells"])
        )
        for cell in ours["cells"]:
            del cell["outputs"], cell["execution_count"]
        assert laid == ours
    assert "répondre" in course.mine("01_guess.ipynb")
    assert course.mine("solutions/01.ipynb") == notebook("answer = 43", outputs="passed")
    assert "of my run" in course.mine()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 1}', '{"cells": [1]}', "[" * 9999])
def test_what_is_no_notebook_is_laid_as_it_is(course: Course, text: str) -> None:
    course.publish("01_broken.ipynb", text)
    course.update()
    assert course.mine("01_broken.ipynb") == text


def test_an_untouched_copy_that_was_laid_with_its_answers_loses_them(course: Course) -> None:
    """Older versions of this tool laid the outputs out, too."""
    old = notebook("x = 1", outputs="the answer")
    course.edit("00_map.ipynb", old)
    manifest = learn.Manifest(course.copy / learn.MANIFEST)
    manifest.laid["00_map.ipynb"] = version_of(old.encode())
    manifest.write()
    assert course.update() == []
    assert course.mine() == fresh("x = 1")


def test_an_untouched_solution_gets_new_outputs_too(course: Course) -> None:
    """Its cells are the same, its picture is a better one."""
    course.publish("solutions/01.ipynb", notebook("answer = 42", outputs="drawn better"))
    course.update()
    assert "drawn better" in course.mine("solutions/01.ipynb")


def test_a_notebook_that_was_only_run_counts_as_untouched(course: Course) -> None:
    """JupyterLab saves outputs and metadata of a notebook that was merely looked at."""
    course.edit("00_map.ipynb", notebook("x = 1", outputs="of my run", metadata={"a": 1}))
    course.publish("00_map.ipynb", notebook("x = 2"))
    assert course.update() == []
    assert course.mine() == fresh("x = 2")


def test_a_run_is_kept_as_long_as_the_cells_are_the_newest(course: Course) -> None:
    ran = notebook("x = 1", outputs="of my run")
    course.edit("00_map.ipynb", ran)
    course.update()
    course.publish("00_map.ipynb", notebook("x = 1", outputs="drawn better"))
    course.update()
    assert course.mine() == ran


def test_a_changed_notebook_is_never_written_over(course: Course) -> None:
    """The newer version is laid beside it, and one line says so."""
    mine = notebook("x = 1", "# my own cell")
    course.edit("00_map.ipynb", mine)
    course.publish("00_map.ipynb", notebook("x = 2"))
    (line,) = course.update()
    assert line == (
        "You have changed 00_map.ipynb: yours stays, and the course's newer one is 00_map.new.ipynb"
    )
    assert course.mine() == mine
    assert course.mine("00_map.new.ipynb") == fresh("x = 2")


def test_a_change_is_kept_when_the_course_has_no_newer_version(course: Course) -> None:
    course.edit("00_map.ipynb", notebook("x = 'mine'"))
    assert course.update() == []
    assert course.names() == {"00_map.ipynb", "solutions/01.ipynb"}


def test_a_version_is_offered_once(course: Course) -> None:
    """Whoever deleted the offer has seen it; the next version is offered again."""
    course.edit("00_map.ipynb", notebook("x = 'mine'"))
    course.publish("00_map.ipynb", notebook("x = 2"))
    assert len(course.update()) == 1
    assert course.update() == []
    (course.copy / "00_map.new.ipynb").unlink()
    assert course.update() == []
    assert "00_map.new.ipynb" not in course.names()
    course.publish("00_map.ipynb", notebook("x = 3"))
    assert len(course.update()) == 1
    assert course.mine("00_map.new.ipynb") == fresh("x = 3")


def test_an_offer_that_nobody_touched_makes_room_for_the_next(course: Course) -> None:
    course.edit("00_map.ipynb", notebook("x = 'mine'"))
    for version in (2, 3):
        course.publish("00_map.ipynb", notebook(f"x = {version}"))
        course.update()
    assert course.mine("00_map.new.ipynb") == fresh("x = 3")
    assert "00_map.new2.ipynb" not in course.names()


def test_an_offer_that_the_learner_works_in_is_theirs(course: Course) -> None:
    course.edit("00_map.ipynb", notebook("x = 'mine'"))
    course.publish("00_map.ipynb", notebook("x = 2"))
    course.update()
    course.edit("00_map.new.ipynb", notebook("x = 2", "# my notes"))
    course.publish("00_map.ipynb", notebook("x = 3"))
    (line,) = course.update()
    assert line.endswith("00_map.new2.ipynb")
    assert course.mine("00_map.new.ipynb") == notebook("x = 2", "# my notes")
    assert course.mine("00_map.new2.ipynb") == fresh("x = 3")


def test_an_offer_that_was_accepted_follows_the_course_again(course: Course) -> None:
    """Renamed over the old one, it is an untouched copy, of this version or of the last."""
    course.edit("00_map.ipynb", notebook("x = 'mine'"))
    course.publish("00_map.ipynb", notebook("x = 2"))
    course.update()
    (course.copy / "00_map.new.ipynb").replace(course.copy / "00_map.ipynb")
    course.publish("00_map.ipynb", notebook("x = 3"))
    assert course.update() == []
    assert course.mine() == fresh("x = 3")


def test_an_older_version_that_the_learner_went_back_to_stays(course: Course) -> None:
    """It was offered once, and accepted; taken up again later, it is the learner's choice."""
    course.edit("00_map.ipynb", notebook("x = 'mine'"))
    course.publish("00_map.ipynb", notebook("x = 2"))
    course.update()
    course.edit("00_map.ipynb", course.mine("00_map.new.ipynb"))
    course.update()
    course.publish("00_map.ipynb", notebook("x = 3"))
    course.update()
    assert course.mine() == fresh("x = 3")
    course.edit("00_map.ipynb", course.mine("00_map.new.ipynb"))
    assert course.update() == []
    assert course.mine() == fresh("x = 2")


def test_who_undoes_a_change_follows_the_course_again(course: Course) -> None:
    """With an offer beside it, or without."""
    course.edit("00_map.ipynb", notebook("x = 'mine'"))
    course.publish("00_map.ipynb", notebook("x = 2"))
    course.update()
    course.edit("00_map.ipynb", notebook("x = 1", outputs="of my run"))
    assert course.update() == []
    assert course.mine() == fresh("x = 2")


def test_a_course_that_goes_back_is_followed_too(course: Course) -> None:
    """A version that was taken back; and to a changed notebook nothing is offered twice."""
    course.publish("00_map.ipynb", notebook("x = 2"))
    course.update()
    course.publish("00_map.ipynb", notebook("x = 1"))
    course.update()
    assert course.mine() == fresh("x = 1")
    course.edit("00_map.ipynb", notebook("x = 'mine'"))
    told = []
    for number in (2, 1, 2):
        course.publish("00_map.ipynb", notebook(f"x = {number}"))
        told += course.update()
    assert len(told) == 1


def test_a_folder_or_a_dead_link_in_a_notebooks_place_is_the_learners(course: Course) -> None:
    """Nothing is written over that we cannot read."""
    for name in ("00_map.ipynb", "00_map.new.ipynb"):
        (course.copy / name).unlink(missing_ok=True)
    (course.copy / "00_map.ipynb").symlink_to("far/away")
    (course.copy / "00_map.new.ipynb").mkdir()
    course.publish("00_map.ipynb", notebook("x = 2"))
    (line,) = course.update()
    assert line.endswith("00_map.new2.ipynb")
    assert (course.copy / "00_map.ipynb").is_symlink()
    assert (course.copy / "00_map.new.ipynb").is_dir()


def test_a_deleted_notebook_comes_back_fresh(course: Course) -> None:
    """That is how to begin again: delete it, and `make learn`."""
    course.edit("00_map.ipynb", notebook("x = 'mine'"))
    (course.copy / "00_map.ipynb").unlink()
    assert course.update() == []
    assert course.mine() == fresh("x = 1")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"laid": 1}', '{"laid": {"a": 1}}', "\x00", "[" * 9999]
)
def test_without_a_manifest_every_difference_is_the_learners(course: Course, text: str) -> None:
    """Nobody can tell what was touched: keep it."""
    (course.copy / learn.MANIFEST).write_text(text, encoding="utf-8")
    course.publish("00_map.ipynb", notebook("x = 2"))
    assert len(course.update()) == 1
    assert course.mine() == fresh("x = 1")
    assert course.mine("00_map.new.ipynb") == fresh("x = 2")


@pytest.mark.parametrize(
    "text", ["", "{", "not a notebook", '{"cells": 1}', '{"cells": [1]}', "[" * 9999]
)
def test_a_notebook_that_is_broken_is_the_learners_all_the_same(course: Course, text: str) -> None:
    course.edit("00_map.ipynb", text)
    course.publish("00_map.ipynb", notebook("x = 2"))
    assert len(course.update()) == 1
    assert course.mine() == text


def test_what_is_the_learners_alone_stays(course: Course) -> None:
    """Their own files, and the progress that the lab keeps beside the notebooks."""
    course.edit(".progress.json", '{"check 1.1": "passed"}')
    course.edit("scratch.ipynb", notebook("y = 1"))
    (course.notebooks / "00_map.ipynb").unlink()
    course.publish("05_threads.ipynb", notebook("z = 1"))
    assert course.update() == []
    assert course.mine(".progress.json") == '{"check 1.1": "passed"}'
    assert {"scratch.ipynb", "00_map.ipynb", "05_threads.ipynb"} <= course.names()


def test_solutions_are_kept_like_notebooks(course: Course) -> None:
    course.edit("solutions/01.ipynb", notebook("answer = 43"))
    course.publish("solutions/01.ipynb", notebook("answer = 6 * 7"))
    (line,) = course.update()
    assert "solutions/01.ipynb" in line
    assert course.mine("solutions/01.ipynb") == notebook("answer = 43")
    assert course.mine("solutions/01.new.ipynb") == notebook("answer = 6 * 7")


def test_a_write_that_fails_leaves_the_old_file(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk must not cost a notebook."""

    def full(_: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    course.publish("00_map.ipynb", notebook("x = 2"))
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        course.update()
    assert course.mine() == fresh("x = 1")


def test_what_was_laid_before_a_trouble_is_known_as_ours(course: Course) -> None:
    """The next update goes on from there: half an update makes no notebook the learner's."""
    course.publish("00_map.ipynb", notebook("x = 2"))
    course.publish("pictures/a.svg", "<svg/>")
    (course.copy / "pictures").write_text("a file of mine", encoding="utf-8")
    with pytest.raises(OSError, match="pictures"):
        course.update()
    assert course.mine() == fresh("x = 2")
    (course.copy / "pictures").unlink()
    course.publish("00_map.ipynb", notebook("x = 3"))
    assert course.update() == []
    assert course.mine() == fresh("x = 3")


def started(
    root: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[list[list[str]], object]:
    """Run the command in a checkout; return how JupyterLab was called, and the exit status."""
    calls: list[list[str]] = []
    monkeypatch.setattr(learn, "ROOT", root)
    monkeypatch.setattr(learn, "trust", lambda _: None)
    monkeypatch.setattr(learn, "configure", lambda _: None)
    monkeypatch.setattr(learn, "open_lab", lambda _, options: calls.append(options))
    try:
        learn.main(list(arguments))
    except SystemExit as ended:
        return calls, ended.code
    return calls, None


def test_a_copy_that_cannot_be_brought_up_to_date_is_opened_all_the_same(
    course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence says what is in the way; the learner can work."""
    course.publish("solutions/02.ipynb/x", "")
    course.edit("solutions/02.ipynb", "")
    assert started(course.copy.parent, monkeypatch, "--no-browser") == ([["--no-browser"]], None)
    said = capsys.readouterr().err
    assert said.startswith("Your copy could not be brought up to date: ")
    assert said.count("\n") == 1


def test_without_any_copy_there_is_nothing_to_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "course").write_text("a file", encoding="utf-8")
    assert started(tmp_path, monkeypatch) == ([], 1)
    assert "could not be brought up to date" in capsys.readouterr().err


def test_the_copy_can_be_laid_out_without_jupyterlab(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For an image that is built once and opened later."""
    course.publish("01_addresses.ipynb", notebook("y = 2"))
    assert started(course.copy.parent, monkeypatch, "--lay-out") == ([], None)
    assert "01_addresses.ipynb" in course.names()


def test_a_version_does_not_depend_on_how_the_source_is_split() -> None:
    """nbformat writes a cell's text as one string or as a list of lines."""
    one = notebook("a = 1\nb = 2").encode()
    data = json.loads(one)
    data["cells"][0]["source"] = "a = 1\nb = 2"
    assert version_of(one).words == version_of(json.dumps(data).encode()).words
    assert version_of(one).words != version_of(notebook("a = 1", "b = 2").encode()).words


def test_the_first_time_opens_the_first_notebook(course: Course) -> None:
    """Afterwards JupyterLab opens what was open."""
    assert first_page(course.copy, True) == ["--LabApp.default_url=/lab/tree/00_map.ipynb"]
    assert first_page(course.copy, False) == []
    assert first_page(course.notebooks / "solutions" / "none", True) == []


def test_jupyterlab_is_opened_on_the_copy_with_our_own_settings(
    course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """RSP_COURSE tells the lab where to keep progress; root needs a word; options go through."""
    calls: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "chdir", lambda _: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "execve", lambda _, words, env: calls.append((words, env)))
    learn.open_lab(course.copy, ["--no-browser"])
    ((words, environment),) = calls
    assert words[1:3] == ["-m", "jupyterlab"]
    assert words[-2:] == ["--allow-root", "--no-browser"]
    assert f"--ServerApp.root_dir={course.copy}" in words
    assert environment["RSP_COURSE"] == str(course.copy)
    assert str(course.copy) in capsys.readouterr().out


def test_jupyterlab_asks_nothing_about_news(tmp_path: Path) -> None:
    """The setting lies in .venv: what the learner has set up elsewhere stays as it is."""
    learn.configure(tmp_path)
    (path,) = tmp_path.rglob("*.json")
    assert path.parent.name == "labconfig"
    settings = json.loads(path.read_text(encoding="utf-8"))
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


def test_pictures_of_a_fresh_copy_are_shown(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JupyterLab shows no SVG of a notebook that it does not trust; signed, it does."""
    # Imported here and not above: it takes 1.9 s, which the other tests need not wait for.
    nbformat, sign = pytest.importorskip("nbformat"), pytest.importorskip("nbformat.sign")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(course.copy / ".jupyter"))
    learn.trust([course.copy / "00_map.ipynb"])
    notary = sign.NotebookNotary()
    signed = nbformat.read(course.copy / "00_map.ipynb", as_version=4)
    assert notary.check_signature(signed)
    assert not notary.check_signature(
        nbformat.read(course.copy / "solutions/01.ipynb", as_version=4)
    )
