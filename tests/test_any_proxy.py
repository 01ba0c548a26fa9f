"""The contract, asked of proxies that are not ours: nginx and HAProxy, where they are installed."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from rsp.lab.contract import OUTCOMES, RIGHT, already_before
from tests.contract import Subject, difference
from tests.foreign import standing

# Ninety experiments with programs that are not ours: they change when Debian does, not when we do.
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


class Kind(NamedTuple):
    """A proxy of somebody else's: its program, more of its file, and what it does otherwise."""

    program: str
    more: str
    differs: dict[str, str]


# nginx sends no request before it has all of it, and of an answer, no more than its length.
REQUEST_FIRST = {ECHO: "waits", ENDS_FIRST: "waits", STUCK_UPLOAD: "cut"}
ALL = "proxy_buffering off; proxy_ignore_client_abort on;"
KINDS = {
    # As it comes, nginx collects small parts of an answer, and takes a half-close for a farewell.
    "nginx": Kind(
        "nginx",
        "",
        {
            **REQUEST_FIRST,
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
        {**REQUEST_FIRST, LEFT: "waits", CLIENTS_RESET: "waits"},
    ),
    # HAProxy ends with a FIN in any case.
    "haproxy": Kind(
        "haproxy",
        "",
        {
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


@pytest.mark.parametrize("text", OUTCOMES)
def test_a_proxy_of_somebody_elses_can_be_asked(foreign: Subject, text: str) -> None:
    """What it does otherwise is known; the contract asks nothing that only ours could do."""
    expected = KINDS[foreign.name].differs.get(text, RIGHT)
    found = difference(foreign, text)
    assert f" shows {expected} " in found if expected != RIGHT else found == ""
