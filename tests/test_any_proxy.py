"""The contract, asked of proxies that are not ours: nginx and HAProxy, where they are installed."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from rsp.lab.contract import HTTP_OUTCOMES, OUTCOMES, RIGHT, already_before
from tests.contract import Subject, difference
from tests.foreign import standing

# So many experiments with programs that are not ours: they change when Debian does, not when we do.
pytestmark = pytest.mark.slow

STREAMS = "The first part of an answer does not wait for the rest"
HALF_CLOSED = "A client that half-closes after its request gets its answer"
SHORT = "An answer that ends too early reaches the client as far as it goes, and then ends"
RESET = "A backend's reset in the middle of an answer does not look like its end"
LEFT = "A backend at work for a client learns that the client has left"
CLIENTS_RESET = "A client's reset reaches the backend as a reset"
UNREAD = "While a client does not read its answer, the backend is made to wait with the rest"
STUCK_UPLOAD = "While a backend does not read an upload, its answer passes, and then the upload"
ECHO = "What a backend echoes comes back while the client has still more to say"
ENDS_FIRST = "A backend that ends its side first still gets the rest of an upload"

BOTH = "A request with a length and with chunks is refused, and the backend sees nothing of it"
HIDDEN = "What one reader takes for a body and another for a request does not reach the backend"
HUGE = "A head of more than 64 KiB is refused with 431"
HOP = "The fields that Connection names do not reach the backend, the others do"
TOLD = "The backend is told the client's address, and nothing that the client says of itself"
URL = "The authority of a URL in the request line replaces Host"
CHUNKS = "A body in chunks arrives whole, and so does the request behind it"
CONTINUES = "A client is told to go on with a body by the backend, and by nobody else"
OLD = "A client of HTTP/1.0 gets an answer without chunks, whole"
BACKEND_DOWN = "A client whose backend is down is told 502"
REUSED = "A second client's request goes over the connection that the first one's went over"
UNASKED = "A 101 that nobody asked for does not reach the client, who is told 502"
CUT = "An answer that is cut never looks whole, whoever asked for it and however it is framed"


class Kind(NamedTuple):
    """A proxy of somebody else's: its program, more of its file, and what it does otherwise."""

    program: str
    more: str
    differs: dict[str, str]


# nginx sends no request before it has all of it, and of an answer, no more than its length.
REQUEST_FIRST = {ECHO: "waits", ENDS_FIRST: "waits", STUCK_UPLOAD: "cut"}
# Told nothing more, it writes Host after its own configuration, frames what came in chunks by a
# length, answers 100 itself, keeps no upstream, and ends well whatever a client of HTTP/1.0 missed.
NGINX_IN_HTTP = {
    **dict.fromkeys((HOP, TOLD), "passes"),
    **dict.fromkeys((URL, CHUNKS), "cut"),
    **{HUGE: "other", CONTINUES: "other", REUSED: "wastes", CUT: "hides"},
}
# HAProxy repairs a message with a length and chunks, passes chunks on to HTTP/1.0, says 400 to a
# URL with another Host and 503 for a backend that is down; a backend's connection is one client's.
HAPROXY_IN_HTTP = {
    **dict.fromkeys((BOTH, HIDDEN, HOP, TOLD), "passes"),
    **{URL: "other", HUGE: "other", OLD: "other", BACKEND_DOWN: "other", REUSED: "wastes"},
}
ALL = "proxy_buffering off; proxy_ignore_client_abort on;"
KINDS = {
    # As it comes, nginx collects small parts of an answer, and takes a half-close for a farewell.
    "nginx": Kind(
        "nginx",
        "",
        {
            **REQUEST_FIRST,
            **NGINX_IN_HTTP,
            UNASKED: "lost",
            STREAMS: "waits",
            HALF_CLOSED: "lost",
            RESET: "waits",
            CLIENTS_RESET: "hides",
            UNREAD: "swallows",  # into a file of up to 1 GB
        },
    ),
    "nginx, told so": Kind(
        "nginx",
        ALL,
        {
            **REQUEST_FIRST,
            **NGINX_IN_HTTP,
            UNASKED: "waits",
            LEFT: "waits",
            CLIENTS_RESET: "waits",
        },
    ),
    # HAProxy ends with a FIN in any case.
    "haproxy": Kind(
        "haproxy",
        "",
        {
            **HAPROXY_IN_HTTP,
            RESET: "hides",
            LEFT: "waits",
            CLIENTS_RESET: "waits",
            ENDS_FIRST: "waits",
        },
    ),
}


@pytest.fixture(scope="module", params=KINDS)
def foreign(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Subject]:
    """A proxy that runs, before a port of the test's."""
    kind = KINDS[request.param]
    folder = tmp_path_factory.mktemp(kind.program)
    with standing(kind.program, folder, kind.more) as (address, backend):
        yield Subject(request.param, "", already_before(address, backend))


@pytest.mark.parametrize("text", OUTCOMES | HTTP_OUTCOMES)
def test_a_proxy_of_somebody_elses_can_be_asked(foreign: Subject, text: str) -> None:
    """What it does otherwise is known; the contract asks nothing that only ours could do."""
    expected = KINDS[foreign.name].differs.get(text, RIGHT)
    found = difference(foreign, text)
    assert f" shows {expected} " in found if expected != RIGHT else found == ""
