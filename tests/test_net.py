"""rsp.net: addresses and sockets, judged by the kernel and by the standard library."""

import errno
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from rsp import net
from rsp.errors import BackendError
from rsp.net import Address, AddrInfo, check_port, connect, dial, listen, resolve

TIMEOUT = 2  # seconds
STREAM = socket.SOCK_STREAM


def entry(host: str, port: int) -> tuple[Any, ...]:
    """Return what getaddrinfo would give for one IPv4 or IPv6 address."""
    if ":" in host:
        return (socket.AF_INET6, STREAM, socket.IPPROTO_TCP, "", (host, port, 0, 0))
    return (socket.AF_INET, STREAM, socket.IPPROTO_TCP, "", (host, port))


def open_descriptors() -> set[str]:
    """Return the numbers of the descriptors that are open now."""
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    return set(os.listdir(folder))


def port_of(sock: socket.socket) -> int:
    """Return the port that a socket is bound to."""
    return int(sock.getsockname()[1])


def dialled_at(host: str, port: int) -> socket.socket:
    """Connect a client, by the standard library's own walk over the addresses."""
    return socket.create_connection((host, port), timeout=TIMEOUT)


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A listener of the kernel's, on IPv4 only."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT)
        yield listener


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port on which nobody listens, and which nobody else can get: it is bound."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield port_of(bound)


@pytest.fixture
def no_descriptor_is_left() -> Iterator[None]:
    """Whoever fails closes what it had opened."""
    before = open_descriptors()
    yield
    assert open_descriptors() == before


NeedsIPv6 = pytest.mark.skipif(
    not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"), reason="no IPv6 here"
)


class TestAddress:
    @pytest.mark.parametrize(
        ("address", "text"),
        [
            (Address("example.test", 80), "example.test:80"),
            (Address("127.0.0.1", "http"), "127.0.0.1:http"),
            (Address("::1", 8080), "[::1]:8080"),
            (Address(None, 8080), "*:8080"),
        ],
    )
    def test_is_written_as_a_person_writes_it(self, address: Address, text: str) -> None:
        """An IPv6 address before a port stands in brackets (RFC 3986 §3.2.2)."""
        assert str(address) == text

    def test_of_one_entry_is_written_the_same_way(self) -> None:
        """What dial's messages name is one entry of getaddrinfo's list."""
        assert str(AddrInfo(*entry("127.0.0.1", 80))) == "127.0.0.1:80"
        assert str(AddrInfo(*entry("::1", 80))) == "[::1]:80"


