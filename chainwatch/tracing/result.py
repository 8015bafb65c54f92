"""The trace of value from subjects: its origins, every step, and every end with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import text, text_series
from chainwatch.errors import ConservationError
from chainwatch.ledger.schema import TIME
from chainwatch.results.provenance import Record
from chainwatch.units import AMOUNT, exact_sum, total

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
"""Value at which tracing starts. ``paid_by`` is known on account chains. ``kind`` is

- *received*;
- *held before the span*: what came in before the span, and was read. On account chains all that
  the balance held when the span begins, at the place of what last came in; on coin chains the
  coins that are spent in the span;
- *opening, not read*: a subject pays with what was not read to have come in, at any time. On coin
  chains the place is that of the coin, as far as it is known, and the time that of the payment; on
  account chains the place is that of the payment which shows it;
- *received, perhaps again*: it comes from a transaction into which value of the same subject went
  and ended, because strangers mix there or another input was not read. Some of it may be counted
  twice.
"""

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
"""One row per place where following stops. ``n`` is -1 where it is the fee of a transaction."""

OVERLAPS: dict[str, pl.DataType | type[pl.DataType]] = {
    "subject": pl.Binary,
    "other": pl.Binary,
    "txid": pl.Binary,
    "n": pl.Int64,
    "amount": AMOUNT,
}
"""Value that reached ``subject`` already traced from ``other``: the first trace keeps it."""

SUBJECTS: dict[str, pl.DataType | type[pl.DataType]] = {"subject": pl.Binary, "address": pl.Binary}
"""Every address of every subject, also those that received nothing."""

UNKNOWN: dict[str, pl.DataType | type[pl.DataType]] = {
    "sender": pl.Binary,
    "receiver": pl.Binary,
    "tx": pl.Int64,
    "txid": pl.Binary,
    "n": pl.Int64,
    "time": TIME,
}
"""Transfers of an amount too wide to hold, between addresses value was traced through: they are
in no total, and what was paid after them may be of other lots."""

BALANCES: dict[str, pl.DataType | type[pl.DataType]] = {
    "subject": pl.Binary,
    "address": pl.Binary,
    "before": AMOUNT,
    "received": AMOUNT,
    "trifles": AMOUNT,
    "paid": AMOUNT,
    "bait": AMOUNT,
    "held": AMOUNT,
}
"""On account chains one row per address of a subject: what it must have held before all that was
read, what it was paid, the *trifles* of address poisoning that lie in its balance as nobody's, what
it paid, what it sent as *bait* itself, and what it held at the end. The first three add up to the
other three, to the last base unit."""

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
        ``reason, service, low, high``: the smallest and largest total of each kind of end under
        the orders tried of transfers that bear one time.
    ties : int
        Transfers whose order only their time could tell, and did not.
    orders : int
        Orders of these that were followed; 1 where it makes no difference.
    bounded : bool
        Whether these are all orders that make a difference. Otherwise totals outside ``bounds``
        are possible, and a low that equals its high is not certain.
    subjects, unknown, balances : polars.DataFrame
        Tables in ``SUBJECTS``, ``UNKNOWN`` and ``BALANCES``.
    """

    asset: Asset
    policy: str
    origins: pl.DataFrame
    steps: pl.DataFrame
    ends: pl.DataFrame
    overlaps: pl.DataFrame
    bounds: pl.DataFrame = field(default_factory=pl.DataFrame)
    ties: int = 0
    orders: int = 1
    bounded: bool = True
    subjects: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SUBJECTS))
    unknown: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=UNKNOWN))
    balances: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=BALANCES))
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
            "subjects": (self.subjects, ("subject", "address")),
            "unknown": (self.unknown, ("txid", "n")),
            "balances": (self.balances, ("subject", "address")),
        }

    def summary(self) -> pl.DataFrame:
        """Return one row per reason, service and certainty with amount and number of ends."""
        return (
            self.ends.group_by("reason", "service", "certainty")
            .agg(exact_sum("amount"), pl.len().cast(pl.Int64).alias("ends"))
            .sort(
                ["amount", "reason", "service", "certainty"], descending=[True, False, False, False]
            )
        )

    def to(self, service: str) -> pl.DataFrame:
        """Return the ends at one service, with addresses as text."""
        rows = self.ends.filter(pl.col("service") == service)
        return rows.with_columns(text_series(rows["address"], self.asset.chain).alias("address"))

    def check(self) -> None:
        """Raise unless ends add up to origins, subject by subject, and balances are even.

        Raises
        ------
        ConservationError
            If value was lost or made: a defect, never to be passed over.
        """
        came, went = _by_subject(self.origins), _by_subject(self.ends)
        for subject in sorted({*came, *went}):
            if came.get(subject, 0) != went.get(subject, 0):
                raise ConservationError(
                    f"the ends of a {self.policy} trace add up to {went.get(subject, 0)}, its"
                    f" origins to {came.get(subject, 0)}",
                    where=f"subject {text(subject, self.asset.chain)}",
                    remedy="report it: no figure of this trace may be used",
                )
        columns = ("address", "before", "received", "trifles", "paid", "bait", "held")
        for address, *sums in self.balances.select(columns).iter_rows():
            came_in, gone = (sum(map(int, part)) for part in (sums[:3], sums[3:]))
            if came_in != gone:
                raise ConservationError(
                    f"{came_in} came into the balance, {gone} were paid or are held",
                    where=f"address {text(address, self.asset.chain)}",
                    remedy="report it: no figure of this trace may be used",
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
        whose, idle = self.origins["subject"].n_unique(), self._without_origin()
        head = (
            f"Trace({self.policy}, {self.asset.shown(self.amount)} from {whose} subject(s),"
            f" {self.steps.height} steps)"
        )
        notes = [f"  {idle} subject(s) received nothing that was read"] if idle else []
        if self.unknown.height:
            notes.append(f"  {self.unknown.height} transfers of unknown amount are in no total")
        if not self.bounded:
            notes.append(f"  not bounded: {self.ties} ties, {self.orders} orders tried")
        return "\n".join([head, *rows, *notes])

    def _without_origin(self) -> int:
        return self.subjects.join(self.origins, on="subject", how="anti")["subject"].n_unique()

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def _by_subject(rows: pl.DataFrame) -> dict[bytes, int]:
    sums: dict[bytes, int] = {}
    for subject, amount in rows.select("subject", "amount").iter_rows():
        sums[subject] = sums.get(subject, 0) + int(amount)
    return sums


def bounds(*ends: pl.DataFrame) -> pl.DataFrame:
    """Return the smallest and largest total of each kind of end in tables of ends."""
    key = ["reason", "service"]
    sums = pl.concat(table.group_by(key).agg(exact_sum("amount")) for table in ends)
    amount, nothing = pl.col("amount"), pl.lit(0, AMOUNT)
    everywhere = pl.len() == len(ends)
    return (
        sums.group_by(key)
        .agg(
            pl.when(everywhere).then(amount.min()).otherwise(nothing).alias("low"),
            amount.max().alias("high"),
        )
        .sort(key)
    )
