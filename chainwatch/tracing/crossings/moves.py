"""What came into bridges on each chain and what they paid out, in the assets that were named.

A deposit is a payment to an address of a bridge by somebody else; a payout is one from it to
somebody else. A token whose own contract is a bridge's is burnt as a deposit and made as a payout.
Each is called by its transaction and place in it, as a trace calls it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

import polars as pl

from chainwatch.addresses.assets import PAYMENT_KINDS, ZERO, Asset
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.table import TIME
from chainwatch.tracing.crossings.bridges import holding
from chainwatch.tracing.walks.account_graph import Transfers
from chainwatch.units import AMOUNT

CLOCK = timedelta(hours=2)
"""By how much the time in a header of a coin chain may be wrong: its miner states it."""

MOVE: dict[str, pl.DataType | type[pl.DataType]] = {
    "asset": pl.Int64, "chain": pl.String, "bridge": pl.String, "txid": pl.Binary, "n": pl.Int64,
    "tx": pl.Int64, "time": TIME, "amount": AMOUNT, "address": pl.Binary, "party": pl.Binary,
    "sure": pl.Boolean,
}  # fmt: skip
"""``asset`` is its number among those named; ``address`` the bridge's (of a payout by a coin chain
the smallest that paid), ``party`` who paid or was paid, where that is one; ``sure`` is false where
a payer was not read, so that it may be the bridge's own."""

_ORDER = ("chain", "tx", "txid", "n", "asset")


class Moves(NamedTuple):
    """Deposits and payouts in :data:`MOVE`, whatever the span.

    ``beside`` are other transfers in transactions that identifiers name as paid out, with ``made``
    where the token was newly made: a bridge may pay by those too. ``open_inputs`` are the times of
    transactions of coin chains with an input that was not read, by chain.
    """

    deposits: pl.DataFrame
    payouts: pl.DataFrame
    beside: pl.DataFrame
    open_inputs: dict[str, pl.Series]


def moves(
    ledgers: Mapping[str, Ledger],
    assets: Sequence[Asset | None],
    addresses: pl.DataFrame,
    paid_out: Collection[bytes] = (),
) -> Moves:
    """Return what bridges took in and paid out.

    Parameters
    ----------
    ledgers : dict of str to Ledger
        The ledger of each chain.
    assets : sequence of Asset or None
        What is looked at; others are not. None holds the number of one whose chain was not read.
    addresses : polars.DataFrame
        As :func:`chainwatch.tracing.crossings.bridges.addresses_of_bridges` gives them.
    paid_out : collection of bytes
        Transactions that identifiers name as paid out.
    """
    deposits, payouts, beside = [_none().drop("made")], [_none().drop("made")], [_none()]
    unread: dict[str, pl.Series] = {}
    for number, asset in enumerate(assets):
        if asset is None:
            continue
        ledger = ledgers[asset.chain].history
        here = addresses.filter(chain=asset.chain).drop("chain")
        if find_chain(asset.chain).family == "utxo":
            came, went, unread[asset.chain] = _coins(ledger.chain_only(asset.chain), here)
            other = _none()
        else:
            came, went, other = _transfers(ledger, asset, here, sorted(paid_out))
        known = (pl.lit(number).cast(pl.Int64).alias("asset"), pl.lit(asset.chain).alias("chain"))
        deposits.append(came.with_columns(known).select(list(MOVE)))
        payouts.append(went.with_columns(known).select(list(MOVE)))
        beside.append(other.with_columns(known).select([*MOVE, "made"]))
    came, went, other = (pl.concat(part).sort(_ORDER) for part in (deposits, payouts, beside))
    return Moves(came, went, other, unread)


def _none() -> pl.DataFrame:
    return pl.DataFrame(schema={**MOVE, "made": pl.Boolean})


