"""A theft of which the thief keeps books: through an exchange, a mix and a peel chain.

Everything here is made up: the chain is regtest, the keys belong to nobody, the names are roles.

All that a victim holds goes to a thief, who brings it together with savings of his own and pays
these into the exchange *Northbank* with the first part of the loot, in one deposit. The change
enters a CoinJoin with nine strangers. What is mixed goes to the exchange *Harbour*; the change of
the mix is peeled off, hop by hop, to both exchanges, a shop and a helper, and the rest is kept.

Which satoshi of a mixed balance is stolen is on no chain. The thief's books are what somebody who
was asked would say: his savings went out with the first deposit. They are the truth that a policy
is held against, under the assumptions of this story, and no more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import polars as pl

from chainwatch.addresses.canonical import text, txid_text
from chainwatch.chains.bitcoin import BITCOIN_REGTEST
from chainwatch.errors import ConservationError
from chainwatch.simulate import tables
from chainwatch.simulate.economy import BTC, HARBOUR, NORTHBANK, POOL, Exchange
from chainwatch.simulate.transactions import Coin, Lock, Transaction
from chainwatch.simulate.vendors import MAKER, MAKER_FEE, MAKERS, coinjoin
from chainwatch.simulate.wallets import CORE, Policy, Wallet
from chainwatch.simulate.world import HOUR, START, WARM_UP_BLOCKS, WARM_UP_START, World

SEED = 39
SAVINGS = BTC
"""What the thief holds of his own."""
DEPOSIT = 2 * BTC
"""What he first pays into Northbank: his savings, and as much of the loot as is lacking."""
ROUND = 1_000_000

THIEF, VICTIM, HELPER, FEES = "Thief", "Victim", "Helper", "miners"
PEELS = (("Harbour", 20), ("Northbank", 20), ("Kiln", 8), (HELPER, 25), ("Harbour", 30))
"""Whom the peel chain pays, and what share of the coin in percent."""

RESTING = frozenset({"unspent", "hosted service", "fee"})
"""Reasons for which value ends with whom it lies; at any other it was not followed to anybody."""

LOOT = {"owner": pl.String, "role": pl.String, "txid": pl.Binary, "n": pl.Int64,
        "address": pl.Binary, "amount": pl.Int64}  # fmt: skip


@dataclass(frozen=True)
class Theft:
    """The simulated theft.

    Attributes
    ----------
    seed : int
        What it was made from; the same seed gives the same bytes everywhere.
    blocks : bytes
        All blocks from genesis on, framed as in a node's block file.
    stolen : str
        The output that the victim's coins went to, as ``TXID:N``.
    amount : int
        What it holds, in satoshi.
    mix : bytes
        The CoinJoin's id.
    loot : polars.DataFrame
        The thief's books: where the loot came to rest, by owner (``Thief``: kept; ``miners``: paid
        as fees). It adds up to what was stolen.
    truth, payments, coins : polars.DataFrame
        As :class:`chainwatch.simulate.otter.Otter` has them.
    tags : dict of str to str
        TagPack YAML by file name: the addresses at both exchanges, as they told them.
    """

    seed: int
    blocks: bytes = field(repr=False)
    stolen: str
    amount: int
    mix: bytes
    loot: pl.DataFrame = field(repr=False)
    truth: pl.DataFrame = field(repr=False)
    payments: pl.DataFrame = field(repr=False)
    coins: pl.DataFrame = field(repr=False)
    tags: dict[str, str] = field(repr=False)

    def books(self) -> dict[str, int]:
        """Return how much of the loot came to rest with whom, in satoshi; the mix's makers as one.

        They are called by their role, for each got a fee and none a share.
        """
        sums: dict[str, int] = {}
        for owner, role, amount in self.loot.select("owner", "role", "amount").iter_rows():
            name = role if role == "coinjoin maker" else owner
            sums[name] = sums.get(name, 0) + amount
        return sums

    def owner_of(self) -> dict[bytes, str]:
        """Return whose an address is, by address; makers of the mix by their role."""
        rows = self.truth.select("address", "owner", "role").iter_rows()
        return {at: role if role == "coinjoin maker" else owner for at, owner, role in rows}

    def scored(self, ends: pl.DataFrame) -> pl.DataFrame:
        """Hold ends of a trace of the loot against the books.

        Parameters
        ----------
        ends : polars.DataFrame
            With ``address``, ``reason`` and ``amount``, under one method.

        Returns
        -------
        polars.DataFrame
            ``destination, true, found, agreed``: with whom it came to rest; what the books say,
            what the trace says, and the smaller of the two. Where a trace does not say with whom,
            the reason stands in brackets.
        """
        whose, found = self.owner_of(), dict[str, int]()
        for address, reason, amount in ends.select("address", "reason", "amount").iter_rows():
            rests = reason in RESTING
            name = whose.get(address, FEES) if rests else f"({reason})"
            found[name] = found.get(name, 0) + int(amount)
        books = self.books()
        rows = [
            (name, books.get(name, 0), found.get(name, 0),
             min(books.get(name, 0), found.get(name, 0)))
            for name in sorted({*books, *found})
        ]  # fmt: skip
        kinds = {"destination": pl.String} | dict.fromkeys(("true", "found", "agreed"), pl.Int64)
        return pl.DataFrame(rows, schema=kinds, orient="row")

    def write(self, folder: str | Path) -> Path:
        """Write ``blocks.dat``, the truth as CSV, and ``tags/``.

        Raises
        ------
        OutputExists
            If the folder exists and is not empty.
        """
        data = {"blocks.dat": self.blocks}
        for name in ("truth", "payments", "coins", "loot"):
            data[f"{name}.csv"] = tables.csv(getattr(self, name))
        packs = {f"tags/{name}": yaml.encode() for name, yaml in self.tags.items()}
        return tables.write_files(folder, data | packs)


def theft(seed: int = SEED) -> Theft:
    """Simulate the theft; the same seed gives the same bytes on every platform and Python.

    Raises
    ------
    ConservationError
        If the books do not add up to what was stolen.
    """
    story = _Story(World(seed, Random(seed)))  # noqa: S311 - a simulation, not a secret
    return story.told()


@dataclass
class _Books:
    """How much of each of the thief's coins is loot, and what went to the miners."""

    held: dict[tuple[bytes, int], int] = field(default_factory=dict)
    fees: list[tuple[bytes, int]] = field(default_factory=list)

    def write(self, tx: Transaction, parts: dict[int, int]) -> None:
        """Note how much of each output is loot; what is lacking was paid as the fee."""
        spent = sum(self.held.pop((coin.txid, coin.n), 0) for coin in tx.inputs)
        fee = spent - sum(parts.values())
        if not 0 <= fee <= tx.fee or any(part > tx.outputs[n].value for n, part in parts.items()):
            raise ConservationError("the books of a simulated thief do not add up")
        self.held |= {(tx.txid, n): part for n, part in parts.items() if part}
        if fee:
            self.fees.append((tx.txid, fee))


