"""rsp.http1 beside other readers: what we let pass, h11 and http.client read as we do."""

import http.client
import io
import socket
from typing import cast

import h11
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rsp.http1.body import reader
from rsp.http1.chunked import ChunkedReader, Malformed, chunk, last_chunk
from rsp.http1.message import CHUNKED, UNTIL_END, BadRequest, BadResponse, Request
from rsp.http1.requests import take_request
from rsp.http1.responses import take_response
from tests.corpus_of import Message, corpus
from tests.drawn import (
    ODD,
    by_drawing,
    chunked_bodies,
    request_heads,
    response_heads,
    spoilt,
    trailers,
)
from tests.feeding import LIMITS, Whole, fed

CHUNKS = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
# What we let pass and h11 refuses, each on purpose: a request, and the reason.
ON_PURPOSE = {
    "space before ; of an extension": (
        CHUNKS + b"5 ;a\r\nhello\r\n0\r\n\r\n",
        "RFC 9112 §7.1.1 has it in the grammar; we drop the extensions",
    ),
    "an empty line before the request": (
        b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "RFC 9112 §2.2 asks to ignore one at least; it does not go on",
    ),
}


class H11(Exception):
    """What h11 refuses."""


def read_by_h11(data: bytes) -> tuple[h11.Request, bytes, list[tuple[bytes, bytes]], bytes]:
    """Return what h11 reads: the request, its content and trailers, and what is behind it."""
    ours = h11.Connection(h11.SERVER, max_incomplete_event_size=100_000)
    ours.receive_data(data)
    request: h11.Request | None = None
    content = b""
    try:
        while True:
            event = ours.next_event()
            if isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                content += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                assert request
                return request, content, list(event.headers), ours.trailing_data[0]
            else:
                raise H11(f"not complete: {event}")
    except h11.RemoteProtocolError as error:
        raise H11(str(error)) from error


def first_of(data: bytes) -> tuple[Whole, bytes] | None:
    """Return the first request that we read, and what is behind it; None: refused, or not whole."""
    try:
        found = take_request(data, LIMITS)
        if not found:
            return None
        body = reader(found[0].framing, LIMITS)
        content, behind = body.take(data[found[1] :])
    except (BadRequest, Malformed):
        return None
    trailers = body.trailers if isinstance(body, ChunkedReader) else b""
    return (Whole(found[0], content, trailers), behind) if body.done else None


def split_fields(lines: bytes) -> list[tuple[bytes, bytes]]:
    """Return names in lower case with their values."""
    pairs = [line.split(b":", 1) for line in lines.split(b"\r\n") if line]
    return [(name.lower(), value.strip(b" \t")) for name, value in pairs]


def check_beside_h11(data: bytes) -> None:
    """See that h11 reads a request as we do, if we let it pass at all."""
    data = data.removeprefix(b"\r\n")  # which it refuses: ON_PURPOSE
    found = first_of(data)
    if not found:
        return
    ours, behind = found
    head = cast(Request, ours.head)
    request, content, trailers, their_behind = read_by_h11(data)
    line = data.split(b"\r\n", 1)[0].split(b" ")
    assert (request.method, request.target) == (head.method, line[1])
    if line[1].startswith(b"/"):
        assert head.target == line[1]
    passing = [(name, value) for name, value in request.headers if b"_" not in name]
    special = [(name, value) for name, values in head.special.items() for value in values]
    fields = [
        (name, value.lower() if name == b"transfer-encoding" else value)  # as h11 gives it
        for name, value in split_fields(head.fields) + special
    ]
    assert sorted(fields) == sorted(passing)
    assert (content, their_behind) == (ours.content, behind)
    ours_of_trailers = split_fields(ours.trailers)
    assert ours_of_trailers == [one for one in trailers if one in ours_of_trailers]


