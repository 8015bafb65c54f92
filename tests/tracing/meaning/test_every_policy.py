"""``trace_all`` told what transactions mean: each policy says what ``trace`` says under it."""

from __future__ import annotations

from typing import Any

import pytest

from chainwatch.errors import ArgumentError, TraceError
from chainwatch.tracing.meaning.meanings import meanings
from chainwatch.tracing.ranges.trace_all import trace_all
from chainwatch.tracing.trace import trace


def test_each_policy_is_told_the_same_of_swaps_and_contracts(kit: Any) -> None:
    chain = kit.chain()
    chain.made("r")
    chain.tx("m", ("0", "a", "X", 60))
    chain.tx("b", ("0", "a", "X", 40))
    chain.tx("a", ("a", "r", "X", 10), ("r", "p", "X", 10), ("p", "a", "Y", 5))
    chain.tx("a", ("a", "r", "X", 20), ("r", "c", "X", 20))
    ledger = chain.ledger()
    through = meanings(ledger, kit.tags(("p", "Dex", "defi_dex")))
    given = {"asset": kit.asset("X"), "through": through}
    found = trace_all(ledger, [kit.at("a")], **given)
    for name, one in found.traces.items():
        assert one.digest == trace(ledger, [kit.at("a")], policy=name, **given).digest, name
    low = {(row["reason"], kit.name(row["address"])): int(row["low"])
           for row in found.frame.iter_rows(named=True) if row["high"]}  # fmt: skip
    assert low == {("exchanged", "p"): 10, ("unspent", "c"): 20, ("unspent", "a"): 70}
    row = found.summary().filter(reason="exchanged").row(0, named=True)
    assert (row["service"], int(row["in_all"])) == ("Dex", 10)
    assert found.record is not None
    assert found.record.params["through"] == f"sha256:{through.digest}"
    plain = trace_all(ledger, [kit.at("a")], asset=kit.asset("X"))
    assert "exchanged" not in plain.frame["reason"].to_list()
    assert plain.digest != found.digest


def test_what_is_refused_of_a_trace_is_refused_of_all(kit: Any) -> None:
    chain = kit.chain()
    chain.tx("m", ("0", "a", "X", 60))
    ledger = chain.ledger()
    given: dict[str, Any] = {"asset": kit.asset("X")}
    with pytest.raises(ArgumentError, match="pass what transactions mean"):
        trace_all(ledger, [kit.at("a")], through=chain, **given)
    with pytest.raises(TraceError, match="read before anything is fetched"):
        trace_all(ledger, [kit.at("a")], through=meanings(ledger), fetch=lambda _: None, **given)  # type: ignore[arg-type, return-value]  # nothing is asked of it