class _Story:
    """The story as it happens, a block a step."""

    def __init__(self, world: World) -> None:
        self.world, self.books, self.step = world, _Books(), 0
        self.pool = world.wallet("Pool", "miner", POOL)
        self.thief = world.wallet(THIEF, "thief", CORE)
        self.savings = world.wallet(THIEF, "thief", CORE, "savings")
        self.victim = world.wallet(VICTIM, "victim", Policy(kind="p2pkh", select="all"))
        self.helper = world.wallet(HELPER, "helper", Policy(kind="p2tr"))
        self.shop = world.wallet("Kiln", "shop", Policy())
        self.makers = [world.wallet(f"maker-{n}", "coinjoin maker", MAKER)
                       for n in range(1, MAKERS + 1)]  # fmt: skip
        self.exchanges = {
            name: Exchange(
                world, name, world.wallet(name, "exchange", policy, "hot wallet"),
                world.wallet(name, "exchange", Policy(kind=kind), "deposits"), joint,
            )
            for name, policy, kind, joint in (
                ("Northbank", NORTHBANK, "p2wpkh", True), ("Harbour", HARBOUR, "p2pkh", False)
            )
        }  # fmt: skip

    def told(self) -> Theft:
        """Let it happen, and return it with its truth."""
        for place in range(WARM_UP_BLOCKS):
            self.world.mine(WARM_UP_START + place * 2 * HOUR, self.pool)
        self._before()
        stolen = self._steal()
        self._deposit()
        mixed = self._mix()
        self._peel(mixed)
        self._quiet()
        return self._end(stolen, mixed)

    def _block(self) -> None:
        self.step += 1
        self.world.mine(START + self.step * 7 * HOUR, self.pool)

    def _before(self) -> None:
        """The victim, the makers, the savings, and other customers of the exchanges."""
        world = self.world
        for amount in (2 * BTC, 3 * BTC):
            self._fund(self.victim, amount)
        self._fund(self.savings, SAVINGS + 2_000)
        for place, maker in enumerate(self.makers):
            self._fund(maker, 11_500_000 + 700_000 * place)
        for name, exchange in self.exchanges.items():
            for customer in ("Loom", "Forge", "Quay"):
                lock = exchange.deposit_address(customer)
                world.pay(self.pool, [(lock, BTC // 3, f"deposit at {name}")])
        self._block()

    def _fund(self, wallet: Wallet, amount: int) -> None:
        self.world.pay(self.pool, [(self.world.lock(wallet), amount, "sale of coins")])

    def _steal(self) -> Transaction:
        """All coins of the victim to one address of the thief."""
        world = self.world
        taken = world.sweep(
            self.victim, world.spendable(self.victim), world.lock(self.thief, "loot"), "theft"
        )
        self.books.held[taken.txid, 0] = taken.outputs[0].value
        self._block()
        return taken

    def _deposit(self) -> None:
        """Savings and loot together in one coin, which pays into Northbank."""
        world = self.world
        both = [*world.spendable(self.savings), *world.spendable(self.thief)]
        merged = world.sweep(self.thief, both, world.lock(self.thief, "brought together"))
        own = merged.outputs[0].value - sum(self.books.held.values())
        self.books.write(merged, {0: merged.outputs[0].value - own})
        self._block()
        paid = self._pay("Northbank", DEPOSIT, world.spendable(self.thief))
        self._split(paid, own)
        self._block()
        self.exchanges["Northbank"].sweep()
        self._block()

    def _pay(self, to: str, amount: int, coins: list[Coin]) -> Transaction:
        purpose = "deposit" if to in self.exchanges else "payment"
        return self.world.pay(self.thief, [(self._lock(to), amount, purpose)], coins=coins)

    def _lock(self, to: str) -> Lock:
        if to in self.exchanges:
            return self.exchanges[to].deposit_address(THIEF)
        return self.world.lock(self.helper if to == HELPER else self.shop)

    def _split(self, tx: Transaction, own: int = 0) -> None:
        """Note outputs as loot in full, less what of his own goes out with the payment."""
        parts = {n: out.value for n, out in enumerate(tx.outputs)}
        if own:
            paid = next(n for n, out in enumerate(tx.outputs) if out.purpose == "deposit")
            parts[paid] -= own
        self.books.write(tx, parts)

    def _mix(self) -> Transaction:
        """A CoinJoin that the thief pays for; what is mixed goes to Harbour."""
        world = self.world
        mixed = coinjoin(world, self.thief, self.makers)
        owner = [world.holders[out.lock.script] for out in mixed.outputs]
        mine = {n: out.value for n, out in enumerate(mixed.outputs) if owner[n] is self.thief}
        fees = {n: MAKER_FEE for n, out in enumerate(mixed.outputs)
                if owner[n] is not self.thief and out.purpose == "change"}  # fmt: skip
        self.books.write(mixed, mine | fees)
        self._block()
        smallest = min(self._mine(mixed), key=lambda coin: coin.value)
        amount = smallest.value // ROUND * ROUND - ROUND
        self._split(self._pay("Harbour", amount, [smallest]))
        self._block()
        return mixed

    def _mine(self, tx: Transaction) -> list[Coin]:
        return [coin for coin in self.thief.coins if coin.txid == tx.txid]

    def _peel(self, mixed: Transaction) -> None:
        """From the change of the mix, each time from the change of the payment before."""
        (coin,) = self._mine(mixed)
        for to, percent in PEELS:
            amount = coin.value * percent // 100 // ROUND * ROUND
            paid = self._pay(to, amount, [coin])
            self._split(paid)
            (coin,) = self._mine(paid)
            self._block()

    def _quiet(self) -> None:
        """The exchanges sweep; then nothing happens that is of any matter."""
        for exchange in self.exchanges.values():
            exchange.sweep()
        for _ in range(3):
            self._block()

    def _end(self, stolen: Transaction, mixed: Transaction) -> Theft:
        amount, loot = stolen.outputs[0].value, self._loot()
        if loot["amount"].sum() != amount:
            raise ConservationError("the loot of a simulated theft does not add up")
        return Theft(
            self.world.seed, b"".join(self.world.chain),
            f"{txid_text(stolen.txid, BITCOIN_REGTEST)}:0", amount, mixed.txid, loot,
            tables.truth(self.world), tables.payments(self.world), tables.coins(self.world),
            {"exchanges.yaml": self._pack()},
        )  # fmt: skip

    def _loot(self) -> pl.DataFrame:
        """Return where loot rests: with others as they were paid, and in the thief's own coins."""
        of = {(made.txid, made.n): made for made in self.world.made}
        rows = []
        for (txid, n), amount in self.books.held.items():
            held = self.world.holdings[of[txid, n].lock.script]
            rows.append((held.owner, held.role, txid, n, held.lock.address, amount))
        rows += [(FEES, "miner", txid, -1, None, fee) for txid, fee in self.books.fees]
        return pl.DataFrame(rows, schema=LOOT, orient="row").sort("owner", "txid", "n")

    def _pack(self) -> str:
        head = (
            "title: Addresses at exchanges\ncreator: simulated theft\n"
            "description: Simulated; no address here belongs to anybody.\n"
            "source: https://exchanges.invalid/answer\ncurrency: BTC\n"
            f"network: {BITCOIN_REGTEST.alias}\nconfidence: service_data\nlastmod: 2023-06-01\n"
            "category: exchange\nis_cluster_definer: true\ntags:\n"
        )
        return head + "".join(
            f"- address: {text(lock.address, BITCOIN_REGTEST)}\n  label: {name} {what}\n"
            f"  actor: {name.lower()}\n"
            for name, exchange in self.exchanges.items()
            for what, lock in (
                ("hot wallet", exchange.hot.home), *((f"deposit address of {customer}", lock)
                for customer, lock in exchange.addresses.items())
            )
            if lock is not None and lock.address is not None
        )  # fmt: skip
