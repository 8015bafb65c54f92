"""What is asked of an Electrum server, as it goes over the line, and how the server refuses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from chainwatch.errors import SourceError
from chainwatch.net.response import Answer
from chainwatch.sanitize import clipped

NO_METHOD = -32601
"""Code of a question that the server does not know."""

Item = TypeVar("Item")
Reply = TypeVar("Reply")


class ServerRefusal(SourceError):
    """The server's own refusal: its number, its text, and the answer as it came."""

    code: int = 0
    words: str = ""
    answer: Answer | None = None


class TooMuch(SourceError):
    """The answers to questions asked together are too long together; those to fewer may not be."""


@dataclass(frozen=True)
class Question:
    """A method, its parameters, and what is asked in words, for log and answers."""

    method: str
    params: tuple[Any, ...] = ()
    about: str = ""

    @property
    def words(self) -> str:
        """What is asked, as it stands in log and ``answers``."""
        shown = " ".join([self.method, *(str(param) for param in self.params)])
        return f"{shown} ({self.about})" if self.about else shown

    @property
    def id(self) -> int:
        """A number that only this question has, the same in every run."""
        text = json.dumps([self.method, *self.params]).encode()
        return int.from_bytes(hashlib.sha256(text).digest()[:6], "big")

    @property
    def line(self) -> bytes:
        """The question as it is sent."""
        sent = {
            "jsonrpc": "2.0", "id": self.id, "method": self.method, "params": list(self.params),
        }  # fmt: skip
        return json.dumps(sent).encode() + b"\n"


def said_of(error: Any, where: str, answer: Answer | None) -> ServerRefusal:
    """Return a refusal of the ``error`` that the server sent, whatever its form."""
    given = error if isinstance(error, dict) else {"message": error}
    words = clipped(str(given.get("message", "")), 500)
    said = ServerRefusal(
        f"the server refuses and says {clipped(words, 200)!r}",
        where=where,
        remedy="ask again later, or another server",
    )
    code = given.get("code")
    said.code = code if type(code) is int else 0
    said.words, said.answer = words, answer
    return said


def in_loads(
    ask: Callable[[Sequence[Item]], Sequence[Reply]], items: Sequence[Item], most: int
) -> Iterator[tuple[Sequence[Item], Sequence[Reply]]]:
    """Yield items with what is answered of them, fewer at a time where that is too long."""
    low = 0
    while low < len(items):
        some = items[low : low + most]
        try:
            replies = ask(some)
        except TooMuch:
            if len(some) == 1:
                raise
            most = len(some) // 2
            continue
        yield some, replies
        low += len(some)
