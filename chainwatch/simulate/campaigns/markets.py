"""Campaigns of markets: vendors by their habits, markets of 2-of-3 escrow, and their twins."""

from __future__ import annotations

from hashlib import sha256

from chainwatch.simulate.campaigns.population import MARKETS
from chainwatch.simulate.campaigns.town import DAY, HOUR, Shown, Town


def _prices(town: Town, count: int) -> list[int]:
    """Return list prices in cents, as shops write them."""
    return [town.between(15, 400) * 100 + town.one_of((0, 50, 90, 99)) for _ in range(count)]


def _list(town: Town, place: str, prices: list[int]) -> None:
    town.listings += [{"place": place, "kind": "goods", "price": one} for one in prices]


def vendor(town: Town, variant: str, shows: Shown) -> None:
    """A vendor sells at a market, which pays him out, and he cashes it at an exchange."""
    at = town.between(0, 2)
    market, place, prices = town.markets[at], MARKETS[at], _prices(town, town.between(4, 8))
    _list(town, place, prices)
    wallets = [town.party("vendor") for _ in range(2 if variant == "two wallets" else 1)]
    account = town.account()
    less, due = town.between(25, 45), 0
    begin = town.between(5, 40)
    weeks = town.between(3, (town.days - begin) // 7 - 8)
    for week in range(weeks):
        for _ in range(town.between(1, 4)):
            day, price = begin + 7 * week + town.between(0, 6), town.one_of(prices)
            second = town.at(day, 0, 24)
            buyer = town.customer(second, price)
            town.pay(buyer, market, price + town.between(0, 2_000), second - 2 * HOUR)
            if variant in ("each sale", "two wallets"):
                town.pay(market, town.one_of(wallets), price * (1_000 - less) // 1_000,
                         second + town.between(2, 9) * DAY)  # fmt: skip
            due += price * (1_000 - less) // 1_000
        day = begin + 7 * week + 8
        if variant in ("weekly", "hoards"):
            town.pay(market, wallets[0], due, town.at(day))
        if variant != "hoards":
            town.pay(town.one_of(wallets), account, max(due * town.between(40, 95) // 100, 100),
                     town.at(day + 10))  # fmt: skip
            due = 0
        elif week == weeks - 1 or town.chance(10):
            town.pay(wallets[0], account, due, town.at(day + 2))
        if variant == "hoards":
            due = 0
    shows["vendor_income"] = wallets
    if variant in ("each sale", "two wallets"):
        shows["escrow_payout"] = wallets


def refunded_buyer(town: Town, variant: str, shows: Shown) -> None:
    """A buyer pays a market in, and takes back now and then what he did not spend."""
    buyer, market, account = town.party("market buyer"), town.one_of(town.markets), town.account()
    for turn in range(town.between(6, 14)):
        day, cents = 10 + turn * town.between(7, 12), town.between(5_000, 40_000)
        town.pay(buyer, market, cents, town.at(day))
        town.pay(market, buyer, cents * town.between(10, 70) // 100, town.at(day + 3))
        town.pay(buyer, account, cents // 12, town.at(day + 5))
    if variant == "deposits from an exchange":
        town.pay(town.one_of(town.exchanges), buyer, 90_000, town.at(5))


def escrow_market(town: Town, variant: str, shows: Shown) -> None:
    """A market of 2-of-3 scripts: each sale pays its seller, and the market its fee."""
    fee, key = town.party("market operator"), sha256(f"{town.label} key {town.deeds}".encode())
    sellers = [town.party("seller") for _ in range(town.between(4, 9))]
    rate = town.between(20, 60)
    for n in range(town.between(4, 40)):
        price, second = town.between(2_000, 50_000), town.at(town.between(5, town.days - 5), 0, 24)
        if variant == "fee by size":
            rate = 30 if price > 30_000 else 45 if price > 12_000 else 70
        _spend(town, fee, town.one_of(sellers), price, rate, second, key.digest(), n)
    shows["multisig_escrow"] = [fee]


def _spend(
    town: Town, fee: bytes, seller: bytes, price: int, rate: int, second: int, key: bytes, n: int
) -> None:
    running, town.running = town.running, None
    lock = town.party("escrow script")
    town.pay(town.customer(second, price), lock, price, second - town.between(1, 6) * DAY)
    town.running = running
    whole = town.units(price, second)
    keys = (key, *(sha256(key + bytes([n, k])).digest() for k in range(2)))
    deed = town.pay(lock, fee, 0, second, base=max(whole * rate // 1_000, 1), quorum="2-of-3",
                    keys=keys)  # fmt: skip
    town.pay(lock, seller, 0, second, base=whole - max(whole * rate // 1_000, 1), deed=deed,
             quorum="2-of-3", keys=keys)  # fmt: skip


def lawful_escrow(town: Town, variant: str, shows: Shown) -> None:
    """An agent for dear things, or a wallet service with a co-signer, that keeps a fee of each."""
    fee, key = town.party("escrow agent"), sha256(f"{town.label} key {town.deeds}".encode())
    sellers = [town.party("private seller") for _ in range(town.between(6, 12))]
    rate = town.between(15, 40)
    for n in range(town.between(10, 20)):
        price = town.between(40_000, 900_000)
        if variant == "fee by agreement":
            rate = town.between(10, 60)
        second = town.at(town.between(5, town.days - 5))
        _spend(town, fee, town.one_of(sellers), price, rate, second, key.digest(), n)


def direct_dealer(town: Town, variant: str, shows: Shown) -> None:
    """A vendor of a market is paid by some of its buyers outside of it."""
    market, dealer, account = town.one_of(town.markets), town.party("dealer"), town.account()
    for n in range(town.between(2, 9)):
        town.pay(market, dealer, town.between(8_000, 60_000), town.at(8 + 5 * n))
    for _ in range(town.between(1, 3)):
        buyer = town.party("direct buyer")
        town.pay(buyer, market, town.between(3_000, 15_000), town.at(town.between(10, 40)))
        payer = town.party("direct buyer") if variant == "another wallet" else buyer
        every = 7 if variant == "weekly" else 28
        for turn in range(town.between(2, 9)):
            town.pay(payer, dealer, town.between(3_000, 25_000),
                     town.at(60 + every * turn + town.between(0, 2)))  # fmt: skip
    town.pay(dealer, account, 150_000, town.at(town.days - 20))
    shows["direct_trade"] = [dealer]
    shows.allowed["vendor_income"] = [dealer]


def flatmates(town: Town, variant: str, shows: Shown) -> None:
    """Two who both buy at a market, and one of whom pays the other his share of a rent."""
    market = town.one_of(town.markets)
    one, other = town.party("market buyer"), town.party("market buyer")
    for who in (one, other):
        for _ in range(town.between(2, 6)):
            town.pay(who, market, town.between(4_000, 20_000), town.at(town.between(2, town.days)))
        if variant == "refunded" and who == other:
            for n in range(3):
                town.pay(market, who, town.between(500, 1_500), town.at(20 + 9 * n))
    for month in range(1, town.days // 30):
        town.pay(one, other, town.between(30_000, 31_000), town.at(30 * month + 1))


def _paid_out(town: Town, market: bytes, wallet: bytes, account: bytes, day: int) -> None:
    """Let a market pay a vendor out, and him bring most of it to his account."""
    cents = town.between(9_000, 80_000)
    town.pay(market, wallet, cents, town.at(day))
    town.pay(wallet, account, cents * town.between(45, 95) // 100, town.at(day + 2))


def mover(town: Town, variant: str, shows: Shown) -> None:
    """A vendor of the market that closes goes on at another."""
    first, second = town.markets[0], town.one_of(town.markets[1:])
    old, account = town.party("vendor"), town.account()
    new = town.party("vendor") if variant == "another wallet" else old
    closed = town.closures[0]["day"]
    for day in range(closed - town.between(30, 70), closed, town.between(5, 25)):
        _paid_out(town, first, old, account, day)
    wait = town.between(60, 80) if variant == "late" else town.between(4, 20)
    for day in range(closed + wait, town.days - 3, town.between(5, 25)):
        _paid_out(town, second, new, account, day)
    shows["migration"] = [old, new]
    shows["vendor_income"] = [old, new]


def at_both(town: Town, variant: str, shows: Shown) -> None:
    """A vendor who sells at two markets all the time: he has no need to move when one closes."""
    wallet, account, closed = town.party("vendor"), town.account(), town.closures[0]["day"]
    town.guilty |= {wallet, account}
    for turn, day in enumerate(range(8, town.days - 8, town.between(4, 7))):
        market = town.markets[turn % 2] if day < closed else town.markets[1]
        _paid_out(town, market, wallet, account, day)
    shows["vendor_income"] = [wallet]


def reviewed(town: Town, variant: str, shows: Shown) -> None:
    """A vendor is paid for each sale, and most buyers review it some days later."""
    wallet, account = town.party("vendor"), town.account()
    name, prices = f"vendor {town.running}", _prices(town, town.between(5, 12))
    told = 25 if variant == "few reviews" else 70
    waiting = 0
    for _ in range(town.between(10, 90)):
        price, second = town.one_of(prices), town.at(town.between(10, town.days - 30), 0, 24)
        buyer = town.customer(second, price)
        if variant == "several at once" and town.chance(60):
            waiting += price
        else:
            town.pay(buyer, wallet, price + waiting, second)
            waiting = 0
        if town.chance(told):
            town.reviews.append({"vendor": name, "price": price,
                                 "second": second + town.between(2 * DAY, 12 * DAY)})  # fmt: skip
    for day in range(20, town.days, 14):
        town.pay(wallet, account, town.between(20_000, 90_000), town.at(day))
    shows["vendor_by_reviews"] = [wallet]


def same_prices(town: Town, variant: str, shows: Shown) -> None:
    """A shop of things that cost what the reviewed things cost, paid by many all the time."""
    shop, account = town.party("shop"), town.account()
    prices = sorted({one["price"] for one in town.reviews})
    some = town.some_of(prices, 10) or [2_500]
    for _ in range(town.between(150, 300)):
        price, second = town.one_of(some), town.at(town.between(0, town.days))
        town.pay(town.customer(second, price), shop, price, second)
    for day in range(10, town.days, 7):
        town.pay(shop, account, town.between(20_000, 70_000), town.at(day))
