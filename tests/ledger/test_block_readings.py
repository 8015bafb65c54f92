"""Whole blocks as readings of every address: of tokens, of the coin, with gaps and without."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evm_chain import TOKEN, Node, address, small
from module_of import module_of

from chainwatch.addresses import canonical
from chainwatch.addresses.assets import Asset, native
from chainwatch.ingest.pull import pull
from chainwatch.ledger.balances import BEGUN, BROKEN, Balances, balance, histories
from chainwatch.ledger.block_readings import BlockRun, block_runs
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.lookup.lookup import address_summary
from chainwatch.sources.evm.source import EvmBlocks
from chainwatch.tracing.policies import fifo
from chainwatch.tracing.trace import trace

blocks = module_of("sources/evm/test_blocks")

DEV = "eip155:31337"
WHO = canonical.parse(address(2), DEV)
TOKENS = Asset(DEV, canonical.parse(TOKEN, DEV), "T", 0)
NO_TRACES = frozenset({"trace_block", "debug_traceBlockByNumber"})


def at(height: int) -> datetime:
    return datetime.fromtimestamp(1_700_000_000 + 12 * height, UTC)


def ledger_of(folder: Path, *spans: tuple[int, int | None] | None, **node: Any) -> Ledger:
    for span in spans or (None,):
        source = EvmBlocks("https://n.example", chain=DEV, per_second=1e9, span=span,
                           transport=Node(small(), **node).transport)  # fmt: skip
        pull(folder, source, progress=False)
    return open_ledger(folder)


def test_a_run_begins_with_the_chain_or_at_a_moment(tmp_path: Path) -> None:
    ledger = ledger_of(tmp_path / "l", (0, 3), (4, 6))
    wanted = (BlockRun(0, 2, None, at(2)), BlockRun(4, 5, at(4), at(5)))
    assert block_runs(ledger, DEV, coin=False) == wanted
    assert block_runs(ledger, DEV, coin=True) == wanted
    assert block_runs(ledger, "btc", coin=False) == ()


def test_the_coin_was_read_only_where_calls_were(tmp_path: Path) -> None:
    """Blocks without transactions have no calls: 0 and 5 of the chain."""
    ledger = ledger_of(tmp_path / "l", lacks=NO_TRACES)
    assert block_runs(ledger, DEV, coin=False) == (BlockRun(0, 6, None, at(6)),)
    assert block_runs(ledger, DEV, coin=True) == (
        BlockRun(0, 0, None, at(0)), BlockRun(5, 5, at(5), at(5)),
    )  # fmt: skip


def test_a_balance_of_tokens_is_known_from_the_first_block_on(tmp_path: Path) -> None:
    whole, later = ledger_of(tmp_path / "whole"), ledger_of(tmp_path / "later", (2, None))
    found = [
        {row["contract"]: row["balance"] for row in address_summary(one, WHO, DEV).totals.rows(
            named=True)}
        for one in (whole, later)
    ]  # fmt: skip
    assert [one[TOKENS.contract] for one in found] == [600, None]
    assert [one[None] for one in found] == [None, None]
    for ledger, why in ((whole, ""), (later, BEGUN)):
        claimed = histories(ledger, TOKENS, claimed=True)[WHO]
        assert balance(DEV, TOKENS.contract, claimed, (at(2), at(4))).why == why


def test_what_came_into_a_balance_of_the_coin_is_known_to_be_there(tmp_path: Path) -> None:
    """Where calls and fees were read; else they may have moved it."""
    whole = ledger_of(tmp_path / "whole")
    blind = ledger_of(tmp_path / "blind", lacks=NO_TRACES)
    for ledger, why in ((whole, ""), (blind, BROKEN)):
        rows = ledger.transfers.filter(native(DEV).of_transfers()).collect()
        told = Balances.read(ledger, native(DEV), rows).kept(canonical.parse(address(3), DEV))
        assert told.why == why


def test_a_trace_over_whole_blocks_ends_with_who_holds(tmp_path: Path) -> None:
    ledger = ledger_of(tmp_path / "l")
    one = canonical.parse(address(1), DEV)
    found = trace(ledger, [one], asset=TOKENS, policy=fifo)
    ends = {(row["reason"], row["address"]): int(row["amount"])
            for row in found.ends.rows(named=True)}  # fmt: skip
    assert ends == {
        ("unspent", one): 10**6 - 1_000,
        ("unspent", WHO): 600,
        ("unspent", canonical.parse(address(3), DEV)): 250,
        ("burnt", canonical.parse(address(0), DEV)): 150,
    }
