"""Esplora over a real node: what it yields equals what the node's own blocks say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from chainwatch.addresses import canonical
from chainwatch.addresses.scripts import classify
from chainwatch.ingest.pull import pull
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.results.provenance import digest_frame
from chainwatch.sources.block_files import BlockFiles
from chainwatch.sources.esplora.source import Esplora
from chainwatch.tracing.trace import trace

pytestmark = pytest.mark.live

CHAIN = "btc-regtest"
OF_TRANSACTIONS = ("transactions", "inputs", "outputs", "output_keys", "input_keys")


@pytest.fixture(scope="session")
def whole(bitcoind: Any, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Return the chain as it is read from the bytes of the node's blocks."""
    folder = tmp_path_factory.mktemp("whole")
    paths = []
    for height, raw in enumerate(bitcoind.raw_blocks()):
        paths.append(folder / f"{height:03}.raw")
        paths[-1].write_bytes(raw)
    pull(folder / "ledger", BlockFiles(paths, CHAIN))
    return open_ledger(folder / "ledger")


def digests(ledger: Ledger, table: str, held: pl.Series) -> dict[str, str]:
    """Return a digest of each column over the transactions that are held."""
    frame = ledger.table(table).filter(pl.col("tx").is_in(held.implode())).collect()
    if table == "inputs":
        frame = frame.drop("prev_tx")
    key = [name for name in ("tx", "n", "k") if name in frame.columns]
    return {
        name: digest_frame(frame.select(list(dict.fromkeys([*key, name]))), key)
        for name in frame.columns
    }


def test_histories_equal_the_blocks(bitcoind: Any, url: str, whole: Ledger, tmp_path: Path) -> None:
    scripts = bitcoind.scripts()
    source = Esplora(url, scripts=scripts, chain=CHAIN)
    report = pull(tmp_path, source)
    ledger = open_ledger(tmp_path)
    held = ledger.transactions.select("tx").collect()["tx"]
    assert held.len() == whole.transactions.select(pl.len()).collect().item()
    for table in OF_TRANSACTIONS:
        assert digests(ledger, table, held) == digests(whole, table, held), table
    assert digest_frame(ledger.inputs.collect()) == digest_frame(whole.inputs.collect())
    assert report.unread_inputs == 0
    assert check(ledger).ok
    coverage = ledger.coverage.collect()
    assert coverage.filter(pl.col("kind").is_in(["address", "script"]))["complete"].all()
    kinds = ledger.outputs.select("script_kind").unique().collect()["script_kind"]
    assert {"p2tr", "p2sh", "p2pkh", "p2pk", "multisig", "null_data"} <= set(kinds)


def test_one_address_knows_what_it_spends(
    bitcoind: Any, url: str, whole: Ledger, tmp_path: Path
) -> None:
    """Prevouts of transactions that were not read come with value and address all the same."""
    taproot = next(s for s in bitcoind.scripts() if classify(s).kind == "p2tr")
    address = canonical.text(classify(taproot).address or b"", CHAIN)
    pull(tmp_path, Esplora(url, [address], chain=CHAIN))
    ledger = open_ledger(tmp_path)
    held = ledger.transactions.select("tx").collect()["tx"]
    assert 0 < held.len() < whole.transactions.select(pl.len()).collect().item()
    for table in OF_TRANSACTIONS:
        assert digests(ledger, table, held) == digests(whole, table, held), table


def test_blocks_equal_the_blocks(url: str, whole: Ledger, tmp_path: Path) -> None:
    report = pull(tmp_path, Esplora(url, span=(0, 201), chain=CHAIN))
    ledger = open_ledger(tmp_path)
    for table in ("blocks", *OF_TRANSACTIONS):
        assert ledger.digest(table) == whole.digest(table), table
    assert report.notes == ("the server's chain ends at height 122",)


def test_histories_after_blocks_add_only_coverage(bitcoind: Any, url: str, tmp_path: Path) -> None:
    pull(tmp_path, Esplora(url, span=(0, 123), chain=CHAIN))
    before = {name: open_ledger(tmp_path).digest(name) for name in OF_TRANSACTIONS}
    pull(tmp_path, Esplora(url, scripts=bitcoind.scripts()[-3:], chain=CHAIN))
    after = {name: open_ledger(tmp_path).digest(name) for name in OF_TRANSACTIONS}
    assert before == after


