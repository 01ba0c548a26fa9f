"""rsp.proxy: crowds, storms, full tables, dead backends: one client's trouble is nobody else's."""

import errno
import logging
import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from rsp import dialling
from rsp.accepting import ACCEPTS, OWN, PAUSE, SHARE, queued, room
from rsp.lab import Backend, Client, answering, echoing, holding, large, pattern, running
from rsp.lab.contract import OUTCOMES, RIGHT, Before, before
from rsp.lab.proxies import Proxy as LabProxy
from rsp.lab.rest import at_rest
from rsp.loop import Loop
from rsp.names import Names
from rsp.net import Address, listen
from rsp.pipes import CAN_SPLICE
from rsp.proxy import Proxy, serve
from tests.on_loop import (
    LOOK,
    TIMEOUT,
    Clock,
    clock,
    connect_once,
    descriptors,
    is_at_rest,
    reset,
    turn,
    turn_until,
)
from tests.test_dialling import slow

__all__ = ["clock", "slow"]  # fixtures

BODY = "what the backend said\n"
ALONE = """
import logging, resource, sys
if int(sys.argv[3]):
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[3]), int(sys.argv[3])))
from rsp.names import Names
from rsp.net import Address, listen
from rsp.proxy import serve
logging.basicConfig(stream=sys.stdout)
listener = listen(Address("127.0.0.1", 0))
print(f"Listening on port {listener.getsockname()[1]}", flush=True)
serve(listener, Address(sys.argv[1], sys.argv[2]), epoll=int(sys.argv[4]), splice=int(sys.argv[5]))
"""
# Each way to wait and each way to move bytes; the other two pairs take their time in `make test`.
WAYS = pytest.mark.parametrize(
    ("epoll", "splice"),
    [
        pytest.param(True, CAN_SPLICE, id="epoll-splice"),
        pytest.param(False, False, id="selectors-plain"),
        pytest.param(True, False, id="epoll-plain", marks=pytest.mark.slow),
        pytest.param(False, CAN_SPLICE, id="selectors-splice", marks=pytest.mark.slow),
    ],
)
NeedsProc = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no /proc here")


def alone(*, descriptors: int = 0, epoll: bool = True, splice: bool = CAN_SPLICE) -> list[str]:
    """Return a command that serves in a process of its own, with so many descriptors."""
    words = [str(int(word)) for word in (descriptors, epoll, splice)]
    return [sys.executable, "-c", ALONE, "{host}", "{port}", *words]


