"""What kind of body stands behind an end, as tags say it: whom to write to, in a word."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from chainwatch.attribution.naming import same
from chainwatch.attribution.resolve import Sayings, TagStatement, ranked, speaking, statements_of
from chainwatch.attribution.tags import Tags
from chainwatch.attribution.taxonomy import is_a

NOT_KNOWN = "not known"


class Contacts:
    """Contact categories: the concept of the taxonomy that tags give a service or an address."""

    def __init__(self, tags: Tags | None, chain: str) -> None:
        self.sayings: Sayings = {} if tags is None else statements_of(tags.frame, chain)
        self._by_actor: dict[str, list[TagStatement]] = {}
        for rows in self.sayings.values():
            for one in rows:
                self._by_actor.setdefault(same(one.actor), []).append(one)

    def of(self, service: str | None, address: bytes | None, when: datetime | None) -> str:
        """Return what tags say that a service is, or else the holder of an address on a day.

        What is said of the address speaks before what is said of other addresses of the service.
        """
        here = self.sayings.get(address, ()) if address is not None else ()
        if service is None:
            one = speaking(here, _day(when))
            return (one and one.concept) or NOT_KNOWN
        mine = [one for one in here if same(one.actor) == same(service)]
        others = ranked(self._by_actor.get(same(service), ()))
        return _kind(mine) or _kind(others) or NOT_KNOWN


def _kind(sayings: Iterable[TagStatement]) -> str | None:
    """Return the first concept of a kind of body; of what it does or owns, where none is said."""
    said = [one.concept for one in sayings if one.concept]
    return next((one for one in said if is_a(one, "entity")), said[0] if said else None)


def _day(when: datetime | None) -> date | None:
    return None if when is None else when.date()
