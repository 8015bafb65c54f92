"""``batched_payments``: which payments a contract made for somebody, and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from chainwatch.completion import names_of
from chainwatch.errors import InputError, expect
from chainwatch.heuristics.accounts.account_links import account_chains
from chainwatch.heuristics.accounts.batches import PASSED, batches
from chainwatch.heuristics.accounts.facts import AccountFacts
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import TRANSFERS
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import Column, Privacy, Rows

BATCHED = TRANSFERS.pick(
    "chain", "txid", "kind", "log_index", "trace_path", "occurrence", "tx", "time", "contract",
    "receiver", "amount", name="batched",
    key=("chain", "txid", "kind", "log_index", "trace_path", "contract", "receiver", "amount",
         "occurrence"),
).plus(
    Column.party("through", "contract that paid, with what it was given in this transaction"),
    Column("payer", pl.Binary, Privacy.PARTY, "who gave it; null where several did", nullable=True),
    Column.count("payers", "how many gave it"),
    Column.count("payees", "how many were paid, beside whoever gave"),
    Column.flag("certain", "true; null where several gave, or not all of the contract was read"),
)  # fmt: skip
"""Payments of contracts that keep nothing, with whose they are."""


@dataclass(frozen=True, repr=False, eq=False)
class BatchedPayments(Result):
    """Payments that contracts made for somebody in one transaction.

    Those who were paid have one payer in common, and nothing else: they are not one owner.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in :data:`BATCHED`, a payment each; what is given back to the payer is none.
    """

    frame: pl.DataFrame

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {"batched": BATCHED.rows(self.frame)}

    @property
    def certain(self) -> pl.DataFrame:
        """The payments whose payer is known."""
        return self.frame.filter(pl.col("certain"))

    @property
    def undecided(self) -> pl.DataFrame:
        """The payments of which it is not known who paid them."""
        return self.frame.filter(pl.col("certain").is_null())

    def __repr__(self) -> str:
        batched = self.certain.select("chain", "txid", "contract", "through").n_unique()
        return (
            f"BatchedPayments({self.certain.height:,} payments in {batched:,} batches,"
            f" {self.undecided.height:,} undecided)"
        )


@recorded
def batched_payments(ledger: Ledger, *, payees: int = 2) -> BatchedPayments:
    """Return the payments that contracts made with what one gave them in the same transaction.

    A contract that keeps nothing of an asset in a transaction is no party of it: whoever gave paid
    those whom it paid. Rules on accounts read payments so rewritten.

    Parameters
    ----------
    ledger : Ledger
        Account chains; coin chains have no contracts. Whether a contract keeps nothing rests on all
        that was read of it, whatever the span.
    payees : int
        Fewest who are paid, beside whoever is given back.

    Returns
    -------
    BatchedPayments
        A row for each payment; those of contracts that keep something are in none.

    Raises
    ------
    InputError
        If no payee is asked for.

    Fails when
    ----------
    A contract keeps a fee, in this asset: it is taken for the payer then. Where several give,
    nobody knows who paid whom. A trade that is split between pools looks like a batch.

    References
    ----------
    Multisenders such as Disperse; that edges are to be rewritten to their payer is practice.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(payees, int, "payees", "give a whole number")
    if payees < 1:
        raise InputError(f"a batch to {payees}", remedy="ask for one who is paid, or more")
    found = [_told(AccountFacts(ledger.history, chain), payees) for chain in account_chains(ledger)]
    rows = pl.concat([BATCHED.empty(), *found])
    if ledger.start is not None:
        rows = rows.filter(pl.col("time") >= ledger.start)
    if ledger.end is not None:
        rows = rows.filter(pl.col("time") < ledger.end)
    return BatchedPayments(rows.sort("chain", "time", "tx", *BATCHED.key, nulls_last=True))


def _told(facts: AccountFacts, payees: int) -> pl.DataFrame:
    rows = facts.movements
    found = batches(rows, facts.read, payees=payees)
    paid = rows.join(
        found, left_on=["txid", "contract", "sender"], right_on=PASSED, how="inner",
        nulls_equal=True,
    ).with_columns(through="sender")  # fmt: skip
    told = paid.filter(pl.col("payer").ne_missing(pl.col("receiver"))).join(
        found.select("txid", "contract", receiver="through"),  # on the way, and no payee
        on=["txid", "contract", "receiver"], how="anti", nulls_equal=True,
    )  # fmt: skip
    return told.select(pl.col(name).cast(kind) for name, kind in BATCHED.schema.items())


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