class Process:
    """What the kernel tells of a process."""

    def __init__(self, proxy: LabProxy) -> None:
        self.pid: int = proxy.process.pid  # type: ignore[attr-defined]

    def descriptors(self) -> int:
        """Return how many descriptors it has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def memory(self) -> int:
        """Return how many bytes of its own it holds."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("RssAnon")]
        return int(line.split()[1]) * 1024

    def cpu(self) -> float:
        """Return how many seconds it has run."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1e9

    def settles(self, holds: Callable[[], bool]) -> bool:
        """Wait until something holds; tell whether it did in time."""
        deadline = time.monotonic() + TIMEOUT
        while not holds() and time.monotonic() < deadline:
            at_rest()
        return holds()


class Flood:
    """A backend that sends so many bytes to whoever says something, and keeps no record."""

    def __init__(self, size: int) -> None:
        self.size, self.sent = size, 0
        self.listener = listen(Address("127.0.0.1", 0))
        self.address = Address("127.0.0.1", str(self.listener.getsockname()[1]))
        self.open: set[socket.socket] = set()
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, at: TracebackType | None) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        for sock in tuple(self.open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(TIMEOUT)
        self.listener.close()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.open.add(sock)
                self.threads.append(threading.Thread(target=self.send, args=(sock,), daemon=True))
                self.threads[-1].start()

    def send(self, sock: socket.socket) -> None:
        data = b"x" * 65536
        with sock, suppress(OSError):
            if sock.recv(65536):
                for _ in range(self.size // len(data)):
                    sock.sendall(data)
                    self.sent += len(data)
        self.open.discard(sock)

    def stands_still(self) -> None:
        """Wait until it has sent something and can send no more: twenty looks without a byte."""
        deadline, still, before = time.monotonic() + 5 * TIMEOUT, 0, -1
        while still < 20:
            assert time.monotonic() < deadline
            still, before = (still + 1 if self.sent == before > 0 else 0), self.sent
            threading.Event().wait(LOOK)


@contextmanager
def descriptors_for(number: int) -> Iterator[None]:
    """Let this process have so many descriptors for the length of a `with`, or skip the test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if number > hard != resource.RLIM_INFINITY:
        pytest.skip(f"{number} descriptors are not to be had here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, number), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class TestContract:
    @WAYS
    @pytest.mark.parametrize("outcome", OUTCOMES)
    def test_holds(self, outcome: str, epoll: bool, splice: bool) -> None:
        """What is asked of every proxy, on each way to wait and to move bytes."""
        stand: Before = before(partial(serve, epoll=epoll, splice=splice))
        assert OUTCOMES[outcome](stand) == RIGHT


class TestCrowd:
    @pytest.mark.parametrize("epoll", [True, False], ids=["epoll", "selectors"])
    def test_of_silent_and_of_slow_clients_stops_nobody(self, epoll: bool) -> None:
        """500 say nothing, 500 read a byte now and then: a good one is served at once."""
        crowd = 500
        with (
            descriptors_for(8 * crowd + 500),
            Flood(1 << 18) as backend,
            running(alone(epoll=epoll), backend.address) as proxy,
            ExitStack() as stack,
        ):
            host, port = "127.0.0.1", proxy.port
            for _ in range(crowd):
                stack.enter_context(socket.create_connection((host, port), timeout=TIMEOUT))
            slow_ones = []
            for _ in range(crowd):
                sock = stack.enter_context(socket.socket())
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                sock.settimeout(TIMEOUT)
                sock.connect((host, port))
                sock.send(b"x")
                slow_ones.append(sock)
            for _ in range(3):
                for sock in slow_ones:
                    assert sock.recv(1) == b"x"
                began = time.monotonic()
                with socket.create_connection((host, port), timeout=TIMEOUT) as good:
                    good.send(b"x")
                    size = 0
                    while data := good.recv(65536):
                        size += len(data)
                assert size == 1 << 18
                assert time.monotonic() - began < TIMEOUT / 4

    @NeedsProc
    @WAYS
    def test_spins_nobody(self, epoll: bool, splice: bool) -> None:
        """Silent, half-closed, reset, stuck: whoever waits costs no CPU."""
        with (
            Flood(1 << 26) as backend,
            running(alone(epoll=epoll, splice=splice), backend.address) as proxy,
            ExitStack() as stack,
        ):
            socks = [
                stack.enter_context(socket.create_connection(("127.0.0.1", proxy.port)))
                for _ in range(40)
            ]
            for sock in socks[:10]:  # they half-close, and have said nothing: the backend ends
                sock.shutdown(socket.SHUT_WR)
            for sock in socks[10:20]:  # they ask, half-close and do not read
                sock.send(b"x")
                sock.shutdown(socket.SHUT_WR)
            for sock in socks[20:30]:  # they ask, do not read, and are gone
                sock.send(b"x")
                sock.recv(1)
                reset(sock)
            backend.stands_still()
            process = Process(proxy)
            before_ = process.cpu()
            with Client(proxy) as waiting:
                assert waiting.quiet(0.4)
            assert process.cpu() - before_ < 0.1


class TestMemory:
    pytestmark = NeedsProc

    @WAYS
    def test_is_bounded_when_a_client_does_not_read(self, epoll: bool, splice: bool) -> None:
        """256 MB for one who reads nothing: the backend is made to wait, and we grow by < 2 MB."""
        with (
            Flood(256 << 20) as backend,
            running(alone(epoll=epoll, splice=splice), backend.address) as proxy,
        ):
            process = Process(proxy)
            with socket.create_connection(("127.0.0.1", proxy.port)) as warm:
                warm.send(b"x")
                warm.recv(1 << 20)
                reset(warm)
            assert process.settles(lambda: not backend.open)
            backend.sent = 0
            before_ = process.memory()
            with socket.create_connection(("127.0.0.1", proxy.port)) as client:
                client.send(b"x")
                backend.stands_still()
                assert backend.sent < backend.size
                assert process.memory() - before_ < 2 << 20
                reset(client)

    @pytest.mark.parametrize("number", [150, pytest.param(1000, marks=pytest.mark.slow)])
    @WAYS
    def test_and_descriptors_are_as_before_after_aborted_downloads(
        self, epoll: bool, splice: bool, number: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was pending for a client who is gone goes with it (the leak of post 4).

        What the C library keeps for the next one is no leak: here it gives it back (man 3 mallopt).
        """
        monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "16384")
        monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "0")
        with (
            Flood(1 << 26) as backend,
            running(alone(epoll=epoll, splice=splice), backend.address) as proxy,
        ):
            process = Process(proxy)

            def abort(times: int) -> None:
                for _ in range(times):
                    with socket.create_connection(("127.0.0.1", proxy.port), TIMEOUT) as client:
                        client.send(b"x")
                        client.recv(1000)
                        reset(client)
                assert process.settles(lambda: not backend.open)

            abort(30)
            had, held = process.descriptors(), process.memory()
            abort(number)
            assert process.settles(lambda: process.descriptors() <= had + 2)
            assert process.memory() - held < 1 << 20


class TestHalfClose:
    @WAYS
    def test_of_a_client_leaves_it_the_whole_answer(self, epoll: bool, splice: bool) -> None:
        """Also a long one, and one for which the backend takes its time (post 4's last bug)."""
        size = 3_000_000
        with Backend(large(size)) as backend:
            with running(partial(serve, epoll=epoll, splice=splice), backend) as proxy:
                with Client(proxy) as client:
                    client.ask()
                    client.half_close()
                    assert client.recv_all().endswith(pattern(size))
        with Backend(holding(BODY)) as backend:
            with running(partial(serve, epoll=epoll, splice=splice), backend) as proxy:
                with Client(proxy) as client:
                    client.ask()
                    client.half_close()
                    assert backend.wait_until(lambda: len(backend.requests) == 1)
                    backend.release()
                    assert client.recv_all().endswith(BODY.encode())

    @WAYS
    def test_of_the_backend_leaves_the_client_free_to_send(self, epoll: bool, splice: bool) -> None:
        """An end is an end of one direction, whoever begins (RFC 9293 §3.6)."""
        with Backend(ending_first) as backend:
            with running(partial(serve, epoll=epoll, splice=splice), backend) as proxy:
                with Client(proxy) as client:
                    assert client.recv_all() == b"hello"
                    client.send(pattern(1_000_000))
                    client.half_close()
                    assert backend.wait_until(lambda: backend.received() == 1_000_000)


def ending_first(end: "object", _: Backend) -> None:
    """Be a backend that says hello, ends, and reads on."""
    end.send(b"hello")  # type: ignore[attr-defined]
    end.half_close()  # type: ignore[attr-defined]
    end.recv_all()  # type: ignore[attr-defined]


class TestDescriptors:
    @NeedsProc
    @pytest.mark.parametrize("epoll", [True, False], ids=["epoll", "selectors"])
    def test_that_run_out_let_the_next_clients_wait(self, epoll: bool) -> None:
        """They wait in the kernel's queue, nothing spins, and each is served when one has gone."""
        places = 20
        limit = 2 * (places + places // SHARE) + OWN
        with (
            Backend(echoing()) as backend,
            running(alone(descriptors=limit, epoll=epoll), backend) as proxy,
            ExitStack() as stack,
        ):
            clients = [stack.enter_context(Client(proxy)) for _ in range(2 * places)]
            for number, client in enumerate(clients):
                client.send(b"%d" % number)
            inside, outside = clients[:places], clients[places:]
            for number, client in enumerate(inside):
                assert client.recv() == b"%d" % number
            process = Process(proxy)
            used = process.cpu()
            assert outside[0].quiet(0.4)
            assert process.cpu() - used < 0.1
            for client in inside:  # who is inside is served as ever
                client.send(b"still")
                assert client.recv() == b"still"
            for number, client in enumerate(outside):
                inside[number].close()
                assert client.recv() == b"%d" % (places + number)
            lines = [line for line in proxy.log if "the next one waits" in line]
            assert len(lines) == 1  # not one for each of them

    def test_are_counted_by_the_limit_of_the_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two for each client, some for pipes and the process itself; at least one is served."""
        for limit, places in [
            (1024, 441),
            (20_000, 9_920),
            (8, 1),
            (resource.RLIM_INFINITY, 10**6),
        ]:
            monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
            assert room() == places


class Starved(socket.socket):
    """A listener whose accept fails for as long as `error` is set."""

    error = 0
    asked = 0

    def accept(self) -> tuple[socket.socket, object]:
        self.asked += 1
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        return super().accept()


class World:
    """A proxy on a loop that the test turns by hand, before a backend of the kernel's."""

    def __init__(self, *, epoll: bool, splice: bool) -> None:
        self.loop = Loop(epoll=epoll)
        self.backend = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self.backend.settimeout(TIMEOUT)
        self.listener = Starved(fileno=listen(Address("127.0.0.1", 0)).detach())
        address = Address(*self.backend.getsockname())
        self.proxy = Proxy(self.loop, self.listener, address, splice=splice)

    def client(self) -> socket.socket:
        """Return a client that is connected to the proxy, or waits in its queue."""
        return socket.create_connection(self.listener.getsockname(), timeout=TIMEOUT)

    def served(self, client: socket.socket) -> socket.socket:
        """Let a client be served; return the backend's end, through which its bytes have come."""
        client.send(b"ping")
        there = len(self.proxy.relays)
        turn_until(self.loop, lambda: len(self.proxy.relays) > there)
        upstream, _ = self.backend.accept()
        upstream.settimeout(TIMEOUT)
        turn(self.loop, 5)
        assert upstream.recv(9) == b"ping"
        return upstream

    def nobody_is_left(self) -> bool:
        return self.proxy.count() == 0 and repr(self.loop) == "<Loop: 1 sockets, 0 timers>"


@pytest.fixture(
    params=[(True, True), (True, False), (False, True), (False, False)],
    ids=["epoll-splice", "epoll-plain", "selectors-splice", "selectors-plain"],
)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Give a proxy on each of the four ways; no descriptor is left by what happens in it."""
    before_ = descriptors()
    epoll, splice = request.param
    world = World(epoll=epoll, splice=splice and CAN_SPLICE)
    yield world
    world.proxy.close()
    world.loop.shut()
    world.listener.close()
    world.backend.close()
    assert descriptors() == before_


class TestAccept:
    @pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.EIO])
    def test_waits_a_little_when_it_cannot(
        self, clock: Clock, world: World, code: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A full table (man 2 accept): no spin, one line in the log, nobody hurt, and then on."""
        with world.client() as inside, world.served(inside) as upstream, world.client() as outside:
            world.listener.error = code
            turn(world.loop, 3)
            asked = world.listener.asked
            assert is_at_rest(world.loop)
            inside.send(b"still")
            turn(world.loop, 3)
            assert upstream.recv(9) == b"still"
            for _ in range(3):
                clock.pass_(PAUSE)
                turn(world.loop, 2)
            assert world.listener.asked == asked + 3
            assert len(caplog.records) == 1
            world.listener.error = 0
            clock.pass_(PAUSE)
            turn(world.loop)
            world.served(outside).close()

    def test_goes_on_at_once_after_one_who_was_gone(self, world: World) -> None:
        """ECONNABORTED is that client's matter; the next one waits for nothing."""
        world.listener.error = errno.ECONNABORTED
        with world.client() as client:
            turn(world.loop)
            world.listener.error = 0
            world.served(client).close()

    def test_takes_a_storm_of_clients_who_are_gone_already(self, world: World) -> None:
        """They reset before anybody accepted them: nothing is left, and a good one is served."""
        for _ in range(3 * ACCEPTS):
            reset(world.client())
        with world.client() as good:
            turn_until(world.loop, lambda: len(world.proxy.relays) == 1 == world.proxy.count())
            good.send(b"ping")
            turn(world.loop, 3)
            found = []
            while not found:
                upstream, _ = world.backend.accept()
                with upstream, suppress(ConnectionError):
                    upstream.settimeout(TIMEOUT)
                    found = [data] if (data := upstream.recv(9)) else []
            assert found == [b"ping"]
        turn_until(world.loop, world.nobody_is_left)

    def test_takes_so_many_at_a_time_and_then_the_others_turn(self, world: World) -> None:
        """A storm of newcomers does not keep those who are there from being served."""
        with ExitStack() as stack:
            for _ in range(ACCEPTS + 10):
                stack.enter_context(world.client())
            turn(world.loop)
            assert world.proxy.count() == ACCEPTS

    def test_survives_a_fault_of_ours(
        self,
        clock: Clock,
        world: World,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """One client's beginning fails: it is let go, the log has it once, the next is served."""

        def broken(*_: object) -> None:
            raise LookupError("a fault of ours")

        with world.client() as unlucky:
            with monkeypatch.context() as context:
                context.setattr(Names, "entries", broken)
                turn(world.loop, 3)
            assert len(caplog.records) == 1
            assert caplog.records[0].exc_info
            caplog.clear()
            with pytest.raises(ConnectionResetError):
                unlucky.recv(1)
        with world.client() as next_one:
            clock.pass_(PAUSE)
            turn(world.loop)
            world.served(next_one).close()


class TestDial:
    def test_that_is_refused_is_a_reset_for_the_client(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        """At once, and not as an end: an empty answer would look like one."""
        port = world.backend.getsockname()[1]
        world.backend.close()
        with socket.socket() as bound, world.client() as client:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(("127.0.0.1", port))
            turn_until(world.loop, lambda: caplog.records)
            turn_until(world.loop, world.nobody_is_left)
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        (record,) = caplog.records
        assert record.getMessage() == (
            f"Couldn't connect to backend 127.0.0.1:{port}: 127.0.0.1:{port} Connection refused"
        )

    def test_that_nobody_answers_ends_in_time(
        self, clock: Clock, world: World, slow: object, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An unreachable backend: this client waits five seconds, the others not at all."""
        with world.client() as inside, world.served(inside) as upstream:
            monkeypatch.setattr(world.proxy.names, "found", [slow])
            with world.client() as client:
                turn_until(world.loop, lambda: world.proxy.dialling)
                inside.send(b"still")
                turn(world.loop, 3)
                assert upstream.recv(9) == b"still"
                assert is_at_rest(world.loop)
                clock.pass_(dialling.TIMEOUT)
                turn(world.loop, 2)
                with pytest.raises(ConnectionResetError):
                    client.recv(1)
        turn_until(world.loop, world.nobody_is_left)

    def test_whose_client_is_gone_meanwhile_leaves_nothing(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The upstream is connected, and then told what became of the client: a reset."""
        monkeypatch.setattr(dialling, "connect_twice", connect_once)
        client = world.client()
        turn(world.loop)
        assert world.proxy.dialling
        reset(client)
        turn_until(world.loop, world.nobody_is_left)
        upstream, _ = world.backend.accept()
        with upstream, pytest.raises(ConnectionResetError):
            upstream.recv(1)

    def test_whose_client_has_asked_and_half_closed_meanwhile_is_answered(
        self, world: World
    ) -> None:
        """What comes before there is an upstream waits in the kernel."""
        with world.client() as client:
            client.send(b"a question")
            client.shutdown(socket.SHUT_WR)
            turn_until(world.loop, lambda: world.proxy.relays)
            with world.backend.accept()[0] as upstream:
                turn(world.loop, 3)
                assert upstream.recv(99) + upstream.recv(99) == b"a question"
                upstream.send(b"an answer")
                upstream.close()
                turn_until(world.loop, world.nobody_is_left)
            assert client.recv(99) + client.recv(99) == b"an answer"

    def test_gives_both_sockets_their_options(self, world: World) -> None:
        """Small pieces go at once, urgent bytes keep their place; a client inherits both."""
        with world.client() as client, world.served(client):
            (relay,) = world.proxy.relays
            for sock in (relay.client.sock, relay.upstream.sock):
                assert not sock.getblocking()
                assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE)


class TestEnd:
    @WAYS
    def test_waits_for_the_clients_who_are_there(self, epoll: bool, splice: bool) -> None:
        """The listener is shut down: nobody comes, and who is there is served to the end."""
        with Backend(holding(BODY)) as backend, listen(Address("127.0.0.1", 0)) as listener:
            work = partial(serve, listener, backend.address, epoll=epoll, splice=splice)
            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            with Client(Address(*listener.getsockname()[:2])) as client:
                client.ask()
                assert backend.wait_until(lambda: len(backend.requests) == 1)
                listener.shutdown(socket.SHUT_RDWR)
                at_rest()
                assert thread.is_alive()
                backend.release()
                assert client.recv_all().endswith(BODY.encode())
            thread.join(TIMEOUT)
            assert not thread.is_alive()

    def test_comes_at_once_without_clients(self) -> None:
        """And also when the listener was shut down before anybody served."""
        with listen(Address("127.0.0.1", 0)) as listener, Backend(answering(BODY)) as backend:
            listener.shutdown(socket.SHUT_RDWR)
            serve(listener, backend.address)

    def test_comes_while_nobody_is_accepted(self, clock: Clock, world: World) -> None:
        """The pause of a full table is over some time: then it is seen."""
        world.listener.error = errno.EMFILE
        with world.client():
            turn(world.loop, 2)
            world.listener.error = 0
            world.listener.shutdown(socket.SHUT_RDWR)
            clock.pass_(PAUSE)
            turn(world.loop, 2)
        assert not world.proxy.accepting

    def test_of_the_process_lets_everybody_go(self, world: World) -> None:
        """Ctrl-C in the middle: no client is left hanging, and none sees a good end."""
        with world.client() as inside, world.served(inside) as upstream, world.client() as outside:
            turn(world.loop)
            assert world.proxy.count() == 2
            world.proxy.close()
            turn(world.loop)
            for sock in (inside, upstream, outside):
                with pytest.raises(ConnectionResetError):
                    sock.recv(1)
            assert repr(world.loop) == "<Loop: 0 sockets, 0 timers>"

    def test_by_ctrl_c_lets_everybody_go_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is raised in whatever handler runs, and goes up; no client is left hanging."""

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Proxy, "on_connected", interrupted)
        with (
            Backend(answering(BODY)) as backend,
            listen(Address("127.0.0.1", 0)) as listener,
            socket.create_connection(listener.getsockname(), timeout=TIMEOUT) as client,
        ):
            with pytest.raises(KeyboardInterrupt) as caught:
                serve(listener, backend.address)
            with pytest.raises(ConnectionResetError):
                client.recv(1)
            assert caught  # it holds every frame, and their sockets: none was left to the collector

    def test_gives_back_the_pipes(self, world: World) -> None:
        """The spare ones, too: what ran on a loop leaves no descriptor (the world looks)."""
        with world.client() as client, world.served(client) as upstream:
            client.settimeout(TIMEOUT)
            for _ in range(40):
                upstream.send(pattern(100_000))
                turn(world.loop, 3)
                client.recv(1 << 20)
            assert world.proxy.pipes is None or world.proxy.pipes.spare

    def test_is_told_at_the_start_when_the_name_is_unknown(self) -> None:
        """And nothing of the loop is left open."""
        before_ = descriptors()
        with listen(Address("127.0.0.1", 0)) as listener, pytest.raises(socket.gaierror):
            serve(listener, Address("name.invalid", 80))
        assert descriptors() == before_


def test_a_fault_in_one_relay_is_nobody_elses(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its client sees a reset, the log has one traceback, and the others are served."""
    with world.client() as unlucky, world.served(unlucky), world.client() as other:
        (relay,) = world.proxy.relays
        upstream = relay.upstream
        real = type(upstream).send

        def send(side: object, data: bytes) -> None:
            if side is upstream:
                raise LookupError("a fault of ours")
            real(side, data)  # type: ignore[arg-type]

        with caplog.at_level(logging.ERROR, "rsp"), monkeypatch.context() as context:
            context.setattr(type(upstream), "send", send)
            unlucky.send(b"x")
            turn(world.loop, 3)
            with pytest.raises(ConnectionResetError):
                unlucky.recv(1)
            turn_until(world.loop, lambda: len(world.proxy.relays) == 1)
            other.send(b"ping")
            turn(world.loop, 3)
            with world.backend.accept()[0] as backend:
                assert backend.recv(9) == b"ping"
        assert len(caplog.records) == 1


def test_says_how_many_there_are(world: World) -> None:
    """A repr worth asserting."""
    port = world.backend.getsockname()[1]
    with world.client() as client, world.served(client):
        assert repr(world.proxy) == f"<Proxy to 127.0.0.1:{port}: 1 clients>"


class TestQueued:
    def test_tells_how_many_wait(self) -> None:
        """And one where nobody does: whether that is so, accept tells."""
        with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as clients:
            assert queued(listener) in (1, ACCEPTS)
            for _ in range(3):
                clients.enter_context(socket.create_connection(listener.getsockname()))
            assert queued(listener) in (3, ACCEPTS)

    def test_does_not_know_of_what_is_not_tcp(self) -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            assert queued(listener) == ACCEPTS
