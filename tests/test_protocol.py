"""docs/protocol.md: each rule is shown by a test that is there, and each limit is as it says."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from rsp.http1.message import Limits

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "protocol.md"
NAMED = re.compile(r"`(\w+)::(test_\w+)`")
ROW = re.compile(r"^\| (.+?) \|$", re.MULTILINE)
SOURCE = re.compile(r"RFC \d+ §|none: ")
COLUMNS = 3  # of a table of rules: the rule, what rsp does, the tests


def missing(text: str) -> Iterator[str]:
    """Yield the tests that a text names and that are not there."""
    for module, name in NAMED.findall(text):
        path = ROOT / "tests" / f"test_http1_{module}.py"
        if not path.exists() or f"def {name}(" not in path.read_text(encoding="utf-8"):
            yield f"{module}::{name}"


def rows(text: str, columns: int) -> list[list[str]]:
    """Return the rows of the tables that have so many columns, without heads and rules."""
    split = [re.split(r" \| ", row) for row in ROW.findall(text)]
    return [row for row in split if len(row) == columns and row[0] not in ("rule", "limit", "---")]


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_every_test_that_it_names_is_there(page: str) -> None:
    assert list(missing(page)) == []
    assert len(NAMED.findall(page)) > 50


def test_one_that_is_not_there_is_found() -> None:
    """A check that cannot fail says nothing."""
    assert list(missing("`requests::test_nothing`, `nobody::test_1_1_has_one`")) == [
        "requests::test_nothing",
        "nobody::test_1_1_has_one",
    ]


def test_every_rule_has_its_source_and_its_test(page: str) -> None:
    rules = rows(page, COLUMNS)
    assert len(rules) > 40
    for rule, does, shown in rules:
        assert SOURCE.match(rule), rule
        assert does
        assert NAMED.search(shown), rule


def test_every_limit_stands_there_with_its_default_and_a_reason(page: str) -> None:
    limits = {row[0].strip("`"): row[1:] for row in rows(page, COLUMNS + 2)}
    assert list(limits) == [field.name for field in fields(Limits)]
    for name, (default, why, status, shown) in limits.items():
        value = getattr(Limits(), name)
        number = re.match(r"[\d,]+", default)
        assert (int(number[0].replace(",", "")) if number else None) == value
        assert why
        assert re.match(r"4\d\d", status)
        assert NAMED.search(shown) or value is None
