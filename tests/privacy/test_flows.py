"""Flows between entities: sums are exact, named for the edition, no sharper than the tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl
import pytest

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import parse, text
from chainwatch.chains.catalogue import chain
from chainwatch.privacy.edition import DISCLOSURE, WORKING, Edition
from chainwatch.privacy.flows import FLOW_SCHEMA, flows, node_places
from chainwatch.results.roles import FINDING, SERVICE, SUBJECT
from chainwatch.tracing.result import Trace
from chainwatch.tracing.trace_tables import ENDS, ORIGINS, OVERLAPS, STEPS

TRON = chain("tron").id
SEED, HOST, MIDDLE, LEAF = (
    parse(word, "tron")
    for word in (
        "TXRBsytHfJDoAKRdcedgLsoHudh1xJGUdC",
        "TBA6CypYJizwA9XdC7Ubgc5F1bxrQ7SqPt",
        "TETZBHSy22wSaufVE1GhNBiDdTYGBJ6aZk",
        "TGBYT9Kfs7Za2yWf2TCka5kZq942tKPUAq",
    )
)
TIME = datetime(2022, 3, 7, tzinfo=UTC)
IDS = [bytes([number]) * 32 for number in range(9)]


def frame(schema: dict, *rows: dict[str, object]) -> pl.DataFrame:
    empty = dict.fromkeys(schema)
    return pl.DataFrame([empty | row for row in rows], schema=schema, orient="row")


def followed() -> Trace:
    """60 come in; 40 reach a host through one who keeps 15 of them; 5 are a fee."""
    base = {"subject": SEED, "time": TIME, "n": 0}
    steps = frame(
        STEPS.schema,
        base | {"source": SEED, "target": MIDDLE, "txid": IDS[1], "amount": 55_555, "hop": 1},
        base | {"source": MIDDLE, "target": HOST, "txid": IDS[2], "amount": 40_000, "hop": 2},
    )
    ends = frame(
        ENDS.schema,
        base
        | {"address": HOST, "txid": IDS[2], "amount": 40_000, "reason": "hosted service"}
        | {"service": "exchange", "certainty": "probable", "detail": ""},
        base | {"address": MIDDLE, "txid": IDS[1], "amount": 15_555, "reason": "unspent"},
        base | {"txid": IDS[1], "amount": 4_445, "reason": "fee", "n": -1},
    )
    origin = base | {"address": SEED, "txid": IDS[0], "amount": 60_000, "kind": "received"}
    asset = Asset(TRON, None, "T", 0)
    return Trace(asset, "fifo", frame(ORIGINS.schema, origin), steps, ends, frame(OVERLAPS.schema))


def edition(name: str, **more: object) -> Edition:
    roles = {(TRON, SEED): SUBJECT, (TRON, HOST): SERVICE}
    return Edition(name, bytes(16), roles, **more)  # type: ignore[arg-type]


def by_pair(rows: pl.DataFrame) -> dict[tuple[str, str], int]:
    return {
        (source, target): int(amount)
        for source, target, amount in rows.select("source", "target", "amount").iter_rows()
    }


def test_working_flows_are_exact() -> None:
    found = flows(followed(), edition(WORKING))
    assert dict(found.schema) == FLOW_SCHEMA
    assert by_pair(found) == {
        (text(SEED, TRON), text(MIDDLE, TRON)): 55_555,
        (text(MIDDLE, TRON), "service:exchange (probable)"): 40_000,
        (text(MIDDLE, TRON), "end:unspent"): 15_555,
        (text(SEED, TRON), "end:fee"): 4_445,
    }
    assert found["first"].null_count() == 0
    assert not found["coarse"].any()


def test_masked_flows_are_rounded_and_timeless() -> None:
    found = flows(followed(), edition(DISCLOSURE))
    name = edition(DISCLOSURE).pseudonym(TRON, MIDDLE)
    assert by_pair(found) == {
        (text(SEED, TRON), name): 60_000,
        (name, "service:exchange (probable)"): 40_000,
        (name, "end:unspent"): 20_000,
        (text(SEED, TRON), "end:fee"): 4_445,
    }
    assert found["first"].null_count() == found["last"].null_count() == found.height
    assert text(MIDDLE, TRON) not in str(found.to_dicts())


def test_who_passes_value_on_without_a_pseudonym_has_no_name() -> None:
    name = edition(DISCLOSURE).pseudonym(TRON, MIDDLE)
    found = flows(followed(), edition(DISCLOSURE, pooled=frozenset({name})))
    assert set(found["source"]) == {text(SEED, TRON), "masked party 1"}
    assert name not in str(found.to_dicts())


def spread(pay: dict[tuple[bytes, bytes], int]) -> Trace:
    """A trace in which these payments are all steps, and what is not passed on was not read."""
    base = {"subject": SEED, "time": TIME, "n": 0}
    steps, left = [], dict[bytes, int]()
    for number, ((source, target), amount) in enumerate(pay.items()):
        place = base | {"txid": bytes([number + 1]) * 32, "amount": amount}
        steps.append(place | {"source": source, "target": target, "hop": 1})
        left[source] = left.get(source, 0) - amount
        left[target] = left.get(target, 0) + amount
    ends = [
        base | {"address": who, "txid": bytes([100 + number]) * 32, "amount": amount,
                "reason": "not read"}
        for number, (who, amount) in enumerate(left.items()) if amount > 0
    ]  # fmt: skip
    origin = base | {"address": SEED, "txid": IDS[0], "amount": -left[SEED], "kind": "received"}
    return Trace(
        Asset(TRON, None, "T", 0), "fifo", frame(ORIGINS.schema, origin),
        frame(STEPS.schema, *steps), frame(ENDS.schema, *ends), frame(OVERLAPS.schema),
    )  # fmt: skip


STRANGERS = [SEED[:1] + bytes([number]) * 20 for number in range(1, 20)]


def test_those_put_together_are_no_hub_and_the_large_do_not_vanish() -> None:
    """Two payers pay strangers large and small sums; only the small have a pseudonym."""
    large, small, others = STRANGERS[:3], STRANGERS[3:9], STRANGERS[9:12]
    pay = {(SEED, MIDDLE): 900, **{(SEED, who): 100_000 for who in large}}
    pay |= {(SEED, who): 10 for who in small} | {(MIDDLE, who): 300 for who in others}
    name = edition(DISCLOSURE).pseudonym
    pooled = frozenset(name(TRON, who) for who in (*large, *others))
    found = flows(spread(pay), edition(DISCLOSURE, pooled=pooled))
    passer = name(TRON, MIDDLE)
    assert found.select("source", "target_label", "amount", "folded").rows() == [
        (text(SEED, TRON), "6-20 masked parties", 300_000, True),
        (text(SEED, TRON), passer, 900, False),
        (passer, "2-5 masked parties", 900, True),
    ]
    assert found["target"].n_unique() == 3  # nobody is paid by two
    exact = flows(spread(pay), edition(WORKING))
    assert not exact["folded"].any()
    assert exact.height == len(pay)


def test_a_stranger_whom_two_pay_stays_one() -> None:
    pay = {(SEED, MIDDLE): 900, (SEED, LEAF): 50, (MIDDLE, LEAF): 400, (MIDDLE, HOST): 500}
    found = flows(spread(pay), edition(DISCLOSURE))
    leaf = edition(DISCLOSURE).pseudonym(TRON, LEAF)
    assert set(found.filter(pl.col("target") == leaf)["source"]) == {
        text(SEED, TRON), edition(DISCLOSURE).pseudonym(TRON, MIDDLE),
    }  # fmt: skip


def test_places_name_no_masked_address() -> None:
    shown = edition(DISCLOSURE)
    places = node_places(followed(), shown)
    assert places[text(SEED, TRON)] == (text(SEED, TRON), 1)
    assert places["service:exchange (probable)"] == (text(HOST, TRON), 1)
    assert places[shown.pseudonym(TRON, MIDDLE)] == (shown.pseudonym(TRON, MIDDLE), None)
    assert text(MIDDLE, TRON) not in str(places)
    assert node_places(followed(), edition(WORKING))[text(MIDDLE, TRON)] == (text(MIDDLE, TRON), 1)


class Frame(NamedTuple):
    frame: pl.DataFrame


def tagged(address: bytes, label: str) -> Frame:
    return Frame(
        pl.DataFrame(
            {
                "chain": [TRON],
                "address": [address],
                "label": [label],
                "level": [20],
                "definer": [None],
            }
        )
    )


def test_tags_name_whom_the_edition_shows() -> None:
    shown = flows(followed(), edition(DISCLOSURE), None, tagged(SEED, "the seller"))
    assert "the seller" in shown["source_label"].to_list()
    masked = flows(followed(), edition(DISCLOSURE), None, tagged(MIDDLE, "Jane Doe"))
    assert "Jane Doe" not in str(masked.to_dicts())
    open_ = flows(followed(), edition(WORKING), None, tagged(MIDDLE, "Jane Doe"))
    assert "Jane Doe" in open_["source_label"].to_list()


@pytest.mark.parametrize("concept", ["sanction", "seizure_order", "forfeiture", "black_list"])
def test_whom_a_list_names_is_an_address_on_it_and_not_the_list(concept: str) -> None:
    said = tagged(SEED, "OFAC sanctions list").frame.with_columns(
        concept=pl.lit(concept), actor=pl.lit(None, pl.String)
    )
    address = text(SEED, TRON)
    name = f"{address[:4]}…{address[-4:]}"
    for one in (WORKING, DISCLOSURE):
        found = flows(followed(), edition(one), None, Frame(said))
        assert f"{name} (listed: OFAC sanctions list)" in found["source_label"].to_list()
        assert "OFAC sanctions list" not in found["source_label"].to_list()
    # A tag that names a party still does, and says that it is listed too.
    shop = said.with_columns(label=pl.lit("shop"), concept=pl.lit("market"))
    both = flows(followed(), edition(WORKING), None, Frame(pl.concat([said, shop])))
    assert "shop (listed: OFAC sanctions list)" in both["source_label"].to_list()
    # A list of parties names them: their names are no list's.
    party = said.with_columns(label=pl.lit("Garantex"), actor=pl.lit("garantex"))
    assert "Garantex" in flows(followed(), edition(WORKING), None, Frame(party))["source_label"]


def test_a_service_that_only_a_list_names_is_said_to_be_listed() -> None:
    label = "exchange"
    said = tagged(SEED, label).frame.with_columns(
        concept=pl.lit("sanction"), actor=pl.lit(None, pl.String)
    )
    found = flows(followed(), edition(WORKING), None, Frame(said))
    assert "addresses (listed: exchange) (probable)" in found["target_label"].to_list()


def test_a_label_that_names_a_masked_address_is_not_said() -> None:
    label = f"friend of {text(LEAF, TRON)}"
    found = flows(followed(), edition(DISCLOSURE), None, tagged(SEED, label))
    assert text(LEAF, TRON) not in str(found.to_dicts())


def test_movements_inside_a_cluster_pass_nothing_on() -> None:
    clusters = Frame(
        pl.DataFrame({"chain": [TRON] * 2, "address": [MIDDLE, SEED], "cluster": [SEED] * 2})
    )
    roles = {(TRON, SEED): FINDING}
    found = flows(followed(), Edition(WORKING, bytes(16), roles), clusters)
    assert text(MIDDLE, TRON) not in set(found["source"]) | set(found["target"])


def test_no_flow_at_all() -> None:
    one = followed()
    asset = Asset(TRON, None, "T", 0)
    nothing = Trace(
        asset, "fifo", *(item.clear() for item in (one.origins, one.steps, one.ends, one.overlaps))
    )
    assert flows(nothing, edition(DISCLOSURE)).schema == FLOW_SCHEMA
