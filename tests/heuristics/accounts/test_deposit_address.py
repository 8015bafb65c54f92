"""Matching sweeps with deposits, held to every pair laid out and taken in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

import polars as pl
import pytest

from chainwatch.heuristics.accounts.deposit_address import Times, matches
from chainwatch.units import AMOUNT

START = datetime(2023, 6, 1, tzinfo=UTC)
SENT = {"address": pl.Binary, "service": pl.String, "amount": AMOUNT,
        "time": pl.Datetime("us", "UTC")}  # fmt: skip
GOT = {"address": pl.Binary, "payer": pl.Binary, "amount": AMOUNT,
       "time": pl.Datetime("us", "UTC"), "by_service": pl.Boolean}  # fmt: skip


class Flows(NamedTuple):
    """Payments and receipts."""

    sent: pl.DataFrame
    got: pl.DataFrame
    payers: pl.DataFrame


def slow(flows: Flows, at_most: Times, *, before: bool) -> set[tuple[bytes, str, int]]:
    """Lay out every pair of payment and deposit, and take them one after the other."""
    many = flows.payers.group_by("address").len().filter(pl.col("len") > at_most.senders)
    pairs = []
    for place, (address, service, amount, when) in enumerate(flows.sent.iter_rows()):
        for deposit, (to, _, much, came, by_service) in enumerate(flows.got.iter_rows()):
            known = None not in (service, amount, when, much, came)
            if not known or to != address or by_service or address in set(many["address"]):
                continue
            soon = timedelta(0) <= when - came <= timedelta(hours=at_most.hours)
            if before and when == came:
                continue
            if soon and 0 <= much - amount <= at_most.left:
                row = (when, place, -came.timestamp(), -deposit)
                pairs.append((row, address, service, deposit, place))
    taken, spent, found = set(), set(), set()
    for _, address, service, deposit, place in sorted(pairs):
        if deposit not in taken and place not in spent:
            taken.add(deposit)
            spent.add(place)
            found.add((address, service, deposit))
    return found


def some(seed: int) -> Flows:
    chance = Random(seed)  # noqa: S311 - the same each time

    def moment() -> datetime | None:
        minutes = chance.randrange(0, 6 * 60, 20)
        return None if chance.random() < 0.05 else START + timedelta(minutes=minutes)

    def much() -> int | None:
        return None if chance.random() < 0.05 else chance.randint(1, 6)

    who = [bytes([n]) for n in range(4)]
    sent = sorted(
        ((chance.choice(who[:2]), chance.choice(["s", "s", None]), much(), moment())
         for _ in range(30)), key=lambda row: (row[3] is None, row[3]),
    )  # fmt: skip
    got = [(chance.choice(who[:2]), chance.choice(who[2:]), much(), moment(),
            chance.random() < 0.1) for _ in range(30)]  # fmt: skip
    frame = pl.DataFrame(got, schema=GOT, orient="row")
    payers = frame.select("address", "payer").unique()
    return Flows(pl.DataFrame(sent, schema=SENT, orient="row"), frame, payers)


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_it_is_what_every_pair_gives(seed: int, before: bool) -> None:
    flows = some(seed)
    for at_most in (Times(2, 0, 20), Times(2, 2, 20), Times(6, 0, 1)):
        found = matches(flows, at_most, before=before)
        assert set(found.iter_rows()) == slow(flows, at_most, before=before)
        assert found["deposit"].is_unique().all()


def test_an_address_of_many_equal_payments_is_no_burden() -> None:
    """As many pairs as there are would fill a machine: 400 million."""
    count = 20_000
    times = [START + timedelta(seconds=n) for n in range(count)]
    got = pl.DataFrame(
        {"address": [b"d"] * count, "payer": [b"p"] * count, "amount": [5] * count, "time": times,
         "by_service": [False] * count}, schema=GOT,
    )  # fmt: skip
    sent = got.select("address", pl.lit("s").alias("service"), "amount", "time")
    found = matches(Flows(sent, got, got.select("address", "payer").unique()), Times(12, 0, 20))
    assert found.height == count
