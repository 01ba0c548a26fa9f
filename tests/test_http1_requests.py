"""rsp.http1.requests: a request's head, read plainly (RFC 9112 §2, §3, §5; RFC 9110 §4, §7)."""

import time

import pytest
from hypothesis import given

from rsp.http1.message import BadRequest, Limits, Request
from rsp.http1.requests import take_request
from tests.drawn import by_drawing, request_heads, spoilt
from tests.feeding import LIMITS, ways

LINE = b"GET / HTTP/1.1\r\n"
HOST = b"Host: a.test\r\n"


def request(head: bytes, limits: Limits = LIMITS) -> Request:
    """Return the request of a head, and see that it ends where it should."""
    found = take_request(head + b"behind", limits)
    assert found is not None
    assert found[1] == len(head)
    return found[0]


def refusal(head: bytes, limits: Limits = LIMITS) -> tuple[int, str]:
    """Return why a head is refused."""
    with pytest.raises(BadRequest) as caught:
        take_request(head, limits)
    return caught.value.status, str(caught.value)


def stepwise(pieces: list[bytes], limits: Limits = LIMITS) -> tuple[Request, int] | int | None:
    """Return what a head gives that comes in pieces: a request, a status, or nothing yet."""
    received, known = b"", 0
    try:
        for piece in pieces:
            received += piece
            found = take_request(received, limits, known)
            known = len(received)
            if found:
                return found
    except BadRequest as error:
        return error.status
    return None


