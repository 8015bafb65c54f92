"""Summaries on coin chains, from the transactions that name an address."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from chainwatch.addresses.keyless import why_open
from chainwatch.chains.base import Chain
from chainwatch.ledger.index.rows import Frames
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.bare_keys import bare_key_coins
from chainwatch.ledger.lookup.finder import Finder
from chainwatch.ledger.lookup.paid import block_of, outputs_with_status
from chainwatch.ledger.lookup.summaries import BESIDE, AddressSummary, TransactionSummary
from chainwatch.ledger.output_status import (
    BY_BLOCKS,
    AsOf,
    OutputStatus,
    block_text,
    day_text,
    owner_key,
)
from chainwatch.ledger.schema import AMOUNT, POSITION_BITS, TRANSFERS, pack_tx
from chainwatch.units import counted


def coin_address(ledger: Ledger, address: bytes, chain: Chain, rows: Finder) -> AddressSummary:
    """Return the summary of an address.

    Parameters
    ----------
    ledger : Ledger
        Looks at one chain; its span is that of the history.
    address : bytes
        Canonical bytes.
    chain : Chain
        The chain.
    rows : Finder
        Where to look.
    """
    found = rows.touching(address)
    txs, ins, outs = _until(found, ledger.end)
    moved = _moved(txs, ins, outs, address)
    known = OutputStatus.read(ledger, chain)
    read_to, coverage = _coverage(known, address, found[0], rows)
    bare = bare_key_coins(ledger, address, known, rows)
    spent = moved["spent"]
    disputed = _disputed(found, address)
    certain = read_to is not None and not spent.null_count() and not disputed
    if disputed:
        said = counted(disputed, "coin", "coins")
        coverage = (
            *coverage,
            f"of {said} what was spent and who is named as spending contradict each other:"
            " no balance is given; run check(ledger)",
        )
    balance = int(moved["received"].sum() or 0) - int(spent.sum() or 0) if certain else None
    start = ledger.start
    history = moved if start is None else moved.filter(pl.col("time") >= start)
    parties = _parties(history, ins, outs, address, chain)
    totals = pl.DataFrame(
        [[chain.id, None, int(history["received"].sum() or 0), _spent(history["spent"]), balance]],
        schema={"chain": pl.String, "contract": pl.Binary, "received": AMOUNT, "spent": AMOUNT,
                "balance": AMOUNT},
        orient="row",
    )  # fmt: skip
    named = history.with_columns(pl.lit(chain.id).alias("chain")).select("chain", *history.columns)
    return AddressSummary(chain, address, totals, named, parties, certain, coverage, read_to, bare)


def coin_transaction(ledger: Ledger, chain: Chain, number: int, rows: Finder) -> TransactionSummary:
    """Return the summary of a transaction by its number, which must be there."""
    txs, ins, _ = rows.transaction(number)
    row = txs.row(0, named=True)
    txid = row["txid"]
    whole = ins.height == row["input_count"] and not ins["value"].null_count()
    certain = whole and not row["coinbase"]
    fee = int(ins["value"].cast(AMOUNT).sum()) - int(row["output_value"]) if certain else None
    known = OutputStatus.read(ledger, chain)
    paid = _with_spender_ids(outputs_with_status(ledger, number, rows, known), rows)
    block = block_of(ledger, number)
    return TransactionSummary(
        chain, txid, number, number >> POSITION_BITS, block, row["time"], row["coinbase"], fee,
        _named(ins, chain), _named(paid, chain), TRANSFERS.empty(),
        proofs(ledger, txid[::-1].hex()),
    )  # fmt: skip


def _with_spender_ids(paid: pl.DataFrame, rows: Finder) -> pl.DataFrame:
    """Add the ids of the transactions that spend outputs: a number says nothing elsewhere."""
    spenders = paid["spender"].to_list()
    ids = rows.ids_of({number for number in spenders if number is not None})
    named = pl.Series("spender_txid", [ids.get(number) for number in spenders], pl.Binary)
    return paid.insert_column(paid.get_column_index("spender") + 1, named)


def proofs(ledger: Ledger, txid: str) -> pl.DataFrame:
    """Return the raw answers that prove the place of a transaction in its block."""
    asked = pl.col("request").str.to_lowercase()
    ours = asked.str.contains(txid, literal=True) & asked.str.contains("merkle", literal=True)
    return ledger.answers.filter(ours).sort("digest", "request").collect()


def _named(frame: pl.DataFrame, chain: Chain) -> pl.DataFrame:
    return frame.select(pl.lit(chain.id).alias("chain"), *frame.columns)


def _disputed(found: Frames, address: bytes) -> int:
    """Count the coins of an address that inputs of others spend, and those of others it spends."""
    _, ins, outs = found
    ours = pl.col("address") == address
    coin = ["tx", "n"]
    spends = ins.filter(ours, pl.col("prev_tx").is_not_null()).select(tx="prev_tx", n="prev_n")
    made = outs.filter(ours)
    gone = made.filter(pl.col("spender").is_not_null())
    return gone.join(spends, on=coin, how="anti").height + (
        spends.join(made, on=coin, how="anti").height
    )


def _until(found: Frames, end: datetime | None) -> Frames:
    txs, ins, outs = found
    if end is None:
        return found
    kept = txs.filter(pl.col("time") < end)
    return kept, ins.join(kept, on="tx", how="semi"), outs.join(kept, on="tx", how="semi")


def _spent(amounts: pl.Series) -> int | None:
    """Return the sum of what was spent; None where the value of a coin was not read."""
    return None if amounts.null_count() else int(amounts.sum() or 0)


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
    """Return who else stands in the transactions of the history, and on which side.

    What passed between two is not in a transaction, but no more can have than the one put in and
    the other got out of it.
    """
    spends = ins.filter(pl.col("address") == address).select("tx").unique()
    sides = {
        "in": (ins.join(spends, on="tx", how="anti"), "received"),
        "with": (ins.join(spends, on="tx", how="semi"), "received"),
        "out": (outs.join(spends, on="tx", how="semi"), "spent"),
    }
    columns = ["tx", "address", "value"]
    rows = pl.concat(
        side.select(*columns, pl.lit(name).alias("direction")).join(
            history.select("tx", pl.col(most).alias("own")), on="tx"
        )
        for name, (side, most) in sides.items()
    )
    unread, nameless = pl.col("value").is_null(), pl.col("address").is_null()
    what = pl.when(unread).then(pl.lit("not read")).when(nameless).then(pl.lit("no address"))
    keys = ["chain", "contract", "direction", "what", "counterparty"]
    each = (
        rows.filter(pl.col("address").ne_missing(pl.lit(address)))
        .with_columns(
            what.otherwise(pl.lit("address")).alias("what"),
            pl.lit(chain.id).alias("chain"),
            pl.lit(None, pl.Binary).alias("contract"),
            pl.when(~unread).then("address").alias("counterparty"),
        )
        .group_by([*keys, "tx"])
        .agg(
            pl.col("own").first(),
            pl.when(~unread.any()).then(pl.col("value").cast(AMOUNT).sum()).alias("beside"),
        )
    )
    # Of a side that was not read the other is the bound; of neither there is none.
    return (
        each.with_columns(pl.min_horizontal("own", "beside").alias("most"))
        .group_by(keys)
        .agg(
            pl.len().cast(pl.Int64).alias("transactions"),
            pl.lit(None, AMOUNT).alias("amount"),
            pl.lit(None, pl.String).alias("amount_hex"),
            _sum_or_null("most").alias("at_most"),
            _sum_or_null("beside").alias("beside"),
        )
        .sort(keys)
        .select(pl.col(name).cast(dtype) for name, dtype in BESIDE.schema.items())
    )


def _sum_or_null(name: str) -> pl.Expr:
    """Return a sum that is unknown where any part of it is."""
    return pl.when(pl.col(name).is_not_null().all()).then(pl.col(name).sum())


def _coverage(
    known: OutputStatus, address: bytes, txs: pl.DataFrame, rows: Finder
) -> tuple[AsOf | None, tuple[str, ...]]:
    """Return up to which block nothing of an address can be missing, and say what was read."""
    last = int(txs["tx"].max() or 0) >> POSITION_BITS  # type: ignore[arg-type]  # a number
    told, sentences = known.history_of(address), [*_anybodys(address), *_read(known, address)]
    if told is not None and told.height < last:
        sentences.append(f"something of it was read up to block {last:,} all the same")
        told = None
    if told is not None:
        # What pays the address was read: only a spend of that, or of the impossible, can be its.
        named = rows.strays(None if told.by == BY_BLOCKS else txs["txid"].to_list())
        lacking = named.filter(
            pl.col("value").is_null() & (pl.col("tx") < pack_tx(told.height + 1, 0))
        )
        count = lacking.height
        if count:
            may = counted(count, "input that may be", "inputs that may be")
            sentences.append(f"what is spent by {may} its own was not read")
            told = None
    if told is None:
        sentences.append("receipts and payments may be missing, so no balance is given")
    return told, tuple(sentences)


def _anybodys(address: bytes) -> list[str]:
    """Return in a sentence why an address is nobody's, if it is."""
    why = why_open(address)
    return [f"anybody can spend from it, so it shows no owner: it is {why}"] if why else []


def _read(known: OutputStatus, address: bytes) -> list[str]:
    """Return in sentences which blocks were read, and what histories of an address."""
    blocks, every = known.blocks, known.every_block()
    if every is not None:
        said = [f"every block from 0 to {every.height:,} ({day_text(every.time)}) was read"]
        if blocks.highest is not None and blocks.place(blocks.highest)[0] > every.height:
            later = blocks.frame.filter(pl.col("height") > every.height).height
            top = block_text(*blocks.place(blocks.highest)[::2])
            read = counted(later, "later block", "later blocks")
            said.append(f"of what follows only {read} that do not join on; the highest is {top}")
    else:
        said = [f"{blocks.frame.height:,} blocks were read, not all from the first on"]
        if blocks.highest is not None:
            said[0] += f"; the highest is {block_text(*blocks.place(blocks.highest)[::2])}"
    for height, _, time, source, whole in known.histories.get(owner_key(address, None), ()):
        reach = "an unknown height" if height is None else block_text(height, time)
        claim = "claims to be whole" if whole else "does not claim to be whole"
        said.append(f"its history was read up to {reach} from {source}, which {claim}")
    return said
