"""Payments to sellers: as a slow reading finds them, payment by payment and tag by tag."""

from __future__ import annotations

import json
from datetime import date, timedelta
from random import Random
from typing import Any

import link_ledgers
import polars as pl
from seller_tags import tag, tags_of

import chainwatch as cw
from chainwatch.addresses.assets import native
from chainwatch.triage.health.seller_payments import (
    NOT_SAID,
    monday_of,
    seller_payments,
    sellers,
    weeks_between,
)
from chainwatch.typologies.alerts import flows_of

CHAIN = cw.chain("btc").id
CLASSES = ("nitazenes", "tryptamines", "Fentanils", "flour")


def random_tags(addresses: list[bytes], first: date, seed: int) -> cw.Tags:
    draw = Random(seed)  # noqa: S311 - a test
    rows = []
    for number, address in enumerate(draw.sample(addresses, min(len(addresses), 12))):
        context: dict[str, Any] = {"substance": draw.sample(CLASSES, draw.randint(0, 3))}
        if draw.random() < 0.5:
            context["channel"] = draw.sample(["messaging", "in_person", "pigeon"], 2)
        if draw.random() < 0.5:
            context["jurisdiction"] = draw.sample(["nl", "DE", " nl "], draw.randint(1, 3))
        begin = first + timedelta(days=draw.randint(-5, 25))
        days = {"first_day": begin if draw.random() < 0.5 else None,
                "last_day": begin + timedelta(days=draw.randint(0, 9)) if draw.random() < 0.5
                else None}  # fmt: skip
        concept = draw.choice(["vendor", "dark_market", "precursor_supplier", "exchange", None])
        actor = draw.choice(["kelp", "reed", None])
        rows.append(tag(address, CHAIN, context, concept=concept, actor=actor,
                        label=str(number), **days))  # fmt: skip
    return tags_of(rows)


def slow(ledger: cw.Ledger, tags: cw.Tags, owner: dict[bytes, bytes], flows: Any,
         weeks: tuple[date, ...]) -> set[tuple[Any, ...]]:  # fmt: skip
    """Return the same rows, each payment held against each tag."""
    found = set()
    concepts = ("vendor", "dark_market", "precursor_supplier")
    for number, paid in enumerate(flows.frame.iter_rows(named=True)):
        day = paid["time"].date()
        if paid["payer"] is None or not weeks[0] <= day < weeks[-1] + timedelta(weeks=1):
            continue
        for one in tags.frame.iter_rows(named=True):
            holds = (one["first_day"] or day) <= day <= (one["last_day"] or day)
            whose = owner.get(one["address"], one["address"])
            if whose != paid["payee"] or not holds or one["concept"] not in concepts:
                continue
            said = json.loads(one["context"])
            names = {"Fentanils": "fentanyl_analogues"}
            sold = {names.get(word, word) for word in said["substance"]} - {"flour"}
            met = set(said.get("channel", [])) - {"pigeon"} or {NOT_SAID}
            where = {word.strip().upper() for word in said.get("jurisdiction", [])} or {NOT_SAID}
            found |= {
                (paid["payer"], number, one["actor"] or NOT_SAID, substance, channel, region,
                 monday_of(day))
                for substance in sold for channel in met for region in where
            }  # fmt: skip
    return found


def test_rows_are_what_a_slow_reading_finds(real_ledger: Any) -> None:
    some = 0
    for seed in range(14):
        ledger = link_ledgers.random_ledger(real_ledger, seed, "btc")
        clusters = cw.cluster(cw.co_spends(ledger)) if seed % 2 else None
        owner: dict[bytes, bytes] = (
            dict(clusters.frame.select("address", "cluster").iter_rows()) if clusters else {}
        )
        times = ledger.transactions.select(first=pl.col("time").min(), last=pl.col("time").max())
        first, last = times.collect().row(0)
        addresses = ledger.outputs.select("address").drop_nulls().unique().collect()
        tags = random_tags(addresses["address"].sort().to_list(), first.date(), seed)
        flows = flows_of(ledger, native("btc"), clusters, tags)
        weeks = weeks_between(first.date() - timedelta(days=6), last.date() + timedelta(days=8))
        rows = seller_payments(flows, tags, clusters, weeks)
        whole = rows.with_columns(who=flows.parties.gather(rows["payer"].cast(pl.Int64)))
        columns = ("who", "payment", "actor", "substance", "channel", "region", "week")
        told = whole.select(columns).rows()
        assert len(set(told)) == len(told)
        assert set(told) == slow(ledger, tags, owner, flows, weeks)
        some += len(told)
    assert some > 200


def test_who_is_no_seller_sells_nothing() -> None:
    said = {"substance": "nitazenes"}
    rows = [tag(bytes(20) + bytes([n]), CHAIN, said, concept=concept)
            for n, concept in enumerate(["customer", "exchange", "drugs", None])]  # fmt: skip
    rows.append(tag(bytes(20) + b"x", CHAIN, {"channel": "messaging"}))
    assert sellers(tags_of(rows)).height == 0
    assert sellers(tags_of([tag(bytes(21), CHAIN, said, concept="shop")])).height == 1
