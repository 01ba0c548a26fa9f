"""The outcomes of the contract for HTTP: answers, and the connections on which they come."""

import re
from contextlib import suppress

from rsp.lab.backends import Backend, Temper
from rsp.lab.clients import Client, request
from rsp.lab.contract import BODY, RIGHT, Before, ends_well, first, first_wrong, got, http_outcome
from rsp.lab.ends import BLANK_LINE, End
from rsp.lab.http_outcomes import LONG, from_chunks, in_chunks, told, with_head
from rsp.lab.tempers import answering, closing_early, linger, pattern, replying, response

CHUNK = 70_000  # bytes


def coded(body: bytes, *, whole: bool = True) -> bytes:
    """Return a response in chunks, or one of which the end is missing."""
    data = in_chunks(body, CHUNK)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + (data if whole else data.removesuffix(b"0\r\n\r\n"))


def take_answer(client: Client) -> bytes:
    """Return the head of the next answer, and what has come behind it; b"" for none."""
    data, client.kept = client.kept, b""
    while BLANK_LINE not in data:
        if not (more := client.recv()):
            return b""
        data += more
    return data


@http_outcome
def an_answer_to_head_ends_at_its_head(before: Before) -> str:
    """The answer to HEAD ends at its head, and the connection goes on."""

    def reply(message: bytes, _: Backend) -> bytes:
        answer = response(BODY)
        return answer.removesuffix(BODY) if message.startswith(b"HEAD") else answer

    with before(replying(reply, keep_alive=True)) as (proxy, _), Client(proxy) as client:
        client.send(with_head(method=b"HEAD"))
        head, blank, behind = take_answer(client).partition(BLANK_LINE)
        if not blank or behind:
            return "other" if head else "lost"
        client.send(with_head(method=b"GET"))
        return RIGHT if client.recv_message().endswith(BLANK_LINE + BODY) else "cut"


@http_outcome
def an_old_client_gets_no_chunks(before: Before) -> str:
    """A client of HTTP/1.0 gets an answer without chunks, whole."""
    body = pattern(LONG)
    message = request("/").replace(b"HTTP/1.1", b"HTTP/1.0")
    with before(replying(lambda *_: coded(body))) as (proxy, _), Client(proxy) as client:
        client.send(message)
        head, _, content = client.recv_all().partition(BLANK_LINE)
    if not head:
        return "lost"
    return RIGHT if content == body else "cut" if body.startswith(content) else "other"


@http_outcome
def chunks_come_whole(before: Before) -> str:
    """An answer in chunks comes whole, with its end, and the connection goes on."""
    body = pattern(LONG)
    temper = replying(lambda *_: coded(body), keep_alive=True)
    with before(temper) as (proxy, _), Client(proxy) as client:
        for _ in range(2):
            client.send(with_head(method=b"GET"))
            data = take_answer(client)
            while data and not data.endswith(b"\r\n0\r\n\r\n"):
                if not (more := client.recv()):
                    return "cut"
                data += more
            if from_chunks(data.partition(BLANK_LINE)[2]) != body:
                return "other" if data else "lost"
    return RIGHT


@http_outcome
def a_backend_that_is_down_is_502(before: Before) -> str:
    """A client whose backend is down is told 502."""
    with before(answering(BODY), up=False) as (proxy, _):
        with suppress(ConnectionError), Client(proxy) as client:  # let go before it has asked
            with suppress(ConnectionError):
                client.ask()
            return told(client, 502)
        return "lost"


@http_outcome
def pipelined_ones_are_answered_in_order(before: Before) -> str:
    """Requests that come at once are answered in their order."""
    paths = [b"/%d" % number for number in range(5)]
    message = b"".join(with_head(method=b"GET").replace(b"/asked", path) for path in paths)
    with before(replying(with_path, keep_alive=True)) as (proxy, _), Client(proxy) as client:
        client.send(message)
        answers = [client.recv_message().rpartition(BLANK_LINE)[2] for _ in paths]
    if answers == paths:
        return RIGHT
    return "cut" if b"" in answers else "other"


