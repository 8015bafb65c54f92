"""Real blocks read by us and by bitcoinlib: same transactions, values and standard addresses.

Where the two differ on an address is written out below, block by block: bitcoinlib gives one to
outputs that name keys only (P2PK, bare multisig), for which there is none.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from chainwatch.addresses import canonical
from chainwatch.ingest.pull import pull
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.sources.block_files import BlockFiles

FILES = ("0-438.dat", "250000.raw", "277647.raw", "300025.raw", "363703.raw", "574200.raw",
         "629999.raw")  # fmt: skip
HEIGHTS = (250_000, 277_647, 300_025, 363_703, 574_200, 629_999)
TRANSACTIONS = {"0-438.dat": 446, "250000.raw": 156, "277647.raw": 213, "300025.raw": 461,
                "363703.raw": 587, "574200.raw": 3_315, "629999.raw": 2_481}  # fmt: skip

MISREAD = {
    "966e8c2b5eb5e842bac97782412162f39e91fccb44a1bfde5ceb7c89e79a37eb",
    "e4ee9f4ceb86ada2b4afb7fe73a857f89bb8c72760686183a8fc1b76b2d9b04b",
    "56aaa371b2045bcdf013475e251607af85ec6bbddd63aa9ee34f2f9775206276",
}
"""Transactions that bitcoinlib writes anew before it hashes them, and not as they stood: its txid
is another. Ours is proven by the merkle root, in which every txid of the block takes part."""

EXCEPTIONS = {
    ("0-438.dat", "p2pk", "only theirs"): 451,
    ("250000.raw", "p2pk", "only theirs"): 1,
    ("300025.raw", "multisig", "only theirs"): 2,
    ("300025.raw", "nonstandard", "only theirs"): 3,
    ("363703.raw", "multisig", "only theirs"): 2,
    ("574200.raw", "p2pk", "only theirs"): 38,
}
"""(file, kind of output, who gives an address) to the number of outputs. The three that are
nonstandard have the form of a multisig, with data where a key must stand."""

READER = """
import json, sys
from bitcoinlib.blocks import Block

def blocks(data):
    if data[:4] != bytes.fromhex("f9beb4d9"):
        yield data
        return
    at = 0
    while data[at : at + 4] == bytes.fromhex("f9beb4d9"):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at + 8 : at + 8 + size]
        at += 8 + size

for path in sys.argv[1:]:
    for raw in blocks(open(path, "rb").read()):
        block = Block.parse_bytes(raw, parse_transactions=True, network="bitcoin")
        for position, tx in enumerate(block.transactions):
            print("tx", json.dumps([
                path.rsplit("/", 1)[1], block.block_hash.hex(), position, tx.txid, tx.version_int,
                tx.locktime,
                [[i.prev_txid.hex(), i.output_n_int, i.sequence] for i in tx.inputs],
                [[o.value, o.address] for o in tx.outputs],
            ]))
