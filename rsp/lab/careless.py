"""Readers of messages that each go by one field alone, and a backend that is one of them.

Each reads what well-behaved clients send; where a message has both fields, they differ.
"""

from collections.abc import Callable, Mapping, Sequence

from rsp.lab.backends import Backend, Temper
from rsp.lab.clients import Client, Server
from rsp.lab.drawing import Arrow, Sketch
from rsp.lab.ends import BLANK_LINE, End, message_length
from rsp.lab.recorder import Kind
from rsp.lab.rest import at_rest
from rsp.lab.tempers import Reply
from rsp.lab.transcript import Transcript

Ends = Callable[[bytes], int | None]  # data → where its first message ends; None: not yet


def by_length(data: bytes) -> int | None:
    """Return where the first message ends for a reader that has never heard of chunks."""
    length = message_length(data)
    return None if length is None or length > len(data) else length


def by_chunks(data: bytes) -> int | None:
    """Return where the first message ends for a reader to whom chunks are more than a length.

    Raises ValueError where no size of a chunk stands. It knows no trailers.
    """
    head, blank, _ = data.partition(BLANK_LINE)
    if b"\r\ntransfer-encoding: chunked" not in head.lower():
        return by_length(data)
    at = len(head) + len(blank)
    while (line := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:line], 16)
        at = line + size + 4  # two ends of lines: behind the size and behind the data
        if not size:
            return at if at <= len(data) else None
    return None


def messages_in(data: bytes, ends: Ends) -> list[bytes]:
    """Return the messages that a reader finds, and last what it takes for the start of one more."""
    found = []
    while data:
        try:
            end = ends(data)
        except ValueError:  # what it finds here is no message to it
            end = None
        found.append(data[:end])
        data = data[len(found[-1]) :]
    return found


def reading(ends: Ends, reply: Reply) -> Temper:
    """Answer each message with `reply(message, backend)`, as this reader finds them, and stay."""

    def temper(end: End, backend: Backend) -> None:
        data = b""
        while more := end.recv():
            data += more
            while (size := ends(data)) is not None:
                message, data = data[:size], data[size:]
                keep(backend, message)
                end.send(reply(message, backend))

    return temper


def keep(backend: Backend, message: bytes) -> None:
    """Add a message to those that came."""
    backend.note_change(lambda: backend.requests.append(message))


def name_of(message: bytes) -> str:
    """Return method and target of a request, status and reason of an answer."""
    words = message.lstrip().partition(b"\r\n")[0].decode("latin-1").split(" ", 2)
    if len(words) > 2 and words[2].startswith("HTTP/"):
        return f"{words[0]} {words[1]}"
    return " ".join(words[1:]) if words[0].startswith("HTTP/") else "no message"


def ask_in_turn(proxy: Server, *messages: bytes) -> list[str]:
    """Send each message on a connection of its own, and return what the answers are called.

    The next one is sent when all has come to rest: so the transcript has an order that is certain.
    """
    told = []
    for message in messages:
        with Client(proxy) as client:
            client.send(message)
            client.wait_readable()  # the proxy has done its part, and now the backend its own
            at_rest()
            client.note("asked")
            told.append(name_of(client.recv_message()))
        at_rest()
        client.note("answered")
    return told


def as_read(transcript: Transcript, names: Mapping[str, str], **readers: Ends) -> Sketch:
    """Return what was sent, each time with what its receiver finds in it.

    `names` are those of the clients, by the transcript's; whoever is no reader goes by length.
    Red is what holds more than one message, and what a client gets that answers somebody else.
    """
    arrows: list[Arrow] = []
    for sender, receiver, kind, data in transcript:
        if kind is Kind.DATA:
            found = list(map(name_of, messages_in(data, readers.get(receiver, by_length))))
            ends = names.get(sender, sender), names.get(receiver, receiver)
            arrow = Arrow(*ends, " + ".join(found), kind)
            astray = len(found) > 1 or is_for_another(arrow, arrows)
            arrows.append(arrow._replace(astray=astray))
    return Sketch(arrows)


def is_for_another(answer: Arrow, before: Sequence[Arrow]) -> bool:
    """Tell whether a backend said this, and to another request than this client's last one."""
    asked = [arrow.label for arrow in before if arrow.sender == answer.receiver]
    heard = [word for arrow in before if arrow.receiver == "backend" for word in parts(arrow)]
    said = [word for arrow in before if arrow.sender == "backend" for word in parts(arrow)]
    if not asked or answer.label not in said:
        return False
    return dict(zip(heard, said, strict=False)).get(asked[-1]) != answer.label


def parts(arrow: Arrow) -> list[str]:
    """Return the messages that stand on an arrow."""
    return arrow.label.split(" + ")
