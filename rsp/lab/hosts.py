"""A table of names for an experiment: the same answers on every machine, and nobody is asked.

The names end in `.test`, which no real name does (RFC 6761 §6.2).
"""

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from rsp.lab.settings import TIMEOUT

SERVICES = {"http": 80, "https": 443}  # a slim system may know no service at all
ENDING = ".test"
PATIENCE = 5 * TIMEOUT  # seconds that a look-up may take; longer than any experiment


@contextmanager
def hosts(
    table: Mapping[str, Sequence[str]], until: threading.Event | None = None
) -> Iterator[None]:
    """Let names mean addresses for the length of a `with`: `hosts({"shop.test": ["::1"]})`.

    With `until`, a look-up of one of them does not come back before that event is set.
    """
    for name, addresses in table.items():
        if isinstance(addresses, str):
            raise TypeError(f"{name} needs a list of addresses: [{addresses!r}]")
    really = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *rest: Any, **hints: Any) -> list[Any]:
        port = SERVICES.get(port, port)
        if host not in table:
            if str(host).endswith(ENDING):
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return really(host, port, *rest, **hints)
        flags = hints.get("flags", rest[3] if len(rest) > 3 else 0)
        if flags & socket.AI_NUMERICHOST:  # no name is a number
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if until:
            until.wait(PATIENCE)
        return [entry for address in table[host] for entry in really(address, port, *rest, **hints)]

    def gethostbyname(host: str) -> str:
        four = [address for address in table.get(host, []) if ":" not in address]
        if not four:
            raise socket.gaierror(socket.EAI_NODATA, "No address associated with hostname")
        return four[0]

    with (
        patch.object(socket, "getaddrinfo", getaddrinfo),
        patch.object(socket, "gethostbyname", gethostbyname),
    ):
        yield
