"""The contract: what is asked of every proxy, and how the answer is told.

The same outcomes (`rsp.lab.outcomes`) are asked of each stage, of the command, of the learner's own
function and of any proxy. Each tells RIGHT or the symptom of what went wrong, never just "failed".
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from pathlib import Path

from rsp.lab.backends import Backend, Temper
from rsp.lab.clients import Client, Server, fetch
from rsp.lab.ends import End
from rsp.lab.processes import InProcess
from rsp.lab.proxies import Proxy, Serve
from rsp.lab.running import running
from rsp.lab.settings import TIMEOUT, Stuck
from rsp.net import Address

RIGHT = "right"
SYMPTOMS = {
    RIGHT: "as it should be",
    "cut": "a part is missing",
    "lost": "nothing came",
    "waits": "nothing came within the time",
    "refuses": "nobody accepts, or the connection is reset",
    "other": "something else came than is right",
    "passes": "what has to stay behind reaches the backend",
    "twice": "the backend got it twice",
    "wastes": "it makes a connection where it has one",
    "hides": "a failure looks like a good end",
    "swallows": "it keeps without limit what nobody takes",
    "leaks": "descriptors are left open",
    "exits": "it has ended, though nobody ended it",
    "untried": "not tried, after so much that went wrong",
    "stuck": "it does not end when its listener is shut down",
}
SOON = 0.5  # seconds to wait for what may also never come
BODY = b"what the backend said\n"

Standing = tuple[Server, Backend]
Before = Callable[..., AbstractContextManager[Standing]]
Outcome = Callable[[Before], str | None]  # RIGHT or a symptom; None where it cannot be told
OUTCOMES: dict[str, Outcome] = {}  # asked of everybody
HTTP_OUTCOMES: dict[str, Outcome] = {}  # asked of whoever reads HTTP


class Shows(Exception):
    """Ends an outcome early with what it shows; the message is the symptom."""


def adding_to(outcomes: dict[str, Outcome]) -> Callable[[Outcome], Outcome]:
    """Return the decorator that adds a check to the contract, under its docstring's first line.

    What nobody answered in time `waits`, and a broken connection `refuses`, whichever line saw it.
    """

    def add(check: Outcome) -> Outcome:
        @wraps(check)
        def told(before: Before) -> str | None:
            try:
                return check(before)
            except Shows as symptom:
                return str(symptom)
            except TimeoutError:
                return "waits"
            except ConnectionError:
                return "refuses"

        text = (check.__doc__ or check.__name__).strip().splitlines()[0].rstrip(".")
        outcomes[text] = told
        return told

    return add


outcome = adding_to(OUTCOMES)
http_outcome = adding_to(HTTP_OUTCOMES)


def before(serve: Serve | Sequence[str]) -> Before:
    """Return what stands `serve`, or a command, in front of a backend of any temper."""

    @contextmanager
    def stand(temper: Temper, *, up: bool = True) -> Iterator[Standing]:
        with Backend(temper, up=up) as backend:
            try:
                with running(serve, backend, may_fail=True) as proxy:
                    with ending_told(proxy):
                        yield proxy, backend
            except Stuck as error:
                raise Shows("stuck") from error

    return stand


@contextmanager
def ending_told(proxy: Proxy) -> Iterator[None]:
    """See to it that a proxy which has ended by itself shows that, and nothing else."""
    try:
        yield
    except OSError as error:
        # A connection that broke may be the first that is seen of a process that ends.
        if proxy.ended(TIMEOUT if isinstance(error, ConnectionError) else 0):
            raise Shows("exits") from None
        raise
    if proxy.gone:
        raise Shows("exits")


def already_before(proxy: Address, backend_port: int) -> Before:
    """Return the same for a proxy that runs already, and forwards to this port of this machine."""

    class Outside(Server):
        @property
        def address(self) -> Address:
            return proxy

    @contextmanager
    def stand(temper: Temper, *, up: bool = True) -> Iterator[Standing]:
        with Backend(temper, port=backend_port, up=up) as backend:
            yield Outside(), backend

    return stand


def got(server: Server, want: bytes = BODY, **fields: str) -> str:
    """Tell how one fetch went."""
    try:
        answer = fetch(server, **fields)
    except TimeoutError:
        return "waits"
    except ConnectionError:
        return "exits" if server.ended() else "refuses"
    if answer.body == want:
        return RIGHT
    return "cut" if answer.head else "lost"


def first(treated: Temper, then: Temper) -> Temper:
    """Treat the first connection in one way, and all that come then in another."""

    def temper(end: End, backend: Backend) -> None:
        (treated if end is backend.connections[0] else then)(end, backend)

    return temper


def took(client: Client, want: bytes) -> str:
    """Tell how the rest of an answer came to a client that has asked."""
    data = client.recv_all()
    if data.endswith(b"\r\n\r\n" + want):
        return RIGHT
    return "cut" if data else "lost"


def ends_well(client: Client) -> bool:
    """Tell whether the rest of an answer looks complete: no reset, no last chunk left out."""
    try:
        client.recv_all()
    except ConnectionError:
        return False
    data = bytes(client.received)
    chunked = b"transfer-encoding: chunked" in data.partition(b"\r\n\r\n")[0].lower()
    return not chunked or data.endswith(b"0\r\n\r\n")  # RFC 9112 §7.1


def first_wrong(*tries: Callable[[], str]) -> str:
    """Return the first symptom that is not RIGHT; what comes after it is not tried."""
    return next((symptom for one in tries if (symptom := one()) != RIGHT), RIGHT)


def arrived(backend: Backend, *parts: bytes) -> str:
    """Tell whether a request came to the backend whole, with all of these parts in it."""
    if backend.wait_until(lambda: bool(backend.requests)):
        return RIGHT if all(part in backend.requests[-1] for part in parts) else "cut"
    return "cut" if backend.received() else "lost"


def descriptors(proxy: Proxy | Server) -> int | None:
    """Return how many descriptors the proxy's process has open; None where that is not told."""
    if not isinstance(proxy, Proxy):
        return None
    pid = str(proxy.process.pid) if isinstance(proxy, InProcess) else "self"
    folder = Path("/proc") / pid / "fd"
    return len(os.listdir(folder)) if folder.is_dir() else None
