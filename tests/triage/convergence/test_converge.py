"""``converge``: places are those of a plain search, chance is exact, services meet nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import product
from math import prod
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest
from account_chains import HOUR, Accounts
from hypothesis import given
from hypothesis import strategies as st

import chainwatch as cw
from chainwatch.addresses.assets import Asset, native
from chainwatch.addresses.canonical import text
from chainwatch.errors import InputError
from chainwatch.results.mask import shown_tables
from chainwatch.results.roles import NO_ROLES
from chainwatch.triage.convergence.chance import expected, tail
from chainwatch.triage.convergence.converge import converging
from chainwatch.triage.convergence.meeting import PAYS, REACHED, Bounds, ways_of
from chainwatch.triage.convergence.tables import BEHIND_ONE, CHANCE, NO_MORE, SHARED, UNTESTED
from chainwatch.triage.people import Judged
from chainwatch.typologies.flows import NOBODY, Flows, Name
from chainwatch.typologies.made_flows import make_flows

START = datetime(2024, 1, 1, tzinfo=UTC)
ON = Accounts()
TOKEN = Asset(ON.chain, ON("token"), "TOK", 6)
DAY = 24 * HOUR


def flows_of(
    payments: Sequence[tuple[str, str, int, float]], services: str = "", platform: str = ""
) -> Flows:
    """Return payments ``(payer, payee, amount, days)`` between parties of one letter or name."""
    names = (Name("s", "exchange"), Name("p", "guarantee_platform"))
    code = {**dict.fromkeys(services, 0), **dict.fromkeys(platform, 1)}
    rows = pl.DataFrame(
        [
            (a.encode(), b.encode(), amount, START + timedelta(days=day), n,
             code.get(a, NOBODY), code.get(b, NOBODY))
            for n, (a, b, amount, day) in enumerate(payments)
        ],
        schema=["payer", "payee", "amount", "time", "rank", "payer_name", "payee_name"],
        orient="row",
    )  # fmt: skip
    return make_flows(rows, native("eth"), names=names)


@given(st.lists(st.fractions(0, 1, max_denominator=12), max_size=6), st.integers(0, 7))
def test_the_tail_is_that_of_all_outcomes(shares: list[Fraction], least: int) -> None:
    whole = sum(
        (
            prod((p if hit else 1 - p for p, hit in zip(shares, outcome, strict=True)),
                 start=Fraction(1))
            for outcome in product((False, True), repeat=len(shares))
            if sum(outcome) >= least
        ),
        Fraction(0),
    )  # fmt: skip
    assert tail(shares, least) == whole
    assert expected(shares) == sum(shares)


def plain(
    payments: Sequence[tuple[str, str, int, float]], vendors: str, ends: str, bounds: Bounds
) -> dict[str, set[str]]:
    """Return by place the vendors whose money could reach it: every route tried, one by one."""
    found: dict[str, set[str]] = {}

    def go(vendor: str, at: str, since: int, hops: int) -> None:
        for n, (a, b, _, day) in enumerate(payments):
            late = round(day - payments[since][3], 6) if since >= 0 else 0
            if a != at or (since >= 0 and (n <= since or late > bounds.days)):
                continue
            if b != vendor:
                found.setdefault(b, set()).add(vendor)
            if hops > 1 and b not in ends and b != vendor:
                go(vendor, b, n, hops - 1)

    for vendor in vendors:
        go(vendor, vendor, -1, bounds.hops)
    return found


@pytest.mark.parametrize("seed", range(60))
def test_places_are_those_of_a_plain_search(seed: int) -> None:
    rng = Random(seed)  # noqa: S311 - the same each time
    day, payments = 0.0, []
    for _ in range(rng.choice([12, 30])):
        a, b = rng.sample("abcdefgx", 2)
        day += rng.choice([0.1, 1, 3])
        payments.append((a, b, rng.randint(1, 9), day))
    bounds = Bounds(rng.choice([1, 2, 3]), rng.choice([2, 5]))
    flows = flows_of(payments)
    vendors, ends = "abc", rng.choice(["", "x", "xe"])
    number = {one.decode(): at for at, one in enumerate(flows.parties)}
    mask = np.array([one.decode() in ends for one in flows.parties])
    mine = [one for one in vendors if one in number]
    turned = [(b, a, amount, day - when) for a, b, amount, when in payments[::-1]]
    for way, listed in zip(ways_of(flows, mask, bounds), (payments, turned), strict=True):
        wanted = plain(listed, "".join(mine), ends, bounds)
        sellers = np.array([number[one] for one in mine], np.int64)
        counts = way.counts(sellers, *way.followed(sellers))
        told = {one.decode(): int(n) for one, n in zip(flows.parties, counts, strict=True) if n}
        assert told == {one: len(whose) for one, whose in wanted.items()}
        for place in wanted:
            first = way.first_payments(number[place])
            payers = {flows.parties[int(way.flows.payer[row])].decode() for row in first}
            every = plain(listed, "".join(sorted(set(number) - {place})), ends, bounds)
            assert payers - {place} == every.get(place, set())


def crowd(rng: Random, people: int = 150) -> list[tuple[str, str, int, float]]:
    """Return what people pay each other and a few shops, as many times as vendors do."""
    paid = []
    for one in range(people):
        for _ in range(8):
            other = rng.choice([f"p{rng.randrange(people)}", f"shop{rng.randrange(4)}"])
            if other != f"p{one}":
                paid.append((f"p{one}", other, rng.randint(50, 150), rng.uniform(0, 60)))
    return paid


def world(rng: Random, vendors: int = 12) -> list[tuple[str, str, int, float]]:
    paid = crowd(rng)
    for one in range(vendors):
        for _ in range(7):
            other = rng.choice([f"p{rng.randrange(150)}", f"shop{rng.randrange(4)}"])
            paid.append((f"v{one}", other, rng.randint(50, 150), rng.uniform(0, 60)))
        paid.append((f"v{one}", "broker", 100, rng.uniform(0, 60)))
    return paid


def nobody(paid: Sequence[tuple[str, str, int, float]]) -> Judged:
    """Return roles that were told of everybody and mask nobody."""
    return Judged(frozenset(one.encode() for a, b, *_ in paid for one in (a, b)), frozenset())


VENDORS = frozenset(f"v{one}".encode() for one in range(12))


def places(found: cw.Convergence, verdict: str) -> set[str]:
    rows = found.frame.filter(pl.col("verdict") == verdict)
    return {one.decode() for one in rows["entity"]}


def sorted_flows(paid: list[tuple[str, str, int, float]], **more: Any) -> Flows:
    return flows_of(sorted(paid, key=lambda one: one[3]), **more)


def test_a_broker_of_many_vendors_is_more_than_chance_and_shops_are_not() -> None:
    found = converging(sorted_flows(world(Random(1))), VENDORS, bounds=Bounds(1, 14))  # noqa: S311
    assert places(found, CHANCE) == {"broker"}
    row = found.frame.filter(pl.col("entity") == b"broker").row(0, named=True)
    assert (row["direction"], row["vendors"], row["amount"]) == (REACHED, 12, 1_200)
    assert row["corrected"] < 0.001
    assert {f"shop{n}" for n in range(4)} <= places(found, NO_MORE)
    shop = found.frame.filter(pl.col("entity") == b"shop0").row(0, named=True)
    assert shop["p"] > 0.01
    assert found.why(b"broker")["vendor"].to_list() == sorted(VENDORS)


def test_whom_a_tag_calls_a_service_is_no_place_and_a_platform_is_one() -> None:
    rng = Random(1)  # noqa: S311
    paid = world(rng)
    assert converging(
        named(paid, "exchange"), VENDORS, bounds=Bounds(1, 14)
    ).frame.filter(pl.col("entity") == b"broker").is_empty()  # fmt: skip
    found = converging(named(paid, "guarantee_platform"), VENDORS, bounds=Bounds(1, 14))
    row = found.frame.filter(pl.col("entity") == b"broker").row(0, named=True)
    assert (row["verdict"], row["concept"]) == (CHANCE, "guarantee_platform")


def named(paid: list[tuple[str, str, int, float]], concept: str) -> Flows:
    """Return payments in which a tag names the broker."""
    ordered = sorted(paid, key=lambda one: one[3])
    rows = pl.DataFrame(
        [
            (a.encode(), b.encode(), amount, START + timedelta(days=day), n,
             0 if a == "broker" else NOBODY, 0 if b == "broker" else NOBODY)
            for n, (a, b, amount, day) in enumerate(ordered)
        ],
        schema=["payer", "payee", "amount", "time", "rank", "payer_name", "payee_name"],
        orient="row",
    )  # fmt: skip
    return make_flows(rows, native("eth"), names=(Name("b", concept),))


def test_no_route_goes_on_through_a_hub_and_a_hub_is_never_called() -> None:
    rng = Random(2)  # noqa: S311
    paid = world(rng)
    paid += [(f"p{n}", "broker", 10, 5 + n / 100) for n in range(60)]
    paid += [("broker", "beyond", 500, 61.0), ("broker", "beyond", 500, 62.0)]
    found = converging(sorted_flows(paid), VENDORS, bounds=Bounds(2, 90), hub=60)
    assert "broker" in places(found, SHARED)
    assert b"beyond" not in found.frame["entity"].to_list()
    through = converging(sorted_flows(paid), VENDORS, bounds=Bounds(2, 90), hub=100)
    assert b"beyond" in through.frame["entity"].to_list()


def test_a_supplier_who_pays_them_is_found_the_other_way_round() -> None:
    turned = [(b, a, amount, 60 - day) for a, b, amount, day in world(Random(3))]  # noqa: S311
    found = converging(
        sorted_flows(turned), VENDORS, bounds=Bounds(1, 14), people=nobody(turned)
    )  # fmt: skip
    row = found.frame.filter(pl.col("verdict") == CHANCE).row(0, named=True)
    assert (row["entity"], row["direction"], row["vendors"]) == (b"broker", PAYS, 12)


def test_buyers_are_no_place_however_many_sellers_they_have() -> None:
    """Who buys from all of them pays them all, and is paid back by several."""
    paid = world(Random(4))  # noqa: S311
    for n in range(12):
        paid += [("buyer", f"v{n}", 100, 3.0 + n), (f"v{n}", "buyer", 40, 5.0 + n)]
    flows = sorted_flows(paid)
    found = converging(flows, VENDORS, bounds=Bounds(1, 14))
    assert b"buyer" not in found.frame["entity"].to_list()
    assert set(found.frame["direction"]) == {REACHED}
    # Nor where roles were told and did not tell of him: whoever was refunded is a buyer.
    everybody = converging(flows, VENDORS, bounds=Bounds(1, 14), people=nobody(paid))
    assert b"buyer" not in everybody.frame["entity"].to_list()
    # Nor is somebody whom he paid, behind him.
    behind = [*paid, ("buyer", "mum", 30, 40.0)]
    through = converging(sorted_flows(behind), VENDORS, bounds=Bounds(2, 90), people=nobody(behind))
    assert b"mum" not in through.frame["entity"].to_list()
    # Who gets more from them than he pays them is no buyer.
    more = [*paid, *((f"v{n}", "buyer", 100, 30.0 + n) for n in range(12))]
    dealer = converging(sorted_flows(more), VENDORS, bounds=Bounds(1, 14))
    assert b"buyer" in dealer.frame["entity"].to_list()


def test_the_landlord_of_a_broker_stands_behind_him_and_nobody_is_framed() -> None:
    rng = Random(5)  # noqa: S311
    paid = [*world(rng), ("broker", "landlord", 2, 60.5)]
    found = converging(sorted_flows(paid), VENDORS, bounds=Bounds(2, 90))
    assert "broker" in places(found, CHANCE)
    assert "landlord" in places(found, BEHIND_ONE)
    row = found.frame.filter(pl.col("entity") == b"landlord").row(0, named=True)
    assert (row["hands"], row["amount"]) == (1, 2)


def test_several_addresses_of_one_actor_are_one_vendor() -> None:
    one = [("v0", "alice", "vendor"), ("v1", "alice", "vendor"), ("v2", "alice", "vendor")]
    tags = ON.tags(*one, ("v3", "v3", "vendor"), ("desk", "desk", "exchange"))
    vendors = [ON(f"v{n}") for n in range(4)]
    with pytest.raises(InputError, match="2 of the vendors pay or are paid"):
        cw.converge(ON.ledger(PAID), vendors, tags=tags, asset=TOKEN)
    found = cw.converge(ON.ledger(PAID), vendors, tags=tags, asset=TOKEN, least=2)
    (row,) = found.frame.to_dicts()
    assert (ON.name(row["entity"]), row["vendors"]) == ("maker", 2)


@pytest.mark.parametrize(("named", "word"), [(3, "subject"), (4, "vendor")])
def test_nobody_is_called_a_vendor_whom_no_tag_calls_one(named: int, word: str) -> None:
    tags = ON.tags(*((f"v{n}", f"v{n}", "vendor") for n in range(named)))
    vendors = [ON(f"v{n}") for n in range(4)]
    found = cw.converge(ON.ledger(PAID), vendors, tags=tags, asset=TOKEN)
    (finding,) = found.findings(pl.DataFrame())
    said = " ".join((repr(found), finding.title, *finding.text, *finding.innocent))
    assert f"more {word}s meet" in said
    assert f"{word}s" in finding.frame.columns
    assert finding.name == "meeting_places"
    assert ("vendor" in said) == (word == "vendor")


def test_wallets_of_which_not_all_was_read_are_no_wallets_like_them() -> None:
    """They may all pay the same exchange, and nobody saw it."""
    names = [f"w{n}" for n in range(60)]
    lives = [(f"{one}>s{k}:{50 + k}", k * HOUR) for one in names for k in range(4)]
    vendors = [(f"v{n}>s{k}:{50 + k}", k * HOUR) for n in range(4) for k in range(4)]
    shared = [(f"v{n}>ex:20", 9 * HOUR) for n in range(4)]
    paid = [*lives, *vendors, *shared]
    mine = [ON(f"v{n}") for n in range(4)]
    read = cw.converge(ON.ledger(paid), mine, asset=TOKEN, least=3, hops=1)
    unread = cw.converge(
        ON.ledger(paid, read=[f"v{n}" for n in range(4)]), mine, asset=TOKEN, least=3, hops=1
    )
    assert read.frame.filter(pl.col("entity") == ON("ex"))["verdict"].to_list() == [CHANCE]
    assert set(unread.frame["verdict"]) == {UNTESTED}


def test_a_service_is_one_whatever_else_and_whenever_tags_say_so() -> None:
    late = {"first_day": date(2033, 1, 1)}
    for more in (("maker", "m", "exchange", late), ("maker", "m", "exchange", {"level": 5})):
        tags = ON.tags(more, ("maker", "m", "money_laundering", {"level": 90}))
        vendors = [ON(f"v{n}") for n in range(4)]
        found = cw.converge(ON.ledger(PAID), vendors, tags=tags, asset=TOKEN)
        assert ON("maker") not in found.frame["entity"].to_list()


def test_without_wallets_like_them_nothing_is_called() -> None:
    paid = [(f"v{n}", "broker", 10, float(n)) for n in range(12)]
    found = converging(flows_of(paid), VENDORS)
    assert places(found, UNTESTED) == {"broker"}
    assert found.frame["p"].null_count() == 1
    assert repr(found).startswith("Convergence(1 place where 3 subjects or more meet, 0 more")


def test_a_place_is_held_against_all_parties_that_could_have_been_one() -> None:
    flows = sorted_flows(world(Random(1)))  # noqa: S311
    found = converging(flows, VENDORS, bounds=Bounds(1, 14), people=nobody(world(Random(1))))  # noqa: S311
    mine = [flows.number_of(one) for one in VENDORS]
    paid = set(flows.payee.tolist()) - set(mine)
    pay = set(flows.payer.tolist()) - set(mine)
    assert found.tests == len(paid) + len(pay)


PAID = [
    *[(f"v{n}>maker:{100 + n}", n) for n in range(4)],
    *[(f"v{n}>desk:{50 + n}", DAY + n) for n in range(4)],
]


def asked(**more: Any) -> cw.Convergence:
    tags = ON.tags(*((f"v{n}", f"v{n}", "vendor") for n in range(4)), ("desk", "desk", "exchange"))
    vendors = [text(ON(f"v{n}"), "eth") for n in range(4)]
    return cw.converge(ON.ledger(PAID), vendors, tags=tags, asset=TOKEN, **more)


def test_on_a_ledger_nobody_gets_a_role_and_the_place_stays_masked() -> None:
    found = asked()
    assert [ON.name(one) for one in found.frame["entity"]] == ["maker"]
    assert found.frame["amount"].cast(int).to_list() == [sum(100 + n for n in range(4))]
    edition, tables = shown_tables(found)
    assert edition == "disclosure"
    told = str([frame.to_dicts() for frame in tables.values()])
    assert text(ON("maker"), "eth") not in told
    assert found.roles() == NO_ROLES
    (said,) = found.findings(pl.DataFrame({"chain": [], "address": []}))
    assert "consistent with a common supplier" in " ".join(said.text)
    assert "belong" not in " ".join(said.text)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"least": 5}, "4 of the vendors pay or are paid in what was read, fewer than 5"),
        ({"least": 1}, "least is no whole number of 2 or more"),
        ({"hops": 0}, "hops is no whole number of 1 or more"),
        ({"rate": "2"}, "rate is no share"),
    ],
)
def test_what_is_wrong_is_said(more: dict[str, Any], said: str) -> None:
    with pytest.raises((InputError, cw.errors.ArgumentError), match=said):
        asked(**more)


def test_a_place_of_exactly_the_rate_is_called() -> None:
    """Decided in whole numbers: as a float the rate itself may seem to be missed."""
    flows = sorted_flows(world(Random(1)))  # noqa: S311
    first = converging(flows, VENDORS, bounds=Bounds(1, 14))
    row = first.frame.filter(pl.col("entity") == b"broker").row(0, named=True)
    several = sum((Fraction(1, k) for k in range(1, first.tests + 1)), Fraction(0))
    way, _ = ways_of(flows, np.zeros(len(flows.parties), np.bool_), Bounds(1, 14))
    number = flows.number_of(b"broker")
    assert number is not None
    mine = {flows.number_of(one) for one in VENDORS}
    assert mine <= set(way.flows.payer[way.first_payments(number)].tolist())
    # The p-value of the broker alone, times what a lone discovery costs, is the least rate.
    least = Fraction(row["p"]) * first.tests * several
    above, below = (
        converging(flows, VENDORS, bounds=Bounds(1, 14), rate=str(float(least * factor)))
        for factor in (Fraction(1001, 1000), Fraction(999, 1000))
    )
    assert "broker" in places(above, CHANCE)
    assert "broker" in places(below, NO_MORE)
