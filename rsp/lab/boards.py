"""The picture of one round of a loop: an SVG on a white card, or plain text."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

from rsp.lab.drawing import CARD, INK, LINE, label

BOX, GAP, HIGH = 104, 8, 44  # px: a box, between two of them, its height
LEFT, TOP, ROW = 24, 62, 88  # px: the side, above the first row, a row
BLUE, RED, GREEN, AMBER, GREY = "#175cd3", "#b42318", "#067647", "#b54708", "#667085"
PALE = {BLUE: "#eff8ff", RED: "#fef3f2", GREEN: "#ecfdf3", AMBER: "#fffaeb", GREY: "#f9fafb"}


class Place(NamedTuple):
    """A number, whose it is, and what it is: watched, leaving, free."""

    number: int
    owner: str
    state: str


class Frame(NamedTuple):
    """After one step: what happened, with which event of the batch, and how the numbers stand."""

    told: str
    event: int | None
    wrong: bool
    places: Sequence[Place]


Events = Sequence[tuple[int, str]]


def sentence(events: Events, frame: Frame) -> str:
    """Return one step in words, without the numbers."""
    if frame.event is None:
        return frame.told
    number, owner = events[frame.event]
    return f"{number}, an event for {owner}: {frame.told}{', a stranger' * frame.wrong}"


def told(place: Place) -> str:
    """Return whose a number is, in words."""
    return f"{place.number} {place.owner or place.state}{' (leaving)' * (place.state == 'leaving')}"


def as_text(events: Events, frames: Sequence[Frame]) -> str:
    """Return each step in a line, and below it the numbers."""
    rows = [(sentence(events, frame), ", ".join(map(told, frame.places))) for frame in frames]
    return "\n".join(f"{what}\n    {numbers}" for what, numbers in rows)


def as_svg(events: Events, frames: Sequence[Frame]) -> str:
    """Return the steps from top to bottom: left the batch, right whose each number is."""
    most = max((len(frame.places) for frame in frames), default=0)
    middle = LEFT + max(1, len(events)) * (BOX + GAP) + 36
    width = max(560, middle + most * (BOX + GAP) - GAP + LEFT)
    height = TOP + ROW * len(frames) - 14
    words = escape("; ".join(as_text(events, frames).split("\n")), quote=True)
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' "
        f"viewBox='0 0 {width} {height}' role='img' aria-label='{words}'>",
        f"<title>{words}</title>",
        f"<rect x='.5' y='.5' width='{width - 1}' height='{height - 1}' rx='8' "
        f"fill='{CARD}' stroke='{LINE}'/>",
        label("the batch: number, and whom the event is for", LEFT, 30, INK, "start", "600"),
        label("the numbers, and whose they are now", middle, 30, INK, "start", "600"),
    ]
    before: Sequence[Place] = ()
    for number, frame in enumerate(frames):
        y = TOP + ROW * number
        colour = RED if frame.wrong else INK
        parts.append(label(f"{number + 1} · {step(events, frame)}", LEFT, y, colour, "start"))
        for place in range(len(events)):
            parts += event_box(LEFT + place * (BOX + GAP), y + 10, events, place, number, frame)
        called = events[frame.event][0] if frame.wrong and frame.event is not None else None
        for column, state in enumerate(frame.places):
            changed = bool(before) and state not in before
            drawn = look(state, RED if state.number == called else GREEN if changed else GREY)
            parts += box(middle + column * (BOX + GAP), y + 10, *drawn)
        before = frame.places
    return "".join([*parts, *lines(frames, width), "</svg>"])


def step(events: Events, frame: Frame) -> str:
    """Return what happened, short."""
    if frame.event is None:
        return frame.told
    return f"event for {events[frame.event][0]}: {frame.told}"


def event_box(
    x: int, y: int, events: Events, place: int, number: int, frame: Frame
) -> Iterator[str]:
    """Yield an event: the one at hand has a colour, those that are over are pale."""
    fd, owner = events[place]
    at_hand = frame.event == place
    over = number > 0 and (frame.event is None or place < frame.event)
    colour = (RED if frame.wrong else BLUE) if at_hand else GREY
    yield from box(x, y, str(fd), owner, colour, pale=over, width=2.2 if at_hand else 1.2)


def look(place: Place, colour: str) -> tuple[str, str, str, bool]:
    """Return how a number is drawn: its words, its colour, and whether by dashes."""
    leaving, free = place.state == "leaving", place.state == "free"
    words = f"{place.number} · leaving" if leaving else str(place.number)
    return words, place.owner or "free", AMBER if leaving else GREY if free else colour, free


def box(
    x: int,
    y: int,
    head: str,
    below: str,
    colour: str,
    dashed: bool = False,
    pale: bool = False,
    width: float = 1.2,
) -> list[str]:
    """Return a box with two lines of words."""
    dashes = " stroke-dasharray='4 4'" if dashed else ""
    ink = GREY if dashed or pale else colour if colour != GREY else INK
    fill = CARD if dashed else PALE.get(colour, CARD)
    return [
        f"<g opacity='{0.45 if pale else 1}'><rect x='{x}' y='{y}' width='{BOX}' height='{HIGH}' "
        f"rx='6' fill='{fill}' stroke='{colour}' stroke-width='{width}'{dashes}/>",
        label(head, x + BOX / 2, y + 18, ink, "middle", "600"),
        label(below, x + BOX / 2, y + 35, ink, "middle", "500"),
        "</g>",
    ]


def lines(frames: Sequence[Frame], width: int) -> Iterator[str]:
    """Yield a thin line between two steps."""
    for number, _ in enumerate(pairwise(frames), start=1):
        y = TOP + ROW * number - 22
        yield f"<line x1='{LEFT}' y1='{y}' x2='{width - LEFT}' y2='{y}' stroke='{LINE}'/>"
