"""Summaries on coin chains, from the transactions that name an address."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from chainwatch.chains.base import Chain
from chainwatch.ledger.coverage import histories
from chainwatch.ledger.index.rows import Frames
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.summaries import AddressSummary, TransactionSummary
from chainwatch.ledger.schema import AMOUNT, POSITION_BITS, TRANSFERS

_PARTIES: dict[str, pl.DataType | type[pl.DataType]] = {
    "chain": pl.String, "contract": pl.Binary, "direction": pl.String, "what": pl.String,
    "counterparty": pl.Binary, "transactions": pl.Int64, "amount": AMOUNT,
}  # fmt: skip


def coin_address(ledger: Ledger, address: bytes, chain: Chain, found: Frames) -> AddressSummary:
    """Return the summary of an address.

    Parameters
    ----------
    ledger : Ledger
        Looks at one chain; its span is that of the history.
    address : bytes
        Canonical bytes.
    chain : Chain
        The chain.
    found : three frames
        All transactions that name the address, with all their inputs and outputs.
    """
    txs, ins, outs = _until(found, ledger.end)
    moved = _moved(txs, ins, outs, address)
    complete, coverage = _coverage(ledger, address, found[0])
    spent = moved["spent"]
    certain = complete and not spent.null_count()
    balance = int(moved["received"].sum() or 0) - int(spent.sum() or 0) if certain else None
    start = ledger.start
    history = moved if start is None else moved.filter(pl.col("time") >= start)
    parties = _parties(history, ins, outs, address, chain)
    totals = pl.DataFrame(
        [[chain.id, None, int(history["received"].sum() or 0), int(history["spent"].sum() or 0),
          balance]],
        schema={"chain": pl.String, "contract": pl.Binary, "received": AMOUNT, "spent": AMOUNT,
                "balance": AMOUNT},
        orient="row",
    )  # fmt: skip
    named = history.with_columns(pl.lit(chain.id).alias("chain")).select("chain", *history.columns)
    return AddressSummary(chain, address, totals, named, parties, complete, coverage)


def coin_transaction(ledger: Ledger, chain: Chain, found: Frames) -> TransactionSummary:
    """Return the summary of the one transaction that was found."""
    txs, ins, outs = found
    row = txs.row(0, named=True)
    number, txid = row["tx"], row["txid"]
    whole = ins.height == row["input_count"] and not ins["value"].null_count()
    certain = whole and not row["coinbase"]
    fee = int(ins["value"].cast(AMOUNT).sum()) - int(row["output_value"]) if certain else None
    ours = ledger.history.transactions.filter(pl.col("tx") == number).select("block")
    return TransactionSummary(
        chain, txid, number, number >> POSITION_BITS, ours.collect()["block"].item(), row["time"],
        row["coinbase"], fee, _named(ins, chain), _named(outs, chain), TRANSFERS.empty(),
        proofs(ledger, txid[::-1].hex()),
    )  # fmt: skip


def proofs(ledger: Ledger, txid: str) -> pl.DataFrame:
    """Return the raw answers that prove the place of a transaction in its block."""
    asked = pl.col("request").str.to_lowercase()
    ours = asked.str.contains(txid, literal=True) & asked.str.contains("merkle", literal=True)
    return ledger.answers.filter(ours).sort("digest", "request").collect()


def _named(frame: pl.DataFrame, chain: Chain) -> pl.DataFrame:
    return frame.select(pl.lit(chain.id).alias("chain"), *frame.columns)


def _until(found: Frames, end: datetime | None) -> Frames:
    txs, ins, outs = found
    if end is None:
        return found
    kept = txs.filter(pl.col("time") < end)
    return kept, ins.join(kept, on="tx", how="semi"), outs.join(kept, on="tx", how="semi")


def _moved(
    txs: pl.DataFrame, ins: pl.DataFrame, outs: pl.DataFrame, address: bytes
) -> pl.DataFrame:
    """Return one row per transaction with what the address received and spent in it."""
    ours, value = pl.col("address") == address, pl.col("value").cast(AMOUNT)
    received = outs.filter(ours).group_by("tx").agg(value.sum().alias("received"))
    unread = pl.col("value").is_null().any()
    spent = (
        ins.filter(ours)
        .group_by("tx")
        .agg(pl.when(~unread).then(value.sum()).alias("spent"), pl.lit(True).alias("spends"))
    )
    zero = pl.lit(0).cast(AMOUNT)
    return (
        txs.select("tx", "txid", "time")
        .join(received, on="tx", how="left")
        .join(spent, on="tx", how="left")
        .with_columns(
            pl.col("received").fill_null(zero),
            pl.when(pl.col("spends").is_null()).then(zero).otherwise("spent").alias("spent"),
        )
        .drop("spends")
        .sort("tx")
    )


def _parties(
    history: pl.DataFrame, ins: pl.DataFrame, outs: pl.DataFrame, address: bytes, chain: Chain
) -> pl.DataFrame:
    """Return who else stands in the transactions of the history, and on which side."""
    spends = ins.filter(pl.col("address") == address).select("tx").unique()
    sides = {
        "in": ins.join(spends, on="tx", how="anti"),
        "with": ins.join(spends, on="tx", how="semi"),
        "out": outs.join(spends, on="tx", how="semi"),
    }
    columns = ["tx", "address", "value"]
    rows = pl.concat(
        [side.select(*columns, pl.lit(name).alias("direction")) for name, side in sides.items()]
    ).join(history, on="tx", how="semi")
    unread, nameless = pl.col("value").is_null(), pl.col("address").is_null()
    what = pl.when(unread).then(pl.lit("not read")).when(nameless).then(pl.lit("no address"))
    keys = ["chain", "contract", "direction", "what", "counterparty"]
    return (
        rows.filter(pl.col("address").ne_missing(pl.lit(address)))
        .with_columns(
            what.otherwise(pl.lit("address")).alias("what"),
            pl.lit(chain.id).alias("chain"),
            pl.lit(None, pl.Binary).alias("contract"),
            pl.when(~unread).then("address").alias("counterparty"),
        )
        .group_by(keys)
        .agg(
            pl.col("tx").n_unique().cast(pl.Int64).alias("transactions"),
            pl.when(~unread.any()).then(pl.col("value").cast(AMOUNT).sum()).alias("amount"),
        )
        .sort(keys)
        .select(pl.col(name).cast(dtype) for name, dtype in _PARTIES.items())
    )


def _coverage(ledger: Ledger, address: bytes, txs: pl.DataFrame) -> tuple[bool, tuple[str, ...]]:
    """Return whether nothing of an address can be missing, and say what was read."""
    whole = ledger.history
    read = whole.coverage.filter(pl.col("complete") & pl.col("block").is_not_null())
    blocks = whole.blocks.join(
        read.filter(pl.col("address").is_null()), left_on="hash", right_on="block", how="semi"
    )
    held = blocks.select("height", "hash", "parent").unique().sort("height").collect()
    top, linked = _linked_from_genesis(held)
    told = histories(whole, address)
    last = int(txs["tx"].max() or 0) >> POSITION_BITS  # type: ignore[arg-type]  # a number
    sentences = [
        f"every block from 0 to {top:,} was read" if linked
        else f"{held.height:,} blocks were read, not all from the first on"
    ]  # fmt: skip
    own = False
    for row in told.iter_rows(named=True):
        reach = "an unknown height" if row["height"] is None else f"height {row['height']:,}"
        claim = "claims to be whole" if row["whole"] else "does not claim to be whole"
        sentences.append(f"its history was read up to {reach} from {row['source']}, which {claim}")
        own = bool(row["whole"]) and row["height"] is not None and row["height"] >= last
    complete = own or (linked and top >= last)
    if not complete:
        sentences.append("receipts and payments may be missing, so no balance is given")
    return complete, tuple(sentences)


def _linked_from_genesis(held: pl.DataFrame) -> tuple[int, bool]:
    """Return the highest block, and whether all below it were read and linked."""
    if not held.height:
        return 0, False
    heights, top = held["height"], int(held["height"][-1])
    if top != held.height - 1 or heights[0] != 0 or heights.n_unique() != held.height:
        return top, False
    return top, bool((held["parent"][1:] == held["hash"][:-1]).all())
