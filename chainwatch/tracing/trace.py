"""The trace of value from subjects: its origins, every step, and every end with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

import polars as pl

from chainwatch.addresses import text_series
from chainwatch.assets import Asset
from chainwatch.errors import ConservationError
from chainwatch.ledger.schema import TIME
from chainwatch.provenance import Record
from chainwatch.units import AMOUNT, total

ORIGINS: dict[str, pl.DataType | type[pl.DataType]] = {
    "subject": pl.Binary,
    "address": pl.Binary,
    "tx": pl.Int64,
    "txid": pl.Binary,
    "n": pl.Int64,
    "time": TIME,
    "amount": AMOUNT,
    "kind": pl.String,
    "paid_by": pl.Binary,
}
"""Value at which tracing starts. ``kind``: received, or *opening, not read* where a subject pays
more than was read to have come in. ``paid_by`` is known on account chains."""

STEPS: dict[str, pl.DataType | type[pl.DataType]] = {
    "subject": pl.Binary,
    "source": pl.Binary,
    "target": pl.Binary,
    "source_tx": pl.Int64,
    "source_n": pl.Int64,
    "tx": pl.Int64,
    "txid": pl.Binary,
    "n": pl.Int64,
    "time": TIME,
    "amount": AMOUNT,
    "hop": pl.Int64,
}
"""One row per movement of traced value from one address to the next."""

ENDS: dict[str, pl.DataType | type[pl.DataType]] = {
    "subject": pl.Binary,
    "address": pl.Binary,
    "tx": pl.Int64,
    "txid": pl.Binary,
    "n": pl.Int64,
    "time": TIME,
    "amount": AMOUNT,
    "hop": pl.Int64,
    "reason": pl.String,
    "detail": pl.String,
    "service": pl.String,
    "certainty": pl.String,
}
"""One row per place where following stops."""

OVERLAPS: dict[str, pl.DataType | type[pl.DataType]] = {
    "subject": pl.Binary,
    "other": pl.Binary,
    "txid": pl.Binary,
    "n": pl.Int64,
    "amount": AMOUNT,
}
"""Value that reached ``subject`` already traced from ``other``: the first trace keeps it."""

ROW_KEY = ("txid", "n", "subject")


@dataclass(frozen=True)
class Trace:
    """Value followed from subjects under one policy; the ends add up to the origins exactly.

    Attributes
    ----------
    asset : Asset
        What was followed.
    policy : str
        Name of the policy.
    origins, steps, ends, overlaps : polars.DataFrame
        Tables in ``ORIGINS``, ``STEPS``, ``ENDS``, ``OVERLAPS``.
    bounds : polars.DataFrame
        ``reason, service, low, high``: the total of each kind of end under both orders of
        transfers that bear one time; low equals high where the order is certain.
    ties : int
        Transfers whose order only their time could tell, and did not.
    """

    asset: Asset
    policy: str
    origins: pl.DataFrame
    steps: pl.DataFrame
    ends: pl.DataFrame
    overlaps: pl.DataFrame
    bounds: pl.DataFrame = field(default_factory=pl.DataFrame)
    ties: int = 0
    record: Record | None = None

    @property
    def frame(self) -> pl.DataFrame:
        """The steps."""
        return self.steps

    @property
    def amount(self) -> int:
        """Total of the origins, in base units."""
        return total(self.origins["amount"])

    def tables(self) -> Mapping[str, tuple[pl.DataFrame, tuple[str, ...]]]:
        """Return the tables that make up the content digest."""
        return {
            "origins": (self.origins, ROW_KEY),
            "steps": (self.steps, ROW_KEY),
            "ends": (self.ends, ROW_KEY),
            "overlaps": (self.overlaps, ROW_KEY),
            "bounds": (self.bounds, ("reason", "service")),
        }

    def summary(self) -> pl.DataFrame:
        """Return one row per reason, service and certainty with amount and number of ends."""
        return (
            self.ends.group_by("reason", "service", "certainty")
            .agg(pl.col("amount").sum(), pl.len().cast(pl.Int64).alias("ends"))
            .sort(
                ["amount", "reason", "service", "certainty"], descending=[True, False, False, False]
            )
        )

    def to(self, service: str) -> pl.DataFrame:
        """Return the ends at one service, with addresses as text."""
        rows = self.ends.filter(pl.col("service") == service)
        return rows.with_columns(text_series(rows["address"], self.asset.chain).alias("address"))

    def check(self) -> None:
        """Raise unless the ends add up to the origins, to the last base unit.

        Raises
        ------
        ConservationError
            If value was lost or made: a defect, never to be passed over.
        """
        came, went = self.amount, total(self.ends["amount"])
        if came != went:
            raise ConservationError(
                f"the ends of a {self.policy} trace add up to {went}, its origins to {came}"
            )

    def lineage(self) -> str:
        """Return how this trace came about."""
        return self.record.tree() if self.record else "a trace made by hand"

    def __repr__(self) -> str:
        rows = [
            f"  {self.asset.shown(int(row['amount'])):>24}  {row['reason']}"
            + (f": {row['service']} ({row['certainty']})" if row["service"] else "")
            for row in self.summary().iter_rows(named=True)
        ]
        head = (
            f"Trace({self.policy}, {self.asset.shown(self.amount)} from"
            f" {self.origins['subject'].n_unique()} subject(s), {self.steps.height} steps)"
        )
        return "\n".join([head, *rows])

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def bounds(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Return the smaller and larger total of each kind of end in two tables of ends."""
    key = ["reason", "service"]
    sums = [
        ends.group_by(key).agg(pl.col("amount").sum().alias(name))
        for ends, name in ((one, "one"), (other, "other"))
    ]
    both = sums[0].join(sums[1], on=key, how="full", coalesce=True, nulls_equal=True)
    filled = both.with_columns(pl.col("one", "other").fill_null(0).cast(AMOUNT))
    return filled.select(
        *key,
        pl.min_horizontal("one", "other").cast(AMOUNT).alias("low"),
        pl.max_horizontal("one", "other").cast(AMOUNT).alias("high"),
    ).sort(key)
