"""Connections over time: a line for each, on it a box for each request that it carried.

`lifelines(proxy, "Alice", "Bob")` reads what was recorded while a proxy ran, and names the clients
in the order in which they came. Time is order here: a request or an answer is one step. It is for
experiments that one thread makes, whose backend answers each path with that path, and for proxies
that ask for a client one thing after the other.
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from rsp.lab.drawing import CARD, CHARACTER, INK, LINE, label
from rsp.lab.ends import message_length
from rsp.lab.proxies import Proxy
from rsp.lab.recorder import Event, Kind
from rsp.lab.rest import at_rest

LEFT, TOP, ROW, BOX, STEP = 24, 22, 34, 24, 26  # px: the side, above, a row, a box, a step at least
RED, GREY = "#b42318", "#667085"
INKS = ("#175cd3", "#067647", "#6941c6", "#b54708", "#0e7090")  # one for each client
FILLS = ("#eff8ff", "#ecfdf3", "#f4f3ff", "#fffaeb", "#ecfdff")


class Box(NamedTuple):
    """One request on one connection, from the step at which it was made to that of its answer."""

    asked: str
    got: str  # what the answer was; "" when none came
    start: int
    end: int  # the last step of all, when none came
    client: int  # who asked: the number of a client

    @property
    def words(self) -> str:
        """What was asked, and what came, where that is something else."""
        return self.asked if self.got in ("", self.asked) else f"{self.asked} → {self.got}"


class Life(NamedTuple):
    """One connection: its name, what it carried, whether it has ended."""

    name: str
    boxes: list[Box]
    ended: bool

    def __str__(self) -> str:
        carried = [box.words + " without an answer" * (not box.got) for box in self.boxes]
        return f"{self.name}: {', '.join(carried) or 'nothing'}; {'ends' * self.ended or 'stays'}"

    def rows(self) -> list[list[Box]]:
        """Return the boxes in as many rows as they need so that none lies upon another."""
        rows: list[list[Box]] = [[]]
        for box in self.boxes:
            free = next((row for row in rows if not row or row[-1].end <= box.start), None)
            if free is None:
                rows.append([box])
            else:
                free.append(box)
        return rows


class Lifelines:
    """The connections of one run; shows as a picture, prints as a line for each."""

    def __init__(self, lives: Sequence[Life]) -> None:
        self.lives = list(lives)

    def __repr__(self) -> str:
        return "\n".join(map(str, self.lives))

    def _repr_svg_(self) -> str:
        return as_svg(self.lives)


def lifelines(proxy: Proxy, *names: str) -> Lifelines:
    """Return the connections that clients and backends of the lab had while `proxy` ran."""
    at_rest()
    events = tuple(proxy.recording.events)
    clients = clients_lives([event for event in events if event.at_client], names)
    return Lifelines([*clients, *upstreams_lives(events, clients)])


def clients_lives(events: Sequence[Event], names: Sequence[str]) -> list[Life]:
    """Return the lives of the clients: a request is a step, and so is an answer."""
    lanes = list(dict.fromkeys(event.lane for event in events))
    boxes: dict[int, list[Box]] = {lane: [] for lane in lanes}
    answered = dict.fromkeys(lanes, 0)
    said: dict[tuple[int, bool], bytes] = {}
    step = 0
    for event in events:
        way, mine = (event.lane, event.incoming), boxes[event.lane]
        messages, said[way] = cut(said.get(way, b"") + event.data)
        if messages and not event.incoming:
            step += 1  # requests that go in one piece begin at one step
            who = lanes.index(event.lane)
            mine += [Box(target(message), "", step, 0, who) for message in messages]
        for message in messages if event.incoming else ():
            step += 1  # how answers are cut is chance
            place = answered[event.lane]
            mine[place] = mine[place]._replace(got=told(message), end=step)
            answered[event.lane] += 1
    return [
        Life(name_of(number, names), closed(boxes[lane], step), has_ended(events, lane))
        for number, lane in enumerate(lanes)
    ]


def closed(boxes: Sequence[Box], last: int) -> list[Box]:
    """Return the boxes, those without an answer up to the last step."""
    return [box if box.got else box._replace(end=last + 1) for box in boxes]


def upstreams_lives(events: Sequence[Event], clients: Sequence[Life]) -> Iterator[Life]:
    """Yield the lives of the connections to backends; their steps are those of the clients."""
    asked = {box.asked: box for life in clients for box in in_turn(life.boxes)}
    came = {box.got: box.end for life in clients for box in reversed(life.boxes) if box.got}
    last = max((box.end for life in clients for box in life.boxes), default=0)
    lanes = dict.fromkeys(event.lane for event in events if not event.at_client)
    for number, lane in enumerate(lanes, start=1):
        ended = has_ended(events, lane)
        requests, answers = (messages_of(events, lane, to_backend=way) for way in (True, False))
        boxes = []
        for place, message in enumerate(requests):
            box = asked[target(message)]
            got = told(answers[place]) if place < len(answers) else ""
            end = came.get(got, box.start + 1 if ended else last)
            boxes.append(box._replace(got=got if got in came else "", end=end))  # nobody got it
        yield Life(f"upstream {number}", boxes, ended)


def in_turn(boxes: Sequence[Box]) -> Iterator[Box]:
    """Yield a client's boxes as they are passed on: none begins before the last one is answered."""
    start = 0
    for box in boxes:
        yield box._replace(start=max(start, box.start))
        start = box.end


