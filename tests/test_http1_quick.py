"""rsp.http1.quick: the usual head at once. It takes a part, and by the same rules: one reading."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsp.http1.message import BadRequest, BadResponse, Limits, Request, Response
from rsp.http1.quick import Quick
from rsp.http1.requests import take_request
from rsp.http1.responses import take_response
from tests.corpus_of import Message, corpus
from tests.drawn import by_drawing, request_heads, response_heads, spoilt
from tests.feeding import LIMITS, QUICK, fed, ways

HEAD = b"GET /a HTTP/1.1\r\nHost: a.test\r\nX: y\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\n"
Found = tuple[Request | Response, int] | None


def outcome(read: Callable[[], Found]) -> Found | int:
    """Return what a reader gives, or the status with which it refuses."""
    try:
        return read()
    except (BadRequest, BadResponse) as error:
        return error.status


def check_request(data: bytes, quick: Quick = QUICK) -> bool:
    """See that the quick reader says what the plain one says, or nothing; tell whether it spoke."""
    said = outcome(lambda: quick.take_request(data))
    if said is None:
        return False
    assert said == outcome(lambda: take_request(data, quick.limits))
    return True


def check_response(data: bytes, method: bytes, quick: Quick = QUICK) -> bool:
    """See the same of a response."""
    said = outcome(lambda: quick.take_response(data, method))
    if said is None:
        return False
    assert said == outcome(lambda: take_response(data, method, quick.limits))
    return True


@pytest.mark.parametrize(
    "head",
    [
        HEAD,
        b"POST /a?b HTTP/1.1\r\nhost:a.test\r\ncontent-length:\t5 \r\n\r\nhello",
        b"PUT / HTTP/1.1\r\nHost: a:80\r\nte: trailers\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Host: b\r\nVia:\r\nA: \xff\r\nvia: x\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: a\r\nX: host: b\r\nHosts: c\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\nA: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\nA: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: y\r\nHost: a\r\nConnection: close\r\n\r\n",
    ],
)
def test_it_takes_the_usual_request(head: bytes) -> None:
    """What browsers and curl send goes the quick way, and reads the same."""
    assert check_request(head)
    assert check_request(head + b"GET / HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "head",
    [
        ANSWER,
        b"HTTP/1.0 200 \r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\nC: d\r\nConnection: close\r\nE: f\r\n"
        b"\r\n",
        b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nA: b\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: X, close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\ndate: x\r\nETag: y\r\nDate: z\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n",
    ],
)
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_it_takes_the_usual_response(head: bytes, method: bytes) -> None:
    assert check_response(head, method)
    assert check_response(head + b"hello\r\n\r\n", method)


@pytest.mark.parametrize(
    "head",
    [
        b"\r\n" + HEAD,
        HEAD.replace(b"X:", b"X_A:"),
        HEAD.replace(b"/a", b"http://a.test/"),
        HEAD.replace(b"1.1", b"1.2"),
        HEAD.replace(b"GET", b"get"),
        HEAD.replace(b"X:", b"X :"),
        HEAD.replace(b"y\r\n", b"y\n"),
        HEAD.replace(b"a.test", b"[::1]"),
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nConnection: close\r\nHost: a.test\r\n\r\n",
    ],
)
def test_it_leaves_the_rest_to_the_plain_reader(head: bytes) -> None:
    """Which has a reason for each refusal, drops names with _, and looks for Host anywhere else."""
    assert QUICK.take_request(head) is None


@pytest.mark.parametrize("old", [b"X:", b"y\r\n", b" OK"])
def test_it_repairs_nothing(old: bytes) -> None:
    odd = {b"X:": b"X :", b"y\r\n": b"y\n", b" OK": b""}[old]
    assert QUICK.take_response(ANSWER.replace(old, odd), b"GET") is None


def test_what_is_not_complete_it_leaves() -> None:
    for end in range(len(HEAD)):
        assert QUICK.take_request(HEAD[:end]) is None
    for end in range(len(ANSWER)):
        assert QUICK.take_response(ANSWER[:end], b"GET") is None


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_it_keeps_to_the_limits_as_the_plain_one_does(more: int) -> None:
    """At a limit, one below and one above: of the line, the head, the number of fields."""
    for limits in (
        Limits(request_line=len(b"GET /a HTTP/1.1") + more),
        Limits(head=len(HEAD) - 4 + more),
    ):
        quick = Quick(limits)
        assert check_request(HEAD, quick) == (more >= 0)
        assert repr(quick) == f"<Quick: {limits}>"
    assert check_response(ANSWER, b"GET", Quick(Limits(head=len(ANSWER) - 4 + more))) == (more >= 0)


@pytest.mark.parametrize("most", [0, 1, 2, 3, 7, 8, 100])
def test_more_fields_than_it_may_it_never_takes(most: int) -> None:
    """It may take fewer than it might, for it counts each run of fields by itself."""
    quick = Quick(Limits(fields=most))
    for fields in range(most + 3):
        for special in ("", "Connection: close\r\n", "Via: x\r\nConnection: close\r\n"):
            for before in range(fields):
                runs = "A: b\r\n" * before, "A: b\r\n" * (fields - before)
                check_request(
                    f"GET / HTTP/1.1\r\nHost: a\r\n{special.join(runs)}\r\n".encode(), quick
                )
                head = f"HTTP/1.1 200 OK\r\n{special.join(runs)}Content-Length: 0\r\n\r\n"
                check_response(head.encode(), b"GET", quick)
    assert check_request(HEAD, quick) == (most >= 9)


@by_drawing
@given(request_heads())
def test_a_request_has_one_reading(head: bytes) -> None:
    check_request(head)


@by_drawing
@given(spoilt(request_heads()))
def test_a_request_with_a_fault_has_one_reading(head: bytes) -> None:
    """Or none: what the quick reader takes, the plain one takes, too."""
    check_request(head)


@by_drawing
@given(spoilt(response_heads()), st.sampled_from([b"GET", b"HEAD", b"POST"]))
def test_a_response_with_a_fault_has_one_reading(head: bytes, method: bytes) -> None:
    check_response(head, method)


@by_drawing
@given(st.binary(max_size=60), st.integers(0, len(HEAD)))
def test_any_octets_have_one_reading(octets: bytes, at: int) -> None:
    """And no reader fails in another way than it says."""
    check_request(HEAD[:at] + octets + HEAD[at:])
    check_response(ANSWER[:at] + octets + ANSWER[at:], b"GET")
    outcome(lambda: take_request(octets, LIMITS))
    outcome(lambda: take_response(octets, b"GET", LIMITS))


@pytest.mark.parametrize("message", corpus("good"), ids=lambda message: message.name)
def test_both_ways_read_a_connection_alike(message: Message) -> None:
    """Values and all, split at each place where the message is short."""
    data = message.data
    plain = fed([data]).whole
    for pieces in ways(data) if len(data) < 300 else ([data],):
        assert fed(pieces, quick=True).whole == plain
        assert fed(pieces).whole == plain
