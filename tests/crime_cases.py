"""Payments that have the shape of each typology of crimes, and those of its innocent twin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any, NamedTuple

import polars as pl
from account_chains import DAY, HOUR, START, Accounts

import chainwatch as cw
from chainwatch.addresses.canonical import text
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import INPUT_KEYS
from chainwatch.typologies.typology import Typology

ON = Accounts()
M = 1_000_000
"""One token, which is worth one unit of any currency here."""

Paid = list[Any]

MARKET = ON.tags(("market", "bazaar", "dark_market"), ("other", "souk", "dark_market"),
                 ("shop", "shop", "exchange"), ("desk", "desk", "money_exchange"),
                 ("vouch", "vouch", "guarantee_platform"), ("e1", "one", "exchange"),
                 ("e2", "two", "exchange"), ("e3", "three", "exchange"))  # fmt: skip


def when(minute: int) -> Any:
    return START + timedelta(minutes=minute)


def income(party: str, weeks: int = 6, least: int = 300) -> Paid:
    """Return what a market pays somebody each week, and what he pays an exchange the day after."""
    return [one for week in range(weeks) for one in (
        (f"market>{party}:{(least + week) * M}", week * 7 * DAY),
        (f"{party}>shop:{(least + week) * M * 9 // 10}", week * 7 * DAY + DAY))]  # fmt: skip


def bought(party: str) -> Paid:
    """Return a buyer who pays a market in, and takes back what he did not spend."""
    return [one for week in range(6) for one in (
        (f"{party}>market:{400 * M}", week * 7 * DAY),
        (f"market>{party}:{(300 + week) * M}", week * 7 * DAY + HOUR),
        (f"{party}>shop:{200 * M}", week * 7 * DAY + DAY))]  # fmt: skip


PRICES = (37, 61, 89, 140, 233, 310)

GOODS = cw.make_facts(listings=pl.DataFrame({
    "place": "bazaar", "kind": "goods", "time": pl.Series([None] * 6, dtype=pl.String),
    "price": [str(one * M) for one in PRICES],
}))  # fmt: skip


def paid_out(less: int) -> Paid:
    """Return payouts of list prices less so many in a thousand."""
    return [(f"market>seller:{PRICES[n % 6] * M * (1_000 - less) // 1_000}", n * DAY)
            for n in range(9)]  # fmt: skip


def met(vendor: bool) -> Paid:
    """Return one who pays a market, and one whom it pays (or who pays it too), and who then pay
    each other."""
    other = [(f"market>dealer:{90 * M}", n * DAY) for n in range(3)] if vendor else [
        (f"dealer>market:{90 * M}", n * DAY) for n in range(3)]  # fmt: skip
    return [*other, (f"buyer>market:{50 * M}", HOUR),
            *((f"buyer>dealer:{40 * M + n}", (10 + 3 * n) * DAY) for n in range(3))]  # fmt: skip


CLOSED = cw.make_facts(closures=pl.DataFrame({"market": ["bazaar"], "time": [when(40 * DAY)]}))


def moved(begin: int) -> Paid:
    """Return payouts of the one market until it closes, and of the other from a day on."""
    return [*((f"market>seller:{90 * M}", n * 7 * DAY) for n in range(5)),
            *((f"other>seller:{80 * M}", (begin + 5 * n) * DAY) for n in range(5)),
            ("x>y:5", 130 * DAY)]  # fmt: skip


def _drawn(*of: object, most: int) -> int:
    return int.from_bytes(sha256(repr(of).encode()).digest()[:4]) % most


SALES = tuple((20 + _drawn("day", n, most=70), 50 + _drawn("price", n, most=900))
              for n in range(24))  # fmt: skip
"""Day and price of each sale of a vendor."""

REVIEWED = cw.make_facts(reviews=pl.DataFrame({
    "vendor": "kelp", "time": [when((day + 4) * DAY) for day, _ in SALES],
    "price": [str(price * M) for _, price in SALES],
}))  # fmt: skip

OTHERS = [(f"c{n}>stall{n % 3}:{(50 + _drawn('other', n, most=900)) * M}",
           _drawn("when", n, most=120) * DAY) for n in range(200)]  # fmt: skip


def sold(to: str, shift: int = 0) -> Paid:
    """Return the payments of the sales, and those of other stalls of like prices."""
    return sorted(
        [(f"b{n}>{to}:{price * M + n}", (day + shift) * DAY) for n, (day, price) in
         enumerate(SALES)] + OTHERS + [("x>y:5", 0), ("x>y:5", 140 * DAY)],
        key=lambda one: one[1],
    )  # fmt: skip


def appeal(to: int) -> Paid:
    """Return small gifts to one address, paid on to so many."""
    gifts = [(f"g{n}>call:{(20 + n) * M}", n * 12 * HOUR) for n in range(24)]
    ends = ["shop", *(f"helper{n}" for n in range(9))][:to]
    spent = [(f"call>{one}:{700 * M // to}", 13 * DAY + n) for n, one in enumerate(ends)]
    return gifts + spent


TURN = cw.make_facts(published=pl.DataFrame({
    "chain": ["eth"], "address": [text(ON("turn0"), "eth")],
}))  # fmt: skip

CALL = cw.make_facts(published=pl.DataFrame({
    "chain": ["eth", "eth"], "address": [text(ON("call"), "eth"), text(ON("once3"), "eth")],
}))  # fmt: skip


def rotated(people: int, months: int = 5) -> Paid:
    """Return addresses that are used a month each, by so many people in all, and emptied."""
    rows = []
    for month in range(months):
        rows += [(f"p{(7 * month + n) % people}>turn{month}:{30 * M + n}",
                  month * 30 * DAY + n * DAY) for n in range(7)]  # fmt: skip
        rows.append((f"turn{month}>pot:{7 * 30 * M + 21}", (month * 30 + 20) * DAY))
    return rows


def one_each(name: str, count: int = 20) -> Paid:
    """Return addresses that are paid once, by one each, and emptied into one wallet."""
    return [(f"g{n}>{name}{n}:{25 * M + n}", n * DAY) for n in range(count)] + [
        (f"{name}{n}>pot:{25 * M + n}", (count + 1) * DAY + n) for n in range(count)]  # fmt: skip


ADS = tuple((3 * n * DAY + _drawn("hour", n, most=DAY), (5, 8, 12)[n % 3]) for n in range(20))
"""When each of the advertisements of one wallet appears, and its price."""

ADVERTISED = cw.make_facts(listings=pl.DataFrame({
    "place": "board", "kind": "advertisement", "time": [when(minute + 9) for minute, _ in ADS],
    "price": [str(price * M) for _, price in ADS], "region": [f"town {n % 7}" for n in range(20)],
}))  # fmt: skip

AT_HOME = cw.make_facts(listings=pl.DataFrame({
    "place": "board", "kind": "advertisement", "time": [when(minute + 9) for minute, _ in ADS],
    "price": [str(price * M) for _, price in ADS], "region": "town",
}))  # fmt: skip


def advertised(late: int = 0) -> Paid:
    """Return payments for the advertisements, and those of others to the same site."""
    others = [(f"o{n % 9}>board:{(5, 8, 12)[n % 3] * M}", n * 11 * HOUR + 17) for n in range(120)]
    mine = [(f"pays>board:{price * M}", minute + late) for minute, price in ADS]
    return sorted([*others, *mine], key=lambda one: one[1])


def recruited(funder: str) -> Paid:
    return [(f"{funder}>boss:{30_000 * M}", 0),
            *((f"boss>r{n}:{(1_500 + 311 * n) * M}", (1 + n) * DAY) for n in range(8))]  # fmt: skip


def monthly_at(hour: int, spread: int) -> Paid:
    """Return fifteen who pay one price each month, between an hour and so many hours later."""
    return [(f"p{n}>club:{21 * M}", (month * 30 + n % 5) * DAY + hour * HOUR
             + n * spread * HOUR // 15) for month in range(3) for n in range(15)]  # fmt: skip


def precursors(from_markets: bool) -> Paid:
    """Return vendors whom a market pays (or an employer does), and who pay one account in lots."""
    payer = "market" if from_markets else "firm"
    rows = [(f"{payer}>v{n}:{9_000 * M}", n * DAY + turn) for n in range(3) for turn in range(3)]
    rows += [(f"v{n % 3}>account:{(700 + 150 * n) * M}", (20 + n) * DAY) for n in range(7)]
    return [*rows, (f"account>shop:{7_000 * M}", 40 * DAY)]


def split(wait: int) -> Paid:
    """Return sales of which three in ten go to one of three others so many minutes later."""
    rows = []
    for n in range(15):
        price = 40 + 13 * _drawn("pill", n, most=40)
        rows += [(f"c{n}>pills:{price * M}", n * DAY),
                 (f"pills>affiliate{n % 3}:{price * M * 3 // 10}", n * DAY + wait)]  # fmt: skip
    return sorted(rows, key=lambda one: one[1])


def from_escrow(price: int) -> Paid:
    return [(f"market>seller:{(price + 7 * n) * M}", n * 20 * DAY) for n in range(5)]


def to_the_desk(each: int, wait: int) -> Paid:
    """Return sums that are brought to a money exchange, one by one or gathered."""
    rows = [(f"source{n}>runner:{each * M}", n * 3 * DAY) for n in range(6)]
    return sorted(rows + [(f"runner>desk:{each * M * 95 // 100}", n * 3 * DAY + wait)
                          for n in range(6)], key=lambda one: one[1])  # fmt: skip


def parted(source: str) -> Paid:
    return [
        (f"{source}>splits:{9_000 * M}", 0),
        *((f"splits>{one}:{2_900 * M}", HOUR + n) for n, one in enumerate(("e1", "e2", "e3"))),
    ]


def escrows(fees: tuple[int, ...]) -> str:
    """Return sales out of escrow: of a thousand the seller gets what the fee leaves."""
    return "\n".join(
        f"s{n}: Escrow{n}=1_000 -> Seller{n % 4}={1_000 - fee} Fee={fee}"
        for n, fee in enumerate(fees)
    )


def with_keys(ledger: Ledger) -> Ledger:
    """Return a ledger in which every input unlocks two of three keys, one a market's."""
    inputs = (ledger.frames or {})["inputs"]
    rows = [
        (chain, tx, n, k, 2, b"\x02" + sha256(name).digest())
        for chain, tx, n, address in inputs.select("chain", "tx", "n", "address").iter_rows()
        for k, name in enumerate((b"market", b"buyer" + address, b"seller" + address))
    ]
    return Ledger.from_tables({
        **(ledger.frames or {}), "inputs": inputs.with_columns(quorum=pl.lit("2-of-3")),
        "input_keys": pl.DataFrame(rows, schema=INPUT_KEYS.schema, orient="row"),
    })  # fmt: skip


