"""Campaigns that cash out: at brokers and at many services; and those who change lawfully."""

from __future__ import annotations

from chainwatch.simulate.campaigns.town import COIN, HOUR, Shown, Town


def runner(town: Town, variant: str, shows: Shown) -> None:
    """Somebody is paid large sums and brings each to a money exchange."""
    broker, wallet, day = town.broker("money_exchange"), town.party("runner"), town.between(5, 40)
    sources = [town.party("source of a runner") for _ in range(town.between(3, 6))]
    for _ in range(town.between(2, 12)):
        cents, second = town.between(300_000, 4_000_000), town.at(day)
        town.pay(town.one_of(sources), wallet, cents, second)
        whole = town.units(cents, second) * town.between(70, 99) // 100
        parts = town.between(1, 3)
        late = 40 if variant == "after days" else 1
        for part in range(parts):
            town.pay(wallet, broker, 0, second + (late + 3 * part) * HOUR, base=whole // parts)
        day += town.between(4, 14)
    shows["otc_cash_out"] = [wallet]


def takings(town: Town, variant: str, shows: Shown) -> None:
    """A shop brings its takings to a money exchange, or a family changes what it is sent."""
    broker = town.broker("money_exchange")
    shop, gathered = town.party("shop"), 0
    if variant == "dealer in gold":
        for n in range(8):
            second, cents = town.at(10 + 20 * n), town.between(600_000, 2_000_000)
            town.pay(town.stranger(second, cents), shop, cents, second)
            town.pay(shop, broker, cents * 9 // 10, second + 5 * HOUR)
        return
    for week in range(town.days // 7 - 1):
        for _ in range(town.between(4, 10)):
            second, cents = town.at(7 * week + town.between(0, 6)), town.between(3_000, 40_000)
            town.pay(town.customer(second, cents), shop, cents, second)
            gathered += cents
        town.pay(shop, broker, gathered * 9 // 10, town.at(7 * week + 7))
        gathered = 0
    if variant == "a dear sale now and then":
        for n in range(2):
            second = town.at(30 + 60 * n)
            town.pay(town.stranger(second, 700_000), shop, 700_000, second)
            town.pay(shop, broker, 650_000, second + 5 * HOUR)


def splitter(town: Town, variant: str, shows: Shown) -> None:
    """Somebody parts a sum at once among accounts at several exchanges."""
    wallet, day = town.party("splitter"), town.between(5, 60)
    accounts = [town.account(one) for one in town.some_of(town.exchanges, town.between(2, 5))]
    for _ in range(town.between(1, 4)):
        cents, second = town.between(200_000, 3_000_000), town.at(day)
        town.pay(town.party("source of a splitter"), wallet, cents, second)
        whole = town.units(cents, second) * 97 // 100
        for n, account in enumerate(accounts):
            late = 1 + n * (30 if variant == "over days" else 2)
            town.pay(wallet, account, 0, second + late * HOUR, base=whole // len(accounts))
        day += town.between(10, 40)
    shows["many_services"] = [wallet]


def trader(town: Town, variant: str, shows: Shown) -> None:
    """A trader moves between exchanges, or somebody parts a bonus among his accounts."""
    wallet = town.party("trader")
    accounts = [town.account(one) for one in town.some_of(town.exchanges, 4)]
    for turn in range(town.between(4, 9)):
        cents, second = town.between(350_000, 2_000_000), town.at(5 + 20 * turn)
        payer = town.one_of(town.exchanges)
        if variant == "parts a bonus" and turn == 2:
            payer = town.party("employer")
        town.pay(payer, wallet, cents, second)
        whole = town.units(cents, second) * 95 // 100
        for n, account in enumerate(accounts):
            town.pay(wallet, account, 0, second + HOUR + n * 900, base=whole // 4)


def saver(town: Town, variant: str, shows: Shown) -> None:
    """Somebody's app lets him pay less than a thousand at once, and he pays for a car so."""
    one, dealer = town.party("saver"), town.party("car dealer")
    day = town.between(5, town.days - 5)
    for n in range(town.between(3, 6)):
        town.pay(one, dealer, town.between(90_000, 99_900), town.at(day, 9, 10) + n * HOUR)


def laundry(town: Town, variant: str, shows: Shown) -> None:
    """Somebody launders in one of the shapes that are known from banks: see ``SHAPES``."""
    shape, _, slow = variant.partition(", ")
    SHAPES[shape](town, 20 if slow else 1, shows)


def _gathered(town: Town, slow: int, shows: Shown) -> None:
    """Smurfs pay one collector like sums, who pays as many mules."""
    hub, begin = town.party("collector"), town.between(10, town.days - 150)
    for n in range(town.between(3, 14)):
        town.pay(town.party("smurf"), hub, town.between(50_000, 95_000),
                 town.at(begin) + slow * n * 5 * HOUR)  # fmt: skip
    for n in range(town.between(3, 12)):
        town.pay(hub, town.party("mule"), town.between(50_000, 90_000),
                 town.at(begin + 4 * slow) + slow * n * 3 * HOUR)  # fmt: skip
    shows["gather_scatter"] = shows["fan_in"] = shows["fan_out"] = [hub]


def _scattered(town: Town, slow: int, shows: Shown) -> None:
    """One pays several relays, who pay nearly all of it on to one other."""
    first, last = town.party("layerer"), town.party("beneficiary")
    begin = town.at(town.between(10, town.days - 60))
    for n in range(town.between(2, 8)):
        relay, cents = town.party("relay"), town.between(90_000, 300_000)
        second = begin + n * HOUR * slow
        town.pay(first, relay, cents, second)
        town.pay(relay, last, 0, second + slow * town.between(2, 90) * HOUR,
                 base=town.units(cents, second) * town.between(70, 98) // 100)  # fmt: skip
    shows["scatter_gather"] = [first]


def _ring(town: Town, slow: int, shows: Shown) -> None:
    """A sum comes back to who paid it, a little less at each hop."""
    ring = [town.party("ring") for _ in range(town.between(3, 9))]
    keep = town.between(80, 98)
    second = town.at(town.between(10, town.days - 60))
    base = town.units(town.between(200_000, 900_000), second)
    for payer, payee in zip(ring, [*ring[1:], ring[0]], strict=True):
        town.pay(payer, payee, 0, second, base=base)
        base, second = base * keep // 100, second + slow * town.between(2, 24) * HOUR
    shows["cycle"] = ring


def _below(town: Town, slow: int, shows: Shown) -> None:
    """Somebody pays one other just below the threshold, time and again in a day."""
    payer, payee, begin = town.party("structurer"), town.party("payee"), town.between(5, 200)
    gap = town.between(1, 12)
    for n in range(town.between(2, 9)):
        second = town.at(begin) + n * gap * slow * HOUR
        town.pay(payer, payee, town.between(78_000, 99_000), second)
    shows["structuring"] = [payer]


def _through(town: Town, slow: int, shows: Shown) -> None:
    """A wallet lives for days, is paid by several and pays all of it on within the hour."""
    wallet, day = town.party("throwaway"), town.between(5, town.days - 120)
    for n in range(town.between(2, 7)):
        second, cents = town.at(day) + n * slow * 5 * HOUR, town.between(90_000, 400_000)
        town.pay(town.party("source of a throwaway"), wallet, cents, second)
        town.pay(wallet, town.party("sink"), 0, second + town.between(900, 5_400),
                 base=town.units(cents, second) * 97 // 100)  # fmt: skip
    shows["pass_through"] = shows["rapid_movement"] = [wallet]


def _gathering(town: Town, slow: int, shows: Shown) -> None:
    """Wallets that were paid once are emptied into one, and used no more."""
    cold, begin = town.party("cold wallet"), town.between(5, town.days - 120)
    for n in range(town.between(3, 14)):
        wallet, second = town.party("used wallet"), town.at(begin)
        cents = town.between(50_000, 300_000)
        town.pay(town.party("source of a wallet"), wallet, cents, second)
        town.pay(wallet, cold, 0, town.at(begin + 5) + n * slow * HOUR * 2,
                 base=town.units(cents, second))  # fmt: skip
    shows["consolidation"] = [cold]


def _layers(town: Town, slow: int, shows: Shown) -> None:
    """Two layers of wallets, each of the second paid by each of the first."""
    sources = [town.party("first layer") for _ in range(2)]
    middle = [town.party("second layer") for _ in range(3)]
    sinks = [town.party("third layer") for _ in range(2)]
    begin = town.at(town.between(10, town.days - 60))
    for n, source in enumerate(sources):
        for k, one in enumerate(middle):
            town.pay(source, one, 100_000, begin + slow * (n + k) * HOUR)
    for n, sink in enumerate(sinks):
        for k, one in enumerate(middle):
            town.pay(one, sink, 94_000, begin + slow * (20 + n + k) * HOUR)
    shows["layering"], shows["scatter_gather"] = middle, sources


def _rounded(town: Town, slow: int, shows: Shown) -> None:
    """Somebody pays many others round amounts of coins."""
    payer = town.party("payer of round sums")
    for n in range(town.between(6, 20)):
        town.pay(payer, town.party("payee of round sums"), 0, town.at(5 + n * 5),
                 base=town.between(1, 9) * COIN // 10 + (slow > 1 and town.chance(60)))  # fmt: skip
    shows["round_amounts"] = [payer]


SHAPES = {
    "gathered and scattered": _gathered, "scattered and gathered": _scattered, "ring": _ring,
    "below the threshold": _below, "through a throwaway": _through, "gathering": _gathering,
    "layers": _layers, "round sums": _rounded,
}  # fmt: skip
"""Shapes of laundering by their names; after a comma a variant is *slow*, twenty times as long."""

__all__ = ["SHAPES", "laundry", "runner", "saver", "splitter", "takings", "trader"]
