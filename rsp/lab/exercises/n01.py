"""Checks of notebook 01."""

import socket
from collections.abc import Callable, Sequence

from rsp.lab.checks import exercise, expect
from rsp.lab.hosts import hosts
from rsp.net import Address, AddrInfo, resolve

TABLE = {
    "six.test": ["::1"],
    "shop.test": ["::1", "127.0.0.1"],
    "many.test": ["127.0.0.1", "::1", "127.0.0.2", "::2"],
}


@exercise("1.1")
def gives_addresses(addresses: Callable[[str, object], list[str]]) -> None:
    """All addresses, each once, in order."""
    with hosts(TABLE):
        for name, want in TABLE.items():
            got = addresses(name, 80)
            expect(got is not None, "it returns nothing")
            got = list(got)
            expect(
                all(isinstance(each, str) for each in got), f"for {name} it gives more than text"
            )
            expect(set(got) >= set(want), f"for {name} an address is missing")
            expect(
                len(got) == len(want), f"for {name} an address comes more than once: which type?"
            )
            expect(got == want, f"for {name} the order is not the one of the list")
        expect(list(addresses("six.test", "http")) == ["::1"], "with a service as port it differs")


@exercise("1.2")
def sorts_six_first(six_first: Callable[[Sequence[AddrInfo]], list[AddrInfo]]) -> None:
    """IPv6 in front; within a kind the order stays."""
    with hosts(TABLE):
        entries = resolve(Address("many.test", 80))
    before = list(entries)
    got = six_first(entries)
    expect(entries == before, "it changes the list that it was given")
    expect(got is not None, "it returns nothing")
    got = list(got)
    expect(sorted(got) == sorted(before), "an entry is lost, or comes twice")
    families = [entry.family for entry in got]
    six, four = socket.AF_INET6, socket.AF_INET
    expect(families == [six, six, four, four], "an entry of IPv4 stands before one of IPv6")
    hosts_in_order = [entry.sockaddr[0] for entry in got]
    expect(
        hosts_in_order == ["::1", "::2", "127.0.0.1", "127.0.0.2"],
        "within a kind the order is not the one that the system gave",
    )


@exercise("1.3")
def parses(parse: Callable[[str], Address]) -> None:
    """Names, IPv4, IPv6 in brackets; no port is an error."""
    wanted = {
        "localhost:8080": ("localhost", "8080"),
        "127.0.0.1:80": ("127.0.0.1", "80"),
        "[::1]:8080": ("::1", "8080"),
        "[fe80::2:1]:http": ("fe80::2:1", "http"),
    }
    for text, want in wanted.items():
        got = parse(text)
        expect(isinstance(got, Address), f"for {text} it returns {type(got).__name__}, not Address")
        host, port = got
        expect(port == want[1], f"for {text} the port is {port!r}")
        expect("[" not in str(host), f"for {text} the brackets are still in the host")
        expect(host == want[0], f"for {text} the host is {host!r}")
    for text in ("localhost", "[::1]", "localhost:"):
        try:
            got = parse(text)
        except ValueError:
            continue
        expect(False, f"{text} has no port, and it returns {got!r}")
