"""Links as such: what is refused, how they add up, and whence they came."""

from __future__ import annotations

import polars as pl
import pytest

from chainwatch.addresses.canonical import txid_text
from chainwatch.errors import InputError
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.heuristics.links import LINKS, Links


@pytest.fixture
def ledger(small_ledger):
    return small_ledger("""
        pay: A=60000 B=50000 -> C=100000
        mix: A=90000 B=90000 C=90000 -> X=80000 Y=80000 Z=80000
    """)


def test_adding_keeps_each_link_once(ledger):
    links = co_spends(ledger, unless=None)
    again = links + co_spends(ledger, unless=None)
    assert again.frame.equals(links.frame)


def test_adding_keeps_what_differs_in_anything(ledger):
    links = co_spends(ledger, unless=None)
    surer = Links(links.frame.with_columns(pl.lit(0.9).alias("confidence")))
    other = Links(links.frame.with_columns(pl.lit("other").alias("rule")))
    refused = Links(links.frame.with_columns(pl.lit(True).alias("veto")))
    assert (links + surer + other).frame.height == 3 * links.frame.height
    assert (links + refused).joining.is_empty(), "one of two readings refuses the transactions"


def test_adding_makes_no_difference_in_order(ledger):
    one, two = co_spends(ledger, unless=None), co_spends(ledger, unless=equal_outputs())
    assert (one + two).frame.equals((two + one).frame)


def test_adding_keeps_both_lineages(ledger):
    one, two = co_spends(ledger, unless=None), co_spends(ledger, unless=equal_outputs())
    added = one + two
    assert added.record.step == "links +"
    none, veto = (record.params["unless"] for record in added.record.inputs)
    assert none is None
    assert veto == equal_outputs().identity()
    assert veto.startswith("equal_outputs(min_equal=3, one_each=False) [code ")
    assert [record.content for record in added.record.inputs] == [
        one.record.content, two.record.content,
    ]  # fmt: skip
    assert "unless=equal_outputs(min_equal=3, one_each=False)" in added.lineage()


def test_what_was_made_by_hand_says_so(ledger):
    links = co_spends(ledger, unless=None)
    by_hand = Links(links.frame)
    assert by_hand.lineage() == "links made by hand"
    for added in (links + by_hand, by_hand + links, by_hand + by_hand):
        assert "links made by hand" in added.lineage()
        assert links.record.content[:16] in added.lineage()


def test_only_links_add(ledger):
    for other in (co_spends(ledger, unless=None).frame, None, 1):
        with pytest.raises(InputError, match="links add to links"):
            co_spends(ledger, unless=None) + other


@pytest.mark.parametrize("column", ["chain", "a", "b", "tx", "rule"])
def test_unknown_never_links(ledger, column):
    frame = co_spends(ledger, unless=None).frame
    with pytest.raises(InputError, match=f"column {column} of a link is null"):
        Links(frame.with_columns(pl.lit(None, dtype=frame.schema[column]).alias(column)))


def test_an_address_is_not_linked_to_itself(ledger):
    frame = co_spends(ledger, unless=None).frame
    with pytest.raises(InputError, match="to itself"):
        Links(frame.with_columns(b="a"))


@pytest.mark.parametrize("confidence", [-0.1, 1.5, float("nan")])
def test_confidence_is_a_share(ledger, confidence):
    frame = co_spends(ledger, unless=None).frame
    with pytest.raises(InputError, match="between 0 and 1"):
        Links(frame.with_columns(pl.lit(confidence).alias("confidence")))


def test_columns_and_types_are_fixed(ledger):
    frame = co_spends(ledger, unless=None).frame
    for wrong in (frame.drop("veto"), frame.cast({"tx": pl.UInt64}), frame.with_columns(z=1)):
        with pytest.raises(InputError, match="links have the columns"):
            Links(wrong)
    assert Links(pl.DataFrame(schema=LINKS.schema)).counts() == {
        "joining": 0, "refused": 0, "undecided": 0, "without_key": 0,
    }  # fmt: skip


def test_it_prints_no_address(ledger):
    links = co_spends(ledger, unless=equal_outputs())
    assert repr(links) == "Links(1 join, 2 refused, 0 undecided)"
    assert "bcrt1" not in links._repr_html_()


def test_html_is_escaped(ledger):
    frame = co_spends(ledger, unless=None).frame.with_columns(pl.lit("<b>").alias("rule"))
    assert "<br>&lt;b&gt;</p>" in Links(frame)._repr_html_()


def test_what_is_left_without_a_transaction_or_a_rule(small_ledger):
    ledger = small_ledger("one: A=60000 B=50000 -> C=100000\ntwo: B=60000 D=50000 -> C=100000")
    links = co_spends(ledger, unless=None)
    (gone,) = links.frame.filter(pl.col("txid") == links.frame["txid"][0])["txid"].unique()
    shown = txid_text(gone, links.frame["chain"][0])
    for way in (gone, shown):
        left = links.without([way])
        assert left.frame.equals(links.frame.filter(pl.col("txid") != gone))
        assert left.record.step == "without"
        assert left.record.inputs == (links.record,)
    assert links.without(rules=["co_spend"]).frame.is_empty()
    assert links.without().frame.equals(links.frame)
    with pytest.raises(InputError, match="no link has such a rule"):
        links.without(rules=["co-spend"])
    with pytest.raises(InputError, match="no link has such a txid"):
        links.without([bytes(32)])
