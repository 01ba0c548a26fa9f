"""The outcomes of the contract for when something goes wrong: nobody else may notice."""

import time
from contextlib import suppress

from rsp.lab.backends import Backend, Temper
from rsp.lab.clients import Client, Server
from rsp.lab.contract import (
    BODY,
    RIGHT,
    SOON,
    Before,
    descriptors,
    ends_well,
    first,
    first_wrong,
    got,
    outcome,
    took,
)
from rsp.lab.ends import End
from rsp.lab.rest import at_rest
from rsp.lab.tempers import answering, closing_early, hanging_up, large, pattern, resetting

LEAK = 10  # descriptors: the last clients may still be closing, a leak of twenty is no accident
HUGE = 16 * 1024 * 1024  # bytes: more than all buffers on the way take, so that it breaks off


@outcome
def a_client_that_leaves_is_no_trouble(before: Before) -> str:
    """After a client that left without a word, the next is served."""
    with before(answering(BODY)) as (proxy, _):
        with Client(proxy):
            pass
        return got(proxy)


@outcome
def a_client_that_aborts_is_no_trouble(before: Before) -> str:
    """After a client that broke off its download, the next is served."""
    want = pattern(HUGE)
    with before(large(HUGE)) as (proxy, _):
        with Client(proxy) as client:
            client.ask()
            client.recv(1000)
            client.abort()
        return got(proxy, want)


@outcome
def a_dead_backend_is_no_trouble(before: Before) -> str:
    """A client whose backend is down is let go at once, and the next is served when it is up."""
    with before(answering(BODY), up=False) as (proxy, backend):
        # The reset may come before the client knows that it is connected.
        with suppress(ConnectionError), Client(proxy) as client:
            let_go(client)
        backend.up()
        return got(proxy)


@outcome
def a_backend_that_hangs_up_is_no_trouble(before: Before) -> str:
    """A backend that closes at once is told to the client as an end."""
    with before(first(hanging_up(), answering(BODY))) as (proxy, _):
        with Client(proxy) as client:
            let_go(client)
        return got(proxy)


def let_go(client: Client) -> None:
    """Ask, and see the connection end. Raises TimeoutError when it does not."""
    with suppress(ConnectionError):  # a reset lets the client go as well
        client.ask()
        client.recv_all()


@outcome
def a_short_answer_looks_short(before: Before) -> str:
    """An answer that ends too early reaches the client as far as it goes, and then ends."""
    half = b"half of what was promised"
    with before(first(closing_early(half.decode()), answering(BODY))) as (proxy, _):
        with Client(proxy) as client:
            client.ask()
            symptom = took(client, half)
        return first_wrong(lambda: symptom, lambda: got(proxy))


@outcome
def a_reset_is_not_a_good_end(before: Before) -> str:
    """A backend's reset in the middle of an answer does not look like its end."""
    part = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nas far as it"
    with before(first(resetting(part), answering(BODY))) as (proxy, backend):
        with Client(proxy) as client:
            client.ask()
            client.recv()
            backend.release()
            symptom = "hides" if ends_well(client) else RIGHT
        return first_wrong(lambda: symptom, lambda: got(proxy))


@outcome
def a_client_that_has_left_is_told(before: Before) -> str:
    """A backend at work for a client learns that the client has left."""
    with before(working()) as (proxy, backend):
        with Client(proxy) as client:
            client.ask()
            if not backend.wait_until(lambda: bool(backend.requests)):
                return "lost"
        (upstream,) = backend.connections
        return RIGHT if backend.wait_until(lambda: upstream.ended_there) else "waits"


@outcome
def a_clients_reset_stays_one(before: Before) -> str:
    """A client's reset reaches the backend as a reset."""
    with before(working()) as (proxy, backend), Client(proxy) as client:
        client.ask()
        if not backend.wait_until(lambda: bool(backend.requests)):
            return "lost"
        client.abort()
        (upstream,) = backend.connections
        if not backend.wait_until(lambda: upstream.ended_there):
            return "waits"
        return RIGHT if upstream.was_reset else "hides"


def working() -> Temper:
    """Take a request, never answer, and see how the client ends."""

    def temper(end: End, backend: Backend) -> None:
        backend.take(end)
        end.recv_all()

    return temper


@outcome
def nothing_is_left_open(before: Before) -> str | None:
    """After twenty clients no descriptor is left open."""
    with before(answering(BODY)) as (proxy, _):
        symptom = got(proxy)
        had = descriptors(proxy)
        if symptom != RIGHT or had is None:
            return None if symptom == RIGHT else symptom
        clients = [lambda: got(proxy)] * 20
        return first_wrong(*clients, lambda: "leaks" if has_more(proxy, had) else RIGHT)


def has_more(proxy: Server, had: int) -> bool:
    """Tell whether many more descriptors are open than it had; the last may still be closing."""
    deadline = time.monotonic() + SOON
    while (more := (descriptors(proxy) or 0) - had >= LEAK) and time.monotonic() < deadline:
        at_rest()
    return more
