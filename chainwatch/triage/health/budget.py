"""What a privacy budget is of and how large it is: exact numbers, and a population that is named.

Epsilon and delta are added up as decimal fractions, never as binary ones: a budget of 1 allows ten
releases of 0.1, and no eleventh by a rounding.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from chainwatch.attribution.validity import day_of
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import InputError, expect, refuse

Number = str | int | float | Decimal
"""A privacy parameter as it is given: a decimal text says it exactly."""

WRITTEN = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?", re.ASCII)
"""How a number is written; whatever else Python takes for one could be read as another."""

LONGEST = 100
"""Characters of a number."""

LARGEST, FINEST = 1_000, 30
"""The largest epsilon, and the most decimal places, that are taken for meant."""


def exact(value: Number, name: str, *, zero: bool = False) -> Decimal:
    """Return a privacy parameter as the decimal number that was written.

    Parameters
    ----------
    value : str, int, float or Decimal
        A fraction is taken as it prints: 0.1 is one tenth. A text is of the digits 0 to 9, with
        one point at most, and an exponent.
    name : str
        What it is, for the sentence of the error.
    zero : bool
        Whether 0 is one.

    Raises
    ------
    InputError
        If it is no number, is below zero, too large or too fine.

    Examples
    --------
    >>> exact(0.1, "epsilon") * 10 == 1
    True
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        refuse(value, name, "write a number, such as '0.5'")
    text = str(value)
    sound = len(text) <= LONGEST and WRITTEN.fullmatch(text)
    found = Decimal(text) if sound else Decimal("NaN")
    if found.is_nan() or (found == 0 and not zero):
        raise InputError(f"{name} is no number above zero", remedy="write one, such as '0.5'")
    places = -int(found.as_tuple().exponent)
    if places > FINEST or found.adjusted() > 3 or found > LARGEST:
        raise InputError(
            f"{name} is not between 1e-{FINEST} and {LARGEST}", remedy="check how it is written"
        )
    return found


def fraction(value: Decimal) -> Fraction:
    """Return a decimal number as a fraction, to be compared exactly."""
    return Fraction(value)


@dataclass(frozen=True)
class Population:
    """Whose payments a budget is for: chains, and a period whose last day is not in it.

    What somebody may lose is bounded *in this period*. Whoever pays in several periods loses in
    each of them, and the bounds add up.

    Attributes
    ----------
    chains : tuple of str
        CAIP-2 ids, sorted. They share one budget, for one owner can have addresses on several.
    since, until : datetime.date
        From the first day until just before the second.
    """

    chains: tuple[str, ...]
    since: date
    until: date

    @classmethod
    def of(
        cls, chains: Sequence[Chain | str] | Chain | str, since: date | str, until: date | str
    ) -> Population:
        """Return the population of chains, named in any way, and of a period.

        Raises
        ------
        InputError
            If no chain is named, or the period ends before it begins.
        """
        given = [chains] if isinstance(chains, (Chain, str)) else list(chains)
        first, last = day_of(since), day_of(until)
        if not given:
            raise InputError("no chain is named", remedy="name one: chains='btc'")
        if not first < last:
            raise InputError(f"the period ends on {last}, not after it begins", remedy="turn them")
        return cls(tuple(sorted({chain_of(one).id for one in given})), first, last)

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Population:
        """Return a population as :meth:`said` wrote it."""
        expect(said["chains"], list, "chains", "pass a list")
        return cls.of(said["chains"], said["since"], said["until"])

    def said(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "chains": list(self.chains),
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
        }

    def covers(self, chain: str, since: date, until: date) -> bool:
        """Tell whether payments of a chain in a period are all of this population."""
        return chain in self.chains and self.since <= since and until <= self.until

    def meets(self, other: Population) -> bool:
        """Tell whether somebody's payment can be of both."""
        apart = self.until <= other.since or other.until <= self.since
        return bool(set(self.chains) & set(other.chains)) and not apart

    def __str__(self) -> str:
        return f"{', '.join(self.chains)} from {self.since} until {self.until}"


__all__ = ["Number", "Population", "exact", "fraction"]
