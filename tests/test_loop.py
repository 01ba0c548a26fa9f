"""rsp.loop: events, timers, calls from elsewhere, and what happens when a handler fails."""

import errno
import logging
import os
import select
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from rsp import loop as loop_module
from rsp.loop import CANCELLED, Loop
from rsp.poll import IN, OUT
from tests.on_loop import (
    TIMEOUT,
    Clock,
    clock,
    connected,
    descriptors,
    is_at_rest,
    reset,
    turn,
    turn_until,
)

__all__ = ["clock"]  # a fixture

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture(params=[True, False], ids=["epoll", "selectors"])
def loop(request: pytest.FixtureRequest) -> Iterator[Loop]:
    """The loop, on each of the two ways to ask the kernel."""
    loop = Loop(epoll=request.param)
    yield loop
    loop.shut()


@pytest.fixture
def pairs() -> Iterator[Callable[[], Pair]]:
    """Makes connected pairs of sockets, and closes them in the end."""
    made: list[socket.socket] = []

    def make() -> Pair:
        one, other = socket.socketpair()
        made.extend([one, other])
        return one, other

    yield make
    for sock in made:
        sock.close()


class Counting:
    """A poll that counts what is asked of the kernel."""

    def __init__(self, loop: Loop) -> None:
        self.real = loop.poll
        self.asked: list[tuple[object, ...]] = []
        loop.poll = self  # type: ignore[assignment]

    def __getattr__(self, name: str) -> object:
        real = getattr(self.real, name)

        def noted(*arguments: int) -> object:
            self.asked.append((name, *arguments[1:]))
            return real(*arguments)

        return noted if name in {"register", "modify", "unregister"} else real


