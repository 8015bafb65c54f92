"""One payment fewer, one day later, one percent less: where each typology of crimes ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from few_payments import COIN, DAY, HOUR, START, Paid, claims, flows, found, rotated
from plain_shapes import key

from chainwatch import typologies as typ
from chainwatch.ledger.prices import make_prices
from chainwatch.ledger.schema import PRICES
from chainwatch.typologies.facts import make_facts


def income(weeks: int, cashed: int = 50, back: int = 0, other: int = 0) -> list[Paid]:
    rows: list[Paid] = []
    for week in range(weeks):
        rows += [("market>v:100", week * 7 * DAY), (f"v>shop:{cashed}", week * 7 * DAY + HOUR)]
        rows += [(f"v>market:{back}", week * 7 * DAY + 2 * HOUR)] if back else []
        rows += [(f"boss>v:{other}", week * 7 * DAY + 3 * HOUR)] if other else []
    return rows


def test_vendor_income_ends_at_each_of_its_numbers() -> None:
    assert claims(typ.vendor_income(), income(6))
    assert not claims(typ.vendor_income(), income(5))
    assert not claims(typ.vendor_income(active_weeks=7), income(6))
    assert not claims(typ.vendor_income(), income(6, cashed=49))
    assert claims(typ.vendor_income(), income(6, back=20))
    assert not claims(typ.vendor_income(), income(6, back=21))
    assert claims(typ.vendor_income(), income(6, other=100))
    assert not claims(typ.vendor_income(), income(6, other=101))


def test_a_vendor_cashes_by_an_account_that_is_swept_to_one_service() -> None:
    rows = [(text.replace("v>shop", "v>account"), second) for text, second in income(6)]
    assert not claims(typ.vendor_income(), rows)
    swept = [*rows, ("account>shop:300", 60 * DAY)]
    assert len(claims(typ.vendor_income(), swept)) == 1
    assert not claims(typ.vendor_income(), [*swept, ("account>friend:1", 61 * DAY)])


def listed(*prices: int, place: str = "bazaar") -> Any:
    return make_facts(listings=pl.DataFrame({
        "place": place, "kind": "goods", "time": pl.Series([None] * len(prices), dtype=pl.String),
        "price": list(prices)}))  # fmt: skip


@pytest.mark.parametrize(
    ("paid", "fits"), [(9_800, True), (9_801, False), (9_500, True), (9_499, False), (9_650, True)]
)
def test_an_escrow_payout_is_a_price_less_two_to_five_percent(paid: int, fits: bool) -> None:
    rows = [(f"market>v:{paid}", n * DAY) for n in range(5)]
    assert bool(claims(typ.escrow_payout(), rows, facts=listed(10_000))) is fits
    assert not claims(typ.escrow_payout(), rows[:4], facts=listed(10_000))
    assert not claims(typ.escrow_payout(), rows, facts=listed(10_000, place="souk"))


def test_where_any_amount_fits_a_long_list_nothing_is_claimed() -> None:
    rows = [(f"market>v:{9_650 + n}", n * DAY) for n in range(5)]
    long = listed(*range(1_000, 40_000, 100))
    assert not claims(typ.escrow_payout(), rows, facts=long)
    assert typ.escrow_payout().find(flows(rows)).lacking[0].what == "list prices"


def test_prices_in_a_currency_need_what_the_coin_was_worth() -> None:
    facts = make_facts(listings=pl.DataFrame({
        "place": ["bazaar"], "kind": ["goods"], "time": pl.Series([None], dtype=pl.String),
        "price": ["100"], "currency": ["EUR"]}))  # fmt: skip
    rows = [("market>v:9650000", n * DAY) for n in range(5)]
    assert "prices in EUR" in found(typ.escrow_payout(), rows, facts=facts).lacking[0].what
    days = [(COIN.chain, None, "EUR", "day", START + timedelta(days=n), "1000", "x")
            for n in range(5)]  # fmt: skip
    assert claims(typ.escrow_payout(), rows, facts=facts, prices=make_prices(PRICES.frame(days)))


def sales(fees: Sequence[int], sellers: int = 3, quorum: str = "2-of-3") -> list[Paid]:
    return [
        (f"lock{n}>{whom}:{amount}", n * HOUR, n, quorum, [b"market", bytes([n])])
        for n, fee in enumerate(fees)
        for whom, amount in (("fee", fee), (f"seller{n % sellers}", 10_000 - fee))
    ]


def test_a_multisig_escrow_needs_sales_sellers_and_one_rate() -> None:
    one = typ.multisig_escrow()
    (claim,) = claims(one, sales([400] * 6))
    assert "1 of the keys stand in all of the scripts" in claim.why
    assert not claim.unknown
    assert not claims(one, sales([400] * 5))
    assert not claims(one, sales([400] * 6, sellers=2))
    assert not claims(one, sales([400] * 6, quorum="2-of-2"))
    assert claims(one, sales([400, 410, 400, 390, 400, 400]))
    assert not claims(one, sales([400, 411, 400, 390, 400, 400]))
    assert not claims(one, sales([1_201] * 6))
    assert not claims(one, sales([99] * 6))


def test_keys_that_were_not_read_leave_it_open() -> None:
    rows = [(*one[:4], None) for one in sales([400] * 6)]
    (claim,) = claims(typ.multisig_escrow(), rows)
    assert claim.unknown == "the keys of all scripts were not read"
    assert found(typ.multisig_escrow(), [("a>b:5", 0)]).lacking


def met(times: int, sales_: int, apart: int = DAY) -> list[Paid]:
    return [*((f"market>v:{100}", n * HOUR) for n in range(sales_)), ("b>market:9", HOUR),
            *(("b>v:50", 10 * DAY + n * apart) for n in range(times))]  # fmt: skip


def test_direct_trade_is_of_a_buyer_and_a_seller_on_days_apart() -> None:
    one = typ.direct_trade()
    assert claims(one, met(3, 3))
    assert not claims(one, met(2, 3))
    assert not claims(one, met(3, 2))
    assert not claims(one, met(3, 3, apart=HOUR))
    many = [*met(3, 3), *((f"v>x{n}:1", 20 * DAY + n) for n in range(4))]
    assert claims(typ.direct_trade(busy=10), many)
    crowded = found(typ.direct_trade(busy=9), many)
    assert not crowded.claims
    assert crowded.not_judged[0].number == 1
    refunded = [*met(3, 3), ("v>market:150", 5 * DAY)]
    assert not claims(one, refunded)
    late = [(text, second if text != "b>market:9" else 60 * DAY) for text, second in met(3, 3)]
    assert not claims(one, late)


def moved(after: int, first: int = 41) -> list[Paid]:
    rows: list[Paid] = [("market>v:100", n * 10 * DAY) for n in range(1, 4)]
    return [*rows, *(("other>v:90", (first + n) * DAY) for n in range(after))]


def test_migration_is_after_the_closure_and_not_before() -> None:
    closed = make_facts(closures=pl.DataFrame({"market": ["bazaar"],
                                               "time": [START + timedelta(days=40)]}))  # fmt: skip
    one = typ.migration()
    assert claims(one, moved(3), facts=closed)
    assert not claims(one, moved(2), facts=closed)
    assert not claims(one, moved(3, first=40), facts=closed)
    assert claims(one, moved(3, first=98), facts=closed)
    assert not claims(one, moved(3, first=99), facts=closed)
    assert found(one, moved(3)).lacking[0].what == "closures"


def appeal(donors: int, spread: int, again: int = 0, left: int = 80) -> list[Paid]:
    rows: list[Paid] = [(f"d{n}>call:100", n * spread) for n in range(donors)]
    rows += [(f"d{n}>call:100", 90 * DAY + n) for n in range(again)]
    return [*rows, (f"call>shop:{donors * left}", donors * spread + DAY)]


def test_an_appeal_needs_donors_who_do_not_come_again_and_one_account() -> None:
    facts = make_facts(published=pl.DataFrame({"chain": ["btc"], "address": [key("call")]}))
    one = typ.published_appeal(units=1)
    assert claims(one, appeal(15, DAY), facts=facts)
    assert not claims(one, appeal(14, DAY), facts=facts)
    assert not claims(one, appeal(15, 3 * DAY), facts=facts)
    assert claims(one, appeal(15, DAY, again=3), facts=facts)
    assert not claims(one, appeal(15, DAY, again=4), facts=facts)
    assert not claims(one, appeal(15, DAY, left=79), facts=facts)
    assert not claims(typ.published_appeal(units=1, small=99), appeal(15, DAY), facts=facts)
    both = [*appeal(15, DAY), ("call>friend:5", 16 * DAY + HOUR)]
    several = found(one, both, facts=facts)
    assert not several.claims
    assert several.not_judged[0].number == 1


def test_a_published_address_is_its_owners() -> None:
    """Told of one address of a cluster, the appeal of the cluster is found."""
    chain = pl.lit(COIN.chain).alias("chain")
    owners = pl.DataFrame({"address": [key("shown"), key("call")],
                           "cluster": [key("call"), key("call")]}).with_columns(chain)  # fmt: skip
    facts = make_facts(published=pl.DataFrame({"chain": ["btc"], "address": [key("shown")]}))
    one = typ.published_appeal(units=1)
    assert not claims(one, appeal(15, DAY), facts=facts)
    assert claims(one, appeal(15, DAY), facts=facts, clusters=SimpleNamespace(frame=owners))


def test_rotating_addresses_follow_each_other_into_one_wallet() -> None:
    one = typ.rotating_addresses()
    assert claims(one, rotated(4, 5))
    assert not claims(one, rotated(3, 5))
    assert not claims(one, rotated(4, 4))
    assert not claims(one, rotated(4, 5, gap=3))
    busy = [*rotated(4, 5), *((f"pot>x{n}:1", 99 * DAY) for n in range(6))]
    assert not claims(one, busy)
    assert claims(one, busy[:-1])
    assert not claims(one, [(text.replace(">pot", ">shop"), at) for text, at in rotated(4, 5)])


def test_one_address_each_is_paid_once_and_one_is_published() -> None:
    facts = make_facts(published=pl.DataFrame({"chain": ["btc"], "address": [key("a3")]}))
    rows = [(f"d{n}>a{n}:100", n * HOUR) for n in range(15)]
    rows += [(f"a{n}>pot:95", 60 * DAY) for n in range(15)]
    one = typ.address_per_donor()
    assert claims(one, rows, facts=facts)
    assert not claims(one, rows[1:], facts=facts)  # the first pays and was never paid
    assert not claims(one, rows, facts=make_facts(published=pl.DataFrame(
        {"chain": ["btc"], "address": [key("nobody")]})))  # fmt: skip
    assert not claims(one, [*rows[:-1], ("a14>pot:94", 60 * DAY)], facts=facts)
    assert not claims(one, [("d0>a0:100", -HOUR), *rows[1:]], facts=facts)


def night(payers: int, dark: int, back: int) -> list[Paid]:
    """Return payments from one to five at night, at minutes of their own, or at noon."""
    late = [(1 + n % 4) * HOUR + n * 17 % 60 * 60 for n in range(payers)]
    rows: list[Paid] = [(f"p{n}>site:100", n * DAY + (late[n] if n < dark else 12 * HOUR))
                        for n in range(payers)]  # fmt: skip
    return [*rows, *((f"p{n}>site:100", (n + 30) * DAY + late[n]) for n in range(back))]


def test_night_amounts_count_payers_hours_and_months() -> None:
    one = typ.night_amounts(night=60, zone="UTC")
    assert claims(one, night(10, 6, 4))
    assert not claims(one, night(9, 6, 4))
    assert not claims(one, night(10, 3, 4))
    assert not claims(one, night(10, 10, 2))
    assert not claims(typ.night_amounts(night=60, zone="UTC+12"), night(10, 10, 4))
    other = [*night(10, 6, 4), *((f"x{n}>site:{200 + n}", 9 * DAY) for n in range(22))]
    assert not claims(one, other)
    assert claims(one, other[:-1])


def test_those_who_bring_large_sums_within_a_day() -> None:
    one = typ.otc_cash_out(units=1)

    def rows(each: int, brought: int, wait: int, count: int = 3) -> list[Paid]:
        return [
            one
            for n in range(count)
            for one in (
                (f"s{n}>run:{each}", n * 5 * DAY),
                (f"run>desk:{brought}", n * 5 * DAY + wait),
            )
        ]

    assert claims(one, rows(5_000, 3_500, 24 * HOUR))
    assert not claims(one, rows(4_999, 3_500, HOUR))
    assert not claims(one, rows(5_000, 3_499, HOUR))
    assert not claims(one, rows(5_000, 3_500, 24 * HOUR + 1))
    assert not claims(one, rows(5_000, 3_500, HOUR, count=2))
    elsewhere = [*rows(5_000, 3_500, HOUR), ("run>friend:7001", 40 * DAY)]
    assert not claims(one, elsewhere)


def test_many_services_are_of_different_names_within_a_day() -> None:
    rows = [("boss>x:3000", 0), ("x>shop:800", HOUR), ("x>e1:800", 2 * HOUR),
            ("x>e2:800", 24 * HOUR)]  # fmt: skip
    one = typ.many_services(units=1)
    assert claims(one, rows)
    assert not claims(one, [*rows[:3], ("x>e1:800", 24 * HOUR)])
    assert not claims(one, [*rows[:3], ("x>e2:800", 24 * HOUR + 1)])
    assert not claims(one, [*rows[:3], ("x>e2:799", 24 * HOUR)])
    assert not claims(one, [("boss>x:2999", 0), *rows[1:]])
    assert not claims(one, [("desk>x:3000", 0), *rows[1:]])


def test_payouts_are_once_each_to_new_payees_out_of_what_guarantors_pay() -> None:
    def rows(count: int, cents: int = 1_000, funder: str = "vouch") -> list[Paid]:
        return [(f"{funder}>boss:50000", 0), ("friend>boss:50000", 1),
                *((f"boss>r{n}:{cents}", (n + 1) * DAY) for n in range(count))]  # fmt: skip

    one = typ.changer_funded_payouts(units=1)
    assert claims(one, rows(5))
    assert not claims(one, rows(4))
    assert not claims(one, rows(5, 999))
    assert not claims(one, rows(5, 10_001))
    assert not claims(one, rows(5, funder="shop"))
    assert not claims(one, [*rows(5), ("friend>boss:1", 2)])
    assert claims(one, [*rows(5), ("boss>r0:1000", 3 * DAY)])
    assert not claims(one, [*rows(5), ("boss>r0:1000", 3 * DAY), ("boss>r1:1000", 4 * DAY)])
    old: list[Paid] = [(f"friend>r{n}:7", 2 + n) for n in range(3)]
    assert claims(one, [*rows(5), *old[:2]])
    assert not claims(one, [*rows(5), *old])
    assert claims(typ.changer_funded_payouts(units=1, new=40), [*rows(5), *old])
    later: list[Paid] = [(f"friend>r{n}:7", 60 * DAY) for n in range(5)]
    assert claims(one, [*rows(5), *later])


def test_a_suppliers_account_is_paid_by_several_who_sell() -> None:
    def rows(vendors: int = 3, lots: int = 5, cents: int = 500) -> list[Paid]:
        return [*((f"market>v{n % vendors}:900", n * HOUR) for n in range(2 * vendors)),
                *((f"v{n % vendors}>account:{cents}", (10 + n) * DAY) for n in range(lots)),
                ("account>shop:900", 40 * DAY)]  # fmt: skip

    one = typ.precursor_supplier(units=1)
    assert claims(one, rows())
    assert not claims(one, rows(vendors=2))
    assert not claims(one, rows(lots=4))
    assert not claims(one, rows(cents=499))
    assert not claims(one, [*rows(), ("account>friend:1", 41 * DAY)])
    assert not claims(one, [*rows(), ("stranger>account:1667", 9 * DAY)])
    assert claims(one, [*rows(), ("stranger>account:1666", 9 * DAY)])


def test_affiliates_get_one_rate_of_each_sale() -> None:
    def rows(count: int, rates: Sequence[int] = (3_000,), wait: int = HOUR) -> list[Paid]:
        return [one for n in range(count) for one in (
            (f"c{n}>pills:{10_000 + 7 * n}", n * 3 * DAY),
            (f"pills>a{n % 3}:{(10_000 + 7 * n) * rates[n % len(rates)] // 10_000}",
             n * 3 * DAY + wait))]  # fmt: skip

    one = typ.affiliate_split()
    assert claims(one, rows(10))
    assert not claims(one, rows(9))
    assert claims(one, rows(10, (3_000, 3_015)))
    assert not claims(one, rows(10, (3_000, 3_040)))
    assert not claims(one, rows(10, (1_400,)))
    assert claims(one, rows(10, wait=24 * HOUR))
    assert not claims(one, rows(10, wait=24 * HOUR + 1))


def test_arms_are_dear_and_seldom() -> None:
    def rows(count: int, cents: int = 500, gap: int = 5) -> list[Paid]:
        return [(f"market>v:{cents}", n * gap * DAY) for n in range(count)]

    one = typ.arms_escrow(units=1)
    assert claims(one, rows(3))
    assert not claims(one, rows(2))
    assert not claims(one, rows(3, 499))
    assert not claims(one, rows(3, 5_001))
    assert not claims(one, rows(3, gap=4))
    assert not claims(one, rows(25))
    assert not claims(one, [*rows(3), ("boss>v:643", DAY)])
    assert claims(one, [*rows(3), ("boss>v:642", DAY)])
