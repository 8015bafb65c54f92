"""The transfers of one asset in order, as far as their order is known; and the other orders."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from itertools import groupby, permutations, product
from math import prod
from operator import itemgetter

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import TraceError
from chainwatch.heuristics.poisoning import (
    PERHAPS_ASTRAY,
    PERHAPS_LURE,
    looks,
    paid_look_alike,
    perhaps_lure,
    trifle_of,
)
from chainwatch.heuristics.rule import VERDICT, Rule, apply
from chainwatch.ledger import features
from chainwatch.ledger.balances import Reading as Reading
from chainwatch.ledger.balances import covered as covered
from chainwatch.ledger.balances import histories as histories
from chainwatch.ledger.balances import read_until as read_until
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import POSITION_BITS
from chainwatch.units import counted


def movements(ledger: Ledger, asset: Asset, poisoning: Rule | None) -> pl.DataFrame:
    """Return the transfers that took effect, in order.

    ``n`` is the place of each in its transaction. Transfers of zero moved nothing and those said
    to have failed took no effect: both are left out; one of which nothing is said took effect. An
    amount too wide to hold is null. A transfer that ``poisoning`` calls a lure stays with
    ``poison`` true: its trifle is in the balance, but it makes no edge. A rule that cannot tell
    lets the transfer count. ``imitates`` is an earlier partner of the sender whom the receiver
    looks like, by as many characters as ``poisoning`` compares. ``doubt`` says where the order of
    transfers leaves open whether it is a lure, or went to a look-alike.
    """
    found = features.transfers(ledger, asset, trifle_of(poisoning))
    rows = _ordered(found, asset).with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).over("txid").alias("n")
    )
    lure = pl.lit(False) if poisoning is None else pl.col(VERDICT).fill_null(False)
    judged = rows if poisoning is None else apply(rows, poisoning)
    real = pl.col("success").ne_missing(False) & (pl.col("amount") > 0).fill_null(True)
    compared = looks(poisoning)
    astray = apply(rows, paid_look_alike(**compared))[VERDICT]
    doubts = pl.concat_str(
        pl.when(perhaps_lure(poisoning)).then(pl.lit(PERHAPS_LURE)),
        pl.when(astray.is_null()).then(pl.lit(PERHAPS_ASTRAY)),
        separator="; ",
        ignore_nulls=True,
    )
    return judged.with_columns(
        lure.alias("poison"),
        pl.when(astray).then(f"to_like_{compared['tail']}").alias("imitates"),
        pl.when(doubts != "").then(doubts).alias("doubt"),
    ).filter(real)


def _ordered(rows: pl.DataFrame, asset: Asset) -> pl.DataFrame:
    """Sort by block, or by time; in one of these those whose place is unknown stand first.

    A transaction's place in its block orders where it is known of all. A log index orders the
    block on chains that count it so.
    """
    paths = {path: _sortable(path) for path in rows["trace_path"].drop_nulls().unique()}
    in_block = chain_of(asset.chain).family == "evm"
    # Transfers alike in all of these differ in what they say only: a digest must not see chance.
    rest = ["inner", "log_index", "path", "kind", "sender", "receiver", "amount", "amount_hex",
            "occurrence"]  # fmt: skip
    return (
        _in_their_transactions(rows)
        .with_columns(
            pl.col("trace_path")
            .replace_strict(paths, default=None, return_dtype=pl.String)
            .alias("path"),
            _INNER.alias("inner"),
            _moments(rows).alias("moment"),
            (~pl.col("order_uncertain") | (_INNER & pl.col("tx").is_not_null())).alias("sure"),
            pl.when(pl.col("tx").is_not_null().all()).then("tx").alias("known_tx"),
            pl.when(pl.lit(in_block)).then("log_index").alias("in_block"),
        )
        .sort("moment", "sure", "known_tx", "in_block", "tx", "txid", *rest)
        .drop("path", "inner", "moment", "sure", "known_tx", "in_block")
    )


_INNER = pl.col("kind") == "internal"


def _in_their_transactions(rows: pl.DataFrame) -> pl.DataFrame:
    """Place calls where another row tells the place of their transaction.

    Lists of explorers tell it of the transaction alone. A call comes after what the transaction
    itself pays; among several calls its place is known where all have a number.
    """
    told = pl.col("tx").max().over("txid")
    numbered = pl.col("trace_path").is_not_null().all().over("txid", "kind")
    alone = pl.len().over("txid", "kind") == 1
    placed = _INNER & pl.col("tx").is_null() & told.is_not_null()
    known = placed & (numbered | alone)
    return rows.with_columns(
        pl.when(placed).then(told).otherwise("tx").alias("tx"),
        (pl.col("order_uncertain") & ~known).alias("order_uncertain"),
    )


def _moments(rows: pl.DataFrame) -> pl.Series:
    """Return what orders transfers: the height of each where all are known, else the time.

    Raises
    ------
    TraceError
        If some have a height alone and others a time alone: nothing orders those among these.
    """
    packed = pl.col("tx") // (1 << POSITION_BITS)
    known = rows.select(height=pl.coalesce("height", packed), time=pl.col("time").dt.epoch("us"))
    if not known["height"].null_count():
        return known["height"]
    if timeless := known["time"].null_count():
        raise TraceError(
            f"{counted(timeless, 'transfer has', 'transfers have')} a height and no time, and"
            f" {known['height'].null_count():,} a time and no height: nothing orders them",
            remedy="read a table that gives both, into a new ledger before the others",
        )
    return known["time"]


def refuse_timeless(ledger: Ledger, asset: Asset) -> None:
    """Refuse a span of time over transfers of an asset that have none: it would drop them.

    Raises
    ------
    TraceError
        If the ledger is looked at in a span, and a transfer of the asset has no time.
    """
    if ledger.start is None and ledger.end is None:
        return
    rows = ledger.history.transfers.filter(asset.of_transfers() & pl.col("time").is_null())
    count = rows.select(pl.len()).collect().item()
    if count:
        raise TraceError(
            f"of {counted(count, 'transfer', 'transfers')} of {asset.symbol} the height is known"
            " and no time, so that nobody can say what lies in the span",
            remedy="look at the whole ledger, or read a table that gives their times first",
        )


def _sortable(path: str) -> str:
    """Write the numbers of a trace path with leading zeros: call 0.10 comes after call 0.2."""
    return re.sub(r"\d+", lambda number: number[0].rjust(9, "0"), path)


def near_in_time(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the transfers that share block or time with others of which one has no place in it.

    Returns
    -------
    polars.DataFrame
        ``moment, at, sender, receiver, after, order_uncertain``: ``at`` is the place among
        ``rows``, ``after`` that of the payment by whose transaction a call was made.
    """
    moment, unsure = pl.col("moment"), pl.col("order_uncertain")
    own = pl.col("at").filter(pl.col("kind") == "native").max().over("txid")
    return (
        rows.select("txid", "kind", "order_uncertain", "sender", "receiver",
                    _moments(rows).alias("moment"))
        .with_row_index("at")
        .with_columns(after=pl.when(_INNER).then(own))
        .filter((pl.len().over(moment) > 1) & unsure.any().over(moment))
        .select("moment", "at", "sender", "receiver", "after", "order_uncertain")
    )  # fmt: skip


