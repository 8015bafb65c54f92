"""Payments of coin chains between owners: change, payers who are not known, order, names, doubt."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import change_cases
import link_ledgers
import numpy as np
import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.assets import native
from chainwatch.attribution.tags import make_tags
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger
from chainwatch.typologies.alerts import flows_of
from chainwatch.typologies.flows import OWN, Flows

PERHAPS = "perhaps change of a payer who is not known"


def flows(ledger: Ledger, clusters: Any = None, tags: Any = None) -> Flows:
    return flows_of(ledger, native(ledger.chains[0].id), clusters, tags)


def tags_of(ledger: Ledger, *said: tuple[bytes, str, str, dict[str, Any]]) -> cw.Tags:
    rows = [
        dict.fromkeys(schema.TAGS.schema)
        | {"chain": ledger.chains[0].id, "address": address, "label": actor, "actor": actor,
           "concept": concept, "source": "test", "confidence": "service_data", "level": 50,
           "pack": "test"} | more
        for address, actor, concept, more in said
    ]  # fmt: skip
    return make_tags(pl.DataFrame(rows, schema=schema.TAGS.schema, orient="row"))


def slow(ledger: Ledger, owner: dict[bytes, bytes]) -> tuple[list[Any], Counter[str]]:
    """Return payments and what is left out, transaction by transaction."""
    found, left = [], Counter[str]()
    ins, outs = (table.collect().sort("tx", "n") for table in (ledger.inputs, ledger.outputs))
    for tx in ledger.transactions.collect().sort("tx").iter_rows(named=True):
        spent = ins.filter(pl.col("tx") == tx["tx"])["address"].to_list()
        owners = {owner.get(one, one) for one in spent}
        known = None not in owners and len(spent) == tx["input_count"] and len(owners) == 1
        payer = owners.pop() if known else None
        for out in outs.filter((pl.col("tx") == tx["tx"]) & (pl.col("value") > 0)).iter_rows(
            named=True
        ):
            payee = owner.get(out["address"], out["address"])
            if tx["coinbase"]:
                left["newly mined"] += 1
            elif payee is None:
                left["to no address"] += 1
            elif payee == payer:
                left[OWN] += 1
            elif payer is None and payee in owners:
                left[PERHAPS] += 1
            else:
                found.append((payer, payee, out["value"], tx["tx"], tx["txid"], out["n"]))
    return found, left


@pytest.mark.parametrize("alias", ["btc", "bch"])
def test_payments_are_what_a_slow_reading_finds(real_ledger: Any, alias: str) -> None:
    some = 0
    for seed in range(12):
        ledger = link_ledgers.random_ledger(real_ledger, seed, alias)
        clusters = cw.cluster(cw.co_spends(ledger))
        owner = dict(clusters.frame.select("address", "cluster").iter_rows())
        for given, names in ((None, {}), (clusters, owner)):
            read = flows(ledger, given)
            rows, left = slow(ledger, names)
            columns = ("payer", "payee", "amount", "tx", "txid", "place")
            whole = read.frame.select(columns).with_columns(pl.col("amount").cast(pl.Int64))
            assert whole.rows() == rows
            assert {why: count for why, count in read.left.items() if count} == dict(left)
            assert read.unknown == sum(payer is None for payer, *_ in rows)
            some += len(rows)
    assert some > 1_000


def test_change_stays_with_its_owner_where_clusters_say_so(small_ledger: Any, named: Any) -> None:
    ledger = small_ledger(
        "join: A=50 B=50 -> C=60 A=39\npay: A=39 -> D=10 B=28\nmix: A=9 X=9 -> D=8 A=8"
    )
    alone, joined = flows(ledger), flows(ledger, cw.cluster(cw.co_spends(ledger)))
    assert alone.frame["payer"].to_list() == [None, named("A"), named("A"), None]
    assert alone.left[PERHAPS] == 2
    assert "not known in 2 transactions" in alone.lacking(alone.number_of(named("A")) or 0)
    owner = cw.cluster(cw.co_spends(ledger)).of(named("A"))
    assert joined.frame.select("payer", "payee").rows()[:2] == [
        (owner, named("C")), (owner, named("D")),
    ]  # fmt: skip
    assert joined.left[OWN] >= 2


def test_a_payment_to_oneself_and_of_nothing_is_none(small_ledger: Any) -> None:
    assert len(flows(small_ledger("own: A=50 -> A=49\nnote: A=9 -> data=0 B=0"))) == 0


def test_an_unread_input_leaves_the_payer_open(small_ledger: Any, named: Any) -> None:
    read = flows(small_ledger("pay: A=50 ? -> B=49"))
    assert read.frame.select("payer", "payee").rows() == [(None, named("B"))]
    assert read.out_of.sizes.sum() == 0
    assert read.into.sizes.sum() == 1


def test_a_service_is_one_on_the_days_of_its_tag(small_ledger: Any, named: Any) -> None:
    ledger = small_ledger("one: A=50 -> S=49\ntwo: S=49 -> B=40 C=5\nthree: B=40 S=4 -> D=44")
    late = {"first_day": datetime(2023, 6, 2, tzinfo=UTC).date()}
    for more, known in (({}, [True, True, True]), (late, [False] * 3)):
        read = flows(ledger, tags=tags_of(ledger, (named("S"), "shop", "exchange", more)))
        assert [bool(read.served("payee")[0]), *map(bool, read.served("payer")[1:3])] == known
        place = read.number_of(named("S"))
        assert place is not None
        assert bool(read.services[place]) is known[0]
        assert read.actor(place) == ("shop" if known[0] else None)
    assert read.number_of(named("Z")) is None


def test_a_mixer_and_a_bridge_serve_and_a_vendor_does_not(small_ledger: Any, named: Any) -> None:
    ledger = small_ledger("a: A=9 -> M=8\nb: A=9 -> V=8")
    read = flows(ledger, tags=tags_of(
        ledger, (named("M"), "mix", "tumbler", {}), (named("V"), "kelp", "vendor", {})
    ))  # fmt: skip
    assert read.served("payee").tolist() == [True, False]
    assert read.named("payee", "vendor").tolist() == [False, True]
    assert read.named("payee", "mixing_service").tolist() == [True, False]
    assert read.parties_named("vendor").sum() == 1


def test_two_actors_of_equal_confidence_are_a_service_without_a_name(
    small_ledger: Any, named: Any
) -> None:
    ledger = small_ledger("a: A=9 -> M=8")
    both = [(named("M"), actor, "exchange", {}) for actor in ("one", "other")]
    read = flows(ledger, tags=tags_of(ledger, *both))
    assert read.names[0].actor is None
    assert read.services.sum() == 1


def test_the_clock_never_runs_backwards_and_evidence_keeps_the_block_s_own_time(
    small_ledger: Any,
) -> None:
    read = flows(change_cases.ledger_with(
        small_ledger, "a: A=9 -> B=8\nb: B=8 -> C=7\nc: C=7 -> D=6\n! b hours=0"
    ))  # fmt: skip
    assert (read.clock[1:] >= read.clock[:-1]).all()
    assert read.clock[1] == read.clock[0] > read.time[1]
    assert read.frame["time"].dt.hour().to_list() == [1, 0, 3]
    assert (read.order[1:] > read.order[:-1]).all()


def test_blocks_without_an_order_give_none(small_ledger: Any) -> None:
    ledger = small_ledger("a: A=9 -> B=8\nb: C=8 -> D=7", "bch")
    frames = dict(ledger.frames or {})
    same = Ledger.from_tables({
        name: rows.with_columns(
            pl.when(pl.col("tx") == rows["tx"].max()).then(schema.pack_tx(1, 2))
            .otherwise(pl.col("tx")).cast(pl.Int64).alias("tx"),
        ) if "tx" in rows.columns and rows.height else rows
        for name, rows in frames.items()
    })  # fmt: skip
    read = flows(same)
    assert len(read) == 2
    assert read.order[0] == read.order[1]


def test_blocks_read_from_the_first_one_leave_nothing_open(otter_case: Any) -> None:
    clusters = cw.cluster(cw.co_spends(otter_case.ledger))
    read = flows(otter_case.ledger, clusters, otter_case.tags)
    told = [read.lacking(one) for one in range(len(read.parties))]
    assert not any("history" in one for one in told)
    assert read.services.any()
    assert len(read) > 100


def test_a_history_that_was_not_read_is_named(small_ledger: Any, named: Any) -> None:
    ledger = small_ledger("join: A=50 B=50 -> C=60\npay: A=9 -> D=8")
    read = flows(ledger, cw.cluster(cw.co_spends(ledger)))
    place = read.number_of(cw.cluster(cw.co_spends(ledger)).of(named("A")))
    assert place is not None
    assert read.lacking(place) == "of 2 of its 2 addresses the history was not read whole"
    other = read.number_of(named("D"))
    assert other is not None
    assert read.lacking(other) == "its history was not read whole"


def test_what_unlocked_a_payment_is_told_where_all_inputs_show_one_quorum(
    small_ledger: Any,
) -> None:
    lines = "both: A=50 B=50 -> C=90\nmixed: D=50 E=50 -> F=90\nhidden: G=50 H=50 -> I=90"
    ledger = small_ledger(lines)
    asked_for = ["2-of-3", "2-of-3", "2-of-3", "1-of-1", "2-of-3", None]
    frames = dict(ledger.frames or {})
    inputs = frames["inputs"].sort("tx", "n").with_columns(quorum=pl.Series(asked_for))
    first = inputs.head(1)
    keys = first.select("chain", "tx", "n").with_columns(
        k=pl.lit(0, pl.Int64), required=pl.lit(2, pl.Int64), key=pl.lit(b"\x02" + bytes(32))
    )
    more = {"inputs": inputs, "input_keys": keys}
    found = flows(Ledger.from_tables({**frames, **more}))
    assert found.unlocked_by("2-of-3").tolist() == [True, False, False]
    assert not found.unlocked_by("3-of-5").any()
    assert found.unlocked is not None
    shown = [frozenset({b"\x02" + bytes(32)}), frozenset(), frozenset()]
    assert found.unlocked.keys(np.arange(3)) == shown
    assert flows(ledger).unlocked is None
