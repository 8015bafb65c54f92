"""Innocent business: every typology is asked, with its own numbers, and all are silent."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from account_chains import DAY, HOUR, START, Accounts

import chainwatch as cw
from chainwatch.addresses.assets import Asset
from chainwatch.ledger.prices import make_prices
from chainwatch.ledger.schema import PRICES
from chainwatch.typologies.tables import OPEN

ON = Accounts()
TOKEN = Asset(ON.chain, ON("token"), "TOK", 6)
MONTH, M = 30 * DAY, 1_000_000


def drawn() -> Random:
    return Random(5)  # noqa: S311 - the same each time


def wages() -> list[Any]:
    """Return what a firm pays eleven people each month, each his own, for four months."""
    return [(f"firm>worker{n}:{2_345_678 + 10_001 * n}", month * MONTH + n)
            for month in range(4) for n in range(11)]  # fmt: skip


def shop() -> list[Any]:
    """Return a shop of two months: customers who pay what they buy, and suppliers paid weekly."""
    rng, rows = drawn(), list[Any]()
    for hour in range(0, 60 * 24, 5):
        customer = rng.randrange(200)
        rows.append((f"customer{customer}>shop:{rng.randrange(M, 90 * M)}", hour * 60))
    rows += [(f"shop>supplier{n % 3}:{rng.randrange(M, 300 * M)}", n * 7 * DAY + 7)
             for n in range(1, 9)]  # fmt: skip
    return rows


def subscriptions() -> list[Any]:
    return [(f"reader{n}>paper:9990000", month * MONTH + n * HOUR)
            for month in range(6) for n in range(20)]  # fmt: skip


def exchange() -> list[Any]:
    """Return an exchange: deposits passed on within the hour, and customers paid out."""
    rng, rows = drawn(), list[Any]()
    for day in range(40):
        for n in range(12):
            amount = rng.randrange(M, 9 * M)
            rows.append((f"user{n}>dep{n}:{amount}", day * DAY + n))
            rows.append((f"dep{n}>hot:{amount}", day * DAY + n + 20))
        rows += [(f"hot>user{day}x{n}:{5 * M + n}", day * DAY + 600 + n) for n in range(6)]
    return rows


def trade_in_a_ring() -> list[Any]:
    """Return three firms that buy from each other, each what it needs."""
    rng = drawn()
    pairs = ("a>b", "b>c", "c>a")
    return [(f"{pairs[n % 3]}:{(1, 9, 80)[n % 3] * rng.randrange(M, 2 * M)}", n * DAY)
            for n in range(30)]  # fmt: skip


def rent_from_an_employer() -> list[Any]:
    """Return four people of one employer who pay one landlord a third of it."""
    return [one for month in range(3) for n in range(4) for one in (
        (f"firm>tenant{n}:{3_000_000 + n}", month * MONTH + n),
        (f"tenant{n}>landlord:{1_000_000 + n}", month * MONTH + DAY + n))]  # fmt: skip


def saver() -> list[Any]:
    return [(f"firm>saver:{M + n}", n * MONTH) for n in range(30)] + [
        ("saver>shop:3210000", 900 * DAY), ("saver>shop:1234567", 1_000 * DAY)]  # fmt: skip


WORLDS = {one.__name__: one for one in (wages, shop, subscriptions, trade_in_a_ring,
                                        rent_from_an_employer, saver)}  # fmt: skip


def euros() -> cw.Prices:
    """Return one price for all days: a token is 100 euros."""
    days = [START + timedelta(days=n) for n in range(1_001)]
    rows = [(TOKEN.chain, TOKEN.contract, "EUR", "day", day, "100", "a bank") for day in days]
    return make_prices(PRICES.frame(rows))


def asked(payments: list[Any], **more: Any) -> cw.Alerts:
    return cw.alerts(ON.ledger(payments), TOKEN, prices=euros(), **more)


@pytest.mark.parametrize("world", WORLDS)
def test_innocent_business_raises_no_alert(world: str) -> None:
    found = asked(WORLDS[world]())
    assert found.frame.select("typology", "why").rows() == []


def test_a_tagged_exchange_raises_none_and_is_counted() -> None:
    found = asked(exchange(), tags=ON.tags(("hot", "shop", "hot_wallet")))
    assert found.frame.select("typology", "why").rows() == []
    left = found.judged.filter(typology="fan_out")["what"].to_list()
    assert any("services" in one for one in left)


def test_its_deposit_addresses_raise_none_without_tags() -> None:
    """They send to one place; what its own wallet does then, nothing tells from anybody's."""
    found = asked(exchange())
    whose = {ON.name(one) for one in found.frame["entity"]}
    assert not any(one.startswith("dep") for one in whose)


def test_an_owner_who_gathers_his_coins_raises_none(small_ledger: Any) -> None:
    lines = [f"in{n}: S=999 -> W{n}=990" for n in range(6)]
    lines.append("both: " + " ".join(f"W{n}=1" for n in range(6)) + " -> W0=5")
    lines += [f"out{n}: W{n}=990 -> W0=989" for n in range(1, 6)]
    ledger = small_ledger("\n".join(lines))
    owners = cw.cluster(cw.co_spends(ledger))
    assert cw.alerts(ledger, clusters=owners).frame.is_empty()
    # Without clusters they are strangers, and nothing that was read says whether they are.
    alone = cw.alerts(ledger)
    assert set(alone.frame["verdict"]) <= {OPEN}
    assert "consolidation" in alone.frame["typology"].to_list()