"""


@pytest.fixture(scope="module")
def folder() -> Path:
    found = os.environ.get("CHAINWATCH_DATA")
    if not found:
        pytest.skip("real blocks are looked for in CHAINWATCH_DATA, which is not set")
    return Path(found) / "bitcoin" / "blocks"


@pytest.fixture(scope="module")
def ledger(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    path = tmp_path_factory.mktemp("golden") / "ledger"
    report = pull(path, BlockFiles([folder / name for name in FILES]))
    assert report.units == 439 + 6
    return open_ledger(path)


@pytest.fixture(scope="module")
def theirs(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[list]:
    """Read the files with bitcoinlib, confined to a folder of its own: it writes at home."""
    home = tmp_path_factory.mktemp("bitcoinlib")
    spec = importlib.util.find_spec("bitcoinlib")
    assert spec is not None
    assert spec.submodule_search_locations
    (home / "install.log").write_text("confined")
    (home / "providers.json").write_text("{}")
    (home / "config.ini").write_text(
        "[common]\nservice_caching_enabled=False\n[logs]\nenable_bitcoinlib_logging=False\n"
    )
    shutil.copy(Path(spec.submodule_search_locations[0]) / "data" / "networks.json", home)
    run = subprocess.run(
        [sys.executable, "-c", READER, *(str(folder / name) for name in FILES)],
        env={**os.environ, "BCL_DATA_DIR": str(home), "HOME": str(home), "PYTHONUTF8": "1"},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    lines = [line[3:] for line in run.stdout.splitlines() if line.startswith("tx ")]
    return [json.loads(line) for line in lines]


def reversed_hex(data: bytes) -> str:
    return data[::-1].hex()


@pytest.fixture(scope="module")
def ours(ledger: Ledger) -> dict[tuple[str, int], dict]:
    """Return our transactions by block and position."""
    parts = {
        name: ledger.table(name).sort("tx", "n").group_by("tx").agg(pl.struct(columns).alias(name))
        for name, columns in (
            ("inputs", ["prev_txid", "prev_n", "sequence"]),
            ("outputs", ["value", "script_kind", "address"]),
        )
    }
    txs = ledger.transactions
    for part in parts.values():
        txs = txs.join(part, on="tx", how="left")
    rows = txs.collect().iter_rows(named=True)
    return {(reversed_hex(row["block"]), row["position"]): row for row in rows}


def test_transactions(ours: dict, theirs: list[list]) -> None:
    """Txid, version, lock time, inputs and values of all 7,659 transactions."""
    counts: dict[str, int] = {}
    misread = set()
    for file, block, position, txid, version, locktime, inputs, outputs in theirs:
        row = ours[block, position]
        counts[file] = counts.get(file, 0) + 1
        if reversed_hex(row["txid"]) != txid:
            misread.add(reversed_hex(row["txid"]))
        assert (row["version"] % 2**32, row["locktime"]) == (version, locktime)
        spent = [[reversed_hex(i["prev_txid"]), i["prev_n"], i["sequence"]]
                 for i in row["inputs"] or ()]  # fmt: skip
        assert spent == ([] if row["coinbase"] else inputs)
        assert [output["value"] for output in row["outputs"]] == [value for value, _ in outputs]
    assert counts == TRANSACTIONS
    assert len(ours) == sum(TRANSACTIONS.values())
    assert misread == MISREAD


def test_addresses(ours: dict, theirs: list[list]) -> None:
    different: dict[tuple[str, str, str], int] = {}
    for file, block, position, *_, outputs in theirs:
        pairs = zip(ours[block, position]["outputs"], outputs, strict=True)
        for output, (_, their_address) in pairs:
            kind, address = output["script_kind"], output["address"]
            our_address = canonical.text(address, "btc") if address else None
            if our_address == (their_address or None):
                continue
            one_side = "only ours" if our_address else "only theirs"
            why = "another" if our_address and their_address else one_side
            different[file, kind, why] = different.get((file, kind, why), 0) + 1
    assert different == EXCEPTIONS


def test_heights_and_hashes(ledger: Ledger) -> None:
    """The single blocks say their height themselves; the first 439 link to genesis."""
    heights = ledger.blocks.collect().sort("height")["height"].to_list()
    assert heights == [*range(439), *HEIGHTS]


def test_value_is_conserved(ledger: Ledger) -> None:
    assert check(ledger).ok
    first = ledger.between(None, "2009-01-20")
    early = first.outputs.filter(pl.col("tx") < 439 << 24).collect()
    spent = first.inputs.filter(pl.col("tx") < 439 << 24).collect()
    assert spent["value"].null_count() == 0
    assert early["value"].sum() - spent["value"].sum() == 439 * 50 * 10**8


def test_two_payments_to_listed_addresses(ledger: Ledger) -> None:
    """About 0.388 BTC in block 574,200 and 0.849 BTC in block 629,999, each the first output."""
    rows = ledger.outputs.join(ledger.transactions.select("tx", "txid", "height"), on="tx")
    listed = ((574_200, "41f366c2", 38_796_959), (629_999, "42628722", 84_928_038))
    for height, start, value in listed:
        first = rows.filter(pl.col("height") == height, pl.col("n") == 0).collect()
        found = [
            paid
            for txid, paid in first.select("txid", "value").iter_rows()
            if reversed_hex(txid).startswith(start)
        ]
        assert found == [value]


def test_block_170(ledger: Ledger) -> None:
    """The first payment from one person to another: 10 BTC, out of the coinbase of block 9."""
    spend = ledger.inputs.filter(pl.col("tx") == 170 << 24 | 1).collect().row(0, named=True)
    assert (spend["prev_tx"], spend["prev_n"], spend["value"]) == (9 << 24, 0, 50 * 10**8)
    paid = ledger.outputs.filter(pl.col("tx") == 170 << 24 | 1).sort("n").collect()
    assert paid["value"].to_list() == [10 * 10**8, 40 * 10**8]
    assert paid["address"].null_count() == 2
