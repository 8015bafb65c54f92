"""The simulated world: clock, chain, who holds which lock, and the ground truth as it happens.

Everything that moves goes through :meth:`World.submit`, which routes coins to their holders and
writes down every payment between owners; nothing in the truth is inferred afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from chainwatch.chains.bitcoin import BITCOIN_REGTEST
from chainwatch.errors import ConservationError
from chainwatch.simulate import blocks
from chainwatch.simulate.locks import make_lock
from chainwatch.simulate.transactions import (
    Coin,
    Lock,
    Output,
    Transaction,
)
from chainwatch.simulate.wallets import Policy, Wallet, choose, draft

HOUR = 3_600
WARM_UP_START = 1_684_540_800  # 2023-05-20 00:00 UTC
WARM_UP_BLOCKS = 105
START = 1_685_577_600  # 2023-06-01 00:00 UTC
TICKS = 183
TICK_HOURS = 16
"""183 blocks, 16 hours apart, reach from 1 June to 30 September 2023."""


@dataclass
class Holding:
    """One row of the truth: an address, who holds it, from and to which height."""

    lock: Lock
    owner: str
    wallet: str
    role: str
    note: str
    customer: str | None = None
    from_height: int | None = None
    to_height: int | None = None


@dataclass(frozen=True)
class Payment:
    """Value that went from one owner to another (None: burnt) in one transaction.

    ``n`` is the output that carries it; None where no single output does (CoinJoin, PayJoin).
    """

    txid: bytes
    height: int
    n: int | None
    from_owner: str
    to_owner: str | None
    amount: int
    purpose: str
    beneficiary: str | None = None


@dataclass(frozen=True)
class Made:
    """An output as it was made: whose it was, and why."""

    txid: bytes
    height: int
    n: int
    value: int
    lock: Lock
    owner: str | None
    wallet: str | None
    purpose: str


_GENESIS_OUTPUT = Made(
    blocks.GENESIS_TXID, 0, 0, blocks.FIRST_SUBSIDY, Lock("p2pk", blocks.GENESIS_SCRIPT),
    None, None, "genesis, never spendable",
)  # fmt: skip

Party = tuple[str, str, int, str]
"""Payer, payee, satoshi and purpose of a payment that a joint transaction hides."""


@dataclass
class World:
    """Everything that changes while the case is simulated."""

    seed: int
    rng: Random
    height: int = 1
    tip: bytes = BITCOIN_REGTEST.genesis
    chain: list[bytes] = field(default_factory=lambda: [blocks.framed(blocks.GENESIS)])
    times: dict[int, int] = field(default_factory=lambda: {0: blocks.GENESIS_TIME})
    pending: list[Transaction] = field(default_factory=list)
    holders: dict[bytes, Wallet] = field(default_factory=dict)
    holdings: dict[bytes, Holding] = field(default_factory=dict)
    sold: list[Holding] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    made: list[Made] = field(default_factory=lambda: [_GENESIS_OUTPUT])
    spenders: dict[tuple[bytes, int], bytes] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    schedule: dict[int, list[Callable[[], object]]] = field(default_factory=dict)

    def at(self, tick: int, action: Callable[[], object]) -> None:
        """Let something happen at a tick; what is later than the last tick never happens."""
        self.schedule.setdefault(tick, []).append(action)

    def wallet(
        self, owner: str, role: str, policy: Policy, name: str = "wallet", habit: str = ""
    ) -> Wallet:
        """Return a new, empty wallet; its habit is noted at each of its addresses."""
        return Wallet(owner, f"{owner} {name}", role, policy, habit=habit)

    def lock(
        self,
        wallet: Wallet,
        note: str = "",
        *,
        customer: str | None = None,
        kind: str | None = None,
    ) -> Lock:
        """Return where the wallet is paid next: a fresh address, or its only one if it reuses."""
        if wallet.policy.reuse and wallet.home and kind is None:
            return wallet.home
        kind = kind or wallet.policy.kind
        count = self.counters[wallet.name] = self.counters.get(wallet.name, 0) + 1
        origin = (self.seed, wallet.name, count)
        made = make_lock(kind, *origin)
        words = "; ".join(part for part in (note, wallet.habit) if part)
        self.holders[made.script] = wallet
        self.holdings[made.script] = Holding(
            made, wallet.owner, wallet.name, wallet.role, words, customer
        )
        if kind == wallet.policy.kind:
            wallet.home = wallet.home or made
        return made

    def sell(self, lock: Lock, buyer: Wallet, note: str) -> None:
        """Hand the key of an emptied address to another owner, from the next block on."""
        old = self.holdings[lock.script]
        old.to_height = self.height - 1
        self.sold.append(old)
        self.holders[lock.script] = buyer
        self.holdings[lock.script] = Holding(
            lock, buyer.owner, buyer.name, buyer.role, note, from_height=self.height
        )

    def spendable(self, wallet: Wallet) -> list[Coin]:
        """Return the wallet's mature coins, oldest first."""
        return [coin for coin in wallet.coins if blocks.matured(coin, self.height)]

    def pay(
        self,
        wallet: Wallet,
        targets: Sequence[tuple[Lock, int, str]],
        *,
        coins: Sequence[Coin] | None = None,
    ) -> Transaction:
        """Let a wallet pay: it chooses coins unless told, and makes change as its policy says."""
        change = self.lock(wallet, "change")
        outputs = [Output(amount, lock, purpose) for lock, amount, purpose in targets]
        locks = [*(out.lock for out in outputs), change]
        if coins is None:
            amount = sum(out.value for out in outputs)
            coins = choose(wallet.policy, self.spendable(wallet), amount, locks)
        made = draft(wallet.policy, coins, outputs, change, self.rng, self.height - 1)
        return self.submit(made)

    def sweep(
        self, wallet: Wallet, coins: Sequence[Coin], to: Lock, purpose: str = "self"
    ) -> Transaction:
        """Send all that the coins hold, less the fee, to one lock."""
        target = [Output(0, to, purpose)]
        return self.submit(draft(wallet.policy, coins, target, None, self.rng, self.height - 1))

    def submit(self, tx: Transaction, joint: Sequence[Party] | None = None) -> Transaction:
        """Put a transaction into the next block; write down who paid whom.

        Parameters
        ----------
        joint : sequence of Party, optional
            The payments of a transaction with several paying owners (CoinJoin, PayJoin). Without
            it there must be one, who pays every output that is not its own.

        Raises
        ------
        ConservationError
            If it makes more than it spends, or has several payers and names no payments.
        """
        if tx.fee < 0 or any(out.value < 0 for out in tx.outputs):
            raise ConservationError("a simulated transaction makes more than it spends")
        payers = {self.holders[coin.lock.script].owner for coin in tx.inputs}
        if joint is None and len(payers) != 1:
            raise ConservationError("a joint transaction must name its payments")
        for coin in tx.inputs:
            self.holders[coin.lock.script].coins.remove(coin)
            self.spenders[coin.txid, coin.n] = tx.txid
        self.pending.append(tx)
        self._book(tx.txid, tx.outputs)
        if joint is None:
            self._note_payments(tx, payers.pop())
        else:
            self.payments += [Payment(tx.txid, self.height, None, *party) for party in joint]
        return tx

    def mine(self, time: int, miner: Wallet, kind: str | None = None) -> None:
        """Close the next block: pending transactions in the order in which they came."""
        reward = self.lock(miner, "mining reward", kind=kind)
        block, outputs = blocks.assemble(self.tip, self.height, time, reward, self.pending)
        self._book(block.coinbase_txid, outputs, coinbase=True)
        self.chain.append(blocks.framed(block.raw))
        self.times[self.height] = time
        self.tip, self.height, self.pending = block.hash, self.height + 1, []

    def run(self, miner: Wallet) -> None:
        """Mine the empty warm-up, then a block a tick, each after what is due at that tick."""
        for place in range(WARM_UP_BLOCKS):
            self.mine(WARM_UP_START + place * 2 * HOUR, miner, "p2pk" if place < 3 else None)
        for tick in range(TICKS):
            for action in self.schedule.get(tick, []):
                action()
            late = self.rng.randrange(3 * HOUR)
            self.mine(START + tick * TICK_HOURS * HOUR + late, miner)

    def _book(self, txid: bytes, outputs: Sequence[Output], *, coinbase: bool = False) -> None:
        """Route outputs to their holders, in their order; data outputs have none."""
        for n, out in enumerate(outputs):
            holder = self.holders.get(out.lock.script)
            self.made.append(Made(
                txid, self.height, n, out.value, out.lock,
                holder.owner if holder else None, holder.name if holder else None, out.purpose,
            ))  # fmt: skip
            if holder:
                coin = Coin(txid, n, out.value, out.lock, self.height, coinbase)
                holder.coins.append(coin)

    def _note_payments(self, tx: Transaction, payer: str) -> None:
        for n, out in enumerate(tx.outputs):
            holder = self.holders.get(out.lock.script)
            if holder and holder.owner == payer:
                continue
            holding = self.holdings.get(out.lock.script)
            self.payments.append(Payment(
                tx.txid, self.height, n, payer, holder.owner if holder else None, out.value,
                out.purpose, holding.customer if holding else None,
            ))  # fmt: skip
