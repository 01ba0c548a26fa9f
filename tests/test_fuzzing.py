"""tests/fuzzing.py, without a fuzzer: it holds for what is known, and a planted fault is found."""

import subprocess
import sys
from pathlib import Path

import pytest

from rsp import forward
from tests import fuzzing
from tests.corpus_of import Message, corpus
from tests.feeding import Connection
from tests.fuzzing import Differs, check, seed
from tools import fuzz

GET = b"GET /a HTTP/1.1\r\nHost: a.test\r\nX-A: b\r\n\r\n"
POST = (
    b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello"


def test_the_whole_corpus_has_one_reading() -> None:
    """With the limits as they are, and with small ones."""
    looked = 0
    for data in fuzz.seeds():
        check(data)
        looked += 1
    assert looked > 800


@pytest.mark.parametrize("message", corpus("found"), ids=lambda message: message.name)
def test_what_was_found_has_one_reading_now(message: Message) -> None:
    for data in fuzz.seeds_of(message):
        check(data)


def test_nothing_is_nothing() -> None:
    check(b"")


def test_a_quick_reader_of_its_own_mind_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes what the plain one refuses."""
    usual = Connection.read_head

    def lenient(self: Connection) -> object:
        self.buffer = self.buffer.replace(b"GET  ", b"GET ") if self.quick else self.buffer
        return usual(self)

    monkeypatch.setattr(Connection, "read_head", lenient)
    check(seed(GET)[0])
    with pytest.raises(Differs, match="quick: 1 messages"):
        check(seed(GET.replace(b"GET ", b"GET  "))[0])


def test_a_reader_to_whom_pieces_matter_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks at what comes, not at what has come."""
    usual = Connection.take

    def forgetful(self: Connection, data: bytes) -> None:
        usual(self, data.removeprefix(b"\n"))

    monkeypatch.setattr(Connection, "take", forgetful)
    with pytest.raises(Differs, match="split at"):
        check(seed(GET)[0])


@pytest.mark.parametrize(
    ("name", "message", "method"),
    [("framing_of", POST, None), ("passing", ANSWER, b"GET"), ("passing", GET, None)],
)
def test_what_is_passed_on_otherwise_is_found(
    name: str, message: bytes, method: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A field that is left out, or one that is added."""
    check(seed(message, method)[0])
    wrong = b"" if name == "framing_of" else b"Content-Length: 1\r\n"
    monkeypatch.setattr(forward, name, lambda *_: wrong)
    with pytest.raises((Differs, AssertionError)):
        check(seed(message.replace(b"X-A", b"Connection: x-a\r\nX-A"), method)[0])


def test_a_body_to_which_pieces_matter_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    body = POST.partition(b"\r\n\r\n")[2]
    check(seed(body, chunked=True)[0])

    class Forgetful:
        """The first piece is all there is."""

        def __init__(self, *_: object) -> None:
            self.done = False

        def take(self, data: bytes) -> tuple[bytes, bytes]:
            self.done = True
            return data, b""

    monkeypatch.setattr(fuzzing, "reader", Forgetful)
    with pytest.raises(Differs, match="in pieces"):
        check(seed(body, chunked=True)[0])


def test_what_is_found_is_told_as_the_corpus_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "crash-0123456789abcdef"
    path.write_bytes(b'\x00\r\n\t\x7f"\\\xff')
    line = list(fuzz.told(path))[-1]
    assert line == r'  { name = "89abcdef", what = "…", bytes = "\u0000\r\n\t\u007f\"\\\u00ff" }'


def test_the_words_are_octets_in_quotes() -> None:
    """libFuzzer's form, which it refuses otherwise."""
    lines = fuzz.WORDS.read_text(encoding="ascii").splitlines()
    assert len(lines) > 40
    for line in lines[1:]:
        assert line[0] == line[-1] == '"', line


@pytest.mark.slow
def test_it_runs_for_as_long_as_it_is_told(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="no atheris here: make fuzz installs it")
    command = [sys.executable, str(fuzz.ROOT / "tools" / "fuzz.py"), "--seconds", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "stat::number_of_executed_units" in done.stderr