def tied(near: pl.DataFrame) -> int:
    """Return how many of :func:`near_in_time` share block or time and have no place in it."""
    return near.filter((pl.len().over("moment") > 1) & pl.col("order_uncertain")).height


MOST_ORDERS = 64
"""Orders that are followed for the bounds: those of six pairs that are told apart by nothing."""


def other_orders(near: pl.DataFrame, kept: Set[bytes]) -> tuple[list[dict[int, int]], bool]:
    """Return other orders the transfers may have had, and whether these are all that matter.

    ``near`` are those of :func:`near_in_time`. An order is told by the places where another
    transfer stands, each with the place of that one.
    Transfers of one time matter to one another where they touch the balance of one address in
    ``kept``, also through others; the order of the rest changes nothing. Up to ``MOST_ORDERS``
    every combination is given. Beyond, all such groups turned round at once, and some of them
    turned round alone: what these say is no bound. Those whose place is known keep their order.
    """
    groups = _groups(near, kept)
    unsure = set(near.filter("order_uncertain")["at"])
    after = dict(near.drop_nulls("after").select("at", "after").iter_rows())
    ways = [_ways(group, unsure, after) for group in groups if len(group) <= _WHOLLY_TRIED]
    if len(ways) == len(groups) and prod(map(len, ways)) <= MOST_ORDERS:
        chosen = list(product(*ways))[1:]
        return [_changed(groups, choice) for choice in chosen], True
    turned = [_turned(group, unsure, after) for group in groups]
    alone = [
        [*groups[:one], turned[one], *groups[one + 1 :]] for one in range(min(len(groups), _ALONE))
    ]
    choices = [turned, *alone]
    return [_changed(groups, choice) for choice in choices], False


_WHOLLY_TRIED, _ALONE = 4, 16


def _groups(near: pl.DataFrame, kept: Set[bytes]) -> list[list[int]]:
    """Return the places of transfers whose order among one another matters and is uncertain."""
    found: list[list[int]] = []
    unsure = set(near.filter("order_uncertain")["at"])
    for _, tie in groupby(near.iter_rows(), key=itemgetter(0)):
        parts: list[tuple[set[bytes], list[int]]] = []
        for _, i, *parties, _, _ in tie:
            touched = {address for address in parties if address in kept}
            joint = [part for part in parts if part[0] & touched]
            parts = [part for part in parts if not part[0] & touched]
            whose = touched.union(*(part[0] for part in joint))
            parts.append((whose, [*(j for part in joint for j in part[1]), i]))
        found += [sorted(part) for _, part in parts if len(part) > 1]
    return [group for group in found if not unsure.isdisjoint(group)]


def _ways(group: list[int], unsure: Set[int], after: Mapping[int, int]) -> list[list[int]]:
    """Return every order of a group that keeps the order of those whose place is known, and has
    calls behind what their transaction pays."""
    sure = [i for i in group if i not in unsure]
    every = (list(order) for order in permutations(group))
    kept = (order for order in every if [i for i in order if i not in unsure] == sure)
    return [order for order in kept if order == _behind(order, after)]


def _turned(group: list[int], unsure: Set[int], after: Mapping[int, int]) -> list[int]:
    turned = [i for i in group if i not in unsure] + [i for i in reversed(group) if i in unsure]
    return _behind(turned, after)


def _behind(order: list[int], after: Mapping[int, int]) -> list[int]:
    """Move calls that stand before what their transaction pays to right behind it."""
    place = {i: n for n, i in enumerate(order)}
    early = {i for i in order if place.get(after.get(i, -1), -1) > place[i]}
    moved: list[int] = []
    for one in order:
        if one not in early:
            moved += [one, *(i for i in order if i in early and after[i] == one)]
    return moved


def _changed(groups: Sequence[list[int]], choice: Sequence[list[int]]) -> dict[int, int]:
    changed: dict[int, int] = {}
    for places, chosen in zip(groups, choice, strict=True):
        changed |= {place: at for place, at in zip(places, chosen, strict=True) if place != at}
    return changed
