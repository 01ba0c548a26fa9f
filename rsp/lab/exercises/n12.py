"""Checks of notebook 12."""

from collections.abc import Callable, Iterable, Sequence

from rsp.lab.checks import exercise, expect

Field = tuple[str, str]
NEVER = ("Connection", "Keep-Alive", "Proxy-Connection", "TE", "Transfer-Encoding", "Upgrade")


@exercise("12.1")
def ends_with_the_hop(for_the_next: Callable[[Sequence[Field]], Iterable[Field]]) -> None:
    """What one hop was told does not go on; all else does, in its order, as it is."""

    def left(*fields: Field) -> list[Field]:
        found = for_the_next(list(fields))
        expect(isinstance(found, Iterable), f"it returns {type(found).__name__}, not fields")
        pairs = list(found)
        odd = [pair for pair in pairs if not (isinstance(pair, tuple | list) and len(pair) == 2)]
        expect(not odd, f"it returns pairs of a name and a value, and {odd[:1]} is none")
        return [(name, value) for name, value in pairs]

    plain = [("Host", "a.test"), ("cookie", "b=1; a=2"), ("Accept", "x, y"), ("Cookie", "c")]
    expect(left(*plain) == plain, "four fields for the backend, and they did not go on as they are")
    for name in NEVER:
        found = left(plain[0], (name, "trailers"), plain[1])
        expect(found == plain[:2], f"{name} never goes on, and of three fields {found} did")
        lower = left((name.lower(), "trailers"))
        expect(not lower, f"names have no case, and {name.lower()} went on")
    found = left(("X-Room", "7"), ("Connection", "close, X-Room"), ("X-Room", "8"))
    expect(("Connection", "close, X-Room") not in found, "Connection went on")
    expect(not found, f"Connection names X-Room, and {len(found)} of them went on")
    found = left(("X-Room", "7"), ("connection", "x-room"))
    expect(not found, "names have no case: connection names x-room, and X-Room went on")
    found = left(("Connection", "X-One"), ("X-One", "1"), ("Connection", "X-Two"), ("X-Two", "2"))
    expect(not found, f"Connection stood twice, and {found} went on")
    found = left(("Connection", "close,X-One , ,\tX-Two"), ("X-One", "1"), ("X-Two", "2"))
    expect(not found, f"“close,X-One , ,⇥X-Two” names two fields, and {found} went on")
    like = [("X-Token", "7"), ("X", "1")]
    found = left(("Connection", "X-Token-Old"), *like)
    expect(found == like, "Connection names X-Token-Old, and another field was lost")


@exercise("12.2")
def finds_who_asks(who_asks: Callable[[str, str, set[str]], str]) -> None:
    """From the right, past our own proxies, and no further."""
    edge, inner, client = "10.0.0.1", "10.0.0.2", "198.51.100.9"
    ours = {edge, inner}

    def tried(peer: str, said: str, wanted: str, otherwise: str) -> None:
        found = who_asks(peer, said, set(ours))
        told = f"it was said “{said}”, by {peer}, and it returned {found!r}"
        expect(isinstance(found, str), f"it returned {found!r}, which is no text")
        expect(found == wanted, f"{otherwise}: {told}")

    tried(edge, client, client, "one proxy of ours has told who asks")
    tried(client, "", client, "nobody said anything, so the peer asks")
    tried(client, "10.0.0.7", client, "a peer that is none of ours was believed")
    tried(client, edge, client, "a peer that is none of ours was believed")
    tried(edge, f"10.0.0.7, {client}", client, "what a stranger wrote on the left was believed")
    tried(edge, f"{client}, {inner}", client, "two proxies of ours stand between")
    tried(edge, f"10.0.0.7,{client},{inner}", client, "the commas need no space behind them")
    tried(edge, "", edge, "our own proxy asks by itself")
    tried(edge, f"{inner}, {edge}", inner, "all are ours, so it is the one farthest away")


@exercise("12.3")
def sees_a_circle(goes_round: Callable[[str, str], bool]) -> None:
    """Its name, whole, where a name stands, and in no comment."""
    yes = {
        "1.1 rsp": "",
        "1.1 cache, 1.0 rsp": "the name stands behind another one",
        "1.1 cache,1.1 rsp,1.1 edge": "commas need no space behind them",
        "HTTP/1.1 rsp": "the protocol may be written in full",
        "1.1 RSP": "names have no case",
        "1.1 rsp (by chance, rsp)": "a comment may stand behind it",
        "1.1\tcache , 1.1   rsp ": "there may be more white space",
    }
    no = {
        "": "nobody was there",
        "1.1 cache": "another one was there",
        "1.1 rsp-2, 1.1 my-rsp": "names are compared whole",
        "1.1 rsp:8080": "names are compared whole, with their ports",
        "rsp cache": "the first word is the protocol",
        "1.1 cache (not rsp)": "a comment is no name",
        "1.1 cache (behind, 1.1 rsp)": "a comment is no name, whatever stands in it",
    }
    for via, why in [*yes.items(), *no.items()]:
        found = goes_round(via, "rsp")
        expect(found in (True, False), f"it returned {found!r}, not True or False")
        told = f"of “{via}” and rsp it says {bool(found)}"
        expect(bool(found) == (via in yes), f"{told}: {why}" if why else told)
    expect(goes_round("1.1 edge:8080", "edge:8080"), "a name may have a port, as edge:8080 has")