def messages_of(events: Sequence[Event], lane: int, *, to_backend: bool) -> list[bytes]:
    """Return the whole messages of one connection, one way."""
    mine = (e.data for e in events if e.lane == lane and e.to_backend is to_backend)
    return cut(b"".join(mine))[0]


def cut(data: bytes) -> tuple[list[bytes], bytes]:
    """Return the whole messages in `data`, and what is left of the next one."""
    messages = []
    while (length := message_length(data)) is not None and length <= len(data):
        messages.append(data[:length])
        data = data[length:]
    return messages, data


def has_ended(events: Sequence[Event], lane: int) -> bool:
    """Tell whether a connection has ended or was broken off, by either side."""
    return any(e.lane == lane and e.kind in {Kind.END, Kind.RESET} for e in events)


def target(request: bytes) -> str:
    """Return what a request asks for."""
    return request.split(b" ", 2)[1].decode()


def told(answer: bytes) -> str:
    """Return what an answer says: its body where it is good, else its status."""
    status, body = answer.split(b" ", 2)[1].decode(), answer.partition(b"\r\n\r\n")[2]
    return body.decode().strip() if status == "200" else status


def name_of(number: int, names: Sequence[str]) -> str:
    """Return how a client is called."""
    return names[number] if number < len(names) else f"client {number + 1}"


def as_svg(lives: Sequence[Life]) -> str:
    """Return the picture, on a card of its own, with its words."""
    boxes = [box for life in lives for box in life.boxes]
    first = LEFT + max((len(life.name) for life in lives), default=0) * CHARACTER + 18
    needs = [(len(b.words) * CHARACTER + 14) / max(1, b.end - b.start) for b in boxes]
    step = max([STEP, *needs])
    last = first + step * max((box.end for box in boxes), default=1)
    height = 2 * TOP + ROW * sum(len(life.rows()) for life in lives)
    width = round(last + 40 + LEFT)
    words = escape("; ".join(str(life).replace(";", ",") for life in lives), quote=True)
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' "
        f"viewBox='0 0 {width} {height}' role='img' aria-label='{words}'>",
        f"<title>{words}</title>",
        f"<rect x='.5' y='.5' width='{width - 1}' height='{height - 1}' rx='8' "
        f"fill='{CARD}' stroke='{LINE}'/>",
    ]
    y = float(TOP)
    for life in lives:
        parts += drawn(life, y, first - step, step, last)
        y += ROW * len(life.rows())
    return "".join([*parts, "</svg>"])


def drawn(life: Life, y: float, zero: float, step: float, last: float) -> Iterator[str]:
    """Yield one connection: its name, its line from birth to end, and what it carried."""
    middle = y + ROW / 2
    yield label(life.name, LEFT, middle + 4, INK, "start", "600")
    if not life.boxes:
        return
    start = zero + step * min(box.start for box in life.boxes) - 8
    end = zero + step * max(box.end for box in life.boxes) + 8 if life.ended else last + 30
    yield f"<line x1='{start:.1f}' y1='{middle}' x2='{end:.1f}' y2='{middle}' {stroke(GREY)}/>"
    for x in [start, end] if life.ended else [start]:
        yield f"<path d='M{x:.1f},{middle - 7} v14' {stroke(GREY)}/>"
    if not life.ended:
        tip = f"M{end - 7:.1f},{middle - 4} L{end:.1f},{middle} L{end - 7:.1f},{middle + 4} Z"
        yield f"<path d='{tip}' fill='{GREY}'/>"
    for number, row in enumerate(life.rows()):
        for box in row:
            yield from boxed(box, zero + step * box.start, zero + step * box.end, y + ROW * number)


def boxed(box: Box, x: float, end: float, y: float) -> Iterator[str]:
    """Yield one request: a box with its words, red where what came is not what was asked for."""
    wrong = box.got != box.asked
    ink, fill = INKS[box.client % len(INKS)], FILLS[box.client % len(FILLS)]
    dashes = "" if box.got else " stroke-dasharray='4 3'"
    top, middle = y + (ROW - BOX) / 2, (x + end) / 2
    yield (
        f"<rect x='{x + 1:.1f}' y='{top}' width='{end - x - 2:.1f}' height='{BOX}' rx='5' "
        f"fill='{fill}' {stroke(RED if wrong else ink)}{dashes}/>"
    )
    yield label(box.words, middle, y + ROW / 2 + 4, RED if wrong else ink, "middle", "500")


def stroke(colour: str) -> str:
    """Return how a line of this colour is drawn."""
    return f"stroke='{colour}' stroke-width='1.6'"
