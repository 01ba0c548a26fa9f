"""The corpus through nginx and HAProxy: where they differ from us is known, each with a reason.

A table of data (tests/corpus/company.toml) says where; it was taken from one version of each.
"""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from rsp.gateway import serve
from rsp.lab.backends import Backend
from rsp.lab.clients import Named, Server
from rsp.lab.running import running
from tests.corpus_of import FOLDER, Message, corpus
from tests.foreign import path_of, standing
from tests.sent import HEADLESS, Record, answered, recording

COMPANY: dict[str, Any] = tomllib.loads((FOLDER / "company.toml").read_text(encoding="utf-8"))
BODIES = corpus("bodies")
HEADS = [*corpus("requests"), *corpus("good")]
# 502: the backend, which reads as we do, has closed on what it got.
PASSED = {200, 502, HEADLESS}


def differences(proxy: Server) -> dict[str, set[str]]:
    """Return what passes there and is refused here, and the other way round."""
    found: dict[str, set[str]] = {"passes": set(), "refused": set()}
    messages = [(one, PASSED) for one in HEADS] + [(one, {200}) for one in BODIES]
    for message, passed in messages:
        if message.data.startswith(b"CONNECT") and message.status is None:
            continue  # clear, and no gateway takes it
        passes = answered(proxy, message.data) in passed
        if passes != (message.status is None):
            found["passes" if passes else "refused"].add(message.name)
    return found


def known(program: str) -> dict[str, set[str]]:
    """Return the same as the table says."""
    return {
        kind: {name for group in COMPANY[program]["differs"] for name in group.get(kind, [])}
        for kind in ("passes", "refused")
    }


def version_of(program: str) -> str:
    """Return the first two numbers of a program's version."""
    said = subprocess.run(
        [path_of(program), "-v"], capture_output=True, text=True, timeout=10, check=True
    )
    found = re.search(r"(\d+\.\d+)", said.stdout + said.stderr)
    assert found, said
    return found[1]


@pytest.mark.slow
@pytest.mark.parametrize("program", COMPANY)
def test_they_differ_where_the_table_says(program: str, tmp_path: Path) -> None:
    version, measured = version_of(program), COMPANY[program]["version"]
    if version != measured:
        pytest.skip(f"the table is of {program} {measured}, and {version} is here")
    with standing(program, tmp_path) as (address, port):
        with Backend(recording(Record()), port=port):
            assert differences(Named(address)) == known(program)


def test_we_differ_from_ourselves_nowhere() -> None:
    """The same measure, so that it can be believed."""
    with Backend(recording(Record())) as backend, running(serve, backend) as proxy:
        assert differences(proxy) == {"passes": set(), "refused": set()}


def test_each_difference_is_of_a_message_and_has_one_reason() -> None:
    messages: dict[str, Message] = {one.name: one for one in (*HEADS, *BODIES)}
    for program, told in COMPANY.items():
        seen: set[str] = set()
        for group in told["differs"]:
            (kind,) = group.keys() - {"why"}
            assert len(group["why"].split()) >= 5, group
            for name in group[kind]:
                assert (messages[name].status is None) == (kind == "refused"), (program, name)
            assert not seen & set(group[kind]), (program, group)
            seen |= set(group[kind])
