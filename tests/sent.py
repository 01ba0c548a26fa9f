"""The corpus sent to a proxy at work, over real sockets, with a backend that records."""

from collections.abc import Iterable
from contextlib import suppress

from rsp.http1.chunked import Malformed
from rsp.http1.message import BadRequest, Limits
from rsp.lab.backends import Backend, Temper
from rsp.lab.clients import Client, Server, parse_answer
from rsp.lab.ends import End
from rsp.lab.tempers import linger, response
from tests.corpus_of import Message
from tests.feeding import Connection, Whole

OK = response(b"ok")
GAVE_UP, WAITS, HEADLESS = "closed without a word", "waits for more", "a page without a head"
PATIENT = 0.5  # seconds for an answer, where there may be none
ROOMY = Limits(head=65_536, fields=200)  # a proxy adds some


class Record:
    """What came to a backend: the requests that were complete, and what could not be read."""

    def __init__(self) -> None:
        self.whole: list[Whole] = []
        self.faults: list[str] = []

    def taken(self) -> list[Whole]:
        """Return the requests that have come since the last look."""
        whole, self.whole = self.whole, []
        return whole


def recording(record: Record) -> Temper:
    """Answer each request as soon as it is complete, and keep it."""

    def temper(end: End, _: Backend) -> None:
        connection = Connection(limits=ROOMY)
        try:
            while data := end.recv():
                connection.take(data)
                for one in connection.whole:
                    record.whole.append(one)
                    end.send(OK)
                connection.whole.clear()
        except (BadRequest, Malformed) as error:
            record.faults.append(str(error))
            return
        linger(end)

    return temper


def asked(proxy: Server, data: bytes, *, ends: bool) -> bytes:
    """Return all that a proxy says to some bytes, until it closes; the client `ends` first or not.

    Raises TimeoutError when it does not close.
    """
    with Client(proxy) as client:
        with suppress(ConnectionError):  # the answer may come before all is sent
            client.send(data)
        if ends:
            client.half_close()
        with suppress(ConnectionError):
            client.recv_all()
        return bytes(client.received)


def status_of(answer: bytes) -> int | str:
    """Return the status of an answer, or what happened instead."""
    if answer.startswith(b"HTTP/1."):
        return parse_answer(answer).status
    return HEADLESS if answer else GAVE_UP


def answered(proxy: Server, data: bytes) -> int | str:
    """Return the status of the first answer to some bytes, or what happens instead.

    The client waits for it: nginx would take the end of its side for a farewell.
    """
    with Client(proxy) as client:
        try:
            client.send(data)
            client.sock.settimeout(PATIENT)
            return status_of(client.recv_message())
        except TimeoutError:
            return WAITS
        except ConnectionError:
            return status_of(bytes(client.received))


def statuses(proxy: Server, messages: Iterable[Message], *, ends: bool) -> dict[str, int | str]:
    """Return what each message of the corpus is told: name → status, or what happened instead."""
    told: dict[str, int | str] = {}
    for message in messages:
        try:
            told[message.name] = status_of(asked(proxy, message.data, ends=ends))
        except TimeoutError:
            told[message.name] = "not closed"
    return told
