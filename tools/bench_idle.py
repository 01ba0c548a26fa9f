"""What clients that keep still cost a proxy in memory.

Run as a script it is these clients, a process of its own: each asks once, reads its answer, and
keeps its connection until the standard input ends.
"""

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if not __package__:  # run as a script: Python looks in tools/, not in the checkout
    sys.path[0] = str(ROOT)

from tools.bench_children import said, started  # noqa: E402
from tools.bench_loads import HELLO, LOADS  # noqa: E402
from tools.bench_peers import Peer  # noqa: E402
from tools.bench_processes import HOST, LOOK, BenchError, proxying  # noqa: E402
from tools.bench_record import Idle  # noqa: E402

REQUEST = b"GET / HTTP/1.1\r\nHost: example.test\r\nUser-Agent: idle\r\n\r\n"
TIMEOUT = 10  # seconds for one answer
EACH = 0.02  # seconds that a client may take, on average
READY = "ready"


def measure(peer: Peer, backend: int, folder: Path, clients: int) -> Idle:
    """Return the memory of a peer before and with `clients` idle ones. Raises BenchError."""
    with proxying(peer, backend, folder, clients + 64) as proxy:
        proxy.wait_for("/", LOADS["keep-alive"].body)
        before = proxy.memory()
        with idling(proxy.port, clients, folder / "clients.log"):
            after = proxy.memory()
    return Idle(peer.name, clients, (before[0], after[0]), (before[1], after[1]))


@contextmanager
def idling(port: int, clients: int, log: Path) -> Iterator[None]:
    """Keep `clients` connections open, each of which has got one answer. Raises BenchError."""
    with started([sys.executable, __file__, str(port), str(clients)], log) as process:
        until = time.monotonic() + TIMEOUT + clients * EACH
        while not (text := log.read_text(encoding="utf-8")).endswith("\n"):
            if process.poll() is not None or time.monotonic() > until:
                break
            time.sleep(LOOK)
        if text.strip() != READY:
            raise BenchError(f"not all {clients} idle clients got an answer{said(log)}")
        yield


def main(port: int, clients: int) -> None:
    """Be the clients."""
    with ExitStack() as stack:
        for number in range(clients):
            try:
                client = socket.create_connection((HOST, port), TIMEOUT)
                stack.enter_context(client)
                client.sendall(REQUEST)
                got = b""
                while not got.endswith(HELLO):
                    data = client.recv(4096)
                    if not data:
                        raise ConnectionAbortedError("the proxy hung up")
                    got += data
            except OSError as error:
                print(f"client {number + 1}: {error}", flush=True)
                return
        print(READY, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
