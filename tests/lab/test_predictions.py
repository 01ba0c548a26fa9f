"""rsp.lab.predictions: how a guess went; none is no error."""

from collections.abc import Iterator

import pytest

from rsp.lab.predictions import reveal
from rsp.lab.progress import OPEN, RIGHT, WRONG, load, noted


@pytest.fixture(autouse=True)
def _nobodys_progress(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("RSP_COURSE", raising=False)
    noted.clear()
    yield
    noted.clear()


@pytest.mark.parametrize(
    ("guess", "words", "how"),
    [
        ("b", "Your guess was right: b.", RIGHT),
        (" B ", "Your guess was right: b.", RIGHT),
        ("a", "You guessed a; it is b.", WRONG),
        (2, "You guessed 2; it is b.", WRONG),
        ("", "You have not guessed; it is b.", OPEN),
        (None, "You have not guessed; it is b.", OPEN),
        (..., "You have not guessed; it is b.", OPEN),
    ],
)
def test_a_guess_is_told_and_noted(
    guess: object, words: str, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    reveal("4.1", guess, "b", "The kernel says so.")
    assert capsys.readouterr().out == f"{words} The kernel says so.\n"
    assert load() == {"guess 4.1": how}


def test_an_answer_may_be_a_capital(capsys: pytest.CaptureFixture[str]) -> None:
    reveal("4.1", "b", "B", "So.")
    assert capsys.readouterr().out.startswith("Your guess was right")
