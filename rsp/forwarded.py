"""Who asks, as a backend is told it: the X-Forwarded fields and Forwarded, and who is believed.

Whoever is not trusted is told of as the kernel knows it, whatever it says of itself.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from rsp.forward import about
from rsp.http1.grammar import TELLING
from rsp.http1.message import Request

Networks = Sequence[IPv4Network | IPv6Network]
PROTO = b"http"
TOLD = (b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto")  # by us, too


def is_trusted(peer: str, networks: Networks) -> bool:
    """Tell whether a peer's address is in one of these networks; what is no address is not."""
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in networks)


def about_request(request: Request, peer: bytes, *, trusted: bool, forwarded: bool) -> bytes:
    """Return the fields that tell a backend of the client and of the host that it asked for.

    What a trusted peer says stays, and the peer comes behind it.
    """
    said = request.special if trusted else {}
    hosts = said.get(b"x-forwarded-host") or ([request.host] if request.host is not None else [])
    protos = said.get(b"x-forwarded-proto") or [PROTO]
    if b"x-forwarded-for" in said or b"x-forwarded-proto" in said:
        chain = [*said.get(b"x-forwarded-for", []), peer]
        fields = about(b", ".join(chain), b", ".join(protos))
    else:
        fields = about(peer)
    if hosts:
        fields += b"X-Forwarded-Host: %b\r\n" % b", ".join(hosts)
    for name, values in said.items():
        if name.startswith(TELLING) and name not in TOLD:
            fields += b"%b: %b\r\n" % (name.title(), b", ".join(values))
    if forwarded:
        elements = [*said.get(b"forwarded", []), element(peer, request.host)]
        fields += b"Forwarded: %b\r\n" % b", ".join(elements)
    return fields


def element(peer: bytes, host: bytes | None) -> bytes:
    """Return what Forwarded says of one hop (RFC 7239 §4): IPv6 in brackets and quoted (§6)."""
    node = b'"[%b]"' % peer if b":" in peer else peer or b"unknown"
    named = b';host="%b"' % host if host is not None else b""
    return b"for=%b%b;proto=%b" % (node, named, PROTO)
