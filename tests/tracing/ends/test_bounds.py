"""Bounds of what is open, under the limits that a trace was given."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chainwatch.errors import TraceError
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.policies import fifo, haircut
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import HOPS, NOT_READ, THRESHOLD, UNSPENT
from chainwatch.tracing.trace import trace

CHAIN = "btc-regtest"


def history(desk: Any, beside: tuple[Any, ...]) -> Ledger:
    """Return coins of ``a`` that come together again behind an input that may be unread."""
    return desk.coins(
        [
            {"id": "got", "ins": [], "outs": [("a", 10), ("a", 10)]},
            {"id": "other", "ins": [], "outs": [("y", 4)]},
            {"id": "long", "ins": [("got", 1), beside], "outs": [("g", 14)]},
            {"id": "longer", "ins": [("long", 0)], "outs": [("h", 14)]},
            {"id": "join", "ins": [("got", 0), ("longer", 0)], "outs": [("k", 24)]},
            {"id": "last", "ins": [("join", 0)], "outs": [("z", 24)]},
        ]
    )


def followed(desk: Any, beside: tuple[Any, ...], **limits: Any) -> Trace:
    limits = {"policy": fifo} | limits
    return trace(history(desk, beside), desk.coin("a"), chain=CHAIN, **limits)


def told(found: Trace) -> dict[str, tuple[int, int]]:
    rows = found.open_bounds().select("reason", "low", "high").iter_rows()
    return {reason: (int(low), int(high)) for reason, low, high in rows}


UNKNOWN, KNOWN = ("?",), ("other", 0)


def test_a_limit_of_hops_can_take_away_what_ends_elsewhere_today(desk: Any) -> None:
    """What comes the longer way, once it is read, ends the rest before it gets to its end."""
    open_, full = (followed(desk, beside, max_hops=3) for beside in (UNKNOWN, KNOWN))
    assert desk.ends(open_) == {(NOT_READ, "a"): 10, (UNSPENT, "z"): 10}
    assert desk.ends(full) == {(HOPS, "k"): 20}
    with pytest.raises(TraceError, match="has no bounds under max_hops: what is read later can"):
        open_.open_bounds()
    assert told(full) == {HOPS: (20, 20)}  # nothing is open


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ({"max_age": timedelta(days=9)}, "max_age"),
        ({"max_age": timedelta(days=9), "max_hops": 9}, "max_hops and max_age"),
        ({"min_amount": 2, "policy": haircut}, "min_amount"),
    ],
)
def test_limits_under_which_nothing_is_bounded(
    desk: Any, limits: dict[str, Any], named: str
) -> None:
    with pytest.raises(TraceError, match=f"no bounds under {named}: "):
        followed(desk, UNKNOWN, **limits).open_bounds()
    assert told(followed(desk, KNOWN, **limits))


def test_what_is_below_the_least_amount_can_grow_and_go_on(desk: Any) -> None:
    open_, full = (followed(desk, beside, min_amount=15) for beside in (UNKNOWN, KNOWN))
    assert desk.ends(open_) == {(NOT_READ, "a"): 10, (THRESHOLD, "k"): 10}
    assert told(open_) == {NOT_READ: (0, 20), THRESHOLD: (0, 20)}
    assert desk.ends(full) == {(THRESHOLD, "g"): 10, (THRESHOLD, "k"): 10}
    assert told(full) == {THRESHOLD: (20, 20)}


def test_without_limits_only_what_was_not_read_is_open(desk: Any) -> None:
    open_ = followed(desk, UNKNOWN)
    assert open_.limits == ()
    assert told(open_) == {NOT_READ: (0, 10), UNSPENT: (10, 20)}
