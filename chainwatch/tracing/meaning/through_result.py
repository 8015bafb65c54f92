"""Value followed through swaps: a trace in each asset that it was in, and what joins them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.chains.base import Chain
from chainwatch.errors import ConservationError, InputError
from chainwatch.results.graph import Edges
from chainwatch.results.result import Finding, Result
from chainwatch.results.roles import Roles
from chainwatch.results.sentence import Sum, joined, sentence
from chainwatch.results.table import Rows, Table
from chainwatch.tracing.meaning.through_tables import (
    ASSETS,
    ENDS_OF,
    ORIGINS_OF,
    STEPS_OF,
    SWAPS,
)
from chainwatch.tracing.result import Trace
from chainwatch.tracing.walks.base import SWAPPED
from chainwatch.units import counted, total

ONE_FOR_ALL = (
    "Each asset adds up by itself: what came in and what was got by swaps is what was swapped and"
    " what ended. Amounts of two assets are never added, and what was swapped is no new money."
)


@dataclass(frozen=True, repr=False, eq=False)
class ThroughSwaps(Result):
    """Value followed from subjects through swaps: in each asset the ends add up to the origins.

    Attributes
    ----------
    traces : tuple of Trace
        One for each asset, that of the subjects first, the others by their contracts.
    swaps : polars.DataFrame
        Rows in :data:`chainwatch.tracing.meaning.through_tables.SWAPS`: where value goes on in
        another asset.
    frame : polars.DataFrame
        Rows in ``ASSETS``: what each asset adds up to.
    chain : Chain
        Of which chain.
    """

    traces: tuple[Trace, ...]
    swaps: pl.DataFrame
    frame: pl.DataFrame
    chain: Chain

    def of(self, asset: Asset | bytes | None) -> Trace:
        """Return the trace in one asset: by the asset or its contract; None is the coin.

        Raises
        ------
        InputError
            If nothing was followed in it.
        """
        contract = asset.contract if isinstance(asset, Asset) else asset
        for one in self.traces:
            if one.asset.contract == contract:
                return one
        raise InputError(
            "nothing was followed in this asset",
            remedy="ask for one of " + ", ".join(str(one.asset) for one in self.traces),
        )

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "assets": ASSETS.rows(self.frame),
            "swaps": SWAPS.rows(self.swaps),
            "origins": ORIGINS_OF.rows(self._all("origins", ORIGINS_OF)),
            "steps": STEPS_OF.rows(self._all("steps", STEPS_OF)),
            "ends": ENDS_OF.rows(self._all("ends", ENDS_OF)),
        }

    def _all(self, name: str, table: Table) -> pl.DataFrame:
        """Return a table of all traces, each row with its asset."""
        parts = []
        for one in self.traces:
            of = (pl.lit(one.asset.contract, pl.Binary).alias("contract"),
                  pl.lit(one.asset.decimals, pl.Int64).alias("decimals"),
                  pl.lit(self.chain.id).alias("chain"))  # fmt: skip
            rows: pl.DataFrame = getattr(one, name)
            parts.append(rows.with_columns(*of).select(table.names))
        return pl.concat(parts)

    def edges(self) -> Sequence[Edges]:
        """Return every movement in every asset, and what joins them."""
        return (
            Edges("origins", "kind", "address"),
            Edges("steps", "source", "target"),
            Edges("ends", "address", "reason"),
        )

    def followed(self) -> pl.DataFrame:
        """Return those whom it follows."""
        return self.traces[0].followed()

    def roles(self) -> Roles:
        """Return what its traces say of who may be shown, together."""
        said = [one.roles() for one in self.traces]
        return Roles(
            spreading={party: role for one in said for party, role in one.spreading.items()},
            alone=frozenset(party for one in said for party in one.alone),
            on_the_way=frozenset(party for one in said for party in one.on_the_way),
            spread_unstated=any(one.spread_unstated for one in said),
        )

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return in which assets value was followed, and what was swapped."""
        whom = frozenset(self.swaps["subject"])
        phrases = []
        for one, row in zip(self.traces, self.frame.iter_rows(named=True), strict=True):
            parts = [
                sentence(Sum(int(row[name]), one.asset, whom), f" {told}")
                for name, told in _TOLD if row[name]
            ]  # fmt: skip
            phrases.append(joined(", ", parts))
        said = sentence("Followed through swaps: ", joined("; ", phrases), ".")
        return (
            Finding(
                "What was swapped on the way", (ONE_FOR_ALL,), SWAPS.rows(self.swaps), None,
                ("Whoever swaps need not hide anything: it is how tokens are traded.",), said,
            ),
        )  # fmt: skip

    def check(self) -> None:
        """Raise unless each asset adds up, and what its swaps say is what its walk says.

        Raises
        ------
        ConservationError
            If value was lost or made: a defect, never to be passed over.
        """
        for one, row in zip(self.traces, self.frame.iter_rows(named=True), strict=True):
            one.check()
            came = total(one.origins.filter(kind=SWAPPED)["amount"])
            sides = (
                int(row["came"]) + int(row["swapped_in"]),
                int(row["swapped_out"]) + int(row["ended"]),
            )
            if came != int(row["swapped_in"]) or sides[0] != sides[1] or int(row["ended"]) < 0:
                raise ConservationError(
                    f"{sides[0]} came in and {sides[1]} ended; {came} came by swaps that say"
                    f" {row['swapped_in']}",
                    where=f"asset {one.asset}",
                    remedy="report it: no figure of this trace may be used",
                )

    def __repr__(self) -> str:
        count = self.swaps.filter(side="gave").unique(["txid", "part"]).height
        head = (
            f"ThroughSwaps({self.traces[0].policy},"
            f" {counted(len(self.traces), 'asset', 'assets')}, {counted(count, 'swap', 'swaps')})"
        )
        lines = [f"  {line}" for one in self.traces for line in one.told(self).split("\n")]
        return "\n".join([head, *lines])


_TOLD = (
    ("came", "came in"), ("swapped_in", "were got by swaps"), ("swapped_out", "were swapped"),
    ("ended", "ended otherwise"),
)  # fmt: skip


def assets_of(traces: Sequence[Trace], swaps: pl.DataFrame, chain: Chain) -> pl.DataFrame:
    """Return what each asset adds up to, in the order of the traces."""
    return ASSETS.frame(_assets(traces, swaps, chain))


def _assets(
    traces: Sequence[Trace], swaps: pl.DataFrame, chain: Chain
) -> Iterator[tuple[object, ...]]:
    for one in traces:
        mine = swaps.filter(pl.col("contract").eq_missing(pl.lit(one.asset.contract, pl.Binary)))
        sides = ("got", "gave") if one.direction == "backward" else ("gave", "got")
        out, into = (total(mine.filter(side=side)["traced"]) for side in sides)
        came = total(one.origins.filter(pl.col("kind") != SWAPPED)["amount"])
        ended = total(one.ends["amount"]) - out
        yield chain.id, one.asset.contract, one.asset.decimals, came, into, out, ended
