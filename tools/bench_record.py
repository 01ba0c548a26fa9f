"""What a run of the benchmark measured, as values, and as the JSON file that keeps them.

Seconds and bytes throughout. A record holds what it takes to read it: which peers and loads there
were, the machine, the versions, and every sample.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FORMAT = 1  # of the file; a change that an older reader would misread counts it up


class RecordError(Exception):
    """A file that is no record of ours; the message is one sentence."""


@dataclass(frozen=True)
class Sample:
    """One proxy under one load, once."""

    round: int
    load: str
    peer: str
    requests: int  # that were answered in full
    size: int  # bytes that the client read
    seconds: float
    cpu: float  # seconds, of all threads and processes of the proxy, user and system
    p50: float  # seconds from a request to the end of its answer, the median
    p99: float
    errors: dict[str, int]  # what the client could not count as an answer, by sort
    capped: bool  # the time was over before enough CPU had been used

    @property
    def good(self) -> bool:
        """Tell whether it counts: a run with errors is no result."""
        return self.requests > 0 and self.cpu > 0 and not any(self.errors.values())


@dataclass(frozen=True)
class Idle:
    """The memory of one proxy, in bytes, without clients and with many that keep still."""

    peer: str
    clients: int
    rss: tuple[int, int]  # before, with them
    pss: tuple[int, int]


@dataclass(frozen=True)
class LoadFacts:
    """What a load was: `per` is what its cost is counted by, "request" or "MiB"."""

    words: str
    tool: str
    connections: int
    body: int  # bytes of each answer
    per: str


@dataclass(frozen=True)
class PeerFacts:
    """What a proxy was: `twin` names the one that it is the same as, for the noise."""

    words: str
    kind: str
    twin: str


@dataclass(frozen=True)
class Record:
    """A whole run."""

    date: str
    command: str
    rsp: str  # its version, and the commit
    machine: dict[str, str]
    versions: dict[str, str]
    settings: dict[str, float]
    peers: dict[str, PeerFacts]
    loads: dict[str, LoadFacts]
    skipped: dict[str, str] = field(default_factory=dict)  # peer: why
    samples: list[Sample] = field(default_factory=list)
    idle: list[Idle] = field(default_factory=list)

    def of(self, load: str, peer: str) -> list[Sample]:
        """Return the samples of one proxy under one load, round by round."""
        return [one for one in self.samples if (one.load, one.peer) == (load, peer)]


def to_json(record: Record) -> str:
    """Return the text of the file, a line for each sample."""
    data = {"format": FORMAT, **asdict(record)}
    parts = [f"{json.dumps(key)}: {lines(value)}" for key, value in data.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def lines(value: object) -> str:
    """Return a value as JSON; what it holds stands in lines of its own."""
    if isinstance(value, dict) and value:
        held = [f"{json.dumps(key)}: {json.dumps(one)}" for key, one in value.items()]
        return "{\n " + ",\n ".join(held) + "\n}"
    if isinstance(value, list) and value:
        return "[\n " + ",\n ".join(map(json.dumps, value)) + "\n]"
    return json.dumps(value)


def from_json(text: str) -> Record:
    """Return the record that a file's text holds. Raises RecordError."""
    try:
        data: dict[str, Any] = json.loads(text)
        if data.pop("format") != FORMAT:
            raise RecordError(f"it is of another format than {FORMAT}; measure anew")
        data["peers"] = {name: PeerFacts(**facts) for name, facts in data["peers"].items()}
        data["loads"] = {name: LoadFacts(**facts) for name, facts in data["loads"].items()}
        data["samples"] = [Sample(**one) for one in data["samples"]]
        data["idle"] = [
            Idle(one["peer"], one["clients"], (*one["rss"],), (*one["pss"],))
            for one in data["idle"]
        ]
        return Record(**data)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RecordError(f"it is no record of the benchmark ({error!r})") from error


def read(path: Path) -> Record:
    """Return the record in a file. Raises RecordError, which names the file."""
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RecordError(f"{path}: it is no text") from error
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from error
