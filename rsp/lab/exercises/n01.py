"""Checks of notebook 01."""

import socket
from collections.abc import Callable, Sequence

from rsp.lab.checks import Wrong, exercise, expect
from rsp.lab.exercises.given import listed
from rsp.lab.hosts import hosts
from rsp.net import Address, AddrInfo, resolve

TABLE = {
    "six.test": ["::1"],
    "shop.test": ["::1", "127.0.0.1"],
    "many.test": ["127.0.0.1", "::1", "127.0.0.2", "::2"],
}
MIXED = {
    "IPv4 and IPv6 by turns": ["127.0.0.1", "::1", "127.0.0.2", "::2"],
    "IPv4 alone": ["127.0.0.2", "127.0.0.1"],
    "IPv6 behind IPv4": ["127.0.0.1", "127.0.0.2", "::2", "::1"],
}


@exercise("1.1")
def gives_addresses(addresses: Callable[[str, object], list[str]]) -> None:
    """All addresses, each once, in order."""
    with hosts(TABLE):
        for name, want in TABLE.items():
            got = listed(addresses(name, 80), f"for {name} ")
            odd = [each for each in got if not isinstance(each, str)]
            expect(not odd, f"for {name} the list holds more than text: {odd[:1]}")
            others = [each for each in got if each not in want]
            expect(not others, f"for {name} the list holds {others[:1]}: is that an address alone?")
            expect(set(got) >= set(want), f"for {name} an address is missing")
            expect(len(got) == len(want), f"for {name} an address comes more than once")
            expect(got == want, f"for {name} the order is not the one of the list")
        got = listed(addresses("six.test", "http"), 'with "http" as the port ')
        expect(got == ["::1"], f'with "http" as the port it gives {got}')


@exercise("1.2")
def sorts_six_first(six_first: Callable[[Sequence[AddrInfo]], list[AddrInfo]]) -> None:
    """IPv6 in front; within a kind the order stays."""
    for what, table in MIXED.items():
        with hosts({"mixed.test": table}):
            entries = resolve(Address("mixed.test", 80))
        before = list(entries)
        got = listed(six_first(entries), f"for {what} ")
        expect(entries == before, "it changes the list that it was given")
        odd = [each for each in got if each not in before]
        expect(not odd, f"for {what} the list holds what was no entry: {odd[:1]}")
        expect(
            all(got.count(entry) == 1 for entry in before),
            f"for {what} an entry is lost, or comes twice",
        )
        in_kinds = [each for each in before if each.family == socket.AF_INET6]
        in_kinds += [each for each in before if each.family == socket.AF_INET]
        families = [entry.family for entry in got if isinstance(entry, AddrInfo)]
        expect(
            families == [entry.family for entry in in_kinds],
            f"for {what} an entry of IPv4 stands before one of IPv6",
        )
        expect(
            got == in_kinds,
            f"for {what}: within a kind the order is not the one that the system gave",
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
        try:
            got = parse(text)
        except ValueError as error:
            raise Wrong(f"for {text} it raises ValueError: {error}") from error
        expect(got is not None, f"for {text} it returns nothing")
        expect(isinstance(got, Address), f"for {text} it returns {type(got).__name__}, not Address")
        for what, part in zip(("host", "port"), got, strict=True):
            kind = type(part).__name__
            expect(isinstance(part, str), f"for {text} the {what} is {kind}, not text")
        host, port = got
        expect(port == want[1], f"for {text} the port is {port!r}")
        expect("[" not in str(host), f"for {text} the brackets are still in the host")
        expect(host == want[0], f"for {text} the host is {host!r}")
    for text in ("localhost", "[::1]", "localhost:"):
        try:
            got = parse(text)
        except ValueError:
            continue
        except Exception as error:
            kind = type(error).__name__
            raise Wrong(f"{text} has no port: it raises {kind}, not ValueError") from error
        raise Wrong(f"{text} has no port, and it returns {got!r}")
