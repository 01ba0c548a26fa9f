"""rsp.lab.by_hand: sockets in pairs, descriptors that run out, results of Linux."""

import errno
import os
import resource
import select
import socket

import pytest

from rsp.lab.by_hand import no_descriptors_left, now, on_linux, pairs


class TestPairs:
    def test_each_name_has_two_ends(self) -> None:
        with pairs("a", "b") as (ours, theirs):
            theirs["b"].send(b"hello")
            assert ours["b"].recv(100) == b"hello"
            assert select.select(ours.values(), [], [], 0)[0] == []

    def test_all_are_closed_at_the_end(self) -> None:
        """After a failure, too."""
        with pytest.raises(ZeroDivisionError), pairs("a") as (ours, theirs):
            raise ZeroDivisionError
        assert {sock.fileno() for sock in [*ours.values(), *theirs.values()]} == {-1}


class TestNow:
    def test_a_result_or_the_name_of_the_error(self) -> None:
        with pairs("a") as (ours, theirs):
            ours["a"].setblocking(False)
            assert now(ours["a"].recv, 100) == "EAGAIN"
            theirs["a"].send(b"hello")
            assert now(ours["a"].recv, 100) == b"hello"

    def test_other_errors_go_up(self) -> None:
        with pytest.raises(ZeroDivisionError):
            now(lambda: 1 / 0)


class TestNoDescriptors:
    def test_one_more_is_refused(self) -> None:
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        with no_descriptors_left(), pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
            socket.socket()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == before

    def test_one_that_is_freed_meanwhile_is_refused_too(self) -> None:
        """Another thread closes a file: its number would be the next."""
        with socket.socket() as other, no_descriptors_left():
            other.close()
            with pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
                socket.socket()

    def test_afterwards_there_are_some(self) -> None:
        with pytest.raises(ZeroDivisionError), no_descriptors_left():
            raise ZeroDivisionError
        socket.socket().close()


class TestOnLinux:
    def test_the_experiment_runs_where_epoll_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(select, "epoll", object, raising=False)
        assert on_linux(lambda: [1], [1]) == [1]

    def test_a_stale_recording_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(select, "epoll", object, raising=False)
        with pytest.raises(AssertionError, match=r"recorded result is \[2\], and this is \[1\]"):
            on_linux(lambda: [1], [2])

    def test_elsewhere_the_recorded_result_is_shown(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.delattr(select, "epoll", raising=False)
        assert on_linux(lambda: "fresh", "recorded") == "recorded"
        assert "recorded on Linux" in capsys.readouterr().out
