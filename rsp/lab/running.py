"""`running(serve, backend)`: a proxy at work for the length of a `with`.

`serve` is a stage, the learner's own function, or COMMAND or RELAY, the command as a child process.
Leaving shuts the listener, closes the lab's ends, waits with a deadline, and names what is stuck.
"""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rsp.lab import backends
from rsp.lab.clients import Server
from rsp.lab.ends import OPEN
from rsp.lab.names import name_port
from rsp.lab.processes import InProcess
from rsp.lab.proxies import PROXIES, InThread, Proxy, Serve
from rsp.lab.recorder import RECORDER
from rsp.lab.rest import members
from rsp.lab.settings import Stuck
from rsp.lab.where import in_a_cell, where_is
from rsp.net import Address

COMMAND = (sys.executable, "-m", "rsp", "0", "{host}", "{port}")  # rsp itself, as a process
RELAY = (*COMMAND[:3], "--relay", *COMMAND[3:])  # the same, for bytes that it does not read


@contextmanager
def running(
    serve: Serve | Sequence[str],
    backend: Server | Address,
    *,
    name: str = "proxy",
    may_fail: bool = False,
) -> Iterator[Proxy]:
    """Run `serve` in front of `backend`; give a Proxy with its `address`, `log` and `transcript()`.

    Raises what `serve` raised, unless it `may_fail`; Stuck when it does not end.
    """
    address = backend if isinstance(backend, Address) else backend.address
    kind = InThread if callable(serve) else InProcess
    proxy: Proxy = kind(serve, address, name)  # type: ignore[arg-type]
    name_port(proxy.port, name)
    middle, RECORDER.middle = RECORDER.middle, name
    proxy.recording.begin()
    try:
        yield proxy
    except BaseException as error:
        try:
            proxy.stop()
        except Stuck as stuck:
            error.add_note(str(stuck))  # the first trouble is the one to tell
        failure = proxy.failure if isinstance(proxy, InThread) and not may_fail else None
        if failure and isinstance(error, OSError | AssertionError):
            raise failure from error  # what the client met is only what this led to
        raise
    else:
        proxy.stop()
    finally:
        RECORDER.middle = middle
    if isinstance(proxy, InThread) and proxy.failure and not may_fail:
        raise proxy.failure


def stop() -> None:
    """End everything of the lab's that still runs: for a learner whose cell was interrupted."""
    stuck = []
    running: list[Proxy | backends.Backend] = [*members(PROXIES), *members(backends.RUNNING)]
    for one in running:
        try:
            one.stop()
        except Stuck as error:
            stuck.append(str(error))
    for end in members(OPEN):
        end.close()
    PROXIES.clear()
    backends.RUNNING.clear()
    stuck += [f"a thread of your own goes on in {where}" for where in own_threads()]
    if stuck:
        stuck.append("restart the kernel to end what is left (menu Kernel)")
    print("\n".join(stuck) or "all stopped: nothing of the lab's runs now")


def own_threads() -> list[str]:
    """Return where the threads are that the cells of a notebook have started and not joined."""
    mine = threading.current_thread()
    others = [thread for thread in threading.enumerate() if thread is not mine]
    return [where_is(thread) for thread in others if in_a_cell(thread)]
