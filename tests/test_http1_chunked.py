"""rsp.http1.chunked: a body in chunks, with extensions and trailers (RFC 9112 §7.1)."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsp.http1 import chunked, grammar, quick, requests, responses
from rsp.http1.chunked import (
    NOT_IN_TRAILERS,
    ChunkedReader,
    Malformed,
    chunk,
    last_chunk,
    read_trailers,
)
from rsp.http1.message import Limits
from tests.drawn import ODD, by_drawing, chunked_bodies, pieces_of, trailers
from tests.feeding import LIMITS, bytewise, ways

HELLO = b"5\r\nhello\r\n"
END = b"0\r\n\r\n"


def read(pieces: list[bytes], limits: Limits = LIMITS) -> tuple[bytes, bytes, bytes] | None:
    """Return content, trailers and what is behind a body that comes in pieces; None: not done."""
    body = ChunkedReader(limits)
    content, behind = [], b""
    for piece in pieces:
        some, rest = body.take(piece)
        content.append(some)
        behind += rest
    return (b"".join(content), body.trailers, behind) if body.done else None


def fails(data: bytes, limits: Limits = LIMITS) -> str:
    """Return why a body is refused, however it comes."""
    reasons = []
    for pieces in ways(data):
        with pytest.raises(Malformed) as caught:
            read(pieces, limits)
        reasons.append(str(caught.value))
    return reasons[0]


class TestChunks:
    def test_a_body_is_the_same_in_every_way_it_comes(self) -> None:
        """RFC 9112 §7.1: whole, byte by byte, split at each place, with more behind it."""
        data = HELLO + b'A;a="b"\r\n0123\r\n6789\r\n0;b\r\nX: y\r\n\r\n'
        for pieces in ways(data + b"GET / HTTP/1.1\r\n\r\n"):
            behind = b"GET / HTTP/1.1\r\n\r\n"
            assert read(pieces) == (b"hello0123\r\n6789", b"X: y\r\n", behind)

    @pytest.mark.parametrize("size", [b"a", b"A", b"0A", b"00000000000000A"])
    def test_a_size_is_hexadecimal(self, size: bytes) -> None:
        """RFC 9112 §7.1: in either case, up to 15 digits."""
        assert read([size + b"\r\n0123456789\r\n" + END]) == (b"0123456789", b"", b"")

    @pytest.mark.parametrize(
        "size",
        [
            b"",
            b"0x5",
            b"+5",
            b"-5",
            b" 5",
            b"\t5",
            b"5 ",
            b"5\t",
            b"5_",
            b"5h",
            b"g",
            b"\xb2",
            b"5.",
            b"0 5",
        ],
    )
    def test_anything_else_is_refused(self, size: bytes) -> None:
        """RFC 9112 §7.1: signs, prefixes, white space around it."""
        fails(size + b"\r\nhello\r\n" + END)

    @pytest.mark.parametrize("size", [b"1" + b"0" * 15, b"f" * 16, b"0" * 15 + b"5", b"0" * 999])
    def test_a_size_that_would_overflow_is_refused(self, size: bytes) -> None:
        """RFC 9112 §7.1: a reader of 64 bits would see another number."""
        assert fails(size + b"\r\nhello\r\n" + END) == "a malformed chunk size"

    @pytest.mark.parametrize("end", [b"\n", b"\r", b"", b"\r\r\n", b"\n\r", b"XX"])
    def test_lines_end_with_crlf_and_nothing_else(self, end: bytes) -> None:
        """RFC 9112 §7.1: behind a size, behind the data, behind the last size, at the end."""
        fails(b"5" + end + b"hello\r\n" + END)
        fails(b"5\r\nhello" + end + END)
        fails(HELLO + b"0" + end + b"\r\nGET / HTTP/1.1\r\n\r\n")
        if end:
            fails(HELLO + b"0\r\n" + end + b"GET / HTTP/1.1\r\n\r\n")

    @pytest.mark.parametrize("beginning", [b"x", b"5x", b";", b"\n", b"5\n", b"5;\0", b"5\rx"])
    def test_what_can_become_no_size_is_refused_at_once(self, beginning: bytes) -> None:
        """Nobody waits for the rest of it."""
        fails(beginning)

    @pytest.mark.parametrize("odd", [b"\0", b"\rx", b"\x7f", b"\r\r"])
    @pytest.mark.parametrize("line", [b"5;" + b"a" * 90, HELLO + b"0\r\nX: " + b"y" * 90])
    def test_a_control_character_in_a_long_line_is_refused_at_once(
        self, line: bytes, odd: bytes
    ) -> None:
        """Though what came of the line before is not read again."""
        fails(line + odd)
        waits = ChunkedReader(LIMITS)
        for piece in (line, b"z", b"\r", b""):
            waits.take(piece)
        with pytest.raises(Malformed):
            waits.take(b"z")

    def test_nothing_is_kept_but_the_beginning_of_a_line(self) -> None:
        """What is content goes on at once, and what is behind the body is given back."""
        body = ChunkedReader(LIMITS)
        assert body.take(b"5") == (b"", b"")
        assert body.take(b"\r\nhe") == (b"he", b"")
        assert repr(body) == "<ChunkedReader: DATA, 3 bytes of a chunk to come>"
        assert body.take(b"llo\r") == (b"llo", b"")
        assert body.take(b"") == (b"", b"")
        assert body.take(b"\n0\r\n\r\nmore") == (b"", b"more")
        assert body.done
        assert body.end()
        assert body.take(b"more") == (b"", b"more")

    def test_a_body_that_is_cut_off_is_not_complete(self) -> None:
        """RFC 9112 §8: wherever it was cut."""
        data = HELLO + b"0\r\nX: y\r\n\r\n"
        for end in range(len(data)):
            body = ChunkedReader(LIMITS)
            body.take(data[:end])
            assert not body.end()


class TestExtensions:
    @pytest.mark.parametrize(
        "extension",
        [b";a", b" ;a", b"\t; a", b";a=b", b"; a = b", b';a="b;\\"\xff"', b';a="";b', b";a;b=c;d"],
    )
    def test_they_are_read_and_dropped(self, extension: bytes) -> None:
        """RFC 9112 §7.1.1: white space around ; and = is in the grammar."""
        for pieces in ways(b"5" + extension + b"\r\nhello\r\n0" + extension + b"\r\n\r\n"):
            assert read(pieces) == (b"hello", b"", b"")

    @pytest.mark.parametrize(
        "extension",
        [
            b";",
            b";;a",
            b";a=",
            b";=b",
            b";a b",
            b";a ",
            b",a",
            b';a="b',
            b';a="\n"',
            b";a\r;b",
            b";\0",
        ],
    )
    def test_malformed_ones_are_refused(self, extension: bytes) -> None:
        """RFC 9112 §7.1.1: an LF within one ends the line for another reader."""
        fails(b"5" + extension + b"\r\nhello\r\n" + END)

    def test_all_of_a_body_have_one_limit(self) -> None:
        """RFC 9112 §7.1.1: else who sends a byte at a time makes us read a thousand for each."""
        limits = Limits(extensions=6)
        data = b"1;a=\r\nx\r\n".replace(b"=", b"") * 3
        assert read([data + END], limits) == (b"xxx", b"", b"")
        assert "chunk extensions" in fails(data + b"0;a\r\n\r\n", limits)
        assert "chunk extensions" in fails(b"5;" + b"a" * 100, limits)
        assert "chunk extensions" in fails(b"5;" + b"a" * 100 + b"\r\nhello\r\n" + END, limits)


class TestTrailers:
    def test_they_pass_as_they_came(self) -> None:
        """RFC 9110 §6.5, RFC 9112 §7.1.2."""
        lines = b"X-Sum: 1\r\nx-sum:\t\xff \r\nEmpty:\r\n"
        for pieces in ways(HELLO + b"0\r\n" + lines + b"\r\nGET"):
            assert read(pieces) == (b"hello", lines, b"GET")

    @pytest.mark.parametrize("name", [*sorted(NOT_IN_TRAILERS), b"X_A"])
    def test_those_that_would_change_the_message_go(self, name: bytes) -> None:
        """RFC 9110 §6.5.1: framing, routing, authentication, what a body is; and names with _."""
        lines = name.title() + b": 1\r\nX-Sum: 1"
        assert read_trailers(lines, LIMITS) == b"X-Sum: 1\r\n"

    @pytest.mark.parametrize(
        "line",
        [b"A", b": b", b"A : b", b" A: b", b"A: b\r\n c", b"A: b\nC: d", b"A: \0", b"A: b\r"],
    )
    def test_malformed_ones_are_refused(self, line: bytes) -> None:
        """RFC 9112 §7.1.2: they are fields like any other."""
        fails(HELLO + b"0\r\n" + line + b"\r\n\r\n")

    def test_at_their_limit_they_pass_in_every_way(self) -> None:
        """One byte more does not, before its end has come; nor does one field more."""
        lines = b"A: b\r\n" + b"C: " + b"d" * 90 + b"\r\n"
        exact = Limits(trailers=len(lines) - 2, fields=2)
        for pieces in ways(b"0\r\n" + lines + b"\r\nGET"):
            assert read(pieces, exact) == (b"", lines, b"GET")
        tight = Limits(trailers=len(lines) - 3)
        assert "bytes of trailers" in fails(b"0\r\n" + lines + b"\r\nGET", tight)
        assert "bytes of trailers" in fails(b"0\r\n" + b"A" * 200, tight)
        few = Limits(fields=1)
        assert fails(b"0\r\n" + lines + b"\r\n", few) == "more than 1 trailers"
        assert fails(b"0\r\n" + b"A:\r\n" * 9, few) == "more than 1 trailers"


class TestWriting:
    def test_a_chunk_of_nothing_is_nothing(self) -> None:
        """RFC 9112 §7.1: a size of 0 would end the body."""
        assert chunk(b"") == b""
        assert chunk(b"a" * 26) == b"1a\r\n" + b"a" * 26 + b"\r\n"
        assert last_chunk() == END
        assert last_chunk(b"A: b\r\n") == b"0\r\nA: b\r\n\r\n"

    @by_drawing
    @given(st.lists(st.binary(max_size=50), max_size=6), trailers, st.data())
    def test_what_is_written_is_read_again(
        self, contents: list[bytes], behind: bytes, data: st.DataObject
    ) -> None:
        coded = b"".join(map(chunk, contents)) + last_chunk(behind)
        pieces = data.draw(pieces_of(coded + b"GET"))
        assert read(pieces) == (b"".join(contents), behind, b"GET")


class TestDrawn:
    @by_drawing
    @given(chunked_bodies(), st.data())
    def test_a_body_coded_anew_has_the_same_content(
        self, body: tuple[bytes, bytes, bytes], data: st.DataObject
    ) -> None:
        """What a proxy passes on is a coding of its own, without the extensions."""
        coded, content, behind = body
        first = read(data.draw(pieces_of(coded)))
        assert first == (content, behind, b"")
        again = chunk(first[0]) + last_chunk(first[1])
        assert read(bytewise(again)) == (content, behind, b"")

    @by_drawing
    @given(chunked_bodies(), st.integers(0, 400), st.integers(0, 2), st.sampled_from(ODD))
    def test_a_fault_is_the_same_fault_in_every_way_it_comes(
        self, body: tuple[bytes, bytes, bytes], at: int, gone: int, odd: bytes
    ) -> None:
        """A verdict does not depend on where TCP cut."""
        coded = body[0]
        at %= len(coded) + 1
        coded = coded[:at] + odd + coded[at + gone :]
        verdicts = []
        for pieces in ways(coded):
            try:
                verdicts.append(read(pieces))
            except Malformed:
                verdicts.append((b"malformed",) * 3)
        assert verdicts == verdicts[:1] * len(verdicts)


def test_no_group_with_a_choice_is_possessive() -> None:
    """Python before 3.11.5 lets `5;` pass then, which the grammar does not (gh-106052)."""
    for module in (chunked, grammar, requests, responses, quick):
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                groups = re.sub(rb"\[[^\]]*\]", b"c", re.sub(rb"\\.", b"", value.pattern))
                assert not re.search(rb"\)[*+?]\+", groups), name


@pytest.mark.parametrize(
    "data",
    [
        b"5;a=" + b"b" * 4_000,
        b'5;a="' + b"\\b" * 2_000,
        b"5" + b" " * 4_000,
        b"0\r\nA: " + b"b" * 8_000,
        b"0\r\n" + b"A:\r\n" * 99,
    ],
)
def test_a_slow_client_costs_no_more_than_its_bytes(data: bytes) -> None:
    """A line that comes a byte at a time is not read again for each."""
    body = ChunkedReader(LIMITS)
    began = time.process_time()
    for piece in bytewise(data):
        body.take(piece)
    assert not body.done
    assert time.process_time() - began < 0.2
