"""The outcomes of the contract for HTTP: what is refused, and what of a request goes on."""

import re
from contextlib import suppress

from rsp.lab.backends import Backend, Temper
from rsp.lab.clients import Client, parse_answer, request
from rsp.lab.contract import BODY, RIGHT, Before, first_wrong, http_outcome
from rsp.lab.ends import BLANK_LINE, End
from rsp.lab.rest import at_rest
from rsp.lab.tempers import answering, linger, pattern, replying, response

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: example.test\r\n\r\n"
HUGE_HEAD = 64 * 1024  # bytes: nobody takes so long a head
LONG = 300_000  # bytes: more than one read gives

BLURRED = [  # some readers take each of them for a Transfer-Encoding, and others for none
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: \x0bchunked",
    b"X-Note: folded\r\n Transfer-Encoding: chunked",
]


def with_head(*lines: bytes, body: bytes = b"", method: bytes = b"POST") -> bytes:
    """Return a request with these lines in its head, as they are."""
    begin = method + b" /asked HTTP/1.1", b"Host: example.test"
    return b"\r\n".join([*begin, *lines, b"", b""]) + body


def told(client: Client, *statuses: int) -> str:
    """Tell whether a client got one of these statuses, when its connection has ended."""
    try:
        with suppress(ConnectionError):  # what it said in vain may break it, behind the answer
            client.recv_all()
    except TimeoutError:
        return "waits"
    status = parse_answer(bytes(client.received)).status
    return RIGHT if status in statuses else "other" if status else "lost"


def passed(backend: Backend, what: bytes = b"") -> bool:
    """Tell whether something came to the backend, or anything at all."""
    at_rest()
    return any(what in end.received for end in backend.connections if end.received)


def refusal(before: Before, message: bytes, *statuses: int, unseen: bytes = b"") -> str:
    """Tell whether a request is refused so, and the backend sees nothing, or not this, of it."""
    with before(replying(lambda *_: response(BODY), keep_alive=True)) as (proxy, backend):
        with Client(proxy) as client:
            with suppress(ConnectionError):  # the answer may come before all is sent
                client.send(message)
            client.half_close()  # no more comes: whoever waits for it waits in vain
            symptom = told(client, *statuses)
            return "passes" if passed(backend, unseen) else symptom


@http_outcome
def two_lengths_are_refused(before: Before) -> str:
    """A request with two lengths is refused, and the backend sees nothing of it."""
    lengths = b"Content-Length: 5", b"Content-Length: 50"
    return refusal(before, with_head(*lengths, body=b"hello" + HIDDEN), 400)


@http_outcome
def a_length_beside_chunks_is_refused(before: Before) -> str:
    """A request with a length and with chunks is refused, and the backend sees nothing of it."""
    body = b"0\r\n\r\n" + HIDDEN
    fields = b"Content-Length: %d" % len(body), b"Transfer-Encoding: chunked"
    return refusal(before, with_head(*fields, body=body), 400)


@http_outcome
def a_hidden_request_stays_hidden(before: Before) -> str:
    """What one reader takes for a body and another for a request does not reach the backend."""
    body = b"0\r\n\r\n" + HIDDEN
    length = b"Content-Length: %d" % len(body)
    tries = [with_head(length, blurred, body=body) for blurred in BLURRED]
    return first_wrong(*[lambda one=one: refusal(before, one, 400, 501) for one in tries])


@http_outcome
def the_second_is_looked_at_as_well(before: Before) -> str:
    """The second request on one connection is looked at as strictly as the first."""
    good = with_head(method=b"GET")
    bad = HIDDEN.replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12")
    with before(replying(lambda *_: response(BODY), keep_alive=True)) as (proxy, backend):
        with Client(proxy) as client:
            client.send(good)
            if not client.recv_message().endswith(BODY):
                return "cut"
            client.received.clear()
            client.send(bad)
            client.half_close()
            symptom = told(client, 400)
            return "passes" if passed(backend, b"/hidden") else symptom


@http_outcome
def a_signed_chunk_is_refused(before: Before) -> str:
    """A chunk whose size has a sign is refused, and its content does not reach the backend."""
    body = b"+5\r\nhello\r\n0\r\n\r\n"
    message = with_head(b"Transfer-Encoding: chunked", body=body)
    return refusal(before, message, 400, unseen=b"hello")


@http_outcome
def a_huge_head_is_refused(before: Before) -> str:
    """A head of more than 64 KiB is refused with 431."""
    return refusal(before, with_head(b"Cookie: " + b"c" * HUGE_HEAD, method=b"GET"), 431)


def seen(before: Before, message: bytes, *want: bytes, unwanted: bytes) -> str:
    """Tell whether a request comes to the backend with all that is wanted, and nothing else."""
    with before(answering(BODY)) as (proxy, backend), Client(proxy) as client:
        client.send(message)
        if (symptom := told(client, 200)) != RIGHT:
            return symptom
        head = backend.requests[-1].lower()
    if unwanted.lower() in head:
        return "passes"
    return RIGHT if all(part.lower() in head for part in want) else "cut"


