"""Messages that Hypothesis draws: heads, heads with a fault, bodies in chunks.

Every run draws the same, and as many as a second allows. RSP_EXAMPLES=20000 draws so many, and
others each time: for a night, and for whoever has changed a reader.
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = os.environ.get("RSP_EXAMPLES")
by_drawing = settings(
    max_examples=int(EXAMPLES or 300),
    derandomize=EXAMPLES is None,
    deadline=None,  # a busy machine is no fault of a reader's
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)

TCHARS = b"!#$%&'*+-.^_`|~0123456789abcXYZ"
ODD = [b"\r", b"\n", b"\r\n", b"\0", b" ", b"\t", b":", b"_", b"\x7f", b"\x80", b"/", b",", b";"]

tokens = st.lists(st.sampled_from(TCHARS), min_size=1, max_size=8).map(bytes)
values = st.lists(
    st.sampled_from(b"\t ,;=:\"/ab019\x80\xff"), max_size=12
).map(bytes)  # fmt: skip
names = st.one_of(
    tokens,
    st.sampled_from(
        b"Host Connection connection TE Expect Via X-Forwarded-For Keep-Alive Upgrade Trailer"
        b" Content-Type Cookie X_A Date hosts Max-Forwards Proxy-Connection".split()
    ),
)
fields = st.tuples(names, st.just(b":"), st.sampled_from([b"", b" ", b"\t "]), values)
framings = st.sampled_from(
    [
        b"",
        b"Content-Length: 5\r\n",
        b"content-length:\t0 \r\n",
        b"Content-Length: 05\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"transfer-encoding:  CHUNKED\t\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    ]
)
methods = st.one_of(st.sampled_from([b"GET", b"POST", b"OPTIONS", b"CONNECT", b"get"]), tokens)
targets = st.one_of(
    st.sampled_from([b"/", b"/a?b", b"*", b"http://b.test/c", b"https://[::1]:8", b"a.test:80"]),
    st.lists(st.sampled_from(b"/:?#%@[]\\a.~|"), max_size=10).map(lambda path: b"/" + bytes(path)),
)
hosts = st.sampled_from(
    [b"Host: a.test\r\n"] * 6 + [b"", b"HOST:b.test:80\r\n", b"Host: [::1]\r\n", b"Host: a b\r\n"]
)
lines_of_fields = st.lists(fields.map(b"".join).map(lambda line: line + b"\r\n"), max_size=5)


@st.composite
def request_heads(draw: st.DrawFn) -> bytes:
    """Return a request's head, in order or nearly."""
    version = draw(st.sampled_from([b"1.1"] * 5 + [b"1.0", b"1.7", b"2.0"]))
    line = b"%b %b HTTP/%b\r\n" % (draw(methods), draw(targets), version)
    lines = [draw(hosts), draw(framings), *draw(lines_of_fields)]
    return line + b"".join(draw(st.permutations(lines))) + b"\r\n"


@st.composite
def response_heads(draw: st.DrawFn) -> bytes:
    """Return a response's head, in order or nearly."""
    version = draw(st.sampled_from([b"1.1"] * 4 + [b"1.0", b"1.5"]))
    status = draw(st.sampled_from([b"200", b"404", b"204", b"304", b"100", b"101", b"599"]))
    reason = draw(st.sampled_from([b" OK", b" ", b"", b" Not\tFound \xe9"]))
    lines = [draw(framings), *draw(lines_of_fields)]
    return b"HTTP/%b %b%b\r\n%b\r\n" % (version, status, reason, b"".join(lines))


@st.composite
def spoilt(draw: st.DrawFn, heads: st.SearchStrategy[bytes]) -> bytes:
    """Return a head with one to three faults: octets put in, taken out or replaced."""
    head = draw(heads)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(head)))
        odd = draw(st.sampled_from(ODD))
        head = head[:at] + odd + head[at + draw(st.integers(0, 2)) :]
    return head


@st.composite
def pieces_of(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """Return the data in pieces."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=6)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


extensions = st.sampled_from([b"", b";a", b" ;a=b", b';a="b\\"; c"', b"; a = b ;c"])
trailers = st.sampled_from([b"", b"X-Sum: 1\r\n", b"X-A:\r\nX-B: \xff\tb\r\n"])


@st.composite
def chunked_bodies(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    """Return a body in chunks, its content and its trailers."""
    contents = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=5))
    size = draw(st.sampled_from([b"%x", b"%X", b"%04x"]))
    coded = [
        size % len(content) + draw(extensions) + b"\r\n" + content + b"\r\n" for content in contents
    ]
    end = b"0" * draw(st.integers(1, 9)) + draw(extensions) + b"\r\n"
    behind = draw(trailers)
    return b"".join(coded) + end + behind + b"\r\n", b"".join(contents), behind
