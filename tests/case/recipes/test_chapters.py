"""What a recipe adds to one part of several is headed by it; what is of the whole case is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import chainwatch as cw
from chainwatch.case.file.model import parse_case
from chainwatch.case.recipes import subjects
from chainwatch.case.recipes.chapter import Chapter
from chainwatch.results.result import Finding
from chainwatch.results.roles import NOBODY
from chainwatch.results.sentence import Sum, sentence
from chainwatch.tracing.policies import fifo

BTC, ETH = "bc1q", "0x"
TOKEN = {"chain": "eth", "contract": f"0x{'1' * 40}", "symbol": "USD", "decimals": 6}


def called(*also: dict[str, Any]) -> list[str]:
    table = {
        "case": {"name": "x", "title": "X", "question": "Who?"},
        "sources": [{"kind": "ledger", "path": "l"}],
        "subjects": {"chain": "btc", "addresses": [BTC]},
        "also": list(also),
    }
    return subjects.called(parse_case(table, where="x"))


def test_parts_are_called_by_asset_and_chain() -> None:
    eth = {"chain": "eth", "addresses": [ETH]}
    assert called() == [""]
    assert called({"subjects": eth}) == ["BTC on btc", "ETH on eth"]
    assert called({"subjects": eth, "asset": TOKEN}) == ["BTC on btc", "USD on eth"]
    again = {"subjects": {"chain": "btc", "addresses": [BTC]}}
    sepolia = {"subjects": {"chain": "eth-sepolia", "addresses": [ETH]}}
    assert called(again, sepolia, {"subjects": eth}, again) == [
        "BTC on btc", "BTC on btc (2)", "ETH on eth-sepolia", "ETH on eth", "BTC on btc (3)",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def trace(otter_case: Any) -> cw.Trace:
    whom = otter_case.tags.where(concept="vendor").addresses()
    return cw.trace(otter_case.ledger, whom, policy=fifo)


def test_a_case_of_one_part_is_as_it_was(trace: cw.Trace) -> None:
    case, same = (cw.Case("x", "?", title="X", mask_key=bytes(16)) for _ in range(2))
    chapter = Chapter(case, trace.followed())
    chapter.add(*trace.findings(trace.followed()), note="Where.")
    chapter.add(trace, note="Every branch.")
    same.add(*trace.findings(trace.followed()), note="Where.").add(trace, note="Every branch.")
    assert chapter.title == "X"
    assert [one.digest for one, _ in case.whole()] == [one.digest for one, _ in same.whole()]
    assert case.log.entries == same.log.entries


def test_every_section_of_a_part_names_it_once(trace: cw.Trace) -> None:
    case = cw.Case("x", "?", title="X", mask_key=bytes(16))
    one, two = (Chapter(case, trace.followed(), name) for name in ("BTC on btc", "BTC on btc (2)"))
    one.add(*trace.findings(trace.followed()))
    one.add(trace)
    other = replace(trace, steps=trace.steps.head(1), record=None)
    two.add(other)
    shared = Finding("Not read", ("Much.",))
    for chapter in (one, two):
        chapter.share(shared)
    titles = [found.title for found, _ in case.whole() if isinstance(found, Finding)]
    assert titles == [
        "Where the value ends: BTC on btc", "Where the value ends: BTC on btc (2)", "Not read",
    ]  # fmt: skip
    assert two.title == "X: BTC on btc (2)"


def test_sums_in_a_headline_stay_sums() -> None:
    """An edition rounds a sum of somebody masked in a headline that names its part too."""
    coin = cw.native("btc")
    case = cw.Case("x", "?", mask_key=bytes(16))
    told = sentence("Paid ", Sum(123_456_789, coin, frozenset({b"\x03" * 21})), ".")
    Chapter(case, NOBODY, "BTC on btc").add(Finding("A", headline=told))
    (made,) = (one for one, _ in case.results if isinstance(one, Finding))
    (place,) = getattr(made.headline, "places", ())
    assert made.headline == "BTC on btc: Paid 1.23456789 BTC."
    assert made.headline[place.start : place.end] == "1.23456789 BTC"
