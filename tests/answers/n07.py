"""Answers to the exercises of notebook 07."""

import heapq
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from selectors import EVENT_READ
from typing import Any

from tests.answers import right, wrong

Handler = Callable[[], None]
Timers = list[tuple[float, Handler]]
Batch = list[tuple[int, int]]
Sockets = list[socket.socket]


@wrong("7.1", "a timer has been due for three seconds, and the loop may wait -3")
def below_nothing(timers: Timers, now: float) -> float | None:
    return timers[0][0] - now if timers else None


@wrong("7.1", "a timer has been due for three seconds, and the loop may wait for ever")
def no_difference(timers: Timers, now: float) -> float | None:
    return max(0, timers[0][0] - now) or None if timers else None


@wrong("7.1", "it is 100, and the loop may wait 30")
def until_the_last(timers: Timers, now: float) -> float | None:
    return max(0, max(timers)[0] - now) if timers else None


@wrong("7.1", "no timer is set, and the loop may wait 0 seconds")
def never_without_end(timers: Timers, now: float) -> float:
    return max(0, timers[0][0] - now) if timers else 0


@wrong("7.1", "the list of timers is another one now")
def takes_it_out(timers: Timers, now: float) -> float | None:
    return max(0, heapq.heappop(timers)[0] - now) if timers else None


@wrong("7.1", "a quarter of a second is left, and the loop may wait 0 seconds")
def whole_seconds(timers: Timers, now: float) -> float | None:
    return max(0, int(timers[0][0] - now)) if timers else None


@right("7.1")
def by_the_smallest(timers: Timers, now: float) -> float | None:
    return min((max(0, moment - now) for moment, _ in timers), default=None)


@wrong("7.2", "and it was closed while events lay in the batch")
def closes_after_each(batch: Batch, handlers: dict[int, Handler], leaving: Sockets) -> None:
    for fd, _ in batch:
        if fd in handlers:
            handlers[fd]()
        while leaving:
            leaving.pop().close()


@wrong("7.2", "the first handler let the second socket go, and its handler was called all the same")
def looks_them_up_beforehand(batch: Batch, handlers: dict[int, Handler], leaving: Sockets) -> None:
    for handler in [handlers[fd] for fd, _ in batch]:
        handler()
    while leaving:
        leaving.pop().close()


@wrong("7.2", "it raised KeyError")
def does_not_look(batch: Batch, handlers: dict[int, Handler], leaving: Sockets) -> None:
    for fd, _ in batch:
        handlers[fd]()


@wrong("7.2", "and after the round it is still open")
def forgets_to_close(batch: Batch, handlers: dict[int, Handler], leaving: Sockets) -> None:
    for fd, _ in batch:
        handlers.get(fd, lambda: None)()
    leaving.clear()


@wrong("7.2", "it is closed, and still on the list of who leaves")
def keeps_the_list(batch: Batch, handlers: dict[int, Handler], leaving: Sockets) -> None:
    for fd, _ in batch:
        handlers.get(fd, lambda: None)()
    for sock in leaving:
        sock.close()


@wrong("7.2", "three are ready, and the order of calls is [1, 2, 3, 4]")
def whoever_is_watched(batch: Batch, handlers: dict[int, Handler], leaving: Sockets) -> None:
    for fd in list(handlers):
        handlers.get(fd, lambda: None)()
    while leaving:
        leaving.pop().close()


@wrong("7.2", "of two that leave, one is open after the round")
def one_a_round(batch: Batch, handlers: dict[int, Handler], leaving: Sockets) -> None:
    for fd, _ in batch:
        handlers.get(fd, lambda: None)()
    if leaving:
        leaving.pop(0).close()


@wrong("7.2", "in the next round the first and the third are ready again, and nobody is called")
def once_and_never_again(batch: Batch, handlers: dict[int, Handler], leaving: Sockets) -> None:
    for fd, _ in batch:
        handlers.pop(fd, lambda: None)()
    while leaving:
        leaving.pop().close()


@right("7.2")
def by_a_stack(batch: Batch, handlers: dict[int, Handler], leaving: Sockets) -> None:
    with ExitStack() as stack:
        for fd, _ in batch:
            handlers.get(fd, lambda: None)()
        for sock in leaving:
            stack.enter_context(sock)
        leaving.clear()


@wrong("7.3", "something came a hundred times, and now there are 101 timers")
def a_timer_for_each(loop: Any, sock: socket.socket, handler: Handler, seconds: float) -> None:
    def on_data() -> None:
        handler()
        loop.after(seconds, lambda: loop.close(sock))

    loop.watch(sock, EVENT_READ, on_data)
    loop.after(seconds, lambda: loop.close(sock))


@wrong("7.3", "something came before the timer was due, and it was let go")
def however_busy(loop: Any, sock: socket.socket, handler: Handler, seconds: float) -> None:
    loop.watch(sock, EVENT_READ, handler)
    loop.after(seconds, lambda: loop.close(sock))


