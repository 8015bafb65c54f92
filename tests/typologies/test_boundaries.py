"""One unit less, one second more, one party fewer: each shape ends exactly where it says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from plain_shapes import TOKEN, key

from chainwatch import typologies as typ
from chainwatch.ledger import schema
from chainwatch.ledger.prices import make_prices
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.made_flows import make_flows
from chainwatch.typologies.typology import Claim, Typology

START = datetime(2023, 6, 1, tzinfo=UTC)
HOUR, DAY = 3_600, 86_400

Paid = tuple[str, int]
"""``"a>b:5"``, and the second."""


def flows(*payments: Paid, **more: Any) -> Flows:
    rows = []
    for place, (text, second) in enumerate(payments):
        ends, _, amount = text.partition(":")
        payer, _, payee = ends.partition(">")
        rows.append((key(payer), key(payee), int(amount), START + timedelta(seconds=second), place))
    columns = {"payer": pl.Binary, "payee": pl.Binary, "amount": pl.Int128,
               "time": pl.Datetime("us", "UTC"), "rank": pl.Int64}  # fmt: skip
    return make_flows(pl.DataFrame(rows, schema=columns, orient="row"), TOKEN, **more)


def claims(one: Typology, *payments: Paid, **more: Any) -> list[Claim]:
    return list(one.find(flows(*payments, **more)).claims)


def into(count: int, last: int, amounts: list[int] | None = None) -> list[Paid]:
    """Return payments of several to a hub, the last at some second and the others at the start."""
    given = amounts or [100] * count
    return [(f"p{n}>hub:{given[n]}", last if n == count - 1 else 0) for n in range(count)]


WEEK = 168 * HOUR


def test_a_fan_needs_its_senders_within_its_hours() -> None:
    assert claims(typ.fan_in(), *into(5, WEEK))
    assert not claims(typ.fan_in(), *into(5, WEEK + 1))
    assert not claims(typ.fan_in(), *into(4, 0))


def test_a_fan_is_of_like_amounts_to_the_last_unit() -> None:
    # Mean 100 and deviation 30: 9/100 of the mean squared, exactly.
    even = [70, 130, 70, 130]
    assert claims(typ.fan_in(senders=4), *into(4, 0, even))
    assert not claims(typ.fan_in(senders=4), *into(4, 0, [69, 131, 70, 130]))
    huge = [one * 10**30 for one in even]
    assert claims(typ.fan_in(senders=4), *into(4, 0, huge))
    assert not claims(typ.fan_in(senders=4), *into(4, 0, [huge[0] - 1, huge[1] + 1, *huge[2:]]))


def test_a_fan_holds_half_of_all_who_ever_pay() -> None:
    later = [(f"q{n}>hub:9999", 60 * DAY * (n + 1)) for n in range(5)]
    assert claims(typ.fan_in(), *into(5, 0), *later)
    assert not claims(typ.fan_in(), *into(5, 0), *later, ("r>hub:1", 900 * DAY))


def test_a_fan_is_of_payers_who_do_not_come_again() -> None:
    again = ("p0>hub:5555", 90 * DAY)
    assert claims(typ.fan_in(), *into(5, 0), again)
    assert not claims(typ.fan_in(), *into(5, 0), again, ("p1>hub:5555", 91 * DAY))


def test_fans_of_one_party_do_not_overlap() -> None:
    found = claims(typ.fan_in(senders=3, of_all=1), *into(3, 0), *(
        (f"q{n}>hub:100", WEEK + 1 + n) for n in range(3)))  # fmt: skip
    assert [one.rows["in"].tolist() for one in found] == [[0, 1, 2], [3, 4, 5]]


def test_a_scatter_begins_behind_the_last_that_came_and_ends_at_the_next() -> None:
    one = typ.gather_scatter(senders=2, receivers=2, hours=1)
    came = [("a>hub:50", 0), ("b>hub:50", 60)]
    went = [("hub>x:40", 61), ("hub>y:40", 60 + HOUR)]
    assert claims(one, *came, *went)
    assert not claims(one, *came, ("hub>x:40", 61), ("hub>y:39", 62)), "79 of 100"
    assert not claims(one, *came, went[0], ("hub>y:40", 61 + HOUR)), "a second too late"
    assert not claims(one, *came, went[0], ("c>hub:1", 62), ("hub>y:40", 63)), "paid in between"
    assert not claims(one, *came, ("hub>x:80", 61)), "one payee"


def test_a_relay_passes_four_fifths_within_its_time_and_later() -> None:
    one = typ.scatter_gather(relays=2, dwell_hours=1, hours=2)

    def way(amount: int, second: int) -> list[Paid]:
        return [("a>m:100", 0), ("a>n:100", 5), ("m>b:100", 10), (f"n>b:{amount}", second)]

    assert claims(one, *way(80, 5 + HOUR))
    assert not claims(one, *way(79, 9))
    assert not claims(one, *way(101, 9)), "more than it was paid"
    assert not claims(one, *way(80, 6 + HOUR))
    assert not claims(one, ("m>b:100", 0), ("a>m:100", 1), ("a>n:100", 2), ("n>b:90", 3))


def test_relays_are_paid_within_their_hours() -> None:
    one = typ.scatter_gather(relays=2, dwell_hours=1, hours=2)
    for late, found in ((2 * HOUR, 1), (2 * HOUR + 1, 0)):
        ways = [("a>m:9", 0), ("m>b:9", 1), ("a>n:9", late), ("n>b:9", late + 1)]
        assert len(claims(one, *ways)) == found


def test_a_relay_with_more_payments_than_it_may_have_is_counted_and_left_out() -> None:
    busy = [("m>z:1", 9 + n) for n in range(3)]
    ways = [("a>m:9", 0), ("m>b:9", 1), ("a>n:9", 2), ("n>b:9", 3)]
    assert claims(typ.scatter_gather(relays=2, most=5), *ways, *busy)
    found = typ.scatter_gather(relays=2, most=4).find(flows(*ways, *busy))
    assert not found.claims
    assert [one.number for one in found.not_judged] == [1]


def test_a_cycle_returns_half_in_time_and_through_three() -> None:
    def ring(back: int, second: int) -> list[Paid]:
        return [("a>b:100", 0), ("b>c:90", 5), (f"c>a:{back}", second)]

    assert claims(typ.cycle(), *ring(50, WEEK))
    assert not claims(typ.cycle(), *ring(49, WEEK))
    assert not claims(typ.cycle(), *ring(50, WEEK + 1))
    assert not claims(typ.cycle(), *ring(101, 9)), "more came back than went out"
    assert not claims(typ.cycle(), ("a>b:9", 0), ("b>a:9", 1)), "a refund"
    assert not claims(typ.cycle(), ("b>c:90", 0), ("a>b:100", 1), ("c>a:80", 2)), "order"


def test_a_cycle_is_no_longer_than_it_may_be() -> None:
    names = "abcdefghi"
    for count, found in ((8, 1), (9, 0)):
        ring = [(f"{names[n]}>{names[(n + 1) % count]}:100", n) for n in range(count)]
        assert len(claims(typ.cycle(), *ring)) == found


def test_payments_from_which_too_many_ways_lead_are_counted() -> None:
    wide = [("a>b:100", 0), *((f"b>m{n}:90", 1 + n) for n in range(4)),
            *((f"m{n}>a:80", 9 + n) for n in range(4))]  # fmt: skip
    assert len(claims(typ.cycle(ways=4), *wide)) == 1
    found = typ.cycle(ways=3).find(flows(*wide))
    assert not found.claims
    assert [one.number for one in found.not_judged] == [1]
    (wider,) = typ.cycle(busy=3).find(flows(*wide)).not_judged
    assert wider.number == 1


def test_layers_have_two_in_common_on_either_side() -> None:
    above = [(f"a{k}>m{n}:50", k) for k in range(2) for n in range(2)]
    below = [(f"m{n}>b{k}:40", 9 + k) for k in range(2) for n in range(2)]
    assert claims(typ.layering(), *above, *below)
    assert not claims(typ.layering(wide=3), *above, *below)
    assert not claims(typ.layering(), *above, *below[:-1], ("m1>c:40", 10)), "one in common"
    assert not claims(typ.layering(), *above, *below, ("a0>m0:1", 20)), "paid after it paid"
    assert not claims(typ.layering(passed_on=81), *above, *below)
    found = typ.layering(widest=1).find(flows(*above, *below))
    assert [one.number for one in found.not_judged] == [4]


@pytest.mark.parametrize(("amount", "found"), [(799, 0), (800, 1), (999, 1), (1_000, 0)])
def test_structuring_is_below_the_threshold_and_near_it(amount: int, found: int) -> None:
    paid = [("a>b:900", 0), ("a>b:900", 60), (f"a>b:{amount}", DAY)]
    assert len(claims(typ.structuring(units=1_000), *paid)) == found


def test_structuring_lies_within_a_day_and_is_to_one_payee() -> None:
    one = typ.structuring(units=1_000)
    assert not claims(one, ("a>b:900", 0), ("a>b:900", 60), ("a>b:900", DAY + 1))
    assert not claims(one, ("a>b:900", 0), ("a>b:900", 60), ("a>c:900", 70))


PER_DAY = [(START + timedelta(days=n)) for n in range(3)]


def prices(price: str = "2.5", days: int = 3) -> Any:
    rows = [(TOKEN.chain, TOKEN.contract, "EUR", "day", day, price, "a bank")
            for day in PER_DAY[:days]]  # fmt: skip
    return make_prices(schema.PRICES.frame(rows))


def test_a_threshold_in_a_currency_needs_prices_and_is_exact() -> None:
    # Three decimals: 400.000 tokens at 2.5 are 1,000 euros.
    paid = [("a>b:399999", 0), ("a>b:320000", 60), ("a>b:390000", 70)]
    assert claims(typ.structuring(), *paid, prices=prices())
    assert not claims(typ.structuring(), *paid[:2], ("a>b:400000", 70), prices=prices())
    assert not claims(typ.structuring(), *paid[:2], ("a>b:319999", 70), prices=prices())
    (lacking,) = typ.structuring().find(flows(*paid)).lacking
    assert lacking.what == "prices in EUR, or a threshold in base units"


def test_a_payment_without_a_price_is_counted_and_not_judged() -> None:
    paid = [("a>b:390000", 0), ("a>b:390000", DAY - 1), ("a>b:390000", DAY)]
    assert claims(typ.structuring(), *paid, prices=prices())
    found = typ.structuring().find(flows(*paid, prices=prices(days=1)))
    assert not found.claims
    assert [(one.why, one.number) for one in found.not_judged] == [
        ("payments without a price in EUR", 1)
    ]


def test_several_outputs_of_one_transaction_are_one_payment() -> None:
    rows = flows(("a>b:900", 0), ("a>b:900", 0), ("a>b:900", 60), ("a>b:900", 70)).frame
    one = rows.with_columns(pl.when(pl.col("time") == START).then(pl.lit(b"1" * 32)).alias("txid"))
    assert not typ.structuring(units=1_000).find(make_flows(one, TOKEN)).claims


def test_what_moves_on_is_enough_soon_and_not_too_much() -> None:
    def passing(amount: int, second: int) -> list[Paid]:
        came = [("x>mule:1000", 9_999 * n) for n in range(3)]
        went = [(f"mule>y{n}:{amount}", 9_999 * n + second) for n in range(3)]
        return [one for two in zip(came, went, strict=True) for one in two]

    assert claims(typ.rapid_movement(), *passing(900, HOUR))
    assert not claims(typ.rapid_movement(), *passing(899, HOUR))
    assert not claims(typ.rapid_movement(), *passing(900, HOUR + 1))
    assert claims(typ.rapid_movement(), *passing(1_100, 9))
    assert not claims(typ.rapid_movement(), *passing(1_101, 9))
    assert not claims(typ.rapid_movement(), *passing(900, 9)[:4]), "twice"


def test_one_payment_out_serves_one_receipt() -> None:
    paid = [("x>mule:100", 0), ("x>mule:100", 1), ("x>mule:100", 2), ("mule>y:100", 3),
            ("mule>z:100", 4)]  # fmt: skip
    assert not claims(typ.rapid_movement(), *paid)
    assert claims(typ.rapid_movement(times=2), *paid)


def test_round_is_a_tenth_of_a_coin_and_each_payee_counts_once() -> None:
    even = [(f"hub>q{n}:{100 * (n + 1)}", n) for n in range(5)]
    odd = [(f"hub>r{n}:{100 * n + 1}", 9 + n) for n in range(5)]
    assert claims(typ.round_amounts(), *even, *odd)
    assert not claims(typ.round_amounts(), *even, *odd, ("hub>s:1", 20)), "5 of 11"
    assert not claims(typ.round_amounts(), *even[:4], ("hub>q0:100", 8), *odd)
    assert claims(typ.round_amounts(), *even, *odd, ("hub>q0:1", 20)), "the first is what counts"
    found = typ.round_amounts(currency="EUR").find(flows(*even))
    assert found.lacking[0].what == "prices in EUR"


def test_round_in_a_currency_is_within_one_unit_of_it() -> None:
    one = typ.round_amounts(payees=1, share=100, currency="EUR")
    for amount, found in ((20_000, 1), (20_399, 1), (20_400, 0), (19_999, 0), (100, 0)):
        assert len(claims(one, (f"a>b:{amount}", 0), prices=prices())) == found, amount


def test_dormant_is_a_year_and_half_of_what_lay_there() -> None:
    def waking(amount: int, second: int) -> list[Paid]:
        return [("x>old:100", 0), (f"old>y:{amount}", second)]

    assert claims(typ.dormant_reactivation(), *waking(50, 365 * DAY))
    assert not claims(typ.dormant_reactivation(), *waking(49, 365 * DAY))
    assert not claims(typ.dormant_reactivation(), *waking(50, 365 * DAY - 1))


def test_dust_does_not_wake_and_a_payment_does() -> None:
    base = [("x>old:100", 0), ("old>y:90", 400 * DAY)]
    assert claims(typ.dormant_reactivation(), *base, ("dust>old:1", 200 * DAY))
    assert not claims(typ.dormant_reactivation(), *base, ("old>y:1", 200 * DAY))


def test_what_wakes_leaves_within_two_days() -> None:
    base = [("x>old:100", 0), ("old>y:25", 400 * DAY)]
    assert claims(typ.dormant_reactivation(), *base, ("old>z:25", 402 * DAY))
    assert not claims(typ.dormant_reactivation(), *base, ("old>z:25", 402 * DAY + 1))


def brief(*, lived: int = 7 * DAY, out: int = 90, end: int = 14 * DAY) -> list[Paid]:
    return [("x>m:40", 0), ("y>m:40", 5), ("x>m:20", 9), ("m>u:30", 20), (f"m>v:{out - 30}", lived),
            ("other>one:1", end)]  # fmt: skip


def test_pass_through_lives_a_week_and_keeps_a_tenth() -> None:
    assert claims(typ.pass_through(), *brief())
    assert not claims(typ.pass_through(), *brief(lived=7 * DAY + 1, end=99 * DAY))
    assert not claims(typ.pass_through(), *brief(out=89))
    assert not claims(typ.pass_through(), *brief(out=101)), "more than came"
    assert not claims(typ.pass_through(), *brief(end=14 * DAY - 1)), "it may live on"
    assert not claims(typ.pass_through(), ("m>u:1", 0), *brief()), "it paid first"


def emptied(count: int, last: int, amount: int = 99) -> list[Paid]:
    return [(f"s{n}>w{n}:100", n) for n in range(count)] + [
        (f"w{n}>cold:{amount}", DAY + (last if n == count - 1 else 0)) for n in range(count)
    ]


def test_consolidation_takes_it_all_in_time() -> None:
    assert claims(typ.consolidation(), *emptied(5, 48 * HOUR))
    assert not claims(typ.consolidation(), *emptied(5, 48 * HOUR + 1))
    assert not claims(typ.consolidation(), *emptied(5, 0, 98))
    assert not claims(typ.consolidation(), *emptied(4, 0))
    assert not claims(typ.consolidation(), *emptied(5, 0), ("s>w0:1", 9 * DAY)), "used again"
    assert not claims(typ.consolidation(), *emptied(5, 0), ("w0>x:1", 9 * DAY)), "pays another"


def test_a_share_of_more_than_it_all_is_exact_as_well() -> None:
    near = (1 << 62) // 3
    paid = [("x>m:1", 0), (f"m>y:{near}", 1)]
    assert not claims(typ.rapid_movement(times=1, payees=1, passed_on=200, at_most=99_999), *paid)
    assert claims(typ.rapid_movement(times=1, payees=1, passed_on=200, at_most=100 * near), *paid)
