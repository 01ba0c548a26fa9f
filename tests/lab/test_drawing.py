"""rsp.lab.drawing: the picture is sound, on its card, and says the same in words."""

import re
from xml.etree import ElementTree

import pytest

from rsp.lab.drawing import CARD, CHARACTER, Arrow, as_svg, as_text, participants, sketch
from rsp.lab.recorder import Kind

SVG = "{http://www.w3.org/2000/svg}"
LONG = "GET /a/path/that/is/long/enough/to/need/room HTTP/1.1 (1,234,567 bytes)"


def arrow(sender: str, receiver: str, label: str = "", kind: Kind = Kind.DATA) -> Arrow:
    return Arrow(sender, receiver, label or kind.value, kind)


PICTURES = {
    "nothing": [],
    "two": [arrow("client", "server", "hello"), arrow("server", "client", "“<&'\">” (9 bytes)")],
    "three": [
        arrow("client", "proxy", kind=Kind.CONNECT),
        arrow("client", "proxy", "GET / HTTP/1.1 (57 bytes)"),
        arrow("client", "proxy", "no answer yet", Kind.NOTE),
        arrow("proxy", "backend", "GET / HTTP/1.1 (57 bytes)"),
        arrow("backend", "proxy", kind=Kind.RESET),
        arrow("proxy", "client", kind=Kind.END),
    ],
    "long": [arrow("client-1", "proxy", LONG), arrow("client-2", "proxy", "short")],
    "far": [arrow("client", "backend", LONG), arrow("client", "proxy"), arrow("proxy", "backend")],
    "notes": [
        arrow("client", "proxy", "a", Kind.DATA),
        arrow("proxy", "backend-1", "b", Kind.DATA),
        arrow("backend-1", "proxy", "a note at the last lifeline, " + LONG, Kind.NOTE),
        arrow("client", "proxy", "a note at the first lifeline, " + LONG, Kind.NOTE),
    ],
    "alone": [arrow("client", "proxy", "nobody listens", Kind.NOTE)],
    "long names": [arrow("client", "a proxy with a name that is long", "x")],
}
EveryPicture = pytest.mark.parametrize("arrows", PICTURES.values(), ids=PICTURES)


@EveryPicture
def test_the_svg_is_xml_that_says_in_words_what_it_shows(arrows: list[Arrow]) -> None:
    """For whoever cannot see it: role, title and label (WAI-ARIA, graphics)."""
    root = ElementTree.fromstring(as_svg(arrows))
    title = root.find(f"{SVG}title")
    assert title is not None
    assert root.get("role") == "img"
    assert root.get("aria-label") == title.text
    for each in arrows:
        assert f"{each.sender}" in (title.text or "")
        assert each.label in (title.text or "")


@EveryPicture
def test_the_svg_stands_on_a_white_card_of_its_own_size(arrows: list[Arrow]) -> None:
    """A dark theme shows the picture as it is."""
    root = ElementTree.fromstring(as_svg(arrows))
    card = root.find(f"{SVG}rect")
    assert card is not None
    assert card.get("fill") == CARD == "#ffffff"
    assert float(card.get("width", 0)) == pytest.approx(float(root.get("width", 0)), abs=2)
    assert float(card.get("height", 0)) == pytest.approx(float(root.get("height", 0)), abs=2)
    assert "var(" not in as_svg(arrows)


@EveryPicture
def test_every_label_is_inside_the_card(arrows: list[Arrow]) -> None:
    root = ElementTree.fromstring(as_svg(arrows))
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for text in root.iter(f"{SVG}text"):
        size = len(text.text or "") * CHARACTER
        share = {"start": 0, "middle": 0.5, "end": 1}[text.get("text-anchor", "start")]
        left = float(text.get("x", 0)) - share * size
        assert left >= 0
        assert left + size <= width
        assert 12 <= float(text.get("y", 0)) <= height


