"""rsp.http1.framing: where a body ends, and what leaves that open (RFC 9112 §6)."""

import pytest

from rsp.http1.body import EndReader, LengthReader, reader
from rsp.http1.chunked import ChunkedReader
from rsp.http1.framing import request_framing, response_framing
from rsp.http1.message import CHUNKED, UNTIL_END, BadRequest, BadResponse, Limits, Special

LIMITS = Limits()


def lengths(*values: bytes) -> Special:
    return {b"content-length": list(values)}


def codings(*values: bytes) -> Special:
    return {b"transfer-encoding": list(values)}


def refusal(special: Special, minor: int = 1) -> int:
    """Return the status that refuses a request; a response like it is refused, too."""
    with pytest.raises(BadRequest) as caught:
        request_framing(minor, special)
    with pytest.raises(BadResponse):
        response_framing(b"GET", 200, minor, special)
    return caught.value.status


class TestLength:
    def test_no_field_is_no_body_of_a_request(self) -> None:
        """RFC 9112 §6.3 rule 7; of a response it lasts until the end (rule 8)."""
        assert request_framing(1, {}) == 0
        assert response_framing(b"GET", 200, 1, {}) == UNTIL_END

    @pytest.mark.parametrize(
        ("value", "length"), [(b"0", 0), (b"5", 5), (b"0010", 10), (b"9" * 18, 10**18 - 1)]
    )
    def test_it_is_so_many_digits(self, value: bytes, length: int) -> None:
        """RFC 9110 §8.6: with zeros before them, too; they are decimal."""
        assert request_framing(1, lengths(value)) == length
        assert response_framing(b"GET", 200, 0, lengths(value)) == length

    @pytest.mark.parametrize(
        "value",
        [b"", b"+5", b"-5", b"0x5", b"5 5", b"5.", b"1_0", b"a", b'"5"', b"\xb2", b"9" * 19],
    )
    def test_anything_else_is_refused(self, value: bytes) -> None:
        """RFC 9112 §6.3 rule 5: signs, prefixes, and what passes 2**63."""
        assert refusal(lengths(value)) == 400

    @pytest.mark.parametrize("values", [[b"5", b"6"], [b"5", b"5"], [b"5, 6"], [b"5,5"], [b"5,"]])
    def test_more_than_one_is_refused(self, values: list[bytes]) -> None:
        """RFC 9112 §6.3 rule 5 lets a list of one value pass; we do not guess who added it."""
        assert refusal(lengths(*values)) == 400


class TestCoding:
    @pytest.mark.parametrize("value", [b"chunked", b"Chunked", b"CHUNKED"])
    def test_chunked_is_the_only_one(self, value: bytes) -> None:
        """RFC 9112 §6.1, §7: its name in any letters."""
        assert request_framing(1, codings(value)) == CHUNKED
        assert response_framing(b"GET", 200, 1, codings(value)) == CHUNKED

    def test_a_length_beside_it_is_refused(self) -> None:
        """RFC 9112 §6.1, §6.3 rule 3: the classic way to smuggle a request."""
        for length in (b"0", b"5", b"x"):
            assert refusal({**codings(b"chunked"), **lengths(length)}) == 400
            assert refusal({**codings(b"gzip"), **lengths(length)}) == 400

    @pytest.mark.parametrize("value", [b"chunked", b"gzip, chunked", b"x"])
    def test_it_is_refused_in_1_0(self, value: bytes) -> None:
        """RFC 9112 §6.1: its framing is faulty, whatever it says."""
        assert refusal(codings(value), minor=0) == 400

    @pytest.mark.parametrize(
        "values", [[b"gzip, chunked"], [b"gzip", b"chunked"], [b"a,b,chunked"]]
    )
    def test_an_unknown_one_before_chunked_is_501(self, values: list[bytes]) -> None:
        """RFC 9112 §6.1: it is no fault, we cannot read it."""
        assert refusal(codings(*values)) == 501

    @pytest.mark.parametrize(
        "values",
        [
            [b"gzip"],
            [b"identity"],
            [b"xchunked"],
            [b"chunked;a=b"],
            [b"chunked, gzip"],
            [b"chunked", b"gzip"],
        ],
    )
    def test_what_does_not_end_in_chunked_is_refused(self, values: list[bytes]) -> None:
        """RFC 9112 §6.3 rule 4: the end of a request would not be known."""
        assert refusal(codings(*values)) == 400

    def test_chunked_twice_is_refused(self) -> None:
        """RFC 9112 §6.1: never more than once."""
        assert refusal(codings(b"chunked, chunked")) == 400
        assert refusal(codings(b"chunked", b"chunked")) == 400

    @pytest.mark.parametrize("value", [b"", b",", b", chunked", b"chunked,", b"a/b, chunked"])
    def test_a_malformed_list_is_refused(self, value: bytes) -> None:
        """RFC 9110 §5.6.1 lets a reader skip empty elements; some stop at one."""
        assert refusal(codings(value)) == 400


