"""rsp.http1.responses: a response's head, read plainly and repaired (RFC 9112 §4, §5, §6.3)."""

import pytest
from hypothesis import given

from rsp.http1.message import BadResponse, Limits, Response
from rsp.http1.responses import take_response
from tests.drawn import by_drawing, response_heads, spoilt
from tests.feeding import LIMITS, ways

LINE = b"HTTP/1.1 200 OK\r\n"


def response(head: bytes, limits: Limits = LIMITS, method: bytes = b"GET") -> Response:
    """Return the response of a head, and see that it ends where it should."""
    found = take_response(head + b"behind", method, limits)
    assert found is not None
    assert found[1] == len(head)
    return found[0]


def refusal(head: bytes, limits: Limits = LIMITS) -> str:
    """Return why a head is refused."""
    with pytest.raises(BadResponse) as caught:
        take_response(head, b"GET", limits)
    assert caught.value.status == 502
    return str(caught.value)


def stepwise(pieces: list[bytes], limits: Limits = LIMITS) -> tuple[Response, int] | int | None:
    """Return what a head gives that comes in pieces: a response, a status, or nothing yet."""
    received, known = b"", 0
    try:
        for piece in pieces:
            received += piece
            found = take_response(received, b"GET", limits, known)
            known = len(received)
            if found:
                return found
    except BadResponse as error:
        return error.status
    return None


class TestLine:
    @pytest.mark.parametrize("reason", [b" OK", b" ", b"", b" Gef\xfcllt\tund mehr"])
    def test_a_reason_may_be_anything_or_missing(self, reason: bytes) -> None:
        """RFC 9112 §4: nobody reads it; some servers leave out the space before it."""
        head = response(b"HTTP/1.1 404" + reason + b"\r\n\r\n")
        assert (head.status, head.reason) == (404, reason[1:])

    @pytest.mark.parametrize("status", [b"20", b"2000", b"099", b"+20", b" 200", b"abc"])
    def test_a_status_has_three_digits(self, status: bytes) -> None:
        """RFC 9110 §15."""
        assert refusal(b"HTTP/1.1 " + status + b" OK\r\n\r\n") == "a malformed status line"

    @pytest.mark.parametrize("beginning", [b"HTTP/2", b"<html>", b"\r\n", b"http/1.1", b"SSH-2.0"])
    def test_what_is_no_http_1_is_refused_at_once(self, beginning: bytes) -> None:
        """RFC 9112 §2.3: before a line of it has come."""
        assert refusal(beginning) == "no HTTP/1 response"

    @pytest.mark.parametrize("status", [100, 102, 103])
    def test_interim_ones_are_told_apart(self, status: int) -> None:
        """RFC 9110 §15.2: another follows; behind 101 none does."""
        head = response(b"HTTP/1.1 %d Yes\r\n\r\n" % status)
        assert (head.interim, head.framing) == (True, 0)
        assert not response(b"HTTP/1.1 101 Switching\r\n\r\n").interim

    def test_two_cr_before_lf_are_refused(self) -> None:
        """RFC 9112 §2.2: the first is a bare one."""
        for head in (b"HTTP/1.1 200 OK\r\r\n\r\n", b"HTTP/1.1 200 OK\r\r\nA: b\r\n\r\n"):
            assert refusal(head) == "a malformed status line"
        assert refusal(LINE + b"A: b\r\r\n\r\n") == "a CR or a NUL in a field"


