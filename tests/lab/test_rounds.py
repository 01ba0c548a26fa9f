"""rsp.lab.rounds: one round of a loop, told and drawn."""

import socket
from collections.abc import Callable, Iterator
from selectors import DefaultSelector
from xml.etree import ElementTree

import pytest

from rsp.lab import rounds
from rsp.lab.rounds import Board, with_the_same_numbers
from rsp.stages.s07_loop import Loop

SVG = "{http://www.w3.org/2000/svg}"
Pair = tuple[socket.socket, socket.socket]


class ClosesAtOnce:
    """A loop that closes at once, and looks the handler up by number."""

    def __init__(self) -> None:
        self.selector = DefaultSelector()
        self.handlers: dict[int, Callable[[], None]] = {}

    def watch(self, sock: socket.socket, events: int, handler: Callable[[], None]) -> None:
        self.selector.register(sock, events)
        self.handlers[sock.fileno()] = handler

    def close(self, sock: socket.socket) -> None:
        self.selector.unregister(sock)
        del self.handlers[sock.fileno()]
        sock.close()

    def run(self) -> None:
        while True:
            for key, _ in self.selector.select():
                if key.fd in self.handlers:
                    self.handlers[key.fd]()


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


@pytest.fixture
def scene(pairs: Callable[[], Pair]) -> Callable[[type], Board]:
    """One handler closes another's socket, and opens a new one, which may get its number."""

    def play(kind: type) -> Board:
        board = Board(kind())
        (one, far_one), (two, far_two) = pairs(), pairs()
        far_new = socket.socket()

        def change_places() -> None:
            board.loop.close(two)
            new = socket.socket(fileno=far_new.detach()) if kind is Loop else socket.socket()
            board.watch(new, "new", lambda: None)

        board.watch(one, "one", change_places)
        board.watch(two, "two", lambda: None)
        far_one.send(b"x")
        far_two.send(b"x")
        board.run()
        far_new.close()
        return board

    return play


def test_a_stranger_is_told(scene: Callable[[type], Board]) -> None:
    """An event that reaches another's handler, since the number was given anew."""
    board = with_the_same_numbers(lambda: scene(ClosesAtOnce))
    assert board.events == [(5, "one"), (6, "two")]
    assert board.strangers == ["two's event: the handler of new is called"]
    assert repr(board).split("\n")[2:] == [
        "5, an event for one: the handler of one is called",
        "    5 one, 6 new",
        "6, an event for two: the handler of new is called, a stranger",
        "    5 one, 6 new",
    ]


def test_an_event_for_nobody_is_told(scene: Callable[[type], Board]) -> None:
    """The number is kept until the round is over."""
    board = scene(Loop)
    assert board.strangers == []
    assert repr(board).split("\n")[4:] == [
        "6, an event for two: nobody watches it any more: passed over",
        "    5 one, 6 two (leaving), 7 new",
        "the round is over",
        "    5 one, 6 free, 7 new",
    ]


def test_the_picture_says_in_words_what_it_shows(scene: Callable[[type], Board]) -> None:
    """For whoever cannot see it: role, title and label (WAI-ARIA, graphics)."""
    board = scene(Loop)
    root = ElementTree.fromstring(board._repr_svg_())
    title = root.find(f"{SVG}title")
    assert title is not None
    assert root.get("role") == "img"
    assert root.get("aria-label") == title.text == "; ".join(repr(board).split("\n"))
    words = [element.text for element in root.iter(f"{SVG}text")]
    assert {"6 · leaving", "free", "4 · the round is over"} <= set(words)
    edge = float(root.get("width") or 0)
    for rect in root.iter(f"{SVG}rect"):
        assert float(rect.get("x") or 0) + float(rect.get("width") or 0) <= edge


def test_nothing_is_left_open_when_a_handler_raises(pairs: Callable[[], Pair]) -> None:
    board = Board(Loop())
    one, far = pairs()

    def fail() -> None:
        raise ZeroDivisionError

    board.watch(one, "one", fail)
    far.send(b"x")
    with pytest.raises(ZeroDivisionError):
        board.run()
    assert one.fileno() == -1
    assert board.frames[-1].told == "the handler of one is called"


def test_what_does_not_come_is_told(
    pairs: Callable[[], Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what has come is not waited for."""
    monkeypatch.setattr(rounds, "TIMEOUT", 0.01)
    board = Board(Loop())
    one, far = pairs()
    with pytest.raises(TimeoutError):
        board.wait_for(one)
    far.send(b"x")
    board.wait_for(one)
    board.loop.selector.close()


def test_a_scene_is_played_again_until_the_numbers_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Other threads may take a number first; but it is not played for ever."""
    played: list[Board] = []

    def play(names: int) -> Board:
        board = Board(Loop())
        board.loop.selector.close()
        board.names, board.batch = dict.fromkeys(range(names), 0), [(0, "one")]
        played.append(board)
        return board

    turns = iter([3, 2, 1, 1])
    assert with_the_same_numbers(lambda: play(next(turns))) is played[2]
    monkeypatch.setattr(rounds, "TRIES", 4)
    assert with_the_same_numbers(lambda: play(2)) is played[6]
