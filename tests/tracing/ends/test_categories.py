"""Exposure by category: every base unit once; and the base rate of a service that many use."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from chainwatch.attribution.resolve import jurisdiction_of
from chainwatch.tracing.arguments import policies_for
from chainwatch.tracing.exposure import exposure
from chainwatch.tracing.policies import Policy, fifo
from chainwatch.tracing.trace import trace
from chainwatch.units import total

CHAIN = "btc-regtest"
TXS: list[dict[str, Any]] = [
    {"id": "t0", "ins": [], "outs": [("v", 100)]},
    {"id": "t1", "ins": [("t0", 0)], "outs": [("s", 30), ("v", 20), ("x", 45)]},
    {"id": "t2", "ins": [("t1", 2)], "outs": [("d", 25), ("y", 19)]},
    {"id": "t3", "ins": [("t2", 1), ("old", 0, 5, "o")], "outs": [("z", 24)]},
]


@pytest.fixture
def found(desk: Any) -> Any:
    tags = desk.tags(
        ("s", "shop", "exchange", {"context": '{"jurisdiction": "FR"}'}),
        ("d", "den", "mixing_service"),
    )
    followed = trace(desk.coins(TXS), desk.coin("v"), policy=fifo, stop=tags, chain=CHAIN)
    return exposure(followed, tags)


def rows(found: Any) -> list[tuple[Any, ...]]:
    names = ("category", "relation", "entity", "reason", "jurisdiction", "amount", "hops", "ends")
    return sorted(found.categories.select(*names).rows(), key=str)


def test_every_end_is_counted_once(found: Any) -> None:
    assert rows(found) == [
        ("exchange", "direct", "shop", "hosted service", "FR", 30, 1, 1),
        ("mixing_service", "indirect", "den", "mixer", None, 25, 2, 1),
        ("untagged", "direct", None, "fee", None, 5, 1, 1),
        ("untagged", "indirect", None, "fee", None, 1, 2, 1),
        ("untagged", "indirect", None, "unspent", None, 19, 3, 1),
        ("untagged", "own", None, "unspent", None, 20, 0, 1),
    ]
    assert set(found.categories["direction"]) == {"sent"}
    assert total(found.categories["amount"]) == 100


def test_shares_are_of_the_whole_and_stay_at_the_desk(found: Any) -> None:
    shares = found.shares()
    assert shares.filter(pl.col("entity") == "shop")["share"].to_list() == [300_000]
    assert "share" not in found.categories.columns
    assert all("share" not in rows.table.names for rows in found.tables().values())


def test_what_was_not_read_is_a_row_of_its_own(desk: Any) -> None:
    tags = desk.tags(("s", "shop"))
    ledger = desk.paid([("o", "v", 9), ("v", "s", 4), ("v", "x", 5)], read="v")
    tags = desk.tags(("s", "shop"), chain=desk.asset.chain)
    followed = trace(ledger, desk.account("v"), policy=fifo, stop=tags, asset=desk.asset)
    assert [row[:4] + row[5:6] for row in rows(exposure(followed, tags))] == [
        ("exchange", "direct", "shop", "hosted service", 4),
        ("not read", "direct", None, "not read", 5),
    ]


def test_backward_it_says_what_was_received(desk: Any) -> None:
    tags = desk.tags(("s", "shop"))
    txs = [
        {"id": "t0", "ins": [], "outs": [("s", 8)]},
        {"id": "t1", "ins": [("t0", 0)], "outs": [("v", 8)]},
    ]
    followed = trace(
        desk.coins(txs), desk.coin("v"), policy=fifo, stop=tags, direction="backward", chain=CHAIN
    )
    found = exposure(followed, tags)
    assert found.categories.select("category", "direction", "amount").rows() == [
        ("exchange", "received", 8)
    ]


@pytest.mark.parametrize(
    ("context", "place"),
    [('{"jurisdiction": "IR"}', "IR"), ("{broken", None), ("IR", None), (None, None),
     ('{"jurisdiction": 3}', None), ("[1]", None)],
)  # fmt: skip
def test_the_jurisdiction_of_a_tag(context: str | None, place: str | None) -> None:
    assert jurisdiction_of(context) == place


@pytest.mark.parametrize(
    "policy",
    [one for one in policies_for("eth") if one.conserves and one.follows],
    ids=lambda one: one.name,
)
def test_the_base_rate_of_a_money_service(desk: Any, policy: Policy) -> None:
    """1,300 deposits of 1,000 pass one money service, seven of them tainted: about 0.5 %.

    The service pays all of it on to one address that a tag calls a threat. What of that is the
    tainted wallets' is 7,000 under each policy that conserves value, and never the turnover.
    """
    tainted = set(range(50, 1_300, 180))
    assert len(tainted) == 7
    deposits = [("k" if i in tainted else "o", "m", 1_000) for i in range(1_300)]
    ledger = desk.paid([*deposits, ("m", "t", 1_300_000)], read="km")
    tags = desk.tags(("t", "network", "terrorism"), chain=desk.asset.chain)
    followed = trace(ledger, desk.account("k"), policy=policy, stop=tags, asset=desk.asset)
    found = exposure(followed, tags)
    reached = found.categories.filter(pl.col("entity") == "network")
    assert total(reached["amount"]) == 7_000
    turnover = 1_300 * 1_000
    assert total(reached["amount"]) * 1_000 // turnover == 5  # parts per thousand
