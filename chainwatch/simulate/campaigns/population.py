"""Who lives in the town: people, employers, shops, exchanges and markets, and what they pay."""

from __future__ import annotations

from chainwatch.simulate.campaigns.town import DAY, HOUR, Town

MARKETS = ("bazaar", "souk", "harbour")
"""Darknet markets; the first closes."""

CLOSES = 60
"""In percent of the days, when the first market closes."""


def settle(town: Town, people: int) -> None:
    """Let services, people, employers and shops settle, and live for all of the days."""
    town.exchanges = [town.service("exchange", f"exchange {n}", "exchange") for n in range(5)]
    town.markets = [town.service("dark market", name, "dark_market") for name in MARKETS]
    town.shops = [town.party("shop") for _ in range(max(people // 12, 3))]
    town.people = [town.party("person") for _ in range(people)]
    _wages(town, people)
    _shopping(town)
    _exchanging(town)
    _friends(town)


def close_the_first_market(town: Town) -> int:
    """Tell the day on which the first market closed."""
    day = town.days * CLOSES // 100
    town.closures.append({"market": MARKETS[0], "day": day})
    return day


def _wages(town: Town, people: int) -> None:
    """Let employers pay wages by the month, out of what they draw from an exchange."""
    for n in range(max(people // 15, 2)):
        firm, source = town.party("employer"), town.one_of(town.exchanges)
        staff = town.people[n * 15 : n * 15 + 15]
        wages = {one: town.between(150_000, 450_000) for one in staff}
        for month in range(town.days // 30):
            day = month * 30 + 27
            town.pay(source, firm, sum(wages.values()) + 10_000 if wages else 10_000,
                     town.at(day - 1))  # fmt: skip
            second, deed = town.at(day), 0
            for one, cents in wages.items():
                deed = town.pay(firm, one, cents, second, deed=deed if town.chance(50) else 0)


def _shopping(town: Town) -> None:
    """Let people buy, and shops pay suppliers and bring the rest to an exchange."""
    for person in town.people:
        for day in range(town.between(0, 9), town.days, town.between(6, 12)):
            town.pay(person, town.one_of(town.shops), town.between(900, 15_000), town.at(day))
    for shop in town.shops:
        account, supplier = town.account(), town.party("supplier")
        for day in range(town.between(3, 9), town.days, 7):
            town.pay(shop, account, town.between(10_000, 60_000), town.at(day))
            if town.chance(40):
                town.pay(shop, supplier, town.between(5_000, 90_000), town.at(day))


def _exchanging(town: Town) -> None:
    """Let some people change some of their wages by an account of their own."""
    for person in town.people:
        if not town.chance(55):
            continue
        exchange = town.one_of(town.exchanges)
        account = town.account(exchange)
        for day in range(town.between(1, 20), town.days, town.between(20, 45)):
            town.pay(person, account, town.between(3_000, 90_000), town.at(day))
            if town.chance(50):
                town.pay(exchange, person, town.between(2_000, 60_000), town.at(day + 3))


def _friends(town: Town) -> None:
    """Let people pay people: a share of a bill, a rent, a gift."""
    for person in town.people:
        for friend in town.some_of([one for one in town.people if one != person], 2):
            for _ in range(town.between(0, 3)):
                town.pay(person, friend, town.between(500, 30_000),
                         town.at(town.between(0, town.days)))  # fmt: skip
    landlords = town.people[: len(town.people) // 20]
    for tenant in town.people[len(landlords) :: 4]:
        landlord, rent = town.one_of(landlords), town.between(40_000, 110_000)
        for month in range(town.days // 30):
            town.pay(tenant, landlord, rent, town.at(month * 30 + 29))


def sweep(town: Town) -> None:
    """Let exchanges empty every deposit address into their wallets, hours after each payment."""
    for one in [row for row in town.rows if row.payee in town.swept]:
        later = one.second + town.between(HOUR, DAY)
        if later < town.days * DAY:
            town.running = None
            town.pay(one.payee, town.swept[one.payee], 0, later, base=one.amount)


__all__ = ["CLOSES", "MARKETS", "close_the_first_market", "settle", "sweep"]
