"""Binder: what it would make of this repository, as far as that can be told without an image."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLAGS = re.MULTILINE | re.DOTALL
OPTIONS = [
    "--no-browser",
    "--port=0",
    "--IdentityProvider.token=",
    "--allow-root",
    "--ip=127.0.0.1",
]
NEEDED = ["notebooks", "tools", "postBuild", "start"]  # by the two scripts


@pytest.fixture(scope="module")
def dockerfile(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what repo2docker says, and the Dockerfile that it would build."""
    pytest.importorskip("repo2docker", reason="no repo2docker here: .ci/run installs it")
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(ROOT)]
    said = subprocess.run(
        command,
        cwd=tmp_path_factory.mktemp("elsewhere"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert said.returncode == 0, said.stderr
    return said.stdout + said.stderr


def test_it_is_built_from_environment_yml(dockerfile: str) -> None:
    """With the Python that is named there: a range would give repo2docker's own, a 3.10."""
    assert "Building conda environment for python=3.11" in dockerfile
    assert 'env update -p ${NB_PYTHON_PREFIX} --file "environment.yml"' in dockerfile


def test_the_package_is_there_when_it_is_installed(dockerfile: str) -> None:
    """`-e .[course]` wants the whole repository, not environment.yml alone."""
    assert re.search(
        r"COPY \S+ src/ \$\{REPO_DIR\}/$.*--file \"environment.yml\"", dockerfile, FLAGS
    )


def test_what_the_notebooks_run_is_installed(dockerfile: str) -> None:
    """A trace wants strace; a compiler and make are in the image that it begins with."""
    assert "apt-get install --yes --no-install-recommends strace" in dockerfile
    assert "FROM docker.io/library/buildpack-deps:" in dockerfile


def test_our_scripts_are_run(dockerfile: str) -> None:
    """One when the image is built, one when it starts."""
    assert "RUN ./postBuild" in dockerfile
    assert 'ENV R2D_ENTRYPOINT="${REPO_DIR}/start"' in dockerfile


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder like the one in an image: the repository, and a Python of its own."""
    folder = tmp_path_factory.mktemp("image")
    for name in NEEDED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)  # type: ignore[operator]
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    packages = next((folder / "venv").glob("lib/python*/site-packages"))
    (packages / "ours.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    inside(folder, "./postBuild")
    return folder


def inside(folder: Path, *command: str) -> str:
    """Run a command as it would run in the image; return what it prints."""
    said = subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=60
    )
    assert said.returncode == 0, said.stderr
    return said.stdout


def environment(folder: Path) -> dict[str, str]:
    """Return the environment that the image has."""
    path = f"{folder / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(folder / "home")}


@pytest.mark.slow
def test_the_learners_copy_is_laid_out_and_trusted(image: Path) -> None:
    """Its pictures are shown before a cell is run."""
    laid = {path.name for path in (image / "course").glob("*.ipynb")}
    assert laid == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    look = (
        "import nbformat, sys\nfrom nbformat.sign import NotebookNotary\n"
        "print(NotebookNotary().check_signature(nbformat.read(sys.argv[1], as_version=4)))"
    )
    assert inside(image, "python", "-c", look, "course/04_serial.ipynb").strip() == "True"


@pytest.mark.slow
def test_jupyterlab_opens_on_the_copy_and_progress_is_kept_there(image: Path) -> None:
    """As `make learn` has it."""
    course = str(image / "course")
    assert inside(image, "./start", "printenv", "RSP_COURSE").strip() == course
    command = ["./start", "python", "-m", "jupyterlab", *OPTIONS]
    with subprocess.Popen(
        command, cwd=image, env=environment(image), stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr
        told = []
        for line in server.stderr:
            told.append(line.partition("] ")[2].strip())
            if "http://" in line:
                break
        server.kill()
    assert f"Serving notebooks from local directory: {course}" in told
    assert told[-1].partition("?")[0].endswith("/lab/tree/00_map.ipynb")


def test_what_a_script_says_goes_through(tmp_path: Path) -> None:
    """Words with blanks stay whole, and the status is that of the command."""
    said = subprocess.run(
        [ROOT / "start", "sh", "-c", 'printf "%s|" "$@"; exit 7', "sh", "a b", ""],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (said.stdout, said.returncode) == ("a b||", 7)
