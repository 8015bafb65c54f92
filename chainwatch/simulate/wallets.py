"""Wallet policies: which coins are spent, where change goes, in what order, with which habits.

A policy is data; :func:`draft` turns it into a transaction. The habits are those that change and
fingerprint rules look for, and the ones that break those rules: address reuse, change in any
place, round change, change larger than the payment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from chainwatch.errors import ConservationError
from chainwatch.simulate.transactions import (
    INPUT_VBYTES,
    OVERHEAD_VBYTES,
    Coin,
    Lock,
    Output,
    Transaction,
)

T = TypeVar("T")

DUST = 1_000
"""Change of at most this many satoshi is left to the miner."""

EXACT_TRIES = 256
"""Sets of coins that ``exact`` looks at before it gives up."""


@dataclass(frozen=True)
class Policy:
    """Habits of one kind of wallet.

    Attributes
    ----------
    kind : str
        Script kind of its addresses.
    select : str
        ``oldest``, ``largest`` or ``smallest`` coins first, ``random`` ones; ``exact`` looks for
        coins that need no change and else takes random ones; ``all`` spends everything.
    order : str
        Place of outputs: ``random``, ``bip69`` (value, then script), ``change_last`` or
        ``change_first``.
    reuse : bool
        One address for ever, change included.
    round_change : int
        Change is a multiple of this; the rest is left to the miner. 0 for none.
    version, sequence : int
        Fields of its transactions.
    locktime : bool
        Height of the tip in nLockTime, against fee sniping.
    fee_rate : int
        Satoshi per virtual byte.
    low_r : bool
        It draws signatures until they are short.
    """

    kind: str = "p2wpkh"
    select: str = "oldest"
    order: str = "random"
    reuse: bool = False
    round_change: int = 0
    version: int = 2
    sequence: int = 0xFFFFFFFD
    locktime: bool = False
    fee_rate: int = 8
    low_r: bool = True


CORE = Policy(locktime=True, sequence=0xFFFFFFFE, fee_rate=9)
MOBILE = Policy(select="smallest", order="change_last", fee_rate=7)
ELECTRUM = Policy(order="bip69", locktime=True)
LEGACY = Policy(kind="p2pkh", order="change_first", version=1, sequence=0xFFFFFFFF, fee_rate=12)
NESTED = Policy(kind="p2sh", select="largest", version=1, sequence=0xFFFFFFFF)
TAPROOT = Policy(kind="p2tr", order="bip69", sequence=0xFFFFFFFE, locktime=True)

PERSONAL = (CORE, MOBILE, ELECTRUM, LEGACY, NESTED, TAPROOT)
"""What private people use; written out so that every simulated crowd has the same mix."""


@dataclass(eq=False)
class Wallet:
    """Coins of one owner that are chosen together; the only thing here that changes."""

    owner: str
    name: str
    role: str
    policy: Policy
    coins: list[Coin] = field(default_factory=list)
    home: Lock | None = None
    habit: str = ""

    @property
    def balance(self) -> int:
        """Satoshi that it holds, immature coins included."""
        return sum(coin.value for coin in self.coins)


def shuffled(items: Sequence[T], rng: Random) -> list[T]:
    """Return the items in random order (Fisher-Yates on ``randrange`` alone, stable for ever)."""
    pool = list(items)
    for last in range(len(pool) - 1, 0, -1):
        other = rng.randrange(last + 1)
        pool[last], pool[other] = pool[other], pool[last]
    return pool


def fee_for(policy: Policy, coins: Sequence[Coin], outputs: Sequence[Lock]) -> int:
    """Return the fee that the wallet reckons for spending coins to locks, in satoshi."""
    spent = sum(INPUT_VBYTES[coin.lock.kind] for coin in coins)
    made = sum(9 + len(lock.script) for lock in outputs)
    return policy.fee_rate * (OVERHEAD_VBYTES + spent + made)


def choose(
    policy: Policy,
    coins: Sequence[Coin],
    amount: int,
    locks: Sequence[Lock],
    rng: Random | None = None,
) -> list[Coin]:
    """Return the coins that pay an amount and its fee under the policy.

    Parameters
    ----------
    policy : Policy
        How it chooses; ``random`` and ``exact`` need a generator.
    coins : sequence of Coin
        What may be spent, oldest first.
    amount : int
        Satoshi to be paid.
    locks : sequence of Lock
        Of all outputs, change last.
    rng : random.Random, optional
        Where chance comes from.

    Raises
    ------
    ConservationError
        If the coins do not suffice.
    """
    if policy.select == "exact" and (found := _exact(policy, coins, amount, locks[:-1])):
        return found
    picked: list[Coin] = []
    held = 0
    for coin in _in_turn(policy, coins, rng):
        picked.append(coin)
        held += coin.value
        if policy.select != "all" and held >= amount + fee_for(policy, picked, locks):
            break
    if held < amount + fee_for(policy, picked, locks):
        raise ConservationError(f"a simulated wallet holds {held} and cannot pay {amount}")
    return picked


def _in_turn(policy: Policy, coins: Sequence[Coin], rng: Random | None) -> Sequence[Coin]:
    if policy.select == "largest":
        return sorted(coins, key=lambda coin: -coin.value)
    if policy.select == "smallest":
        return sorted(coins, key=lambda coin: coin.value)
    if policy.select in ("random", "exact") and rng is not None:
        return shuffled(coins, rng)
    return coins


def _exact(
    policy: Policy, coins: Sequence[Coin], amount: int, locks: Sequence[Lock]
) -> list[Coin] | None:
    """Return coins that pay an amount and leave at most dust: depth first, largest first."""
    pool = sorted(coins, key=lambda coin: -coin.value)
    bare = amount + fee_for(policy, [], locks)
    worth = [coin.value - policy.fee_rate * INPUT_VBYTES[coin.lock.kind] for coin in pool]
    stack: list[tuple[int, int, tuple[Coin, ...]]] = [(0, 0, ())]
    for _ in range(EXACT_TRIES):
        if not stack:
            return None
        at, held, picked = stack.pop()
        if bare <= held <= bare + DUST:
            return list(picked)
        if at < len(pool) and held < bare:
            stack.append((at + 1, held, picked))
            stack.append((at + 1, held + worth[at], (*picked, pool[at])))
    return None


def arrange(
    policy: Policy, targets: Sequence[Output], change: Sequence[Output], rng: Random
) -> list[Output]:
    """Return payments and change in the order the policy gives them."""
    if policy.order == "change_last":
        return [*targets, *change]
    if policy.order == "change_first":
        return [*change, *targets]
    if policy.order == "bip69":
        return sorted([*targets, *change], key=lambda out: (out.value, out.lock.script))
    return shuffled([*targets, *change], rng)


def draft(
    policy: Policy,
    coins: Sequence[Coin],
    targets: Sequence[Output],
    change: Lock | None,
    rng: Random,
    tip: int,
) -> Transaction:
    """Return the transaction that spends exactly these coins.

    Parameters
    ----------
    coins : sequence of Coin
        All of them become inputs.
    targets : sequence of Output
        Payments. With ``change=None`` the last one also takes what is left after the fee.
    change : Lock or None
        Where the rest goes, unless it is dust.
    tip : int
        Height of the last block.
    """
    held, paid = sum(coin.value for coin in coins), sum(out.value for out in targets)
    locks = [out.lock for out in targets]
    rest: list[Output] = []
    if change is None:
        left = held - paid - fee_for(policy, coins, locks)
        last = targets[-1]
        targets = [*targets[:-1], Output(last.value + left, last.lock, last.purpose)]
    else:
        left = held - paid - fee_for(policy, coins, [*locks, change])
        if policy.round_change:
            left -= left % policy.round_change
        if left > DUST:
            rest = [Output(left, change, "change")]
    return Transaction(
        inputs=tuple(sorted(coins, key=_outpoint) if policy.order == "bip69" else coins),
        outputs=tuple(arrange(policy, targets, rest, rng)),
        version=policy.version,
        locktime=tip if policy.locktime else 0,
        sequence=policy.sequence,
    )


def _outpoint(coin: Coin) -> tuple[bytes, int]:
    """BIP 69 sorts by the txid as it is shown, then by place."""
    return coin.txid[::-1], coin.n
