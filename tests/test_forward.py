"""rsp.forward: what a proxy changes in heads, and what it never lets pass."""

from http import HTTPStatus

import pytest

from rsp import forward
from rsp.http1.message import BadRequest, Limits, Request, Response
from rsp.http1.requests import take_request
from rsp.http1.responses import take_response

ABOUT = forward.about(b"192.0.2.7")


def parsed(*lines: bytes, line: bytes = b"GET /p HTTP/1.1") -> Request:
    """Return a request with these fields."""
    found = take_request(b"\r\n".join([line, b"Host: a.test", *lines, b"", b""]), Limits())
    assert found
    return found[0]


def answered(*lines: bytes, line: bytes = b"HTTP/1.1 200 OK", method: bytes = b"GET") -> Response:
    """Return a response with these fields."""
    found = take_response(b"\r\n".join([line, *lines, b"", b""]), method, Limits())
    assert found
    return found[0]


def sent(request: Request, **options: bytes) -> list[bytes]:
    """Return the lines of the head that a backend gets."""
    upgrade = options.get("upgrade", b"")
    return forward.request_head(request, b"a.test", ABOUT, upgrade=upgrade).split(b"\r\n")[:-2]


def returned(response: Response, framing: int | None = 0, minor: int = 1) -> list[bytes]:
    """Return the lines of the head that a client gets."""
    return forward.response_head(response, framing, minor, True, b"now").split(b"\r\n")[:-2]


