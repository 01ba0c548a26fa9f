"""rsp.lab.held: the most memory that it takes to pass something on."""

import socket

import pytest

from rsp.lab.held import most_held
from rsp.lab.leaks import left_open, snapshot

SIZE = 4 * 1024 * 1024


def piece_by_piece(source: socket.socket, target: socket.socket) -> None:
    """Send on what has come, until it is all."""
    left = SIZE
    while left:
        data = source.recv(65_536)
        target.sendall(data)
        left -= len(data)


def in_one(source: socket.socket, target: socket.socket) -> None:
    """Take all, and then send it."""
    target.sendall(source.recv(SIZE, socket.MSG_WAITALL))


def test_who_keeps_it_holds_it_and_who_passes_it_on_does_not() -> None:
    assert most_held(piece_by_piece, SIZE) < SIZE // 4
    assert most_held(in_one, SIZE) >= SIZE


def test_what_does_not_arrive_is_told() -> None:
    with pytest.raises(AssertionError, match="0 came"):
        most_held(lambda source, _: source.recv(1), SIZE)


def test_what_fails_leaves_nothing_behind() -> None:
    before = snapshot()
    with pytest.raises(ZeroDivisionError):
        most_held(lambda source, target: 1 / 0, SIZE)
    assert left_open(before) == []