class TestEvents:
    def test_reach_the_handler_of_their_socket(self, loop: Loop, pairs: Callable[[], Pair]) -> None:
        """A handler is called when its socket is ready, and no other is."""
        (one, other), (third, _) = pairs(), pairs()
        calls: list[str] = []
        loop.reads(other, lambda: calls.append(f"read {other.recv(9)!r}"))
        loop.reads(third, lambda: calls.append("never"))
        loop.writes(one, lambda: [calls.append("write"), loop.writes(one, None)])
        turn(loop)
        assert calls == ["write"]
        one.send(b"x")
        turn(loop, 2)
        assert calls == ["write", "read b'x'"]

    def test_are_told_again_while_something_is_left(
        self, loop: Loop, pairs: Callable[[], Pair]
    ) -> None:
        """Level-triggered (man 7 epoll): a handler may take a part and return."""
        one, other = pairs()
        got: list[bytes] = []
        loop.reads(other, lambda: got.append(other.recv(1)))
        one.send(b"abc")
        turn(loop, 3)
        assert b"".join(got) == b"abc"

    def test_of_both_kinds_come_in_one_round(self, loop: Loop, pairs: Callable[[], Pair]) -> None:
        """One socket may be readable and writable at a time."""
        one, other = pairs()
        calls: list[str] = []
        loop.reads(other, lambda: calls.append("read"))
        loop.writes(other, lambda: calls.append("write"))
        one.send(b"x")
        turn(loop)
        assert calls == ["read", "write"]

    def test_come_no_more_after_none(self, loop: Loop, pairs: Callable[[], Pair]) -> None:
        """Who asked for nothing gets nothing, whichever of the two is left."""
        one, other = pairs()
        calls: list[str] = []
        loop.reads(other, lambda: calls.append("read"))
        loop.writes(other, lambda: calls.append("write"))
        loop.reads(other, None)
        one.send(b"x")
        turn(loop)
        assert calls == ["write"]
        loop.writes(other, None)
        loop.writes(other, None)  # twice does no harm
        assert is_at_rest(loop)

    def test_come_to_the_latest_handler(self, loop: Loop, pairs: Callable[[], Pair]) -> None:
        """A second handler takes the place of the first, and the kernel need not be told."""
        one, other = pairs()
        calls: list[str] = []
        loop.reads(other, lambda: calls.append("old"))
        counting = Counting(loop)
        loop.reads(other, lambda: calls.append("new"))
        assert counting.asked == []
        one.send(b"x")
        turn(loop)
        assert calls == ["new"]

    def test_are_asked_for_only_when_the_wish_changes(
        self, loop: Loop, pairs: Callable[[], Pair]
    ) -> None:
        """Each question to the kernel is a system call: one for a change, none for none."""
        sock, _ = pairs()
        counting = Counting(loop)
        loop.reads(sock, print)
        loop.writes(sock, print)
        loop.writes(sock, print)
        loop.reads(sock, None)
        loop.reads(sock, None)
        loop.writes(sock, None)
        assert counting.asked == [
            ("register", IN),
            ("modify", IN | OUT),
            ("modify", OUT),
            ("unregister",),
        ]

    def test_reach_everybody_when_more_are_ready_than_one_wait_tells(
        self, loop: Loop, pairs: Callable[[], Pair]
    ) -> None:
        """Nobody starves: who was left out of one batch is told in the next."""
        number = loop_module.EVENTS + 50
        called: set[int] = set()
        for index in range(number):
            one, other = pairs()
            loop.reads(other, lambda index=index: called.add(index))
            one.send(b"x")  # and nobody reads it: each stays ready
        turn(loop, 2)
        assert len(called) == number

    def test_of_a_hang_up_reach_the_reader_and_the_writer(self, loop: Loop) -> None:
        """Whoever acts next gets the errno (man 2 epoll_ctl, EPOLLHUP)."""
        one, other = connected()
        calls: list[str] = []
        loop.reads(other, lambda: calls.append("read"))
        loop.writes(other, lambda: calls.append("write"))
        reset(one)
        turn(loop)
        assert calls == ["read", "write"]
        other.close()

    def test_of_a_hang_up_alone_reach_them_too(
        self, loop: Loop, pairs: Callable[[], Pair], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A kernel need not add that the socket is readable (man 2 poll, POLLERR and POLLHUP)."""
        sock, _ = pairs()
        calls: list[str] = []
        loop.reads(sock, lambda: calls.append("read"))
        loop.writes(sock, lambda: calls.append("write"))

        class Breaking:
            def poll(self, *_: float) -> list[tuple[int, int]]:
                loop.running = False
                return [(sock.fileno(), select.POLLHUP), (sock.fileno(), select.POLLERR)]

        with monkeypatch.context() as context:
            context.setattr(loop, "poll", Breaking())
            loop.run()
        assert calls == ["read", "write"] * 2

    def test_of_a_hang_up_disturb_nobody_who_asks_for_nothing(self, loop: Loop) -> None:
        """The kernel tells a hang-up without being asked: only who is registered hears it."""
        one, other = connected()
        loop.reads(other, print)
        loop.reads(other, None)
        reset(one)
        assert is_at_rest(loop)
        other.close()

    def test_leave_the_handlers_as_they_were_when_the_kernel_refuses(
        self, loop: Loop, pairs: Callable[[], Pair], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """ENOSPC (man 2 epoll_ctl): a handler that is noted but not watched would wait for ever."""
        sock, _ = pairs()

        class Full:
            def register(self, *_: int) -> None:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as context:
            context.setattr(loop, "poll", Full())
            with pytest.raises(OSError, match="No space"):
                loop.reads(sock, print)
        assert sock.fileno() not in loop.readers
        loop.close(sock)


class Hasty(Loop):
    """A loop with the bug of post 2: it frees at once what an event of this round may be for."""

    def close(self, sock: socket.socket) -> None:
        self.forget(sock.fileno())
        sock.close()


class TestClose:
    @staticmethod
    def called_strangers(loop: Loop) -> list[str]:
        """Let two sockets be ready at once: the first to be told closes the other, and opens one.

        Returns what happened to the newcomer, for which no event has come.
        """
        happened: list[str] = []
        (one, first), (two, second) = socket.socketpair(), socket.socketpair()
        opened: list[socket.socket] = []

        def on_readable(mine: socket.socket, other: socket.socket) -> None:
            mine.recv(1)
            if not opened:
                loop.close(other)
                opened.extend(socket.socketpair())
                loop.reads(opened[0], lambda: happened.append("a stranger's event"))

        loop.reads(first, lambda: on_readable(first, second))
        loop.reads(second, lambda: on_readable(second, first))
        one.send(b"x")
        two.send(b"x")
        turn(loop)
        for sock in [one, two, first, second, *opened]:
            loop.close(sock)
        turn(loop)
        return happened

    def test_lets_no_event_reach_who_gets_the_number(self, loop: Loop) -> None:
        """Events come batched; a number is free again only when the batch is done (post 2)."""
        assert self.called_strangers(loop) == []

    @pytest.mark.parametrize("epoll", [True, False])
    def test_at_once_would_let_it(self, epoll: bool) -> None:
        """The test above can fail: this is the loop that it warns of."""
        hasty = Hasty(epoll=epoll)
        assert self.called_strangers(hasty) == ["a stranger's event"]
        hasty.shut()

    def test_closes_at_the_end_of_the_round(self, loop: Loop, pairs: Callable[[], Pair]) -> None:
        """Not before, not much later: the descriptor is given back."""
        sock, _ = pairs()
        loop.reads(sock, print)
        loop.writes(sock, print)
        loop.close(sock)
        assert sock.fileno() != -1
        assert repr(loop) == "<Loop: 0 sockets, 0 timers>"
        turn(loop)
        assert sock.fileno() == -1

    def test_twice_does_no_harm(self, loop: Loop, pairs: Callable[[], Pair]) -> None:
        """Two may come to the same conclusion in one round."""
        sock, _ = pairs()
        loop.close(sock)
        loop.close(sock)
        turn(loop)
        loop.close(sock)
        turn(loop)


class TestTimers:
    def test_are_called_in_the_order_of_their_moments(self, clock: Clock, loop: Loop) -> None:
        """And those for the same moment in the order in which they were set."""
        calls: list[str] = []
        for seconds, name in [(2, "late"), (1, "early"), (2, "later"), (1, "also early")]:
            loop.after(seconds, lambda name=name: calls.append(name))
        clock.pass_(0.999)
        turn(loop)
        assert calls == []
        clock.pass_(0.001)
        turn(loop)
        assert calls == ["early", "also early"]
        clock.pass_(1)
        turn(loop, 2)
        assert calls == ["early", "also early", "late", "later"]

    def test_that_are_cancelled_call_nothing(self, clock: Clock, loop: Loop) -> None:
        """Twice does no harm, and after its time neither."""
        calls: list[str] = []
        one, other = loop.after(1, lambda: calls.append("one")), loop.after(1, lambda: None)
        one.cancel()
        one.cancel()
        assert repr(one) == "<Timer: over>"
        assert repr(loop) == "<Loop: 0 sockets, 1 timers>"
        clock.pass_(1)
        turn(loop)
        other.cancel()
        assert calls == []
        assert repr(loop) == "<Loop: 0 sockets, 0 timers>"

    def test_that_are_cancelled_do_not_pile_up(self, clock: Clock, loop: Loop) -> None:
        """A deadline for each connection, none of which is reached, must cost no memory."""
        kept = [loop.after(60, lambda: None) for _ in range(10)]
        for _ in range(20 * CANCELLED):
            loop.after(3600, lambda: None).cancel()
        assert len(loop.timers) <= 2 * CANCELLED + len(kept)
        assert repr(loop) == f"<Loop: 0 sockets, {len(kept)} timers>"

    def test_survive_the_throwing_away_of_others(self, clock: Clock, loop: Loop) -> None:
        """Also when it happens while timers are being called."""
        calls: list[int] = []
        many = [loop.after(5, lambda: calls.append(-1)) for _ in range(3 * CANCELLED)]
        loop.after(1, lambda: [timer.cancel() for timer in many])
        for number in range(5):
            loop.after(2 + number, lambda number=number: calls.append(number))
        clock.pass_(10)
        turn(loop)
        assert calls == list(range(5))
        assert loop.timers == []
        assert loop.cancelled == 0

    def test_set_by_a_timer_wait_for_the_next_round(self, loop: Loop) -> None:
        """A timer that sets itself again at once does not shut the others out."""
        calls: list[str] = []

        def again() -> None:
            calls.append("again")
            loop.after(0.0001, again)

        loop.after(0, again)
        turn(loop)
        assert calls == ["again"]

    def test_bound_how_long_the_loop_waits(self, clock: Clock, loop: Loop) -> None:
        """Until the next timer, which may be due already, and never for ever."""
        assert loop.patience() == loop_module.IDLE
        loop.after(10, lambda: None)
        assert loop.patience() == 10
        clock.pass_(11)
        assert loop.patience() == 0

    def test_wake_the_loop(self, loop: Loop) -> None:
        """With the real clock: run returns when its timer says so."""
        loop.after(0.01, loop.stop)
        loop.run()


class TestCallsFromElsewhere:
    def test_are_made_in_the_thread_of_the_loop(self, loop: Loop) -> None:
        """All of them, from many threads, in the order of each; a loop that waits is woken."""
        made: list[tuple[int, int]] = []
        threads: set[int] = set()

        def call_often(number: int) -> None:
            for count in range(200):
                loop.call(lambda count=count: note(number, count))

        def note(number: int, count: int) -> None:
            made.append((number, count))
            threads.add(threading.get_ident())
            if len(made) == 800:
                loop.stop()

        callers = [threading.Thread(target=call_often, args=(n,)) for n in range(4)]
        runner = threading.Thread(target=loop.run, daemon=True)
        for thread in [runner, *callers]:
            thread.start()
        for thread in [*callers, runner]:
            thread.join(TIMEOUT)
        assert not runner.is_alive()
        assert threads == {runner.ident}
        assert [sorted(m for m in made if m[0] == n) for n in range(4)] == [
            [m for m in made if m[0] == n] for n in range(4)
        ]

    def test_from_a_signal_wake_a_loop_that_waits(self, loop: Loop) -> None:
        """The signal's handler only leaves word; the loop acts (man 7 signal-safety, PEP 475)."""
        before = signal.getsignal(signal.SIGUSR1)
        calls: list[str] = []
        try:
            loop.on_signal(signal.SIGUSR1, lambda: [calls.append("told"), loop.stop()])
            killer = threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGUSR1))
            loop.call(killer.start)
            loop.run()
            killer.join()
        finally:
            signal.signal(signal.SIGUSR1, before)
        assert calls == ["told"]

    def test_that_call_again_do_not_shut_the_sockets_out(
        self, loop: Loop, pairs: Callable[[], Pair]
    ) -> None:
        """A call made by a call waits for the next round."""
        one, other = pairs()
        calls: list[str] = []

        def again() -> None:
            calls.append("call")
            loop.call(again)

        loop.call(again)
        loop.reads(other, lambda: calls.append(other.recv(1).decode()))
        one.send(b"x")
        turn_until(loop, lambda: "x" in calls)
        assert calls.count("call") <= 3

    def test_are_not_lost_when_very_many_come_at_once(self, loop: Loop) -> None:
        """The wake-up's socket may be full: then it wakes already."""
        calls: list[int] = []
        for number in range(5_000):
            loop.call(lambda number=number: calls.append(number))
        turn_until(loop, lambda: len(calls) == 5_000)
        assert calls == list(range(5_000))
        turn(loop, 2)
        assert is_at_rest(loop)

    def test_come_too_late_without_a_fault(self) -> None:
        """A thread may speak up after the loop has been shut."""
        loop = Loop()
        loop.shut()
        loop.call(print)

    def test_may_stop_it_before_it_runs(self, loop: Loop) -> None:
        """stop() is not lost when run() begins later."""
        loop.stop()
        loop.run()


