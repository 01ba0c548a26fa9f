"""rsp.lab.pressure: a client that does not read shows what a proxy does with what it has."""

from rsp.lab.leaks import pending_in
from rsp.lab.pressure import MIB, not_reading
from rsp.lab.tempers import answering, large
from rsp.stages import s05_threads, s08_buffers, s08_queue

SIZE = 2 * MIB  # bytes: the kernel keeps less for a client that does not read


def test_what_the_client_does_not_take_is_with_the_proxy() -> None:
    with not_reading(s08_queue.serve, large(SIZE)) as (_, backend, _):
        assert backend.wait_until(lambda: sum(pending_in(s08_queue)) > SIZE // 2)


def test_or_it_is_with_the_backend() -> None:
    with not_reading(s08_buffers.serve, large(8 * SIZE)) as (client, backend, _):
        assert backend.wait_until(lambda: pending_in(s08_buffers) != [])
        assert not backend.connections[0].ended_here
        client.abort()


def test_the_client_may_read_after_all() -> None:
    with not_reading(s05_threads.serve, answering("a page"), "/some") as (client, backend, proxy):
        assert client.recv_all().endswith(b"a page")
        assert backend.requests[0].startswith(b"GET /some ")
        assert proxy.log == []
