"""Small markets for tests of public health: sellers that tags name, and buyers who pay them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest
from seller_tags import tag, tags_of

import chainwatch as cw


class Market(NamedTuple):
    """A ledger of buyers who pay sellers, and the tags of the sellers."""

    ledger: cw.Ledger
    tags: cw.Tags


@pytest.fixture
def market(small_ledger: Callable[..., cw.Ledger]) -> Market:
    """Return three weeks in which A pays every day, B twice, and C and D buy from another.

    A transaction an hour from Thursday, 2023-06-01; the first whole week begins on June 5.
    """
    lines = []
    for hour in range(24 * 25):
        if hour % 24 == 3:
            lines.append(f"a{hour}: A=60_000 -> S=50_000 A=9_000")
        elif hour in (24 * 6 + 5, 24 * 7 + 5):
            lines.append(f"b{hour}: B=60_000 -> S=50_000")
        elif hour == 24 * 13 + 7:
            lines.append("c: C=70_000 CC=10_000 -> T=75_000")
        else:
            lines.append(f"z{hour}: Z=1_000 -> Y=900")
    ledger = small_ledger("\n".join(lines))
    outs = ledger.outputs.collect().join(ledger.transactions.collect(), on="tx")
    seller = outs.filter(pl.col("value") == 50_000)["address"][0]
    other = outs.filter(pl.col("value") == 75_000)["address"][0]
    chain = ledger.chains[0].id
    return Market(ledger, tags_of([
        tag(seller, chain, {"substance": "nitazenes", "channel": "darknet_market",
                            "jurisdiction": "NL"}),
        tag(other, chain, {"substance": ["tryptamines", "phenidates"]}),
    ]))  # fmt: skip


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    """Return a ledger of releases with a budget of 10 for the chain of :func:`market`."""
    file = tmp_path / "releases.jsonl"
    cw.set_privacy_budget(
        file, chains="btc-regtest", since=date(2023, 6, 1), until=date(2023, 7, 1), epsilon=10,
        delta="1e-5", who="a desk", why="a test",
    )  # fmt: skip
    return file
