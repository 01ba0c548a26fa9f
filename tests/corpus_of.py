"""The corpus of messages (tests/corpus), as values: what each is, its bytes, what is right."""

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent / "corpus"


class Message(NamedTuple):
    """One message of the corpus, and its verdict: a status that refuses it, or what it reads."""

    name: str  # of its group and itself
    section: str  # of the standard
    what: str
    data: bytes
    status: int | None
    reads: list[bytes]
    method: bytes  # of the request to which a response answers
    fields: bytes | None  # that pass, where that is the point
    trailers: bytes | None


def octets(text: Any) -> bytes:
    """Return what a text says, or a list of texts; [text, number] repeats."""
    if isinstance(text, str):
        return text.encode("iso-8859-1")
    if len(text) == 2 and isinstance(text[1], int):
        return octets(text[0]) * text[1]
    return b"".join(map(octets, text))


def corpus(name: str) -> list[Message]:
    """Return the messages of one file."""
    groups = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8")).get("group", [])
    return [message(group, one) for group in groups for one in group["messages"]]


def message(group: dict[str, Any], one: dict[str, Any]) -> Message:
    """Return a message of a group."""
    return Message(
        f"{group['name']}: {one['name']}",
        group["section"],
        one["what"],
        octets(group.get("begin", "")) + octets(one["bytes"]),
        one.get("status"),
        [octets(line) for line in one.get("reads", [])],
        octets(one.get("method", "GET")),
        octets(one["fields"]) if "fields" in one else None,
        octets(one["trailers"]) if "trailers" in one else None,
    )
