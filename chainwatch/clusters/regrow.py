"""Growing a part anew: what changed evidence touches is joined again, all else stays as it is.

Links tie addresses into *regions*: what is joined, and what only a refused link connects. A link,
a tag or a pair that must stay apart can change the region that it touches and no other, since
groups meet only along links. So it is enough to grow the regions that are touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from chainwatch.attribution.naming import same
from chainwatch.clusters.apart import Apart
from chainwatch.clusters.forest import (
    COLLAPSES,
    OWNERS,
    REFUSED,
    Forest,
    Grown,
    Joining,
    grow,
    join,
)
from chainwatch.clusters.numbering import PLACE, number
from chainwatch.errors import InputError
from chainwatch.heuristics.links import LINK_KEY, one_chain, with_chain_b
from chainwatch.kernels.graphs.components import roots
from chainwatch.results.roles import NOBODY

LARGE = 100
"""Addresses. A join of two groups of this size is rare enough in a case to be looked at one by
one; a choice of this project, to be set lower in a small case."""


@dataclass(frozen=True)
class Terms:
    """On what terms links were joined, so that a part can be joined again on the same.

    Attributes
    ----------
    named : polars.DataFrame or None
        Whom tags name, ``chain, address, basis, name``; None without tags.
    apart : Apart or None
        What must not be joined.
    large : int
        Addresses from which on a group is large.
    """

    named: pl.DataFrame | None = None
    apart: Apart | None = None
    large: int = field(default=LARGE)

    def without_tag(self, name: str) -> tuple[Terms, pl.DataFrame]:
        """Return the terms without the tags that name an actor, and the addresses they named.

        Raises
        ------
        InputError
            If no tag names it.
        """
        parts = [] if self.named is None else [self.named.select(*PLACE, "name")]
        parts += [] if self.apart is None else [self.apart.actors.rename({"actor": "name"})]
        gone = pl.concat([NOBODY, *(part.filter(_named(name)).select(PLACE) for part in parts)])
        if gone.is_empty():
            raise InputError("no tag names such an actor", remedy="give the actor, or the label")
        apart, named = self.apart, self.named
        if apart is not None and apart.actors.filter(_named(name, "actor")).height:
            apart = Apart(apart.frame, apart.actors.filter(~_named(name, "actor")))
        if named is not None:
            named = named.filter(~_named(name))
        return replace(self, named=named, apart=apart), gone.unique()

    def grow(self, joining: pl.DataFrame) -> Forest:
        """Join links in ``BOTH_ENDS`` on these terms."""
        return grow(joining, self.named, self.large, self.apart)

    def join(self, joining: Joining) -> Grown:
        """Join links in any form on these terms."""
        return join(joining, self.named, self.large, self.apart)


def _named(name: str, column: str = "name") -> pl.Expr:
    """Return where a name is this one, in any spelling."""
    spelled = pl.col(column).map_elements(same, return_dtype=pl.String)
    return spelled == same(name)


def regrow(before: Forest, joining: pl.DataFrame, touched: pl.DataFrame, terms: Terms) -> Forest:
    """Return what growing all links would give, by growing the regions that are touched.

    Parameters
    ----------
    before : Forest
        What links gave that differ from these only in the regions touched.
    joining : polars.DataFrame
        All links that no veto stops, in ``BOTH_ENDS``.
    touched : polars.DataFrame
        ``chain, address``: both ends of every link that is gone or new, and every address of
        which something else changed.
    terms : Terms
        On what terms to join.
    """
    inside = _regions(before, touched)
    here = joining.join(inside, left_on=["chain", "a"], right_on=PLACE, how="semi")
    made = terms.grow(here)
    members = pl.concat(
        [before.members.join(inside, on=PLACE, how="anti"), made.members]
    ).sort(PLACE)  # fmt: skip
    tables = [
        _both([_outside(old, inside), new], key)
        for old, new, key in (
            (before.links, made.links, LINK_KEY[:4]),
            (before.collapses, made.collapses, (*COLLAPSES.key, "chain_b")),
            (before.refused, made.refused, (*REFUSED.key, "chain_b")),
        )
    ]
    kept = before.owners.join(
        inside, left_on=["chain", "cluster"], right_on=PLACE, how="anti"
    )  # fmt: skip
    return Forest(members, _owners([kept, made.owners]), *tables)


def differing_ends(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Return the addresses of the links that only one of two frames has: ``chain, address``."""
    parts = [
        these.join(those, on=these.columns, how="anti", nulls_equal=True)
        for these, those in ((old, new), (new, old))
    ]
    rows = pl.concat(parts)
    return pl.concat([
        rows.select("chain", address="a"), rows.select(chain="chain_b", address="b")
    ])  # fmt: skip


def _regions(before: Forest, touched: pl.DataFrame) -> pl.DataFrame:
    """Return all addresses of the regions that are touched: ``chain, address``."""
    ends = ["chain", "a", "chain_b", "b"]
    tied = pl.concat([with_chain_b(one).select(ends) for one in (before.links, before.refused)])
    numbered = number(tied)
    root = roots(numbered.a, numbered.b, numbered.places.height)
    places = numbered.places.with_columns(pl.Series("region", root))
    hit = places.join(touched, on=PLACE, how="semi")["region"].unique()
    inside = places.filter(pl.col("region").is_in(hit.implode())).select(PLACE)
    return pl.concat([inside, touched.select(PLACE)]).unique()


def _outside(rows: pl.DataFrame, inside: pl.DataFrame) -> pl.DataFrame:
    """Return the rows about two addresses that are of other regions."""
    return with_chain_b(rows).join(inside, left_on=["chain", "a"], right_on=PLACE, how="anti")


def _both(parts: Sequence[pl.DataFrame], key: Sequence[str]) -> pl.DataFrame:
    whole = pl.concat([with_chain_b(part) for part in parts])
    return one_chain(whole.sort(key))


def _owners(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return owners of several chains, numbered anew by their smallest addresses."""
    tagged = [part.with_columns(pl.lit(n).alias("part")) for n, part in enumerate(parts)]
    rows = pl.concat(tagged).sort("chain", "cluster")
    if rows.is_empty():
        return OWNERS.empty()
    first = rows.group_by("part", "owner", maintain_order=True).len().drop("len")
    numbered = first.with_columns(pl.Series("new", np.arange(1, first.height + 1), pl.Int64))
    joined = rows.join(numbered, on=["part", "owner"], maintain_order="left")
    found = joined.select(pl.col("new").alias("owner"), "chain", "cluster")
    return found.sort("owner", "chain")