class Failing:
    """An owner whose handler fails."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []

    def on_readable(self) -> None:
        raise LookupError("a fault of ours")

    def on_failure(self, error: Exception) -> None:
        self.errors.append(error)


def fail() -> None:
    """Be a handler with a bug, and without an owner."""
    raise LookupError("a fault of ours")


class TestFailure:
    def test_of_a_handler_is_told_to_its_owner_and_logged_once(
        self, loop: Loop, pairs: Callable[[], Pair], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Its event would be told again, and fail again: nobody is to be asked twice."""
        one, other = pairs()
        owner = Failing()
        loop.reads(other, owner.on_readable)
        loop.writes(other, owner.on_readable)
        one.send(b"x")
        with caplog.at_level(logging.ERROR, "rsp"):
            turn(loop, 3)
        assert [str(error) for error in owner.errors] == ["a fault of ours"]
        (record,) = caplog.records
        assert record.exc_info
        assert record.exc_info[0] is LookupError
        assert is_at_rest(loop)

    def test_of_a_handler_touches_no_other_socket(
        self, loop: Loop, pairs: Callable[[], Pair]
    ) -> None:
        """Whoever comes after it in the batch is served in the next round at the latest."""
        got: list[int] = []
        for number in range(6):
            one, other = pairs()
            one.send(b"x")
            if number % 2:
                loop.reads(other, lambda n=number, s=other: [got.append(n), s.recv(1)])
            else:
                loop.reads(other, Failing().on_readable)
        turn(loop, 4)
        assert sorted(got) == [1, 3, 5]

    def test_of_a_function_without_an_owner_ends_its_calls(
        self, loop: Loop, pairs: Callable[[], Pair], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Nobody is there to close the socket, but it must not make the loop spin."""
        one, other = pairs()
        loop.reads(other, fail)
        one.send(b"x")
        turn(loop, 3)
        assert len(caplog.records) == 1
        assert is_at_rest(loop)

    def test_of_the_owner_too_is_survived(
        self, loop: Loop, pairs: Callable[[], Pair], caplog: pytest.LogCaptureFixture
    ) -> None:
        """A fault that comes of a fault is logged as well."""
        one, other = pairs()

        class Worse(Failing):
            def on_failure(self, error: Exception) -> None:
                raise ValueError from error

        loop.reads(other, Worse().on_readable)
        one.send(b"x")
        turn(loop, 2)
        assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [
            LookupError,
            ValueError,
        ]

    def test_of_a_timer_or_a_call_ends_nothing_else(
        self, clock: Clock, loop: Loop, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Those that are due after it are called all the same."""
        calls: list[str] = []
        loop.after(1, fail)
        loop.after(1, lambda: calls.append("timer"))
        loop.call(fail)
        loop.call(lambda: calls.append("call"))
        clock.pass_(1)
        turn(loop)
        assert calls == ["call", "timer"]
        assert len(caplog.records) == 2

    def test_does_not_keep_what_was_to_be_closed(
        self, loop: Loop, pairs: Callable[[], Pair]
    ) -> None:
        """A handler may close something and fail afterwards."""
        one, other = pairs()
        leaving, _ = pairs()

        def on_readable() -> None:
            loop.close(leaving)
            raise LookupError

        loop.reads(other, on_readable)
        one.send(b"x")
        turn(loop)
        assert leaving.fileno() == -1

    def test_of_the_process_is_not_held_back(self, loop: Loop, pairs: Callable[[], Pair]) -> None:
        """Ctrl-C is no client's fault."""
        one, other = pairs()

        def interrupted() -> None:
            raise KeyboardInterrupt

        loop.reads(other, interrupted)
        one.send(b"x")
        with pytest.raises(KeyboardInterrupt):
            turn(loop)


def test_a_loop_that_is_shut_gives_back_its_descriptors() -> None:
    """Its own: the poll and the pair that wakes it."""
    before = descriptors()
    for epoll in (True, False):
        Loop(epoll=epoll).shut()
    assert descriptors() == before
