"""The crimes: an escrow market with two vendors, and a donation campaign; who pays into them.

What the vendors do with the money stands in :mod:`chainwatch.simulate.vendors`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from chainwatch.simulate.economy import Economy, affordable
from chainwatch.simulate.transactions import Lock
from chainwatch.simulate.wallets import Policy, Wallet
from chainwatch.simulate.world import TICKS, World

KELP, REED, OTTER, LANTERN = "Kelp", "Reed", "Otter", "Lantern"

COMMISSION = 500
"""Basis points that the market keeps of every order."""

REFUNDS = 6
"""Orders in a hundred that are refunded."""

VENDOR_KELP = Policy(order="random", fee_rate=10)
VENDOR_REED = Policy(kind="p2pkh", reuse=True, order="change_last", version=1, fee_rate=11)
MARKET_HOT = Policy(kind="p2sh", select="oldest", version=1, fee_rate=7)
MARKET_DEPOSITS = Policy(kind="p2wpkh", fee_rate=7)
CAMPAIGN = Policy(kind="p2wpkh", order="bip69", fee_rate=6)


@dataclass
class Market:
    """Escrow: a deposit address per order, swept; vendors and refunds are paid in batches."""

    world: World
    hot: Wallet
    deposits: Wallet
    vendors: dict[str, Wallet]
    credit: dict[str, int] = field(default_factory=lambda: {KELP: 0, REED: 0})
    refunds: list[tuple[Lock, int]] = field(default_factory=list)

    def order(self, tick: int, buyer: Wallet, vendor: str, amount: int) -> None:
        """Let a buyer pay an order into escrow, if he can; it is settled days later."""
        if not affordable(self.world, buyer, amount):
            return
        lock = self.world.lock(
            self.deposits, f"escrow of {buyer.owner} for an order at {vendor}", customer=buyer.owner
        )
        self.world.pay(buyer, [(lock, amount, "order")])
        settled = tick + 8 + self.world.rng.randrange(12)
        refund = self.world.rng.randrange(100) < REFUNDS
        self.world.at(settled, lambda: self._settle(buyer, vendor, amount, refund))

    def _settle(self, buyer: Wallet, vendor: str, amount: int, refund: bool) -> None:
        if refund:
            self.refunds.append((self.world.lock(buyer, "refund"), amount))
        else:
            self.credit[vendor] += amount - amount * COMMISSION // 10_000

    def sweep(self) -> None:
        """Pool order deposits in a fresh address of the hot wallet."""
        coins = self.world.spendable(self.deposits)
        if coins:
            self.world.sweep(self.deposits, coins, self.world.lock(self.hot, "swept orders"))

    def pay_out(self) -> None:
        """Pay what vendors are owed and what buyers get back in one transaction."""
        targets = [
            (self.world.lock(self.vendors[name], "market payout"), owed, "payout")
            for name, owed in self.credit.items()
            if owed
        ] + [(lock, amount, "refund") for lock, amount in self.refunds]
        if targets and affordable(self.world, self.hot, sum(target[1] for target in targets)):
            self.credit = dict.fromkeys(self.credit, 0)
            self.refunds = []
            self.world.pay(self.hot, targets)


@dataclass
class Campaign:
    """Donations: one published address, later a fresh address per donor, pooled, cashed out."""

    world: World
    wallet: Wallet
    published: Lock
    fresh: bool = False

    def receiving(self, donor: str) -> Lock:
        """Return the address shown to a donor at this time."""
        if not self.fresh:
            return self.published
        return self.world.lock(self.wallet, f"shown to {donor} alone")

    def rotate(self) -> None:
        """Show a fresh address to every donor from now on."""
        self.fresh = True

    def pool(self) -> None:
        """Bring everything together in one fresh address."""
        coins = self.world.spendable(self.wallet)
        self.world.sweep(self.wallet, coins, self.world.lock(self.wallet, "pooled donations"))

    def cash_out(self, exchange: Lock, percent: int) -> None:
        """Send part of the pooled money to the campaign's account at an exchange."""
        amount = self.wallet.balance * percent // 100 // 10_000 * 10_000
        self.world.pay(self.wallet, [(exchange, amount, "deposit")])


