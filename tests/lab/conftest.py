"""What every test of the lab is asked: that it leaves nothing open and nothing running."""

from collections.abc import Iterator

import pytest

from rsp.lab.leaks import left_open, snapshot


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """The leak check of the notebooks, around each test."""
    before = snapshot()
    yield
    assert left_open(before) == []
