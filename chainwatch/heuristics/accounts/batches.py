"""Batch senders: contracts that pay many with what one gave them in the same transaction.

Who pays by such a contract stands nowhere as the payer of anybody: he pays the contract, and the
contract pays. It is no party: it keeps nothing. Its payments are his, and those who were paid are
paid by one, not one themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Set

import polars as pl

PASSED = ["txid", "contract", "through"]
"""What names a batch: the transaction, the asset, and the contract that pays on."""

_HALF = 10**19


def batches(
    rows: pl.DataFrame, read: Callable[[bytes | None], Set[bytes]], *, payees: int = 2
) -> pl.DataFrame:
    """Return what contracts paid on whole in one transaction.

    Parameters
    ----------
    rows : polars.DataFrame
        All payments of a chain that took effect: ``txid, contract, sender, receiver, amount``.
    read : callable
        Of an asset the addresses of which every transfer was read.
    payees : int
        Fewest who are paid, beside whoever is given back.

    Returns
    -------
    polars.DataFrame
        ``txid, contract, through, payer, payers, payees, certain``: the payer is null where
        several gave, and ``certain`` then too, for nothing tells who paid whom; also where not
        every transfer of the contract was read.

    Fails when
    ----------
    A contract keeps a fee: its payments are its own then. A route of a trade that is split between
    two pools looks the same, and is paid by the trader all the same.
    """
    into = _summed(rows, "receiver", "sender", "payers", "came")
    out = _summed(rows, "sender", "receiver", "payees", "went")
    both = into.join(out, on=PASSED, nulls_equal=True).filter(pl.col("came") == pl.col("went"))
    passing = both.with_columns(
        payer=pl.when(pl.col("payers").list.len() == 1).then(pl.col("payers").list.first()),
        payees=pl.col("payees").list.set_difference("payers").list.len().cast(pl.Int64),
        payers=pl.col("payers").list.len().cast(pl.Int64),
    )
    given = _with_givers(passing.filter(pl.col("payees") >= payees), passing)
    assets = given.select("contract").unique()["contract"].to_list()
    known = {contract: read(contract) for contract in assets}
    sure = [
        payer is not None and through in known[contract]
        for contract, through, payer in given.select("contract", "through", "payer").iter_rows()
    ]
    certain = pl.when(pl.Series(sure, dtype=pl.Boolean)).then(True)
    found = _by_origin(given.with_columns(certain=certain))
    return found.select(*PASSED, "payer", "payers", "payees", "certain").sort(
        PASSED, nulls_last=True
    )


def _with_givers(given: pl.DataFrame, passing: pl.DataFrame) -> pl.DataFrame:
    """Return batches, and the contracts by way of which they were given what they paid."""
    found, last = given, given
    while not last.is_empty():
        wanted = last.select("txid", "contract", through="payer")
        more = passing.filter(pl.col("payer").is_not_null())
        last = more.join(wanted, on=PASSED, how="semi", nulls_equal=True).join(
            found.select(PASSED), on=PASSED, how="anti", nulls_equal=True
        )
        found = pl.concat([found, last])
    return found


def _by_origin(found: pl.DataFrame) -> pl.DataFrame:
    """Return batches with whoever gave first; certain where every contract on the way is."""
    rows = {
        tuple(row[:3]): row[3:] for row in found.select(*PASSED, "payer", "certain").iter_rows()
    }
    payers: list[bytes | None] = []
    certain: list[bool | None] = []
    for txid, contract, through in found.select(PASSED).iter_rows():
        seen, at, sure = {through}, through, True
        while at is not None and (txid, contract, at) in rows:
            at, told = rows[txid, contract, at]
            sure = sure and bool(told)
            if at in seen:  # they pay each other round: nobody gave
                at = None
            seen.add(at)
        payers.append(at)
        certain.append(True if sure and at is not None else None)
    return found.with_columns(
        payer=pl.Series(payers, dtype=pl.Binary), certain=pl.Series(certain, dtype=pl.Boolean)
    )


def _summed(rows: pl.DataFrame, side: str, other: str, who: str, total: str) -> pl.DataFrame:
    """Return of each transaction and asset what an address got, or paid, and from whom, or whom.

    Sums are exact at any width: upper and lower digits are added apart.
    """
    wide = pl.col("amount").cast(pl.Int128)
    high, low = (wide // _HALF).sum(), (wide % _HALF).sum()
    return (
        rows.group_by("txid", "contract", pl.col(side).alias("through"))
        .agg(
            pl.col(other).unique().sort().alias(who),
            pl.struct(high=high + low // _HALF, low=low % _HALF).alias(total),
        )
    )  # fmt: skip


def by_payer(rows: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Return payments with those of batches made by their payer, in their order.

    What he gave the contract, and what it gave back, are no payments of their own and left out.
    Batches that are not certain stay as they are. ``through`` is the contract of those that were
    rewritten.
    """
    paid = with_payer(rows, found.filter("certain"))
    kept = paid.filter(pl.col("payer").is_null() | (pl.col("payer") != pl.col("receiver")))
    through = pl.when(pl.col("payer").is_not_null()).then("sender").alias("through")
    by = kept.with_columns(through, pl.coalesce("payer", "sender").alias("sender")).drop("payer")
    given = found.filter("certain").select("txid", "contract", receiver="through", sender="payer")
    to_it = ["txid", "contract", "receiver", "sender"]
    return by.join(given, on=to_it, how="anti", nulls_equal=True, maintain_order="left")


def with_payer(rows: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Return payments in their order, with the payer of those that a batch made; else null."""
    return rows.join(
        found.select(*PASSED, "payer"), left_on=["txid", "contract", "sender"], right_on=PASSED,
        how="left", maintain_order="left", nulls_equal=True,
    )  # fmt: skip
