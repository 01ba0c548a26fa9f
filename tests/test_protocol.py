"""docs/protocol.md: each rule is shown by a test that is there, and each limit is as it says."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from rsp.http1.message import Limits

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "protocol.md"
NAMED = re.compile(r"`(\w+)::(?:(Test\w+)::)?(test_\w+)`")
DEFINED = re.compile(r"^( {4})?(?:class|def) ((?:Test|test_)\w+)", re.MULTILINE)
ROW = re.compile(r"^\| (.+?) \|$", re.MULTILINE)
SOURCE = re.compile(r"RFC \d+ §|none: ")
SECTION = re.compile(r"§[\d.]*\d")
COLUMNS = 3  # of a table of rules: the rule, what rsp does, the tests
NO = "**no**"  # so begins, or goes on, what a rule asks for and rsp does not do
LAST = "## What rsp does not do\n"  # and there all of it is told together


@cache
def names_in(module: str) -> Counter[str]:
    """Return the tests of a module, as `test_a`, and as `TestB::test_a` where they have a class."""
    names: Counter[str] = Counter()
    for path in (ROOT / "tests" / f"test_{start}{module}.py" for start in ("http1_", "")):
        within = ""
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        for indent, name in DEFINED.findall(text):
            if name.startswith("Test"):
                within = name
            names[name] += 1
            names[f"{within}::{name}"] += bool(indent)
    return names


def missing(text: str) -> Iterator[str]:
    """Yield the tests that a text names and that are not there, or of which there are several."""
    for module, within, name in NAMED.findall(text):
        test = f"{within}::{name}" if within else name
        if names_in(module)[test] != 1:
            yield f"{module}::{test}"


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
    """Nor one of two that have the same name, unless it says whose it is."""
    named = (
        "`requests::test_nothing`, `nobody::test_1_1_has_one`, `requests::test_1_1_has_one`, "
        "`requests::TestHost::test_1_1_has_one`, `requests::TestLine::test_1_1_has_one`, "
        "`exchange::test_is_the_last`, `forward::test_is_exactly_this`, "
        "`forward::TestRequestHead::test_is_exactly_this`"
    )
    assert list(missing(named)) == [
        "requests::test_nothing",
        "nobody::test_1_1_has_one",
        "requests::TestLine::test_1_1_has_one",
        "exchange::test_is_the_last",
        "forward::test_is_exactly_this",
    ]


def test_every_rule_has_its_source_and_its_test(page: str) -> None:
    rules = rows(page, COLUMNS)
    assert len(rules) > 40
    for rule, does, shown in rules:
        assert SOURCE.match(rule), rule
        assert does
        assert NAMED.search(shown) or (shown == "none" and does.startswith(NO)), rule


def differ(text: str) -> set[str]:
    """Return the sections of rules that are not kept and not in the list of them, or only there."""
    told = text.partition(LAST)[2].partition("\n## ")[0]
    broken = [rule for rule, does, _ in rows(text, COLUMNS) if NO in does]
    return {section for rule in broken for section in SECTION.findall(rule)[:1]} ^ set(
        SECTION.findall(told)
    )


def test_what_is_not_done_is_told_together(page: str) -> None:
    assert differ(page) == set()
    table = "| rule | what rsp does | shown by |\n| RFC 1 §2.3: this | **no**: not | none |\n"
    assert differ(f"{table}\n{LAST}\n- that (RFC 1 §4)\n\n## How\n") == {"§2.3", "§4"}


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
