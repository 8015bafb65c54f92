"""A real node by JSON-RPC and REST: the same rows whichever way, and through reorganisations."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chainwatch.errors import ChainError, SourceError
from chainwatch.ingest.pull import pull
from chainwatch.ingest.sync import follow
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.sources.bitcoin_core.rest import BitcoinRest
from chainwatch.sources.bitcoin_core.rpc import BitcoinRpc
from chainwatch.sources.block_files import BlockFiles

pytestmark = pytest.mark.live
Node = Any
"""The fixture's class: a conftest is not imported."""

CHAIN = "btc-regtest"
MAGIC = bytes.fromhex("fabfb5da")


def rpc(node: Node, **options: Any) -> BitcoinRpc:
    login = {"cookie": node.cookie} if "user" not in options else {}
    return BitcoinRpc(node.url, chain=CHAIN, **login, **options)


def read(folder: Path, source: Any, **options: Any) -> Ledger:
    pull(folder, source, **options)
    return open_ledger(folder)


@pytest.fixture(scope="module")
def whole(bitcoind: Node, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Return the ledger of the shared chain, by JSON-RPC."""
    return read(tmp_path_factory.mktemp("whole") / "ledger", rpc(bitcoind))


@pytest.fixture
def mined(new_node: Callable[..., Node]) -> Node:
    """Return a node with 30 blocks of its own."""
    node = new_node()
    for _ in range(30):
        node.mine()
    return node


def test_every_way_gives_the_same_columns(
    bitcoind: Node, whole: Ledger, tmp_path: Path, by_column: Callable[..., dict[str, str]]
) -> None:
    blocks = tmp_path / "blocks.dat"
    raw = bitcoind.raw_blocks()
    blocks.write_bytes(b"".join(MAGIC + len(one).to_bytes(4, "little") + one for one in raw))
    others = [
        rpc(bitcoind, user=bitcoind.user, password=bitcoind.password, batch=7),
        BitcoinRest(bitcoind.url, chain=CHAIN),
        BlockFiles(blocks, CHAIN),
    ]
    expected = by_column(whole)
    for number, source in enumerate(others):
        assert by_column(read(tmp_path / str(number), source)) == expected
    assert whole.blocks.collect().height == bitcoind.height + 1 == 123
    kinds = set(whole.outputs.collect()["script_kind"])
    assert {"p2wpkh", "p2sh", "p2pkh", "p2pk", "p2tr", "multisig", "p2wsh", "null_data"} <= kinds
    check(whole).raise_for_failures()


def test_what_is_spent_is_asked_for_where_the_ledger_lacks_it(
    bitcoind: Node, whole: Ledger, tmp_path: Path
) -> None:
    later = pl.col("tx") >= 110 << 24
    columns = ["tx", "n", "value", "address", "script_kind"]
    expected = whole.inputs.filter(later).select(columns).sort("tx", "n").collect()
    for source in (
        rpc(bitcoind, span=(110, 123)),
        BitcoinRest(bitcoind.url, chain=CHAIN, span=(110, 123)),
    ):
        found = read(tmp_path / source.name, source)
        assert found.inputs.select(columns).sort("tx", "n").collect().equals(expected)
        assert expected["value"].null_count() == 0
        check(found).raise_for_failures()


def test_old_nodes_are_asked_for_each_transaction(
    bitcoind: Node, whole: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before Core 23 ``getblock 3`` means 2: an answer without prevouts."""
    source = rpc(bitcoind, span=(110, 123))
    ask = source._rpc.post

    def as_before(calls: Any) -> Any:
        return ask([(m, [p[0], 2] if m == "getblock" and p[1] == 3 else p) for m, p in calls])

    monkeypatch.setattr(source._rpc, "post", as_before)
    found = read(tmp_path / "ledger", source).inputs.sort("tx", "n").collect()
    expected = whole.inputs.filter(pl.col("tx") >= 110 << 24).sort("tx", "n").collect()
    assert found.drop("prev_tx").equals(expected.drop("prev_tx"))


def test_what_the_node_says_of_inputs_is_kept(bitcoind: Node, tmp_path: Path) -> None:
    for source in (
        rpc(bitcoind, span=(110, 123), keep_raw=True),
        BitcoinRest(bitcoind.url, chain=CHAIN, span=(110, 123), keep_raw=True),
    ):
        answers = read(tmp_path / source.name, source).answers.collect()
        said = answers.filter(pl.col("request").str.contains(r" 3$|\.json$"))
        assert said.height > 0
        for body, digest in said.select("body", "digest").iter_rows():
            assert hashlib.sha256(body).digest() == digest
            assert b'"prevout"' in body


def test_a_second_pull_adds_what_is_new(mined: Node, tmp_path: Path) -> None:
    read(tmp_path / "ledger", rpc(mined, span=(0, 20)))
    report = pull(tmp_path / "ledger", rpc(mined))
    assert (report.units, report.skipped) == (11, 20)
    assert report.tip == bytes.fromhex(mined("getbestblockhash"))[::-1]
    assert pull(tmp_path / "ledger", rpc(mined)).commits == 0


def test_answers_are_the_blocks(mined: Node, tmp_path: Path) -> None:
    ledger = read(tmp_path / "ledger", rpc(mined, span=(7, 9), keep_raw=True))
    kept = ledger.answers.collect()
    assert set(kept["host"]) == {"127.0.0.1"}
    bodies = [body for body in kept["body"] if body is not None]
    assert sorted(bodies) == sorted(mined.raw_blocks()[7:9])
    digests = {hashlib.sha256(body).digest() for body in bodies}
    assert set(ledger.coverage.collect()["answer"]) == digests


@pytest.mark.parametrize("kind", ["rpc", "rest"])
@pytest.mark.parametrize("depth", [1, 6, 25])
def test_a_reorganisation_is_a_new_commit(
    mined: Node, tmp_path: Path, kind: str, depth: int, by_column: Callable[..., dict[str, str]]
) -> None:
    def source() -> Any:
        return rpc(mined) if kind == "rpc" else BitcoinRest(mined.url, chain=CHAIN)

    before = read(tmp_path / "ledger", source())
    old = by_column(before)
    mined.reorganise(depth)
    report = pull(tmp_path / "ledger", source())
    assert any("reorganised" in note for note in report.notes)
    after = open_ledger(tmp_path / "ledger")
    assert by_column(after) == by_column(read(tmp_path / "fresh", source()))
    assert by_column(after.as_of(before.commit.number)) == old != by_column(after)
    check(after).raise_for_failures()


def test_a_reorganisation_during_a_pull(
    mined: Node, tmp_path: Path, by_column: Callable[..., dict[str, str]]
) -> None:
    lines: list[str] = []

    def progress(line: str) -> None:
        lines.append(line)
        if sum(line.startswith("commit") for line in lines) == 5:
            mined.reorganise(6)

    ledger = read(tmp_path / "ledger", rpc(mined, batch=2), progress=progress, batch_rows=20)
    assert any("reorganisation" in line for line in lines)
    assert by_column(ledger) == by_column(read(tmp_path / "fresh", rpc(mined)))


def test_a_branch_that_comes_back_is_read_again(
    mined: Node, tmp_path: Path, by_column: Callable[..., dict[str, str]]
) -> None:
    pull(tmp_path / "ledger", rpc(mined))
    old = mined("getblockhash", mined.height - 2)
    mined.reorganise(3)
    new = mined("getblockhash", mined.height - 3)
    pull(tmp_path / "ledger", rpc(mined))
    mined("reconsiderblock", old)
    mined("invalidateblock", new)
    mined.mine()
    mined.mine()
    ledger = read(tmp_path / "ledger", rpc(mined))
    assert mined("getblockhash", 28) == old
    assert by_column(ledger) == by_column(read(tmp_path / "fresh", rpc(mined)))


def test_a_node_that_is_behind_changes_nothing(mined: Node, tmp_path: Path) -> None:
    before = read(tmp_path / "ledger", rpc(mined)).digests()
    mined("invalidateblock", mined("getblockhash", 25))
    report = pull(tmp_path / "ledger", rpc(mined))
    assert report.commits == 0
    assert "the node is at height 24, the ledger at 30" in report.notes
    assert open_ledger(tmp_path / "ledger").digests() == before


def test_a_branch_with_less_work_is_refused(mined: Node, tmp_path: Path) -> None:
    before = read(tmp_path / "ledger", rpc(mined)).digests()
    mined("invalidateblock", mined("getblockhash", 25))
    mined.mine("raw(52)")
    with pytest.raises(SourceError, match="differs from the ledger's above height 24 and has less"):
        pull(tmp_path / "ledger", rpc(mined))
    assert open_ledger(tmp_path / "ledger").digests() == before


def test_follow_keeps_up(
    mined: Node, tmp_path: Path, by_column: Callable[..., dict[str, str]]
) -> None:
    deeds = [mined.mine, lambda: mined.reorganise(2), lambda: None]
    pulled = follow(tmp_path / "ledger", lambda: rpc(mined), every=0, stop=lambda: not deeds)
    added = []
    for report in pulled:
        added.append(report.rows("blocks"))
        deeds.pop(0)()
    assert added == [31, 1, 3]
    fresh = read(tmp_path / "fresh", rpc(mined))
    assert by_column(open_ledger(tmp_path / "ledger")) == by_column(fresh)


def test_another_network_is_refused(mined: Node, tmp_path: Path) -> None:
    with pytest.raises(
        ChainError,
        match=r"Bitcoin regtest \(btc-regtest\): its genesis block is 0f9188f1",
    ):
        pull(tmp_path / "ledger", BitcoinRpc(mined.url, cookie=mined.cookie, chain="btc"))
    assert not (tmp_path / "ledger").exists()


def test_a_wrong_password_is_not_shown(mined: Node, tmp_path: Path) -> None:
    source = rpc(mined, user=mined.user, password="not the one")  # noqa: S106
    with pytest.raises(SourceError, match="refuses the user or password") as caught:
        pull(tmp_path / "ledger", source)
    assert "not the one" not in f"{caught.value}{source!r}{vars(source)}"


def test_heights_that_the_node_lacks(mined: Node, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="ends at height 30, before the span does"):
        pull(tmp_path / "ledger", rpc(mined, span=(20, 40)))
