"""``pool_withdrawals``: of which deposits what pools give can be, and what reveals some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from chainwatch.errors import InputError, expect, refuse
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.table import CHAIN, TIME, TXID, Column, Privacy, Rows, Table
from chainwatch.tracing.mixers.pools import History, MixingPool, Order, Withdrawal, histories
from chainwatch.tracing.mixers.reveals import Reveal, priced, reveals
from chainwatch.units import counted

_POOL = Column.party("pool", "address of the pool")
_TIME = Column("time", TIME, Privacy.TIME, "time of its block", nullable=True)

WITHDRAWALS = Table(
    "withdrawals",
    ("chain", "pool", "txid"),
    "One row per withdrawal, with the deposits of which it can be. Bounds differ where nothing"
    " tells which of two came first.",
    (
        CHAIN,
        _POOL,
        TXID,
        _TIME,
        Column.party("recipient", "who got what is left of a fee; null where that is not clear"),
        Column.party("relayer", "who got the fee; null where there is none"),
        Column.party("signer", "who signed; null where that was not read"),
        Column.count("deposits_before", "deposits of the pool that came before"),
        Column.count("deposits_perhaps", "deposits of which nothing tells whether they did"),
        Column.number("set_least", "fewest of them still there; null where too few were read"),
        Column.number("set_most", "most of them still there; null where too few were read"),
        Column.number("unread", "deposits that must have come before and were not read"),
        Column.number("candidates", "fewest deposits that a reveal ties it to; null without one"),
    ),
)

REVEALS = Table(
    "reveals",
    ("chain", "pool", "txid", "rule"),
    "What ties a withdrawal to some deposits: worth one over the candidates, and a lead.",
    (
        CHAIN,
        _POOL,
        TXID,
        Column.kind("rule", "by which rule"),
        Column.count("candidates", "deposits that it ties the withdrawal to"),
        Column.count("depositors", "who made them"),
    ),
)

CANDIDATES = Table(
    "candidates",
    ("chain", "pool", "txid", "rule", "deposit"),
    "The deposits that a reveal ties a withdrawal to.",
    (
        CHAIN,
        _POOL,
        TXID,
        Column.kind("rule", "by which rule"),
        Column("deposit", pl.Binary, Privacy.TXID, "transaction of the deposit"),
        Column.party("depositor", "who signed it, or who sent it where that was not read"),
        Column.flag("signed", "was it read who signed it"),
        _TIME,
    ),
)

ODD = Table(
    "odd_amounts",
    ("chain", "pool", "txid", "direction", "party", "amount"),
    "What a pool got or gave that is not its amount: no deposit, no withdrawal, and never matched.",
    (
        CHAIN,
        _POOL,
        TXID,
        _TIME,
        Column.kind("direction", "in or out, as the pool sees it"),
        Column.party("party", "who paid it, or who was paid"),
        Column.amount("amount", "how much"),
    ),
)

NO_GAS = "The price of gas was not read: withdrawals of the same price as one deposit are not told."
NO_MINING = "Claims of rewards for mining with deposits were not read: no deposit is told by them."
MATTERS = (
    "Several people can share an address, and a friend or a service can be paid: a reveal is a lead"
    " to one of its candidates, and joins nobody."
)


@dataclass(frozen=True, repr=False, eq=False)
class PoolWithdrawals(Result):
    """Of which deposits the withdrawals of pools can be.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in :data:`WITHDRAWALS`.
    reveals : polars.DataFrame
        Rows in :data:`REVEALS`.
    candidates : polars.DataFrame
        Rows in :data:`CANDIDATES`.
    odd : polars.DataFrame
        Rows in :data:`ODD`.
    notes : tuple of str
        What was not read, and what that leaves open, a sentence each.
    """

    frame: pl.DataFrame
    reveals: pl.DataFrame
    candidates: pl.DataFrame
    odd: pl.DataFrame
    notes: tuple[str, ...]

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "withdrawals": WITHDRAWALS.rows(self.frame),
            "reveals": REVEALS.rows(self.reveals),
            "candidates": CANDIDATES.rows(self.candidates),
            "odd_amounts": ODD.rows(self.odd),
        }

    def words(self) -> Mapping[str, Any]:
        """Return what was not read."""
        return {"notes": list(self.notes)}

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the reveals, with what was not read."""
        told = (
            f"{counted(self.reveals.height, 'reveal ties', 'reveals tie')} withdrawals to deposits."
        )
        return (
            Finding(
                "Withdrawals from pools",
                (told, *self.notes),
                REVEALS.rows(self.reveals),
                innocent=(MATTERS,),
            ),
        )

    def __repr__(self) -> str:
        told = self.frame.filter(pl.col("candidates").is_not_null()).height
        odd = counted(self.odd.height, "odd amount", "odd amounts")
        head = (
            f"PoolWithdrawals({counted(self.frame.height, 'withdrawal', 'withdrawals')},"
            f" {told:,} tied to some deposits, {odd} apart)"
        )
        return "\n  ".join((head, *self.notes))