def with_path(message: bytes, _: Backend) -> bytes:
    """Answer with the path that was asked for."""
    return response(message.split(b" ", 2)[1])


@http_outcome
def an_upstream_is_kept(before: Before) -> str:
    """A second client's request goes over the connection that the first one's went over."""
    with before(keeping()) as (proxy, backend):
        symptom = first_wrong(lambda: got(proxy), lambda: got(proxy))
        return symptom if symptom != RIGHT or len(backend.connections) == 1 else "wastes"


def keeping(requests: int | None = None) -> Temper:
    """Keep a connection as long as whoever asks would; at most for so many requests.

    The one that comes behind them is taken, and the connection closed without an answer.
    """

    def temper(end: End, backend: Backend) -> None:
        answers = 0
        while (message := backend.take(end)) and answers != requests:
            answers += 1
            end.send(response(BODY))
            if b"\r\nconnection: close\r\n" in message.lower():
                break
        linger(end)

    return temper


@http_outcome
def a_stale_upstream_costs_nothing(before: Before) -> str:
    """A kept connection that the backend closes costs a GET nothing."""
    with before(first(keeping(1), keeping())) as (proxy, _):
        return first_wrong(lambda: got(proxy), lambda: got(proxy))


@http_outcome
def a_post_is_sent_once(before: Before) -> str:
    """A POST is never sent twice, though the connection breaks; then its client is told."""
    with before(first(keeping(1), keeping())) as (proxy, backend):
        if (symptom := got(proxy)) != RIGHT:
            return symptom
        with Client(proxy) as client:
            client.send(request("/", "POST", b"once"))
            symptom = told(client, 200, 502)
        posts = [message for message in backend.requests if message.startswith(b"POST")]
    return "twice" if len(posts) > 1 else symptom


SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"


def switching() -> Temper:
    """Answer with a 101, then send back what comes."""

    def temper(end: End, backend: Backend) -> None:
        if backend.take(end):
            end.send(SWITCHING)
            while data := end.kept or end.recv():
                end.kept = b""
                end.send(data)
            end.half_close()

    return temper


@http_outcome
def a_101_opens_a_tunnel(before: Before) -> str:
    """Behind a 101 that was asked for, both sides send what they like, until both end."""
    with before(switching()) as (proxy, _), Client(proxy) as client:
        client.send(request("/", Connection="upgrade", Upgrade="echo"))
        answer = take_answer(client)
        if not answer.startswith(b"HTTP/1.1 101 "):
            return "other" if answer else "lost"
        for word in (b"\x81\x00one", b"GET / HTTP/1.1\r\n"):
            client.send(word)
            if client.recv_exactly(len(word)) != word:
                return "cut"
        client.half_close()
        return "other" if client.recv_all() else RIGHT


@http_outcome
def an_unasked_101_is_502(before: Before) -> str:
    """A 101 that nobody asked for does not reach the client, who is told 502."""
    with before(switching()) as (proxy, _), Client(proxy) as client:
        client.ask()
        client.half_close()
        return told(client, 502)


@http_outcome
def a_cut_answer_never_looks_whole(before: Before) -> str:
    """An answer that is cut never looks whole, whoever asked for it and however it is framed."""
    long = closing_early()
    chunks = replying(lambda *_: coded(BODY, whole=False))
    return first_wrong(
        *(lambda t=t, m=m: cut_short(before, t, m) for t in (long, chunks) for m in (b"0", b"1"))
    )


def cut_short(before: Before, temper: Temper, minor: bytes) -> str:
    """Tell whether a client of HTTP/1.`minor` sees that its answer was cut."""
    with before(temper) as (proxy, _), Client(proxy) as client:
        client.send(request("/").replace(b"HTTP/1.1", b"HTTP/1." + minor))
        if ends_well(client) and looks_whole(bytes(client.received)):
            return "hides"
        return RIGHT if client.received else "lost"


def looks_whole(data: bytes) -> bool:
    """Tell whether nothing is missing of an answer that has ended without a reset."""
    head, _, body = data.partition(BLANK_LINE)
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return bool(head) and (not length or len(body) == int(length[1]))
