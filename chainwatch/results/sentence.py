"""A sentence that knows its amounts and counts, and who stands behind each.

Whoever reads a report may not see of one masked party what it moved, to the last unit, in a
sentence any more than in a table. A sentence is an ordinary text; where it was made of parts, an
edition can write the sums in it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from chainwatch.addresses.assets import Asset
from chainwatch.units import counted


class Sum(NamedTuple):
    """An amount in a sentence, or a count of things.

    Attributes
    ----------
    number : int
        Base units, or how many.
    asset : Asset or None
        What the amount is of; None of a count.
    behind : frozenset of bytes
        The parties whose money it is.
    row : int or None
        The row of the finding's table that holds the same: it is rounded here where it is there.
    noun : tuple of str
        What is counted: one, and many.
    """

    number: int
    asset: Asset | None = None
    behind: frozenset[bytes] = frozenset()
    row: int | None = None
    noun: tuple[str, str] = ("", "")

    def __str__(self) -> str:
        if self.asset is not None:
            return self.asset.shown(self.number)
        return counted(self.number, *self.noun)


class Place(NamedTuple):
    """Where a sum stands in a sentence."""

    start: int
    end: int
    sum: Sum


class Sentence(str):
    """A text with the sums in it; an ordinary ``str`` to everybody who does not ask for them."""

    places: tuple[Place, ...] = ()

    def told(self, say: Callable[[Sum], str | None]) -> str:
        """Return the text with each sum as ``say`` has it; None leaves it as it stands."""
        parts, at = [], 0
        for start, end, one in self.places:
            said = say(one)
            parts += [self[at:start], self[start:end] if said is None else said]
            at = end
        return "".join([*parts, self[at:]])


def sentence(*parts: str | Sum) -> Sentence:
    """Return texts, sums and sentences, one behind the other, as one sentence."""
    text, places = "", []
    for part in parts:
        if isinstance(part, Sum):
            said = str(part)
            places.append(Place(len(text), len(text) + len(said), part))
        else:
            said = str(part)
            places += [
                Place(len(text) + start, len(text) + end, one)
                for start, end, one in getattr(part, "places", ())
            ]
        text += said
    made = Sentence(text)
    made.places = tuple(places)
    return made


def joined(separator: str, parts: Iterable[str | Sum]) -> Sentence:
    """Return texts and sentences with a separator between each two."""
    listed = list(parts)
    between: list[str | Sum] = []
    for number, part in enumerate(listed):
        between += [separator, part] if number else [part]
    return sentence(*between)
