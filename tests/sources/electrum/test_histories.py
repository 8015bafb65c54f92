"""Long histories from an Electrum server: read in parts, gone on with, bounded in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest
from module_of import module_of

from chainwatch.errors import InputError, SourceError
from chainwatch.ingest.protocol import Batch
from chainwatch.ingest.pull import pull
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.sources.electrum import headers, history, wire
from chainwatch.sources.electrum.source import Electrum

TIP, HEADER = "blockchain.headers.subscribe", "blockchain.block.header"
PROOF, BYTES = "blockchain.transaction.get_merkle", "blockchain.transaction.get"


made = module_of("sources/electrum/test_electrum")
electrum: Callable[..., Electrum] = made.electrum
branch, same_rows, Empty = made.branch, made.same_rows, made.Empty
Server = Any


@pytest.fixture(scope="module")
def long_chain(maker: ModuleType) -> list[bytes]:
    """Return forty blocks: seven scripts are paid in turn, and every coin is spent in time."""
    chain = maker.Chain()
    for height in range(1, 41):
        txs = []
        if len(chain.coins) > 3:
            txid, n, value = chain.coins.pop(0)
            txs.append(maker.spend([(txid, n)], [(value - 10, maker.p2pkh(height % 7))]))
            chain.coins.append((txs[-1].txid, 0, value - 10))
        chain.add(txs)
    return list(chain.blocks)


@pytest.fixture
def server(long_chain: list[bytes], maker: ModuleType) -> Iterator[Server]:
    with made.served(made.FakeElectrum(long_chain, maker)) as running:
        yield running


@pytest.fixture(scope="module")
def whole(
    long_chain: list[bytes], maker: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Ledger:
    """Return what is read without any limit in the way."""
    folder = tmp_path_factory.mktemp("whole") / "l"
    with made.served(made.FakeElectrum(long_chain, maker)) as running:
        pull(folder, electrum(running))
    return open_ledger(folder)


def pulled(folder: Path, server: Server, **options: Any) -> Ledger:
    pull(folder, electrum(server, **options))
    return open_ledger(folder)


def count(server: Server) -> int:
    """Return how many transactions the chain has that are in a history."""
    return sum(map(len, server.ids[1:]))


# Limits --------------------------------------------------------------------------------------

LIMITS = {
    "few headers": (headers, "_KEPT", 2),
    "no headers": (headers, "_KEPT", 0),
    "few hashes at once": (headers, "_AT_ONCE", 2),
    "few outputs": (history, "_OUTPUTS_KEPT", 1),
    "few transactions": (history, "_TRANSACTIONS", 3),
    "few inputs": (history, "_INPUTS", 1),
    "few spent": (history, "_SPENT", 1),
    "few histories": (history, "_HISTORIES", 3),
    "little memory": (wire, "LARGEST_LOAD", 2_500),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_no_limit_changes_a_row(
    server: Server, whole: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(*LIMITS[limit])
    ledger = pulled(tmp_path / "l", server)
    assert same_rows(ledger, whole)
    assert ledger.digest("coverage") == whole.digest("coverage")
    assert ledger.inputs.collect()["value"].null_count() == 0


@pytest.mark.parametrize("limit", LIMITS)
def test_no_limit_hides_a_reorganisation(
    server: Server, maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    pull(tmp_path / "l", electrum(server))
    server.replace(branch(maker, server.blocks, 30, 14))
    fresh = pulled(tmp_path / "fresh", server)
    monkeypatch.setattr(*LIMITS[limit])
    assert same_rows(pulled(tmp_path / "l", server), fresh)


def test_a_header_is_asked_once_for_a_part(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few are kept at hand; besides, the tip is asked for again after each part."""
    monkeypatch.setattr(headers, "_KEPT", 2)
    pull(tmp_path / "l", electrum(server))
    genesis, parts = 1, 1
    assert server.asked.count(HEADER) == genesis + len(server.blocks) - 1 + parts


