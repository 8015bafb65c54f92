"""What each check of a ledger asserts, and its verdict on every transaction, block or row.

A verdict is true, false, or null for *unread*: what it needs was not read. Sums are exact
or refused; they never wrap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from chainwatch.chains.catalogue import all_chains
from chainwatch.ledger import schema
from chainwatch.ledger.checks.places import OF_TRANSACTIONS, PLACED, told_places
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.output_status import OutputStatus
from chainwatch.ledger.spend_order import may_spend_from
from chainwatch.ledger.unread.rows_apart import KIND
from chainwatch.units import exact_sum

_TX = ["chain", "tx"]
_POSITIONS = 1 << schema.POSITION_BITS


@dataclass(frozen=True)
class Check:
    """One check: its name, what it asserts, what ``at`` counts, and how it is computed.

    ``verdicts`` returns a frame ``chain, at, holds``; ``holds`` null is *unread*, ``at`` is a
    transaction number (``tx``), a height (``height``) or nothing.
    """

    name: str
    asserts: str
    at: str
    verdicts: Callable[[Ledger], pl.LazyFrame]


def _counted(rows: pl.LazyFrame, name: str) -> pl.LazyFrame:
    return rows.group_by(_TX).agg(pl.len().cast(pl.Int64).alias(name))


def _fees(ledger: Ledger) -> pl.LazyFrame:
    """Return ``chain, tx, block, fee`` of the transactions that spend; null fee is unread."""
    spent = ledger.inputs.group_by(_TX).agg(
        exact_sum("value").alias("spent"),
        pl.len().cast(pl.Int64).alias("rows"),
        pl.col("value").null_count().alias("unread"),
    )
    known = (pl.col("rows") == pl.col("input_count")) & (pl.col("unread") == 0)
    fee = pl.col("spent") - pl.col("output_value").cast(schema.AMOUNT)
    return (
        ledger.transactions.filter(~pl.col("coinbase"))
        .join(spent, on=_TX, how="left")
        .select(*_TX, "block", pl.when(known).then(fee).alias("fee"))
    )


def _fee_not_negative(ledger: Ledger) -> pl.LazyFrame:
    return _fees(ledger).select("chain", at="tx", holds=pl.col("fee") >= 0)


def _subsidy(ledger: Ledger) -> pl.LazyFrame:
    """Return ``chain, block, height, tx_count, subsidy``; null where the schedule is not known."""
    coins = [item for item in all_chains() if item.family == "utxo"]
    known = pl.LazyFrame(
        {
            "chain": [item.id for item in coins],
            "first": [item.consensus and item.consensus.first_subsidy for item in coins],
            "interval": [item.consensus and item.consensus.halving for item in coins],
        },
        schema={"chain": pl.String, "first": pl.Int64, "interval": pl.Int64},
    )
    blocks = ledger.blocks.select("chain", "height", "tx_count", block="hash")
    halved = (pl.col("height") // pl.col("interval")).clip(0, 62)
    subsidy = pl.col("first") // pl.lit(2, pl.Int64).pow(halved)
    return blocks.join(known, on="chain").with_columns(subsidy.alias("subsidy"))


def _reward_within_subsidy(ledger: Ledger) -> pl.LazyFrame:
    block = ["chain", "block"]
    fees = (
        _fees(ledger)
        .group_by(block)
        .agg(exact_sum("fee").alias("fees"), pl.col("fee").null_count().alias("unread"))
    )
    minted = pl.when("coinbase").then("output_value").alias("minted")
    made = (
        ledger.transactions.with_columns(minted)
        .group_by(block)
        .agg(
            exact_sum("minted").alias("reward"),
            pl.len().cast(pl.Int64).alias("rows"),
        )
    )
    known = (pl.col("rows") == pl.col("tx_count")) & (pl.col("unread").fill_null(0) == 0)
    allowed = pl.col("subsidy").cast(schema.AMOUNT) + pl.col("fees").fill_null(0)
    return (
        _subsidy(ledger)
        .join(made, on=block, how="left")
        .join(fees, on=block, how="left")
        .select("chain", at="height", holds=pl.when(known).then(pl.col("reward") <= allowed))
    )


def _output_value(ledger: Ledger) -> pl.LazyFrame:
    paid = ledger.outputs.group_by(_TX).agg(exact_sum("value").alias("paid"))
    stated = pl.col("output_value").cast(schema.AMOUNT)
    joined = ledger.transactions.join(paid, on=_TX, how="left")
    return joined.select("chain", at="tx", holds=stated == pl.col("paid").fill_null(0))


def _input_count(ledger: Ledger) -> pl.LazyFrame:
    rows = ledger.transactions.join(_counted(ledger.inputs, "rows"), on=_TX, how="left")
    holds = pl.col("input_count") == pl.col("rows").fill_null(0)
    coinbase = (pl.col("input_count") == 0) == pl.col("coinbase")
    return rows.select("chain", at="tx", holds=holds & coinbase)


def _output_count(ledger: Ledger) -> pl.LazyFrame:
    rows = ledger.transactions.join(_counted(ledger.outputs, "rows"), on=_TX, how="left")
    holds = pl.col("output_count") == pl.col("rows").fill_null(0)
    return rows.select("chain", at="tx", holds=holds)


def _parts_have_transaction(ledger: Ledger) -> pl.LazyFrame:
    tables = (ledger.inputs, ledger.outputs, ledger.output_keys, ledger.input_keys)
    parts = [table.select(_TX) for table in tables]
    known = ledger.transactions.select(*_TX, pl.lit(True).alias("known")).unique(_TX)
    rows = pl.concat(parts).unique().join(known, on=_TX, how="left")
    return rows.select("chain", at="tx", holds=pl.col("known").fill_null(False))


def _prevouts(ledger: Ledger) -> pl.LazyFrame:
    """An input says what the output says that it spends; unread if that block was not read.

    It fails where what it spends was read but stands after it, and where every block below was
    read and none made it: then there is no such output.
    """
    paid = ledger.outputs.select(
        "chain", "value", "address", "script_kind", prev_tx="tx", prev_n="n", held=pl.lit(True)
    ).unique(["chain", "prev_tx", "prev_n"])
    made = ledger.transactions.select("chain", prev_tx="tx", made_txid="txid")
    read = ledger.blocks.select("chain", prev_height="height", read=pl.lit(True)).unique()
    ids = ledger.transactions.select("chain", prev_txid="txid", listed=pl.lit(True)).unique()
    rows = (
        ledger.inputs.with_columns(prev_height=pl.col("prev_tx") // _POSITIONS)
        .join(paid, on=["chain", "prev_tx", "prev_n"], how="left", suffix="_paid")
        .join(made.unique(["chain", "prev_tx"]), on=["chain", "prev_tx"], how="left")
        .join(read, on=["chain", "prev_height"], how="left")
        .join(ids, on=["chain", "prev_txid"], how="left")
        .join(_whole_below(ledger), on="chain", how="left")
    )
    same = [
        pl.col(name).eq_missing(pl.col(f"{name}_paid"))
        for name in ("value", "address", "script_kind")
    ]
    older = may_spend_from("prev_tx")
    agrees = pl.all_horizontal(*same, pl.col("prev_txid") == pl.col("made_txid"), older)
    nowhere = pl.col("listed") | (pl.col("tx") // _POSITIONS <= pl.col("whole_below"))
    lost = pl.col("prev_tx").is_null() & nowhere.fill_null(False)
    absent = pl.when(pl.col("read").is_not_null() | ~older | lost).then(False)
    holds = pl.when(pl.col("held").is_not_null()).then(agrees).otherwise(absent)
    return rows.select("chain", at="tx", holds=holds)


def _unlocked(ledger: Ledger) -> pl.LazyFrame:
    """Unread where the output was not read; an unlocking that names nobody denies nothing.

    A script of taproot can be made to look like the unlocking of somebody's key. So of such an
    output a denial proves no damage, and nobody can make a ledger fail with one: it is undecided.
    """
    read = pl.when(pl.col("value").is_not_null()).then(True)
    denied = pl.col("address_basis") == schema.DISPUTED
    imitable = pl.col("script_kind") == "p2tr"
    holds = pl.when(denied & imitable).then(None).when(denied).then(False).otherwise(read)
    return ledger.inputs.select("chain", at="tx", holds=holds)


def _whole_below(ledger: Ledger) -> pl.LazyFrame:
    """Return ``chain, whole_below``: the height up to which every block was read whole."""
    read = ledger.coverage.select("chain").unique().collect()["chain"].to_list()
    rows = [
        (item.id, told.height)
        for item in all_chains()
        if item.id in read and item.family == "utxo"
        and (told := OutputStatus.read(ledger, item).every_block())
    ]  # fmt: skip
    return pl.LazyFrame(rows, schema={"chain": pl.String, "whole_below": pl.Int64}, orient="row")


def _spent_once(ledger: Ledger) -> pl.LazyFrame:
    """Distinct transactions of one txid (BIP30) are told apart where their number is known."""
    number = pl.col("prev_tx")
    groups = ledger.inputs.group_by("chain", "prev_txid", "prev_n").agg(
        pl.col("tx").max().alias("at"),
        (number.drop_nulls().n_unique() == number.count()).alias("apart"),
        number.null_count().alias("unknown"),
        pl.len().alias("spends"),
    )
    mixed = (pl.col("unknown") == 1) & (pl.col("spends") > 1) & pl.col("apart")
    once = pl.col("apart") & (pl.col("unknown") <= 1)
    return groups.select("chain", "at", holds=pl.when(~mixed).then(once))


def _linked_to_parent(ledger: Ledger) -> pl.LazyFrame:
    blocks = ledger.blocks.select("chain", "height", "hash", "parent")
    below = blocks.group_by("chain", pl.col("height") + 1).agg(pl.col("hash").alias("hashes"))
    linked = pl.col("parent").is_in(pl.col("hashes"))
    first = pl.when(pl.col("height") == 0).then(pl.col("parent") == bytes(32))
    holds = pl.when(pl.col("hashes").is_null()).then(first).otherwise(linked)
    rows = blocks.join(below, on=["chain", "height"], how="left")
    return rows.select("chain", at="height", holds=holds)


def _one_place(ledger: Ledger) -> pl.LazyFrame:
    """Blocks that were read whole and those that histories vouch for: each has one place."""
    whole = ledger.blocks.select("chain", "height", "hash")
    vouched = ledger.transactions.select("chain", "height", hash="block")
    held = pl.concat([whole, vouched]).unique()
    heights = held.group_by("chain", "hash").agg(pl.col("height").n_unique().alias("heights"))
    single = (pl.col("hash").n_unique() == 1) & (pl.col("heights").max() == 1)
    placed = held.join(heights, on=["chain", "hash"])
    return placed.group_by("chain", at="height").agg(single.alias("holds"))


def _tx_count(ledger: Ledger) -> pl.LazyFrame:
    """A block that was read whole has all its transactions; of another, some may be unread.

    On account chains each is a payment, if of nothing, and the height is that of the block. On Tron
    a transaction may move and bind nothing: then no row tells of it, and none is judged.
    """
    rows = ledger.transactions.group_by("chain", hash="block").agg(
        pl.len().cast(pl.Int64).alias("rows")
    )
    paid = ledger.transfers.filter(pl.col("kind") == "native").group_by("chain", "height")
    payments = paid.agg(pl.col("txid").n_unique().cast(pl.Int64).alias("payments"))
    whole = ledger.coverage.filter(pl.col("kind") == "block")
    covered = whole.select("chain", hash="block", covered=pl.lit(True)).unique()
    held, stated = pl.coalesce("rows", "payments").fill_null(0), pl.col("tx_count")
    rowless = [chain.id for chain in all_chains() if chain.family == "tron"]
    must = (pl.col("covered").is_not_null() | (held >= stated)) & ~pl.col("chain").is_in(rowless)
    joined = ledger.blocks.join(rows, on=["chain", "hash"], how="left").join(
        payments, on=["chain", "height"], how="left"
    )
    return joined.join(covered, on=["chain", "hash"], how="left").select(
        "chain", at="height", holds=pl.when(must).then(held == stated)
    )


def _placed(ledger: Ledger) -> pl.LazyFrame:
    """A transaction's number, height and time are those of its place; unread without its block."""
    number = pl.col("height") * _POSITIONS + pl.col("position")
    blocks = ledger.blocks.select("chain", block="hash", at_height="height", at_time="time")
    rows = ledger.transactions.join(
        blocks.unique(["chain", "block"]), on=["chain", "block"], how="left"
    )
    same = (pl.col("height") == pl.col("at_height")) & (pl.col("time") == pl.col("at_time"))
    holds = pl.when(pl.col("tx") != number).then(False).otherwise(same)
    return rows.select("chain", at="tx", holds=holds)


