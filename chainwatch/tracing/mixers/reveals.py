"""Published reveals of pools: what ties a withdrawal to some of the deposits before it.

Each names its candidates, and is worth one over their number. They say how often users were
careless, not how often the rule is right.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import polars as pl

from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.mixers.pools import Deposit, History, Moment, Withdrawal, earlier
from chainwatch.tracing.mixers.rewards.mining import Fit

ADDRESS, GAS, LINKED, MULTI, MINED = (
    "address match",
    "unique gas price",
    "linked address",
    "several pools alike",
    "claim of rewards",
)
RULES: tuple[str, ...] = (ADDRESS, GAS, LINKED, MULTI, MINED)
"""Every reveal, written out."""

LINKS = 3
"""Fewest transactions between a depositor and a recipient, apart from the pool."""

MOST_BETWEEN = timedelta(hours=24)
FEWEST = 5
"""Of several pools alike: time within which each side acts, and fewest withdrawals: Tutela's code
asks for five, its text for three."""

FIXED_PRICES_UNTIL = datetime(2021, 8, 5, 12, 33, 42, tzinfo=UTC)
"""Until the block of EIP-1559 whoever paid chose one price of gas; after it prices follow the
block, and tell nobody apart."""
FIXED_PRICES_OF = chain_of("eth").id
"""The chain of which that is known."""


class Reveal(NamedTuple):
    """A withdrawal and the deposits that a rule ties it to."""

    pool: bytes
    txid: bytes
    rule: str
    candidates: tuple[Deposit, ...]


def reveals(
    ledger: Ledger, read: Sequence[History], gas_prices: Mapping[bytes, int] | None,
    mined: Sequence[Fit] = (),
) -> Iterator[Reveal]:  # fmt: skip
    """Yield what each rule ties the withdrawals of pools to.

    Parameters
    ----------
    ledger : Ledger
        What was read.
    read : sequence of History
        The pools.
    gas_prices : mapping of bytes to int, optional
        Price of gas by transaction; without it that rule is not asked.
    mined : sequence of Fit
        What claims of rewards fit; those that fit one pair alone reveal it.
    """
    between, alike = _between(ledger, read), _alike(read)
    claimed: dict[tuple[bytes, bytes], list[Deposit]] = defaultdict(list)
    for pair in (fit.pair for fit in mined if fit.pair is not None):
        if pair.deposit not in claimed[pair.pool, pair.withdrawal.txid]:
            claimed[pair.pool, pair.withdrawal.txid].append(pair.deposit)
    for history in read:
        made: dict[bytes, list[Deposit]] = defaultdict(list)
        for one in history.deposits:
            made[one.depositor].append(one)
        by_price = _by_price(history, gas_prices or {})
        for taken in history.withdrawals:
            who = taken.recipient
            told = {} if who is None else {
                ADDRESS: made.get(who, []),
                GAS: _same_price(by_price, taken, gas_prices or {}),
                LINKED: _made_by(made, between.get(who, set())),
                MULTI: _made_by(made, alike.get(who, set())),
            }  # fmt: skip
            told[MINED] = claimed.get((history.pool.key, taken.txid), [])
            for rule, deposits in told.items():
                found = [one for part in earlier(deposits, taken.at) for one in part]
                if found:
                    yield Reveal(history.pool.key, taken.txid, rule, tuple(found))


def _made_by(made: Mapping[bytes, list[Deposit]], who: set[bytes]) -> list[Deposit]:
    return [one for other in sorted(who) for one in made.get(other, ())]


def priced(history: History, gas_prices: Mapping[bytes, int]) -> bool:
    """Return whether it can be told that one deposit of a pool alone has a price of gas."""
    known = all(one.txid in gas_prices for one in history.deposits)
    return known and history.pool.asset.chain == FIXED_PRICES_OF


def _by_price(history: History, gas_prices: Mapping[bytes, int]) -> dict[int, list[Deposit]]:
    """Return the deposits of each price of gas; none where some price was not read."""
    found: dict[int, list[Deposit]] = defaultdict(list)
    if priced(history, gas_prices):
        for one in history.deposits:
            found[gas_prices[one.txid]].append(one)
    return found


def _same_price(
    by_price: Mapping[int, list[Deposit]], taken: Withdrawal, gas_prices: Mapping[bytes, int]
) -> list[Deposit]:
    """Return the deposit of the price that the recipient himself paid, if no other has it."""
    price = gas_prices.get(taken.txid)
    own = taken.relayer is None and taken.signer == taken.recipient
    early = taken.at.time is not None and taken.at.time < FIXED_PRICES_UNTIL
    same = by_price.get(price, []) if price is not None and own and early else []
    return same if len(same) == 1 else []


Pair = tuple[bytes, bytes]


def _pair(a: bytes, b: bytes) -> Pair:
    return (a, b) if a < b else (b, a)


def _between(ledger: Ledger, read: Sequence[History]) -> dict[bytes, set[bytes]]:
    """Return by address the others with which it has enough transactions that moved value.

    A transfer of nothing, and one for which its sender gave no authority, moves none.
    """
    pools = {history.pool.key for history in read}
    chains = {history.pool.asset.chain for history in read}
    paid = {one.depositor for history in read for one in history.deposits} - pools
    got = {one.recipient for history in read for one in history.withdrawals if one.recipient}
    both = list(paid | got)
    rows = ledger.history.transfers.filter(
        pl.col("chain").is_in(chains)
        & pl.col("sender").is_in(both)
        & pl.col("receiver").is_in(both)
        & (pl.col("sender") != pl.col("receiver"))
        & (pl.col("amount") > 0)
        & pl.col("success").fill_null(True)
        & pl.col("signed").fill_null(True)
        & ~pl.col("kind").is_in(["fee", "fee_burnt", "reward"])
    ).select("txid", "sender", "receiver")
    found: dict[Pair, set[bytes]] = defaultdict(set)
    for txid, sender, receiver in rows.collect().iter_rows():
        found[_pair(sender, receiver)].add(txid)
    linked: dict[bytes, set[bytes]] = defaultdict(set)
    for (a, b), txids in found.items():
        if len(txids) >= LINKS:
            linked[a].add(b)
            linked[b].add(a)
    return linked


def _alike(read: Sequence[History]) -> dict[bytes, set[bytes]]:
    """Return by recipient the depositors who used the same pools as often, each within a day."""
    paid: dict[bytes, list[tuple[bytes, Moment]]] = defaultdict(list)
    got: dict[bytes, list[tuple[bytes, Moment]]] = defaultdict(list)
    for history in read:
        for one in history.deposits:
            paid[one.depositor].append((history.pool.key, one.at))
        for taken in history.withdrawals:
            if taken.recipient is not None:
                got[taken.recipient].append((history.pool.key, taken.at))
    by_counts: dict[frozenset[tuple[bytes, int]], list[bytes]] = defaultdict(list)
    for depositor, acts in paid.items():
        if _within_a_day(acts):
            by_counts[_counts(acts)].append(depositor)
    found: dict[bytes, set[bytes]] = {}
    for recipient, acts in got.items():
        counts = _counts(acts)
        if len(counts) < 2 or len(acts) < FEWEST or not _within_a_day(acts):
            continue
        found[recipient] = {
            depositor for depositor in by_counts[counts]
            if all(a.before(b) is not False for _, a in paid[depositor] for _, b in acts)
        }  # fmt: skip
    return found


def _counts(acts: Sequence[tuple[bytes, Moment]]) -> frozenset[tuple[bytes, int]]:
    return frozenset(Counter(pool for pool, _ in acts).items())


def _within_a_day(acts: Sequence[tuple[bytes, Moment]]) -> bool:
    times = [at.time for _, at in acts if at.time is not None]
    return len(times) == len(acts) and max(times) - min(times) <= MOST_BETWEEN
