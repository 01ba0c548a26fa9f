"""Addresses and sockets: resolve a name, listen on a port, dial a backend.

Every blocking socket call of the proxy's set-up stands here, and nothing here knows what the
bytes mean. Post 1 of the series calls getaddrinfo in two places, once for each side; so do we.
"""

import errno
import socket
from typing import NamedTuple

from rsp.errors import BackendError

BACKLOG = 4096  # connections waiting for accept, as the series has it at its end; the kernel
# cuts it to net.core.somaxconn (man 2 listen)
PORT_LIMIT = 65_535  # a port is 16 bits on the wire (RFC 9293 §3.1)
NOT_HERE = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT}  # a family is missing


class Address(NamedTuple):
    """A host and a port or service, as a person writes them: `Address("localhost", "http")`."""

    host: str | None
    port: str | int

    def __str__(self) -> str:
        host = self.host or "*"
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


class AddrInfo(NamedTuple):
    """One entry of getaddrinfo's list: all that socket and connect need (struct addrinfo)."""

    family: socket.AddressFamily
    type: socket.SocketKind
    proto: int
    canonname: str
    sockaddr: tuple[str, int] | tuple[str, int, int, int]

    def __str__(self) -> str:
        return str(Address(self.sockaddr[0], self.sockaddr[1]))


def resolve(address: Address, flags: int = 0) -> list[AddrInfo]:
    """Return every way to reach `address` by a stream, in the order in which to try them.

    Raises socket.gaierror when the name or the service is unknown, another OSError when the
    look-up itself failed, ValueError when the port is not one.
    Source: man 3 getaddrinfo, RFC 6724 (the order).
    """
    check_port(address.port)
    try:
        found = socket.getaddrinfo(
            address.host,
            address.port,
            family=socket.AF_UNSPEC,  # a hint: IPv4 and IPv6 alike
            type=socket.SOCK_STREAM,  # a hint: streams only, no datagrams
            flags=flags,
        )
    except UnicodeError as error:  # Python's own: a part of a name is longer than 63 bytes
        raise socket.gaierror(socket.EAI_NONAME, "Not a name that can be looked up") from error
    return [AddrInfo(*entry) for entry in found]


def check_port(port: str | int) -> None:
    """Refuse a number that no port can have; the name of a service is left to getaddrinfo.

    Raises ValueError. The C library of Linux would take 70,000, and use its lower 16 bits.
    """
    try:
        number = int(port)
    except ValueError:
        return
    if not 0 <= number <= PORT_LIMIT:
        raise ValueError(f"port {port} is not between 0 and {PORT_LIMIT}")


def listen(address: Address, backlog: int = BACKLOG) -> socket.socket:
    """Return a listener on `address`; without a host, on every address of this machine.

    Port 0 lets the kernel choose one. Raises OSError as the kernel gave it (EADDRINUSE, EACCES):
    the operator needs the errno; gaierror and ValueError as `resolve` does.
    Source: man 2 bind, man 2 listen.
    """
    entries = resolve(address, flags=socket.AI_PASSIVE)
    # The IPv6 listener takes IPv4 clients too; the post took the first entry: only one family.
    entries.sort(key=lambda entry: entry.family != socket.AF_INET6)
    for entry in entries:
        try:
            return open_listener(entry, backlog)
        except OSError as error:
            if error.errno not in NOT_HERE or entry is entries[-1]:
                raise
    raise OSError(errno.EADDRNOTAVAIL, "no address to listen on")


def open_listener(entry: AddrInfo, backlog: int) -> socket.socket:
    """Return a socket bound to `entry` that accepts; bound to `::` it takes IPv4 clients too."""
    listener = socket.socket(entry.family, entry.type, entry.proto)
    try:
        # A restarted proxy must not wait out the TIME_WAIT of its own old connections.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if entry.family == socket.AF_INET6:
            # Off, "::" means IPv4 as well; if it is not set, each system decides (man 7 ipv6).
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(entry.sockaddr)
        listener.listen(backlog)
    except BaseException:
        listener.close()
        raise
    return listener


def dial(backend: Address) -> socket.socket:
    """Return an upstream: a connection to the first address of `backend` that takes one.

    Raises BackendError when the name is unknown or every address failed; its message says why,
    address by address. ValueError as `resolve` does. Source: man 2 connect, RFC 9293 §3.5.
    """
    try:
        entries = resolve(backend)
    except OSError as error:
        why = error.strerror
        raise BackendError(f"Couldn't find backend {backend}: {why}", reached=False) from error
    failures = []
    for entry in entries:
        try:
            return connect(entry)
        except OSError as error:
            failures.append(f"{entry} {error.strerror or error}")  # Python's time-outs have none
    why = "; ".join(failures)
    raise BackendError(f"Couldn't connect to backend {backend}: {why}", reached=False)


def connect(entry: AddrInfo) -> socket.socket:
    """Return a socket connected to `entry`. Raises OSError as the kernel gave it."""
    upstream = socket.socket(entry.family, entry.type, entry.proto)
    try:
        upstream.connect(entry.sockaddr)
    except BaseException:
        upstream.close()
        raise
    return upstream