def _one_telling(ledger: Ledger) -> pl.LazyFrame:
    """Whatever table tells of a transaction: one time, height and position, where it says any."""
    told = told_places({name: ledger.table(name) for name in PLACED})
    one = [pl.col(name).drop_nulls().n_unique() <= 1 for name in OF_TRANSACTIONS]
    groups = told.drop_nulls("txid").group_by("chain", "txid")
    return groups.agg(at=pl.col("tx").max(), holds=pl.all_horizontal(one)).drop("txid")


def _amounts_not_negative(ledger: Ledger) -> pl.LazyFrame:
    """Rows set apart stand in no transfer: what they moved is counted as unread."""
    outputs = ledger.outputs.select("chain", at="tx", holds=pl.col("value") >= 0)
    moved = ledger.transfers.select("chain", at="tx", holds=pl.col("amount") >= 0)
    unread = pl.lit(None, pl.Boolean).repeat_by("apart").alias("holds")
    apart = (
        ledger.coverage.filter((pl.col("kind") == KIND) & pl.col("address").is_null())
        .select("chain", pl.lit(None, pl.Int64).alias("at"), unread)
        .explode("holds")
    )
    return pl.concat([outputs, moved, apart])


def _unique_keys(table: schema.Table) -> Check:
    def verdicts(ledger: Ledger) -> pl.LazyFrame:
        rows = ledger.table(table.name)
        chain = "chain" if "chain" in table.schema else pl.lit("").alias("chain")
        groups = rows.group_by(table.key).agg(pl.len().alias("rows"))
        at = pl.lit(None, pl.Int64).alias("at")
        return groups.select(chain, at, holds=pl.col("rows") == 1)

    columns = ", ".join(table.key)
    return Check(f"unique {table.name}", f"no two rows share {columns}", "", verdicts)


