"""The outcomes of the contract, each a small experiment from outside: requests and answers."""

from rsp.lab.clients import SMALL_BUFFER, Client, request
from rsp.lab.contract import (
    BODY,
    RIGHT,
    SOON,
    Before,
    arrived,
    first,
    first_wrong,
    got,
    outcome,
    took,
)
from rsp.lab.rest import at_rest
from rsp.lab.tempers import (
    LARGE,
    answering,
    holding,
    in_two_parts,
    large,
    pattern,
    replying,
    response,
)

MEDIUM = 300_000  # bytes: more than small buffers, quick to send


@outcome
def a_request_is_answered(before: Before) -> str:
    """A request gets the backend's answer."""
    with before(answering(BODY)) as (proxy, _):
        return got(proxy)


@outcome
def so_is_the_next(before: Before) -> str:
    """A second request gets it too."""
    with before(answering(BODY)) as (proxy, _):
        return first_wrong(lambda: got(proxy), lambda: got(proxy))


@outcome
def a_long_answer_comes_whole(before: Before) -> str:
    """A long answer arrives whole."""
    with before(large()) as (proxy, _):
        return got(proxy, pattern(LARGE))


@outcome
def an_answer_streams(before: Before) -> str:
    """The first part of an answer does not wait for the rest."""
    first, second = "the first part, ", "the rest\n"
    with before(in_two_parts(first, second)) as (proxy, backend), Client(proxy) as client:
        client.ask()
        data = b""
        while not data.endswith(first.encode()):
            more = client.recv()
            if not more:
                return "cut" if data else "lost"
            data += more
        backend.release()
        return RIGHT if client.recv_all() == second.encode() else "cut"


@outcome
def a_slow_reader_gets_all(before: Before) -> str:
    """A client that reads slowly gets every byte."""
    with before(large()) as (proxy, _), Client(proxy, SMALL_BUFFER) as client:
        client.ask()
        at_rest(SOON)  # until nobody can send any more, whatever the buffers on the way
        return took(client, pattern(LARGE))


@outcome
def a_request_in_pieces_arrives(before: Before) -> str:
    """A request that comes in two pieces arrives whole."""
    message = request("/in/two/pieces", Cookie="behind the cut")
    with before(answering(BODY)) as (proxy, backend), Client(proxy) as client:
        client.send(message[:20])
        # A proxy that reads whole heads forwards nothing yet; the others have now read 20 bytes.
        backend.wait_until(lambda: backend.received() > 0, SOON)
        client.send(message[20:])
        return arrived(backend, b"GET /in/two/pieces HTTP/1.", b"behind the cut")


@outcome
def a_long_head_arrives(before: Before) -> str:
    """A request with a head of 6,000 bytes arrives whole."""
    cookie = pattern(5_900).replace(b"\n", b" ").decode().strip()
    message = request("/", Cookie=cookie)
    with before(answering(BODY)) as (proxy, backend), Client(proxy) as client:
        client.send(message)
        return arrived(backend, cookie.encode())


@outcome
def an_upload_arrives(before: Before) -> str:
    """A request's body of 300,000 bytes arrives whole."""
    message = request("/", "POST", pattern(MEDIUM))
    with before(answering(BODY)) as (proxy, backend), Client(proxy) as client:
        try:
            client.send(message)
        except OSError:  # it was cut short so early that the sender was told
            return "cut"
        return arrived(backend, b"POST / HTTP/1.", b"\r\n\r\n" + pattern(MEDIUM))


@outcome
def a_silent_client_stops_nobody(before: Before) -> str:
    """While one client says nothing, another is served."""
    with before(answering(BODY)) as (proxy, _), Client(proxy):
        return got(proxy)


@outcome
def a_slow_answer_stops_nobody(before: Before) -> str:
    """While one client waits for a slow answer, another is served."""
    with before(first(holding(BODY), answering(BODY))) as (proxy, backend), Client(proxy) as client:
        client.ask("/held")
        backend.wait_until(lambda: len(backend.requests) == 1)
        return got(proxy)


@outcome
def a_kept_connection_is_served_on(before: Before) -> str:
    """A second request on the same connection is answered."""
    message = request("/", Connection="keep-alive")
    with before(replying(lambda *_: response(BODY), keep_alive=True)) as (proxy, _):
        with Client(proxy) as client:
            for _ in range(2):
                client.send(message)
                answer = client.recv_message()
                if not answer.endswith(BODY):
                    return "cut" if answer else "lost"
    return RIGHT


@outcome
def a_half_closing_client_gets_its_answer(before: Before) -> str:
    """A client that half-closes after its request gets its answer."""
    with before(holding(BODY)) as (proxy, backend), Client(proxy) as client:
        client.ask()
        backend.wait_until(lambda: bool(backend.requests))
        client.half_close()
        at_rest(SOON)  # whoever takes it for a farewell has acted on it before there is an answer
        backend.release()
        return took(client, BODY)
