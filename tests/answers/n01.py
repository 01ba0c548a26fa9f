"""Answers to the exercises of notebook 01."""

import re
import socket
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from rsp.net import Address, AddrInfo, resolve
from tests.answers import right, wrong


@wrong("1.1", "for shop.test an address is missing")
def first_only(name: str, port: object) -> list[str]:
    return [resolve(Address(name, 80))[0].sockaddr[0]]


@wrong("1.1", "for six.test an address comes more than once")
def without_a_hint(name: str, port: object) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(name, 80)]


@wrong("1.1", "for shop.test the order is not the one of the list")
def sorted_names(name: str, port: object) -> list[str]:
    return sorted({str(entry[4][0]) for entry in socket.getaddrinfo(name, 80)})


@wrong("1.1", "for six.test it returns set, not a list")
def as_a_set(name: str, port: object) -> set[str]:
    return {str(entry[4][0]) for entry in socket.getaddrinfo(name, 80)}


@wrong("1.1", "it raised gaierror: ")
def four_only(name: str, port: object) -> list[str]:
    return [str(e[4][0]) for e in socket.getaddrinfo(name, 80, socket.AF_INET)]


@wrong("1.1", "for six.test the list holds more than text: [('::1', 80, 0, 0)]")
def whole_addresses(name: str, port: object) -> list[object]:
    return [entry.sockaddr for entry in resolve(Address(name, 80))]


@wrong("1.1", "is that an address alone?")
def with_families(name: str, port: object) -> list[str]:
    return [text for e in resolve(Address(name, 80)) for text in (e.sockaddr[0], e.family.name)]


@wrong("1.1", "it raised ValueError: invalid literal for int() with base 10: 'http', in the line")
def numbers_only(name: str, port: str) -> list[str]:
    return [entry.sockaddr[0] for entry in resolve(Address(name, int(port)))]


@right("1.1")
def one_at_a_time(name: str, port: str) -> Iterator[str]:
    for entry in resolve(Address(name, port)):
        yield entry.sockaddr[0]


@right("1.1")
def each_once(name: str, port: str) -> list[str]:
    return list(dict.fromkeys(str(entry[4][0]) for entry in socket.getaddrinfo(name, port)))


@wrong("1.2", "it changes the list that it was given")
def sorted_in_place(entries: list[AddrInfo]) -> list[AddrInfo]:
    entries.sort(key=lambda entry: entry.family != socket.AF_INET6)
    return entries


@wrong("1.2", "within a kind the order is not the one that the system gave")
def sorted_by_all(entries: list[AddrInfo]) -> list[AddrInfo]:
    return sorted(entries, reverse=True)


@wrong("1.2", "for IPv4 and IPv6 by turns an entry of IPv4 stands before one of IPv6")
def first_six_to_the_front(entries: list[AddrInfo]) -> list[AddrInfo]:
    six = next((entry for entry in entries if entry.family == socket.AF_INET6), entries[0])
    return [six, *(entry for entry in entries if entry is not six)]


@wrong("1.2", "for IPv4 and IPv6 by turns an entry is lost, or comes twice")
def six_alone(entries: list[AddrInfo]) -> list[AddrInfo]:
    return [entry for entry in entries if entry.family == socket.AF_INET6]


@wrong("1.2", "for IPv4 and IPv6 by turns the list holds what was no entry: ['::1']")
def addresses_only(entries: list[AddrInfo]) -> list[str]:
    return sorted((entry.sockaddr[0] for entry in entries), key=lambda text: ":" not in text)


@wrong("1.2", "for IPv4 and IPv6 by turns it returns nothing")
def gives_nothing(entries: list[AddrInfo]) -> None:
    list(entries).sort(key=lambda entry: entry.family != socket.AF_INET6)


@wrong("1.2", "it raised StopIteration")
def never_without_six(entries: list[AddrInfo]) -> list[AddrInfo]:
    next(entry for entry in entries if entry.family == socket.AF_INET6)
    return sorted(entries, key=lambda entry: entry.family != socket.AF_INET6)


@right("1.2")
def by_recursion(entries: Sequence[AddrInfo]) -> tuple[AddrInfo, ...]:
    if not entries:
        return ()
    *rest, last = entries
    if last.family == socket.AF_INET6:
        place = sum(entry.family == socket.AF_INET6 for entry in rest)
        before = by_recursion(rest)
        return (*before[:place], last, *before[place:])
    return (*by_recursion(rest), last)


@right("1.2")
def in_two_goes(entries: list[AddrInfo]) -> Iterator[AddrInfo]:
    yield from (entry for entry in entries if ":" in entry.sockaddr[0])
    yield from (entry for entry in entries if ":" not in entry.sockaddr[0])


@wrong("1.3", "for [::1]:8080 it raises ValueError")
def at_every_colon(text: str) -> Address:
    host, port = text.split(":")
    return Address(host, port)


@wrong("1.3", "for [::1]:8080 the brackets are still in the host")
def brackets_kept(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return Address(host, port)


@wrong("1.3", "for localhost:8080 the port is int, not text")
def as_a_number(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return Address(host.strip("[]"), int(port))


@wrong("1.3", "localhost has no port, and it returns Address(host='', port='localhost')")
def never_refuses(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return Address(host.strip("[]"), port)


@wrong("1.3", "localhost has no port: it raises IndexError, not ValueError")
def another_error(text: str) -> Address:
    parts = text.rsplit(":", 1)
    return Address(parts[0].strip("[]"), parts[1])


@wrong("1.3", "for localhost:8080 it returns tuple, not Address")
def a_plain_tuple(text: str) -> tuple[str, str]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), port


@right("1.3")
def by_regex(text: str) -> Address:
    found = re.fullmatch(r"(?:\[(.+)\]|([^:]+)):(\w+)", text)
    if not found:
        raise ValueError(text)
    return Address(found[1] or found[2], found[3])


@right("1.3")
def by_url(text: str) -> Address:
    parts = urlsplit(f"//{text}")
    host, (_, colon, port) = (
        parts.hostname,
        parts.netloc.removeprefix(f"[{parts.hostname}]").rpartition(":"),
    )
    if not port or not colon:
        raise ValueError(text)
    return Address(host, port)
