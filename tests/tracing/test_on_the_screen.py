"""What results of following value print: rounded where few masked parties stand behind it."""

from __future__ import annotations

from typing import Any

import pytest

import chainwatch as cw
from chainwatch.results.mask import show_by
from chainwatch.tracing.trace import trace

MIXED = [
    {"id": "paid", "ins": [], "outs": [("dirty", 5_123)]},
    {"id": "own", "ins": [], "outs": [("float", 10_000)]},
    {"id": "mix", "ins": [("paid", 0), ("own", 0)], "outs": [("north", 6_001), ("bank", 8_002)]},
]
"""What a subject got is mixed with another's; one stranger and a service are paid."""


@pytest.fixture
def paid(desk: Any) -> tuple[Any, dict[str, Any]]:
    given = {"chain": "btc-regtest", "stop": desk.tags(("bank", "Bank"))}
    return desk.coins(MIXED), given


def test_what_a_stranger_holds_is_rounded_and_what_a_service_got_is_not(
    desk: Any, paid: Any, request: pytest.FixtureRequest
) -> None:
    ledger, given = paid
    found = trace(ledger, [desk.coin("dirty")], policy="haircut", **given)
    amounts = {row["reason"]: found.asset.shown(int(row["amount"]))
               for row in found.summary().iter_rows(named=True)}  # fmt: skip
    assert set(amounts) == {"unspent", "hosted service", "fee"}
    head, *lines = repr(found).splitlines()
    assert "0.00005123 rBTC from 1 subject" in head, "what came in is the subject's"
    told = {reason: next(line for line in lines if reason in line) for reason in amounts}
    assert amounts["hosted service"] in told["hosted service"]
    assert "≈ 0.00002 rBTC" in told["unspent"]
    assert amounts["unspent"] not in repr(found)
    request.getfixturevalue("working")
    for reason, amount in amounts.items():
        assert any(amount in line and reason in line for line in repr(found).splitlines())
    assert "≈" not in repr(found)


def test_a_range_is_rounded_as_its_rows_are(
    desk: Any, paid: Any, request: pytest.FixtureRequest
) -> None:
    ledger, given = paid
    found = cw.trace_all(ledger, [desk.coin("dirty")], **given)
    most = {row["reason"]: found.asset.shown(int(row["high"]))
            for row in found.summary().iter_rows(named=True)}  # fmt: skip
    told = {reason: line for reason in most for line in repr(found).splitlines() if reason in line}
    assert most["hosted service"] in told["hosted service"]
    assert "≈ 0.00005 rBTC" in told["unspent"]
    assert most["unspent"] not in told["unspent"]
    request.getfixturevalue("working")
    assert any(most["unspent"] in line and "unspent" in line for line in repr(found).splitlines())
    assert "≈" not in repr(found)


def test_over_several_orders_it_is_rounded_by_who_stands_in_any(
    desk: Any, request: pytest.FixtureRequest
) -> None:
    """At one time a stranger and the subject pay the same address, and it pays on to two."""
    moves = [("z", "s", 5_123, 0), ("s", "m", 5_123, 1), ("k", "m", 5_123, 1),
             ("m", "e", 5_123, 2), ("m", "q", 5_123, 2)]  # fmt: skip
    ledger = desk.paid(moves, read="szkmeq")
    found = cw.trace_all(ledger, [desk.account("s")], asset=desk.asset)
    assert found.every.height
    masked = repr(found).replace("5,123 TOK came in", "")
    assert "≈ 5,000 TOK" in masked
    assert "5,123" not in masked
    request.getfixturevalue("working")
    assert "5,123 TOK" in repr(found).replace("5,123 TOK came in", "")


def test_while_nobody_said_who_may_be_shown_no_sum_is_said(desk: Any, paid: Any) -> None:
    ledger, given = paid
    found = trace(ledger, [desk.coin("dirty")], policy="fifo", **given)
    before = show_by(None)
    try:
        lines = repr(found).splitlines()[1:]
        html = found.findings(found.subjects)[0]._repr_html_()
    finally:
        show_by(before)
    assert lines
    assert all(line.split()[0] == "withheld" for line in lines if "rBTC" not in line)
    assert not [line for line in lines if "rBTC" in line]
    assert "withheld" in repr(lines)
    assert html