def _transfers(
    ledger: Ledger, asset: Asset, here: pl.DataFrame, paid_out: list[bytes]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    whole = Transfers.read(ledger, asset, None).whole
    names = ["txid", "n", "tx", "kind", "time", "sender", "receiver", "amount"]
    rows = pl.concat([whole.rows.select(names), whole.wide.select(names)])
    pays = pl.col("kind").is_in(PAYMENT_KINDS) if asset.contract is None else pl.lit(True)
    made, burnt = (pl.col("kind").str.ends_with(end) for end in ("_mint", "_burn"))
    rows = rows.filter(pays).with_columns(pl.lit(True).alias("sure"), made=made, burnt=burnt)
    nobody = pl.Series(sorted(ZERO), dtype=pl.Binary).implode()
    plain = rows.filter(~pl.col("sender").is_in(nobody), ~pl.col("receiver").is_in(nobody))
    came = _at(plain, here, "receiver", "sender")
    went = _at(plain, here, "sender", "receiver")
    contract = pl.lit(asset.contract, pl.Binary)
    own = here.filter(pl.col("address").eq_missing(contract)).drop("address")
    by_contract = rows.join(own, how="cross").with_columns(address=contract)
    burns = holding(by_contract.filter("burnt")).rename({"sender": "party"})
    mints = holding(by_contract.filter("made")).rename({"receiver": "party"})
    names = [name for name in MOVE if name not in ("asset", "chain")]
    out = pl.concat([went.select(names), mints.select(names)])
    named = pl.Series(paid_out, dtype=pl.Binary).implode()
    rest = rows.filter(pl.col("txid").is_in(named), ~pl.col("burnt"))
    rest = rest.join(out, on=["txid", "n"], how="anti").rename(
        {"receiver": "party", "sender": "address"}
    )
    rest = rest.with_columns(pl.lit(None, pl.String).alias("bridge")).select(*names, "made")
    return pl.concat([came.select(names), burns.select(names)]), out, rest


def _at(rows: pl.DataFrame, here: pl.DataFrame, side: str, other: str) -> pl.DataFrame:
    """Return the transfers of which one side is a bridge's and the other is not the same one's."""
    ours = rows.join(here, left_on=side, right_on="address", how="inner").rename({side: "address"})
    own = here.select(pl.col("address").alias(other), "bridge").unique()
    return holding(ours).join(own, on=[other, "bridge"], how="anti").rename({other: "party"})


def _coins(ledger: Ledger, here: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.Series]:
    """Return deposits, payouts, and when there were inputs of which nothing was read."""
    bridges, wanted = here.select("address", "bridge").unique(), here.lazy()
    about = ledger.transactions.select("tx", "txid", "time", "coinbase")
    paid_by = ledger.inputs.select("tx", "address", "value")
    spent = paid_by.join(bridges.lazy(), on="address").group_by("tx", "bridge")
    payers = spent.agg(pl.col("address").min()).collect()
    unread = paid_by.filter(pl.col("value").is_null()).select("tx").unique().collect()
    outputs = ledger.outputs.filter("spendable").select("tx", "n", "value", "address")
    came = outputs.join(wanted, on="address").join(about, on="tx").filter(~pl.col("coinbase"))
    deposits = holding(came.collect()).join(payers, on=["tx", "bridge"], how="anti")
    deposits = deposits.join(_payer(paid_by, deposits), on="tx", how="left")
    went = outputs.rename({"address": "party"}).join(payers.lazy(), on="tx").join(about, on="tx")
    days = here.select("address", "first_day", "last_day")
    own = bridges.rename({"address": "party"})
    dated = went.collect().join(days, on="address", how="left")
    payouts = holding(dated).join(own, on=["party", "bridge"], how="anti")
    names = [name for name in MOVE if name not in ("asset", "chain")]
    told = [
        rows.with_columns(
            pl.col("value").cast(AMOUNT).alias("amount"),
            ~pl.col("tx").is_in(unread["tx"].implode()).alias("sure"),
        ).select(names)
        for rows in (deposits, payouts)
    ]
    times = about.join(unread.lazy(), on="tx", how="semi").select("time").collect()["time"]
    return told[0], told[1], times.sort()


def _payer(inputs: pl.LazyFrame, deposits: pl.DataFrame) -> pl.DataFrame:
    """Return who paid each transaction, where all its inputs are of one address."""
    ours = inputs.join(deposits.lazy().select("tx").unique(), on="tx", how="semi")
    known = ours.group_by("tx").agg(
        pl.col("address").n_unique().alias("payers"), pl.col("address").first().alias("party")
    )
    return known.filter(pl.col("payers") == 1).select("tx", "party").collect()
