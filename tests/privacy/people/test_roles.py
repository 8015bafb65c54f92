"""Roles of people: by tags and subjects, or by what they paid, and unknown where that is open."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainwatch as cw
from chainwatch.errors import InputError
from chainwatch.ledger.prices import make_prices
from chainwatch.ledger.schema import PRICES
from chainwatch.privacy.people.tables import (
    BYSTANDER,
    CONSUMER,
    DONOR,
    MARKET,
    NETWORK,
    SERVICE,
    UNKNOWN,
    VENDOR,
    VICTIM,
)
from chainwatch.privacy.roles import roles_of

BTC = "btc-regtest"


def accounts(desk: Any, moves: list[tuple[Any, ...]], tags: list[tuple[Any, ...]],
             read: str = "abcdefghijklmnopqrstuvwxyz", **given: Any) -> Any:  # fmt: skip
    ledger = desk.paid(moves, read=read)
    named = desk.tags(*tags, chain=desk.asset.chain)
    asked = {"subjects": desk.account("s"), "asset": desk.asset, "small": 100} | given
    return cw.roles(ledger, asked.pop("subjects"), tags=named, **asked)


def told(desk: Any, found: Any, make: Any = None) -> dict[str, tuple[str, bool]]:
    rows = found.frame.select("address", "role", "masked").iter_rows()
    return {one[1:].decode("latin1").lstrip("."): (role, masked) for one, role, masked in rows}


TAGS = [
    ("v", "vera", "vendor"), ("m", "bazaar", "dark_market"), ("c", "lantern", "donation"),
    ("x", "fraud", "scam"), ("h", "harbour", "exchange"), ("o", "house", "money_exchange"),
]  # fmt: skip


def test_each_of_the_eight_roles(desk: Any) -> None:
    moves = [
        ("a", "v", 40), ("a", "m", 90),  # buys
        ("b", "c", 100),  # gives
        ("d", "x", 5_000), ("x", "d", 100),  # was robbed
        ("h", "v", 50), ("o", "c", 10),  # customers of services bought and gave
        ("s", "e", 7), ("s", "v", 20), ("v", "f", 1), ("m", "v", 9),
    ]  # fmt: skip
    assert told(desk, accounts(desk, moves, TAGS)) == {
        "a": (CONSUMER, True), "b": (DONOR, True), "d": (VICTIM, True), "e": (BYSTANDER, False),
        "f": (BYSTANDER, False), "s": (NETWORK, False), "v": (VENDOR, False),
        "m": (MARKET, False), "c": (NETWORK, False), "x": (NETWORK, False),
        "h": (SERVICE, False), "o": (SERVICE, False),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("moves", "role", "why"),
    [
        ([("a", "v", 101)], BYSTANDER, "more than what is small"),
        ([("a", "v", 10)] * 10, CONSUMER, "seldom and little"),
        ([("a", "v", 10)] * 11, UNKNOWN, "more often"),
        ([("a", "v", 10)] * 6 + [("a", "m", 10)] * 5, UNKNOWN, "more often"),
        ([("a", "v", 10)] * 11 + [("a", "m", 101)], BYSTANDER, "more than what is small"),
        ([("a", "v", 10), ("v", "a", 1)], CONSUMER, "seldom and little"),
        ([("a", "v", 10), ("v", "a", 9)], CONSUMER, "seldom and little"),
        ([("a", "v", 10), ("v", "a", 10)], BYSTANDER, "no less from whom it paid"),
        ([("a", "v", 10), ("m", "a", 1)], CONSUMER, "seldom and little"),
        ([("a", "c", 101)], DONOR, "more than what is small"),
        ([("a", "c", 10), ("c", "a", 1)], DONOR, "seldom and little"),
        ([("a", "c", 10), ("c", "a", 10)], BYSTANDER, "no less from whom it paid"),
        ([("a", "x", 10), ("x", "a", 10)], BYSTANDER, "got back no less"),
        ([("a", "v", 10), ("a", "c", 10)], DONOR, "seldom and little"),
        ([("a", "v", 10), ("a", "x", 10)], VICTIM, "seldom and little"),
        ([("a", "v", 0), ("v", "b", 1)], None, ""),
        ([("h", "v", 0), ("a", "h", 10), ("h", "v", 10)], None, ""),
    ],
)
def test_behaviour(desk: Any, moves: list[Any], role: str | None, why: str) -> None:
    found = accounts(desk, moves, TAGS)
    roles = told(desk, found)
    if role is None:  # nothing was paid to whom it would tell of
        assert "a" not in roles
        assert found.of(desk.account("a")) == BYSTANDER
        return
    masked = role in (CONSUMER, VICTIM, UNKNOWN) or (role == DONOR and "seldom" in why)
    assert roles["a"] == (role, masked)
    assert any(why in one for one in found.why(desk.account("a")).text)


def test_an_account_at_a_service_ends_no_protection(desk: Any) -> None:
    moves = [("a", "v", 10), ("b", "v", 101), ("h", "v", 10)]
    accounts_at = [*TAGS, ("a", "harbour", "deposit_wallet"), ("b", "harbour", "deposit_wallet")]
    found = accounts(desk, moves, accounts_at)
    masked = dict(found.frame.select("address", "masked").iter_rows())
    assert masked[desk.account("a")] is True
    assert masked[desk.account("b")] is False
    assert masked[desk.account("h")] is False, "the service itself is nobody's customer"


def test_paid_back_by_another_vendor_is_not_paid_back(desk: Any) -> None:
    found = accounts(desk, [("a", "v", 10), ("m", "a", 1), ("m", "b", 1)], TAGS)
    assert told(desk, found)["a"] == (CONSUMER, True)
    assert told(desk, found)["b"] == (BYSTANDER, False)


def test_what_was_not_read_makes_it_unknown_and_masked(desk: Any) -> None:
    moves = [("a", "v", 10), ("b", "v", 10), ("d", "v", 1_000)]
    found = told(desk, accounts(desk, moves, TAGS, read="b"))
    assert found["a"] == (UNKNOWN, True)
    assert found["b"] == (CONSUMER, True), "the payer's own history is enough"
    assert found["d"] == (BYSTANDER, False), "more reading makes no large payment small"
    why = accounts(desk, moves, TAGS, read="").why(desk.account("a"))
    assert any("not every payment" in one for one in why.text)


def test_a_large_gift_that_may_have_been_paid_back_is_unknown(desk: Any) -> None:
    assert told(desk, accounts(desk, [("a", "c", 999)], TAGS, read=""))["a"] == (UNKNOWN, False)


def test_what_is_small_has_no_default(desk: Any) -> None:
    moves = [("a", "v", 10), ("b", "c", 1), ("d", "x", 10)]
    found = accounts(desk, moves, TAGS, small=None)
    assert told(desk, found)["a"] == told(desk, found)["b"] == (UNKNOWN, True)
    assert told(desk, found)["d"] == (VICTIM, True)
    assert "not stated" in found.findings(found.frame)[0].text[1]


def test_small_by_the_price_of_the_day(desk: Any) -> None:
    price = dict.fromkeys(PRICES.schema) | {
        "chain": desk.asset.chain, "contract": desk.asset.contract, "currency": "USD",
        "granularity": "day", "price": "20", "source": "a table",
        "time": pl.datetime(2023, 6, 1, time_zone="UTC"),
    }  # fmt: skip
    rows = pl.select(**{
        name: (value if isinstance(value, pl.Expr) else pl.lit(value)).cast(PRICES.schema[name])
        for name, value in price.items()
    })  # fmt: skip
    moves = [("a", "v", 10), ("b", "v", 11), ("d", "v", 1, 2_000)]
    found = accounts(desk, moves, TAGS, small=None, prices=make_prices(rows))
    assert told(desk, found)["a"] == (CONSUMER, True)
    assert told(desk, found)["b"] == (BYSTANDER, False)
    assert told(desk, found)["d"] == (UNKNOWN, True), "of the second day no price was read"
    more = accounts(desk, moves, TAGS, small=None, prices=make_prices(rows), worth=220)
    assert told(desk, more)["b"] == (CONSUMER, True)


def test_vendors_markets_and_networks_are_told_by_nothing_else(desk: Any) -> None:
    """Somebody is paid by hundreds, pays a campaign, and deals with the subject: a bystander."""
    moves = [(name, "z", 5) for name in "abdefgijkl" * 30] + [("z", "s", 900), ("z", "v", 900)]
    found = told(desk, accounts(desk, moves, TAGS))
    assert found["z"] == (BYSTANDER, False)
    assert {role for role, _ in found.values()} <= {BYSTANDER, NETWORK, VENDOR, MARKET}


def test_a_subject_may_be_called_a_vendor(desk: Any) -> None:
    moves = [("a", "s", 10)]
    assert told(desk, accounts(desk, moves, []))["a"] == (BYSTANDER, False)
    as_vendor = accounts(desk, moves, [], subject_role="vendor")
    assert told(desk, as_vendor) == {"a": (CONSUMER, True), "s": (VENDOR, False)}
    with pytest.raises(InputError, match="is no role of a subject"):
        accounts(desk, moves, [], subject_role="victim")


def test_a_tag_speaks_of_its_days(desk: Any) -> None:
    later = {"first_day": date(2023, 6, 2)}
    moves = [("a", "v", 10), ("b", "v", 10, 2_000)]
    found = told(desk, accounts(desk, moves, [("v", "vera", "vendor", later)]))
    assert found["a"] == (BYSTANDER, False)
    assert found["b"] == (CONSUMER, True)


def test_a_transfer_that_nobody_signed_or_that_failed_is_no_payment(desk: Any) -> None:
    moves = [("a", "v", 10, None, {"signed": False}), ("b", "v", 10, None, {"success": False}),
             ("d", "v", 10, None, {"amount": None, "amount_hex": hex(10**40)})]  # fmt: skip
    found = told(desk, accounts(desk, moves, TAGS))
    assert not {"a", "b"} & set(found)
    assert found["d"] == (BYSTANDER, False), "what is too wide to add up is not little"


def test_a_finding_a_tag_and_a_trace_do_not_show_whom_it_masks(desk: Any) -> None:
    """Value of the subject ends at a deposit address that once paid a vendor a trifle."""
    moves = [("s", "a", 500), ("a", "v", 5), ("a", "h", 495)]
    ledger = desk.paid(moves, read="savh")
    tags = desk.tags(*TAGS, chain=desk.asset.chain)
    found = cw.roles(ledger, desk.account("s"), tags=tags, asset=desk.asset, small=100)
    followed = cw.trace(ledger, desk.account("s"), policy="fifo", asset=desk.asset,
                        stop=desk.tags(("a", "harbour"), chain=desk.asset.chain))  # fmt: skip
    party = (desk.asset.chain, desk.account("a"))
    assert party in roles_of([followed]), "a trace that ends there shows it"
    assert party not in roles_of([followed, found])
    shown = roles_of([followed, found])
    assert shown[desk.asset.chain, desk.account("s")] == "subject"


def test_a_subject_stays_a_subject_and_the_contradiction_is_said(desk: Any) -> None:
    moves = [("s", "v", 5), ("k", "v", 5)]
    tags = [*TAGS, ("s", "sue", "vendor"), ("k", "kim", "vendor")]
    found = accounts(desk, moves, tags)
    assert told(desk, found)["s"] == told(desk, found)["k"] == (VENDOR, False)
    assert found.frame.filter("contradiction")["address"].to_list() == sorted(
        [desk.account("s"), desk.account("k")]
    )
    assert "2 parties whom a tag names" in repr(found)
    assert roles_of([found])[desk.asset.chain, desk.account("s")] == "subject"


def test_a_victim_on_whom_the_case_is_stays_shown(desk: Any) -> None:
    found = accounts(desk, [("s", "x", 5)], [*TAGS, ("s", "sue", "victim")])
    assert told(desk, found)["s"] == (VICTIM, True)
    assert found.frame.filter("contradiction").height == 1
    assert roles_of([found])[desk.asset.chain, desk.account("s")] == "subject"


def coins(desk: Any, txs: list[Any], tags: list[Any], **given: Any) -> Any:
    ledger = desk.coins(txs)
    return cw.roles(ledger, desk.coin("s"), tags=desk.tags(*tags), small=100, **given), ledger


def test_coins_of_one_owner_and_of_several(desk: Any) -> None:
    txs = [
        {"id": "0", "ins": [], "outs": [("a", 90), ("b", 50), ("d", 50), ("e", 40), ("e2", 40)]},
        {"id": "1", "ins": [("0", 0)], "outs": [("v", 60), ("a", 30)]},  # change to itself
        {"id": "2", "ins": [("0", 1), ("0", 2)], "outs": [("v", 80), ("w", 20)]},
        {"id": "3", "ins": [("0", 3), ("0", 4)], "outs": [("v", 80)]},
    ]  # fmt: skip
    pair = pl.DataFrame({"chain": ["x"], "address": [b""], "cluster": [b""]}).clear()

    class Pairs:
        frame = pl.concat([pair, pl.DataFrame({
            "chain": [desk.coins(txs).chains[0].id] * 2,
            "address": [desk.coin("e"), desk.coin("e2")], "cluster": [desk.coin("e")] * 2,
        })])  # fmt: skip

    found, _ = coins(desk, txs, [("v", "vera", "vendor")], clusters=Pairs())
    assert told(desk, found) == {
        "a": (CONSUMER, True), "b": (UNKNOWN, True), "d": (UNKNOWN, True), "e": (CONSUMER, True),
        "e2": (CONSUMER, True), "v": (VENDOR, False), "s": (NETWORK, False),
    }  # fmt: skip
    assert any("others may have paid" in one for one in found.why(desk.coin("b")).text)


def owned(desk: Any, txs: list[Any], *groups: tuple[str, ...]) -> Any:
    """Return clusters by hand: each is called by its first address."""
    chain = desk.coins(txs).chains[0].id
    rows = [(chain, desk.coin(one), desk.coin(group[0])) for group in groups for one in group]

    class Made:
        frame = pl.DataFrame(rows, schema=["chain", "address", "cluster"], orient="row")

    return Made()


PAID = [
    {"id": "0", "ins": [], "outs": [("a", 90), ("b", 90), ("v2", 90)]},
    {"id": "1", "ins": [("0", 0)], "outs": [("v1", 60), ("a", 30)]},
    {"id": "2", "ins": [("0", 1)], "outs": [("v2", 60), ("b", 30)]},
    {"id": "3", "ins": [("0", 2)], "outs": [("v1", 80)]},
]
"""Two pay a vendor at two addresses; one of these pays the other."""


def test_a_tag_of_a_whole_cluster_speaks_of_all_its_addresses(desk: Any) -> None:
    clusters = owned(desk, PAID, ("v1", "v2"))
    found, _ = coins(desk, PAID, [("v1", "vera", "vendor")], clusters=clusters)
    assert told(desk, found) == {
        "a": (CONSUMER, True), "b": (CONSUMER, True), "v1": (VENDOR, False),
        "v2": (VENDOR, False), "s": (NETWORK, False),
    }  # fmt: skip
    assert found.evidence.filter(owner=desk.coin("a"))["other"].to_list() == [desk.coin("v1")]


@pytest.mark.parametrize("definer", [None, False])
def test_a_tag_of_one_address_speaks_of_that_one(desk: Any, definer: bool | None) -> None:
    clusters = owned(desk, PAID, ("v1", "v2"))
    tags = [("v1", "vera", "vendor", {"definer": definer})]
    found = told(desk, coins(desk, PAID, tags, clusters=clusters)[0])
    assert found["v1"] == (VENDOR, False)
    assert found["v2"] == (BYSTANDER, False), "that it pays its own owner tells nothing"
    assert "b" not in found


def test_two_names_in_one_cluster_speak_of_nobody_else(desk: Any) -> None:
    clusters = owned(desk, PAID, ("v1", "v2", "w"))
    tags = [("v1", "vera", "vendor"), ("w", "will", "vendor")]
    found = told(desk, coins(desk, PAID, tags, clusters=clusters)[0])
    assert found["v2"] == (BYSTANDER, False)


def test_every_address_of_a_consumer_is_masked(desk: Any) -> None:
    clusters = owned(desk, PAID, ("a", "a2", "a3"))
    found, _ = coins(desk, PAID, [("v1", "vera", "vendor")], clusters=clusters)
    masked = found.roles().protected
    assert masked >= {(found.asset.chain, desk.coin(one)) for one in ("a", "a2", "a3")}


def test_an_input_that_was_not_read_may_have_paid(desk: Any) -> None:
    txs = [
        {"id": "0", "ins": [], "outs": [("a", 90)]},
        {"id": "1", "ins": [("0", 0), ("?",)], "outs": [("v", 60)]},
        {"id": "2", "ins": [("?",)], "outs": [("v", 60)]},
    ]
    found, _ = coins(desk, txs, [("v", "vera", "vendor")])
    assert told(desk, found)["a"] == (UNKNOWN, True)
    assert found.payer_unread == 1
    assert "1 transaction nothing was read" in repr(found)


@pytest.mark.parametrize("wrong", [{"few": 0}, {"few": True}, {"small": 0}, {"small": 1.5},
                                   {"worth": 0}])  # fmt: skip
def test_thresholds_are_whole_numbers(desk: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"small|few"):
        accounts(desk, [("a", "v", 10)], TAGS, **wrong)


def slow(moves: list[tuple[str, str, int]], few: int, small: int) -> dict[str, str]:
    """Return the roles of untagged parties by looking at every payment, one by one."""
    kinds = {"v": CONSUMER, "m": CONSUMER, "c": DONOR, "x": VICTIM}
    tagged = {name for name, *_ in TAGS} | {"s"}
    paid: dict[str, dict[str, list[tuple[str, int]]]] = defaultdict(lambda: defaultdict(list))
    met = {one for a, b, n in moves if n and a != b for one, other in ((a, b), (b, a))
           if other in kinds or other == "s"}  # fmt: skip
    for payer, payee, amount in moves:
        if payee in kinds and amount and payer != payee:
            paid[payer][kinds[payee]].append((payee, amount))
    found = {}
    for name in met - tagged:
        fits = {}
        for kind, rows in paid[name].items():
            whom = {payee for payee, _ in rows}
            back = sum(n for a, b, n in moves if b == name and a in whom)
            if kind == VICTIM:
                fits[kind] = back < sum(n for _, n in rows)
            else:
                less = back < sum(n for _, n in rows)
                seldom, little = len(rows) <= few, all(n <= small for _, n in rows)
                fits[kind] = less and seldom and little
                fits[UNKNOWN] = fits.get(UNKNOWN, False) or (
                    kind == CONSUMER and less and little and not seldom
                )
                if kind == DONOR and less and not (seldom and little):
                    fits["large"] = True
        order = (VICTIM, DONOR, CONSUMER, UNKNOWN, "large")
        first = next((kind for kind in order if fits.get(kind)), BYSTANDER)
        found[name] = DONOR if first == "large" else first
    return found


moves_of = st.lists(
    st.tuples(st.sampled_from("abdevmcxhs"), st.sampled_from("abdevmcxhs"), st.integers(0, 4)),
    max_size=30,
)


@settings(max_examples=40)
@given(moves_of, st.integers(1, 3), st.integers(1, 3))
def test_it_says_what_looking_at_every_payment_says(
    desk: Any, moves: list[Any], few: int, small: int
) -> None:
    if not moves:
        return
    found = accounts(desk, moves, TAGS, few=few, small=small)
    tagged = {name for name, *_ in TAGS} | {"s"}
    mine = {name: role for name, (role, _) in told(desk, found).items() if name not in tagged}
    assert mine == slow(moves, few, small)
