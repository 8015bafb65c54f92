"""Real node folders read by us and by the reference implementation's own library.

The library (package ``py-bitcoinkernel``) runs in a process of its own, on a copy of the folder,
for it writes to what it reads. It may live in another environment, whose Python the variable
``CHAINWATCH_KERNEL_PYTHON`` names.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest

from chainwatch.addresses.scripts import classify
from chainwatch.bitcoin.undo_batch import coins_of
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.results.provenance import digest_frame
from chainwatch.sources.block_files import BlockFiles
from chainwatch.sources.node_folder.files import node_files
from chainwatch.sources.node_folder.order import match_undo, read_headers
from chainwatch.sources.node_folder.source import NodeFolder
from chainwatch.sources.node_folder.undo_match import matched
from chainwatch.sources.node_folder.workers import read_block, read_undo

FOLDERS = {
    "mainnet": ("mainnet_0_438_knots29.tar.xz", "btc", 438),
    "regtest": ("regtest_knots29.tar.xz", "btc-regtest", 122),
}

KINDS = {
    "mainnet": {"p2pk"},
    "regtest": {"p2pk", "p2pkh", "p2sh", "p2tr", "null_data"},
}

KERNEL = """
import json, pathlib, sys
import pbk

def hexed(thing):
    return bytes(thing).hex()

man = pbk.load_chainman(pathlib.Path(sys.argv[1]), getattr(pbk.ChainType, sys.argv[2]))
for entry in man.get_active_chain().block_tree_entries:
    block = man.blocks[entry]
    spent = list(man.block_spent_outputs[entry].transactions) if entry.height else []
    for position, tx in enumerate(block.transactions):
        coins = list(spent[position - 1].coins) if position else []
        print(json.dumps([
            entry.height, hexed(entry.block_hash), position, hexed(tx.txid),
            [[hexed(i.out_point.txid), i.out_point.index, i.sequence] for i in tx.inputs],
            [[o.amount, hexed(o.script_pubkey)] for o in tx.outputs],
            [[c.output.amount, hexed(c.output.script_pubkey), c.confirmation_height,
              c.is_coinbase] for c in coins],
        ]))
