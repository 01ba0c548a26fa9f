"""The corpus, sent to a gateway at work: what is refused reaches nobody, what passes arrives."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rsp.gateway import serve
from rsp.lab.backends import Backend, Temper
from rsp.lab.clients import Client, Server
from rsp.lab.ends import End
from rsp.lab.rest import at_rest
from rsp.lab.running import running
from rsp.lab.tempers import linger
from tests.corpus_of import Message, corpus
from tests.feeding import Connection, Whole, fed
from tests.sent import Record, asked, recording, status_of, statuses
from tests.test_http1_corpus import told

HEADS, BODIES, GOOD, RESPONSES = map(corpus, ("requests", "bodies", "good", "responses"))
OK_LINE = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def before(temper: Temper) -> Iterator[tuple[Server, Backend]]:
    """Stand the gateway before a backend."""
    with Backend(temper) as backend, running(serve, backend) as proxy:
        yield proxy, backend


def wanted(messages: list[Message]) -> dict[str, int | str]:
    """Return the statuses that the corpus says."""
    return {message.name: message.status or 200 for message in messages}


class TestRequests:
    def test_what_is_refused_gets_its_status_and_no_byte_reaches_the_backend(self) -> None:
        """The client does not end its side: the gateway ends the connection."""
        with before(recording(Record())) as (proxy, backend):
            assert statuses(proxy, HEADS, ends=False) == wanted(HEADS)
            at_rest()
            assert not backend.connections

    def test_what_is_refused_behind_a_good_one_reaches_nobody_either(self) -> None:
        """Nor does it cost the good one its answer, which comes first."""
        good, record = b"GET /good HTTP/1.1\r\nHost: a.test\r\n\r\n", Record()
        with before(recording(record)) as (proxy, _):
            for message in HEADS:
                first, mark, rest = asked(proxy, good + message.data, ends=False).rpartition(
                    b"HTTP/1.1 "
                )
                assert first.startswith(OK_LINE), message.name
                assert mark + rest[:3] == b"HTTP/1.1 %d" % (message.status or 0), message.name
                (one,) = record.taken()
                assert one.head.method + one.head.target == b"GET/good", message.name
            at_rest()
        assert not record.whole + record.faults

    def test_what_is_refused_on_a_kept_connection_reaches_nobody_either(self) -> None:
        """An upstream is idle, which the usual request would be sent over at once."""
        good, record = b"GET /good HTTP/1.1\r\nHost: a.test\r\n\r\n", Record()
        told: dict[str, int | str] = {}
        with before(recording(record)) as (proxy, backend):
            for message in HEADS:
                with Client(proxy) as client:
                    client.send(good)
                    assert client.recv_message().startswith(OK_LINE), message.name
                    with suppress(ConnectionError):  # refused before all is sent
                        client.send(message.data)
                    client.received.clear()
                    with suppress(ConnectionError):
                        client.recv_all()
                    told[message.name] = status_of(bytes(client.received))
            at_rest()
            came = b"".join(bytes(end.received) for end in backend.connections)
        assert told == wanted(HEADS)
        assert came.count(b"HTTP/1.1\r\n") == came.count(b"GET /good ") == len(HEADS)
        assert len(record.whole) == len(HEADS)
        assert not record.faults

    def test_a_body_that_breaks_its_coding_never_becomes_whole(self) -> None:
        """Its head may have gone; what follows is broken off, and nothing odd goes."""
        record = Record()
        with before(recording(record)) as (proxy, _):
            assert statuses(proxy, BODIES, ends=False) == wanted(BODIES)
            at_rest()
        assert record.whole == []
        assert record.faults == []

    def test_what_is_odd_and_clear_arrives_as_it_was_meant(self) -> None:
        record = Record()
        with before(recording(record)) as (proxy, backend):
            for message in GOOD:
                answer, came = asked(proxy, message.data, ends=True), record.taken()
                if message.data.startswith(b"CONNECT"):  # clear, but not for a gateway
                    assert answer.startswith(b"HTTP/1.1 501 "), message.name
                    continue
                assert answer.count(OK_LINE) == len(came), message.name
                here = str(backend.address).encode()
                want = [line.replace(b" - ", b" %b " % here, 1) for line in message.reads]
                assert [told(one) for one in came] == want, message.name
                check_passed(message, came[-1])
        assert not record.whole + record.faults


class TestResponses:
    def test_a_body_that_breaks_its_coding_later_looks_broken(self) -> None:
        """Its head has gone, and what was good; the client is told by what is missing."""

        def breaking(end: End, backend: Backend) -> None:
            backend.take(end)
            end.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            backend.hold(end)
            end.send(b"+5\r\nhello\r\n0\r\n\r\n")
            linger(end)

        with before(breaking) as (proxy, backend), Client(proxy) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            while b"hello" not in client.received:
                assert client.recv()
            backend.release()
            client.recv_all()
            connection = fed([bytes(client.received)], b"GET")
            connection.end()
        assert not connection.whole
        assert b"".join(connection.content) == b"hello"

    def test_a_response_is_repaired_or_502(self) -> None:
        """502 where the fault is in the body, too: nothing of its head has gone yet."""
        with before(saying()) as (proxy, _):
            for number, message in enumerate(RESPONSES):
                answer = asked(proxy, request_for(number, message), ends=False)
                connection = fed([answer], message.method)
                connection.end()
                if message.status is None:
                    assert readings(connection) == meant(message), message.name
                    check_passed(message, connection.whole[-1])
                else:
                    assert answer.startswith(b"HTTP/1.1 502 "), message.name


def saying() -> Temper:
    """Answer with the message of the corpus whose number is the path, and end."""

    def temper(end: End, backend: Backend) -> None:
        if request := backend.take(end):
            number = int(request.split(b" ", 2)[1].removeprefix(b"/"))
            end.send(RESPONSES[number].data)
            linger(end)

    return temper


def request_for(number: int, message: Message) -> bytes:
    """Return the request to which this is the answer."""
    more = b"Connection: close\r\n"
    if b" 101 " in message.data:
        more = b"Connection: upgrade\r\nUpgrade: websocket\r\n"
    return b"%b /%d HTTP/1.1\r\nHost: a.test\r\n%b\r\n" % (message.method, number, more)


def readings(connection: Connection) -> list[bytes]:
    """Return what a client reads; how a body is framed is between it and the gateway."""
    return [b" ".join([b"%d" % one.head.status, one.content]) for one in connection.whole]


def meant(message: Message) -> list[bytes]:
    """Return the same of what the corpus says: status, framing, content."""
    lines = [line.split(b" ", 2) for line in message.reads]
    return [b" ".join([line[0], *line[2:]]) if line[2:] else line[0] + b" " for line in lines]


def check_passed(message: Message, last: Whole) -> None:
    """See that the fields and the trailers pass that the corpus says; what we add is set apart."""
    if message.fields is not None:
        assert theirs(last.head.fields) == message.fields, message.name
    if message.trailers is not None:
        assert last.trailers == message.trailers, message.name


def theirs(fields: bytes) -> bytes:
    """Return the fields without those that a client is told by us."""
    lines = fields.splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith((b"Date: ", b"Via: ")))
