"""Checks of notebook 07."""

import heapq
import selectors
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

from rsp.lab.checks import exercise, expect
from rsp.lab.clients import Client
from rsp.lab.exercises.loops import ByHand, Small
from rsp.lab.settings import HOST
from rsp.net import Address, listen

Handler = Callable[[], None]
Timers = list[tuple[float, Handler]]
SOON = 0.4  # seconds in which a word that is sent back must come
SILENCE, SHORT = 0.4, 0.05  # seconds after which somebody is let go; and where less will do


def nothing() -> None:
    """Stand in the place of a handler."""


@exercise("7.1")
def waits_until_the_next(patience: Callable[[Timers, float], float | None]) -> None:
    """Until the first of them, never less than nothing, and without any as long as it takes."""
    timers = [(float(moment), nothing) for moment in (118, 104, 130, 109)]
    heapq.heapify(timers)
    told = patience(list(timers), 100)
    where = "timers are set for 104, 109, 118 and 130, it is 100, and the loop may wait"
    expect(told is not None, f"{where} for ever")
    expect(isinstance(told, int | float), f"it returns {type(told).__name__}, not a number")
    expect(told == 4, f"{where} {told:g} seconds")
    told = patience(list(timers), 103.75)
    expect(told == 0.25, f"a quarter of a second is left, and the loop may wait {told} seconds")
    told = patience(list(timers), 107)
    where = "a timer has been due for three seconds, and the loop may wait"
    expect(told is not None, f"{where} for ever")
    expect(told == 0, f"{where} {told} more")
    told = patience([], 100)
    where = "no timer is set, and the loop may wait"
    expect(told != 0, f"{where} 0 seconds: it would run round and round")
    expect(told is None, f"{where} {told} seconds, not as long as it takes")
    heapq.heappop(timers)
    kept = list(timers)
    patience(timers, 107)
    expect(timers == kept, "it was asked how long, and the list of timers is another one now")


class Scene:
    """Four sockets with handlers; three are ready, and the first may close 2 and 4."""

    def __init__(self, stack: ExitStack) -> None:
        self.sockets = [stack.enter_context(socket.socket()) for _ in range(4)]
        self.handlers: dict[int, Handler] = {}
        self.leaving: list[socket.socket] = []
        self.called: list[int] = []
        self.early = False  # a socket was closed before the batch was over
        for place, sock in enumerate(self.sockets):
            self.handlers[sock.fileno()] = partial(self.on_event, place)
        self.batch = [(sock.fileno(), selectors.EVENT_READ) for sock in self.sockets[:3]]
        self.closes = False

    def on_event(self, place: int) -> None:
        """Note who was called; the first one closes two others, if it shall."""
        self.called.append(place + 1)
        others = self.sockets[1::2]
        if place == 0 and self.closes:
            for sock in others:
                del self.handlers[sock.fileno()]
                self.leaving.append(sock)
        if place == 2 and self.closes:
            self.early = any(sock.fileno() < 0 for sock in others)


@exercise("7.2")
def closes_at_the_end(
    one_round: Callable[[list[tuple[int, int]], dict[int, Handler], list[socket.socket]], None],
) -> None:
    """Whoever is still watched is called; who leaves is closed when the batch is over."""
    with ExitStack() as stack:
        scene = Scene(stack)
        one_round(list(scene.batch), scene.handlers, scene.leaving)
        expect(scene.called == [1, 2, 3], f"three are ready, and {told_of(scene.called)}")
        open_now = [sock.fileno() >= 0 for sock in scene.sockets]
        expect(all(open_now), "nobody wanted to leave, and a socket is closed")
    with ExitStack() as stack:
        scene = Scene(stack)
        scene.closes = True
        one_round(list(scene.batch), scene.handlers, scene.leaving)
        first = "the first handler let the second socket go"
        expect(2 not in scene.called, f"{first}, and its handler was called all the same")
        expect(3 in scene.called, f"{first}, and the third was not called any more")
        expect(not scene.early, f"{first}, and it was closed while events lay in the batch")
        expect(scene.sockets[1].fileno() < 0, f"{first}, and after the round it is still open")
        expect(scene.sockets[3].fileno() < 0, "of two that leave, one is open after the round")
        expect(not scene.leaving, f"{first}, it is closed, and still on the list of who leaves")
        expect(scene.sockets[2].fileno() >= 0, f"{first}, and another one is closed as well")
        scene.closes = False
        scene.called.clear()
        one_round(scene.batch[::2], scene.handlers, scene.leaving)
        told = f"the first and the third are ready again, and {told_of(scene.called)}"
        expect(scene.called == [1, 3], f"in the next round {told}")


