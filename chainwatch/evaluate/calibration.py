"""Whether confidences mean what they say: stated rates of links beside what came true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

import polars as pl

from chainwatch.evaluate.shares import Share
from chainwatch.evaluate.truth import Truth
from chainwatch.heuristics.links import LINKS, Links
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Rows, Table

CALIBRATION = Table(
    "calibration",
    ("rule", "confidence"),
    "One row per rule and stated confidence: how many of its owners were joined rightly.",
    (
        Column.kind("rule", "the rule that links"),
        LINKS["confidence"],
        Column.count("links", "links that join, and can be tested"),
        Column.count("links_right", "those whose ends have one owner"),
        Column.count("owners", "owners at an end of such a link"),
        Column.count("owners_right", "those whom none of these links joins to another owner"),
    ),
)


@dataclass(frozen=True, repr=False, eq=False)
class Calibration(Result):
    """Stated confidence beside the share that came true, by rule.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``CALIBRATION``.
    basis : str
        Where the known owners come from.
    """

    frame: pl.DataFrame
    basis: str

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {"calibration": CALIBRATION.rows(self.frame)}

    def words(self) -> Mapping[str, str]:
        """Return the basis, which is digested too."""
        return {"basis": self.basis}

    def observed(self) -> list[tuple[str, float | None, Share]]:
        """Return each rule, its stated confidence, and the share of owners joined rightly."""
        columns = ("rule", "confidence", "owners_right", "owners")
        return [
            (rule, stated, Share(right, of))
            for rule, stated, right, of in self.frame.select(columns).iter_rows()
        ]

    def outside(self) -> list[str]:
        """Return the rules whose stated confidence lies outside the interval of what came true."""
        return [
            rule
            for rule, stated, share in self.observed()
            if stated is not None
            and share.interval is not None
            and not share.interval.low <= stated <= share.interval.high
        ]

    def __repr__(self) -> str:
        lines = [
            f"    {rule}: stated {'nothing' if stated is None else f'{stated:.4f}'}, right {share}"
            for rule, stated, share in self.observed()
        ]
        return "\n".join([f"Calibration on {self.basis}:", *lines])

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


@recorded
def calibrate(worlds: Iterable[tuple[Links, Truth]]) -> Calibration:
    """Hold the stated confidences of links against known owners.

    Owners are the cases, and owners of two worlds are different ones.

    Parameters
    ----------
    worlds : iterable of (Links, Truth)
        Links of independent worlds. The worlds must not be those that the confidences were
        measured on: on their own ground all confidences are right.

    Fails when
    ----------
    Rules are wrong for one shared reason, such as one service that imitates a wallet: owners are
    then no independent cases either, and the interval is too narrow.
    """
    parts, bases = [], []
    for number, (links, truth) in enumerate(worlds):
        judged = truth.judge(links.both_ends)
        told = judged.filter(~pl.col("veto") & pl.col("right").is_not_null())
        parts.append(told.with_columns(pl.lit(number).alias("world")))
        bases.append(truth.basis)
    return Calibration(_counted(parts), "; ".join(sorted(set(bases))))


def _counted(parts: list[pl.DataFrame]) -> pl.DataFrame:
    if not parts:
        return CALIBRATION.empty()
    key = ["rule", "confidence"]
    judged = pl.concat(part.select(*key, "world", "owners_a", "owners_b", "right")
                       for part in parts)  # fmt: skip
    links = judged.group_by(key).agg(
        pl.len().cast(pl.Int64).alias("links"),
        pl.col("right").sum().cast(pl.Int64).alias("links_right"),
    )
    ends = [judged.select(*key, "world", "right", owner=f"owners_{side}") for side in ("a", "b")]
    each = pl.concat(ends).explode("owner", empty_as_null=False, keep_nulls=False)
    by_owner = each.group_by(*key, "world", "owner").agg(pl.col("right").all())
    owners = by_owner.group_by(key).agg(
        pl.len().cast(pl.Int64).alias("owners"),
        pl.col("right").sum().cast(pl.Int64).alias("owners_right"),
    )
    rows = links.join(owners, on=key, nulls_equal=True)
    return rows.select(CALIBRATION.names).sort(key, nulls_last=True)