class TestResolve:
    def test_asks_for_streams_of_any_family(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Post 1's hints: AF_UNSPEC and SOCK_STREAM, and AI_PASSIVE only to listen."""
        asked = []

        def getaddrinfo(host: str, port: str, **hints: int) -> list[Any]:
            asked.append((host, port, hints))
            return []

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        resolve(Address("example.test", "http"))
        assert asked == [
            ("example.test", "http", {"family": socket.AF_UNSPEC, "type": STREAM, "flags": 0})
        ]

    def test_keeps_the_order_of_the_system(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """RFC 6724 orders the list by what is likely to work; we do not know better."""
        found = [entry("::1", 80), entry("127.0.0.1", 80), entry("127.0.0.2", 80)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert [str(one) for one in resolve(Address("a", 80))] == [
            "[::1]:80",
            "127.0.0.1:80",
            "127.0.0.2:80",
        ]

    def test_gives_an_entry_once_and_ready_for_socket_and_connect(self) -> None:
        """Without the hint SOCK_STREAM each address would come three times (man 3 getaddrinfo)."""
        assert resolve(Address("127.0.0.1", 80)) == [
            AddrInfo(socket.AF_INET, STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", 80))
        ]

    def test_knows_services_by_name(self) -> None:
        """getaddrinfo looks a service up (man 5 services)."""
        assert resolve(Address("127.0.0.1", "http"))[0].sockaddr == ("127.0.0.1", 80)

    def test_does_not_ask_the_network_about_a_literal(self) -> None:
        """An address needs no look-up; a scope is kept (RFC 4007 §11)."""
        assert resolve(Address("::1", "80"))[0].sockaddr == ("::1", 80, 0, 0)

    @pytest.mark.parametrize(
        "address",
        [
            Address("name.invalid", 80),  # RFC 6761 §6.4: never exists
            Address("127.0.0.1", "no-such-service"),
            Address("256.256.256.256", 80),
            Address("a..b", 80),
            Address("a" * 64 + ".test", 80),  # a label has at most 63 bytes (RFC 1035 §2.3.4)
            Address("\udcff", 80),
            Address("127.0.0.1", "\udcff"),
        ],
        ids=ascii,
    )
    def test_says_of_every_bad_name_the_same_kind_of_thing(self, address: Address) -> None:
        """Python refuses some names before it asks the system: those are gaierror, too."""
        with pytest.raises(socket.gaierror) as caught:
            resolve(address)
        assert caught.value.strerror


class TestCheckPort:
    @pytest.mark.parametrize(
        "port", [0, 1, 80, 65_535, "0", "65535", "http", "no-such-service", ""]
    )
    def test_takes_16_bits_and_leaves_names_alone(self, port: str | int) -> None:
        """A port is 16 bits on the wire (RFC 9293 §3.1)."""
        check_port(port)

    @pytest.mark.parametrize("port", [-1, 65_536, "65536", "-1", "4294967376", "9" * 30])
    def test_refuses_a_number_that_no_port_can_have(self, port: str | int) -> None:
        """The C library would quietly use the lower 16 bits: 65,616 would be 80."""
        with pytest.raises(ValueError, match=f"port {port} is not between 0 and 65535"):
            check_port(port)
        with pytest.raises(ValueError, match="is not between"):
            resolve(Address("127.0.0.1", port))


class TestListen:
    def test_takes_any_free_port_for_0(self) -> None:
        """The kernel chooses (man 7 ip); getsockname tells which."""
        with listen(Address("127.0.0.1", 0)) as one, listen(Address("127.0.0.1", 0)) as other:
            assert port_of(one) > 0
            assert port_of(one) != port_of(other)

    @NeedsIPv6
    def test_takes_ipv4_and_ipv6_clients_alike(self) -> None:
        """One IPv6 socket without IPV6_V6ONLY serves both (man 7 ipv6)."""
        with listen(Address(None, 0)) as listener:
            listener.settimeout(TIMEOUT)
            for host in ["127.0.0.1", "::1"]:
                with dialled_at(host, port_of(listener)), closing(listener.accept()[0]) as client:
                    assert client.getpeername()[0].endswith(host)

    def test_takes_ipv4_where_there_is_no_ipv6(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A kernel without IPv6 still has `::` in getaddrinfo's list; socket() refuses it."""
        real = socket.socket

        def ipv4_only(family: int, *rest: int) -> socket.socket:
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
            return real(family, *rest)

        monkeypatch.setattr(socket, "socket", ipv4_only)
        with listen(Address(None, 0)) as listener:
            assert listener.family == socket.AF_INET

    @pytest.mark.usefixtures("no_descriptor_is_left")
    def test_says_which_error_when_the_port_is_taken(self, server: socket.socket) -> None:
        """The operator needs the errno; another address is no way out of EADDRINUSE."""
        with pytest.raises(OSError, match="in use") as caught:
            listen(Address("127.0.0.1", port_of(server)))
        assert caught.value.errno == errno.EADDRINUSE

    @pytest.mark.parametrize(
        ("family", "host"),
        [
            (socket.AF_INET, "127.0.0.1"),
            pytest.param(socket.AF_INET6, "::1", marks=NeedsIPv6),
        ],
    )
    def test_does_not_share_a_port_that_is_taken_in_one_family(
        self, family: int, host: str
    ) -> None:
        """Half a port would serve some clients and lose the others, by their family."""
        with socket.create_server((host, 0), family=family) as other:
            with pytest.raises(OSError, match="in use") as caught:
                listen(Address(None, port_of(other)))
        assert caught.value.errno == errno.EADDRINUSE

    def test_closes_its_socket_when_it_fails(self, server: socket.socket) -> None:
        """At once, by itself: a caller that got no listener has nothing to close."""
        before = open_descriptors()
        with pytest.raises(OSError, match="in use") as caught:
            listen(Address("127.0.0.1", port_of(server)))
        # `caught` still holds the frame and its socket: nothing was left to the collector.
        assert open_descriptors() == before, caught

    def test_takes_its_old_port_again_at_once(self) -> None:
        """Who closes first keeps TIME_WAIT (RFC 9293 §3.6); SO_REUSEADDR binds all the same."""
        with listen(Address("127.0.0.1", 0)) as first:
            port = port_of(first)
            with dialled_at("127.0.0.1", port) as client:
                first.accept()[0].close()
                assert client.recv(1) == b""
        with listen(Address("127.0.0.1", port)) as second:
            assert port_of(second) == port

    def test_holds_clients_before_anyone_accepts(self) -> None:
        """The kernel shakes hands by itself; they wait in the backlog (man 2 listen)."""
        with listen(Address("127.0.0.1", 0)) as listener:
            clients = [dialled_at("127.0.0.1", port_of(listener)) for _ in range(20)]
            for client in clients:
                client.close()

    def test_gives_the_kernel_the_backlog(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """listen(2) is called once, with the number that was asked for."""
        given = []
        real = socket.socket.listen

        def noted(self: socket.socket, backlog: int) -> None:
            given.append(backlog)
            real(self, backlog)

        monkeypatch.setattr(socket.socket, "listen", noted)
        listen(Address("127.0.0.1", 0), backlog=7).close()
        listen(Address("127.0.0.1", 0)).close()
        assert given == [7, net.BACKLOG]

    def test_says_that_an_address_is_not_ours(self) -> None:
        """EADDRNOTAVAIL goes up when no other entry is left (192.0.2.0/24: RFC 5737)."""
        with pytest.raises(OSError, match="assign") as caught:
            listen(Address("192.0.2.1", 0))
        assert caught.value.errno == errno.EADDRNOTAVAIL

    def test_goes_on_to_the_next_address_where_one_is_not_ours(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A name may have an address of a machine that is not this one."""
        found = [entry("192.0.2.1", 0), entry("127.0.0.1", 0)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        with listen(Address("two.test", 0)) as listener:
            assert listener.getsockname()[0] == "127.0.0.1"


class TestDial:
    def test_connects_to_the_backend(self, server: socket.socket) -> None:
        """The upstream is connected when dial returns: bytes go through."""
        with dial(Address("127.0.0.1", port_of(server))) as upstream:
            upstream.sendall(b"x")
            with closing(server.accept()[0]) as accepted:
                assert accepted.recv(1) == b"x"

    def test_tries_each_address_in_turn(
        self, server: socket.socket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first one that takes a connection is the one; later ones are left alone."""
        port = port_of(server)
        found = [entry(host, port) for host in ("127.0.0.2", "127.0.0.3", "127.0.0.1", "127.0.0.4")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        tried: list[str] = []
        real: Callable[[AddrInfo], socket.socket] = connect

        def noted(one: AddrInfo) -> socket.socket:
            tried.append(str(one.sockaddr[0]))
            return real(one)

        monkeypatch.setattr(net, "connect", noted)
        dial(Address("many.test", port)).close()
        assert tried == ["127.0.0.2", "127.0.0.3", "127.0.0.1"]

    @pytest.mark.usefixtures("no_descriptor_is_left")
    def test_says_of_every_address_why_it_failed(
        self, nobody: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One line for the log: what, where, and why, address by address."""
        found = [entry(host, nobody) for host in ("127.0.0.1", "127.0.0.2")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        with pytest.raises(BackendError) as caught:
            dial(Address("two.test", nobody))
        assert str(caught.value) == (
            f"Couldn't connect to backend two.test:{nobody}: "
            f"127.0.0.1:{nobody} Connection refused; 127.0.0.2:{nobody} Connection refused"
        )

    def test_says_that_the_backend_never_saw_the_request(self, nobody: int) -> None:
        """Where nothing was sent, another attempt is safe (RFC 9110 §9.2.2)."""
        for address in [Address("127.0.0.1", nobody), Address("name.invalid", 80)]:
            with pytest.raises(BackendError) as caught:
                dial(address)
            assert not caught.value.reached
            assert caught.value.status == 502

    @pytest.mark.parametrize("host", ["name.invalid", "a" * 64 + ".test", "\udcff"], ids=ascii)
    def test_says_that_the_name_is_unknown(self, host: str) -> None:
        """A name may vanish while the proxy runs: that is the client's trouble, not an end."""
        with pytest.raises(BackendError, match=r"Couldn't find backend .*:80: [A-Z]"):
            dial(Address(host, 80))

    def test_says_that_the_look_up_itself_failed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """For EAI_SYSTEM Python raises the OSError itself: no descriptor for the resolver, say."""

        def out_of_descriptors(*_: object, **__: object) -> list[Any]:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        monkeypatch.setattr(socket, "getaddrinfo", out_of_descriptors)
        with pytest.raises(BackendError, match="Couldn't find backend a:80: Too many open files"):
            dial(Address("a", 80))

    def test_says_that_a_timeout_is_one(self, nobody: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """Python's own time-outs have no errno: their message must not be lost."""

        def late(_: AddrInfo) -> socket.socket:
            raise TimeoutError("timed out")

        monkeypatch.setattr(net, "connect", late)
        with pytest.raises(BackendError, match=f"127.0.0.1:{nobody} timed out"):
            dial(Address("127.0.0.1", nobody))

    @pytest.mark.parametrize("error", [ConnectionRefusedError, KeyboardInterrupt])
    def test_closes_its_socket_when_it_fails(
        self, nobody: int, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """At once, by itself, and also at Ctrl-C, which is no OSError."""

        class Failing(socket.socket):
            def connect(self, _: object) -> None:
                raise error

        monkeypatch.setattr(socket, "socket", Failing)
        before = open_descriptors()
        with pytest.raises(error) as caught:
            connect(AddrInfo(*entry("127.0.0.1", nobody)))
        # `caught` still holds the frame and its socket: nothing was left to the collector.
        assert open_descriptors() == before, caught
