"""How often the link test is right on simulated vendors, as it comes with the package."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import NamedTuple

from chainwatch.evaluate.shares import Share
from chainwatch.triage.link_test.discovery import Ratio
from chainwatch.triage.link_test.judged import Terms

FILE = "rates.json"

BASIS = "simulated vendors (test part)"
"""What the rates are conditional on."""


class Measured(NamedTuple):
    """What was counted on simulated worlds, and on what terms.

    Attributes
    ----------
    terms : dict
        ``hops, days, rate, least, crowd``, as texts and numbers.
    worlds : int
        Independent worlds: the vendors of one share a network and the wallets beside.
    found, linked : int
        Vendors with a link that were called, and all.
    wrong, others : int
        Vendors without one that were called, and all.
    """

    terms: dict[str, int | str]
    worlds: int
    found: int
    linked: int
    wrong: int
    others: int

    @property
    def power(self) -> Share:
        """How many links are found; worlds count as cases."""
        return Share(self.found, self.linked, self.worlds)

    @property
    def false(self) -> Share:
        """How many vendors without a link are called; worlds count as cases."""
        return Share(self.wrong, self.others, self.worlds)

    def ratio(self) -> Ratio | None:
        """Return the likelihood ratio of being called: the lower bound over the upper."""
        found, false = self.power.interval, self.false.interval
        if found is None or false is None or not false.high:
            return None
        return Ratio(int(100 * found.low / false.high) / 100)


def terms_of(terms: Terms) -> dict[str, int | str]:
    """Return the terms on which rates depend, to be kept and compared."""
    return {
        "hops": terms.hops, "days": terms.days, "rate": str(terms.rate),
        "least": str(terms.least), "crowd": terms.crowd,
    }  # fmt: skip


@cache
def measured() -> Measured | None:
    """Return the rates that come with the package; None where there are none."""
    place = resources.files(__package__) / FILE
    return Measured(**json.loads(place.read_text("utf-8"))) if place.is_file() else None


def measured_on(terms: Terms) -> Measured | None:
    """Return the rates, where they were measured on these very terms."""
    found = measured()
    return found if found is not None and found.terms == terms_of(terms) else None


__all__ = ["BASIS", "FILE", "Measured", "measured", "measured_on", "terms_of"]