class Case(NamedTuple):
    """A typology, payments that have its shape and whose doing it is, and payments of its twin.

    Payments are ``(text, minute[, more])`` of an account chain, or a text of a coin chain.
    ``rests_on_history`` is whether something that was not read could explain the shape away;
    ``given`` are tags, facts and prices; ``twin_given`` others for the twin; ``changed`` what is
    made of a ledger beside.
    """

    typology: Typology
    shape: Any
    twin: Any
    whose: str
    rests_on_history: bool = True
    given: Mapping[str, Any] = {}
    twin_given: Mapping[str, Any] | None = None
    changed: Callable[[Ledger], Ledger] = lambda ledger: ledger


TAGGED = {"tags": MARKET}

CRIMES = {
    "ad_payments": Case(
        cw.typologies.ad_payments(), advertised(), advertised(late=45), "pays",
        given={"facts": ADVERTISED},
    ),
    "address_per_donor": Case(
        cw.typologies.address_per_donor(), one_each("once"), one_each("invoice"), "pot",
        given={"facts": CALL},
    ),
    "affiliate_split": Case(
        cw.typologies.affiliate_split(), split(HOUR), split(2 * DAY + HOUR // 7), "pills",
    ),
    "arms_escrow": Case(
        cw.typologies.arms_escrow(units=M), from_escrow(900), from_escrow(90), "seller",
        given=TAGGED,
    ),
    "changer_funded_payouts": Case(
        cw.typologies.changer_funded_payouts(units=M), recruited("desk"), recruited("firm"), "boss",
        given=TAGGED,
    ),
    "direct_trade": Case(
        cw.typologies.direct_trade(), met(vendor=True), met(vendor=False), "dealer", given=TAGGED,
    ),
    "escrow_payout": Case(
        cw.typologies.escrow_payout(), paid_out(35), paid_out(0), "seller",
        given={"tags": MARKET, "facts": GOODS},
    ),
    "many_ads": Case(
        cw.typologies.many_ads(days=60), advertised(), advertised(), "pays",
        given={"facts": ADVERTISED}, twin_given={"facts": AT_HOME},
    ),
    "many_services": Case(
        cw.typologies.many_services(units=M), parted("firm"), parted("shop"), "splits",
        given=TAGGED,
    ),
    "migration": Case(
        cw.typologies.migration(), moved(45), moved(12), "seller",
        given={"tags": MARKET, "facts": CLOSED},
    ),
    "multisig_escrow": Case(
        cw.typologies.multisig_escrow(), escrows((50,) * 8), escrows((20, 35, 50, 65, 80, 95) * 2),
        "Fee", False, changed=with_keys,
    ),
    "night_amounts": Case(
        cw.typologies.night_amounts(zone="UTC"), monthly_at(23, 5), monthly_at(8, 14), "club",
    ),
    "otc_cash_out": Case(
        cw.typologies.otc_cash_out(units=M), to_the_desk(6_000, HOUR),
        to_the_desk(6_000, 2 * DAY), "runner", given=TAGGED,
    ),
    "precursor_supplier": Case(
        cw.typologies.precursor_supplier(units=M), precursors(from_markets=True),
        precursors(from_markets=False), "account", given=TAGGED,
    ),
    "published_appeal": Case(
        cw.typologies.published_appeal(units=M), appeal(1), appeal(7), "call",
        given={"tags": MARKET, "facts": CALL},
    ),
    "rotating_addresses": Case(
        cw.typologies.rotating_addresses(), rotated(35), rotated(35), "pot",
        given={"facts": TURN}, twin_given={"facts": CALL},
    ),
    "vendor_by_reviews": Case(
        cw.typologies.vendor_by_reviews(), sold("seller"), sold("seller", shift=30), "seller",
        given={"facts": REVIEWED},
    ),
    "vendor_income": Case(
        cw.typologies.vendor_income(), income("seller"), bought("seller"), "seller", given=TAGGED,
    ),
}  # fmt: skip
"""The twins: payments that come after the advertisements; a shop with an address for each invoice;
affiliates who are paid days later; small sales out of escrow; a firm's contractors; two buyers who
know each other; a buyer who is refunded; one who advertises in her own town; a trader who moves
what an exchange pays; one who sold at both markets all the time; fees that are drawn anew; a
subscription paid in the daytime; sums brought after days; the customers of an employer; a charity
that pays its helpers; a shop with a new address each month, none of them published; a stall paid a
month off; a buyer who takes back what he did not spend."""
