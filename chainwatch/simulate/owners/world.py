"""A world of owners: clock, chain, who holds which lock, and the truth written down as it happens.

Everything that moves goes through :meth:`World.submit`, which routes coins to whoever holds their
lock at that height and notes of each transaction what it is. Nothing is inferred afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

from chainwatch.chains.bitcoin import BITCOIN_REGTEST
from chainwatch.errors import ConservationError
from chainwatch.simulate import blocks
from chainwatch.simulate.locks import KeyLock, anchor_lock, make_lock
from chainwatch.simulate.owners.parts import BLOCK_SECONDS
from chainwatch.simulate.transactions import Coin, Lock, Output, Transaction
from chainwatch.simulate.wallets import Policy, Wallet, choose, draft, fee_for

LEAST_RATE, MOST_RATE = 4, 40
"""Satoshi per virtual byte between which the going rate wanders."""

SNIPED_BACK = 100
"""Blocks that a node's lock time lies behind the tip at most, one time in ten."""


@dataclass
class Holding:
    """Who holds a lock, from and to which height (None: always)."""

    lock: Lock
    wallet: Wallet
    from_height: int | None = None
    to_height: int | None = None


@dataclass(frozen=True)
class Entry:
    """A transaction as it was made: what it is, and who held its coins then."""

    tx: Transaction
    height: int
    kind: str
    protocol: str | None
    trick: str | None
    spenders: tuple[Wallet, ...]
    receivers: tuple[Wallet | None, ...]


@dataclass(frozen=True)
class Reward:
    """What a block pays to its miner, and its commitment to witnesses."""

    txid: bytes
    height: int
    outputs: tuple[Output, ...]
    miner: Wallet


