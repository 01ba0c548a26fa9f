"""The outcomes of the contract, each a small experiment from outside: requests and answers."""

from rsp.lab.backends import Backend, Temper
from rsp.lab.clients import Client, request
from rsp.lab.contract import (
    BODY,
    RIGHT,
    Before,
    arrived,
    first_wrong,
    got,
    outcome,
    took,
)
from rsp.lab.ends import End
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
SOON = 0.2  # seconds to wait for what may also never come; a slow machine only tests less


@outcome
def a_request_is_answered(before: Before) -> str:
    """A request gets the backend's answer."""
    with before(answering(BODY)) as (proxy, _):
        return got(proxy)


@outcome
def so_is_the_next(before: Before) -> str:
    """A second request gets it too."""
    with before(answering(BODY)) as (proxy, _):
        return first_wrong(got(proxy), got(proxy))


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
        try:
            while not data.endswith(first.encode()):
                more = client.recv()
                if not more:
                    return "cut" if data else "lost"
                data += more
        except TimeoutError:
            return "waits"
        except ConnectionError:
            return "refuses"
        backend.release()
        return RIGHT if client.recv_all() == second.encode() else "cut"


@outcome
def a_slow_reader_gets_all(before: Before) -> str:
    """A client that reads slowly gets every byte."""
    with before(large(MEDIUM)) as (proxy, _), Client(proxy, receive_buffer=4096) as client:
        client.ask()
        return took(client, pattern(MEDIUM))


@outcome
def a_request_in_pieces_arrives(before: Before) -> str:
    """A request that comes in two pieces arrives whole."""
    message = request("/in/two/pieces")
    with before(answering(BODY)) as (proxy, backend), Client(proxy) as client:
        client.send(message[:20])
        # A proxy that reads whole heads forwards nothing yet; the others have now read 20 bytes.
        backend.wait_until(lambda: backend.received() > 0, SOON)
        client.send(message[20:])
        return arrived(backend, message)


@outcome
def a_long_head_arrives(before: Before) -> str:
    """A request with a head of 6,000 bytes arrives whole."""
    message = request("/", Cookie="c" * 5_900)
    with before(answering(BODY)) as (proxy, backend), Client(proxy) as client:
        client.send(message)
        return arrived(backend, message)


@outcome
def an_upload_arrives(before: Before) -> str:
    """A request's body of 300,000 bytes arrives whole."""
    message = request("/", "POST", pattern(MEDIUM))
    with before(answering(BODY)) as (proxy, backend), Client(proxy) as client:
        try:
            client.send(message)
        except OSError:  # it was cut short so early that the sender was told
            return "cut"
        return arrived(backend, message)


@outcome
def a_silent_client_stops_nobody(before: Before) -> str:
    """While one client says nothing, another is served."""
    with before(answering(BODY)) as (proxy, _), Client(proxy):
        return got(proxy)


@outcome
def a_slow_answer_stops_nobody(before: Before) -> str:
    """While one client waits for a slow answer, another is served."""
    with before(holding_first()) as (proxy, backend), Client(proxy) as client:
        client.ask("/held")
        backend.wait_until(lambda: len(backend.requests) == 1)
        return got(proxy)


def holding_first() -> Temper:
    """Answer /held when the experiment calls `release()`, everything else at once."""
    slow, quick = holding(BODY), answering(BODY)

    def temper(end: End, backend: Backend) -> None:
        (quick if backend.requests else slow)(end, backend)

    return temper


@outcome
def a_kept_connection_is_served_on(before: Before) -> str:
    """A second request on the same connection is answered."""
    message = request("/", Connection="keep-alive")
    with before(replying(lambda *_: response(BODY), keep_alive=True)) as (proxy, _):
        with Client(proxy) as client:
            for _ in range(2):
                try:
                    client.send(message)
                    answer = client.recv_message()
                except TimeoutError:
                    return "waits"
                except ConnectionError:
                    return "refuses"
                if not answer.endswith(BODY):
                    return "cut" if answer else "lost"
    return RIGHT


@outcome
def a_half_closing_client_gets_its_answer(before: Before) -> str:
    """A client that half-closes after its request gets its answer."""
    with before(answering(BODY)) as (proxy, _), Client(proxy) as client:
        client.ask()
        client.half_close()
        return took(client, BODY)
