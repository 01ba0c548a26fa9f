"""Clients, well behaved and not: in pieces, silent, slow to read, half-closing, aborting."""

import socket
from collections.abc import Callable, Iterable
from typing import NamedTuple

from rsp.lab.ends import End
from rsp.lab.names import forget_port
from rsp.lab.recorder import RECORDER, Kind
from rsp.lab.rest import at_rest
from rsp.lab.settings import HOST, TIMEOUT
from rsp.net import Address

SMALL_BUFFER = 4096  # bytes; the kernel doubles it (man 7 socket)


class Client(End):
    """A client that is connected to `to`; used in `with`, it is closed at the end.

    `receive_buffer` (bytes) makes it a client whose kernel takes little before it is read.
    """

    def __init__(self, to: "Address | Server | socket.socket", receive_buffer: int = 0) -> None:
        to = Named(to) if isinstance(to, socket.socket) else to
        address = to if isinstance(to, Address) else to.address
        sock = socket.socket(socket.AF_INET6 if ":" in str(address.host) else socket.AF_INET)
        sock.settimeout(TIMEOUT)
        if receive_buffer:  # before connect: the window is agreed there (man 7 tcp)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        other = getattr(to, "name", RECORDER.middle)
        super().__init__(sock, "client", other, at_client=True)
        sock.bind(("::1" if sock.family == socket.AF_INET6 else HOST, 0))
        forget_port(sock.getsockname()[1])
        if getattr(to, "is_backend", False):  # seen from here already: the backend need not
            RECORDER.direct.add((sock.getsockname()[1], int(address.port)))
        self.record(Kind.CONNECT)
        try:
            sock.connect((address.host, int(address.port)))
        except BaseException as error:
            RECORDER.direct.discard((sock.getsockname()[1], int(address.port)))
            sock.close()
            if isinstance(error, ConnectionRefusedError):
                self.record(Kind.RESET, incoming=True)
                why = f"nobody listens there: is the {other} down, or its `with` block over?"
                raise ConnectionRefusedError(error.errno, why) from None
            raise

    def ask(self, path: str = "/", **fields: str) -> None:
        """Send a GET for `path`; `fields` are added to its head."""
        self.send(request(path, "GET", b"", **fields))

    def send_in_pieces(self, pieces: Iterable[bytes], between: Callable[[], object]) -> None:
        """Send piece by piece; `between` is called after each and returns when the next may go."""
        for piece in pieces:
            self.send(piece)
            between()

    def quiet(self, seconds: float, note: str = "no answer yet") -> bool:
        """Tell whether nothing comes for so long; the transcript then says so."""
        self.sock.settimeout(seconds)
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            at_rest()  # what came to a backend meanwhile belongs before the note
            self.note(note)
            return True
        except OSError:
            return False
        finally:
            self.sock.settimeout(TIMEOUT)
        return False

    def read_slowly(self, size: int = SMALL_BUFFER) -> bytes:
        """Return everything until the end, `size` bytes at a time."""
        pieces = []
        while data := self.recv(size):
            pieces.append(data)
        return b"".join(pieces)


class Server:
    """Whatever a client can connect to: it has an address and a name."""

    name: str = "proxy"
    is_backend = False

    @property
    def address(self) -> Address:
        """Where it listens."""
        raise NotImplementedError

    def ended(self, timeout: float = TIMEOUT) -> bool:
        """Tell whether it has ended by itself; of a server that is not ours nobody knows."""
        return False


class Named(Server):
    """A server of the experiment's own, by listener or address, named for the picture."""

    def __init__(self, place: "socket.socket | Address", name: str = "server") -> None:
        self.place, self.name = place, name

    @property
    def address(self) -> Address:
        """Where it listens."""
        if isinstance(self.place, Address):
            return self.place
        host, port = self.place.getsockname()[:2]
        return Address({"::": HOST, "0.0.0.0": HOST}.get(host, host), str(port))


class Answer(NamedTuple):
    """What a client got: the head as text, the body as bytes."""

    head: str
    body: bytes

    @property
    def status(self) -> int:
        """The status code; 0 when there was no answer at all."""
        words = self.head.split(" ", 2)
        return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0

    def __str__(self) -> str:
        line = self.head.partition("\r\n")[0] or "no answer"
        return f"{line}, {len(self.body):,} bytes of body"


def request(path: str = "/", method: str = "GET", body: bytes = b"", **fields: str) -> bytes:
    """Return a request as bytes; `User_Agent="x"` becomes the field `User-Agent: x`.

    It asks the server to close the connection afterwards, unless `Connection` says otherwise.
    """
    lines = [f"{method} {path} HTTP/1.1", "Host: example.test"]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    fields = {"Connection": "close", **fields}
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def parse_answer(data: bytes) -> Answer:
    """Split an answer into its head and its body."""
    head, _, body = data.partition(b"\r\n\r\n")
    return Answer(head.decode("latin-1"), body)


def fetch(server: "Address | Server", path: str = "/", **fields: str) -> Answer:
    """GET `path` as a well-behaved client does, and return the answer, whole."""
    with Client(server) as client:
        client.ask(path, **fields)
        return parse_answer(client.recv_all())
