"""What has been read and what has not: stated as facts, so that no total hides an unread part.

Every function looks at the whole history of a ledger, whatever its span.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from chainwatch.chains.base import Chain
from chainwatch.ledger import schema
from chainwatch.ledger.accounts.log_readings import logged_blocks
from chainwatch.ledger.block_readings import INTERNAL
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.output_status import (
    BY_BLOCKS,
    DENIED,
    AsOf,
    OutputStatus,
    block_text,
    owner_key,
)
from chainwatch.ledger.unread.left_by_budget import left_by_budget, readings
from chainwatch.ledger.unread.rows_apart import APART, by_reason
from chainwatch.ledger.unread.unread_parts import unread_parts
from chainwatch.ledger.whole_blocks import WholeBlocks
from chainwatch.results.table import CHAIN, Column, Privacy, Table
from chainwatch.results.text_frame import text_frame
from chainwatch.units import LARGEST_AMOUNT

Fact = tuple[str, str, int | None, int | None, str]

_COUNTED = ("blocks", "transactions", "inputs", "outputs", "transfers")

UNREAD = Table(
    "not_read",
    (),
    "What was not read, chain by chain, with its amount or with null where that is unknown.",
    (
        Column.word("what", "what was not read"),
        CHAIN,
        Column(
            "count",
            pl.Int64,
            Privacy.COUNT,
            "how many; zero says that none is missing, null that nobody knows",
        ),
        Column.amount("amount", "their value"),
        Column.text("note", "what it means"),
    ),
)


def spans(ledger: Ledger, chain: Chain | str) -> pl.DataFrame:
    """Return the runs of blocks that were read whole, each linked to the one before it.

    A block continues a run if the block of the height before was read and is its parent. Two
    blocks of one height (a reorganisation that was not cleared) each belong to the run their
    parents make.

    Returns
    -------
    polars.DataFrame
        ``from_height, to_height, first_hash, last_hash, blocks``, sorted; hashes in wire order.
    """
    blocks = WholeBlocks.read(ledger, chain)
    return (
        blocks.frame.with_columns(run=pl.Series(blocks.run))
        .group_by("run")
        .agg(
            pl.col("height").min().alias("from_height"),
            pl.col("height").max().alias("to_height"),
            pl.col("hash").first().alias("first_hash"),
            pl.col("hash").last().alias("last_hash"),
            pl.len().cast(pl.Int64).alias("blocks"),
        )
        .drop("run")
        .sort("from_height", "to_height", "first_hash", "last_hash")
    )


def coverage(ledger: Ledger) -> pl.DataFrame:
    """Return one row per chain: what is in the ledger's span, from when to when.

    Returns
    -------
    polars.DataFrame
        ``chain, blocks, transactions, inputs, outputs, transfers, unread_inputs, first_time,
        last_time, first_height, last_height``: counts of rows; inputs of which it was not read
        what they spend; times and heights of transactions and transfers, null without any.
    """
    found = {"chain": [item.id for item in ledger.chains]}
    frame = pl.DataFrame(found, schema={"chain": pl.String})
    counts = {name: ledger.table(name) for name in _COUNTED}
    counts["unread_inputs"] = ledger.inputs.filter(pl.col("value").is_null())
    for name, rows in counts.items():
        counted = rows.group_by("chain").agg(pl.len().cast(pl.Int64).alias(name)).collect()
        frame = frame.join(counted, on="chain", how="left")
    whole = frame.with_columns(pl.col(list(counts)).fill_null(0))
    return text_frame(whole.join(_extent(ledger), on="chain", how="left", maintain_order="left"))


def _extent(ledger: Ledger) -> pl.DataFrame:
    height = (pl.col("tx") // (1 << schema.POSITION_BITS)).alias("height")
    dated = [
        ledger.transactions.select("chain", "time", "height"),
        ledger.transfers.select("chain", "time", height),
    ]
    bounds = [
        getattr(pl.col(name), side)().alias(f"{end}_{name}")
        for name in ("time", "height")
        for side, end in (("min", "first"), ("max", "last"))
    ]
    return pl.concat(dated).group_by("chain").agg(bounds).collect()


def unread(ledger: Ledger) -> pl.DataFrame:
    """Name what was not read, with its amount or with null where that is unknown.

    Returns
    -------
    polars.DataFrame
        ``what, chain, count, amount, note``, chain by chain. ``amount`` is in base units, null
        for *unknown*; a count of zero is a statement too: nothing of the kind is missing.
    """
    rows: list[Fact] = []
    whole = ledger.history
    for item in whole.chains:
        one = whole.chain_only(item)
        if item.family == "utxo":
            rows += _unread_coins(one, item)
        else:
            rows += _unread_transfers(one, item)
        rows += _claims(one, item)
    return text_frame(pl.DataFrame(rows, schema=UNREAD.schema, orient="row"))


def read_to(ledger: Ledger, chain: Chain | str) -> tuple[AsOf, ...]:
    """Return how far a coin chain was read: what is unspent is so as of these blocks.

    Parameters
    ----------
    ledger : Ledger
        Its whole history counts, whatever its span.
    chain : Chain or str
        Alias or CAIP-2 id.

    Returns
    -------
    tuple of AsOf
        The highest block that was read whole, if any was; and of the histories that are whole the
        one that ends first and the one that ends last, if any is and where they differ.
        ``str()`` of each gives height, date and by what.
    """
    return _read_to(OutputStatus.read(ledger, chain))


def _read_to(known: OutputStatus) -> tuple[AsOf, ...]:
    highest = known.blocks.highest
    blocks = () if highest is None else (AsOf(*known.blocks.place(highest), BY_BLOCKS),)
    ends = sorted(known.history_ends(), key=lambda one: one.height)
    if not ends or ends[0].height == ends[-1].height:
        return (*blocks, *ends[:1])
    return (*blocks, ends[0], ends[-1])


def _later(known: OutputStatus, chain: Chain) -> Fact:
    """Name what came after all that was read: nobody can tell how much that is."""
    tips = _read_to(known)
    words = " or ".join(block_text(one.height, one.time) for one in tips)
    note = f"what came after {words} was not read" if tips else "no block was read whole"
    return "later blocks", chain.id, None, None, note


def _unread_coins(ledger: Ledger, chain: Chain) -> list[Fact]:
    inputs = ledger.inputs.filter(pl.col("value").is_null()).select(pl.len()).collect().item()
    runs, known = spans(ledger, chain), OutputStatus.read(ledger, chain)
    missing = _missing(runs)
    below = min(runs["from_height"].to_list(), default=0)
    return [
        _fact("inputs", chain, inputs, "what they spend was not read: their value is unknown"),
        _fact("gaps", chain, missing, "heights between the blocks that were read"),
        _fact("earlier blocks", chain, below, "heights below the first block that was read"),
        _later(known, chain),
        _unknown_outputs(known, ledger, chain),
        *_unread_parts(ledger, chain),
    ]


def _unread_parts(ledger: Ledger, chain: Chain) -> list[Fact]:
    """Name the parts of files that gave no block, where there are any."""
    parts = [part for part in unread_parts(ledger, chain) if not part.mended]
    size = sum(part.size for part in parts)
    note = f"{size:,} bytes of files of blocks that gave no block"
    return [_fact("parts of files", chain, len(parts), note)] if parts else []


def _unknown_outputs(known: OutputStatus, ledger: Ledger, chain: Chain) -> Fact:
    """Count the outputs of which nothing tells whether they were spent; what they hold is known."""
    # Of an output whose own block is whole something is known always.
    whole = known.blocks.frame.lazy().select("height", block="hash")
    apart = ledger.transactions.join(whole, on=["height", "block"], how="anti")
    inputs = ledger.inputs
    spent = inputs.select(tx="prev_tx", n="prev_n")
    by_id = inputs.filter(pl.col("prev_tx").is_null()).select(txid="prev_txid", n="prev_n")
    rows = (
        ledger.outputs.filter("spendable")
        .join(apart.select("tx", "txid", "height", "block"), on="tx")
        .join(spent, on=["tx", "n"], how="anti")
        .join(by_id, on=["txid", "n"], how="anti")
        .select("height", "block", "address", "script", "value")
        .collect()
    )
    count, amount = 0, 0
    for height, block, address, script, value in rows.iter_rows():
        if known.unspent(height, block, owner_key(address, script)) is None:
            count, amount = count + 1, amount + value
    note = "no spender was read, and nothing that was read says that there is none"
    return "outputs not known to be spent or not", chain.id, count, amount, note


def _missing(runs: pl.DataFrame) -> int:
    """Count the heights between the lowest and the highest block that no run holds."""
    missing, reached = 0, None
    for first, last in runs.select("from_height", "to_height").sort("from_height").iter_rows():
        if reached is not None and first > reached + 1:
            missing += first - reached - 1
        reached = last if reached is None else max(reached, last)
    return missing


def _unread_transfers(ledger: Ledger, chain: Chain) -> list[Fact]:
    wide = ledger.transfers.filter(pl.col("amount").is_null()).select(pl.len()).collect().item()
    undated = ledger.transfers.filter(pl.col("time").is_null()).select(pl.len()).collect().item()
    note = "wider than 38 digits: kept as hexadecimal text, in no total"
    timeless = "only the height of their block is known: they are in no span of time"
    return [
        _fact("transfer amounts", chain, wide, note),
        ("transfer times", chain.id, undated, None, timeless),
        *(
            ("rows set apart", chain.id, moved.rows, _held(moved.amount),
             f"in {'logs' if why == 'log' else 'tables'} of transfers: {APART[why]}")
            for why, moved in by_reason(ledger, chain).items()
        ),
        *_unread_of_blocks(ledger, chain),
    ]  # fmt: skip


def _held(amount: int | None) -> int | None:
    """Return an amount that a column holds; a wider one is unknown there."""
    return None if amount is None or amount > LARGEST_AMOUNT else amount


def _unread_of_blocks(ledger: Ledger, chain: Chain) -> list[Fact]:
    """Name what was not read of an account chain of which whole blocks were."""
    blocks = WholeBlocks.read(ledger, chain)
    if blocks.highest is None:
        return []
    runs = spans(ledger, chain)
    traced = ledger.coverage.filter(pl.col("kind") == INTERNAL).select("block").unique()
    whole = blocks.frame.lazy().select("height", block="hash")
    untraced = whole.join(traced, on="block", how="anti").select(pl.len()).collect().item()
    logged = logged_blocks(ledger, chain.id)
    unlogged = whole.join(logged, on="block", how="anti").select(pl.len()).collect().item()
    top = block_text(*_top(blocks, blocks.highest))
    facts = [
        ("internal transfers", chain.id, untraced, None if untraced else 0,
         "blocks of which calls between contracts were not read"),
        ("contract logs", chain.id, unlogged, None if unlogged else 0,
         "blocks of which the logs that ledgers keep were not read"),
        _fact("gaps", chain, _missing(runs), "heights between the blocks that were read"),
        _fact("earlier blocks", chain, min(runs["from_height"].to_list(), default=0),
              "heights below the first block that was read"),
        ("later blocks", chain.id, None, None, f"what came after {top} was not read"),
    ]  # fmt: skip
    if chain.moves is None:
        note = "blocks whose fees are unknown: how the coin moves on this chain is not known here"
        facts.append(("fees", chain.id, blocks.frame.height, None, note))
    return facts


def _top(blocks: WholeBlocks, row: int) -> tuple[int, datetime | None]:
    height, _, time = blocks.place(row)
    return height, time


def _fact(what: str, chain: Chain, count: int, note: str) -> Fact:
    """State how many are missing: none amount to zero, some to an unknown amount."""
    return what, chain.id, count, None if count else 0, note


def histories(ledger: Ledger, address: bytes | None = None) -> pl.DataFrame:
    """Return what the last reading of each address, or of one, says of its completeness.

    The readings up to the highest tip speak. One of them that is whole is enough beside others
    that were cut off or refused; but where another, at the same tip, listed less than its server
    counted, none is. Where no reading names a height, all must be whole. Up to which earlier block
    an address is known nonetheless is another question: :mod:`chainwatch.ledger.output_status`.

    Returns
    -------
    polars.DataFrame
        ``address, height, source, whole``: one row per address, sorted.
    """
    named = pl.col("address").is_not_null() if address is None else pl.col("address") == address
    held = ledger.coverage.filter(named & readings())
    latest = pl.col("height").max().over("address")
    whole, dated = pl.col("complete").fill_null(False), pl.col("height").is_not_null().any()
    denied = pl.col("unit").str.contains(f"/{DENIED}/", literal=True).any()
    said = pl.when(dated).then(whole.any() & ~denied).otherwise(whole.all())
    return (
        held.filter(pl.col("height").eq_missing(latest))
        .group_by("address")
        .agg(
            pl.col("height").max(),
            pl.col("source").sort_by(whole, "unit").last(),
            said.alias("whole"),
        )
        .sort("address")
        .collect()
    )


def _claims(ledger: Ledger, chain: Chain) -> list[Fact]:
    """Count the addresses whose history was read, by what the source says of its completeness."""
    each = histories(ledger)
    known = int(each["whole"].sum())
    return [
        ("addresses read wholly", chain.id, known, None, "the source claims all of their history"),
        (
            "addresses read in part",
            chain.id,
            each.height - known,
            None,
            "the source claims no completeness: what it left out is unknown",
        ),
        *_left_by_budget(ledger, chain),
    ]


def _left_by_budget(ledger: Ledger, chain: Chain) -> list[Fact]:
    """Count the addresses that a budget of requests left unread, where there are any."""
    left = len(left_by_budget(ledger, chain.id))
    note = "a trace would have asked for them next when its budget of requests was spent"
    return [("addresses left by a budget", chain.id, left, None, note)] if left else []
