"""Two readers and what they make of the same bytes: what is drawn, and what is told."""

import xml.etree.ElementTree as ElementTree

from rsp.lab.readers import Verdicts, lenient, literal, verdicts

USUAL = b"GET / HTTP/1.1\r\nHost: shop.test\r\nAccept: */*\r\n\r\n"
TWICE = b"GET / HTTP/1.1\r\nHost: shop.test\r\nHost: <admin>\r\n\r\n"


def refuses(message: bytes) -> str:
    """Refuse what has two hosts."""
    return "400 more than one Host" if message.count(b"Host") > 1 else lenient(message)


def asked(*messages: bytes) -> Verdicts:
    """Ask both, and one that refuses."""
    readers = {"lenient": lenient, "literal": literal, "strict": refuses}
    return verdicts(readers, {f"message {n}": each for n, each in enumerate(messages, 1)})


class TestTheReaders:
    def test_both_read_what_everybody_sends(self) -> None:
        assert lenient(USUAL) == literal(USUAL) == "shop.test"
        assert lenient(USUAL.lower()) == literal(USUAL.lower()) == "shop.test"

    def test_without_a_host_there_is_none(self) -> None:
        assert lenient(b"GET / HTTP/1.0\r\n\r\n") == literal(b"GET / HTTP/1.0\r\n\r\n") == ""

    def test_of_two_one_takes_the_first_and_one_the_last(self) -> None:
        assert (literal(TWICE), lenient(TWICE)) == ("shop.test", "<admin>")


class TestVerdicts:
    def test_what_has_two_readings_is_named(self) -> None:
        assert asked(USUAL, TWICE).disputed() == ["message 2"]

    def test_a_refusal_is_no_reading(self) -> None:
        both = {"strict": refuses, "literal": literal}
        assert verdicts(both, {"two": TWICE}).disputed() == []

    def test_they_are_told_in_words(self) -> None:
        assert repr(asked(TWICE)) == (
            "message 1 (two readings)\n"
            "    Host: shop.test\\r\\nHost: <admin>\n"
            "    lenient: <admin>, literal: shop.test, strict: 400 more than one Host"
        )

    def test_the_picture_has_its_words_and_everything_within_it(self) -> None:
        drawing = ElementTree.fromstring(asked(USUAL, TWICE)._repr_svg_())
        texts = [text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
        assert drawing.get("role") == "img"
        assert "message 2 (two readings)" in (drawing.get("aria-label") or "")
        assert {"<admin>", "400 more than one Host", "shop.test", "strict"} <= set(texts)
        wide = int(drawing.get("width") or 0)
        for box in drawing.iter("{http://www.w3.org/2000/svg}rect"):
            assert float(box.get("x") or 0) + float(box.get("width") or 0) <= wide