@http_outcome
def what_connection_names_stays_behind(before: Before) -> str:
    """The fields that Connection names do not reach the backend, the others do."""
    message = request("/", Connection="close, X-Hop", X_Hop="this hop", X_End="that end")
    return seen(before, message, b"X-End: that end", unwanted=b"this hop")


@http_outcome
def the_clients_address_is_told(before: Before) -> str:
    """The backend is told the client's address, and nothing that the client says of itself."""
    message = request("/", X_Forwarded_For="192.0.2.1", Forwarded="for=192.0.2.1")
    return seen(before, message, b"X-Forwarded-For: 127.0.0.1\r\n", unwanted=b"192.0.2.1")


@http_outcome
def a_urls_authority_is_the_host(before: Before) -> str:
    """The authority of a URL in the request line replaces Host."""
    message = request("http://one.test/path").replace(b"example.test", b"two.test")
    want = b"GET /path HTTP/1.1\r\n", b"\r\nHost: one.test\r\n"
    return seen(before, message, *want, unwanted=b"two.test")


@http_outcome
def chunks_arrive_whole(before: Before) -> str:
    """A body in chunks arrives whole, and so does the request behind it."""
    body = pattern(LONG)
    message = with_head(b"Transfer-Encoding: chunked", body=in_chunks(body, 70_000))
    with before(taking_chunks()) as (proxy, backend), Client(proxy) as client:
        client.send(message + request("/behind"))
        symptom = told(client, 200)
    if symptom != RIGHT:
        return symptom
    posts = [one for one in backend.requests if one.startswith(b"POST")]
    if [from_chunks(one.partition(BLANK_LINE)[2]) for one in posts] != [body]:
        return "cut"
    return RIGHT if client.received.count(BODY) == 2 else "cut"


def in_chunks(body: bytes, size: int) -> bytes:
    """Return a body in chunks of this size, with its end."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def from_chunks(coded: bytes) -> bytes | None:
    """Return what is in the chunks; None when they have no end, or something is behind it."""
    content = b""
    while match := re.match(rb"([0-9a-fA-F]+)[^\r\n]*\r\n", coded):
        size, begin = int(match[1], 16), match.end()
        if not size:
            return content if coded[begin:] == b"\r\n" else None
        content += coded[begin : begin + size]
        coded = coded[begin + size + 2 :]
    return None


def taking_chunks() -> Temper:
    """Answer a request when its last chunk has come, or its head alone when it has no chunks."""

    def temper(end: End, backend: Backend) -> None:
        while message := backend.take(end):
            while b"chunked" in message.lower() and not message.endswith(b"\r\n0\r\n\r\n"):
                data, end.kept = end.kept or end.recv(), b""
                if not data:
                    return
                whole, mark, end.kept = (message + data).partition(b"\r\n0\r\n\r\n")
                message = backend.requests[-1] = whole + mark
            end.send(response(BODY))
            if b"\r\nconnection: close\r\n" in message.lower():
                break
        linger(end)

    return temper


@http_outcome
def a_body_waits_for_its_100(before: Before) -> str:
    """A client is told to go on with a body by the backend, and by nobody else."""
    return first_wrong(lambda: told_to_go_on(before), lambda: told_no(before))


EXPECTING = with_head(b"Content-Length: 4", b"Expect: 100-continue", b"Connection: close")


def told_to_go_on(before: Before) -> str:
    """Tell whether the backend's 100 comes, and then the body goes."""
    with before(saying_100()) as (proxy, backend), Client(proxy) as client:
        client.send(EXPECTING)
        if not client.recv().startswith(b"HTTP/1.1 100 "):
            return "other" if client.received else "lost"
        client.received.clear()
        client.send(b"body")
        symptom = told(client, 200)
        if symptom == RIGHT and not backend.requests[-1].endswith(BLANK_LINE + b"body"):
            return "cut"
        return symptom


def told_no(before: Before) -> str:
    """Tell whether a backend that does not want the body can say so before it comes."""
    no = response(BODY, "403 Forbidden", Connection="close")
    with before(saying_100(no)) as (proxy, _), Client(proxy) as client:
        client.send(EXPECTING)
        status = parse_answer(client.recv_message()).status
    return RIGHT if status == 403 else "other" if status else "lost"


def saying_100(no: bytes = b"") -> Temper:
    """Say 100 when the head has come, answer when the body has; or say no instead."""

    def temper(end: End, backend: Backend) -> None:
        head = b""
        while BLANK_LINE not in head:
            if not (data := end.recv()):
                return
            head += data
        if not no:
            end.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            rest = end.recv_exactly(4 - len(head.partition(BLANK_LINE)[2]))
            backend.note_change(lambda: backend.requests.append(head + rest))
        end.send(no or response(BODY, Connection="close"))
        linger(end)

    return temper
