"""Ports as names: what an experiment prints is then the same in every run."""

import re

NAMES: dict[int, str] = {}  # port → who listens there, or listened there last


def name_port(port: int, name: str) -> None:
    """Remember whose port this is."""
    NAMES[port] = name


def forget_port(port: int) -> None:
    """Somebody else has this port now, for a connection: it is no longer a place with a name."""
    NAMES.pop(port, None)


def with_names(text: object) -> str:
    """Return `text` with each port of the lab's written as the name of its owner."""

    def named(match: re.Match[str]) -> str:
        name = NAMES.get(int(match[0]))
        return f"<{name}>" if name else match[0]

    return re.sub(r"(?<![\w.])\d{4,5}\b(?![\w.]\d)", named, str(text))
