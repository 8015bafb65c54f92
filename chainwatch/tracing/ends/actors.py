"""Whom tags name at an address on a day, as what, and under which jurisdiction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from chainwatch.attribution.resolve import (
    Owners,
    TagStatement,
    clustered,
    rivals,
    speaking,
    statements_of,
)
from chainwatch.attribution.tags import Tags
from chainwatch.tracing.stops import BY_CLUSTER, BY_TAG


class Actors:
    """Who holds an address on a day, by its own tags or by those of its cluster.

    A jurisdiction is that of the actor named, never of another who is named for the same address.
    It is what the most confident of the actor's tags that hold on the day say: of the address
    first, and where these name none, of any address of the actor on the chain. Where tags of one
    confidence name several, all are said.

    Parameters
    ----------
    tags : Tags
        Whom to look for.
    chain : str
        CAIP-2.
    clusters : Clusters, optional
        Widens an actor where its publisher says the tag of the whole cluster.
    spread_unstated : bool
        Widen it also where the publisher does not say.
    """

    def __init__(
        self, tags: Tags, chain: str, clusters: Owners | None, spread_unstated: bool
    ) -> None:
        self.tagged = statements_of(tags.frame, chain)
        self.spread = clustered(self.tagged, clusters, chain, spread_unstated=spread_unstated)
        self._placed: dict[str, list[tuple[bytes, TagStatement]]] = {}
        for address, rows in self.tagged.items():
            for one in rows:
                if one.place:
                    self._placed.setdefault(one.actor, []).append((address, one))

    def on(self, address: bytes | None, day: date | None) -> tuple[TagStatement, str] | None:
        """Return what the tag that speaks on a day says, and on what basis."""
        if address is None:
            return None
        said_of = self.tagged.get(address, ())
        if one := speaking(said_of, day):
            actors = rivals(said_of, day)
            both = one._replace(actor=f"{' or '.join(actors)} (contested)")
            return (both if len(actors) > 1 else one), BY_TAG
        spread = speaking(self.spread.get(address, ()), day)
        return (spread, BY_CLUSTER) if spread else None

    def category(
        self, address: bytes | None, when: datetime | None
    ) -> tuple[str, str | None, str | None] | None:
        """Return concept, actor and jurisdiction of an address at a time."""
        day = None if when is None else when.date()
        found = self.on(address, day)
        if found is None or address is None:
            return None
        one, basis = found
        actors = rivals(self.tagged[address], day) if basis == BY_TAG else (one.actor,)
        return self.concepts(address, one), one.actor, self._place(address, actors, day)

    def concepts(self, address: bytes, one: TagStatement) -> str:
        """Return all that tags of one actor, source and confidence say that it is."""
        rows = (*self.tagged.get(address, ()), *self.spread.get(address, ()))
        said = (row.concept for row in rows if (row.actor, row.source) == (one.actor, one.source))
        return ", ".join(sorted({concept for concept in said if concept}))

    def _place(self, address: bytes, actors: Iterable[str], day: date | None) -> str | None:
        """Return the jurisdictions of actors on a day, those of tags of the address first."""
        found: set[str] = set()
        for actor in actors:
            known = [row for row in self._placed.get(actor, ()) if row[1].holds(day)]
            here = [one for at, one in known if at == address]
            found |= _surest(here or [one for _, one in known])
        return " or ".join(sorted(found)) or None


def _surest(rows: Iterable[TagStatement]) -> set[str]:
    """Return the jurisdictions that the most confident tags name."""
    told = list(rows)
    best = max((one.level for one in told), default=0)
    return {one.place for one in told if one.level == best and one.place}
