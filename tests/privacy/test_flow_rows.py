"""What stands behind the flows of a trace: at the desk all, in a disclosure what tables say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import chainwatch as cw
from chainwatch.addresses.canonical import txid_text
from chainwatch.privacy.drawn.flow_rows import flow_rows
from chainwatch.privacy.edition import DISCLOSURE, WORKING
from chainwatch.privacy.flows import flows


@pytest.fixture(scope="module")
def case(otter_case: Any) -> tuple[cw.Case, cw.Trace]:
    tags = otter_case.tags
    vendors = tags.where(concept="vendor").addresses()
    trace = cw.trace(otter_case.ledger, vendors, policy="fifo", stop=tags.services())
    made = cw.Case("otter", question="Who?", mask_key=b"k" * 32).add(trace, tags)
    made.look_beside(otter_case.ledger)
    return made, trace


def test_at_the_desk_rows_add_up_to_the_flows(case: tuple[cw.Case, cw.Trace]) -> None:
    made, trace = case
    edition = made.edition(WORKING)
    found = flow_rows(trace, edition)
    assert not found.withheld
    rows = flows(trace, edition)
    assert {*rows.select("source", "target").iter_rows()} == {*found.shown}
    for source, target, amount, count in rows.select(
        "source", "target", "amount", "count"
    ).iter_rows():
        behind = found.shown[source, target]
        assert (sum(row.amount for row in behind), len(behind)) == (int(amount), count)
        assert list(behind) == sorted(behind, key=lambda row: row.time)
    ends = [row.why for listed in found.shown.values() for row in listed if "stops" in row.why]
    assert any("hosted service (confirmed" in why for why in ends)
    assert any("unspent" in why for why in ends)


def test_a_disclosure_tells_no_more_than_its_tables(case: tuple[cw.Case, cw.Trace]) -> None:
    made, trace = case
    view = made.view(DISCLOSURE)
    found = flow_rows(trace, view.edition)
    assert sum(found.withheld.values()) > 50
    exact = {
        row["txid"]
        for name in ("steps", "ends")
        for row in view.tables[name].iter_rows(named=True)
        if not row["rounded"] and row["summed"] is None
    }
    told = {
        row.txid for listed in (*found.shown.values(), *found.inside.values()) for row in listed
    }
    assert told <= exact
    withheld = {txid_text(txid, chain) for chain, txid in view.edition.withheld}
    assert not told & withheld


def test_where_nobody_looked_nothing_is_shown(case: tuple[cw.Case, cw.Trace]) -> None:
    made, trace = case
    found = flow_rows(trace, replace(made.edition(DISCLOSURE), withheld={}))
    assert not found.shown
    assert not found.inside