class TestRequestHead:
    def test_is_exactly_this(self) -> None:
        """The line and Host as they came, then what passes, then what tells of the client."""
        assert sent(parsed(b"Accept: */*", b"X-A: 1")) == [
            b"GET /p HTTP/1.1",
            b"Host: a.test",
            b"Accept: */*",
            b"X-A: 1",
            b"X-Forwarded-For: 192.0.2.7",
            b"X-Forwarded-Proto: http",
            b"Via: 1.1 rsp",
            b"X-Forwarded-Host: a.test",
        ]

    @pytest.mark.parametrize(
        "field",
        [
            b"Connection: close",
            b"Keep-Alive: timeout=5",
            b"Proxy-Connection: keep-alive",
            b"TE: gzip",
            b"Upgrade: h2c",
            b"HTTP2-Settings: AAMAAABkAAQAAP__",
            b"X-Forwarded-For: 198.51.100.1",
            b"X-Forwarded-Host: evil.test",
            b"X-Forwarded-Proto: https",
            b"Forwarded: for=198.51.100.1",
            b"X_Forwarded_For: 198.51.100.1",
        ],
    )
    def test_has_nothing_of_what_concerned_one_connection_or_claims_our_place(
        self, field: bytes
    ) -> None:
        """Hop-by-hop fields end here, and a peer that is not trusted says nothing of itself."""
        assert sent(parsed(field)) == sent(parsed())

    def test_has_not_what_connection_names(self) -> None:
        """In any case, in any number of fields (RFC 9110 §7.6.1)."""
        named = parsed(
            b"Connection: X-A, close", b"x-a: 1", b"X-B: 2", b"X-A: 3", b"connection: x-b"
        )
        assert sent(named) == sent(parsed())

    @pytest.mark.parametrize(
        "name", [b"Host", b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Forwarded-Host", b"Via"]
    )
    def test_keeps_what_is_ours_though_connection_names_it(self, name: bytes) -> None:
        """Else a client could hide from the backend who it is."""
        assert sent(parsed(b"Connection: " + name)) == sent(parsed())

    @pytest.mark.parametrize("name", [b"Content-Length", b"Transfer-Encoding"])
    def test_keeps_the_framing_though_connection_names_it(self, name: bytes) -> None:
        """Without it the body would be the next request."""
        request = parsed(b"Connection: " + name, b"Content-Length: 3")
        assert b"Content-Length: 3" in sent(request)

    @pytest.mark.parametrize(
        ("minor", "before", "via"),
        [
            (b"1", b"", b"Via: 1.1 rsp"),
            (b"0", b"", b"Via: 1.0 rsp"),
            (b"1", b"1.0 fred", b"Via: 1.0 fred, 1.1 rsp"),
            (b"0", b"1.1 p, 1.1 q", b"Via: 1.1 p, 1.1 q, 1.0 rsp"),
        ],
    )
    def test_says_what_it_came_as(self, minor: bytes, before: bytes, via: bytes) -> None:
        """Via: those before us, then the version that we got, and our name (RFC 9110 §7.6.3)."""
        fields = [b"Via: " + before] if before else []
        assert via in sent(parsed(*fields, line=b"GET / HTTP/1." + minor))

    def test_says_nothing_empty_in_via(self) -> None:
        """A list that we write has no empty element (RFC 9110 §5.6.1.1)."""
        assert b"Via: 1.1 rsp" in sent(parsed(b"Via:"))
        assert b"Via: 1.1 a, 1.1 rsp" in sent(parsed(b"Via: ", b"Via: 1.1 a"))

    def test_goes_in_no_circle(self) -> None:
        """It has been here before (RFC 9110 §7.6); a few proxies of our name are none."""
        assert sent(parsed(b"Via: " + b", ".join([b"1.1 rsp"] * forward.MOST)))
        with pytest.raises(BadRequest) as refused:
            sent(parsed(*[b"Via: 1.1 rsp"] * (forward.MOST + 1)))
        assert refused.value.status == 508

    def test_says_te_only_for_trailers(self) -> None:
        """And then that it concerns one connection (RFC 9110 §10.1.4)."""
        lines = sent(parsed(b"TE: gzip, trailers", b"Connection: TE"))
        assert {b"TE: trailers", b"Connection: TE"} <= set(lines)

    @pytest.mark.parametrize(
        ("line", "fields"),
        [
            (b"GET / HTTP/1.1", [b"TE: trailers"]),
            (b"GET / HTTP/1.1", [b"TE: gzip", b"Connection: TE"]),
            (b"GET / HTTP/1.1", [b"Connection: TE"]),
            (b"GET / HTTP/1.0", [b"TE: trailers", b"Connection: TE"]),
        ],
    )
    def test_says_no_te_where_it_does_not_count(self, line: bytes, fields: list[bytes]) -> None:
        """Connection must name it (§7.6.1), and HTTP/1.0 gets no trailers (§6.5.1)."""
        assert not [one for one in sent(parsed(*fields, line=line)) if one.startswith(b"TE")]

    def test_keeps_what_is_said_to_the_other_end(self) -> None:
        """Conditions, ranges, credentials (RFC 9110 §13.2.1, §11.6.2); in their order (§5.3)."""
        said = [
            b'If-None-Match: "a", W/"b"',
            b"If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
            b'If-Range: "a"',
            b"Range: bytes=0-1, 7-",
            b"Authorization: Basic YTpi",
            b"Referer: http://a.test/",
            b"Cookie: a=1",
            b"X-A: 2",
            b"Never-Seen: \xff",
            b"x-a: 1",
            b"Date: then",
            b"Trailer: T",
        ]
        assert sent(parsed(*said))[2:-4] == said

    def test_reads_connection_with_empty_elements(self) -> None:
        """A list may have some (RFC 9110 §5.6.1.2)."""
        named = parsed(b"Connection: , X-A,\t,close,", b"Connection:", b"X-A: 1")
        assert sent(named) == sent(parsed())

    @pytest.mark.parametrize("length", [b"0", b"12"])
    def test_tells_a_length_as_it_was_told(self, length: bytes) -> None:
        """0, too: for a POST it means something."""
        assert b"Content-Length: " + length in sent(parsed(b"Content-Length: " + length))

    @pytest.mark.parametrize(
        ("method", "says", "goes"),
        [(b"OPTIONS", b"2", b"1"), (b"GET", b"2", b"2"), (b"GET", b"x", b"x")],
    )
    def test_counts_max_forwards_down_where_it_counts(
        self, method: bytes, says: bytes, goes: bytes
    ) -> None:
        """For OPTIONS; elsewhere it is a field like others (RFC 9110 §7.6.2)."""
        request = parsed(b"Max-Forwards: " + says, line=method + b" / HTTP/1.1")
        assert b"Max-Forwards: " + goes in sent(request)

    @pytest.mark.parametrize("says", [b"-1", b"1x", b"", b"1, 2", b"1000000000"])
    def test_of_a_max_forwards_that_is_no_number_there_is_none(self, says: bytes) -> None:
        request = parsed(b"Max-Forwards: " + says, line=b"OPTIONS * HTTP/1.1")
        with pytest.raises(BadRequest, match="Max-Forwards"):
            forward.hops_left(request)


class TestUpgrade:
    @pytest.mark.parametrize(
        ("upgrade", "passes"),
        [
            (b"websocket", b"websocket"),
            (b"h2c, WebSocket", b"WebSocket"),
            (b"h2c", b""),
            (b"H2C", b""),
            (b"h2c/1, h2", b""),
            (b"TLS/1.2", b""),
            (b" , ", b""),
        ],
    )
    def test_passes_but_not_to_http2(self, upgrade: bytes, passes: bytes) -> None:
        """Behind an h2c nobody would read the requests (RFC 9113 §3.1 has done away with it)."""
        assert forward.upgrade_of(parsed(b"Connection: Upgrade", b"Upgrade: " + upgrade)) == passes

    @pytest.mark.parametrize(
        "request_",
        [
            parsed(b"Upgrade: websocket"),
            parsed(b"Upgrade: websocket", b"Connection: upgrade", line=b"GET / HTTP/1.0"),
            parsed(b"Upgrade: websocket", b"Connection: upgrade", b"Content-Length: 1"),
            parsed(b"Upgrade: websocket", b"Connection: upgrade", b"Transfer-Encoding: chunked"),
        ],
        ids=["not named", "HTTP/1.0", "length", "chunked"],
    )
    def test_does_not_pass(self, request_: Request) -> None:
        """Not named in Connection, from HTTP/1.0, or before a body (RFC 9110 §7.8)."""
        assert forward.upgrade_of(request_) == b""

    @pytest.mark.parametrize(
        ("answer", "asked", "agreed"),
        [
            (b"websocket", b"websocket", True),
            (b"WebSocket", b"websocket, other", True),
            (b"h2c", b"websocket", False),
            (b"websocket, h2c", b"websocket", False),
            (b"", b"websocket", False),
            (b"websocket", b"", False),
        ],
    )
    def test_is_agreed_on_when_the_backend_takes_what_was_asked_for(
        self, answer: bytes, asked: bytes, agreed: bool
    ) -> None:
        """And nothing else (RFC 9110 §7.8)."""
        line = b"HTTP/1.1 101 Switching Protocols"
        assert forward.agrees(answered(b"Upgrade: " + answer, line=line), asked) == agreed


class TestExpects:
    def test_a_client_with_a_body(self) -> None:
        assert forward.expects(parsed(b"Expect: 100-Continue", b"Content-Length: 1"))

    @pytest.mark.parametrize(
        ("line", "fields"),
        [
            (b"PUT / HTTP/1.1", []),
            (b"PUT / HTTP/1.1", [b"Content-Length: 0"]),
            (b"PUT / HTTP/1.0", [b"Content-Length: 5"]),
        ],
    )
    def test_nobody_without_a_body_or_in_http_1_0(self, line: bytes, fields: list[bytes]) -> None:
        """Then it does not go on, either (RFC 9110 §10.1.1)."""
        request = parsed(b"Expect: 100-continue", *fields, line=line)
        assert not forward.expects(request)
        assert b"expect" not in request.special

    @pytest.mark.parametrize("value", [b"200-ok", b"100-continue, more", b""])
    def test_what_nobody_can_meet_is_refused(self, value: bytes) -> None:
        with pytest.raises(BadRequest, match="expectation") as caught:
            forward.expects(parsed(b"Expect: " + value, b"Content-Length: 1"))
        assert caught.value.status == 417


class TestResponseHead:
    def test_is_exactly_this(self) -> None:
        answer = answered(b"Server: s", b"Content-Length: 2", b"Set-Cookie: a", b"Set-Cookie: b")
        assert returned(answer, 2) == [
            b"HTTP/1.1 200 OK",
            b"Server: s",
            b"Set-Cookie: a",
            b"Set-Cookie: b",
            b"Date: now",
            b"Via: 1.1 rsp",
            b"Content-Length: 2",
        ]

    @pytest.mark.parametrize(
        "field", [b"Connection: close", b"Keep-Alive: 5", b"Proxy-Connection: x", b"Upgrade: h2c"]
    )
    def test_has_nothing_of_what_concerned_one_connection(self, field: bytes) -> None:
        """An Upgrade that the backend offers would not be for this connection."""
        assert returned(answered(field)) == returned(answered())

    def test_has_not_what_connection_names(self) -> None:
        assert returned(answered(b"Connection: x-a", b"X-A: 1")) == returned(answered())

    def test_keeps_what_is_said_to_the_other_end(self) -> None:
        """Challenges, methods, what a cache reads, redirects (RFC 9110 §11.6.1, §10.2.1, §7.7)."""
        said = [
            b'WWW-Authenticate: Basic realm="a"',
            b'WWW-Authenticate: Digest realm="b", nonce="c"',
            b"Allow: GET, PUT",
            b"Vary: *",
            b'ETag: W/"a"',
            b"Location: http://elsewhere.test/",
            b"Cache-Control: no-transform",
            b"Content-Range: bytes 0-1/9",
            b"Content-Encoding: gzip",
            b"Server: s",
            b"Trailer: T",
            b"Date: then",
        ]
        assert returned(answered(*said))[1:-2] == said

    def test_keeps_the_date_of_a_backend_that_has_a_clock(self) -> None:
        assert b"Date: then" in returned(answered(b"Date: then"))

    @pytest.mark.parametrize(
        ("line", "method", "lengths"),
        [
            (b"HTTP/1.1 200 OK", b"HEAD", [b"Content-Length: 7"]),
            (b"HTTP/1.1 304 Not Modified", b"GET", [b"Content-Length: 7"]),
            (b"HTTP/1.1 204 No Content", b"GET", []),
        ],
    )
    def test_without_a_body_tells_the_length_that_one_would_have(
        self, line: bytes, method: bytes, lengths: list[bytes]
    ) -> None:
        """But for 204, where there may be none (RFC 9110 §8.6)."""
        lines = returned(answered(b"Content-Length: 7", line=line, method=method), None)
        assert [one for one in lines if one.startswith(b"Content-Length")] == lengths

    def test_of_426_says_what_to_upgrade_to(self) -> None:
        """The client cannot know it otherwise (RFC 9110 §15.5.22)."""
        lines = returned(answered(b"Upgrade: x/2", line=b"HTTP/1.1 426 Upgrade Required"))
        assert {b"Upgrade: x/2", b"Connection: upgrade"} <= set(lines)

    @pytest.mark.parametrize(
        ("keep", "minor", "field"),
        [
            (True, 1, b""),
            (False, 1, b"Connection: close\r\n"),
            (True, 0, b"Connection: keep-alive\r\n"),
            (False, 0, b"Connection: close\r\n"),
        ],
    )
    def test_says_who_may_stay_where_that_is_not_the_rule(
        self, keep: bool, minor: int, field: bytes
    ) -> None:
        """In answers of our own, too: HTTP/1.0 waits for the end unless it is told to stay."""
        assert forward.connection(keep, minor) == field
        answer = forward.response_head(answered(), 0, minor, keep, b"now")
        own, _ = forward.own_answer(HTTPStatus.OK, b"", b"now", keep, minor)
        for head in (answer, own):
            assert (b"Connection: " in head) == bool(field)
            assert field in head


def test_an_interim_head_says_nothing_of_connections() -> None:
    """103 with its links, and no more (RFC 8297)."""
    answer = answered(b"Link: </a>", b"Connection: x", b"X: 1", line=b"HTTP/1.1 103 Early Hints")
    assert forward.interim_head(answer) == b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


@pytest.mark.parametrize("line", [b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.0 200"])
def test_a_status_line_has_its_space_without_a_reason_too(line: bytes) -> None:
    """And our version, whatever the backend's is (RFC 9112 §4, §2.3)."""
    assert returned(answered(line=line))[0] == b"HTTP/1.1 200 "
    interim = forward.interim_head(answered(line=line.replace(b"200", b"103")))
    assert interim == b"HTTP/1.1 103 \r\n\r\n"


def test_a_client_is_told_of_as_it_came() -> None:
    assert forward.about(b"2001:db8::1", b"https") == (
        b"X-Forwarded-For: 2001:db8::1\r\nX-Forwarded-Proto: https\r\n"
    )