"""


class Read(NamedTuple):
    """One folder and the ledger that we made of it."""

    name: str
    path: Path
    ledger: Ledger
    batches: pl.DataFrame  # inputs as the source gave them, before anything was looked up


@pytest.fixture(scope="module", params=sorted(FOLDERS))
def read(request: pytest.FixtureRequest, real_data: Path, tmp_path_factory) -> Read:
    name, alias, tip = FOLDERS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    with tarfile.open(real_data / "bitcoin" / "datadirs" / name) as archive:
        archive.extractall(folder / "node", filter="data")
    source = NodeFolder(folder / "node", chain=alias)
    ledger = folder / "ledger"
    report = pull(ledger, source)
    assert (report.units, report.unread_inputs) == (tip + 1, 0)
    given = [batch.tables["inputs"] for batch in source.batches(Nothing()) if batch.tables]
    return Read(request.param, folder / "node", open_ledger(ledger), pl.concat(given))


class Nothing:
    """A ledger without rows."""

    def scan(self, table: str) -> pl.LazyFrame:
        return next(t for t in schema.TABLES if t.name == table).empty().lazy()


@pytest.fixture(scope="module")
def kernel(read: Read, tmp_path_factory: pytest.TempPathFactory) -> list[list]:
    python = os.environ.get("CHAINWATCH_KERNEL_PYTHON")
    if not python and importlib.util.find_spec("pbk") is None:
        pytest.skip("CHAINWATCH_KERNEL_PYTHON names no Python with py-bitcoinkernel")
    copy = tmp_path_factory.mktemp("kernel") / "node"
    shutil.copytree(read.path, copy)
    run = subprocess.run(
        [python or sys.executable, "-c", KERNEL, str(copy), read.name.upper()],
        env={"PATH": os.environ.get("PATH", ""), "HOME": str(copy.parent)},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    return [json.loads(line) for line in run.stdout.splitlines() if line.startswith("[")]


def test_every_transaction_equals_the_kernels(read: Read, kernel: list[list]) -> None:
    """Hashes, ids, inputs, outputs and what each input spent, over the whole chain."""
    inputs = {row["tx"]: row for row in _lists(read.batches, "n").iter_rows(named=True)}
    outputs = {
        row["tx"]: row for row in _lists(read.ledger.outputs.collect(), "n").iter_rows(named=True)
    }
    rows = read.ledger.transactions.sort("tx").collect()
    ours = []
    for row in rows.iter_rows(named=True):
        spent, made = inputs.get(row["tx"]), outputs[row["tx"]]
        ours.append((
            [row["height"], row["block"].hex(), row["position"], row["txid"].hex()],
            [] if spent is None else [
                [txid.hex(), n, sequence]
                for txid, n, sequence in zip(
                    spent["prev_txid"], spent["prev_n"], spent["sequence"], strict=True
                )
            ],
            list(zip(made["value"], made["script_kind"], made["address"], strict=True)),
            [] if spent is None else list(
                zip(spent["value"], spent["script_kind"], spent["address"], strict=True)
            ),
        ))  # fmt: skip
    theirs = [
        (place, inputs if place[2] else [], [_known(*out) for out in made],
         [_known(*coin[:2]) for coin in coins])
        for *place, inputs, made, coins in kernel
    ]  # fmt: skip
    assert ours == theirs
    assert sum(len(item[3]) for item in theirs) == read.batches.height > 5


def test_the_origin_of_what_is_spent_equals_the_kernels(read: Read, kernel: list[list]) -> None:
    """Height of the output spent: the kernel has it from undo data, we from the ledger."""
    rows = read.ledger.inputs.sort("tx", "n").collect()
    heights = [number >> 24 for number in rows["prev_tx"]]
    assert heights == [coin[2] for *_, coins in kernel for coin in coins]


def test_scripts_of_what_is_spent_equal_the_kernels(read: Read, kernel: list[list]) -> None:
    """Byte for byte, also of keys that undo data keeps by half and a ledger keeps not at all."""
    chain = chain_of(FOLDERS[read.name][1])
    files = node_files(read.path, chain)
    folder = read_headers(files, chain)
    match_undo(files, folder, chain, (), lambda tasks: map(matched, tasks))
    found = {}
    for name, spot in folder.spots.items():
        block = read_block(files, chain, name, spot)
        undo = read_undo(files, spot)
        spent = coins_of(block, undo, chain) if undo else []
        for position, coins in enumerate(spent, 1):
            found[name.hex(), position] = [[value, script.hex()] for value, script in coins]
    theirs = {(at[1], at[2]): [coin[:2] for coin in coins] for *at, _, _, coins in kernel if at[2]}
    assert found == theirs


@pytest.mark.parametrize("read", ["mainnet"], indirect=True)
def test_mainnet_equals_the_blocks_in_one_file(read: Read, real_data: Path, tmp_path: Path) -> None:
    pull(tmp_path / "l", BlockFiles(real_data / "bitcoin" / "blocks" / "0-438.dat"))
    plain = open_ledger(tmp_path / "l")
    for table in ("blocks", "transactions", "inputs", "outputs", "output_keys"):
        one, two = (ledger.table(table).collect() for ledger in (read.ledger, plain))
        key = [name for name in ("tx", "n", "k", "height") if name in one.columns]
        for column in one.columns:
            pair = [part.select(list(dict.fromkeys([*key, column]))) for part in (one, two)]
            assert digest_frame(pair[0]) == digest_frame(pair[1]), f"{table}.{column}"


def test_nothing_is_wrong_with_it(read: Read) -> None:
    assert check(read.ledger).ok
    assert set(read.ledger.outputs.collect()["script_kind"]) == KINDS[read.name]


def _lists(frame: pl.DataFrame, order: str) -> pl.DataFrame:
    return frame.sort("tx", order).group_by("tx", maintain_order=True).all()


def _known(value: int, script: str) -> tuple[int, str, bytes | None]:
    found = classify(bytes.fromhex(script))
    return value, found.kind, found.address
