"""Requests to services: each is told its own addresses and payments, and nothing else at all."""

from __future__ import annotations

import re
from typing import Any

import pytest

import chainwatch as cw
from chainwatch.addresses.canonical import text, txid_text

CHAIN = "btc-regtest"
COINS: list[dict[str, Any]] = [
    {"id": "earn", "ins": [], "outs": [("a", 1_000)]},
    {"id": "more", "ins": [], "outs": [("e", 50)]},
    {
        "id": "pay",
        "ins": [("earn", 0), ("more", 0)],
        "outs": [("x", 300), ("y", 200), ("b", 400), ("z", 50)],
    },
    {"id": "on", "ins": [("pay", 2)], "outs": [("x", 150), ("c", 240)]},
    {"id": "elsewhere", "ins": [], "outs": [("x", 7)]},
]
"""A and e pay x and y at two services together, b pays x again; c keeps the rest."""

ADDRESSES = "abcexyz"
IDS = ("earn", "more", "pay", "on", "elsewhere")


def sheet_of(desk: Any, policy: str = "fifo", **more: Any) -> cw.ActionSheet:
    tags = desk.tags(("x", "Otter Exchange"), ("y", "Bank of Test", "bank"), ("z", "Zed", "vendor"))
    whom = [desk.coin("a"), desk.coin("e")]
    ledger = desk.coins(COINS)
    found = cw.trace(ledger, whom, policy=policy, stop=tags, chain=CHAIN, **more)
    return cw.action_sheet(found, tags=tags, ledger=ledger)


def stands_in(said: str, desk: Any) -> tuple[set[str], set[str]]:
    """Return which of all addresses and transactions of the ledger stand in a text."""
    addresses = {name for name in ADDRESSES if text(desk.coin(name), CHAIN) in said}
    return addresses, {name for name in IDS if txid_text(desk.txid(name), CHAIN) in said}


@pytest.mark.parametrize("policy", ["fifo", "haircut", "poison"])
def test_a_service_is_told_of_itself_alone(desk: Any, policy: str) -> None:
    asked = sheet_of(desk, policy).requests()
    assert list(asked) == ["Bank of Test", "Otter Exchange"]
    assert stands_in(asked["Otter Exchange"], desk) == ({"x"}, {"pay", "on"})
    assert stands_in(asked["Bank of Test"], desk) == ({"y"}, {"pay"})
    for service, other in (("Otter Exchange", "Bank of Test"), ("Bank of Test", "Otter Exchange")):
        assert service in asked[service]
        assert other not in asked[service]
        assert "Zed" not in asked[service]


def test_nothing_else_that_names_anybody_stands_in_it(desk: Any) -> None:
    """Whatever looks like an address, an id or an amount is one of those that it is to hold."""
    sheet = sheet_of(desk)
    for service, said in sheet.requests().items():
        mine = sheet.frame.filter(sheet.frame["service"] == service)
        allowed = {text(one, CHAIN) for one in mine["address"]}
        allowed |= {txid_text(one, CHAIN) for one in mine["txid"]}
        network = cw.chain(CHAIN).id
        words = set(re.findall(r"[0-9A-Za-z]{26,}", said.replace(network, "")))
        assert words == allowed
        amounts = {int(one) for one in re.findall(r"\((\d+) base units\)", said)}
        assert amounts == {int(one) for one in mine["amount"]}


def test_a_payment_of_two_subjects_is_told_once_with_their_sum(desk: Any) -> None:
    sheet = sheet_of(desk, "haircut")
    at_y = sheet.frame.filter(sheet.frame["service"] == "Bank of Test")
    assert at_y["subject"].n_unique() == 2
    assert sheet.requests()["Bank of Test"].count(txid_text(desk.txid("pay"), CHAIN)) == 1
    total = sum(map(int, at_y["amount"]))
    assert f"({total} base units)" in sheet.requests()["Bank of Test"]


def test_reach_of_two_subjects_is_not_added_up(desk: Any) -> None:
    sheet = sheet_of(desk, "poison")
    at_y = sheet.frame.filter(sheet.frame["service"] == "Bank of Test")
    assert at_y["amount"].to_list() == [200, 200]
    assert "(200 base units)" in sheet.requests()["Bank of Test"]


def test_a_name_can_do_nothing_to_the_text_that_it_stands_in(desk: Any) -> None:
    bad = "Evil | **Bank**\n# [Heading](http://x)"
    tags = desk.tags(("x", bad))
    found = cw.trace(desk.coins(COINS), [desk.coin("a")], policy="fifo", stop=tags, chain=CHAIN)
    said = cw.action_sheet(found, tags=tags).requests()[bad]
    assert [line for line in said.splitlines() if line.startswith("#")] == said.splitlines()[:1]
    assert "\\[Heading\\]" in said
    assert "Evil \\| \\*\\*Bank" in said


def test_backward_it_says_that_value_came_from_there(desk: Any) -> None:
    tags = desk.tags(("a", "Otter Exchange"))
    found = cw.trace(
        desk.coins(COINS), [desk.coin("c")], policy="fifo", stop=tags, chain=CHAIN,
        direction="backward",
    )  # fmt: skip
    said = cw.action_sheet(found, tags=tags).requests()["Otter Exchange"]
    assert "Value was followed from the addresses below by the method fifo." in said
    assert stands_in(said, desk) == ({"a"}, {"earn"})


@pytest.mark.parametrize(
    ("whom", "way", "said"),
    [
        ("a", "forward", ("a payment below was credited to", "that you credited: holder")),
        ("c", "backward", ("a payment below was made for", "that you charged: holder")),
    ],
)
def test_of_a_wallet_of_the_service_it_asks_whose_account_the_payment_was(
    desk: Any, whom: str, way: Any, said: tuple[str, str]
) -> None:
    """A wallet of the service was given to nobody: only the payment leads to an account."""
    tags = desk.tags(("x" if way == "forward" else "a", "Otter Exchange"))
    found = cw.trace(
        desk.coins(COINS), [desk.coin(whom)], policy="fifo", stop=tags, chain=CHAIN, direction=way
    )
    asked = cw.action_sheet(found, tags=tags).requests()["Otter Exchange"]
    assert "by its transaction and n" in asked
    assert "where the address is a wallet of your own, of the account" in asked
    assert all(words in asked for words in said)