CHECKS: tuple[Check, ...] = (
    Check("fee", "what a transaction spends is at least what it pays", "tx", _fee_not_negative),
    Check(
        "reward",
        "a coinbase pays at most subsidy and fees; not judged for Dogecoin",
        "height",
        _reward_within_subsidy,
    ),
    Check("output value", "output_value is the sum of the outputs", "tx", _output_value),
    Check(
        "input count", "input_count is the number of inputs; 0 is a coinbase", "tx", _input_count
    ),
    Check("output count", "output_count is the number of outputs", "tx", _output_count),
    Check(
        "parts", "inputs, outputs and keys belong to a transaction", "tx", _parts_have_transaction
    ),
    Check("prevout", "an input agrees with the earlier output that it spends", "tx", _prevouts),
    Check("unlocked", "no output was read whose owner its unlocking denies", "tx", _unlocked),
    Check("spent once", "no output is spent twice", "tx", _spent_once),
    Check("parent", "the block below is the parent", "height", _linked_to_parent),
    Check(
        "one block",
        "a height has one block, and a block one height",
        "height",
        _one_place,
    ),
    Check("tx count", "tx_count is the number of transactions", "height", _tx_count),
    Check("place", "number, height and time are those of the block", "tx", _placed),
    Check("transaction", "a transaction has one time, height and position", "tx", _one_telling),
    Check("amount", "no amount is negative", "tx", _amounts_not_negative),
    *(_unique_keys(table) for table in schema.TABLES),
)
"""All checks, in the order of the report. For account chains those of blocks, *transaction*,
*amount* and the keys apply."""
