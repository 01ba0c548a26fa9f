"""Looks for bytes that rsp.http1 reads in two ways: `make fuzz`, `make fuzz ARGS="--seconds 600"`.

atheris changes what it has until other lines of rsp.http1 run, and tests/fuzzing.py says what must
hold. It begins with the corpus; what it learns stays in build/fuzz, where the next run goes on.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from hashlib import sha1
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.corpus_of import Message

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: Python looks in tools/, not in the checkout
    sys.path[0] = str(ROOT)

FOLDER = ROOT / "build" / "fuzz"
SECONDS, LONGEST = 60, 1024  # of a run; bytes of a message
NOT_HERE, FOUND, INTERRUPTED = 2, 1, 130  # exit statuses
WORDS = ROOT / "tests" / "corpus" / "words.dict"  # what messages are made of
CHILD = "--child"  # what runs below is ended by libFuzzer, in its own way


def main(words: Sequence[str]) -> int:
    """Look for so long; return the exit status."""
    if words[:1] == [CHILD]:
        return look(words[1:])
    options = parse(words)
    learned, found = FOLDER / "learned", FOLDER / "found"
    for folder in (learned, found):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(found.iterdir())
    with tempfile.TemporaryDirectory() as seeds:
        plant(Path(seeds))
        command = [
            *(sys.executable, str(ROOT / "tools" / "fuzz.py"), CHILD),
            *(str(learned), seeds, f"-artifact_prefix={found}/"),
            *(f"-max_total_time={options.seconds}", f"-max_len={LONGEST}"),
            *(f"-dict={WORDS}", "-timeout=10", "-print_final_stats=1", f"-seed={options.seed}"),
        ]
        try:
            status = subprocess.run(command, cwd=ROOT, check=False).returncode
        except KeyboardInterrupt:
            return INTERRUPTED
    news = sorted(set(found.iterdir()) - before)
    for path in news:
        print("\n".join(told(path)))
    return FOUND if news else status


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="make fuzz", description="Look for two readings.")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="how long (default: 60)")
    parser.add_argument("--seed", type=int, default=0, help="of its chance (default: another each)")
    return parser.parse_args(words)


def look(arguments: Sequence[str]) -> int:
    """Be libFuzzer, which ends the process."""
    try:
        atheris: Any = import_module("atheris")  # an extra of its own; nobody has its types
    except ImportError:
        print("atheris is missing: .venv/bin/python -m pip install --editable '.[fuzz]'")
        return NOT_HERE
    with atheris.instrument_imports(include=["rsp.http1", "rsp.forward"]):
        from tests.fuzzing import check  # noqa: PLC0415  (what it imports is to be watched)
    atheris.Setup([sys.argv[0], *arguments], check)
    atheris.Fuzz()
    return 0


def plant(folder: Path) -> None:
    """Write each message of the corpus as a seed."""
    for data in seeds():
        (folder / sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)


def seeds() -> Iterator[bytes]:
    """Yield the messages of the corpus as tests/fuzzing.py takes them."""
    from tests.corpus_of import corpus  # noqa: PLC0415  (after the path is set)

    for name in ("requests", "bodies", "good", "responses", "found"):
        for message in corpus(name):
            yield from seeds_of(message)


def seeds_of(message: "Message") -> Iterator[bytes]:
    """Yield one message, and its body apart where it comes in chunks."""
    from tests.fuzzing import seed  # noqa: PLC0415

    is_response = message.data.startswith(b"HTTP/")
    yield from seed(message.data[:LONGEST], message.method if is_response else None)
    if b"chunked" in message.data:
        yield from seed(message.data.partition(b"\r\n\r\n")[2][:LONGEST], chunked=True)


def told(path: Path) -> Iterator[str]:
    """Yield what was found, and how it is kept: a line for tests/corpus/found.toml."""
    from tests.fuzzing import check  # noqa: PLC0415

    data = path.read_bytes()
    yield f"\n{path}: {data!r}"
    try:
        check(data)
        yield "  It took too long, or does so no more."
    except AssertionError as error:
        yield f"  {error}"
    text = "".join(escaped(octet) for octet in data)
    yield f'  {{ name = "{path.name[-8:]}", what = "…", bytes = "{text}" }}'


def escaped(octet: int) -> str:
    """Return an octet as the corpus writes it."""
    named = {9: r"\t", 10: r"\n", 13: r"\r", 34: r"\"", 92: r"\\"}
    if octet in named:
        return named[octet]
    return chr(octet) if 32 <= octet < 127 else f"\\u{octet:04x}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