class TestLine:
    def test_it_has_a_method_a_target_and_a_version(self) -> None:
        """RFC 9112 §3: one space between them, and nothing around."""
        head = request(b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n")
        assert (head.method, head.target, head.minor) == (b"GET", b"/a", 1)

    @pytest.mark.parametrize("line", [b"GET  /", b"GET\t/", b" GET /", b"GET /\t", b"GET / /", b""])
    def test_other_white_space_is_refused(self, line: bytes) -> None:
        """RFC 9112 §3: a lenient reader may split at any white space; two would differ."""
        refused = (400, "a malformed request line")
        assert refusal(line + b" HTTP/1.1\r\n" + HOST + b"\r\n") == refused

    def test_one_empty_line_before_it_is_ignored(self) -> None:
        """RFC 9112 §2.2: old browsers sent one behind a form."""
        assert request(b"\r\n" + LINE + HOST + b"\r\n").target == b"/"
        assert refusal(b"\r\n\r\n" + LINE + HOST + b"\r\n")[0] == 400

    def test_a_method_is_a_token_in_its_own_letters(self) -> None:
        """RFC 9110 §9.1: methods are told apart by case, and there is no list of all."""
        assert request(b"gEt-it / HTTP/1.1\r\n" + HOST + b"\r\n").method == b"gEt-it"
        assert refusal(b"G@T / HTTP/1.1\r\n" + HOST + b"\r\n")[0] == 400

    @pytest.mark.parametrize(("version", "minor"), [(b"1.0", 0), (b"1.1", 1), (b"1.9", 1)])
    def test_a_higher_minor_version_is_read_as_1_1(self, version: bytes, minor: int) -> None:
        """RFC 9110 §2.5."""
        assert request(b"GET / HTTP/%b\r\n%b\r\n" % (version, HOST)).minor == minor

    @pytest.mark.parametrize("version", [b"0.9", b"2.0", b"3.0"])
    def test_another_major_version_is_505(self, version: bytes) -> None:
        """RFC 9110 §15.6.6."""
        assert refusal(b"GET / HTTP/%b\r\n" % version) == (505, "a version that is not HTTP/1")

    @pytest.mark.parametrize("version", [b"HTTP/1", b"HTTP/1.10", b"http/1.1", b"HTTP/1.1x"])
    def test_a_malformed_version_is_400(self, version: bytes) -> None:
        """RFC 9112 §2.3: a name in capitals, a digit, a point, a digit."""
        assert refusal(b"GET / " + version + b"\r\n")[0] == 400


class TestTarget:
    @pytest.mark.parametrize(
        "target",
        [b"/", b"//a", b"/%2F/../%00", b'/?a={|}^[]`\\"<>', b"/a#b", b"/?u=http://b@c:1/"],
    )
    def test_a_path_passes_byte_for_byte(self, target: bytes) -> None:
        """RFC 9112 §3.2.1: what it means is the backend's to say."""
        assert request(b"GET %b HTTP/1.1\r\n%b\r\n" % (target, HOST)).target == target

    @pytest.mark.parametrize("octet", [0x00, 0x1B, 0x7F, 0x80, 0xC3, 0xFF])
    def test_octets_that_are_not_visible_ascii_are_refused(self, octet: int) -> None:
        """RFC 3986 §2: they must be percent-encoded; readers decode them in several ways."""
        line = b"GET /a%cb HTTP/1.1\r\n" % octet
        assert refusal(line + HOST + b"\r\n")[0] == 400

    @pytest.mark.parametrize(
        ("target", "path", "host"),
        [
            (b"http://b.test/c?d", b"/c?d", b"b.test"),
            (b"HTTPS://b.test:8443/", b"/", b"b.test:8443"),
            (b"http://b.test", b"/", b"b.test"),
            (b"http://b.test?d", b"/?d", b"b.test"),
            (b"http://[::1]:80/c#d", b"/c#d", b"[::1]:80"),
        ],
    )
    def test_the_authority_of_a_url_replaces_host(
        self, target: bytes, path: bytes, host: bytes
    ) -> None:
        """RFC 9112 §3.2.2: whatever Host says; it must say something well-formed all the same."""
        head = request(b"GET %b HTTP/1.1\r\n%b\r\n" % (target, HOST))
        assert (head.target, head.host) == (path, host)

    @pytest.mark.parametrize(
        "target",
        [b"http://a@b.test/", b"http:///a", b"http://:80/", b"ftp://b.test/", b"http://b\\c/"],
    )
    def test_a_url_that_two_could_read_in_two_ways_is_refused(self, target: bytes) -> None:
        """RFC 9110 §4.2.1, §4.2.4: no empty host, no user information."""
        head = b"GET %b HTTP/1.1\r\n%b\r\n" % (target, HOST)
        assert refusal(head) == (400, "a malformed target")

    def test_the_star_is_for_options(self) -> None:
        """RFC 9112 §3.2.4; and a URL without a path becomes one."""
        assert request(b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n").target == b"*"
        assert request(b"OPTIONS http://b HTTP/1.1\r\n" + HOST + b"\r\n").target == b"*"
        assert refusal(b"GET * HTTP/1.1\r\n" + HOST + b"\r\n")[0] == 400

    def test_connect_has_a_host_and_a_port(self) -> None:
        """RFC 9112 §3.2.3: nothing else, and nobody else has it."""
        head = request(b"CONNECT b.test:443 HTTP/1.1\r\n" + HOST + b"\r\n")
        assert (head.target, head.host) == (b"b.test:443", b"b.test:443")
        for target in (b"/", b"b.test", b"b.test:", b"http://b.test:1/", b"*"):
            line = b"CONNECT %b HTTP/1.1\r\n" % target
            assert refusal(line + HOST + b"\r\n")[1] == "a malformed target of CONNECT"
        assert refusal(b"GET b.test:443 HTTP/1.1\r\n" + HOST + b"\r\n")[0] == 400


class TestHost:
    def test_1_1_has_one(self) -> None:
        """RFC 9112 §3.2: exactly one in 1.1, at most one in 1.0."""
        assert refusal(LINE + b"\r\n") == (400, "no Host")
        assert refusal(LINE + HOST + HOST + b"\r\n") == (400, "more than one Host")
        assert refusal(b"GET / HTTP/1.0\r\n" + HOST + HOST + b"\r\n")[1] == "more than one Host"
        assert request(b"GET / HTTP/1.0\r\n\r\n").host is None

    @pytest.mark.parametrize(
        "host",
        [b"a.test", b"a.test:80", b"a.test:", b"[::1]:80", b"192.0.2.1", b"my_shop", b"a%41"],
    )
    def test_it_is_a_host_with_a_port_or_none(self, host: bytes) -> None:
        """RFC 9110 §7.2, RFC 3986 §3.2.2."""
        assert request(LINE + b"Host:\t%b \r\n\r\n" % host).host == host

    @pytest.mark.parametrize(
        "host",
        [
            b"",
            b"a b",
            b"a,b",
            b"a/b",
            b"u@a",
            b"a:x",
            b"a:1:2",
            b":1",
            b"[::",
            b"[:::]",
            b"\xc3\xa4",
        ],
    )
    def test_a_malformed_one_is_refused(self, host: bytes) -> None:
        """RFC 9112 §3.2: the comma, too, by which somebody in between joins two."""
        assert refusal(LINE + b"Host: %b\r\n\r\n" % host) == (400, "a malformed Host")


class TestFields:
    def test_values_pass_as_they_came(self) -> None:
        """RFC 9110 §5.5: tabs, and octets beyond ASCII; the order is kept, and the letters."""
        lines = b"x-a:\t1 \r\nX-A: \x80\xff\r\nEmpty:\r\n"
        assert request(LINE + HOST + lines + b"\r\n").fields == lines

    def test_what_a_proxy_decides_about_is_set_apart(self) -> None:
        """RFC 9110 §7.6.1: what is for one connection alone, and what tells of the client."""
        lines = b"Via: 1.1 a\r\nX-A: 1\r\nvia:1.1 b \r\nTE: trailers\r\n"
        head = request(LINE + HOST + lines + b"\r\n")
        assert head.fields == b"X-A: 1\r\n"
        special = {b"host": [b"a.test"], b"via": [b"1.1 a", b"1.1 b"], b"te": [b"trailers"]}
        assert head.special == special

    @pytest.mark.parametrize("line", [b"A : b", b"A\t: b", b": b", b"A", b"A B: c", b"\xc4: b"])
    def test_a_malformed_name_is_refused(self, line: bytes) -> None:
        """RFC 9112 §5.1: above all white space before the colon."""
        assert "a malformed field line" in refusal(LINE + HOST + line + b"\r\n\r\n")[1]

    @pytest.mark.parametrize("fold", [b" b", b"\tb", b" ", b" Content-Length: 5"])
    def test_a_folded_line_is_refused(self, fold: bytes) -> None:
        """RFC 9112 §5.2: one reader sees one field, another two."""
        assert refusal(LINE + HOST + b"A: b\r\n" + fold + b"\r\n\r\n")[0] == 400
        assert refusal(LINE + fold + b"\r\n" + HOST + b"\r\n")[0] == 400

    def test_a_name_with_an_underscore_goes(self) -> None:
        """CGI and its heirs take it for the one with a hyphen."""
        head = request(LINE + HOST + b"Content_Length: 5\r\nX_Forwarded_For: a\r\nX: y\r\n\r\n")
        assert (head.fields, head.framing) == (b"X: y\r\n", 0)

    @pytest.mark.parametrize("name", [b"X.Forwarded.For", b"Content~Length", b"vi_a", b"T!E"])
    def test_a_name_that_looks_like_ours_goes(self, name: bytes) -> None:
        """Some servers take any letter for a hyphen that is none; other names may have such."""
        head = request(LINE + HOST + name + b": 5\r\nX.Y: z\r\n\r\n")
        stays = name + b": 5\r\n" if name == b"T!E" else b""
        assert (head.fields, head.framing) == (stays + b"X.Y: z\r\n", 0)
        assert list(head.special) == [b"host"]

    def test_what_tells_of_a_client_is_set_apart(self) -> None:
        """All that begins so, for each framework believes another; and HTTP_PROXY of CGI."""
        head = request(LINE + HOST + b"X-Forwarded-New: a\r\nX: y\r\nProxy: http://b\r\n\r\n")
        assert head.fields == b"X: y\r\n"
        assert list(head.special) == [b"host", b"x-forwarded-new", b"proxy"]

    @pytest.mark.parametrize(
        ("octets", "name"),
        [
            (b"\0", "NUL"),
            (b"\r", "bare CR"),
            (b"\n", "bare LF"),
            (b"\x0b", "control character"),
            (b"\x1c", "control character"),
            (b"\x7f", "control character"),
        ],
    )
    def test_a_control_character_is_refused_wherever_it_stands(
        self, octets: bytes, name: str
    ) -> None:
        """RFC 9112 §2.2, RFC 9110 §5.5: also LF alone as the end of a line."""
        head = LINE + HOST + b"X-A: b\r\n\r\n"
        for at in range(1, len(head)):
            if head[at - 1 : at] == b"\r" or (octets == b"\r" and head[at:] == b"\r\n\r\n"):
                continue  # two CR before LF: see below
            assert refusal(head[:at] + octets + head[at:]) == (400, f"a {name} in the head")

    def test_two_cr_before_lf_are_refused(self) -> None:
        """RFC 9112 §2.2: the first is a bare one."""
        head = LINE + HOST + b"\r\n"
        for at in (len(LINE) - 2, len(LINE + HOST) - 2, len(head) - 2):
            assert refusal(head[:at] + b"\r" + head[at:])[0] == 400


class TestConnection:
    @pytest.mark.parametrize(
        ("version", "value", "stays"),
        [
            (b"1.1", b"x", True),
            (b"1.1", b"Close", False),
            (b"1.1", b"keep-alive, close", False),
            (b"1.0", b"x", False),
            (b"1.0", b"x,,Keep-Alive", True),
            (b"1.0", b"keep-alive, close", False),
        ],
    )
    def test_the_version_and_connection_say_who_stays(
        self, version: bytes, value: bytes, stays: bool
    ) -> None:
        """RFC 9112 §9.3: close wins."""
        head = request(b"GET / HTTP/%b\r\n%bConnection: %b\r\n\r\n" % (version, HOST, value))
        assert head.keep_alive is stays


class TestLimits:
    def test_a_request_line_at_its_limit_passes_in_every_way(self) -> None:
        """RFC 9112 §3: one byte more is 414, before its line has ended."""
        head = LINE + HOST + b"\r\n"
        exact = Limits(request_line=len(LINE) - 2)
        for pieces in ways(head):
            assert stepwise(pieces, exact) == take_request(head, exact)
        tight = Limits(request_line=len(LINE) - 3)
        for pieces in ways(head):
            assert stepwise(pieces, tight) == 414
        assert refusal(b"A" * 20, tight)[0] == 414

    def test_a_head_at_its_limit_passes_in_every_way(self) -> None:
        """RFC 6585 §5: one byte more is 431, before its end has come."""
        head = LINE + HOST + b"\r\n"
        exact = Limits(head=len(head) - 4)
        for pieces in ways(head):
            assert stepwise(pieces, exact) == take_request(head, exact)
        tight = Limits(head=len(head) - 5)
        for pieces in ways(head):
            assert stepwise(pieces, tight) == 431
        assert refusal(LINE + HOST * 9, tight)[0] == 431

    def test_so_many_fields_pass_and_no_more(self) -> None:
        """Those that go count, too."""
        limits = Limits(fields=3)
        assert request(LINE + HOST + b"A_: b\r\n" * 2 + b"\r\n", limits).fields == b""
        assert refusal(LINE + HOST + b"A_: b\r\n" * 3 + b"\r\n", limits)[0] == 431

    def test_the_defaults_let_every_browser_through(self) -> None:
        """A target of 8,000 bytes (RFC 9112 §3), cookies of 8 KiB for a site and its parents."""
        cookie = b"Cookie: " + b"a" * 24_000 + b"\r\n"
        request(b"GET /" + b"a" * 8_000 + b" HTTP/1.1\r\n" + HOST + cookie + b"\r\n")


class TestPieces:
    def test_a_head_is_the_same_in_every_way_it_comes(self) -> None:
        """Whole, byte by byte, split at each place, with more behind it."""
        head = b"\r\nPOST /a HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nX: \xff\r\n\r\n"
        found = take_request(head, LIMITS)
        assert found
        assert found[1] == len(head)
        for pieces in ways(head + b"hello"):
            assert stepwise(pieces) == found

    @pytest.mark.parametrize("beginning", [b"", b"\r", b"\r\n", b"G", b"GET /", LINE, LINE + b"Ho"])
    def test_a_beginning_is_waited_for(self, beginning: bytes) -> None:
        assert take_request(beginning, LIMITS) is None

    @pytest.mark.parametrize(
        "beginning", [b"\x16\x03", b"\n", b" ", b"GET / HTTP/1.1\n", b"GET\r\n"]
    )
    def test_what_can_become_no_request_is_refused_at_once(self, beginning: bytes) -> None:
        """Somebody who speaks TLS, or ends lines with LF, would wait for us for ever."""
        assert refusal(beginning)[0] == 400

    @by_drawing
    @given(spoilt(request_heads()))
    def test_a_fault_is_the_same_fault_in_every_way_it_comes(self, head: bytes) -> None:
        """A verdict does not depend on where TCP cut; only which fault is seen first may."""
        whole = stepwise([head])
        for pieces in ways(head):
            result = stepwise(pieces)
            assert isinstance(result, int) == isinstance(whole, int)
            if not isinstance(result, int):
                assert result == whole

    def test_a_slow_client_costs_no_more_than_its_bytes(self) -> None:
        """A head of 32 KB in pieces of 8 bytes, all of it read again each time, takes seconds."""
        head = LINE + HOST + (b"X: " + b"a" * 40 + b"\r\n") * 90
        head += b"Y: " + b"a" * (32_000 - len(head))
        began = time.process_time()
        assert stepwise([head[at : at + 8] for at in range(0, len(head), 8)]) is None
        assert time.process_time() - began < 0.5
