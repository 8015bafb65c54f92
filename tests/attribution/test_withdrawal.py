"""Tags that were withdrawn are kept, and what had been said by a day is found again."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainwatch as cw
from chainwatch.addresses import canonical
from chainwatch.attribution.tags import Tags, make_tags
from chainwatch.chains.catalogue import chain
from chainwatch.errors import ArgumentError, TagError
from chainwatch.ledger.schema import TAGS
from chainwatch.results.result import digest_result

BTC = chain("btc").id
LISTED, DELISTED = date(2022, 8, 8), date(2025, 3, 21)
DAY = timedelta(days=1)


def tag(number: int = 1, **fields: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "chain": BTC, "address": b"\x01" + bytes(19) + bytes([number]), "label": "cash",
        "concept": "sanction", "actor": None, "source": "an authority",
        "confidence": "authority_data", "level": 60, "first_day": LISTED, "last_day": None,
        "as_of": date(2022, 8, 10), "pack": "pack.yaml", "definer": False, "context": None,
    }  # fmt: skip
    return {**row, **fields}


def tags(*rows: dict[str, Any]) -> Tags:
    return make_tags(pl.DataFrame(list(rows), schema=TAGS.schema))


def delisted(before: Tags) -> Tags:
    return before.retract(
        before.where(label="cash"), on=DELISTED, by="an authority", why="delisted",
        held_until=DELISTED - DAY,
    )  # fmt: skip


def test_what_was_found_the_day_before_is_found_again() -> None:
    before = tags(tag(1), tag(2, label="other"))
    after = delisted(before)
    for day in (LISTED + 2 * DAY, DELISTED - DAY):
        assert digest_result(after.as_of(day)) == digest_result(before.as_of(day))
    now = after.of(b"\x01" + bytes(19) + b"\x01", "btc")
    assert now.select("last_day", "as_of").rows() == [(DELISTED - DAY, DELISTED)]
    assert after.on(DELISTED).frame["label"].to_list() == ["other"]
    assert sorted(after.on(DELISTED - DAY).frame["label"]) == ["cash", "other"]
    assert digest_result(after.as_of(DELISTED)) == digest_result(after)


def test_a_withdrawn_tag_is_kept_as_a_row_with_by_whom_and_why() -> None:
    before = tags(tag(1), tag(2))
    after = before.retract(
        before.where(label="cash"), on="2023-01-02", by="its publisher", why="wrong address"
    )
    assert len(after) == 0
    assert repr(after) == "Tags(0 rows on 0 addresses, 0 undated, 0 not taken, 2 withdrawn)"
    rows = after.gone.select("label", "withdrawn_on", "withdrawn_by", "why").unique().rows()
    assert rows == [("cash", date(2023, 1, 2), "its publisher", "wrong address")]
    assert after.gone.select(TAGS.names).equals(before.frame)
    assert digest_result(after.as_of("2023-01-01")) == digest_result(before)
    assert set(after.tables()) == {"tags", "rejected", "withdrawn"}
    assert set(before.tables()) == {"tags", "rejected"}
    assert after.plain("withdrawn")["why"].to_list() == ["wrong address"] * 2


def test_filters_keep_what_was_withdrawn_of_what_they_keep() -> None:
    both = tags(tag(1), tag(2, label="other", concept="exchange", first_day=None))
    after = both.retract(both, on="2023-01-02", by="x", why="y")
    assert after.where(label="other").as_of("2023-01-01").frame["label"].to_list() == ["other"]
    assert after.services().as_of("2023-01-01").frame["label"].to_list() == ["other"]
    assert after.on("2022-01-01").as_of("2023-01-01").frame["label"].to_list() == ["other"]


def test_what_was_said_later_is_left_out_and_what_tells_no_day_is_counted() -> None:
    every = tags(
        tag(1, concept="market", as_of=date(2020, 1, 1)),
        tag(2, concept="market", as_of=date(2020, 1, 2)),
        tag(3, concept="market", as_of=None),
    )
    view = every.as_of("2020-01-01")
    assert [row[-1] for row in view.frame["address"]] == [1, 3]
    assert view.unsaid == 1
    with pytest.raises(TagError, match="'yesterday' is no day"):
        every.as_of("yesterday")


def test_an_act_of_an_authority_was_public_on_its_first_day() -> None:
    """A younger list tells it, with an end that nobody knew then."""
    young = {"as_of": DELISTED, "last_day": DELISTED - DAY}
    every = tags(
        tag(1, **young), tag(2, concept="market", **young), tag(3, first_day=None, **young)
    )
    view = every.as_of(DELISTED - DAY).frame
    assert view.select("first_day", "last_day", "as_of").rows() == [(LISTED, None, LISTED)]
    assert view["address"][0][-1] == 1
    assert every.as_of(LISTED - DAY).frame.is_empty()
    ended = tags(tag(1, as_of=DELISTED, last_day=date(2023, 1, 1)))
    assert ended.as_of("2024-01-01").frame["last_day"].to_list() == [date(2023, 1, 1)]


def test_what_is_said_anew_stands_again() -> None:
    before = tags(tag(1, concept="market"))
    after = before.retract(before, on="2023-01-02", by="x", why="y")
    anew = tags(tag(1, concept="market", as_of=date(2023, 5, 1)))
    assert len(after + before) == 0, "the same statement read again is withdrawn all the same"
    both = after + anew
    assert both.frame["as_of"].to_list() == [date(2023, 5, 1)]
    assert both.as_of("2023-02-01").frame.is_empty()
    assert both.as_of("2023-01-01").frame["as_of"].to_list() == [date(2022, 8, 10)]


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"why": " "}, "a withdrawal without by whom or why"),
        ({"by": ""}, "a withdrawal without by whom or why"),
        ({"on": "soon"}, "'soon' is no day"),
        ({"on": "2022-08-09"}, "a tag was said after 2022-08-09"),
        ({"held_until": "2022-08-07"}, "a tag began after 2022-08-07"),
    ],
)
def test_a_withdrawal_that_makes_no_sense_is_refused(how: dict[str, str], sentence: str) -> None:
    every = tags(tag(1))
    with pytest.raises(TagError, match=sentence):
        every.retract(every, **{"on": DELISTED, "by": "x", "why": "y", **how})


def test_only_what_stands_can_be_withdrawn() -> None:
    every = tags(tag(1))
    with pytest.raises(TagError, match="none of these tags stands here"):
        every.retract(tags(tag(2)), on=DELISTED, by="x", why="y")
    with pytest.raises(ArgumentError, match="the tags to withdraw"):
        every.retract("cash", on=DELISTED, by="x", why="y")  # type: ignore[arg-type]


def test_a_withdrawal_travels_in_a_pack(tmp_path: Path) -> None:
    before = tags(tag(1, context="a page"), tag(2, context='{"a": 1}'), tag(3))
    after = before.retract(
        before.where(label="cash"), on=DELISTED, by="an authority", why="delisted",
        held_until=DELISTED - DAY,
    )  # fmt: skip
    plain = cw.write_tagpack(after, tmp_path / "plain.yaml", "T", "C")
    assert "withdrawn" not in plain.read_text()
    assert cw.read_tags(plain).gone.is_empty()
    made = cw.write_tagpack(after, tmp_path / "pack.yaml", "T", "C", withdrawn=True)
    again = cw.read_tags(made)
    assert digest_result(again) == digest_result(after)
    assert "2025-03-21" in made.read_text()
    like = cw.write_tagpack(again, tmp_path / "again.yaml", like=made)
    assert like.read_bytes() == made.read_bytes(), "a pack keeps the withdrawals that it has"


def test_a_withdrawal_of_no_day_withdraws_nothing(tmp_path: Path) -> None:
    said = (json.dumps({"withdrawn": one}) for one in ({"by": "x"}, "2020-01-01", {"on": "May"}))
    every = tags(*(tag(n, context=context) for n, context in enumerate(said)))
    assert len(every) == 3
    assert every.gone.is_empty()


def test_withdrawn_names_are_names() -> None:
    """An edition takes the names of masked parties out of texts: also those withdrawn."""
    every = tags(tag(1, actor="kelp"))
    after = every.retract(every, on=DELISTED, by="x", why="y")
    assert {name for name, _ in after.names()} == {"cash", "kelp"}


DAYS = st.dates(date(2020, 1, 1), date(2020, 1, 9))
ROWS = st.lists(
    st.builds(
        lambda n, concept, said, first: tag(n, concept=concept, as_of=said, first_day=first),
        st.integers(1, 3), st.sampled_from(["sanction", "market"]), st.none() | DAYS,
        st.none() | DAYS,
    ),
    max_size=5,
)  # fmt: skip


@given(ROWS, DAYS, DAYS)
def test_asking_twice_is_asking_once_and_nothing_later_is_told(
    rows: list[dict[str, Any]], day: date, on: date
) -> None:
    every = tags(*rows)
    old = every.kept(lambda frame: frame.filter((pl.col("as_of") <= on).fill_null(True)))
    if len(old):
        every = every.retract(old, on=on, by="x", why="y")
    view = every.as_of(day)
    assert digest_result(view.as_of(day)) == digest_result(view)
    assert not (view.frame["as_of"] > day).any()
    assert not (view.gone["withdrawn_on"] > day).any()
    if day < on and len(old):
        assert digest_result(view) == digest_result(tags(*rows).as_of(day))


def test_results_that_rest_on_a_tag(otter_case: Any) -> None:
    ledger, read = otter_case.ledger, otter_case.tags
    vendor = read.where(concept="vendor", actor="kelp")
    services = read.services()
    trace = cw.trace(ledger, vendor.addresses(), policy="fifo", stop=services)
    apart = cw.cluster(cw.co_spends(ledger), tags=read)
    reached = cw.exposure(trace, read)
    found = cw.hits(ledger, vendor)
    alone = cw.co_spends(ledger)
    end = trace.ends["service"].drop_nulls()[0]
    tag_of_end = read.where(actor=end) if len(read.where(actor=end)) else read.where(label=end)
    results = [trace, apart, reached, found, alone]
    uses = cw.findings_using(tag_of_end, results)
    assert 0 in uses.places("names it")
    assert 2 in uses.places("names it")
    assert 1 in uses.places()
    assert uses.places().count(4) == 0, "links of co-spends were made of no tags"
    vendors = cw.findings_using(vendor, results)
    assert 3 in vendors.places("names it")
    assert vendors.frame.filter(pl.col("place") == 3)["at"].to_list()[0] > 0
    gone = read.retract(vendor, on="2030-01-01", by="x", why="y")
    withdrawn = gone.where(actor="kelp")
    assert cw.findings_using(withdrawn, results).frame.equals(vendors.frame)
    assert canonical.text(vendor.frame["address"][0], "btc-regtest") not in repr(uses)


ORDER = {"concept": "seizure_order", "first_day": date(2024, 1, 1)}
FIRST = {"as_of": date(2024, 1, 5), "last_day": date(2025, 1, 1)}
EXTENDED = {"as_of": date(2024, 6, 5), "last_day": date(2026, 1, 1)}


@pytest.mark.parametrize("other", [{}, {"pack": "next year.csv"}])
def test_a_later_version_of_an_act_adds_nothing_to_what_was_known(other: dict[str, Any]) -> None:
    first = tags(tag(1, **ORDER, **FIRST))
    every = tags(tag(1, **ORDER, **FIRST), tag(1, **ORDER, **EXTENDED, **other))
    view = every.as_of("2024-02-01")
    assert view.frame.equals(first.frame)
    assert view.on("2025-06-01").frame.is_empty()
    undated = tags(tag(1, **{**ORDER, **FIRST, "first_day": None}), tag(1, **ORDER, **EXTENDED))
    assert undated.as_of("2024-02-01").frame["last_day"].to_list() == [date(2025, 1, 1)]
    assert len(every.as_of("2024-07-01")) == 2
    assert set(every.as_of("2024-01-02").frame["last_day"]) == {None}, "its end was not known"


def test_a_second_act_after_the_first_ended_is_another() -> None:
    past = tag(1, first_day=None, last_day=date(2023, 1, 1))
    again = tag(1, first_day=date(2024, 1, 1), as_of=date(2025, 1, 1))
    assert len(tags(past, again).as_of("2024-02-01")) == 2