def told_of(called: list[int]) -> str:
    """Return who was called, in words."""
    return f"the order of calls is {called}" if called else "nobody is called"


@exercise("7.3")
def lets_the_idle_go(
    let_idle_go: Callable[[Any, socket.socket, Handler, float], None],
) -> None:
    """A timer at a time, set anew while something comes, and the end when nothing does."""
    with socket.socket() as sock:
        came: list[bool] = []
        loop = ByHand()
        let_idle_go(loop, sock, lambda: came.append(True), SILENCE)
        expect(loop.handler, "the loop has not been told to watch the socket for reading")
        expect(loop.timers, "no timer is set: a client that never says a word would stay")
        expect(loop.timers[0][0] == SILENCE, f"the timer is set for {loop.timers[0][0]} seconds")
        time.sleep(SILENCE / 2)
        for _ in range(100):
            loop.come()
        last = time.monotonic()
        often = "something came a hundred times"
        expect(len(came) == 100, f"{often}, and the handler was called {len(came)} times")
        count = len(loop.timers)
        expect(count == 1, f"{often}, and now there are {count} timers")
        loop.fire(SILENCE / 2)
        expect(not loop.closed, "something came before the timer was due, and it was let go")
        count = len(loop.timers)
        expect(count == 1, f"after the first look there are {count} timers: who looks again?")
        silent = SILENCE / 2
        for _ in range(2):  # it may want to look a last time
            if not loop.closed and loop.timers:
                silent += loop.timers[0][0]
                loop.fire()
        spent = time.monotonic() - last
        expect(loop.closed, "nothing came from one look to the next ones, and it was not let go")
        expect(not loop.timers, "it was let go, and a timer is still set for it")
        told = f"it may be silent for {SILENCE} seconds, and was let go after"
        expect(spent >= SILENCE, f"{told} {spent:.1f}")
        expect(silent <= SILENCE * 2.1, f"{told} {silent:.1f}: that is more than twice as long")
        leaves_by_itself(let_idle_go, sock)


def leaves_by_itself(let_idle_go: Callable[..., None], sock: socket.socket) -> None:
    """Somebody who has left is not looked after for ever."""
    loop = ByHand()
    let_idle_go(loop, sock, lambda: loop.close(sock), SHORT)
    loop.come()
    for _ in range(3):
        loop.fire()
    expect(not loop.timers, "the client has left by itself, and timers are set for it without end")


@exercise("7.4")
def echoes_on_a_loop(echo: Callable[[Any, socket.socket], None]) -> None:
    """Two at once get back what they said, and their end; nobody stays behind."""
    loop = Small()
    with listen(Address(HOST, 0)) as listener, loop.at_work():
        echo(loop, listener)
        expect(listener in loop.sockets, "it has come back, and nobody watches the listener")
        with Client(listener) as one, Client(listener) as two:
            for client, words in ((one, b"first"), (two, b"second"), (one, b"third")):
                client.send(words)
                got = words_of(client, len(words))
                if loop.failure:
                    raise loop.failure
                text = words.decode()
                others = "while another one was silent, " if client is two else ""
                expect(got, f"{others}a client said “{text}”, and nothing came back")
                expect(got == words, f"a client said “{text}”, and “{got.decode()}” came back")
            one.half_close()
            expect(has_end(one), "a client ended its side, and there is no end of what it gets")
            if loop.failure:
                raise loop.failure
            gone = [sock for sock in loop.sockets if sock.fileno() < 0]
            expect(gone, "a client has left, and its socket has not been closed")
            stale = any(key.fileobj in gone for key in loop.selector.get_map().values())
            expect(not stale, "a client has left, and the loop still watches the number it had")
            told = "a client's socket was closed without the loop: its number was free at once"
            expect(loop.closes, told)


def words_of(client: Client, size: int) -> bytes:
    """Return what comes soon, as much of it as was said."""
    got = b""
    client.sock.settimeout(SOON)
    with suppress(OSError):
        while len(got) < size and (data := client.recv(size - len(got))):
            got += data
    return got


def has_end(client: Client) -> bool:
    """Tell whether the stream ends soon."""
    client.sock.settimeout(SOON)
    with suppress(OSError):
        return client.recv(1) == b""
    return False