class TestH11:
    @pytest.mark.parametrize("message", corpus("good"), ids=lambda message: message.name)
    def test_it_reads_what_we_let_pass_of_the_corpus(self, message: Message) -> None:
        try:
            check_beside_h11(message.data)
        except H11:
            assert b" ;" in message.data, "a difference that is in no table"

    @pytest.mark.parametrize("name", ON_PURPOSE)
    def test_a_difference_is_one_and_has_its_reason(self, name: str) -> None:
        """An entry that no longer differs has no place in the table."""
        data, reason = ON_PURPOSE[name]
        assert reason
        assert first_of(data)
        with pytest.raises(H11):
            read_by_h11(data)

    @pytest.mark.parametrize(
        "data",
        [
            b"GET /a HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n",
            CHUNKS + b"5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\nGET",
            b"PUT http://a:1/ HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello",
        ],
    )
    def test_one_odd_octet_anywhere_divides_us_nowhere(self, data: bytes) -> None:
        """Put in at each place, and in each octet's place."""
        for at in range(len(data) + 1):
            for odd in ODD:
                for gone in (0, 1):
                    odder = data[:at] + odd + data[at + gone :]
                    try:
                        check_beside_h11(odder)
                    except H11:
                        assert b" ;" in odder or b"\t;" in odder

    @by_drawing
    @given(request_heads())
    def test_it_reads_a_request_as_we_do(self, head: bytes) -> None:
        """Method, target, fields and framing, of each one that we let pass."""
        check_beside_h11(head + b"hello")
        check_beside_h11(head + b"5\r\nhello\r\n0\r\n\r\n")

    @by_drawing
    @given(spoilt(request_heads()))
    def test_it_reads_a_request_with_a_fault_as_we_do(self, head: bytes) -> None:
        """What is left of the faults is none."""
        check_beside_h11(head + b"hello")

    @by_drawing
    @given(chunked_bodies())
    def test_it_reads_our_coding_of_a_body(self, body: tuple[bytes, bytes, bytes]) -> None:
        coded, content, trailers = body
        whole = fed([CHUNKS + coded]).whole[0]
        again = chunk(whole.content) + last_chunk(whole.trailers)
        _, theirs, their_trailers, behind = read_by_h11(CHUNKS + again + b"GET")
        assert (theirs, behind) == (content, b"GET")
        assert their_trailers == split_fields(trailers)


class OneSocket:
    """A socket for http.client: all that comes is there."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self.data)


class Sent(http.client.HTTPConnection):
    """A client of http.client, with what it would send kept here."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.sent = b""

    def connect(self) -> None:
        self.sock = cast(socket.socket, self)

    def send(self, data: object) -> None:
        self.sent += cast(bytes, data)


class TestWhatOthersSend:
    """Nothing that a well-behaved client sends is refused: it would be our fault."""

    @pytest.mark.parametrize("host", ["a.test", "a.test:8080", "[::1]:8080", "192.0.2.1"])
    def test_http_client(self, host: str) -> None:
        client = Sent(host)
        client.request("GET", "/a?b=%20", headers={"Cookie": 'a=1; b="2"', "X-Empty": ""})
        client._HTTPConnection__state = "Idle"  # type: ignore[attr-defined]
        client.request("POST", "/c", body=b"hello")
        client._HTTPConnection__state = "Idle"  # type: ignore[attr-defined]
        client.request("PUT", "/d", body=iter([b"hel", b"", b"lo"]))
        first, second, third = fed([client.sent]).whole
        assert [cast(Request, one.head).target for one in (first, second, third)] == [
            b"/a?b=%20",
            b"/c",
            b"/d",
        ]
        assert cast(Request, first.head).host == host.encode()
        assert (second.head.framing, second.content) == (5, b"hello")
        assert (third.head.framing, third.content) == (CHUNKED, b"hello")

    @by_drawing
    @given(st.lists(st.binary(min_size=1, max_size=20), max_size=4), trailers)
    def test_h11(self, contents: list[bytes], behind: bytes) -> None:
        client = h11.Connection(h11.CLIENT)
        coding = [("Host", "a.test"), ("Transfer-Encoding", "chunked")]
        events: list[h11.Event] = [h11.Request(method="POST", target="/a", headers=coding)]
        events += [h11.Data(data=content) for content in contents]
        events += [h11.EndOfMessage(headers=split_fields(behind))]
        sent = b"".join(client.send(event) or b"" for event in events)
        (one,) = fed([sent], quick=True).whole
        assert one.content == b"".join(contents)
        assert split_fields(one.trailers) == split_fields(behind)


class TestHttpClient:
    @by_drawing
    @given(response_heads(), st.sampled_from(["GET", "HEAD"]))
    def test_it_reads_a_response_as_we_do(self, head: bytes, method: str) -> None:
        """Status, fields and content of each final one that we let pass.

        But for a tab behind a value: http.client keeps it, and then does not know chunked.
        """
        head = head.replace(b"\t\r\n", b"\r\n")
        body = b"5\r\nhello\r\n0\r\n\r\n" if b"CHUNKED" in head.upper() else b"hello"
        try:
            found = take_response(head, method.encode(), LIMITS)
        except BadResponse:
            return
        assert found
        ours = found[0]
        assume(not ours.interim and ours.status != 101)
        theirs = http.client.HTTPResponse(
            cast(socket.socket, OneSocket(head + body)), method=method
        )
        theirs.begin()
        assert (theirs.status, theirs.version % 10) == (ours.status, ours.minor)
        assert theirs.reason.encode("iso-8859-1") == ours.reason.strip()
        sizes = {0: b"", CHUNKED: b"hello", UNTIL_END: b"hello", 5: b"hello"}
        if ours.framing or not theirs.chunked:  # it would read chunks even behind a 204
            assert theirs.read() == sizes[ours.framing]
        special = [(name, value) for name, values in ours.special.items() for value in values]
        items = [
            (name.lower().encode("iso-8859-1"), value.encode("iso-8859-1").strip(b" \t"))
            for name, value in theirs.getheaders()
        ]
        assert sorted(items) == sorted(split_fields(ours.fields) + special)
