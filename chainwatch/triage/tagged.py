"""Which parties tags call what, on whatever day: what is asked before anybody is linked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.attribution.taxonomy import ENDING, is_a
from chainwatch.typologies.flows import Flows

MARKETS = "market"
"""What holds money for others and is looked at all the same: its payouts are a seller's income."""


@dataclass(frozen=True)
class TaggedParties:
    """Tags by the parties of some payments.

    Attributes
    ----------
    flows : Flows
        Payments.
    tags : polars.DataFrame
        Rows of tags.
    """

    flows: Flows
    tags: pl.DataFrame

    @cached_property
    def rows(self) -> pl.DataFrame:
        """The tags with the number of the ``party`` of each address, where it pays or is paid."""
        flows = self.flows
        here = self.tags.filter(pl.col("chain") == flows.asset.chain)
        if flows.clusters is not None:
            of = flows.clusters.frame.filter(pl.col("chain") == flows.asset.chain)
            here = here.join(of.select("address", "cluster"), on="address", how="left")
            here = here.with_columns(pl.coalesce("cluster", "address").alias("owner"))
        else:
            here = here.with_columns(pl.col("address").alias("owner"))
        numbered = flows.parties.alias("owner").to_frame().with_row_index("party")
        numbered = numbered.filter(pl.Series((flows.into.sizes + flows.out_of.sizes) > 0))
        return here.join(numbered, on="owner", maintain_order="left")

    def called(self, concepts: Sequence[str], *, but: str | None = None) -> NDArray[np.bool_]:
        """Return which parties any tag gives a concept or a narrower one, of whatever day.

        Parameters
        ----------
        concepts : sequence of str
            Any of these.
        but : str, optional
            A concept that does not count, with its narrower ones.
        """
        found = np.zeros(len(self.flows.parties), np.bool_)
        kinds = [
            one
            for one in self.rows["concept"].unique().to_list()
            if one is not None
            and any(is_a(one, broad) for broad in concepts)
            and not (but is not None and is_a(one, but))
        ]
        found[self.rows.filter(pl.col("concept").is_in(kinds))["party"].to_numpy()] = True
        return found

    @cached_property
    def services(self) -> NDArray[np.bool_]:
        """Who holds, mixes or carries the money of many: nobody is linked through one.

        Markets are not among them.
        """
        return self.called(ENDING, but=MARKETS)

    def actors(self, addresses: frozenset[bytes]) -> dict[int, list[int]]:
        """Return the parties of some addresses that tags give to one actor, by the first of them.

        An address to which tags give two actors is of neither.
        """
        listed = pl.Series(sorted(addresses), dtype=pl.Binary)
        rows = self.rows.filter(pl.col("address").is_in(listed.implode())).drop_nulls("actor")
        one = rows.group_by("party").agg(pl.col("actor").unique()).filter(
            pl.col("actor").list.len() == 1
        )  # fmt: skip
        grouped = one.select("party", pl.col("actor").list.first()).group_by("actor").agg(
            pl.col("party").unique().sort()
        )  # fmt: skip
        several = [found for _, found in grouped.sort("actor").iter_rows() if len(found) > 1]
        return {found[0]: list(found) for found in several}
