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
from rsp.lab.processes import InProcess
from rsp.lab.proxies import Proxy, Serve
from rsp.lab.running import running
from rsp.net import Address

RIGHT = "right"
SYMPTOMS = {
    RIGHT: "as it should be",
    "cut": "a part is missing",
    "lost": "nothing came",
    "waits": "nothing came within the time",
    "refuses": "nobody accepts, or the connection is reset",
    "hides": "a failure looks like a good end",
    "leaks": "descriptors are left open",
}
BODY = b"what the backend said\n"

Standing = tuple[Server, Backend]
Before = Callable[..., AbstractContextManager[Standing]]
Outcome = Callable[[Before], str | None]  # RIGHT or a symptom; None where it cannot be told
OUTCOMES: dict[str, Outcome] = {}


def outcome(check: Outcome) -> Outcome:
    """Add a check to the contract, under the first line of its docstring.

    What nobody answered in time `waits`, and a broken connection `refuses`, whichever line saw it.
    """

    @wraps(check)
    def told(before: Before) -> str | None:
        try:
            return check(before)
        except TimeoutError:
            return "waits"
        except ConnectionError:
            return "refuses"

    OUTCOMES[(check.__doc__ or check.__name__).strip().splitlines()[0].rstrip(".")] = told
    return told


def before(serve: Serve | Sequence[str]) -> Before:
    """Return what stands `serve`, or a command, in front of a backend of any temper."""

    @contextmanager
    def stand(temper: Temper, *, up: bool = True) -> Iterator[Standing]:
        with (
            Backend(temper, up=up) as backend,
            running(serve, backend, may_fail=True) as proxy,
        ):
            yield proxy, backend

    return stand


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
        return "refuses"
    if answer.body == want:
        return RIGHT
    return "cut" if answer.head else "lost"


def took(client: Client, want: bytes) -> str:
    """Tell how the rest of an answer came to a client that has asked."""
    try:
        data = client.recv_all()
    except TimeoutError:
        return "waits"
    except ConnectionError:
        return "refuses"
    if data.endswith(b"\r\n\r\n" + want):
        return RIGHT
    return "cut" if data else "lost"


def first_wrong(*symptoms: str) -> str:
    """Return the first symptom that is not RIGHT."""
    return next((symptom for symptom in symptoms if symptom != RIGHT), RIGHT)


def arrived(backend: Backend, message: bytes) -> str:
    """Tell whether a request came to the backend whole, body included."""
    body = message.partition(b"\r\n\r\n")[2]
    if backend.wait_until(lambda: bool(backend.requests)):
        return RIGHT if backend.requests[-1].endswith(b"\r\n\r\n" + body) else "cut"
    return "cut" if backend.received() else "lost"


def descriptors(proxy: Proxy | Server) -> int | None:
    """Return how many descriptors the proxy's process has open; None where that is not told."""
    if not isinstance(proxy, Proxy):
        return None
    pid = str(proxy.process.pid) if isinstance(proxy, InProcess) else "self"
    folder = Path("/proc") / pid / "fd"
    return len(os.listdir(folder)) if folder.is_dir() else None
