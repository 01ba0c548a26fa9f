"""environment.yml: the same packages in the same ranges as pyproject.toml, and it installs."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
ONLY_HERE = {"jupyter"}  # a name for JupyterLab and more that conda's users look for
OFFLINE = re.compile("error sending request|failed to fetch|dns error|connect", re.IGNORECASE)

Ranges = dict[str, str]


def conda_part(environment: dict[str, Any]) -> Ranges:
    """Return what conda itself installs: name → range."""
    return ranges([entry for entry in environment["dependencies"] if isinstance(entry, str)])


def pip_part(environment: dict[str, Any]) -> list[str]:
    """Return the lines that conda hands to pip."""
    (section,) = [entry for entry in environment["dependencies"] if isinstance(entry, dict)]
    return list(section["pip"])


def ranges(requirements: list[str]) -> Ranges:
    """Return name → range, both as they would compare equal."""
    split = [re.fullmatch(r"([\w.-]+)(.*)", line.replace(" ", "")) for line in requirements]
    return {found[1].lower(): found[2] for found in split if found}


def extra(name: str) -> Ranges:
    """Return what an extra of pyproject.toml names, with the extras that it takes in."""
    named: Ranges = {}
    for requirement in PROJECT["optional-dependencies"][name]:
        other = re.fullmatch(rf"{PROJECT['name']}\[(\w+)\]", requirement)
        named |= extra(other[1]) if other else ranges([requirement])
    return named


def differences(environment: dict[str, Any]) -> list[str]:
    """Return where an environment and pyproject.toml say different things."""
    lines = pip_part(environment)
    here = ranges([line for line in lines if not line.startswith("-")])
    there = extra("test")
    faults = [f"{name} is missing" for name in there.keys() - here.keys()]
    faults += [f"{name} is not in pyproject" for name in here.keys() - there.keys() - ONLY_HERE]
    faults += [
        f"{name}{here[name]}, and in pyproject {there[name]}"
        for name in here.keys() & there.keys()
        if here[name] != there[name]
    ]
    if "-e .[course]" not in lines:
        faults.append("the course itself is not installed")
    python = {"python": PROJECT["requires-python"].replace(">=", "="), "pip": ""}
    if conda_part(environment) != python:
        faults.append(f"conda installs {conda_part(environment)}, not just {python}")
    return sorted(faults)


def test_environment_says_what_pyproject_says() -> None:
    """Two lists of packages drift apart unless something compares them."""
    assert differences(ENVIRONMENT) == []


def test_it_names_what_the_course_is_made_with() -> None:
    """For a reader who looks there to see what it takes."""
    assert {"jupyter", "nbval", "pytest", "rich"} <= ranges(pip_part(ENVIRONMENT)).keys()


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("rich>=14,<16", "rich>=13", "rich>=13, and in pyproject >=14,<16"),
        ("- rich>=14,<16", "", "rich is missing"),
        ("- rich", "- numpy\n      - rich", "numpy is not in pyproject"),
        ("- -e .[course]", "", "the course itself is not installed"),
        ("- python=3.11", "- python>=3.11", "conda installs {'python': '>=3.11', 'pip': ''}"),
        ("- pip\n", "- pip\n  - nginx\n", "conda installs {'python': '=3.11', 'pip': '', 'nginx'"),
    ],
)
def test_a_difference_is_found(before: str, after: str, fault: str) -> None:
    """Each kind, planted."""
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert before in text
    (found,) = differences(yaml.safe_load(text.replace(before, after, 1)))
    assert found.startswith(fault)


@pytest.mark.slow
def test_its_pip_section_installs_into_an_empty_environment(tmp_path: Path) -> None:
    """As conda does it: the lines go into a file beside environment.yml, and pip reads that."""
    venv, lines = tmp_path / "venv", tmp_path / "requirements.txt"
    lines.write_text("\n".join(pip_part(ENVIRONMENT)), encoding="utf-8")
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "-q", "--python", sys.executable, venv], check=True)
    python = venv / "bin" / "python"
    said = subprocess.run(
        [*uv, "pip", "install", "--python", python, "-r", lines],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if said.returncode != 0 and OFFLINE.search(said.stderr):
        pytest.skip("no way to a package index from here")
    assert said.returncode == 0, said.stderr
    imports = "import IPython, jupyterlab, nbval, notebook, pytest, rich, rsp.lab, xdist, yaml"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([python, "-c", imports], cwd=tmp_path, env=environment, check=True)
