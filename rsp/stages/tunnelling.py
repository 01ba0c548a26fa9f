"""A tunnel: what is left of an exchange when both sides have agreed on another protocol.

No stage, but a part of s13.
"""

from rsp import forward
from rsp.http1.message import Response
from rsp.stages.s11_bodies import Wire
from rsp.stages.threads import relay


def tunnel(client: Wire, response: Response, upstream: Wire) -> None:
    """Pass a 101 on, and then every byte both ways; also those that have come behind the heads."""
    for wire in client, upstream:
        wire.sock.settimeout(None)  # in there silence is no fault
    client.sock.sendall(forward.switching_head(response) + upstream.received)
    upstream.sock.sendall(client.received)
    relay(client.sock, upstream.sock)