@EveryPicture
def test_no_label_of_an_arrow_is_longer_than_the_arrow(arrows: list[Arrow]) -> None:
    root = ElementTree.fromstring(as_svg(arrows))
    lines = {
        float(line.get("y1", 0)): abs(float(line.get("x2", 0)) - float(line.get("x1", 0)))
        for line in root.iter(f"{SVG}line")
        if line.get("y1") == line.get("y2")
    }
    for text in root.iter(f"{SVG}text"):
        length = lines.get(float(text.get("y", 0)) + 6)
        if length:
            assert len(text.text or "") * CHARACTER <= length


@EveryPicture
def test_the_text_is_aligned(arrows: list[Arrow]) -> None:
    """Each arrow begins and ends at a lifeline, and no row cuts one that it does not cross."""
    if not arrows:
        assert as_text(arrows) == "(nothing was sent)"
        return
    head, *rows = as_text(arrows).splitlines()
    names = participants(arrows)
    columns = [head.index(name) + len(name) // 2 for name in names]
    assert len(rows) == len(arrows)
    for row, each in zip(rows, arrows, strict=True):
        assert each.label in row
        start, end = (columns[names.index(name)] for name in each[:2])
        left, right = min(start, end), max(start, end)
        note = each.kind is Kind.NOTE
        for column in columns:
            if note or column <= left or column >= right:
                assert row.ljust(columns[-1] + 1)[column] in "│", (row, column)
        if not note:
            assert "│" not in row[left + 1 : right]
            tip = row[right - 1] if end > start else row[left + 1]
            assert tip == ("×" if each.kind is Kind.RESET else ">" if end > start else "<")


def test_the_text_form_reads_like_this() -> None:
    assert as_text(PICTURES["three"]).splitlines() == [
        "client                           proxy                          backend",
        "   │╌╌╌╌╌╌╌╌╌╌╌ connect ╌╌╌╌╌╌╌╌╌╌>│                               │",
        "   │── GET / HTTP/1.1 (57 bytes) ─>│                               │",
        "   │ (no answer yet)               │                               │",
        "   │                               │── GET / HTTP/1.1 (57 bytes) ─>│",
        "   │                               │×╌╌╌╌╌╌╌╌╌╌╌ reset ╌╌╌╌╌╌╌╌╌╌╌╌│",
        "   │<╌╌╌╌╌╌╌╌╌╌╌╌ end ╌╌╌╌╌╌╌╌╌╌╌╌╌│                               │",
    ]


def test_clients_stand_left_and_backends_right() -> None:
    arrows = [
        arrow("backend-2", "proxy"),
        arrow("proxy", "backend-1"),
        arrow("client-2", "proxy"),
        arrow("client-1", "proxy"),
    ]
    assert participants(arrows) == ["client-1", "client-2", "proxy", "backend-1", "backend-2"]


def test_the_same_arrows_give_the_same_picture() -> None:
    assert as_svg(PICTURES["three"]) == as_svg(list(PICTURES["three"]))


def test_colours_and_dashes_tell_bytes_from_the_rest() -> None:
    svg = as_svg(PICTURES["three"])
    assert len(re.findall("stroke-dasharray", svg)) == 3


def test_what_is_astray_is_red_and_doubled() -> None:
    usual = arrow("a", "rsp")
    astray = usual._replace(astray=True)
    assert as_svg([astray]) == as_svg([usual]).replace("#175cd3", "#b42318")
    assert as_text([astray]) == as_text([usual]).replace("─", "═")


def test_a_sketch_may_say_how_an_arrow_is_drawn() -> None:
    """As a step of a transcript is; without a word it carries data."""
    drawn = sketch(
        ("rsp", "a", "connect", "connect"), ("a", "rsp", "no", "reset"), ("rsp", "a", "x")
    )
    assert [arrow.kind for arrow in drawn.arrows] == [Kind.CONNECT, Kind.RESET, Kind.DATA]