class TestConnection:
    @pytest.mark.parametrize(
        ("version", "line", "stays"),
        [
            (b"1.1", b"", True),
            (b"1.1", b"Connection: a, Close\r\n", False),
            (b"1.0", b"", False),
            (b"1.0", b"Connection: Keep-Alive\r\n", True),
        ],
    )
    def test_the_version_and_connection_say_who_stays(
        self, version: bytes, line: bytes, stays: bool
    ) -> None:
        """RFC 9112 §9.3."""
        assert response(b"HTTP/%b 200 OK\r\n%b\r\n" % (version, line)).keep_alive is stays

    @pytest.mark.parametrize("line", [b"Content-Length: 5", b"Transfer-Encoding: chunked"])
    def test_behind_a_204_that_announces_a_body_nothing_is_read(self, line: bytes) -> None:
        """RFC 9112 §6.1, §6.3 rule 1: it has none; one that comes would be the next."""
        head = response(b"HTTP/1.1 204 No Content\r\n" + line + b"\r\n\r\n")
        assert (head.framing, head.keep_alive) == (0, False)
        assert response(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n").keep_alive


class TestRepairs:
    @pytest.mark.parametrize("space", [b" ", b"\t", b" \t "])
    def test_white_space_before_a_colon_goes(self, space: bytes) -> None:
        """RFC 9112 §5.1: a proxy must remove it."""
        head = response(LINE + b"A" + space + b": b : c\r\nContent-Length" + space + b": 5\r\n\r\n")
        assert (head.fields, head.framing) == (b"A: b : c\r\n", 5)

    @pytest.mark.parametrize("fold", [b"\r\n ", b"\r\n\t \t", b"\n ", b"\r\n \r\n  "])
    def test_a_fold_becomes_a_space(self, fold: bytes) -> None:
        """RFC 9112 §5.2: one or more."""
        head = response(LINE + b"A: b" + fold + b"c: d\r\n\r\n")
        assert head.fields.replace(b"  ", b" ") == b"A: b c: d\r\n"

    def test_a_fold_outside_a_value_is_refused(self) -> None:
        """RFC 9112 §5.2: a value is folded, no name; and the first line cannot go on another."""
        for name in (b"A", b"Content-Length", b"A B"):
            refused = "a fold outside a field's value"
            assert refusal(LINE + name + b"\r\n : 5\r\n\r\n") == refused
            assert refusal(LINE + b"X: y\n" + name + b"\n\t: 5\n\n") == refused
        assert refusal(LINE + b" A: b\r\n\r\n") == "a malformed status line"

    def test_lf_alone_becomes_crlf(self) -> None:
        """RFC 9112 §2.2: of a response; in a request it is refused."""
        head = response(b"HTTP/1.1 200 OK\nA: b\r\nC: d\n\n")
        assert head.fields == b"A: b\r\nC: d\r\n"

    @pytest.mark.parametrize("line", [b"A", b": b", b"A B: c", b"A: \0", b"A: b\rc", b"A: \x1b"])
    def test_everything_else_is_refused(self, line: bytes) -> None:
        """RFC 9110 §5.5: NUL and CR; for other controls we find no reason."""
        refusal(LINE + line + b"\r\n\r\n")

    def test_a_name_with_an_underscore_passes(self) -> None:
        """It is the client's to read, and browsers take it for what it is."""
        assert response(LINE + b"X_A: b\r\n\r\n").fields == b"X_A: b\r\n"


class TestLimits:
    def test_a_head_at_its_limit_passes_in_every_way(self) -> None:
        """One byte more is 502, before its end has come."""
        head = LINE + b"A: b\r\n\r\n"
        exact = Limits(head=len(head) - 4)
        tight = Limits(head=len(head) - 5)
        for pieces in ways(head):
            assert stepwise(pieces, exact) == take_response(head, b"GET", exact)
            assert stepwise(pieces, tight) == 502
        assert "a head of more than" in refusal(LINE + b"A" * 20, tight)

    def test_so_many_fields_pass_and_no_more(self) -> None:
        limits = Limits(fields=2)
        assert response(LINE + b"A: b\r\n" * 2 + b"\r\n", limits).fields == b"A: b\r\n" * 2
        assert refusal(LINE + b"A: b\r\n" * 3 + b"\r\n", limits) == "more than 2 fields"


class TestPieces:
    @pytest.mark.parametrize("end", [b"\r\n", b"\n"])
    def test_a_head_is_the_same_in_every_way_it_comes(self, end: bytes) -> None:
        """Whole, byte by byte, split at each place, with more behind it."""
        head = end.join([b"HTTP/1.1 200 OK", b"A : b", b" c", b"Content-Length: 5", b"", b""])
        found = take_response(head, b"GET", LIMITS)
        assert found
        assert found[1] == len(head)
        for pieces in ways(head + b"hello"):
            assert stepwise(pieces) == found

    @by_drawing
    @given(spoilt(response_heads()))
    def test_a_fault_is_the_same_fault_in_every_way_it_comes(self, head: bytes) -> None:
        """A verdict does not depend on where TCP cut."""
        whole = stepwise([head])
        for pieces in ways(head):
            assert stepwise(pieces) == whole
