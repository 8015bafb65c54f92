"""Campaigns of supply: precursors, counterfeit medicine, arms; and lawful trade alike."""

from __future__ import annotations

from chainwatch.simulate.campaigns.town import DAY, HOUR, Shown, Town


def precursors(town: Town, variant: str, shows: Shown) -> None:
    """A supplier's account at an exchange is paid by vendors of markets, lot by lot."""
    account, market = town.account(), town.one_of(town.markets)
    vendors = [town.party("drug vendor") for _ in range(town.between(2, 8))]
    low, high = (15_000, 45_000) if variant == "small lots" else (30_000, 900_000)
    for one in vendors:
        for n in range(town.between(3, 6)):
            town.pay(market, one, town.between(100_000, 700_000), town.at(5 + 8 * n))
        for _ in range(town.between(2, 5)):
            payer = market if variant == "straight from a market" else one
            if variant == "by an exchange":
                payer = town.one_of(town.exchanges)
            town.pay(payer, account, town.between(low, high), town.at(town.between(60, 200)))
    shows["precursor_supplier"] = [account]
    shows.allowed["vendor_income"] = [account, *vendors]


def chemicals(town: Town, variant: str, shows: Shown) -> None:
    """A wholesaler of chemicals with an account at an exchange; now and then a vendor buys too."""
    account, market = town.account(), town.one_of(town.markets)
    for _ in range(town.between(20, 40)):
        second, cents = town.at(town.between(5, town.days)), town.between(50_000, 600_000)
        town.pay(town.customer(second, cents), account, cents, second)
    for _ in range(3 if variant == "a vendor among them" else 0):
        vendor = town.party("drug vendor")
        town.guilty.add(vendor)
        for n in range(3):
            town.pay(market, vendor, town.between(90_000, 400_000), town.at(5 + 9 * n))
        for _ in range(2):
            town.pay(vendor, account, town.between(60_000, 300_000), town.at(town.between(60, 90)))


def pills(town: Town, variant: str, shows: Shown) -> None:
    """A programme sells pills, and pays affiliates a share of each sale."""
    shop, account = town.party("pill shop"), town.account()
    affiliates = [town.party("affiliate") for _ in range(town.between(3, 7))]
    share = town.between(25, 45)
    wait = (HOUR, 3 * HOUR) if variant == "within hours" else (HOUR, 20 * HOUR)
    due: dict[bytes, int] = {}
    for n in range(town.between(6, 60)):
        second, cents = town.at(10 + 3 * n, 0, 24), town.between(4_000, 25_000)
        whole, whose = town.units(cents, second), town.one_of(affiliates)
        town.pay(town.stranger(second, cents), shop, 0, second, base=whole)
        if variant == "by the week":
            due[whose] = due.get(whose, 0) + whole * share // 100
            if n % 5 == 4:
                for one, base in due.items():
                    town.pay(shop, one, 0, second + 2 * HOUR, base=base)
                due = {}
        else:
            town.pay(shop, whose, 0, second + town.between(*wait), base=whole * share // 100)
        if n % 6 == 5:
            town.pay(shop, account, town.between(10_000, 30_000), second + DAY)
    shows["affiliate_split"] = [shop]


def lawful_affiliates(town: Town, variant: str, shows: Shown) -> None:
    """A shop of lawful goods pays affiliates a share, sale by sale or by the month."""
    shop, account = town.party("shop with affiliates"), town.account()
    affiliates = [town.party("affiliate") for _ in range(town.between(3, 7))]
    share, due = town.between(16, 30), dict[bytes, int]()
    for n in range(town.between(30, 60)):
        second, cents = town.at(5 + 3 * n), town.between(3_000, 25_000)
        whole, whose = town.units(cents, second), town.one_of(affiliates)
        town.pay(town.customer(second, cents), shop, 0, second, base=whole)
        if variant == "sale by sale":
            town.pay(shop, whose, 0, second + 2 * HOUR, base=whole * share // 100)
        else:
            due[whose] = due.get(whose, 0) + whole * share // 100
        if n % 10 == 9:
            town.pay(shop, account, town.between(20_000, 60_000), second + DAY)
            for one, base in due.items():
                town.pay(shop, one, 0, second + DAY, base=base)
            due = {}


def arms(town: Town, variant: str, shows: Shown) -> None:
    """Somebody sells few dear things out of a market's escrow."""
    seller, market, account = town.party("arms seller"), town.one_of(town.markets), town.account()
    day = town.between(5, 30)
    for _ in range(town.between(2, 8)):
        cents = town.between(40_000, 600_000)
        parts = 4 if variant == "in parts" else 1
        for part in range(parts):
            town.pay(market, seller, cents // parts, town.at(day + part))
        town.pay(seller, account, cents * 8 // 10, town.at(day + 5))
        day += town.between(3, 35)
    shows["arms_escrow"] = [seller]
    shows.allowed["vendor_income"] = [seller]


def watches(town: Town, variant: str, shows: Shown) -> None:
    """Somebody sells watches or used cars now and then, out of a lawful escrow."""
    escrow = town.broker("escrow_wallet")
    seller, account = town.party("private seller"), town.account()
    day = town.between(5, 30)
    for _ in range(town.between(4, 8)):
        cents = town.between(60_000, 400_000) if variant == "watches" else town.between(
            600_000, 2_500_000)  # fmt: skip
        town.pay(escrow, seller, cents, town.at(day))
        town.pay(seller, account, cents * 9 // 10, town.at(day + 3))
        day += town.between(12, 35)
