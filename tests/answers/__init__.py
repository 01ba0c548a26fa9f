"""Answers to the exercises, as learners write them: wrong ones, and right ones that are unusual."""

import socket
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from rsp.stages import s04_serial, s08_queue

# To check(), beside the answer.
GIVEN: dict[str, tuple[ModuleType, ...]] = {
    "4.2": (s04_serial,),
    "4.3": (s04_serial,),
    "8.4": (s08_queue,),
}
KEPT: list[socket.socket] = []  # what wrong answers leave open

Answer = TypeVar("Answer", bound=Callable[..., Any])


class Try(NamedTuple):
    """An answer to an exercise, and the sentence with which it is refused; "" for a right one."""

    number: str
    answer: Callable[..., Any]
    sentence: str = ""

    @property
    def name(self) -> str:
        """What a test is called by."""
        return f"{self.number}-{self.answer.__name__}"


TRIES: list[Try] = []


def wrong(number: str, sentence: str) -> Callable[[Answer], Answer]:
    """Mark an answer as one that the check refuses with a sentence that contains `sentence`."""

    def mark(answer: Answer) -> Answer:
        TRIES.append(Try(number, answer, sentence))
        return answer

    return mark


def right(number: str) -> Callable[[Answer], Answer]:
    """Mark an answer as one that is not ours and does all that was asked."""

    def mark(answer: Answer) -> Answer:
        TRIES.append(Try(number, answer))
        return answer

    return mark


from tests.answers import n01, n02, n03, n04, n05, n06, n07, n08, n09, n10, n11, n12, n13  # noqa: E402, F401  (they fill TRIES)