class TestNoBody:
    @pytest.mark.parametrize("special", [{}, lengths(b"5"), codings(b"chunked")])
    def test_some_responses_have_none_whatever_their_fields_say(self, special: Special) -> None:
        """RFC 9112 §6.3 rule 1: to HEAD, 1xx, 204, 304."""
        assert response_framing(b"HEAD", 200, 1, special) == 0
        for status in (101, 204, 304):
            assert response_framing(b"GET", status, 1, special) == 0

    @pytest.mark.parametrize("special", [lengths(b"5"), codings(b"chunked")])
    def test_an_interim_one_that_announces_a_body_is_refused(self, special: Special) -> None:
        """RFC 9112 §6.1, RFC 9110 §8.6: the final one would be taken for it, or it for that."""
        with pytest.raises(BadResponse):
            response_framing(b"GET", 103, 1, special)
        assert response_framing(b"GET", 100, 1, lengths(b"0")) == 0

    @pytest.mark.parametrize(
        "special", [lengths(b"+5"), lengths(b"5", b"5"), {**lengths(b"5"), **codings(b"chunked")}]
    )
    def test_but_their_fields_must_make_sense(self, special: Special) -> None:
        """They are passed on, and the client reads them as it likes."""
        with pytest.raises(BadResponse):
            response_framing(b"HEAD", 200, 1, special)
        with pytest.raises(BadResponse):
            response_framing(b"GET", 304, 1, special)


class TestReaders:
    def test_each_framing_has_one(self) -> None:
        assert isinstance(reader(CHUNKED, LIMITS), ChunkedReader)
        assert isinstance(reader(UNTIL_END, LIMITS), EndReader)
        assert isinstance(reader(5, LIMITS), LengthReader)
        assert repr(reader(5, LIMITS)) == "<LengthReader: 5 bytes to come>"
        assert repr(reader(UNTIL_END, LIMITS)) == "<EndReader: to come>"

    def test_a_length_ends_where_it_says(self) -> None:
        """RFC 9112 §6.3 rule 6: what is behind it is the next message."""
        body = reader(5, LIMITS)
        assert body.take(b"he") == (b"he", b"")
        assert not body.done
        assert body.take(b"") == (b"", b"")
        assert body.take(b"lloGET") == (b"llo", b"GET")
        assert body.done
        assert body.take(b"GET") == (b"", b"GET")

    def test_a_length_of_nothing_is_done(self) -> None:
        body = reader(0, LIMITS)
        assert body.done
        assert body.take(b"GET") == (b"", b"GET")

    def test_a_body_that_is_cut_off_is_not_complete(self) -> None:
        """RFC 9112 §8: only one without a length ends with its connection."""
        assert not reader(5, LIMITS).end()
        assert not reader(CHUNKED, LIMITS).end()
        body = reader(UNTIL_END, LIMITS)
        assert body.take(b"hello") == (b"hello", b"")
        assert not body.done
        assert body.end()
        assert body.done
