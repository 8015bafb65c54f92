"""``pool_withdrawals``: of which deposits what pools give can be, and what reveals some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from chainwatch.errors import InputError, expect, refuse
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.roles import Roles, parties_of
from chainwatch.results.table import Rows
from chainwatch.tracing.mixers.given_tables import claims_of, gas_prices_of
from chainwatch.tracing.mixers.pool_tables import (
    CANDIDATES,
    MINED,
    ODD,
    POOLS,
    REVEALS,
    UNREAD,
    WITHDRAWALS,
)
from chainwatch.tracing.mixers.pools import History, MixingPool, Order, Withdrawal, histories
from chainwatch.tracing.mixers.reveals import Reveal, priced, reveals
from chainwatch.tracing.mixers.rewards.logged_claims import LoggedClaims, claims_logged
from chainwatch.tracing.mixers.rewards.mining import Fit, fits, told_of
from chainwatch.units import counted

NO_GAS = "The price of gas was not read: withdrawals of the same price as one deposit are not told."
NO_MINING = (
    "Claims of rewards for deposits were not asked for: no deposit is told by how long it lay"
    " there."
)
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
    pools, unread : polars.DataFrame
        Rows in :data:`POOLS` and :data:`UNREAD`: what was asked about, and what of it was not read.
    mined : polars.DataFrame
        Rows in :data:`MINED`; none where no claims were given.
    """

    frame: pl.DataFrame
    reveals: pl.DataFrame
    candidates: pl.DataFrame
    odd: pl.DataFrame
    notes: tuple[str, ...]
    pools: pl.DataFrame = field(default_factory=POOLS.empty)
    unread: pl.DataFrame = field(default_factory=UNREAD.empty)
    mined: pl.DataFrame = field(default_factory=MINED.empty)

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "withdrawals": WITHDRAWALS.rows(self.frame),
            "reveals": REVEALS.rows(self.reveals),
            "candidates": CANDIDATES.rows(self.candidates),
            "odd_amounts": ODD.rows(self.odd),
            "pools": POOLS.rows(self.pools),
            "unread_spans": UNREAD.rows(self.unread),
            "mining_claims": MINED.rows(self.mined),
        }

    def roles(self) -> Roles:
        """Return that the pools are nobody's wallets: whoever uses one is masked beside it."""
        return Roles(alone=parties_of(self.pools, "pool"))

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
    ledger: Ledger, pools: Sequence[MixingPool], *, gas_prices: pl.DataFrame | None = None,
    claims: pl.DataFrame | str | bytes | None = None,
) -> PoolWithdrawals:  # fmt: skip
    """Tell of which deposits the withdrawals of pools can be, and what the published reveals say.

    A pool takes and gives one amount. A withdrawal can be of every deposit before it that was not
    taken out yet; which of them were is not known, so that all before it are candidates. A reveal
    names fewer, and is worth one over their number.

    Parameters
    ----------
    ledger : Ledger
        Account chains. A span narrows which withdrawals are told; deposits are of all times.
    pools : sequence of MixingPool
        Contracts with their asset and amount; with the points of a block where claims are given.
    gas_prices : polars.DataFrame, optional
        ``txid, gas_price`` of transactions; ledgers do not hold prices of gas.
    claims : polars.DataFrame, str or bytes, optional
        Claims of rewards for deposits (Tornado's anonymity mining): the contract that pays for
        points, whose logs a ledger keeps, or a table ``txid, recipient, points``, and ``height``
        where it is known. Points are all that were taken out, a relayer's fee included; what one
        got before, when the reward was booked, no log of the claim says: it is to be added.

    Returns
    -------
    PoolWithdrawals
        Withdrawals with their sets, reveals with their candidates, and what was not read.

    Raises
    ------
    ArgumentError, InputError, AddressError, ChainError
        If there is no pool, or one stands there twice; if claims are given and no pool has points;
        if a table lacks a column, or a row of it does not fit.

    Fails when
    ----------
    Deposits were not read: sets are then too small, and the notes say so. A router pays for many,
    and who signed was not read. Users whose addresses meet by chance, or by a stranger's doing: he
    can pay both, and make candidates, but he cannot take the true one away. A claim is for several
    deposits, or a rate was another then: it fits none, or a wrong pair by chance, and how often
    that happens is said.

    References
    ----------
    Wu et al., "Tutela", 2022 (the reveals, with their bounds); Wang et al., WWW 2023. Points are
    rate times blocks by the circuit ``Reward`` of Tornado's anonymity mining.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    _check(pools)
    _check_rates(pools, asked=claims is not None)
    chains = [one.asset.chain for one in pools]
    prices, given = gas_prices_of(gas_prices, chains), _claims(ledger, claims, chains)
    read = histories(ledger, pools)
    mined = list(fits(read, given.claims)) if given else []
    said = [*told_of(mined, read), *given.notes] if given else [NO_MINING]
    notes = [*_notes(read, prices), *said]
    told = {(history.pool.key, one.txid) for history in read for one in _told(ledger, history)}
    found = [one for one in reveals(ledger, read, prices, mined) if (one.pool, one.txid) in told]
    return _result(ledger, read, found, mined, notes)


def _claims(
    ledger: Ledger, claims: pl.DataFrame | str | bytes | None, chains: Sequence[str]
) -> LoggedClaims | None:
    """Return the claims of a table, or those that a contract logged; None where none are asked."""
    if not isinstance(claims, (str, bytes)):
        listed = claims_of(claims, chains)
        return None if listed is None else LoggedClaims(tuple(listed), ())
    if len(set(chains)) > 1:
        raise InputError(
            "pools of several chains, and a contract of one that pays for points",
            remedy="ask about the pools of its chain alone, or pass the claims as a table",
        )
    return claims_logged(ledger, claims, chains[0])


def _result(
    ledger: Ledger, read: Sequence[History], found: Sequence[Reveal], mined: Sequence[Fit],
    notes: Sequence[str],
) -> PoolWithdrawals:  # fmt: skip
    """Return what was read of pools and what reveals some of it, in tables."""
    fewest: dict[tuple[bytes, bytes], int] = {}
    for one in found:
        key = (one.pool, one.txid)
        fewest[key] = min(len(one.candidates), fewest.get(key, len(one.candidates)))
    chain = {history.pool.key: history.pool.asset.chain for history in read}
    return PoolWithdrawals(
        WITHDRAWALS.frame(row for history in read for row in _rows(ledger, history, fewest)),
        REVEALS.frame(_revealed(chain[one.pool], one) for one in found),
        CANDIDATES.frame(row for one in found for row in _candidates(chain[one.pool], one)),
        ODD.frame(row for history in read for row in _odd(history)),
        tuple(notes),
        POOLS.frame(map(_pool, read)),
        UNREAD.frame(
            (one.pool.asset.chain, one.pool.key, *span) for one in read for span in one.unread
        ),
        MINED.frame(map(_mined, mined)),
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


def _check_rates(pools: Sequence[MixingPool], *, asked: bool) -> None:
    if asked and all(one.points is None for one in pools):
        raise InputError(
            "claims were given, and of no pool what a deposit earns for each block",
            remedy="pass MixingPool(..., points=...) as the contract that rewards them had it",
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


def _pool(history: History) -> tuple[Any, ...]:
    pool = history.pool
    return (
        pool.asset.chain, pool.key, pool.asset.contract, pool.asset.decimals, pool.amount,
        pool.points, len(history.deposits), sum(one.times for one in history.withdrawals),
        len(history.odd), history.whole,
    )  # fmt: skip


def _mined(fit: Fit) -> tuple[Any, ...]:
    one, pair = fit.claim, fit.pair
    sides = (pair.pool, pair.deposit.txid, pair.withdrawal.txid) if pair else (None, None, None)
    return (
        one.chain, one.txid, one.recipient, one.points, fit.own, fit.pairs, *sides, fit.moves,
        fit.matched,
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
