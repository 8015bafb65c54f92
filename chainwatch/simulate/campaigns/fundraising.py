"""Campaigns that raise funds by published addresses, and charities and shops that look alike."""

from __future__ import annotations

from chainwatch.simulate.campaigns.town import DAY, Shown, Town


def _gift(town: Town) -> int:
    """Return what somebody gives, in cents: a round sum of euros as a rule."""
    found: int = town.one_of((500, 1_000, 2_000, 2_500, 5_000, 10_000, town.between(300, 20_000)))
    return found


def appeal(town: Town, variant: str, shows: Shown) -> None:
    """A page asks to pay to one address, for some weeks, and all goes to one account."""
    call, account = town.party("appeal"), town.one_of(town.exchanges)
    town.published.append(call)
    begin, length = town.between(10, town.days - 80), town.between(10, 45)
    count = town.between(10, 70)
    total = 0
    regulars = town.some_of(town.people, 40)
    for _ in range(count):
        second, cents = town.at(begin + town.between(0, length), 0, 24), _gift(town)
        giver = town.one_of(regulars) if variant == "monthly givers" else town.stranger(
            second, cents)  # fmt: skip
        town.pay(giver, call, cents, second)
        if variant == "monthly givers":
            town.pay(giver, call, cents, second + 30 * DAY)
        total += cents
    parts = town.between(1, 3)
    for part in range(parts):
        to = account if variant != "two accounts" or part else town.one_of(town.people)
        town.pay(call, to, total * town.between(92, 98) // 100 // parts,
                 town.at(begin + length + 1 + part))  # fmt: skip
    shows["published_appeal"] = [call]


def charity(town: Town, variant: str, shows: Shown) -> None:
    """A charity with a published address and many small donors, who come again as a rule."""
    call, account = town.party("charity"), town.one_of(town.exchanges)
    town.published.append(call)
    helpers = [town.party("helper") for _ in range(6)]
    givers = town.some_of(town.people, 60)
    for month in range(town.days // 30):
        total = 0
        flood = variant.startswith("one flood")
        for giver in givers if not flood or month == 3 else givers[:2]:
            if town.chance(60):
                second, cents = town.at(30 * month + town.between(0, 29), 7, 24), _gift(town)
                whom = giver if town.chance(5 if flood else 60) else town.stranger(second, cents)
                town.pay(whom, call, cents, second)
                total += cents
        second = town.at(30 * month + 30)
        if variant.endswith(("cashed at one exchange", "cashed")) and total:
            town.pay(call, account, total * 95 // 100, second)
        elif total:
            for one in helpers:
                town.pay(call, one, max(total * 15 // 100, 100), second + town.between(0, DAY))


def rotation(town: Town, variant: str, shows: Shown) -> None:
    """Addresses for donations, a new one every few weeks, are emptied into one wallet."""
    pot, account = town.party("operating wallet"), town.account()
    length, begin = town.between(15, 28), town.between(3, 20)
    gap = length // 2 if variant == "overlapping" else length + town.between(0, 4)
    for turn in range(town.between(3, 8)):
        call, total = town.party("donation address"), 0
        if turn < 2:
            town.published.append(call)
        first = begin + turn * gap
        if first + length + 3 >= town.days:
            break
        for _ in range(town.between(3, 20)):
            second, cents = town.at(first + town.between(0, length - 1), 0, 24), _gift(town)
            town.pay(town.stranger(second, cents), call, cents, second)
            total += town.units(cents, second)
        town.pay(call, pot, 0, town.at(first + length + 1), base=total * 99 // 100)
    town.pay(pot, account, 90_000, town.at(town.days - 4))
    shows["rotating_addresses"] = [pot]


def rotating_shop(town: Town, variant: str, shows: Shown) -> None:
    """A shop that takes another address each month, with customers who come again."""
    till, account, landlord = town.party("shop"), town.account(), town.person()
    customers = town.some_of(town.people, 25)
    for month in range(town.days // 30):
        call, total = town.party("shop address"), 0
        for _ in range(town.between(15, 30)):
            second, cents = town.at(30 * month + town.between(0, 26)), town.between(800, 9_000)
            known = town.chance(5 if variant == "passing trade" else 75)
            buyer = town.one_of(customers) if known else town.stranger(second, cents)
            town.pay(buyer, call, cents, second)
            total += town.units(cents, second)
        town.pay(call, till, 0, town.at(30 * month + 28), base=total * 99 // 100)
        for one in range(6):
            town.pay(till, account if one else landlord, town.between(2_000, 9_000),
                     town.at(30 * month + 29))  # fmt: skip


def for_each_donor(town: Town, variant: str, shows: Shown) -> None:
    """A site shows every visitor an address of his own, and gathers them now and then."""
    pot, account, begin = town.party("operating wallet"), town.account(), town.between(3, 60)
    wait = 80 if variant == "gathered late" else town.between(3, 50)
    for n in range(town.between(8, 60)):
        call, cents = town.party("donation address"), _gift(town)
        second = town.at(begin + n * 2, 0, 24)
        if n % 15 == 2:
            town.published.append(call)
        town.pay(town.stranger(second, cents), call, cents, second)
        later = min(second + wait * DAY, (town.days - 1) * DAY)
        if later > second:
            town.pay(call, pot, 0, later, base=town.units(cents, second))
    town.pay(pot, account, 50_000, town.at(town.days - 2))
    shows["address_per_donor"] = [pot]


def invoices(town: Town, variant: str, shows: Shown) -> None:
    """A shop with an address for each invoice, or a platform that takes donations for many."""
    till, n = town.party("payment processor"), town.between(60, 120)
    for turn in range(n):
        call, cents = town.party("invoice address"), town.between(900, 15_000)
        second = town.at(turn * (town.days - 6) // n)
        if variant != "invoices" and turn % 20 == 5:
            town.published.append(call)
        known = 2 if variant == "one charity" else 70
        town.pay(town.customer(second, cents, known=known), call, cents, second)
        town.pay(call, till, 0, second + 2 * DAY, base=town.units(cents, second))
    for merchant in range(2 if variant == "one charity" else 12):
        whom = town.party("merchant")
        for week in range(2, town.days // 7, 4):
            town.pay(till, whom, town.between(3_000, 40_000), town.at(7 * week + merchant % 5))
