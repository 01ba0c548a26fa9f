"""The configuration: what a Lua file may say, and what is said of one that says it wrong."""

from pathlib import Path

import pytest

from rsp.config import Config, ConfigError, read_config
from rsp.net import Address

GOOD = 'listenPort = "8000"\nbackendAddress = "127.0.0.1"\nbackendPort = "80"\n'
CONFIG = Config("8000", Address("127.0.0.1", "80"))


def read(folder: Path, text: str | bytes) -> Config:
    """Write a file and read it."""
    path = folder / "rsp.lua"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_config(str(path))


def complaint(folder: Path, text: str | bytes) -> str:
    """Return what is said of a file, from its name on."""
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("\n", " "),
        GOOD.replace("\n", ";"),
        GOOD.replace('"8000"', "8000").replace('"80"', "80"),
        "-- a comment\n" + GOOD,
        "local port = 7999\n" + GOOD.replace('"8000"', "port + 1"),
        GOOD + 'listenPort = string.format("%d", 4 * 2000)\n',
        GOOD.replace('"80"', 'listenPort - 7920 .. ""'),
    ],
)
def test_a_file_says_where_to_listen_and_where_the_backend_is(tmp_path: Path, text: str) -> None:
    """Post 3: three globals, numbers or strings, on one line or several."""
    assert read(tmp_path, text) == CONFIG


def test_a_file_is_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment says can be asked for."""
    monkeypatch.setenv("RSP_TEST_PORT", "8000")
    text = GOOD.replace('"8000"', 'os.getenv("RSP_TEST_PORT")')
    assert read(tmp_path, text) == CONFIG


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("listenPort =", "Error parsing config file: rsp.lua:1: unexpected symbol near '<eof>'"),
        (GOOD + "x.y = 1", "Error parsing config file: rsp.lua:4: attempt to index global 'x'"),
        (GOOD + 'os.execute("ls")', "rsp.lua:4: attempt to call field 'execute' (a nil value)"),
        (GOOD + 'error("boom")', "Error parsing config file: rsp.lua:4: boom"),
        (GOOD + "while true do end", "Error parsing config file: rsp.lua:4: runs without end"),
        (
            GOOD + "\nlistenport = 1",
            "rsp.lua:5: there is no setting listenport; did you mean listenPort?",
        ),
        ("listenPort = 8000", "rsp.lua: backendAddress is missing"),
        (
            "\nlistenPort = {}\n" + GOOD[20:],
            "rsp.lua:2: listenPort: must be a string, and it is a table",
        ),
        (
            GOOD.replace('"80"', "true"),
            "rsp.lua:3: backendPort: must be a string, and it is a boolean",
        ),
        (
            GOOD.replace('"80"', "80.5"),
            "rsp.lua:3: backendPort: must be a string, and it is a number",
        ),
        (GOOD.replace('"80"', '" "'), "rsp.lua:3: backendPort: must be a string, and it is empty"),
        (
            GOOD.replace("8000", "70000"),
            "rsp.lua:1: listenPort: port 70000 is not between 0 and 65535",
        ),
    ],
)
def test_a_wrong_file_is_told_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    """The operator reads what is wrong, where, and in the words of Lua if it is Lua's."""
    assert words in complaint(tmp_path, text)


def test_a_missing_file_is_told_in_the_words_of_the_series(tmp_path: Path) -> None:
    """Post 3 has this message."""
    with pytest.raises(ConfigError) as caught:
        read_config(str(tmp_path / "none.lua"))
    why = f"cannot open {tmp_path}/none.lua: No such file or directory"
    assert str(caught.value) == f"Error parsing config file: {why}"


@pytest.mark.parametrize(
    "name", ["io", "debug", "package", "require", "python", "load", "loadstring", "setfenv", "ffi"]
)
def test_a_file_reaches_only_what_it_needs(tmp_path: Path, name: str) -> None:
    """A slip shows as an error and not as an effect."""
    text = GOOD + f"assert({name} == nil)"
    assert read(tmp_path, text) == CONFIG


def test_odd_bytes_come_back_as_they_are(tmp_path: Path) -> None:
    """A name in Latin-1 is not a reason to fail before it is looked up."""
    text = GOOD.encode().replace(b"127.0.0.1", b"caf\xe9")
    assert read(tmp_path, text).backend.host == "café"
    assert read(tmp_path, text.replace(b"\xe9", "é".encode())).backend.host == "café"
