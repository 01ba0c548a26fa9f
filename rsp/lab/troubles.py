"""The outcomes of the contract for when something goes wrong: nobody else may notice."""

from rsp.lab.clients import Client
from rsp.lab.contract import BODY, RIGHT, Before, descriptors, first_wrong, got, outcome, took
from rsp.lab.tempers import LARGE, answering, closing_early, hanging_up, large, pattern, resetting

LEAK = 10  # descriptors: the last clients may still be closing, a leak of twenty is no accident


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
    want = pattern(LARGE)
    with before(large()) as (proxy, _):
        with Client(proxy) as client:
            client.ask()
            client.recv(1000)
            client.abort()
        return got(proxy, want)


@outcome
def a_dead_backend_is_no_trouble(before: Before) -> str:
    """A client whose backend is down is let go at once, and the next is served when it is up."""
    with before(answering(BODY), up=False) as (proxy, backend):
        with Client(proxy) as client:
            try:
                client.ask()
                client.recv_all()
            except TimeoutError:
                return "waits"
            except ConnectionError:
                pass  # a reset lets it go as well
        backend.up()
        return got(proxy)


@outcome
def a_backend_that_hangs_up_is_no_trouble(before: Before) -> str:
    """A backend that closes at once is told to the client as an end."""
    with before(hanging_up()) as (proxy, _), Client(proxy) as client:
        try:
            client.ask()
            client.recv_all()
        except TimeoutError:
            return "waits"
        except ConnectionError:
            pass
    return RIGHT


@outcome
def a_short_answer_looks_short(before: Before) -> str:
    """An answer that ends too early reaches the client as far as it goes, and then ends."""
    half = b"half of what was promised"
    with before(closing_early(half.decode())) as (proxy, _), Client(proxy) as client:
        client.ask()
        return took(client, half)


@outcome
def a_reset_is_not_a_good_end(before: Before) -> str:
    """A backend's reset in the middle of an answer does not look like its end."""
    part = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nas far as it"
    with before(resetting(part)) as (proxy, backend), Client(proxy) as client:
        client.ask()
        try:
            client.recv()
            backend.release()
            while client.recv():
                pass
        except TimeoutError:
            return "waits"
        except ConnectionError:
            return RIGHT
    return "hides"


@outcome
def nothing_is_left_open(before: Before) -> str | None:
    """After twenty clients no descriptor is left open."""
    with before(answering(BODY)) as (proxy, _):
        symptom = got(proxy)
        had = descriptors(proxy)
        if symptom != RIGHT or had is None:
            return None if symptom == RIGHT else symptom
        for _ in range(20):
            symptom = first_wrong(symptom, got(proxy))
        now = descriptors(proxy) or 0
        return first_wrong(symptom, "leaks" if now - had >= LEAK else RIGHT)
