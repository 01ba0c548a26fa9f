"""Answers to the exercises of notebook 05."""

import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from rsp.lab.proxies import Serve
from rsp.net import Address
from rsp.stages.s04_serial import clients
from tests.answers import right, wrong

Handle = Callable[[socket.socket, Address], None]


def attending(handle: Handle) -> Handle:
    """Return `handle`, with a client that is closed afterwards and whose trouble is its own."""

    def attend(client: socket.socket, backend: Address) -> None:
        with client, suppress(OSError):
            handle(client, backend)

    return attend


@wrong("5.1", "three clients asked at once, and 1 reached the backend at once")
def one_after_the_other(handle: Handle) -> Serve:
    def serve(listener: socket.socket, backend: Address) -> None:
        for client in clients(listener):
            attending(handle)(client, backend)

    return serve


@wrong("5.1", "of three clients none was served")
def closed_too_early(handle: Handle) -> Serve:
    def serve(listener: socket.socket, backend: Address) -> None:
        for client in clients(listener):
            with client:
                thread = threading.Thread(target=attending(handle), args=(client, backend))
            thread.start()

    return serve


@wrong("5.1", "three clients asked at once, and 1 reached the backend at once")
def joined_at_once(handle: Handle) -> Serve:
    def serve(listener: socket.socket, backend: Address) -> None:
        for client in clients(listener):
            thread = threading.Thread(target=attending(handle), args=(client, backend))
            thread.start()
            thread.join()

    return serve


@right("5.1")
def a_pool(handle: Handle) -> Serve:
    def serve(listener: socket.socket, backend: Address) -> None:
        with ThreadPoolExecutor(100) as pool:
            for client in clients(listener):
                pool.submit(attending(handle), client, backend)

    return serve


@wrong("5.2", "two may be served at once, and three were")
def without_a_limit(count: int, handle: Handle) -> Serve:
    return a_pool(handle)


@wrong("5.2", "two may be served at once, and 1 reached the backend")
def only_one(count: int, handle: Handle) -> Serve:
    return one_after_the_other(handle)


@wrong("5.2", "the one that had to wait was not served when there was room again")
def never_released(count: int, handle: Handle) -> Serve:
    places = threading.Semaphore(count)

    def serve(listener: socket.socket, backend: Address) -> None:
        for client in clients(listener):
            if places.acquire(timeout=3):
                threading.Thread(target=attending(handle), args=(client, backend)).start()
            else:
                client.close()

    return serve


@wrong("5.2", "after two handlers that failed nobody is served: who gives back?")
def kept_by_those_who_fail(count: int, handle: Handle) -> Serve:
    places = threading.Semaphore(count)

    def attend(client: socket.socket, backend: Address) -> None:
        with client, suppress(OSError):
            handle(client, backend)
            places.release()

    def serve(listener: socket.socket, backend: Address) -> None:
        places.acquire()
        for client in clients(listener):
            threading.Thread(target=attend, args=(client, backend), daemon=True).start()
            if not places.acquire(timeout=2.5):  # longer than the check has patience
                return

    return serve


@right("5.2")
def a_pool_of_so_many(count: int, handle: Handle) -> Serve:
    def serve(listener: socket.socket, backend: Address) -> None:
        def work() -> None:
            for client in clients(listener):
                attending(handle)(client, backend)

        threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return serve


@wrong("5.3", "all five had failed and gone, and the next one counts [6]")
def never_down(handle: Handle, seen: list[int]) -> Handle:
    lock = threading.Lock()

    def counted(client: socket.socket, backend: Address) -> None:
        with lock:
            seen.append(len(seen) + 1)
        handle(client, backend)

    return counted


@wrong("5.3", "all five had failed and gone, and the next one counts [6]")
def down_when_all_is_well(handle: Handle, seen: list[int]) -> Handle:
    lock, inside = threading.Lock(), [0]

    def counted(client: socket.socket, backend: Address) -> None:
        with lock:
            inside[0] += 1
            seen.append(inside[0])
        handle(client, backend)
        with lock:
            inside[0] -= 1

    return counted


@wrong("5.3", "five clients came, and the list has 0 numbers")
def only_afterwards(handle: Handle, seen: list[int]) -> Handle:
    def counted(client: socket.socket, backend: Address) -> None:
        handle(client, backend)
        seen.append(1)

    return counted


@right("5.3")
def by_a_set_of_threads(handle: Handle, seen: list[int]) -> Handle:
    lock = threading.Lock()
    inside: set[int] = set()

    def counted(client: socket.socket, backend: Address) -> None:
        with lock:
            inside.add(threading.get_ident())
            seen.append(len(inside))
        try:
            handle(client, backend)
        finally:
            with lock:
                inside.discard(threading.get_ident())

    return counted
