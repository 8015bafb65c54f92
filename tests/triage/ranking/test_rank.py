"""``rank``: danger first, buyers never, services link nobody, and every score opens."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from account_chains import HOUR, Accounts
from hypothesis import given
from hypothesis import strategies as st

import chainwatch as cw
from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import text
from chainwatch.errors import ArgumentError, InputError
from chainwatch.results.mask import shown_tables
from chainwatch.triage.ranking import reasons as why
from chainwatch.triage.ranking.weights import DANGERS, Danger, Weights, can_freeze

ON = Accounts()
TOKEN = Asset(ON.chain, ON("token"), "TOK", 6)
DAY = 24 * HOUR
TAGS = (
    ("cell", "cell", "terrorism"),
    ("kelp", "kelp", "vendor"),
    ("bazaar", "bazaar", "dark_market"),
    ("ring", "ring", "child_sexual_abuse"),
    ("desk", "desk", "exchange"),
)


def ranked(payments: list[Any], *said: Any, **more: Any) -> cw.Ranking:
    tags = ON.tags(*(said or TAGS))
    return cw.rank(ON.ledger(payments), tags, TOKEN, **more)


def everybody(payments: list[Any], *said: Any, **more: Any) -> cw.Ranking:
    """Rank payers too: of nobody it is little what he pays."""
    ledger, tags = ON.ledger(payments), ON.tags(*(said or TAGS))
    people = cw.roles(ledger, tags, tags=tags, asset=TOKEN, small=1)
    return cw.rank(ledger, tags, TOKEN, people=people, **more)


def order(found: cw.Ranking) -> list[str]:
    return [ON.name(one) for one in found.frame["entity"]]


def left(found: cw.Ranking) -> dict[str, int]:
    return {why: count for why, count in found.left_out.iter_rows() if count}


def reasons(found: cw.Ranking, name: str) -> set[tuple[Any, ...]]:
    rows = found.reasons.filter(pl.col("entity") == ON(name))
    other = [None if one is None else ON.name(one) for one in rows["other"]]
    return set(zip(rows["reason"], rows["concept"], other, rows["amount"].cast(int), strict=True))


PAID = [
    ("a>kelp:100", 0), ("b>kelp:100", 1), ("kelp>maker:60", 2), ("kelp>maker:60", 3),
    ("kelp>maker:50", DAY), ("rich>cell:900", 2 * DAY), ("cell>hand:400", 3 * DAY),
    ("kelp>desk:20", 4 * DAY), ("desk>c:5", 4 * DAY + 1),
]  # fmt: skip


def test_danger_comes_first_and_each_reason_is_told() -> None:
    found = everybody(PAID)
    assert order(found) == ["cell", "rich", "hand", "kelp", "maker"]
    assert reasons(found, "cell") == {("named", "terrorism", None, 900)}
    assert reasons(found, "hand") == {("paid by", "terrorism", "cell", 400)}
    assert reasons(found, "rich") == {("pays", "terrorism", "cell", 900)}
    assert reasons(found, "maker") == {("paid by", "vendor", "kelp", 170)}
    assert left(found) == {why.SERVICE: 1, why.UNSEEN: 2}
    assert found.why(1)["reason"].to_list() == ["named"]
    assert found.why(text(ON("maker"), "eth"))["source"].to_list() == ["test"]


def test_the_parts_of_a_score_make_it() -> None:
    found = ranked(PAID)
    parts = dict(Weights().parts)
    for row in found.frame.to_dicts():
        known = sum(parts[name] * row[name] for name in parts)
        assert (row["low"], row["high"]) == (known // 11, known // 11)
    cell = found.frame.row(0, named=True)
    assert (cell["danger"], cell["value"], cell["amount"]) == (1_000, 1_000, 900)
    # What it kept nobody can freeze: no issuer of this token is known to.
    assert cell["reachable"] == 0
    kelp = next(row for row in found.frame.to_dicts() if row["entity"] == ON("kelp"))
    assert kelp["recency"] == 1_000
    assert kelp["reachable"] == 20 * 1_000 // 200


def test_what_was_not_read_widens_a_score_and_is_named() -> None:
    whole = ON.ledger(PAID, read=["kelp", "maker", "cell", "a", "b", "desk"])
    found = cw.rank(whole, ON.tags(*TAGS), TOKEN)
    rows = {ON.name(row["entity"]): row for row in found.frame.to_dicts()}
    assert rows["hand"]["reachable"] is None
    assert rows["hand"]["high"] - rows["hand"]["low"] in (90, 91)
    assert "not read" in rows["hand"]["unknown"]
    assert rows["cell"]["reachable"] is not None


def test_a_thousand_purchases_raise_nobody_on_the_buyer_s_side() -> None:
    buying = [(f"buyer>kelp:{100 + n}", n) for n in range(1_000)]
    funding = [("desk>buyer:900000", 0), ("friend>buyer:10", 1)]
    back = [("kelp>buyer:150", 1_001), ("bazaar>buyer:90", 1_002)]
    found = ranked([*funding, *buying, *back])
    assert set(order(found)) == {"kelp", "bazaar"}
    assert left(found)[why.BUYER] == 1
    # Nor under a new address to which he has it refunded.
    again = ranked([*buying, ("kelp>fresh:150", 1_001), ("bazaar>fresh:90", 1_002)])
    assert set(order(again)) == {"kelp", "bazaar"}
    assert left(again)[why.ONE_PAYOUT] == 1


def test_who_earns_more_than_he_buys_is_looked_at() -> None:
    sells = [(f"bazaar>seller:{50 + n}", n) for n in range(3)]
    found = ranked([("seller>kelp:20", 0), *sells, ("a>bazaar:500", 1)])
    assert "seller" in order(found)
    assert reasons(found, "seller") == {("paid by", "dark_market", "bazaar", 153)}


def test_a_shared_service_links_nobody() -> None:
    """Thousands use the exchange that the cell uses, and it is itself on a list."""
    said = (*TAGS, ("desk", "desk", "sanction"))
    customers = [(f"desk>c{n}:10", n) for n in range(50)] + [
        (f"d{n}>desk:10", n) for n in range(50)
    ]
    found = ranked([("cell>desk:5", 0), *customers, ("desk>cell:7", 60)], *said)
    assert order(found) == ["cell", "desk"]
    assert left(found)[why.SERVICE] == 1
    assert reasons(found, "desk") == {("named", "sanction", None, 505)}


def test_people_who_are_consumers_donors_or_victims_are_not_ranked() -> None:
    """Small donors to a campaign are not looked at; who gives much is."""
    campaign = ("cell", "cell", "terrorism_financing")
    gifts = [(f"d{n}>cell:{10 + n}", n * DAY) for n in range(5)]
    paid = [*gifts, ("rich>cell:9000", DAY)]
    ledger, tags = ON.ledger(paid), ON.tags(campaign)
    people = cw.roles(ledger, [ON("cell")], tags=tags, asset=TOKEN, small=100)
    unasked = cw.rank(ledger, tags, TOKEN)
    assert order(unasked) == ["cell"]
    assert left(unasked) == {why.UNTOLD: 6}
    found = cw.rank(ledger, tags, TOKEN, people=people)
    assert order(found) == ["cell", "rich"]
    assert left(found)[why.PEOPLE] == 5
    elsewhere = cw.roles(
        Accounts("base").ledger([("x>y:1", 0)]), [Accounts("base")("x")], asset=cw.native("base")
    )
    with pytest.raises(InputError, match="people are told of"):
        cw.rank(ledger, tags, TOKEN, people=elsewhere)


def test_what_is_sold_counts_and_the_most_dangerous_tag_speaks() -> None:
    sold = {"context": '{"substance": ["nitazenes"]}'}
    said = (
        ("kelp", "kelp", "vendor", sold),
        ("reed", "reed", "vendor"),
        TAGS[-1],
        ("both", "x", "scam", {"level": 90}),
        ("both", "x", "organ_trafficking", {"level": 5}),
    )
    paid = [("a>kelp:10", 0), ("a>reed:10", 1), ("a>both:10", 2)]
    found = ranked(paid, *said)
    told = {ON.name(row["entity"]): row for row in found.reasons.to_dicts()}
    assert (told["kelp"]["substance"], told["kelp"]["danger"]) == ("nitazenes", 900)
    assert (told["reed"]["substance"], told["reed"]["danger"]) == (None, 400)
    assert (told["both"]["concept"], told["both"]["evidence"]) == ("organ_trafficking", 50)


def test_a_tag_counts_on_its_days_alone() -> None:
    ended = {"first_day": date(2020, 1, 1), "last_day": date(2020, 12, 31)}
    found = ranked([("a>kelp:10", 0)], ("kelp", "kelp", "vendor", ended))
    assert order(found) == []
    assert repr(found).startswith("Ranking(0 owners")


def test_shapes_add_to_a_reason_and_are_none_alone() -> None:
    fan = [(f"p{n}>kelp:{1_000 + n}", n) for n in range(6)]
    other = [(f"q{n}>shop:{1_000 + n}", n) for n in range(6)]
    found = ranked([*fan, *other], typologies=[cw.typologies.fan_in(senders=3)])
    assert order(found) == ["kelp"]
    assert {one for one, *_ in reasons(found, "kelp")} == {"named", "alert"}
    (row,) = found.frame.to_dicts()
    # The sum counts each payment once, and three weak signs are no strong one.
    assert row["amount"] == sum(1_000 + n for n in range(6))
    assert row["evidence"] == max(found.reasons["evidence"])


def test_weights_are_named_sourced_and_editable() -> None:
    mine = Weights().with_dangers(vendor=Danger(1_000, False, "the ministry's order of 2026"))
    mine = mine.with_dangers(terrorism=Danger(100, True, "the ministry's order of 2026"))
    found = ranked(PAID, weights=mine)
    assert order(found)[0] == "kelp"
    said = found.weights.filter(pl.col("name") == "vendor").row(0, named=True)
    assert (said["weight"], said["source"]) == (1_000, "the ministry's order of 2026")
    listed = ranked(PAID).weights
    assert listed["source"].null_count() == 0
    assert set(DANGERS) <= set(listed["name"])
    with pytest.raises(InputError, match="has no source"):
        Weights().with_dangers(vendor=Danger(10, False, " "))
    with pytest.raises(InputError, match="parts are not danger"):
        Weights(parts={"danger": 1})
    with pytest.raises(cw.errors.TagError, match="no concept"):
        Weights(dangers={"wickedness": Danger(10, False, "me")})


def test_a_past_day_is_ranked_by_what_was_paid_by_then() -> None:
    found = ranked(PAID)
    day = found.frame["first"].min() + timedelta(hours=23)
    then = ranked(PAID, day=day)
    assert order(then) == ["kelp"]
    assert then.day == day.replace(microsecond=0)


def test_nobody_gets_a_role_and_the_order_stays_masked() -> None:
    found = ranked(PAID)
    edition, tables = shown_tables(found)
    assert edition == "disclosure"
    clear = {text(ON(one), "eth") for one in ("maker", "hand", "rich", "a", "b")}
    assert not any(one in str(frame.to_dicts()) for frame in tables.values() for one in clear)
    (told,) = found.findings(pl.DataFrame({"chain": [], "address": []}))
    assert "4 owners have a reason" in told.headline


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(ArgumentError, match="tags"):
        cw.rank(ON.ledger(PAID), None, TOKEN)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="nobody of that address or place"):
        ranked(PAID).why(99)
    with pytest.raises(InputError, match="no payment of NIL was read"):
        cw.rank(ON.ledger(PAID), ON.tags(*TAGS), Asset(ON.chain, ON("nil"), "NIL", 6))


@given(st.lists(
    st.tuples(st.sampled_from("abcdk"), st.sampled_from("abcdk"), st.integers(1, 50)),
    min_size=1, max_size=25,
))  # fmt: skip
def test_whoever_only_pays_sellers_is_never_ranked(paid: list[tuple[str, str, int]]) -> None:
    payments = [(f"{a}>{b}:{value}", n) for n, (a, b, value) in enumerate(paid) if a != b]
    if not payments:
        return
    found = ranked(payments, ("k", "k", "vendor"))
    got = dict.fromkeys("abcd", 0)
    for a, b, value in paid:
        if a == "k" and b != "k":
            got[b] += value
    for name in set(order(found)) - {"k"}:
        spent = sum(value for a, b, value in paid if (a, b) == (name, "k"))
        assert got[name] > spent


def score(found: cw.Ranking, name: str) -> dict[str, Any]:
    return found.frame.row(by_predicate=pl.col("entity") == ON(name), named=True)


def test_another_tag_never_lowers_a_score_and_lends_no_evidence() -> None:
    sure = ("kelp", "kelp", "vendor", {"level": 100})
    alone = ranked([("a>kelp:100", 0)], sure)
    weak = ("kelp", "kelp", "dark_market", {"level": 5})
    both = ranked([("a>kelp:100", 0)], sure, weak)
    assert score(both, "kelp")["low"] >= score(alone, "kelp")["low"]
    rival = ("kelp", "kelp", "terrorism", {"level": 5})
    framed = ranked([("a>kelp:100", 0)], ("kelp", "kelp", "scam", {"level": 60}), rival)
    row = score(framed, "kelp")
    assert (row["danger"], row["evidence"]) in {(1_000, 50), (300, 600)}


def test_a_trifle_raises_nobody_and_dust_makes_nobody_fresh() -> None:
    paid = [("a>cell:50000", 0), ("cell>hand:40000", 1), ("cell>inn:1", 2)]
    found = ranked(paid)
    assert "inn" not in order(found)
    assert left(found)[why.TRIFLE] == 1
    old = [("a>kelp:100", 0), ("kelp>desk:10", DAY)]
    later = [("b>c:5", 400 * DAY)]
    dust = [("stranger>kelp:1", 399 * DAY)]
    before, after = (
        score(ranked(one), "kelp")["recency"] for one in ([*old, *later], [*old, *dust, *later])
    )
    # The stranger's unit is income of a tagged seller and so of its reason, and nothing else.
    assert before < 500
    assert score(ranked([*old, *dust, *later], ("kelp", "kelp", "vendor", {
        "last_day": date(2023, 7, 1)})), "kelp")["recency"] == before  # fmt: skip
    assert after >= before


def test_a_mixer_keeps_no_account_and_known_issuers_can_freeze() -> None:
    mixed = ranked(
        [("a>kelp:100", 0), ("kelp>mix:100", 1)], ("kelp", "kelp", "vendor"),
        ("mix", "mix", "mixing_service"),
    )  # fmt: skip
    assert score(mixed, "kelp")["reachable"] == 0
    usdt = cw.token("eth", "0xdAC17F958D2ee523a2206206994597C13D831ec7", "USDT", 6)
    dai = cw.token("eth", "0x6B175474E89094C44Da98b954EedeAC495271d0F", "DAI", 18)
    assert (can_freeze(usdt), can_freeze(dai), can_freeze(cw.native("eth"))) == (True, False, False)


def test_a_tag_between_two_payments_speaks_of_neither() -> None:
    between = {"first_day": date(2023, 6, 10), "last_day": date(2023, 6, 20)}
    said = (("kelp", "kelp", "vendor"), ("kelp", "kelp", "terrorism", between))
    found = ranked([("a>kelp:10", 0), ("b>kelp:10", 30 * DAY)], *said)
    assert reasons(found, "kelp") == {("named", "vendor", None, 20)}


def test_roles_of_another_asset_say_nothing_here() -> None:
    ledger, tags = ON.ledger(PAID), ON.tags(*TAGS)
    of_coin = cw.roles(ledger, tags, tags=tags, asset=cw.native("eth"), small=1)
    with pytest.raises(InputError, match="people are told of ETH"):
        cw.rank(ledger, tags, TOKEN, people=of_coin)
    # Of whom nobody told a role, nobody says that he is no small donor.
    few = cw.roles(ledger, [ON("kelp")], asset=TOKEN, small=1)
    found = cw.rank(ledger, tags, TOKEN, people=few)
    assert "rich" not in order(found)
    assert left(found)[why.UNTOLD] == 1


def test_a_day_counts_as_a_whole_and_later_sayings_do_not() -> None:
    ledger = ON.ledger(PAID)
    told_later = ON.tags(("kelp", "kelp", "vendor", {"as_of": date(2023, 6, 9)}), TAGS[0])
    found = cw.rank(ledger, told_later, TOKEN, day="2023-06-03")
    assert order(found) == ["cell"]
    whole = cw.rank(ledger, ON.tags(*TAGS), TOKEN, day="2023-06-03")
    assert score(whole, "cell")["amount"] == 900
    with pytest.raises(InputError, match="no payment of TOK was read until 2020-01-01"):
        cw.rank(ledger, told_later, TOKEN, day="2020-01-01")


def test_who_may_pay_a_ransom_is_not_looked_at_for_it() -> None:
    paid = [("brother>ring:900", 0), ("buyer>site:900", 1)]
    said = (("ring", "ring", "human_trafficking"), ("site", "site", "child_sexual_abuse"))
    found = everybody(paid, *said)
    assert "brother" not in order(found)
    assert reasons(found, "buyer") == {("pays", "child_sexual_abuse", "site", 900)}
