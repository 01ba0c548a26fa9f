"""Answers to the exercises of notebook 12."""

import re
from collections.abc import Iterator, Sequence

from tests.answers import right, wrong

Field = tuple[str, str]
NEVER = {"connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"}


@wrong("12.1", "Connection names X-Room, and 2 of them went on")
def only_those_that_never_go(fields: Sequence[Field]) -> list[Field]:
    return [field for field in fields if field[0].lower() not in NEVER]


@wrong("12.1", "Connection names X-Token-Old, and another field was lost")
def what_stands_somewhere_in_it(fields: Sequence[Field]) -> list[Field]:
    said = ",".join(value for name, value in fields if name.lower() == "connection").lower()
    return [
        field for field in fields if field[0].lower() not in NEVER and field[0].lower() not in said
    ]


@wrong("12.1", "Connection stood twice, and [('X-One', '1')] went on")
def the_last_one_counts(fields: Sequence[Field]) -> list[Field]:
    said = {name.lower(): value for name, value in fields}.get("connection", "").lower()
    gone = NEVER | {part.strip() for part in said.split(",")}
    return [field for field in fields if field[0].lower() not in gone]


@wrong("12.1", "names have no case, and connection went on")
def by_its_letters(fields: Sequence[Field]) -> list[Field]:
    gone = {"Connection", "Keep-Alive", "Proxy-Connection", "TE", "Transfer-Encoding", "Upgrade"}
    return [field for field in fields if field[0] not in gone]


@right("12.1")
def one_after_the_other(fields: Sequence[Field]) -> Iterator[Field]:
    gone = "|".join(re.escape(name) for name in NEVER)
    for name, value in fields:
        if name.lower() == "connection":
            for option in re.findall(r"[^\s,]+", value):
                gone += "|" + re.escape(option)
    for field in fields:
        if not re.fullmatch(gone, field[0], re.IGNORECASE):
            yield field


@wrong("12.2", "what a stranger wrote on the left was believed")
def the_leftmost(peer: str, said: str, trusted: set[str]) -> str:
    return said.partition(",")[0].strip() if said and peer in trusted else peer


@wrong("12.2", "a peer that is none of ours was believed")
def whoever_says_it(peer: str, said: str, trusted: set[str]) -> str:
    return said.rpartition(",")[2].strip() or peer


@wrong("12.2", "two proxies of ours stand between")
def the_last_word(peer: str, said: str, trusted: set[str]) -> str:
    return said.rpartition(",")[2].strip() if said and peer in trusted else peer


@wrong("12.2", "all are ours, so it is the one farthest away")
def nobody_but_ours(peer: str, said: str, trusted: set[str]) -> str:
    addresses = [*said.replace(",", " ").split(), peer]
    return next((each for each in reversed(addresses) if each not in trusted), peer)


@right("12.2")
def eaten_from_the_right(peer: str, said: str, trusted: set[str]) -> str:
    while peer in trusted and said.strip():
        said, _, peer = said.rpartition(",")
        peer = peer.strip()
    return peer


@wrong("12.3", "of “1.1 rsp-2, 1.1 my-rsp” and rsp it says True: names are compared whole")
def anywhere(via: str, name: str) -> bool:
    return name.lower() in re.sub(r"\(.*?\)", "", via).lower()


@wrong("12.3", "of “1.1 cache (behind, 1.1 rsp)” and rsp it says True: a comment is no name")
def commas_first(via: str, name: str) -> bool:
    words = [element.split() for element in via.lower().split(",")]
    return any(name in (word.rstrip(")") for word in each[1:2]) for each in words)


@wrong("12.3", "of “1.1 RSP” and rsp it says False: names have no case")
def with_its_case(via: str, name: str) -> bool:
    elements = re.sub(r"\([^)]*\)", "", via).split(",")
    return any(element.split()[1:2] == [name] for element in elements)


@right("12.3")
def by_one_expression(via: str, name: str) -> bool:
    element = r"\s*[\w./]+\s+" + re.escape(name) + r"\s*(,|$)"
    plain = re.sub(r"\([^)]*\)", "", via)
    return re.search(r"(^|,)" + element, plain, re.IGNORECASE) is not None