@dataclass
class World:
    """Everything that changes while owners are simulated.

    ``label`` names part and seed and is the origin of all keys; ``start`` is in Unix seconds.
    """

    label: str
    rng: Random
    start: int
    height: int = 1
    rate: int = 12
    tip: bytes = BITCOIN_REGTEST.genesis
    chain: list[bytes] = field(default_factory=lambda: [blocks.framed(blocks.GENESIS)])
    times: dict[int, int] = field(default_factory=lambda: {0: blocks.GENESIS_TIME})
    pending: list[Transaction] = field(default_factory=list)
    holders: dict[bytes, Holding] = field(default_factory=dict)
    former: list[Holding] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    rewards: list[Reward] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Let anchors be whoever's comes first: the wallet that holds them has no owner."""
        self.anchor, self.anybody = anchor_lock(), Wallet("", "", "anyone", Policy())
        self.holders[self.anchor.script] = Holding(self.anchor, self.anybody)

    def chance(self, of_100: int) -> bool:
        """Say yes so many times of a hundred."""
        return self.rng.randrange(100) < of_100

    def between(self, least: int, most: int) -> int:
        """Return a whole number from least to most."""
        return least + self.rng.randrange(most - least + 1)

    def lock(self, wallet: Wallet, kind: str | None = None) -> Lock:
        """Return where a wallet is paid next: a fresh address, or its only one if it reuses."""
        if wallet.policy.reuse and wallet.home and kind is None:
            return wallet.home
        made = self.fresh(wallet, kind or wallet.policy.kind)
        if kind is None or kind == wallet.policy.kind:
            wallet.home = wallet.home or made
        return made

    def fresh(self, wallet: Wallet, kind: str) -> KeyLock:
        """Return a new lock that the wallet holds."""
        count = self.counters[wallet.name] = self.counters.get(wallet.name, 0) + 1
        made = make_lock(kind, self.label, wallet.name, count, low_r=wallet.policy.low_r)
        self.holders[made.script] = Holding(made, wallet)
        return made

    def hold(self, lock: Lock, wallet: Wallet) -> Lock:
        """Let a wallet hold a lock that was made elsewhere, and return it."""
        self.holders[lock.script] = Holding(lock, wallet)
        return lock

    def hand_over(self, lock: Lock, to: Wallet) -> None:
        """Give the key of an emptied address to another wallet, from this height on."""
        old = self.holders[lock.script]
        if any(coin.lock == lock for coin in old.wallet.coins):
            raise ConservationError("a simulated key is handed over with coins on it")
        if old.wallet.home == lock:
            old.wallet.home = None
        old.to_height = self.height - 1
        self.former.append(old)
        self.holders[lock.script] = Holding(lock, to, from_height=self.height)

    def spendable(self, wallet: Wallet) -> list[Coin]:
        """Return the wallet's mature coins, oldest first."""
        return [coin for coin in wallet.coins if blocks.matured(coin, self.height)]

    def habits(self, wallet: Wallet) -> Policy:
        """Return the wallet's policy with the rate that it pays now; 0 is the going rate."""
        return wallet.policy if wallet.policy.fee_rate else replace(
            wallet.policy, fee_rate=self.rate
        )  # fmt: skip

    def lock_time(self, wallet: Wallet) -> int:
        """Return the height that a wallet which sets lock times would write."""
        behind = 0
        if wallet.policy.select in ("exact", "random") and self.chance(10):
            behind = self.rng.randrange(SNIPED_BACK)
        return max(self.height - 1 - behind, 0)

    def affordable(self, wallet: Wallet, targets: Sequence[Output]) -> bool:
        """Say whether a wallet can pay these outputs whichever of its coins it chooses."""
        coins, policy = self.spendable(wallet), self.habits(wallet)
        locks = [out.lock for out in targets]
        fee = fee_for(policy, coins, locks) + 50 * policy.fee_rate
        return sum(coin.value for coin in coins) >= sum(out.value for out in targets) + fee

    def pay(
        self, wallet: Wallet, targets: Sequence[Output], kind: str, *,
        trick: str | None = None, change: str | None = None, coins: Sequence[Coin] | None = None,
    ) -> Transaction | None:  # fmt: skip
        """Let a wallet pay as it does; None where it cannot.

        Parameters
        ----------
        wallet : Wallet
            Who pays.
        targets : sequence of Output
            What is paid.
        kind, trick : str
            What the truth calls it.
        change : str, optional
            Kind of the lock of its change, where not the usual one.
        coins : sequence of Coin, optional
            What to spend; else its policy chooses.
        """
        if coins is None and not self.affordable(wallet, targets):
            return None
        policy, rest = self.habits(wallet), self.lock(wallet, change)
        if coins is None:
            locks = [*(out.lock for out in targets), rest]
            amount = sum(out.value for out in targets)
            coins = choose(policy, self.spendable(wallet), amount, locks, self.rng)
        made = draft(policy, coins, targets, rest, self.rng, self.lock_time(wallet))
        return self.submit(made, kind, trick=trick)

    def gather(
        self, wallet: Wallet, coins: Sequence[Coin], to: Lock, kind: str, *, purpose: str = "self",
        trick: str | None = None,
    ) -> Transaction | None:  # fmt: skip
        """Send all that some coins hold, less the fee, to one lock; None where it is too little."""
        policy = self.habits(wallet)
        if sum(coin.value for coin in coins) < fee_for(policy, coins, [to]) + 1_000:
            return None
        made = draft(
            policy, coins, [Output(0, to, purpose)], None, self.rng, self.lock_time(wallet)
        )
        return self.submit(made, kind, trick=trick)

    def submit(
        self, tx: Transaction, kind: str, *, protocol: str | None = None, trick: str | None = None
    ) -> Transaction:
        """Put a transaction into the next block and write down what it is.

        Raises
        ------
        ConservationError
            If it makes more than it spends, or spends nothing.
        """
        if tx.fee < 0 or not tx.inputs or any(out.value < 0 for out in tx.outputs):
            raise ConservationError(f"a simulated {kind} makes more than it spends")
        spenders = tuple(self.holders[coin.lock.script].wallet for coin in tx.inputs)
        gone = {id(coin) for coin in tx.inputs}
        if len(gone) != len(tx.inputs):
            raise ConservationError(f"a simulated {kind} spends a coin twice")
        before = sum(len(wallet.coins) for wallet in set(spenders))
        for wallet in set(spenders):
            wallet.coins[:] = [coin for coin in wallet.coins if id(coin) not in gone]
        if before - sum(len(wallet.coins) for wallet in set(spenders)) != len(gone):
            raise ConservationError(f"a simulated {kind} spends what is spent")
        receivers = self._route(tx.txid, tx.outputs)
        self.pending.append(tx)
        self.entries.append(
            Entry(tx, self.height, kind, protocol, trick, spenders, tuple(receivers))
        )
        return tx

    def mine(self, miner: Wallet) -> None:
        """Close the next block: pending transactions in the order in which they came."""
        time = self.start + self.height * BLOCK_SECONDS + self.rng.randrange(BLOCK_SECONDS // 2)
        reward = self.lock(miner)
        block, outputs = blocks.assemble(self.tip, self.height, time, reward, self.pending)
        self._route(block.coinbase_txid, outputs, coinbase=True)
        self.rewards.append(Reward(block.coinbase_txid, self.height, outputs, miner))
        self.chain.append(blocks.framed(block.raw))
        self.times[self.height] = time
        self.tip, self.height, self.pending = block.hash, self.height + 1, []
        self.rate = min(max(self.rate + self.between(-2, 2), LEAST_RATE), MOST_RATE)

    def _route(
        self, txid: bytes, outputs: Sequence[Output], *, coinbase: bool = False
    ) -> list[Wallet | None]:
        """Give outputs to the holders of their locks, in their order; data outputs have none."""
        found: list[Wallet | None] = []
        for n, out in enumerate(outputs):
            holding = self.holders.get(out.lock.script)
            found.append(holding.wallet if holding else None)
            if holding:
                coin = Coin(txid, n, out.value, out.lock, self.height, coinbase)
                holding.wallet.coins.append(coin)
        return found


def joint_wallet(role: str, kind: str, *parties: Wallet) -> Wallet:
    """Return a wallet that owners hold together: none can spend alone, so it is an owner by itself.

    Its owner is named after them, in their order: ``"person-003 & person-017"``.
    """
    owner = " & ".join(sorted(wallet.owner for wallet in parties))
    name = " & ".join(wallet.name for wallet in parties)
    return Wallet(owner, name, role, Policy(kind=kind))
