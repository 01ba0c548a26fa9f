"""rsp.http1 over the corpus: what is refused, and how what passes is read."""

from collections.abc import Iterator

import pytest

from rsp.http1.chunked import Malformed
from rsp.http1.message import CHUNKED, UNTIL_END, BadRequest, BadResponse, Request
from tests.corpus_of import Message, corpus
from tests.feeding import Connection, Whole, fed

REFUSED = [*corpus("requests"), *corpus("bodies")]
GOOD = corpus("good")
RESPONSES = corpus("responses")
FRAMINGS = {CHUNKED: b"chunked", UNTIL_END: b"end"}

SMALL = 2_000  # bytes; what is longer comes in larger pieces than of one byte


def readings(message: Message, *, response: bool = False) -> Iterator[object]:
    """Yield the verdict on a message that comes whole and in pieces, from the quick readers, too.

    A verdict is the status that refuses it, or the connection that has read it.
    """
    data = message.data
    for step in (len(data), 1 if len(data) < SMALL else 97, 7 if len(data) < SMALL else 1_001):
        pieces = [data[at : at + step] for at in range(0, len(data), step)]
        for quick in (False, True):
            yield verdict(pieces, message.method if response else None, quick=quick)


def verdict(pieces: list[bytes], method: bytes | None, *, quick: bool) -> object:
    """Return the status that refuses it, or the connection that has read it."""
    try:
        connection = fed(pieces, method, quick=quick)
    except (BadRequest, BadResponse) as error:
        return error.status
    except Malformed:
        return 502 if method else 400
    connection.end()
    return connection


def told(one: Whole) -> bytes:
    """Return a message as the corpus tells it."""
    head = one.head
    framing = FRAMINGS.get(head.framing, b"%d" % head.framing)
    if isinstance(head, Request):
        start = b"%b %b %b" % (head.method, head.target, b"-" if head.host is None else head.host)
    else:
        start = b"%d" % head.status
    behind = b" " + one.content if head.framing else b""
    return b"%b %b%b" % (start, framing, behind)


def check_reading(message: Message, connection: object) -> None:
    """See that it was read, and as the corpus says."""
    assert isinstance(connection, Connection), f"refused with {connection}: {message.what}"
    assert connection.at_rest
    assert [told(one) for one in connection.whole] == message.reads
    last = connection.whole[-1]
    if message.fields is not None:
        assert last.head.fields == message.fields
    if message.trailers is not None:
        assert last.trailers == message.trailers


@pytest.mark.parametrize("message", REFUSED, ids=lambda message: message.name)
def test_what_two_could_read_in_two_ways_is_refused(message: Message) -> None:
    """And with the right status, however it comes."""
    for refusal in readings(message):
        assert refusal == message.status, message.what


@pytest.mark.parametrize("message", GOOD, ids=lambda message: message.name)
def test_what_is_odd_and_clear_passes(message: Message) -> None:
    """And is read as it was meant, however it comes."""
    for connection in readings(message):
        check_reading(message, connection)


@pytest.mark.parametrize("message", RESPONSES, ids=lambda message: message.name)
def test_a_response_is_repaired_or_refused(message: Message) -> None:
    """Repaired where the standard says how, and nowhere else (RFC 9112 §2.2, §5)."""
    for result in readings(message, response=True):
        if message.status is not None:
            assert result == message.status, message.what
        else:
            check_reading(message, result)


def test_the_corpus_is_large_and_has_no_name_twice() -> None:
    """Each message has one verdict."""
    assert len(REFUSED) >= 150
    assert len(GOOD) >= 40
    for messages in (REFUSED, GOOD, RESPONSES):
        names = [message.name for message in messages]
        assert sorted(set(names)) == sorted(names)
        for message in messages:
            assert (message.status is None) == bool(message.reads), message.name
            assert message.section.startswith("RFC 911")
