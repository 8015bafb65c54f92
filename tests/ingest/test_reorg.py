"""What of a ledger is stale: how deep a fork goes, and how much work what is known stands for."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import polars as pl
import pytest

from chainwatch.chains.base import Chain
from chainwatch.chains.bitcoin import BITCOIN, BITCOIN_REGTEST
from chainwatch.errors import SourceError
from chainwatch.ingest import chain_work
from chainwatch.ingest.reorg import Known, Tip, stale_part
from chainwatch.ledger import schema

EASY, HARD = 0x207FFFFF, 0x2000FFFF


@pytest.fixture
def _claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let headers claim work that nobody did: what is looked at is how it is weighed."""
    monkeypatch.setattr(chain_work, "check_own_work", lambda *_: None)


class Node:
    """A chain of headers, linked and without work: what is looked at here is what they say."""

    def __init__(self, maker: ModuleType, length: int, chain: Chain, *, of: Node | None = None,
                 at: int = 0, bits: int = EASY) -> None:  # fmt: skip
        self.network, self.name = chain, "the node"
        self.raw: list[bytes] = list(of.raw[:at]) if of else []
        while len(self.raw) < length:
            parent = maker.sha256d(self.raw[-1]) if self.raw else bytes(32)
            front = b"\x01\0\0\0" + parent + (b"a" if of is None else b"b") * 32 + bytes(4)
            self.raw.append(front + bits.to_bytes(4, "little") + bytes(4))
        self.ids = [maker.sha256d(raw) for raw in self.raw]

    def hashes(self, heights: Sequence[int]) -> list[bytes]:
        return [self.ids[height] for height in heights]

    def headers(self, hashes: Sequence[bytes]) -> list[bytes]:
        return [self.raw[self.ids.index(name)] for name in hashes]

    @property
    def tip(self) -> Tip:
        return Tip(len(self.raw) - 1, self.ids[-1], len(self.raw) - 1)


class Histories:
    """A ledger that knows single blocks of a node's chain, and keeps their headers as answers."""

    def __init__(self, node: Node, heights: Sequence[int], *, headers: bool = True) -> None:
        self.tables = {table.name: table.empty() for table in schema.TABLES}
        rows = [
            {"chain": node.network.id, "unit": f"address/00/{height}", "kind": "address",
             "height": height, "block": node.ids[height]} for height in heights
        ]  # fmt: skip
        self.tables["coverage"] = pl.DataFrame(rows, schema=schema.COVERAGE.schema)
        kept = [{"size": 160, "body": node.raw[h].hex().encode()} for h in heights if headers]
        self.tables["answers"] = pl.DataFrame(kept, schema=schema.ANSWERS.schema)

    def scan(self, table: str) -> pl.LazyFrame:
        return self.tables[table].lazy()


@pytest.mark.usefixtures("_claimed")
def test_a_tip_is_replaced_though_nothing_was_read_near_it(maker: ModuleType) -> None:
    """A history that rested for long knows of no block just below its tip: no deep fork."""
    old = Node(maker, 401, BITCOIN)
    new = Node(maker, 402, BITCOIN, of=old, at=400)
    stale = stale_part(Known(new, Histories(old, [9, 200, 400])), new.tip)
    assert stale is not None
    assert stale.stale == 400


@pytest.mark.usefixtures("_claimed")
def test_a_branch_that_is_deeper_than_any_is_refused(maker: ModuleType) -> None:
    old = Node(maker, 401, BITCOIN)
    new = Node(maker, 402, BITCOIN, of=old, at=250)
    with pytest.raises(SourceError, match="deeper than any reorganisation"):
        stale_part(Known(new, Histories(old, [9, 260, 400])), new.tip)


@pytest.mark.usefixtures("_claimed")
def test_the_work_of_histories_is_that_of_the_headers_kept(maker: ModuleType) -> None:
    """A branch that is longer and took less work replaces nothing, after a restart too."""
    old = Node(maker, 41, BITCOIN_REGTEST, bits=HARD)
    new = Node(maker, 43, BITCOIN_REGTEST, of=old, at=36)
    with pytest.raises(SourceError, match="has less work"):
        stale_part(Known(new, Histories(old, [20, *range(36, 41)])), new.tip)
    longer = Node(maker, 44, BITCOIN_REGTEST, of=old, at=36, bits=HARD)
    stale = stale_part(Known(longer, Histories(old, [20, *range(36, 41)])), longer.tip)
    assert stale is not None
    assert stale.stale == 36


def test_work_that_nobody_did_replaces_nothing(maker: ModuleType) -> None:
    old = Node(maker, 401, BITCOIN)
    new = Node(maker, 402, BITCOIN, of=old, at=400, bits=0x1600FFFF)
    with pytest.raises(SourceError, match="is none: the block lacks the proof of work"):
        stale_part(Known(new, Histories(old, [9, 200, 400])), new.tip)


@pytest.mark.usefixtures("_claimed")
def test_headers_in_capitals_weigh_too(maker: ModuleType) -> None:
    old = Node(maker, 20, BITCOIN_REGTEST, bits=HARD)
    new = Node(maker, 21, BITCOIN_REGTEST, of=old, at=18)
    ledger = Histories(old, [3, 18, 19])
    ledger.tables["answers"] = ledger.tables["answers"].with_columns(
        body=pl.col("body").map_elements(bytes.upper, return_dtype=pl.Binary)
    )
    with pytest.raises(SourceError, match="less work"):
        stale_part(Known(new, ledger), new.tip)
