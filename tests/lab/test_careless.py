"""rsp.lab.careless, rsp.lab.cuts: readers that go by one field, and what they make of bytes."""

import xml.etree.ElementTree as ElementTree

from rsp.lab.backends import Backend
from rsp.lab.careless import (
    as_read,
    ask_in_turn,
    by_chunks,
    by_length,
    is_for_another,
    messages_in,
    name_of,
    reading,
)
from rsp.lab.clients import Client, request
from rsp.lab.cuts import cuts
from rsp.lab.drawing import Arrow, sketch
from rsp.lab.recorder import Kind
from rsp.lab.running import running
from rsp.lab.tempers import response
from rsp.stages import s05_threads

PLAIN = request("/plain", "POST", b"hello")
CODED = request("/coded", "POST", Transfer_Encoding="chunked") + b"5\r\nhello\r\n0\r\n\r\n"
BOTH = request("/both", "POST", b"0\r\n\r\n" + PLAIN, Transfer_Encoding="chunked")
REPLY = response("a page\n", "200 a page")


class TestReaders:
    def test_a_length_is_read_by_both(self) -> None:
        for ends in (by_length, by_chunks):
            assert ends(PLAIN) == ends(PLAIN + b"GET") == len(PLAIN)

    def test_what_is_not_whole_has_no_end(self) -> None:
        for count in range(len(PLAIN)):
            assert by_length(PLAIN[:count]) is None
        for count in range(len(CODED)):
            assert by_chunks(CODED[:count]) is None

    def test_chunks_are_read_by_one_of_them(self) -> None:
        assert by_chunks(CODED) == by_chunks(CODED + b"GET") == len(CODED)
        assert by_length(CODED) == CODED.index(b"5\r\nhello")

    def test_where_both_stand_they_differ(self) -> None:
        assert [name_of(one) for one in messages_in(BOTH, by_length)] == ["POST /both"]
        found = [name_of(one) for one in messages_in(BOTH, by_chunks)]
        assert found == ["POST /both", "POST /plain"]

    def test_what_is_no_message_is_the_last_part(self) -> None:
        assert messages_in(PLAIN + b"rest", by_length) == [PLAIN, b"rest"]
        broken = CODED.replace(b"5\r\n", b"x\r\n")
        assert messages_in(PLAIN + broken, by_chunks) == [PLAIN, broken]

    def test_they_have_names(self) -> None:
        assert [name_of(one) for one in (PLAIN, REPLY, b"\r\n0\r\n\r\n", b"")] == [
            "POST /plain",
            "200 a page",
            "no message",
            "no message",
        ]


class TestReading:
    def test_it_answers_each_message_that_it_finds(self) -> None:
        with Backend(reading(by_chunks, lambda *_: REPLY)) as backend, Client(backend) as client:
            client.send(BOTH + CODED)
            assert client.recv_exactly(3 * len(REPLY)) == 3 * REPLY
        assert backend.requests == [*messages_in(BOTH, by_chunks), CODED]

    def test_what_passed_is_told_as_each_reads_it(self) -> None:
        with Backend(reading(by_chunks, lambda *_: REPLY)) as backend:
            with running(s05_threads.serve, backend) as proxy:
                assert ask_in_turn(proxy, PLAIN, BOTH) == ["200 a page", "200 a page"]
        told = as_read(proxy.transcript(), {"client-2": "client: two"}, backend=by_chunks)
        assert [tuple(arrow[:3]) for arrow in told.arrows] == [
            ("client-1", "proxy", "POST /plain"),
            ("proxy", "backend", "POST /plain"),
            ("backend", "proxy", "200 a page"),
            ("proxy", "client-1", "200 a page"),
            ("client: two", "proxy", "POST /both"),
            ("proxy", "backend", "POST /both + POST /plain"),
            ("backend", "proxy", "200 a page + 200 a page"),
            ("proxy", "client: two", "200 a page + 200 a page"),
        ]
        assert [arrow.astray for arrow in told.arrows] == [*[False] * 5, *[True] * 3]

    def test_an_answer_to_another_request_is_astray(self) -> None:
        """The first answer is right, the second one is what the hidden request got."""
        said = [("client-1", "proxy", "GET /a"), ("proxy", "backend", "GET /a + GET /b")]
        said += [("backend", "proxy", "200 a + 200 b"), ("client-2", "proxy", "GET /c")]
        before = sketch(*said, ("proxy", "backend", "GET /c"), ("backend", "proxy", "200 c")).arrows
        for client, told, astray in [
            ("client-1", "200 a", False),
            ("client-2", "200 b", True),
            ("client-2", "200 c", False),
            ("client-2", "502 Refused", False),  # the proxy's own
            ("client-3", "200 b", False),  # it has asked nothing
        ]:
            answer = Arrow("proxy", client, told, Kind.DATA)
            assert is_for_another(answer, before) == astray


class TestCuts:
    def test_they_are_told_in_words(self) -> None:
        assert repr(cuts(BOTH + b"GET", one=by_length, the_other=by_chunks)) == (
            f"one finds 1: POST /both, {len(BOTH)} bytes; 3 bytes, no whole request\n"
            f"the other finds 1: POST /both, {len(BOTH) - len(PLAIN)} bytes;"
            f" 2: POST /plain, {len(PLAIN)} bytes; 3 bytes, no whole request"
        )

    def test_the_picture_has_every_line_and_a_box_for_each_message(self) -> None:
        drawing = ElementTree.fromstring(cuts(BOTH, one=by_length, two=by_chunks)._repr_svg_())
        space = "{http://www.w3.org/2000/svg}"
        texts = [text.text for text in drawing.iter(f"{space}text")]
        assert drawing.get("role") == "img"
        assert [text for text in texts if text == r"0\r\n"] == [r"0\r\n"]
        assert {"one", "two", r"POST /both HTTP/1.1\r\n", "hello"} <= set(texts)
        boxes = list(drawing.iter(f"{space}rect"))[1:]
        assert len(boxes) == 3
        wide, high = int(drawing.get("width") or 0), int(drawing.get("height") or 0)
        for box in boxes:
            assert int(box.get("x") or 0) + int(box.get("width") or 0) <= wide
            assert int(box.get("y") or 0) + int(box.get("height") or 0) <= high
