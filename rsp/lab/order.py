"""One order for what was recorded: the same in every run.

One exchange recorded often shows many orders: two ends see their events in two threads, and a
send arrives in one read or in two. What is certain is kept: the order on each connection, what a
client did before what, and that bytes come out of a proxy after they went in. The rest is chosen.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from rsp.lab.recorder import Event, Kind

COMPARED = 4096  # bytes of two requests that are looked at for likeness: a head, mostly

Queues = dict[int, list[Event]]  # a connection to a backend → its events that wait for their place


def arranged(events: Sequence[Event]) -> Iterator[Event]:
    """Yield the events in their one order, the bytes of one direction as one event."""
    kept = list(without_second_ends(events))
    return merged(interleaved(kept))


def without_second_ends(events: Iterable[Event]) -> Iterator[Event]:
    """Leave out the end that only answers an end: every connection has one.

    But a client that has said it will send no more waits for the other end: that one is shown.
    """
    over: set[int] = set()  # connections of which one side has ended, and nothing came since
    for event in events:
        answers = event.kind is Kind.END and event.lane in over
        if answers and not (event.at_client and event.incoming):
            continue
        if event.kind in {Kind.END, Kind.RESET}:
            over.add(event.lane)
        elif event.kind is Kind.DATA:
            over.discard(event.lane)
        yield event


def interleaved(events: list[Event]) -> Iterator[Event]:
    """Yield part by part: at a note everything had come to rest, so each part stands alone."""
    owner = owners(events)
    part: list[Event] = []
    for event in events:
        part.append(event)
        if event.kind is Kind.NOTE:
            yield from one_part(part, owner)
            part = []
    yield from one_part(part, owner)


def one_part(part: list[Event], owner: dict[int, int]) -> Iterator[Event]:
    """Yield what a client got after what the backend said for it."""
    queues: Queues = {}
    for event in part:
        if not event.at_client and event.kind is not Kind.NOTE:
            queues.setdefault(event.lane, []).append(event)
    last_of = {event.lane: event for event in part if event.at_client}
    for event in clients_order(part):
        for lane, queue in sorted(queues.items()):
            if event.kind is Kind.NOTE:
                yield from take(queue, len(queue))
            elif event.incoming and owner.get(lane) == event.lane:
                yield from take(queue, said_before(event, queue))
        yield event
        if event is last_of.get(event.lane) and event.kind is Kind.END and not event.incoming:
            for lane, queue in sorted(queues.items()):  # it left, and its upstream is let go
                yield from take(queue, len(queue) if owner.get(lane) == event.lane else 0)
    for _, queue in sorted(queues.items()):
        yield from queue


def clients_order(part: list[Event]) -> list[Event]:
    """Return the clients' events: as they were made in one thread; client by client in several."""
    mine = [event for event in part if event.at_client or event.kind is Kind.NOTE]
    if len({event.thread for event in mine if event.kind is not Kind.NOTE}) > 1:
        place = {lane: number for number, lane in enumerate(client_lanes(part))}
        mine.sort(key=lambda e: (1, 0) if e.kind is Kind.NOTE else (0, place[e.lane]))
    return mine


def client_lanes(events: Sequence[Event]) -> list[int]:
    """Return the clients' connections in order: as they were made, if one thread has made them.

    Which of several threads was first is chance: then by what they asked.
    """
    lanes = sorted({event.lane for event in events if event.at_client})
    makers = {e.thread for e in events if e.at_client and e.kind is Kind.CONNECT}
    return lanes if len(makers) < 2 else sorted(lanes, key=lambda lane: sent(events, lane))


def take(queue: list[Event], count: int) -> list[Event]:
    """Return the first `count` events and take them out of the queue."""
    taken = queue[:count]
    del queue[:count]
    return taken


def said_before(event: Event, queue: list[Event]) -> int:
    """Return how many events of a backend's queue come before what a client got: `event`.

    They belong to one request; and what the backend said last, an end perhaps, comes before the
    client's end only, for bytes are passed on without waiting for it.
    """
    answered = False
    for place, said in enumerate(queue):
        if answered and said.to_backend and said.kind is Kind.DATA:
            return place
        if event.kind is Kind.DATA and not said.to_backend and said.kind is not Kind.DATA:
            return place
        answered = answered or not said.to_backend
    return len(queue)


def owners(events: list[Event]) -> dict[int, int]:
    """Return, for each connection to a backend, the client's that it was most likely made for.

    The one whose request begins most like what the backend got; one that has not asked, where it
    got nothing; the first of several that are alike.
    """
    clients = client_lanes(events)
    owner: dict[int, int] = {}
    for lane in sorted({event.lane for event in events if not event.at_client}):
        got = sent(events, lane)
        free = [client for client in clients if client not in owner.values()] or clients
        if free:
            owner[lane] = max(free, key=lambda client: likeness(got, sent(events, client)))
    return owner


def likeness(got: bytes, asked: bytes) -> int:
    """Return how many bytes at their beginning are the same; two that are empty are alike."""
    pairs = zip(got[:COMPARED], asked[:COMPARED], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs)) if got else not asked


def sent(events: Iterable[Event], lane: int) -> bytes:
    """Return all that went to the backend on a connection."""
    mine = (e.data for e in events if e.lane == lane and e.to_backend and e.kind is Kind.DATA)
    return b"".join(mine)


def merged(events: Iterable[Event]) -> Iterator[Event]:
    """Join bytes that follow each other on one connection one way: how they were cut is chance."""
    last: Event | None = None
    for event in events:
        if last and last.kind is event.kind is Kind.DATA and way(last) == way(event):
            last = last._replace(data=last.data + event.data)
            continue
        if last:
            yield last
        last = event
    if last:
        yield last


def way(event: Event) -> tuple[int, bool]:
    """Return the connection and the direction of an event."""
    return event.lane, event.to_backend