def test_an_output_that_was_pushed_out_is_asked_for_again(
    server: Server, whole: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull(tmp_path / "a", electrum(server))
    enough = server.asked.count(BYTES)
    server.asked.clear()
    monkeypatch.setattr(history, "_OUTPUTS_KEPT", 1)
    assert same_rows(pulled(tmp_path / "b", server), whole)
    assert server.asked.count(BYTES) > enough == count(server)


def test_an_answer_longer_than_all_may_be_together(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "LARGEST_LOAD", 700)
    with pytest.raises(SourceError, match=r"longer than 700 bytes together.*ask another server"):
        list(electrum(server).batches(Empty()))


@pytest.mark.parametrize("most", [0, -1])
def test_a_limit_that_is_none(server: Server, most: int) -> None:
    with pytest.raises(InputError, match=f"max_transactions is {most}.*from 1 on"):
        electrum(server, max_transactions=most)


# Parts ---------------------------------------------------------------------------------------


def claims(batch: Batch) -> pl.DataFrame:
    return batch.tables["coverage"].filter(pl.col("kind") != "transaction")


def test_a_history_is_claimed_when_all_of_it_was_handed_over(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_TRANSACTIONS", 4)
    source = electrum(server)
    names = {target.address: target for target in source.targets}
    handed: set[bytes] = set()
    claimed = 0
    for batch in source.batches(Empty()):
        rows = batch.tables.get("transactions")
        if rows is not None:
            assert 0 < rows.height <= 4
            assert claims(batch).is_empty()
            handed.update(rows["txid"])
            continue
        for address in claims(batch)["address"]:
            listed = server.histories.get(made.scripthash(names[address].script), [])
            assert {bytes.fromhex(item["tx_hash"])[::-1] for item in listed} <= handed
            claimed += 1
    assert claimed == len(names)
    assert len(handed) == count(server)


def test_the_answers_that_a_claim_rests_on_are_kept(server: Server, tmp_path: Path) -> None:
    """The history, the tip that it reaches to, and the header that shows that the tip stood."""
    ledger = pulled(tmp_path / "l", server, scripts=server.scripts[2:3])
    answers, tip = ledger.answers.collect(), len(server.blocks) - 1
    for asked in (TIP, f"{HEADER} {tip}", "blockchain.scripthash.get_history"):
        kept = answers.filter(pl.col("request").str.starts_with(asked))
        assert kept["body"].is_not_null().to_list() == [True], asked
        assert made.hashlib.sha256(kept["body"][0]).digest() == kept["digest"][0]
    proofs = answers.filter(pl.col("request").str.starts_with(PROOF))
    placed = ledger.coverage.collect().filter(kind="transaction")
    assert set(placed["answer"]) == set(proofs["digest"])


def broken_off(
    server: Server, folder: Path, after: int, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> None:
    """Pull until the server fails at a proof; each part is committed as it comes."""
    monkeypatch.setattr(history, "_TRANSACTIONS", 5)
    made.once(server, PROOF, made.result(None), after)
    with pytest.raises(SourceError):
        pull(folder, electrum(server, **options), batch_rows=1)
    server.spoil = lambda reply: None
    server.asked.clear()


def test_a_history_is_gone_on_with_where_it_was_left(
    server: Server, whole: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_off(server, tmp_path / "l", 23, monkeypatch)
    before = open_ledger(tmp_path / "l")
    assert before.transactions.collect().height == 20
    assert set(before.coverage.collect()["unit"]) < set(whole.coverage.collect()["unit"])
    after = pulled(tmp_path / "l", server)
    assert server.asked.count(PROOF) == count(server) - 20
    assert same_rows(after, whole)
    assert after.digest("coverage") == whole.digest("coverage")
    check(after).raise_for_failures()


def test_one_long_history_is_gone_on_with(
    maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = maker.Chain()
    for height in range(1, 13):
        reward = 50 * maker.COIN
        chain.blocks.append(
            maker.block_of(chain.tip, height, [maker.coinbase(height, [(reward, b"\x51")])])
        )
    with made.served(made.FakeElectrum(chain.blocks, maker)) as server:
        broken_off(server, tmp_path / "l", 12, monkeypatch, scripts=[b"\x51"])
        kinds = open_ledger(tmp_path / "l").coverage.collect()["kind"].to_list()
        assert kinds == ["transaction"] * 10
        after = pulled(tmp_path / "l", server, scripts=[b"\x51"])
        assert server.asked.count(PROOF) == 2
    assert after.coverage.collect().filter(kind="script")["complete"].to_list() == [True]


def test_what_was_left_in_the_middle_is_given_up_with_its_branch(
    server: Server, maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = list(server.scripts)
    broken_off(server, tmp_path / "l", 43, monkeypatch)
    held = open_ledger(tmp_path / "l").transactions.collect()
    server.replace(branch(maker, server.blocks, 20, 25))
    report = pull(tmp_path / "l", electrum(server, scripts=scripts))
    assert held.filter(pl.col("height") > 20).height
    assert any("reorganised" in note for note in report.notes)
    fresh = pulled(tmp_path / "fresh", server, scripts=scripts)
    assert same_rows(open_ledger(tmp_path / "l"), fresh)


@pytest.mark.parametrize("rows", [90, 250_000])
@pytest.mark.parametrize(("part", "size"), [(1, 7), (2, 7), (6, 7), (1, 200)])
def test_a_part_is_dropped_if_the_tip_fell_before_it_was_handed_over(
    server: Server, maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    part: int, size: int, rows: int,
) -> None:  # fmt: skip
    """All of it is read again, also what stands in both branches; so it is with the last part."""
    monkeypatch.setattr(history, "_TRANSACTIONS", size)
    tip, scripts, asked = len(server.blocks) - 1, list(server.scripts), []
    fork = branch(maker, server.blocks, 20, 25)

    def fall(reply: Any) -> None:
        if reply.method == HEADER and reply.params == [tip] and PROOF in server.asked:
            asked.append(tip)
            if len(asked) == part:
                server.replace(fork)
                reply.result = server.answer(HEADER, [tip])

    server.spoil = fall
    pull(tmp_path / "l", electrum(server, scripts=scripts), batch_rows=rows)
    server.spoil = lambda reply: None
    assert len(asked) >= part
    fresh = pulled(tmp_path / "fresh", server, scripts=scripts)
    assert same_rows(open_ledger(tmp_path / "l"), fresh)
    held = open_ledger(tmp_path / "l").coverage.filter(complete=True).collect()
    assert set(held["unit"]) == set(fresh.coverage.collect()["unit"])