def test_reorganisation_of_depth_six(
    new_node: Callable[..., Any], explorers: ModuleType, tmp_path: Path
) -> None:
    """The replaced blocks leave the ledger, an earlier commit keeps them."""
    node = new_node()
    for _ in range(20):
        node.mine("raw(51)")
    with explorers.serving(explorers.NodeExplorer(node)) as base:
        pull(tmp_path, Esplora(base, scripts=[b"\x51"], chain=CHAIN))
        first = open_ledger(tmp_path)
        assert first.transactions.select(pl.len()).collect().item() == 20
        node.reorganise(6)
        report = pull(tmp_path, Esplora(base, scripts=[b"\x51"], chain=CHAIN))
    later = open_ledger(tmp_path)
    assert later.transactions.select(pl.max("height")).collect().item() == 14
    assert "the chain was reorganised" in report.notes[0]
    kept = first.as_of(1).transactions.select(pl.max("height")).collect().item()
    assert kept == 20
    blocks = later.coverage.filter(pl.col("kind") == "script").collect()["block"]
    assert blocks.to_list() == [bytes.fromhex(node("getbestblockhash"))[::-1]]


def test_unconfirmed_transactions_are_counted_not_written(
    new_node: Callable[..., Any], explorers: ModuleType, tmp_path: Path
) -> None:
    node = new_node("-acceptnonstdtxn=1")
    for _ in range(102):
        node.mine("raw(51)")
    spent = node("getblock", node("getblockhash", 1), 2)["tx"][0]["txid"]
    raw = bytes.fromhex(
        "0200000001" + bytes.fromhex(spent)[::-1].hex() + "0000000000fdffffff01"
    ) + (49 * 10**8).to_bytes(8, "little") + b"\x16\x00\x14" + bytes(20) + bytes(4)  # fmt: skip
    txid = node("sendrawtransaction", raw.hex(), 0)
    with explorers.serving(explorers.NodeExplorer(node)) as base:
        report = pull(tmp_path / "l", Esplora(base, scripts=[b"\x51"], chain=CHAIN))
        alone = pull(tmp_path / "m", Esplora(base, transactions=[txid], chain=CHAIN))
    assert report.rows("transactions") == 102
    assert report.notes[-1].endswith("1 unconfirmed transactions were not read")
    assert alone.notes == (f"transaction {txid} is not confirmed and was not read",)


def test_a_trace_fetches_what_it_needs(
    bitcoind: Any, url: str, whole: Ledger, tmp_path: Path
) -> None:
    """From one address and a server to every end: as in the whole chain, or named as not read."""
    paid = whole.outputs.filter(pl.col("script_kind") == "p2wpkh").select("address")
    who = paid.unique().sort("address").collect()["address"][0]
    pull(tmp_path / "ledger", Esplora(url, [who], chain=CHAIN))
    ledger = open_ledger(tmp_path / "ledger")
    asked = {"policy": "fifo", "chain": CHAIN}
    found = trace(
        ledger, who, fetch=lambda them: Esplora(url, them, chain=CHAIN), budget=5_000, **asked
    )
    assert found.fetched is not None
    assert len(found.fetched.asked) > 1
    assert found.fetched.failure == ""
    complete = trace(whole, who, **asked)
    assert found.amount == complete.amount > 0
    place = ["txid", "n", "amount"]
    read = found.ends.filter(pl.col("reason") != "not read")
    expected = set(complete.ends.select(place).rows())
    assert set(read.select(place).rows()) <= expected
    # What nobody can ask for by an address stays: outputs that have none, and joined inputs.
    left = found.ends.filter(pl.col("reason") == "not read")
    assert (
        left.filter(pl.col("basis") == "no spender read")["address"].null_count()
        == left.filter(pl.col("basis") == "no spender read").height
    )
    again = trace(found.fetched.ledger, who, **asked)
    assert again.digest == found.digest


def test_from_an_address_and_a_server_to_a_picture(url: str, whole: Ledger, tmp_path: Path) -> None:
    """One command, no ledger to begin with."""
    paid = whole.outputs.filter(pl.col("script_kind") == "p2wpkh").select("address")
    who = canonical.text(paid.unique().sort("address").collect()["address"][0], CHAIN)
    ledger, out = tmp_path / "ledger", tmp_path / "out"
    given = ["--policy", "fifo", "--chain", CHAIN, "--ledger", str(ledger), "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "chainwatch", "trace", who, *given, "--fetch", url,
         "--budget", "5000"],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Fetched(" in done.stdout
    assert any(out.rglob("*.svg"))
    assert open_ledger(ledger).coverage.collect().height > 1
