"""Payments seen otherwise keep what belongs to each: amounts, times, ids, keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from chainwatch.addresses.assets import native
from chainwatch.triage.views import backwards, known, merged, until
from chainwatch.typologies.flows import Flows
from chainwatch.typologies.made_flows import make_flows

START = datetime(2024, 1, 1, tzinfo=UTC)
PAID = [("a", "b", 5), (None, "b", 6), ("b", "c", 7), ("c", "a", 8), ("a", "c", 9)]


def flows() -> Flows:
    rows = pl.DataFrame(
        [
            (None if a is None else a.encode(), b.encode(), amount, START + timedelta(hours=n),
             bytes([n]), "2-of-3" if n % 2 else None, [bytes([n])])
            for n, (a, b, amount) in enumerate(PAID)
        ],
        schema={
            "payer": pl.Binary, "payee": pl.Binary, "amount": pl.Int64,
            "time": pl.Datetime("us", "UTC"), "txid": pl.Binary, "quorum": pl.String,
            "keys": pl.List(pl.Binary),
        }, orient="row",
    )  # fmt: skip
    return make_flows(rows, native("btc"))


def told(some: Flows) -> list[tuple[str | None, str, int, int]]:
    rows = some.frame
    name = [None if one is None else one.decode() for one in rows["payer"]]
    return [
        (a, b.decode(), int(amount), txid[0])
        for a, b, amount, txid in zip(
            name, rows["payee"], rows["amount"], rows["txid"], strict=True
        )
    ]


def test_until_a_time_later_payments_are_not_there() -> None:
    whole = flows()
    some = until(whole, int(whole.clock[2]))
    assert told(some) == told(whole)[:3]
    assert until(whole, int(whole.clock[-1])) is whole
    assert some.unlocked_by("2-of-3").tolist() == [False, True, False]


def test_known_payers_alone() -> None:
    some = known(flows())
    assert told(some) == [one for one in told(flows()) if one[0] is not None]
    assert some.unlocked_by("2-of-3").tolist() == [False, False, True, False]
    assert some.unlocked is not None
    assert list(some.unlocked.keys(np.array([2]))) == [frozenset({b"\x03"})]


def test_backwards_who_was_paid_pays_the_last_one_first() -> None:
    whole = known(flows())
    turned = backwards(whole)
    assert told(turned) == [(b, a, amount, tx) for a, b, amount, tx in told(whole)[::-1]]
    assert told(backwards(turned)) == told(whole)
    assert (np.diff(turned.order) >= 0).all()
    assert (np.diff(turned.clock) >= 0).all()
    # What was certainly later is certainly earlier now.
    first = turned.later(np.array([0]))
    assert turned.amount[first].tolist() == [8]


def test_parties_as_one_pay_each_other_nothing() -> None:
    whole = flows()
    at = {one.decode(): n for n, one in enumerate(whole.parties)}
    some = merged(whole, {at["a"]: [at["a"], at["b"]]})
    assert told(some) == [(None, "a", 6, 1), ("a", "c", 7, 2), ("c", "a", 8, 3), ("a", "c", 9, 4)]
    assert merged(whole, {}) is whole
