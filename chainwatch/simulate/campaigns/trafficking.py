"""Campaigns of trafficking and abuse, as payments show them, and those who pay in like ways."""

from __future__ import annotations

from chainwatch.simulate.campaigns.town import BLOCK, DAY, HOUR, Shown, Town

BOARD = "board"
AD_PRICES = (500, 800, 1_200, 2_000)
"""What an advertisement costs at the site, in cents."""


def board(town: Town) -> bytes:
    """Return the site of advertisements, which nobody tags; it is the same for all."""
    running, town.running = town.running, None
    if not town.board:
        town.board.append(town.party("advertisement site"))
        site, exchange = town.board[0], town.one_of(town.exchanges)
        for day in range(7, town.days, 7):
            town.pay(site, exchange, town.between(20_000, 90_000), town.at(day))
    town.running = running
    return town.board[0]


def _advertise(town: Town, payer: bytes, second: int, region: str, variant: str) -> None:
    """Let somebody pay for an advertisement, which appears when the payment stands in a block."""
    price = town.one_of(AD_PRICES)
    found = (second // BLOCK + 1) * BLOCK
    if variant == "from a balance":
        if town.chance(10):
            town.pay(payer, board(town), price * 10, second - 2 * DAY)
    else:
        town.pay(payer, board(town), price, second)
    wait = town.between(HOUR, 5 * HOUR) if variant == "looked at first" else town.between(30, 1_200)
    town.listings.append({"place": BOARD, "kind": "advertisement", "price": price,
                          "second": found + wait, "region": region})  # fmt: skip


def advertiser(town: Town, variant: str, shows: Shown) -> None:
    """Somebody advertises others in many towns, from one wallet."""
    wallet, begin = town.party("trafficker"), town.between(5, 60)
    towns = [f"town {town.between(0, 40)}" for _ in range(town.between(2, 12))]
    day, pace = begin, town.one_of(((0, 0, 1, 2), (1, 2, 3), (0, 3, 6)))
    for _ in range(town.between(4, 70)):
        day += town.one_of(pace)
        if day >= town.days - 2:
            break
        _advertise(town, wallet, town.at(day, 9, 24), town.one_of(towns), variant)
    for n in range(6):
        town.pay(town.stranger(0, 9_000), wallet, town.between(8_000, 40_000),
                 town.at(begin + 9 * n))  # fmt: skip
    shows["ad_payments"], shows["many_ads"] = [wallet], [wallet]


def at_home(town: Town, variant: str, shows: Shown) -> None:
    """Somebody advertises herself in the town where she works, or an agency has jobs in many."""
    wallet, day = town.party("advertiser"), town.between(0, 20)
    home = f"town {town.between(0, 40)}"
    every = (0, 3) if variant == "jobs in many towns" else (3, 9)
    while day < town.days - 2:
        region = f"town {town.between(0, 40)}" if variant == "jobs in many towns" else home
        _advertise(town, wallet, town.at(day), region, "at once")
        day += town.between(*every)
    shows["ad_payments"] = [wallet]


def passer_by(town: Town, variant: str, shows: Shown) -> None:
    """Somebody pays the same site for something else: to be seen first, or for its newspaper."""
    wallet = town.party("customer of a site")
    for day in range(town.between(0, 9), town.days - 1, town.between(3, 7)):
        town.pay(wallet, board(town), town.one_of(AD_PRICES), town.at(day))


def recruiter(town: Town, variant: str, shows: Shown) -> None:
    """Somebody pays recruiters, out of what a guarantee platform or a broker pays him."""
    boss, begin = town.party("recruiter's paymaster"), town.between(5, 80)
    concept = "guarantee_platform" if variant == "by a platform" else "money_exchange"
    funder = town.broker(concept)
    for n in range(4):
        town.pay(funder, boss, town.between(1_200_000, 2_500_000), town.at(begin + 18 * n))
    recruits = [town.party("recruit") for _ in range(town.between(4, 16))]
    for n, one in enumerate(recruits):
        town.pay(boss, one, town.between(70_000, 900_000), town.at(begin + 1 + 4 * n))
        if variant == "every month":
            for month in (1, 2):
                town.pay(boss, one, town.between(100_000, 800_000),
                         town.at(begin + 1 + 4 * n + 30 * month))  # fmt: skip
        town.pay(one, town.account(), town.between(60_000, 90_000), town.at(begin + 3 + 4 * n))
    shows["changer_funded_payouts"] = [boss]


def contractors(town: Town, variant: str, shows: Shown) -> None:
    """A firm pays contractors once each, out of what its customers or a broker pay."""
    firm = town.party("firm")
    for n in range(12):
        second = town.at(5 + 6 * n)
        cents = town.between(200_000, 900_000)
        times = {"changes by a broker": 4, "paid by a broker": 12}.get(variant, 0)
        payer = town.broker("money_exchange") if n < times else town.stranger(second, cents)
        town.pay(payer, firm, cents, second)
    for n in range(town.between(8, 14)):
        whom = town.party("contractor")
        town.pay(firm, whom, town.between(100_000, 700_000), town.at(20 + 5 * n))


def night_site(town: Town, variant: str, shows: Shown) -> None:
    """A hidden site takes one price, mostly at night, and many pay it by the month."""
    site, account = town.party("hidden site"), town.account()
    base, at_night = town.between(20, 60) * 10_000, town.between(45, 95)
    members = [town.party("payer of a hidden site") for _ in range(town.between(6, 40))]
    for member in members:
        day = town.between(0, 40)
        for _ in range(town.between(1, 6)):
            if day >= town.days:
                break
            late = town.chance(at_night)
            hour = town.one_of((23, 0, 1, 2, 3, 4)) if late else town.between(8, 22)
            second = day * DAY + hour * HOUR + town.between(0, HOUR - BLOCK - 1)
            to = town.party("address of a member") if variant == "an address each" else site
            if variant == "priced in euros":
                town.pay(member, to, 2_000, second)
            else:
                town.pay(member, to, 0, second, base=base)
            if to != site:
                town.pay(to, site, 0, second + DAY, base=base)
            day += town.between(29, 32) if town.chance(75) else town.between(40, 80)
    for day in range(30, town.days, 30):
        town.pay(site, account, town.between(10_000, 30_000), town.at(day))
    shows["night_amounts"] = [site]


def subscription(town: Town, variant: str, shows: Shown) -> None:
    """A paper, or a game that is played at night, takes one amount by the month."""
    paper, account, base = town.party("subscription service"), town.account(), (
        town.between(20, 60) * 10_000)  # fmt: skip
    for reader in town.some_of(town.people, 40):
        hours = (22, 28) if variant == "played at night" else (7, 23)
        for day in range(town.between(0, 29), town.days - 1, 30):
            hour = town.between(*hours)
            town.pay(reader, paper, 0, day * DAY + hour * HOUR + town.between(0, 3_000), base=base)
    for day in range(30, town.days, 30):
        town.pay(paper, account, town.between(10_000, 30_000), town.at(day))
