"""Who brings together what many of his wallets were given; buyers and strangers do not."""

from __future__ import annotations

from typing import Any

import pytest
from account_chains import DAY

import chainwatch as cw
from chainwatch.heuristics.accounts.airdrop import airdrop_collected

DROP = {"token": "drop"}
RULE = airdrop_collected(recipients=6, seconds=24, most=3)


def given(*passed: str, apart: int = 0, names: str = "uvwxyz") -> list[Any]:
    """Return an airdrop of 7, so many minutes apart, and what is passed on a day later."""
    gifts = [(f"giver>{one}:7", n * apart, DROP) for n, one in enumerate(names)]
    return [*gifts, *((text, DAY + n, DROP) for n, text in enumerate(passed))]


@pytest.fixture
def linked(accounts):
    def find(rows: list[Any], rule: Any = RULE, tags: Any = None, **more: Any) -> Any:
        ledger = accounts.ledger(rows, **more)
        return accounts.pairs(cw.account_links(ledger, rules=[rule], tags=tags).frame)

    return find


TWO = given("u>main:7", "v>main:7")


def test_two_that_pass_theirs_on_whole(linked) -> None:
    assert linked(TWO) == {("main", "u", False), ("main", "v", False)}


def test_a_recipient_may_be_the_target(linked) -> None:
    assert linked(given("u>w:7", "v>w:7")) == {("u", "w", False), ("v", "w", False)}


@pytest.mark.parametrize(
    "rows",
    [
        given("u>main:7"),  # one alone
        given("u>main:7", "v>other:7"),
        given("u>main:6", "v>main:6"),  # not whole
        given("u>giver:7", "v>giver:7"),  # given back
        given("u>main:7", "v>main:7", names="uvwxy"),  # to too few
        given("u>main:7", "v>main:7", apart=1),  # a minute apart: wages, not an airdrop
        [*TWO[:6], ("u>main:7", 31 * DAY, DROP), ("v>main:7", 31 * DAY, DROP)],  # much later
        [*TWO[:6], ("u>main:7", DAY), ("v>main:7", DAY)],  # of another token
        [("u>main:7", 0, DROP), ("v>main:7", 0, DROP), *((t, m + 9, d) for t, m, d in TWO[:6])],
    ],
)  # fmt: skip
def test_what_is_no_airdrop_or_not_passed_on(linked, rows) -> None:
    assert linked(rows) == set()


def test_a_target_of_many_is_a_buyer(linked) -> None:
    found = linked(given(*(f"{one}>main:7" for one in "uvwx")))
    assert {veto for *_, veto in found} == {True}
    assert len(found) == 4


@pytest.mark.parametrize(
    ("minute", "coin", "veto"),
    [(DAY + 5, False, None), (DAY + 5, True, None), (9 * DAY, False, None), (1, False, None),
     (-1, False, False)],
)  # fmt: skip
def test_who_is_paid_by_the_target_may_have_sold(linked, minute, coin, veto) -> None:
    """From a day before on; what was paid long before, such as first gas, is no price."""
    rows = [("main>u:90", minute + DAY, {"coin": coin}), *((t, m + DAY, d) for t, m, d in TWO)]
    rows = [(t, m - (0 if minute >= 0 else DAY), d) if t == "main>u:90" else (t, m, d)
            for t, m, d in rows]  # fmt: skip
    assert linked(rows) == {("main", "u", veto), ("main", "v", False)}


def test_a_service_and_a_contract_are_no_target(linked, accounts) -> None:
    tags = accounts.tags(("main", "shop"))
    assert linked(TWO, tags=tags) == set()
    assert linked(TWO, tags=accounts.tags(("giver", "shop"))) == set()  # it pays what it owes
    made = ("creation", "dev", "dev", 0, {"contract": accounts("main")})
    assert linked(TWO, approvals=[made]) == set()


def test_what_was_not_read_of_the_target_may_be_a_crowd(linked) -> None:
    assert linked(TWO, read="uv") == {("main", "u", None), ("main", "v", None)}
    assert linked(TWO, read=["main", "u"]) == {("main", "u", False), ("main", "v", None)}


def test_what_nobody_signed_was_not_passed_on(linked) -> None:
    forged = [(t, m, {**d, "signed": False}) if t.startswith("v") else (t, m, d)
              for t, m, d in TWO]  # fmt: skip
    assert linked(forged) == set()
