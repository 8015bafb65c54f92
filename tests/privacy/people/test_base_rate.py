"""The base rate: a money exchange serves thousands, and 0.5 % of its turnover is a network's.

Nobody becomes anybody's accomplice by using it, and every amount that is called the network's is
the small one; turnover and reach are called so.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.privacy.edition import DISCLOSURE
from chainwatch.privacy.masked_view import masked_view
from chainwatch.privacy.people.tables import BYSTANDER, DONOR, NETWORK, SERVICE
from chainwatch.privacy.roles import roles_of
from chainwatch.results.result import Result
from chainwatch.results.roles import FINDING, SUBJECT
from chainwatch.results.table import Privacy
from chainwatch.tracing.arguments import policies_for
from chainwatch.units import total

CUSTOMERS, DEPOSIT, TAINTED = 2_000, 1_000, 10
SMALL, TURNOVER = TAINTED * DEPOSIT, CUSTOMERS * DEPOSIT
HOUSE, SOURCE = "h", "k"


class Exchange(NamedTuple):
    """The ledger of a money exchange, what tags say, and its customers by name."""

    ledger: Any
    tags: Any
    customers: list[str]


@pytest.fixture(scope="module")
def exchange(desk: Any) -> Exchange:
    """Every customer brings 1,000 and takes 1,000 away; ten deposits are those of the network."""
    step = CUSTOMERS // TAINTED
    customers = [f"customer {n}" for n in range(CUSTOMERS)]
    moves: list[tuple[str, str, int]] = [("z", SOURCE, SMALL)]
    for place, name in enumerate(customers):
        theirs = place % step == step // 2
        moves.append((SOURCE if theirs else name, HOUSE, DEPOSIT))
        moves.append((HOUSE, customers[(place * 7 + 3) % CUSTOMERS], DEPOSIT))
    ledger = desk.paid(moves, read=[SOURCE, HOUSE, *customers])
    tags = desk.tags(
        (SOURCE, "brigade", "terrorism_financing"), (HOUSE, "house", "money_exchange"),
        chain=desk.asset.chain,
    )  # fmt: skip
    assert SMALL * 1_000 == 5 * TURNOVER
    return Exchange(ledger, tags, customers)


@pytest.mark.parametrize("subject", [SOURCE, HOUSE])
@pytest.mark.parametrize("seized", [False, True], ids=["in business", "seized"])
def test_nobody_becomes_one_of_them_by_using_it(
    desk: Any, exchange: Exchange, subject: str, *, seized: bool
) -> None:
    """Not the customers, and not the house: not even where an order names it as well."""
    tags = exchange.tags
    if seized:
        orders = [(HOUSE, "house", one) for one in ("seizure_order", "terrorism_financing")]
        tags = tags + desk.tags(*orders, chain=desk.asset.chain)
    found = cw.roles(exchange.ledger, desk.account(subject), tags=tags, asset=desk.asset,
                     small=DEPOSIT)  # fmt: skip
    roles = dict(found.frame.select("address", "role").iter_rows())
    assert roles[desk.account(SOURCE)] == NETWORK
    assert roles[desk.account(HOUSE)] == SERVICE
    customers = {role for one in exchange.customers if (role := roles.get(desk.account(one)))}
    assert customers <= {BYSTANDER}
    assert customers or subject == SOURCE
    assert not found.frame.filter("masked").height
    assert set(roles.values()) <= {BYSTANDER, NETWORK, SERVICE, DONOR}
    assert found.of(desk.account("z")) == DONOR, "who paid the network itself, and much"
    told = roles_of([found, tags])
    parties = {(desk.asset.chain, desk.account(name)) for name in exchange.customers}
    assert not parties & told.keys(), "no customer is shown to others"
    assert any("turnover" in one for one in found.findings(found.frame)[0].innocent)


def amounts(result: Result, *named: str) -> set[int]:
    """Return the amounts of all tables of a result and its findings, but in columns so named."""
    tables = [*result.tables().values()]
    tables += [one.rows for one in result.findings(result.followed()) if one.rows]
    return {
        int(value)
        for rows in tables
        for column in rows.table.columns
        if column.privacy is Privacy.AMOUNT and column.name in rows.frame.columns
        and column.name not in named
        for value in rows.frame[column.name].drop_nulls()
    }  # fmt: skip


@pytest.mark.parametrize("stops", [True, False], ids=["ends there", "goes on"])
def test_what_is_followed_is_the_small_one(desk: Any, exchange: Exchange, *, stops: bool) -> None:
    services = exchange.tags.services() if stops else None
    for policy in policies_for("eth"):
        if policy.conserves and policy.follows and (stops or policy.name == "fifo"):
            followed = cw.trace(exchange.ledger, desk.account(SOURCE), policy=policy,
                                asset=desk.asset, stop=services)  # fmt: skip
            assert total(followed.ends["amount"]) == SMALL
            assert max(amounts(followed)) <= SMALL
            found = cw.exposure(followed, exchange.tags)
            row = found.frame.row(by_predicate=pl.col("actor") == "house", named=True)
            assert row["arrived"] == SMALL if stops else row["arrived"] > SMALL
            assert max(amounts(found, "arrived")) <= SMALL
            told = found.findings(followed.followed())[0].text
            counted_again = any("counted again each time it arrived" in one for one in told)
            assert counted_again is not stops, "what came back to the house is no more than it was"
            if not stops:
                ends = set(followed.ends["address"]) - {None}
                assert {BYSTANDER} == {
                    cw.roles(exchange.ledger, desk.account(SOURCE), tags=exchange.tags,
                             asset=desk.asset, small=DEPOSIT).of(one)
                    for one in ends - {desk.account(HOUSE)}
                }  # fmt: skip


def test_direct_totals_and_turnover_are_told_apart(desk: Any, exchange: Exchange) -> None:
    direct = cw.counterparties(exchange.ledger, desk.account(SOURCE), asset=desk.asset,
                               tags=exchange.tags)  # fmt: skip
    assert direct.total("out") == SMALL
    by = direct.by("direction", "service").filter(direction="out")
    assert by.select("service", "amount").rows() == [("house", SMALL)]
    assert max(amounts(direct)) == SMALL
    got = cw.received(exchange.ledger, desk.account(HOUSE), method="DD", asset=desk.asset,
                      sources=desk.account(SOURCE))  # fmt: skip
    assert got.from_sources == (SMALL, SMALL)
    assert got.turnover == TURNOVER
    named = amounts(got, "turnover", "reach")
    assert max(named) <= SMALL, "no other column holds more than what is theirs"
    assert "turnover" in str(got.findings(got.followed())[0].headline)
    whole = cw.counterparties(exchange.ledger, desk.account(HOUSE), asset=desk.asset,
                              tags=exchange.tags)  # fmt: skip
    theirs = whole.frame.filter(direction="in", service="brigade")
    assert total(theirs["amount"]) == SMALL
    assert whole.total("in") == TURNOVER


def test_a_disclosure_shows_no_customer_and_calls_none_a_finding(
    desk: Any, exchange: Exchange
) -> None:
    people = cw.roles(exchange.ledger, desk.account(SOURCE), tags=exchange.tags, asset=desk.asset,
                      small=DEPOSIT)  # fmt: skip
    followed = cw.trace(exchange.ledger, desk.account(SOURCE), policy="fifo", asset=desk.asset)
    reached = cw.exposure(followed, exchange.tags)
    shown = masked_view([people, followed, reached, exchange.tags], DISCLOSURE, bytes(32))
    roles = shown.edition.roles
    parties = {(desk.asset.chain, desk.account(name)) for name in exchange.customers}
    assert not parties & roles.keys()
    accused = {one for one, role in roles.items() if role in (SUBJECT, FINDING)}
    assert accused == {(desk.asset.chain, desk.account(SOURCE))}
