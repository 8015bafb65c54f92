"""Direct counterparties: who paid a subject and whom it paid, without following anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import said, spoken
from chainwatch.attribution.tags import Tags
from chainwatch.heuristics.poisoning import look_alike, zero_value
from chainwatch.heuristics.rule import apply
from chainwatch.ledger import features
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TIME
from chainwatch.results.provenance import Record, recorded
from chainwatch.tracing.arguments import check
from chainwatch.tracing.subjects import Subjects, subjects_of
from chainwatch.units import AMOUNT, exact_sum, total

PAYMENTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "subject": pl.Binary,
    "direction": pl.String,
    "counterparty": pl.Binary,
    "service": pl.String,
    "label": pl.String,
    "other_subject": pl.Boolean,
    "time": TIME,
    "txid": pl.Binary,
    "amount": AMOUNT,
    "status": pl.String,
}
"""One row per payment, subject and direction. A payment between two subjects stands twice, *in*
for one and *out* for the other, with ``other_subject`` true."""

OWN: dict[str, pl.DataType | type[pl.DataType]] = {
    "subject": pl.Binary,
    "time": TIME,
    "txid": pl.Binary,
    "amount": AMOUNT,
    "status": pl.String,
}
"""One row per transfer of a subject to itself."""

KEY = ("subject", "direction", "time", "txid", "counterparty", "amount")


@dataclass(frozen=True)
class Counterparties:
    """Payments in and out of subjects in one asset, and what was set apart from them.

    Attributes
    ----------
    frame : polars.DataFrame
        Payments, in ``PAYMENTS``.
    poisoning : polars.DataFrame
        Transfers that only look like payments, with the rule that says so in ``why``.
    failed : polars.DataFrame
        Transfers that did not take effect, or whose amount is unknown.
    own : polars.DataFrame
        Transfers of a subject to itself: they move nothing and stand in no total.
    """

    frame: pl.DataFrame
    poisoning: pl.DataFrame
    failed: pl.DataFrame
    asset: Asset
    own: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=OWN))
    record: Record | None = None

    def tables(self) -> Mapping[str, tuple[pl.DataFrame, tuple[str, ...]]]:
        """Return the tables that make up the content digest."""
        return {
            "payments": (self.frame, KEY),
            "poisoning": (self.poisoning, ("time", "txid")),
            "failed": (self.failed, ("time", "txid")),
            "own": (self.own, ("time", "txid")),
        }

    def by(self, *columns: str) -> pl.DataFrame:
        """Return payments, amount, first and last by columns, e.g. ``by("service")``.

        ``month`` may be named as well. Sums are exact.

        Raises
        ------
        ConservationError
            If a sum exceeds 38 digits.
        """
        rows = self.frame.with_columns(pl.col("time").dt.strftime("%Y-%m").alias("month"))
        return (
            rows.group_by(columns)
            .agg(
                pl.len().cast(pl.Int64).alias("payments"),
                exact_sum("amount"),
                pl.col("counterparty").n_unique().cast(pl.Int64).alias("counterparties"),
                pl.col("time").min().alias("first"),
                pl.col("time").max().alias("last"),
            )
            .sort(columns, nulls_last=True)
        )

    def total(self, direction: str) -> int:
        """Return the exact total of one direction (``in`` or ``out``), in base units."""
        return total(self.frame.filter(pl.col("direction") == direction)["amount"])

    def lineage(self) -> str:
        """Return how this came about."""
        return self.record.tree() if self.record else "made by hand"

    def __repr__(self) -> str:
        return (
            f"Counterparties({self.frame['subject'].n_unique()} subjects,"
            f" in {self.asset.shown(self.total('in'))}, out {self.asset.shown(self.total('out'))},"
            f" {self.poisoning.height} poisoning attempts apart)"
        )

    def _repr_html_(self) -> str:
        return f"<p><b>{escape(repr(self))}</b></p>"


@recorded
def counterparties(
    ledger: Ledger,
    subjects: Subjects,
    *,
    asset: Asset,
    tags: Tags | None = None,
    trifle: int = 0,
) -> Counterparties:
    """List every payment in and out of subjects on an account chain, and who stands behind it.

    Parameters
    ----------
    ledger : Ledger
        The span to read.
    subjects : frame with ``chain`` and ``address``, or one or more addresses
        Whose payments to list.
    asset : Asset
        One asset, by contract: other tokens never mix in.
    tags : Tags, optional
        Names counterparties: of several tags the most confident that holds on the day.
    trifle : int
        Up to this amount a transfer from a look-alike address is set apart as poisoning.

    Returns
    -------
    Counterparties
        Payments; set apart poisoning attempts, failed transfers, and transfers to oneself.

    Raises
    ------
    TraceError
        If no subject is on the chain of the asset.

    Fails when
    ----------
    A counterparty is untagged: that it is nobody's service is not said by that. A subject's
    history was not read: then its payments with others whose history was read are all there is.
    """
    check(ledger=ledger, asset=asset, tags=tags, trifle=trifle)
    who = list(subjects_of(subjects, asset, None)[1])
    rows = (
        features.transfers(ledger, asset)
        .filter(pl.col("sender").is_in(who) | pl.col("receiver").is_in(who))
        .with_row_index("row")
    )
    lost = pl.col("amount").is_null() | ~pl.col("success").fill_null(True)
    failed, good = rows.filter(lost), rows.filter(~lost)
    lures = _lures(good, trifle)
    paid = good.join(lures.select("row"), on="row", how="anti")
    sides = [_side(paid, who, "sender", "receiver"), _side(paid, who, "receiver", "sender")]
    names = {} if tags is None else said(tags.frame, asset.chain)
    frame = spoken(pl.concat(sides), "counterparty", names).select(list(PAYMENTS))
    own = paid.filter(pl.col("sender") == pl.col("receiver"))
    return Counterparties(
        frame.cast(PAYMENTS).sort(KEY),  # type: ignore[arg-type]  # polars types mix classes and instances
        lures.drop("row"),
        failed.drop("row"),
        asset,
        own.rename({"sender": "subject"}).select(list(OWN)).sort("time", "txid", "subject"),
    )


def _lures(rows: pl.DataFrame, trifle: int) -> pl.DataFrame:
    judged = apply(rows, zero_value() | look_alike(trifle))
    zero, like = str(zero_value()), str(look_alike(trifle))
    return judged.filter("verdict").select(
        "row",
        "time",
        "txid",
        "sender",
        "receiver",
        "amount",
        "from_twin",
        "to_twin",
        "status",
        pl.when(pl.col(zero)).then(pl.lit(zero)).otherwise(pl.lit(like)).alias("why"),
    )


def _side(rows: pl.DataFrame, who: list[bytes], me: str, other: str) -> pl.DataFrame:
    mine = rows.filter(pl.col(me).is_in(who) & (pl.col("sender") != pl.col("receiver")))
    return mine.select(
        pl.col(me).alias("subject"),
        pl.lit("out" if me == "sender" else "in").alias("direction"),
        pl.col(other).alias("counterparty"),
        pl.col(other).is_in(who).alias("other_subject"),
        "time",
        "txid",
        "amount",
        "status",
    )
