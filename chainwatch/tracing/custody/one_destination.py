"""Which addresses pass all that they get to one service: the rule, with exact shares."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.custody.service_side import Bars, CustodySide, Side
from chainwatch.tracing.custody.sweeps import Flows, Wallets, account_flows, coin_flows
from chainwatch.tracing.custody.tables import HOSTED_ADDRESSES
from chainwatch.tracing.stops import OPEN_CUSTODY
from chainwatch.units import exact_sum

NOTHING_SHOWN = (
    "nothing that was read shows whether the service holds its keys or somebody who cashes out"
    " there"
)


def flows_of(ledger: Ledger, asset: Asset, wallets: Wallets, poisoning: Rule | None) -> Flows:
    """Return what those paid and received who ever paid these wallets, on either family."""
    if find_chain(asset.chain).family == "utxo":
        return coin_flows(ledger.history, asset, wallets)
    return account_flows(ledger.history, asset, wallets, poisoning)


def one_destination(
    flows: Flows, wallets: Wallets, tagged: Set[bytes], asset: Asset, min_share: int, bars: Bars
) -> pl.DataFrame:
    """Return every address that passed all on to one service, however few payments it made.

    Parameters
    ----------
    flows : Flows
        Of the wallets.
    wallets : mapping
        Whose they are.
    tagged : set of bytes
        Addresses of which tags say something: they are not judged.
    asset : Asset
        What was counted.
    min_share, bars : int, Bars
        See :func:`chainwatch.tracing.custody.hosted.hosted`.

    Returns
    -------
    polars.DataFrame
        Rows in :data:`chainwatch.tracing.custody.tables.HOSTED_ADDRESSES`.
    """
    sent = _swept(flows.sent)
    swept = sent.join(_received(flows.got, sent), on="address").sort("address")
    rows = [
        row
        for row in swept.iter_rows(named=True)
        if row["address"] not in tagged
        and int(row["forwarded"]) * 1000 >= int(row["due"]) * min_share
    ]
    rows = _alone(rows, flows.joint, wallets)
    of = {row["address"]: row["service"] for row in rows}
    return _evidenced(rows, asset, flows, CustodySide(flows, of, bars).judge())


def _alone(
    rows: list[dict[str, Any]], joint: pl.DataFrame, wallets: Mapping[bytes, object]
) -> list[dict[str, Any]]:
    """Leave out addresses that spend together with one that is neither swept nor a service's.

    Who holds the keys of both is one wallet, and that wallet paid elsewhere.
    """
    mates: dict[bytes, set[bytes]] = {}
    for address, other in joint.iter_rows():
        mates.setdefault(address, set()).add(other)
    kept = {row["address"] for row in rows}
    while wrong := {one for one in kept if mates.get(one, set()) - kept - wallets.keys()}:
        kept -= wrong
    return [row for row in rows if row["address"] in kept]


def _swept(sent: pl.DataFrame) -> pl.DataFrame:
    """Return the addresses whose every payment went to wallets of one service."""
    return (
        sent.group_by("address")
        .agg(
            pl.col("service").n_unique().alias("services"),
            pl.col("service").null_count().alias("strangers"),
            pl.col("service").first(),
            pl.col("labels").explode().unique().sort().str.join(", ").alias("labels"),
            pl.col("amount").null_count().alias("unknown"),
            exact_sum("amount").alias("forwarded"),
            pl.len().cast(pl.Int64).alias("sweeps"),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
        )
        .filter(pl.col("services") == 1, pl.col("strangers") == 0, pl.col("unknown") == 0)
    )


def _received(got: pl.DataFrame, sent: pl.DataFrame) -> pl.DataFrame:
    """Return what addresses received; ``due`` is what had come in when they last paid."""
    # What came in at an unknown time may have been there: it counts as due.
    in_time = pl.when((pl.col("time") <= pl.col("last")).fill_null(True)).then("amount")
    return (
        got.join(sent.select("address", "last"), on="address")
        .with_columns(in_time.alias("due"))
        .group_by("address")
        .agg(
            exact_sum("due"),
            pl.col("amount").null_count().alias("unread"),
            exact_sum("amount").alias("received"),
            pl.len().cast(pl.Int64).alias("receipts"),
        )
        .filter(pl.col("unread") == 0)
    )


def _evidence(row: Mapping[str, Any], asset: Asset, flows: Flows, side: Side) -> str:
    """Return what an address did, what shows who holds it, and what speaks against it."""
    forwarded, received = int(str(row["forwarded"])), int(str(row["due"]))
    unswept = int(str(row["received"])) - received
    payments = "its only payment" if row["sweeps"] == 1 else f"all {row['sweeps']} payments"
    parts = [
        f"{payments}, {asset.shown(forwarded)} of {asset.shown(received)} received, went to"
        f" {row['labels']}"
    ]
    if forwarded > received:
        parts.append(f"it paid {asset.shown(forwarded - received)} more than was read to come in")
    if unswept:
        parts.append(f"{asset.shown(unswept)} came in after the last payment and is unswept")
    parts.append(side.told or NOTHING_SHOWN)
    gap = flows.gaps.get(row["address"], flows.gap)
    return "; ".join([*parts, gap] if gap else parts)


def _evidenced(
    rows: list[dict[str, Any]], asset: Asset, flows: Flows, sides: Mapping[bytes, Side]
) -> pl.DataFrame:
    full = []
    for row in rows:
        side = sides[row["address"]]
        told = {
            "chain": asset.chain,
            "certainty": "probable" if side.kinds else OPEN_CUSTODY,
            "evidence": _evidence(row, asset, flows, side),
            "shown_by": ", ".join(side.kinds) or None,
            "gas_funder": side.funder,
        }
        numbers = ("funded", "batches", "depositors", "unrelated")
        full.append(row | told | {name: getattr(side, name) for name in numbers})
    cells = [tuple(row[name] for name in HOSTED_ADDRESSES.names) for row in full]
    return pl.DataFrame(cells, schema=HOSTED_ADDRESSES.schema, orient="row")