@dataclass
class Crimes:
    """The guilty, the accused and their tools."""

    economy: Economy
    market: Market
    campaign: Campaign
    kelp: Wallet
    reed: Wallet
    adverts: dict[str, Lock]


def build(economy: Economy) -> Crimes:
    """Return market, vendors and campaign with their calendar in the schedule."""
    world = economy.world
    kelp = world.wallet(KELP, "vendor", VENDOR_KELP)
    reed = world.wallet(REED, "vendor", VENDOR_REED)
    hot = world.wallet(OTTER, "market", MARKET_HOT, "hot wallet")
    deposits = world.wallet(OTTER, "market", MARKET_DEPOSITS, "order deposits")
    lantern = world.wallet(LANTERN, "campaign", CAMPAIGN)
    published = world.lock(lantern, "published on the campaign's page")
    crimes = Crimes(
        economy=economy,
        market=Market(world, hot, deposits, {KELP: kelp, REED: reed}),
        campaign=Campaign(world, lantern, published),
        kelp=kelp,
        reed=reed,
        adverts={
            KELP: world.lock(kelp, "advertised by the vendor"),
            REED: world.lock(reed, "advertised by the vendor; the wallet's only address"),
        },
    )
    _trade(crimes)
    _donate(crimes)
    return crimes


def _trade(crimes: Crimes) -> None:
    """Buyers fund themselves at exchanges and order; some pay a vendor without escrow."""
    economy, market, rng = crimes.economy, crimes.market, crimes.economy.world.rng
    for place, buyer in enumerate(economy.buyers):
        for _ in range(1 + rng.randrange(2)):
            tick = 3 + rng.randrange(TICKS - 45)
            amount = 1_000_000 + rng.randrange(4_000_000)
            economy.fund(tick, economy.exchange_of(place), buyer, amount)
            for later in (10, 16)[: 1 + rng.randrange(2)]:
                _order(market, tick + later, buyer, 400_000 + rng.randrange(1_600_000))
        if place % 6 == 0:
            vendor = KELP if place % 12 == 0 else REED
            amount = 300_000 + rng.randrange(900_000)
            # The first buyers come before Kelp's first consolidation, which so spends the
            # advertised address: without that nothing would join it to the peel chain.
            start, ticks = (38, 14) if place < 12 else (60, 90)
            tick = start + rng.randrange(ticks)
            if place < 12:
                economy.fund(30, economy.exchange_of(place), buyer, 2_500_000)
            economy.spend(tick, buyer, crimes.adverts[vendor], amount, "direct sale")
    for tick in range(8, TICKS, 6):
        economy.world.at(tick, market.sweep)
    for tick in range(15, TICKS, 10):
        economy.world.at(tick, market.pay_out)
    cash = economy.harbour.deposit_address(OTTER)
    economy.spend(165, market.hot, cash, 6_000_000, "deposit")


def _order(market: Market, tick: int, buyer: Wallet, amount: int) -> None:
    vendor = KELP if market.world.rng.randrange(100) < 60 else REED
    market.world.at(tick, lambda: market.order(tick, buyer, vendor, amount))


def _donate(crimes: Crimes) -> None:
    """Donors give small sums; the campaign pools twice and cashes out in August."""
    economy, campaign, rng = crimes.economy, crimes.campaign, crimes.economy.world.rng
    world = economy.world
    givers = [*economy.donors, *economy.buyers[4:40:12]]
    for place, donor in enumerate(givers):
        tick = 4 + place * 140 // len(givers)
        economy.fund(tick, economy.exchange_of(place), donor, 400_000 + rng.randrange(900_000))
        world.at(tick + 9, partial(give, campaign, donor))
    world.at(38, campaign.rotate)
    for tick in (70, 121):
        world.at(tick, campaign.pool)
    account = economy.harbour.deposit_address(LANTERN)
    world.at(125, lambda: campaign.cash_out(account, 45))


def give(campaign: Campaign, donor: Wallet) -> None:
    """Let a donor give about half of what he holds, in steps of 0.0001 BTC."""
    amount = donor.balance // 2 // 10_000 * 10_000
    if amount >= 50_000 and affordable(campaign.world, donor, amount):
        campaign.world.pay(donor, [(campaign.receiving(donor.owner), amount, "donation")])
