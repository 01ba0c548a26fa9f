"""The picture of connections over time: what each of them carried, in the order of the run."""

from xml.etree import ElementTree

import pytest

from rsp.lab.backends import Backend
from rsp.lab.clients import Client, fetch, request
from rsp.lab.ends import End
from rsp.lab.lifelines import Life, Lifelines, lifelines
from rsp.lab.running import running
from rsp.lab.tempers import response
from rsp.stages import s12_forwarding, s13_reuse


def pages(end: End, backend: Backend) -> None:
    """Answer each path with itself; what is held waits for `release`."""
    while message := backend.take(end):
        path = message.split(b" ")[1]
        if b"held" in path:
            backend.hold(end)
        end.send(response(path + b"\n"))


def breaking(end: End, backend: Backend) -> None:
    """Answer one request, and leave with the next."""
    end.send(response(backend.take(end).split(b" ")[1]))
    backend.take(end)


def words(lines: Lifelines) -> list[str]:
    return repr(lines).splitlines()


def test_an_upstream_for_each_request() -> None:
    with Backend(pages) as backend, running(s12_forwarding.serve, backend) as proxy:
        fetch(proxy, "/one")
        fetch(proxy, "/two")
        lines = lifelines(proxy, "Alice")
    assert words(lines) == [
        "Alice: /one; ends",
        "client 2: /two; ends",
        "upstream 1: /one; ends",
        "upstream 2: /two; ends",
    ]


def test_one_for_all_and_a_second_where_the_first_is_at_work() -> None:
    with Backend(pages) as backend, running(s13_reuse.serve, backend) as proxy:
        with Client(proxy) as client:
            client.ask("/held")
            assert backend.wait_until(lambda: bool(backend.requests))
            fetch(proxy, "/two")
            backend.release()
            client.recv_all()
        fetch(proxy, "/three")
        lines = lifelines(proxy)
    assert words(lines)[3:] == ["upstream 1: /held, /three; stays", "upstream 2: /two; stays"]
    held, two = lines.lives[0].boxes[0], lines.lives[1].boxes[0]
    assert held.start < two.start < two.end < held.end
    assert [(box.start, box.end) for box in lines.lives[3].boxes] == [(1, 4), (5, 6)]


def test_what_breaks_is_shown_where_it_was_asked() -> None:
    with Backend(breaking) as backend, running(s13_reuse.serve, backend) as proxy:
        with Client(proxy) as client:
            for path in "/one", "/two":
                client.ask(path, Connection="keep-alive")
                client.recv_message()
            lines = lifelines(proxy)
    assert words(lines) == [
        "client 1: /one, /two; stays",
        "upstream 1: /one, /two without an answer; ends",
        "upstream 2: /two; stays",
    ]


def test_requests_in_a_row_are_asked_one_after_the_other() -> None:
    with Backend(pages) as backend, running(s13_reuse.serve, backend) as proxy:
        with Client(proxy) as client:
            client.send(request("/one", Connection="keep-alive") + request("/two"))
            client.recv_all()
        lines = lifelines(proxy)
    assert [(box.start, box.end) for box in lines.lives[0].boxes] == [(1, 2), (1, 3)]
    assert [(box.start, box.end) for box in lines.lives[1].boxes] == [(1, 2), (2, 3)]
    assert [len(life.rows()) for life in lines.lives] == [2, 1]


def test_another_answer_than_the_one_asked_for_is_told() -> None:
    def wrong(end: End, backend: Backend) -> None:
        backend.take(end)
        end.send(response("no\n", "404 Not Found"))

    with Backend(wrong) as backend, running(s13_reuse.serve, backend) as proxy:
        fetch(proxy, "/page")
        lines = lifelines(proxy)
    assert words(lines)[0] == "client 1: /page → 404; ends"


@pytest.mark.parametrize("lives", [[], [Life("Alice & co.", [], True)]])
def test_the_picture_says_the_same_as_the_words(lives: list[Life]) -> None:
    lines = Lifelines(lives)
    picture = ElementTree.fromstring(lines._repr_svg_())
    title = picture.find("{http://www.w3.org/2000/svg}title")
    assert picture.get("role") == "img"
    assert title is not None
    assert (title.text or "") == "; ".join(words(lines)).replace("nothing; ends", "nothing, ends")


def test_an_answer_that_nobody_gets_is_none() -> None:
    with Backend(pages) as backend, running(s13_reuse.serve, backend) as proxy:
        with Client(proxy) as client:
            client.ask("/held")
            assert backend.wait_until(lambda: bool(backend.requests))
            client.abort()
            backend.release()
            lines = lifelines(proxy)
    assert "upstream 1: /held without an answer; " in repr(lines)
