"""The transfers of one asset in order, as far as their order is known; and the other order."""

from __future__ import annotations

import re
from itertools import groupby

import polars as pl

from chainwatch.assets import Asset
from chainwatch.ledger import features
from chainwatch.ledger.ledger import Ledger
from chainwatch.rules import VERDICT, Rule, apply


def movements(ledger: Ledger, asset: Asset, poisoning: Rule | None) -> pl.DataFrame:
    """Return the transfers that took effect, in order.

    ``n`` is the place of each in its transaction. Transfers of zero moved nothing and those said
    to have failed took no effect: both are left out; one of which nothing is said took effect. An
    amount too wide to hold is null. A transfer that ``poisoning`` calls a lure stays with
    ``poison`` true: its trifle is in the balance, but it makes no edge. A rule that cannot tell
    lets the transfer count.
    """
    rows = _ordered(features.transfers(ledger, asset)).with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).over("txid").alias("n")
    )
    lure = pl.lit(False) if poisoning is None else pl.col(VERDICT).fill_null(False)
    judged = rows if poisoning is None else apply(rows, poisoning)
    real = pl.col("success").ne_missing(False) & (pl.col("amount") > 0).fill_null(True)
    return judged.with_columns(lure.alias("poison")).filter(real)


def _ordered(rows: pl.DataFrame) -> pl.DataFrame:
    """Sort by place in the chain; of one time, those whose place is unknown stand first."""
    paths = {path: _sortable(path) for path in rows["trace_path"].drop_nulls().unique()}
    placed = rows["tx"].null_count() == 0 and not rows["order_uncertain"].any()
    first = ["tx"] if placed else ["time", "sure", "tx", "txid"]
    # Transfers alike in all of these differ in what they say only: a digest must not see chance.
    rest = ["log_index", "path", "kind", "sender", "receiver", "amount", "amount_hex", "occurrence"]
    return (
        rows.with_columns(
            pl.col("trace_path")
            .replace_strict(paths, default=None, return_dtype=pl.String)
            .alias("path"),
            (~pl.col("order_uncertain")).alias("sure"),
        )
        .sort(*first, *rest)
        .drop("path", "sure")
    )


def _sortable(path: str) -> str:
    """Write the numbers of a trace path with leading zeros: call 0.10 comes after call 0.2."""
    return re.sub(r"\d+", lambda number: number[0].rjust(9, "0"), path)


def tied(rows: pl.DataFrame) -> int:
    """Return how many transfers share their time with another and have no place to order them."""
    alike = rows.filter(pl.len().over("time") > 1)
    return alike.filter("order_uncertain").height


def other_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the transfers with those of one time in the opposite order, where it is uncertain.

    Those whose place is known keep their order and stand first.
    """
    times = rows["time"].to_list()
    unsure = rows["order_uncertain"].to_list()
    order: list[int] = []
    for _, group in groupby(range(rows.height), key=lambda i: times[i]):
        tie = list(group)
        order += [i for i in tie if not unsure[i]] + [i for i in reversed(tie) if unsure[i]]
    return rows[order]


def histories(ledger: Ledger, asset: Asset) -> frozenset[bytes]:
    """Return the addresses whose history in an asset was read."""
    rows = ledger.coverage.filter(
        (pl.col("chain") == asset.chain)
        & (pl.col("kind") == "address")
        & (pl.col("contract").is_null() | pl.col("contract").eq_missing(pl.lit(asset.contract)))
    )
    return frozenset(rows.select("address").collect()["address"].drop_nulls().to_list())
