"""Chains that peel small parts off one coin: each hop by hand, and every reason to end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import change_cases
import polars as pl
import pytest

from chainwatch.clusters.cluster import cluster
from chainwatch.clusters.peeling.chains import HABIT, LARGER, Shape, peel_chains
from chainwatch.clusters.peeling.validation import peel_steps
from chainwatch.errors import ArgumentError, InputError
from chainwatch.heuristics.co_spend import co_spends

HOPS = """
    h1: A=1_000 -> P=100 B=890
    h2: h1/1 -> C=800 Q=85
    h3: h2/0 -> D=700 R=95
    end: h3/0 E=5 -> S=600
"""
SHORT = Shape(least_hops=2)


@dataclass(frozen=True)
class Tags:
    """Tags, as far as chains read them."""

    frame: pl.DataFrame


@pytest.fixture
def read(small_ledger):
    return lambda text: change_cases.ledger_with(small_ledger, text)


def ends(ledger, **more) -> list[tuple[int, str]]:
    found = peel_chains(ledger, **{"shape": SHORT} | more)
    return found.frame.select("hops", "end").rows()


def test_a_chain_is_told_hop_by_hop_and_adds_up(read, named, txid):
    ledger = read(HOPS)
    tags = pl.DataFrame(
        [(ledger.chains[0].id, named("Q"), None, "a shop")],
        schema={"chain": pl.String, "address": pl.Binary, "actor": pl.String, "label": pl.String},
        orient="row",
    )
    found = peel_chains(ledger, tags=Tags(tags), shape=Shape(least_hops=3))
    (row,) = found.frame.iter_rows(named=True)
    assert (row["txid"], row["payer"], row["hops"]) == (txid("h1"), named("A"), 3)
    amounts = [int(row[name]) for name in ("amount", "peeled", "fees", "rest")]
    assert amounts == [990, 280, 10, 700]
    assert amounts[0] == sum(amounts[1:])
    assert (row["rest_address"], row["end"]) == (named("D"), "the rest is spent in another shape")
    assert row["first"] == datetime(2023, 6, 1, 1, tzinfo=UTC)
    columns = ("hop", "n", "address", "value", "name", "told_by")
    peels = found.peels.with_columns(pl.col("value").cast(pl.Int64)).select(columns)
    assert peels.rows() == [
        (1, 0, named("P"), 100, None, LARGER),
        (2, 1, named("Q"), 85, "a shop", LARGER),
        (3, 1, named("R"), 95, None, LARGER),
    ]
    assert peel_chains(ledger, shape=Shape(least_hops=4)).frame.is_empty()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HOPS, (3, "the rest is spent in another shape")),
        ("h1: A=1_000 -> P=100 B=890\nh2: h1/1 -> C=800 Q=85", (2, "the rest is not spent")),
        (f"{HOPS}\n! h3 hours=500", (2, "the rest waits too long")),
        (HOPS.replace("D=700 R=95", "D=600 R=195"), (2, "the next small part is too large")),
        (f"old: X=9 -> C=7\n{HOPS}", (2, "the rest goes to an address seen before")),
    ],
)
def test_why_a_chain_ends(read, text, said):
    assert ends(read(text))[0] == said


@pytest.mark.parametrize(
    ("concept", "chains"),
    [
        ("exchange", [(2, "the rest goes to a tagged service", "a bank")]),
        ("hot_wallet", [(2, "the rest goes to a tagged service", "a bank")]),
        ("perpetrator", [(3, "the rest is spent in another shape", None)]),
        (None, [(3, "the rest is spent in another shape", None)]),
    ],
)
def test_a_chain_ends_at_a_tagged_service_and_names_it(read, named, concept, chains):
    """What a service spends later is not the payer's, whatever its shape."""
    ledger = read(HOPS)
    schema = dict.fromkeys(("chain", "actor", "label", "concept"), pl.String)
    row = (ledger.chains[0].id, None, "a bank", concept, named("C"))
    tags = pl.DataFrame([row], schema=schema | {"address": pl.Binary}, orient="row")
    found = peel_chains(ledger, tags=Tags(tags), shape=SHORT)
    assert found.frame.select("hops", "end", "rest_name").rows() == chains


def test_one_more_day_or_percent_is_as_said(read):
    """168 hours are seven days; 140 of 700 are 20 percent."""
    at = read(HOPS.replace("D=700 R=95", "D=560 R=140") + "\n! h3 hours=170\n! end hours=170")
    assert ends(at) == [(3, "the rest is spent in another shape")]
    later = read(HOPS + "\n! h3 hours=171\n! end hours=171")
    assert ends(later)[0] == (2, "the rest waits too long")
    more = read(HOPS.replace("D=700 R=95", "D=559 R=140"))
    assert ends(more)[0] == (2, "the next small part is too large")


def test_what_lies_outside_the_span_is_no_other_shape(read):
    span = read(HOPS).between(None, datetime(2023, 6, 1, 2, 30, tzinfo=UTC))
    assert ends(span) == [(2, "the next transaction may be of several, or lies outside the span")]


def test_what_was_not_read_is_said(small_ledger):
    gaps = change_cases.ledger_with(small_ledger, HOPS, gaps=(0,))
    unread = peel_chains(gaps, shape=Shape(least_hops=2))
    assert unread.frame.is_empty()  # nobody knows that any rest went to a new address


def test_habits_tell_the_rest_where_size_would_err(read, named):
    """The cluster of A has its change first: in ``h1`` the small output goes on."""
    known = "known: A=90 K=90 -> Y=30 X=50\nback: known/0 A=9 -> W=8"
    text = f"{known}\nh1: A=1_000 -> B=100 P=890\nh2: h1/0 -> C=90 Q=5"
    ledger = read(text)
    steps = peel_steps(ledger, cluster(co_spends(ledger, unless=None)), unless=None)
    assert ends(ledger) == []
    shape = Shape(least_hops=2, most_percent=90)
    found = peel_chains(ledger, steps=steps, shape=shape)
    assert found.peels.select("address", "told_by").rows() == [
        (named("P"), HABIT), (named("Q"), LARGER),
    ]  # fmt: skip
    assert int(found.frame["fees"][0]) == 5


@pytest.mark.parametrize("shape", [Shape(1), Shape(5, 0), Shape(5, 101), Shape(5, 20, 0)])
def test_a_shape_without_meaning_is_refused(read, shape):
    with pytest.raises(InputError, match="no chain has the shape"):
        peel_chains(read(HOPS), shape=shape)
    with pytest.raises(ArgumentError, match="shape"):
        peel_chains(read(HOPS), shape=(5, 20, 7))
