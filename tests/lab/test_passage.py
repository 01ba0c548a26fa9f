"""A head before and after a proxy: each line has one fate, in both forms of the picture."""

from xml.etree import ElementTree

from rsp.lab.passage import LONGEST, Fate, fields_of, passage, said

SENT = (
    b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: X-Hop\r\nX-HOP: 1\r\nCookie: c\r\n\r\nbody: no"
)
GOT = b"GET / HTTP/1.1\r\nhost: b.test\r\nCookie: c\r\nVia: 1.1 rsp\r\n\r\n"


def test_a_line_passes_is_changed_stays_or_comes() -> None:
    assert str(passage(SENT, GOT)).splitlines() == [
        "the client sent        the backend got",
        "GET / HTTP/1.1    ──>  GET / HTTP/1.1",
        "Host: a.test      ~~>  host: b.test",
        "Connection: X-Hop ─×",
        "X-HOP: 1          ─×",
        "Cookie: c         ──>  Cookie: c",
        "                  + >  Via: 1.1 rsp",
    ]


def test_the_fates_are_counted() -> None:
    fates = passage(SENT, GOT).fates()
    assert fates == {Fate.PASSES: 2, Fate.CHANGES: 1, Fate.STAYS: 2, Fate.COMES: 1}


def test_the_first_line_is_no_field() -> None:
    """`GET:` would be one by its letters; a status line has no partner but a status line."""
    assert passage(b"A: 1\r\n\r\n", b"B: 2\r\nA: 1\r\n\r\n").fates() == {
        Fate.PASSES: 0,
        Fate.CHANGES: 1,
        Fate.STAYS: 0,
        Fate.COMES: 1,
    }


def test_of_two_fields_with_a_name_each_has_its_own_partner() -> None:
    two = b"GET / HTTP/1.1\r\nVia: 1.1 a\r\nVia: 1.1 b\r\n\r\n"
    one = b"GET / HTTP/1.1\r\nVia: 1.1 a, 1.1 b\r\n\r\n"
    assert passage(two, one).fates()[Fate.STAYS] == 1
    assert passage(one, two).fates()[Fate.COMES] == 1
    assert passage(two, two).fates()[Fate.PASSES] == 3


def test_the_drawing_is_an_svg_that_says_it_all_in_words() -> None:
    svg = ElementTree.fromstring(passage(SENT, GOT)._repr_svg_())
    assert svg.get("role") == "img"
    title = svg.find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert title.text is not None
    assert "Host: a.test → host: b.test: written anew" in title.text
    assert "X-HOP: 1: stays behind" in title.text


def test_a_long_line_is_cut_in_the_picture_alone() -> None:
    long = b"GET / HTTP/1.1\r\nCookie: " + b"c" * 100 + b"\r\n\r\n"
    drawn = passage(long, long.replace(b"ccc\r\n", b"ccd\r\n"))
    assert drawn.fates()[Fate.CHANGES] == 1
    assert max(map(len, str(drawn).splitlines())) <= 2 * LONGEST + 6


def test_fields_are_found_by_name_whatever_their_letters() -> None:
    message = b"GET / HTTP/1.1\r\nVIA: 1.1 a\r\nvia:1.1 b\r\n\r\nVia: in the body"
    assert fields_of(message) == [("VIA", "1.1 a"), ("via", "1.1 b")]
    assert said(message, "Via") == "1.1 a, 1.1 b"
    assert said(message, "Host") == ""
