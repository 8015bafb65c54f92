"""Whether confidences mean what they say: stated rates of links beside what came true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from chainwatch.evaluate.shares import Share
from chainwatch.evaluate.truth import Truth
from chainwatch.heuristics.links import LINKS, Links
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Rows, Table

CALIBRATION = Table(
    "calibration",
    ("rule", "confidence"),
    "One row per rule and stated confidence: how many of its links were right.",
    (
        Column.kind("rule", "the rule that links"),
        LINKS["confidence"],
        Column.count("links", "links that join, and can be tested"),
        Column.count("links_right", "those whose ends have one owner"),
        Column.number("squares", "sum over owners of the square of their links"),
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
        """Return each rule, its stated confidence, and the share of its links that were right."""
        columns = ("rule", "confidence", "links_right", "links", "squares")
        return [
            (rule, stated, Share.of_owners(right, of, squares))
            for rule, stated, right, of, squares in self.frame.select(columns).iter_rows()
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


@recorded
def calibrate(worlds: Iterable[tuple[Links, Truth]]) -> Calibration:
    """Hold the stated confidences of links against known owners.

    Owners are the independent cases, and owners of two worlds are different ones.

    Parameters
    ----------
    worlds : iterable of (Links, Truth)
        Links of independent worlds. The worlds must not be those that the confidences were
        measured on: on their own ground all confidences are right.

    Raises
    ------
    InputError
        If owners of a world were themselves inferred.

    Fails when
    ----------
    Rules are wrong for one shared reason, such as one service that imitates a wallet: owners are
    then no independent cases either, and the interval is too narrow.
    """
    parts, bases = [], []
    for number, (links, truth) in enumerate(worlds):
        truth.refuse_inferred("confidences")
        judged = truth.judge(links.both_ends)
        told = judged.filter(~pl.col("veto") & pl.col("right").is_not_null())
        parts.append(told.with_columns(pl.lit(number).alias("world")))
        bases.append(truth.basis)
    return Calibration(_counted(parts), "; ".join(sorted(set(bases))))


def _counted(parts: list[pl.DataFrame]) -> pl.DataFrame:
    if not parts:
        return CALIBRATION.empty()
    key = ["rule", "confidence"]
    judged = pl.concat(part.select(*key, "world", "owners_a", "right")
                       for part in parts)  # fmt: skip
    links = judged.group_by(key).agg(
        pl.len().cast(pl.Int64).alias("links"),
        pl.col("right").sum().cast(pl.Int64).alias("links_right"),
    )
    owners = judged.group_by(*key, "world", pl.col("owners_a").list.first()).agg(pl.len())
    squares = owners.group_by(key).agg((pl.col("len").cast(pl.Int64) ** 2).sum().alias("squares"))
    rows = links.join(squares, on=key, nulls_equal=True)
    return rows.select(CALIBRATION.names).cast({"squares": pl.Int64}).sort(key, nulls_last=True)
