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

from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.mixers.pools import Deposit, History, Moment, Withdrawal, earlier

ADDRESS, GAS, LINKED, MULTI = (
    "address match",
    "unique gas price",
    "linked address",
    "several pools alike",
)
RULES: tuple[str, ...] = (ADDRESS, GAS, LINKED, MULTI)
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


class Reveal(NamedTuple):
    """A withdrawal and the deposits that a rule ties it to."""

    pool: bytes
    txid: bytes
    rule: str
    candidates: tuple[Deposit, ...]


def reveals(
    ledger: Ledger, read: Sequence[History], gas_prices: Mapping[bytes, int] | None
) -> Iterator[Reveal]:
    """Yield what each rule ties the withdrawals of pools to.

    Parameters
    ----------
    ledger : Ledger
        What was read.
    read : sequence of History
        The pools.
    gas_prices : mapping of bytes to int, optional
        Price of gas by transaction; without it that rule is not asked.
    """
    between = _between(ledger, read)
    alike = _alike(read)
    for history in read:
        prices = Counter(
            gas_prices[one.txid] for one in history.deposits if one.txid in gas_prices
        ) if gas_prices else Counter()  # fmt: skip
        for taken in history.withdrawals:
            who = taken.recipient
            if who is None:
                continue
            before = [one for part in earlier(history.deposits, taken.at) for one in part]
            told = {
                ADDRESS: [one for one in before if one.depositor == who],
                GAS: _same_price(before, taken, gas_prices or {}, prices),
                LINKED: [one for one in before if between[_pair(one.depositor, who)] >= LINKS],
                MULTI: [one for one in before if one.depositor in alike.get(who, ())],
            }
            for rule, found in told.items():
                if found:
                    yield Reveal(history.pool.key, taken.txid, rule, tuple(found))


def _same_price(
    before: Sequence[Deposit], taken: Withdrawal, gas_prices: Mapping[bytes, int],
    prices: Mapping[int, int],
) -> list[Deposit]:  # fmt: skip
    """Return the deposit of the price that the recipient himself paid, if no other has it."""
    price = gas_prices.get(taken.txid)
    own = taken.relayer is None and taken.signer == taken.recipient
    early = taken.at.time is not None and taken.at.time < FIXED_PRICES_UNTIL
    if price is None or not own or not early or prices[price] != 1:
        return []
    return [one for one in before if gas_prices.get(one.txid) == price]


Pair = tuple[bytes, bytes]


def _pair(a: bytes, b: bytes) -> Pair:
    return (a, b) if a < b else (b, a)


def _between(ledger: Ledger, read: Sequence[History]) -> Mapping[Pair, int]:
    """Return how many transactions moved value between a depositor and a recipient.

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
    return Counter({pair: len(txids) for pair, txids in found.items()})


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