@recorded
def pool_withdrawals(
    ledger: Ledger, pools: Sequence[MixingPool], *, gas_prices: pl.DataFrame | None = None
) -> PoolWithdrawals:
    """Tell of which deposits the withdrawals of pools can be, and what the published reveals say.

    A pool takes and gives one amount. A withdrawal can be of every deposit before it that was not
    taken out yet; which of them were is not known, so that all before it are candidates. A reveal
    names fewer, and is worth one over their number.

    Parameters
    ----------
    ledger : Ledger
        Account chains. A span narrows which withdrawals are told; deposits are of all times.
    pools : sequence of MixingPool
        Contracts with their asset and amount.
    gas_prices : polars.DataFrame, optional
        ``txid, gas_price`` of transactions; ledgers do not hold prices of gas.

    Returns
    -------
    PoolWithdrawals
        Withdrawals with their sets, reveals with their candidates, and what was not read.

    Raises
    ------
    ArgumentError, InputError
        If there is no pool, or one stands there twice.

    Fails when
    ----------
    Deposits were not read: sets are then too small, and the notes say so. A router pays for many,
    and who signed was not read. Users whose addresses meet by chance, or by a stranger's doing: he
    can pay both, and make candidates, but he cannot take the true one away.

    References
    ----------
    Wu et al., "Tutela", 2022 (the reveals, with their bounds); Wang et al., WWW 2023.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    _check(pools)
    read = histories(ledger, pools)
    prices = (
        None if gas_prices is None else dict(gas_prices.select("txid", "gas_price").iter_rows())
    )
    told = {(history.pool.key, one.txid) for history in read for one in _told(ledger, history)}
    found = [one for one in reveals(ledger, read, prices) if (one.pool, one.txid) in told]
    fewest: dict[tuple[bytes, bytes], int] = {}
    for one in found:
        key = (one.pool, one.txid)
        fewest[key] = min(len(one.candidates), fewest.get(key, len(one.candidates)))
    rows = [row for history in read for row in _rows(ledger, history, fewest)]
    chain = {history.pool.key: history.pool.asset.chain for history in read}
    return PoolWithdrawals(
        WITHDRAWALS.frame(rows),
        REVEALS.frame(_revealed(chain[one.pool], one) for one in found),
        CANDIDATES.frame(row for one in found for row in _candidates(chain[one.pool], one)),
        ODD.frame(row for history in read for row in _odd(history)),
        tuple(_notes(read, prices)),
    )


def _check(pools: Sequence[MixingPool]) -> None:
    for one in pools:
        if not isinstance(one, MixingPool):
            refuse(one, "a pool", "pass MixingPool(address, asset, amount)")
    keys = [(one.asset.chain, one.key) for one in pools]
    if not keys or len(set(keys)) < len(keys):
        raise InputError(
            "a pool stands there twice" if keys else "no pool was given",
            remedy="pass each contract once, with the one amount that it takes",
        )


def _told(ledger: Ledger, history: History) -> Iterator[Withdrawal]:
    """Yield the withdrawals in the span; one of no known time is in no span."""
    for one in history.withdrawals:
        time, open_ = one.at.time, ledger.start is None and ledger.end is None
        if open_ or (
            time is not None
            and (ledger.start is None or time >= ledger.start)
            and (ledger.end is None or time < ledger.end)
        ):
            yield one


def _rows(
    ledger: Ledger, history: History, fewest: Mapping[tuple[bytes, bytes], int]
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of the withdrawals of a pool."""
    pool, paid = history.pool, Order((one.at, 1) for one in history.deposits)
    taken = Order((one.at, one.times) for one in history.withdrawals)
    for one in _told(ledger, history):
        sure, perhaps = paid.before(one.at)
        gone, doubt = taken.before(one.at)
        if one.at.before(one.at) is None:
            doubt -= one.times  # itself
        least, most = sure - gone - doubt, sure + perhaps - gone
        unread = max(0, one.times - most)
        known = None if unread else (max(one.times, least), most)
        yield (
            pool.asset.chain, pool.key, one.txid, one.at.time, one.recipient, one.relayer,
            one.signer, sure, perhaps, known and known[0], known and known[1], unread or None,
            fewest.get((pool.key, one.txid)),
        )  # fmt: skip


def _revealed(chain: str, one: Reveal) -> tuple[Any, ...]:
    depositors = len({deposit.depositor for deposit in one.candidates})
    return (chain, one.pool, one.txid, one.rule, len(one.candidates), depositors)


def _candidates(chain: str, one: Reveal) -> Iterator[tuple[Any, ...]]:
    for deposit in one.candidates:
        yield (
            chain, one.pool, one.txid, one.rule, deposit.txid, deposit.depositor, deposit.signed,
            deposit.at.time,
        )  # fmt: skip


def _odd(history: History) -> Iterator[tuple[Any, ...]]:
    pool = history.pool
    for one in history.odd:
        yield (
            pool.asset.chain, pool.key, one.txid, one.at.time, one.direction, one.party, one.amount
        )  # fmt: skip


def _notes(read: Sequence[History], prices: Mapping[bytes, int] | None) -> Iterator[str]:
    """Yield what was not read, and what that leaves open."""
    partly = sum(not history.whole for history in read)
    if partly:
        yield (
            f"Of {counted(partly, 'pool', 'pools')} no source claims to have told the whole"
            " history: where deposits were not read, sets are larger than told."
        )
    alone = sum(len(history.deposits) == 1 for history in read)
    if alone:
        yield (
            f"{counted(alone, 'pool has', 'pools have')} one deposit: what was taken out can be of"
            " no other that was read, and nothing hides it."
        )
    unsigned = sum(not one.signed for history in read for one in history.deposits)
    if unsigned:
        yield (
            f"Of {counted(unsigned, 'deposit', 'deposits')} it was not read who signed: who sent"
            " them stands there, and may be a router."
        )
    silent = sum(one.signer is None for history in read for one in history.withdrawals)
    if silent:
        yield (
            f"Of {counted(silent, 'withdrawal', 'withdrawals')} it was not read who signed:"
            " whether a relayer did is not known."
        )
    given = prices or {}
    if not all(
        priced(history, given) and all(one.txid in given for one in history.withdrawals)
        for history in read
    ):
        yield NO_GAS
    yield NO_MINING