@wrong("7.3", "after the first look there are 0 timers: who looks again?")
def looks_once(loop: Any, sock: socket.socket, handler: Handler, seconds: float) -> None:
    came: list[bool] = []

    def on_data() -> None:
        came.append(True)
        handler()

    loop.watch(sock, EVENT_READ, on_data)
    loop.after(seconds, lambda: came or loop.close(sock))


@wrong("7.3", "nothing came from one look to the next ones, and it was not let go")
def forgives_for_ever(loop: Any, sock: socket.socket, handler: Handler, seconds: float) -> None:
    came: list[bool] = []

    def on_data() -> None:
        came.append(True)
        handler()

    def look() -> None:
        if came:
            loop.after(seconds, look)
        else:
            loop.close(sock)

    loop.watch(sock, EVENT_READ, on_data)
    loop.after(seconds, look)


def looking(
    loop: Any, sock: socket.socket, handler: Handler, seconds: float, again: float, looks: int
) -> None:
    """Look again after `again` seconds, until so many looks have found nothing new."""
    left = 0

    def on_data() -> None:
        nonlocal left
        left = looks
        handler()

    def look() -> None:
        nonlocal left
        if left:
            left -= 1
            loop.after(again, look)
        else:
            loop.close(sock)

    loop.watch(sock, EVENT_READ, on_data)
    loop.after(seconds, look)


@wrong("7.3", "it may be silent for 0.4 seconds, and was let go after 0.")
def looks_too_soon(loop: Any, sock: socket.socket, handler: Handler, seconds: float) -> None:
    looking(loop, sock, handler, seconds, seconds / 16, 1)


@wrong("7.3", "was let go after 1.0: that is more than twice as long")
def looks_too_often(loop: Any, sock: socket.socket, handler: Handler, seconds: float) -> None:
    looking(loop, sock, handler, seconds, seconds, 2)


@wrong("7.3", "no timer is set: a client that never says a word would stay")
def waits_for_a_word(loop: Any, sock: socket.socket, handler: Handler, seconds: float) -> None:
    loop.watch(sock, EVENT_READ, handler)


@right("7.3")
def by_the_clock(loop: Any, sock: socket.socket, handler: Handler, seconds: float) -> None:
    last = time.monotonic()

    def on_data() -> None:
        nonlocal last
        last = time.monotonic()
        handler()

    def look() -> None:
        left = last + seconds - time.monotonic()
        if left > 0:
            loop.after(left, look)
        else:
            loop.close(sock)

    loop.watch(sock, EVENT_READ, on_data)
    loop.after(seconds, look)


@wrong("7.4", "while another one was silent, a client said “second”, and nothing came back")
def one_client_to_its_end(loop: Any, listener: socket.socket) -> None:
    def on_client() -> None:
        client, _ = listener.accept()
        with client:
            while data := client.recv(4096):
                client.sendall(data)

    loop.watch(listener, EVENT_READ, on_client)


@wrong("7.4", "a client said “third”, and nothing came back")
def one_word_each(loop: Any, listener: socket.socket) -> None:
    def on_client() -> None:
        client, _ = listener.accept()
        loop.watch(client, EVENT_READ, lambda: on_data(client))

    def on_data(client: socket.socket) -> None:
        client.sendall(client.recv(4096))
        loop.watch(client, 0)

    loop.watch(listener, EVENT_READ, on_client)


@wrong("7.4", "a client ended its side, and there is no end of what it gets")
def knows_no_end(loop: Any, listener: socket.socket) -> None:
    def on_client() -> None:
        client, _ = listener.accept()
        loop.watch(client, EVENT_READ, lambda: client.sendall(client.recv(4096)))

    loop.watch(listener, EVENT_READ, on_client)


@wrong("7.4", "a client has left, and the loop still watches the number it had")
def closes_behind_its_back(loop: Any, listener: socket.socket) -> None:
    def on_client() -> None:
        client, _ = listener.accept()
        loop.watch(client, EVENT_READ, lambda: on_data(client))

    def on_data(client: socket.socket) -> None:
        if data := client.recv(4096):
            client.sendall(data)
        else:
            client.close()

    loop.watch(listener, EVENT_READ, on_client)


@wrong("7.4", "a client's socket was closed without the loop: its number was free at once")
def closes_with_its_own_hands(loop: Any, listener: socket.socket) -> None:
    def on_client() -> None:
        client, _ = listener.accept()
        loop.watch(client, EVENT_READ, lambda: on_data(client))

    def on_data(client: socket.socket) -> None:
        if data := client.recv(4096):
            client.sendall(data)
        else:
            loop.watch(client, 0)
            client.close()

    loop.watch(listener, EVENT_READ, on_client)


class Echo:
    """A client that gets back what it says."""

    def __init__(self, loop: Any, client: socket.socket) -> None:
        self.loop, self.client = loop, client
        loop.watch(client, EVENT_READ, self)

    def __call__(self) -> None:
        data = self.client.recv(1)
        self.client.sendall(data)
        if not data:
            self.loop.close(self.client)


@right("7.4")
def by_a_class(loop: Any, listener: socket.socket) -> None:
    loop.watch(listener, EVENT_READ, lambda: Echo(loop, listener.accept()[0]))
