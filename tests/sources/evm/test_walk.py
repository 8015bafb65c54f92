"""Following a node: branches, interruptions, nodes that are behind, and what is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from evm_chain import Chain, Node, Refusal, pay, pay_token, small
from module_of import module_of

from chainwatch.errors import ChainError, SourceError
from chainwatch.ingest.pull import pull
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import open_ledger
from chainwatch.sources.evm.fields import Log
from chainwatch.sources.evm.rpc import EvmRpc
from chainwatch.sources.evm.source import EvmBlocks

blocks = module_of("sources/evm/test_blocks")


def source(node: Node, **given: object) -> EvmBlocks:
    return EvmBlocks("https://node.example", chain="eth-dev", per_second=1e9,
                     transport=node.transport, **given)  # type: ignore[arg-type]  # fmt: skip


def branches(shared: int = 3) -> tuple[Chain, Chain]:
    """Return two branches: the second is longer and makes the payments of the first later."""
    one, two = Chain().add(), Chain().add()
    for branch in (one, two):
        for height in range(1, shared):
            branch.add(pay(1, 2, height))
    one.add(pay(3, 4, 7)).add(pay_token(4, 5, 9))
    two.add(salt="two").add(pay_token(4, 5, 9), salt="two").add(pay(3, 4, 7), salt="two")
    return one, two


@pytest.mark.parametrize("shared", [1, 2, 3, 12])
def test_a_reorganisation_is_followed(tmp_path: Path, shared: int) -> None:
    one, two = branches(shared)
    pull(tmp_path / "l", source(Node(one), batch=2), progress=False)
    before = open_ledger(tmp_path / "l")
    report = pull(tmp_path / "l", source(Node(two), batch=2), progress=False)
    pull(tmp_path / "fresh", source(Node(two)), progress=False)
    grown, fresh = open_ledger(tmp_path / "l"), open_ledger(tmp_path / "fresh")
    for table in ("blocks", "transfers"):
        assert grown.digest(table) == fresh.digest(table)
    assert grown.digest("blocks") != before.digest("blocks")
    assert any(f"height {shared:,} and above" in note for note in report.notes)
    assert check(grown).ok


def test_a_branch_deeper_than_any_reorganisation_is_refused(tmp_path: Path) -> None:
    one, two = Chain(chain_id=1), Chain(chain_id=1)
    for height in range(120):
        one.add(salt="one" if height > 10 else "")
        two.add(salt="two" if height > 10 else "")
    given = {"chain": "eth", "per_second": 1e9, "batch": 200}
    for branch, refused in ((one, False), (two, True)):
        asked = EvmBlocks("https://n.example", transport=Node(branch).transport, **given)  # type: ignore[arg-type]  # as named
        if refused:
            with pytest.raises(SourceError, match="deeper than any reorganisation"):
                pull(tmp_path / "l", asked, progress=False)
        else:
            pull(tmp_path / "l", asked, progress=False)


def test_a_lower_branch_replaces_nothing(tmp_path: Path) -> None:
    one, two = branches()
    pull(tmp_path / "l", source(Node(two)), progress=False)
    held = open_ledger(tmp_path / "l").digest("transfers")
    with pytest.raises(SourceError, match="is lower"):
        pull(tmp_path / "l", source(Node(one)), progress=False)
    assert open_ledger(tmp_path / "l").digest("transfers") == held


def test_a_node_that_is_behind_is_no_reorganisation(tmp_path: Path) -> None:
    chain = small()
    pull(tmp_path / "l", source(Node(chain)), progress=False)
    behind = Chain(blocks=chain.blocks[:4], receipts=chain.receipts[:4], calls=chain.calls[:4])
    assert not pull(tmp_path / "l", source(Node(behind)), progress=False).commits


def test_a_chain_that_grows_is_read_on(tmp_path: Path) -> None:
    chain = small()
    short = Chain(blocks=chain.blocks[:3], receipts=chain.receipts[:3], calls=chain.calls[:3])
    pull(tmp_path / "l", source(Node(short)), progress=False)
    pull(tmp_path / "l", source(Node(chain)), progress=False)
    assert blocks.moved(open_ledger(tmp_path / "l")) == blocks.slowly(chain)


def test_spans_join_to_the_whole(tmp_path: Path) -> None:
    chain = small()
    for span in ((4, 6), (0, 2), (3, 5), (2, None)):
        pull(tmp_path / "l", source(Node(chain), span=span), progress=False)
    assert blocks.moved(open_ledger(tmp_path / "l")) == blocks.slowly(chain)


@pytest.mark.parametrize("at", ["0x1", "0x2", "0x3", "0x4"])
def test_a_chain_that_changes_while_it_is_read_is_read_anew(tmp_path: Path, at: str) -> None:
    one, two = branches()
    node, wanted = Node(one), two

    def change(method: str, params: list[object], result: object) -> object:
        if method == "trace_block" and params == [at]:
            node.chain = two
        return result

    node.spoil = change
    pull(tmp_path / "l", source(node, batch=1, at_once=1), progress=False)
    assert blocks.moved(open_ledger(tmp_path / "l")) == blocks.slowly(wanted)


def test_a_node_of_another_chain_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ChainError, match="of chain 5, not of Ethereum development"):
        pull(tmp_path / "l", source(Node(Chain(chain_id=5).add())), progress=False)


def test_a_span_above_the_tip_waits(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="before the span does") as caught:
        pull(tmp_path / "l", source(Node(small()), span=(3, 900)), progress=False)
    assert caught.value.passing


def test_an_interrupted_pull_goes_on(tmp_path: Path) -> None:
    chain, node = small(), Node(small())

    def fail(method: str, params: list[object], result: object) -> object:
        return Refusal(-32000, "gone") if params and params[0] == "0x4" else result

    node.spoil = fail
    with pytest.raises(SourceError, match="gone"):
        pull(tmp_path / "l", source(node, batch=1, at_once=1), progress=False)
    pull(tmp_path / "l", source(Node(chain), batch=1), progress=False)
    pull(tmp_path / "fresh", source(Node(chain)), progress=False)
    grown, fresh = open_ledger(tmp_path / "l"), open_ledger(tmp_path / "fresh")
    for table in ("blocks", "transfers", "approvals", "freezes"):
        assert grown.digest(table) == fresh.digest(table)
    units = [item.coverage.drop("source").collect().sort("unit") for item in (grown, fresh)]
    assert units[0].equals(units[1])


@pytest.mark.parametrize("least", [1, 3, 100])
def test_ranges_of_logs_are_halved_until_they_are_answered(least: int) -> None:
    chain, asked = Chain(), []
    for height in range(40):
        chain.add(*(pay_token(1, 2, height) for _ in range(height % 4)))

    def refuse(method: str, params: list[dict[str, str]], result: object) -> object:
        first, last = (int(params[0][name], 16) for name in ("fromBlock", "toBlock"))
        asked.append((first, last))
        wide = last - first + 1 > least
        return Refusal(-32005, "query returned more than 10000 results") if wide else result

    node = Node(chain, spoil=refuse)
    with EvmRpc("https://n.example", source="test", headers=None, own=None, per_second=1e9,
                timeout=5.0, attempts=1, transport=node.transport) as rpc:  # fmt: skip
        found = rpc.logs(0, 39, topics=[])
    assert all(isinstance(one, Log) for one in found)
    wanted = [one["logIndex"] for block in chain.receipts for receipt in block
              for one in receipt["logs"]]  # fmt: skip
    assert [one.log_index for one in found] == wanted
    assert len(asked) == len(Counter(asked))


def test_a_single_height_that_is_too_much_is_refused() -> None:
    node = Node(small(), spoil=lambda *_: Refusal(-32005, "more than 10000 results"))
    with (
        EvmRpc("https://n.example", source="test", headers=None, own=None, per_second=1e9,
               timeout=5.0, attempts=1, transport=node.transport) as rpc,
        pytest.raises(SourceError, match="more than 10000"),
    ):  # fmt: skip
        rpc.logs(0, 5)
