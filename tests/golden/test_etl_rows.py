"""Rows that bitcoin-etl is expected to export, reproduced from node answers and from themselves.

Every field that a row has is compared. Two things stand in no ledger and are taken from the
node's raw transaction instead: the script of an input (``script_hex``) and texts of scripts
(``script_asm``), which say the same again.

Where an export is wrong by design, the test says so by doing the same here: it counts an input
whose value it does not know as nothing, so that fees come out negative, and it writes an address
for outputs that pay a key, which have none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from Crypto.Hash import RIPEMD160
from node_answers import block_of_answer

from chainwatch.addresses.canonical import text, txid_text
from chainwatch.addresses.scripts import script_of
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import ChainError
from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.sources.bitcoin_etl.source import EtlJson
from chainwatch.sources.block_files import BlockFiles

SUPPORTED = {"bitcoin": "btc", "bitcoin_cash": "bch", "dogecoin": "doge"}
CASES = (
    "bitcoin/block_0", "bitcoin/block_1", "bitcoin/block_with_transactions",
    "bitcoin/block_without_transactions", "bitcoin/stream_50001_50002",
    "bitcoin_cash/block_with_duplicate_txid",
    "dogecoin/block_with_float_precision_loss", "dogecoin/block_without_transactions",
)  # fmt: skip
UNSUPPORTED = ("zcash/block_0", "zcash/block_with_shielded_addresses",
               "zcash/block_with_value_balance")  # fmt: skip
"""Zcash is none of our chains: its headers, hashes and shielded values are of another kind."""

WITHOUT_ANSWERS = {"dogecoin/block_with_float_precision_loss"}
"""The node's answers are not there, only the rows expected of them."""

TYPES = {
    "p2pk": "pubkey", "p2pkh": "pubkeyhash", "p2sh": "scripthash", "multisig": "multisig",
    "null_data": "nulldata", "nonstandard": "nonstandard", "p2wpkh": "witness_v0_keyhash",
    "p2wsh": "witness_v0_scripthash", "p2tr": "witness_v1_taproot",
}  # fmt: skip


@pytest.fixture(scope="module")
def root(real_data: Path) -> Path:
    return real_data / "bitcoin" / "etl" / "test_export_blocks_job"


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def test_the_lists_are_complete(root: Path) -> None:
    found = {f"{path.parent.name}/{path.name}" for path in root.glob("*/*") if path.is_dir()}
    assert found == {*CASES, *UNSUPPORTED}


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_zcash_is_refused_by_name(case: str, root: Path) -> None:
    paths = [root / case / f"expected_{name}.json" for name in ("transactions", "blocks")]
    assert all(path.is_file() for path in paths)
    with pytest.raises(ChainError, match="unknown chain 'zec'"):
        EtlJson(*paths, chain="zec")


def answers(folder: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yield each whole block that a node answered, with its bytes put together again."""
    raw = {
        item["txid"]: item
        for path in folder.glob("rpc_response_getrawtransaction_*.json")
        for item in [json.loads(path.read_text())]
    }
    for path in sorted(folder.glob("rpc_response_getblock_*.json")):
        answer = json.loads(path.read_text())
        if answer["tx"]:  # one made-up answer without transactions only tells the chain's length
            yield answer, block_of_answer(answer, raw)


def from_answers(case: str, root: Path, folder: Path) -> Ledger:
    paths = []
    for answer, block in answers(root / case):
        paths.append(folder / f"{answer['height']}.raw")
        paths[-1].write_bytes(block)
    first = min(int(path.stem) for path in paths)
    pull(folder / "l", BlockFiles(paths, SUPPORTED[case.split("/")[0]], height=first))
    return open_ledger(folder / "l")


def from_export(case: str, root: Path, folder: Path) -> Ledger:
    paths = [root / case / f"expected_{name}.json" for name in ("transactions", "blocks")]
    pull(folder / "l", EtlJson(*paths, chain=SUPPORTED[case.split("/")[0]]))
    return open_ledger(folder / "l")


def etl_block(row: dict[str, Any], weights: list[int], sizes: list[int]) -> dict[str, Any]:
    """Return a row of ``blocks`` as bitcoin-etl writes it."""
    stripped = row["size"] - sum((4 * size - weight) // 3 for size, weight in
                                 zip(sizes, weights, strict=True))  # fmt: skip
    return {
        "hash": row["hash"][::-1].hex(), "size": row["size"], "stripped_size": stripped,
        "weight": 3 * stripped + row["size"], "number": row["height"], "version": row["version"],
        "merkle_root": row["merkle_root"][::-1].hex(), "timestamp": int(row["time"].timestamp()),
        "nonce": f"{row['nonce']:x}", "bits": f"{row['bits']:08x}",
        "coinbase_param": row["coinbase"].hex(), "transaction_count": row["tx_count"],
    }  # fmt: skip


def etl_transaction(row: dict[str, Any], ledger: Ledger, chain: Chain) -> dict[str, Any]:
    """Return a row of ``transactions`` as bitcoin-etl writes it, from the rows of a ledger."""
    at = pl.col("tx") == row["tx"]
    inputs = [
        {
            "index": item["n"],
            "spent_transaction_hash": txid_text(item["prev_txid"], chain),
            "spent_output_index": item["prev_n"],
            "sequence": item["sequence"],
            "value": item["value"],
            "type": TYPES.get(item["script_kind"] or ""),
            "required_signatures": None if item["value"] is None else 1,
        }
        for item in ledger.inputs.filter(at).sort("n").collect().iter_rows(named=True)
    ]
    outputs = [
        etl_output(item, ledger, chain)
        for item in ledger.outputs.filter(at).sort("n").collect().iter_rows(named=True)
    ]
    known = sum(item["value"] or 0 for item in inputs)
    return {
        "hash": txid_text(row["txid"], chain), "size": row["size"],
        "virtual_size": (row["weight"] + 3) // 4, "version": row["version"],
        "lock_time": row["locktime"], "block_number": row["height"],
        "block_hash": row["block"][::-1].hex(), "block_timestamp": int(row["time"].timestamp()),
        "is_coinbase": row["coinbase"], "index": row["position"], "inputs": inputs,
        "outputs": outputs, "input_count": row["input_count"],
        "output_count": row["output_count"], "input_value": known,
        "output_value": row["output_value"],
        "fee": 0 if row["coinbase"] else known - row["output_value"],
    }  # fmt: skip


def etl_output(item: dict[str, Any], ledger: Ledger, chain: Chain) -> dict[str, Any]:
    script = item["script"] if item["address"] is None else script_of(item["address"])
    address = item["address"]
    if item["script_kind"] == "p2pk":
        at = (pl.col("tx") == item["tx"]) & (pl.col("n") == item["n"])
        key = ledger.output_keys.filter(at).collect()["key"][0]
        address = b"\x01" + RIPEMD160.new(hashlib.sha256(key).digest()).digest()
    return {
        "index": item["n"], "value": item["value"], "type": TYPES[item["script_kind"]],
        "script_hex": script.hex(), "required_signatures": 1,
        "addresses": [text(address, chain)],
    }  # fmt: skip


def agree(expected: dict[str, Any], ours: dict[str, Any], unknown: set[str]) -> int:
    """Compare every field of a row; return how many were. A null that we know is no error."""
    count = 0
    for name, value in expected.items():
        if name in ("item_id", *unknown):
            continue
        if name in ("inputs", "outputs"):
            assert len(value) == len(ours[name])
            for theirs, mine in zip(value, ours[name], strict=True):
                count += agree(theirs, mine, unknown)
        elif name == "type" and value in ("block", "transaction"):
            continue
        elif value is not None:
            assert ours[name] == value, f"{name}: {ours[name]!r} for {value!r}"
            count += 1
        else:
            assert name in ours
    return count


NOT_IN_A_LEDGER = {"script_asm", "script_hex", "addresses"}
"""Of inputs. Their scripts are compared below; the addresses that are expected of them here are
all of keys, which have none in a ledger."""


def compare(case: str, root: Path, ledger: Ledger) -> tuple[int, int]:
    """Compare a case; return the blocks that the ledger lacks and the fields compared."""
    chain = chain_of(SUPPORTED[case.split("/")[0]])
    txs = {
        (row["block"][::-1].hex(), txid_text(row["txid"], chain)): row
        for row in ledger.transactions.collect().iter_rows(named=True)
    }
    blocks = {row["hash"][::-1].hex(): row for row in ledger.blocks.collect().iter_rows(named=True)}
    count = lacking = 0
    for expected in rows(root / case / "expected_blocks.json"):
        inside = [row for (block, _), row in txs.items() if block == expected["hash"]]
        if expected["hash"] not in blocks:
            lacking += 1
            continue
        sizes, weights = ([row[name] for row in inside] for name in ("size", "weight"))
        count += agree(expected, etl_block(blocks[expected["hash"]], weights, sizes), set())
    for expected in rows(root / case / "expected_transactions.json"):
        ours = etl_transaction(txs[expected["block_hash"], expected["hash"]], ledger, chain)
        theirs = {**expected, "inputs": [
            {k: v for k, v in item.items() if k not in NOT_IN_A_LEDGER}
            for item in expected["inputs"]
        ]}  # fmt: skip
        count += agree(theirs, ours, {"script_asm"})
    assert len(txs) == len(rows(root / case / "expected_transactions.json"))
    return lacking, count


ENRICHED = {"bitcoin/stream_50001_50002"}
"""Exports that state what inputs spend: to know it from blocks takes those that were spent."""


@pytest.mark.parametrize("case", [case for case in CASES if case not in WITHOUT_ANSWERS])
def test_rows_from_node_answers(case: str, root: Path, tmp_path: Path) -> None:
    ledger = from_answers(case, root, tmp_path)
    if case in ENRICHED:
        ledger = with_spent(ledger, root / case)
    lacking, count = compare(case, root, ledger)
    assert lacking == 0
    assert count > 25


def with_spent(ledger: Ledger, folder: Path) -> Ledger:
    """Fill in what inputs spend from the transactions that the node was asked for besides."""
    spent: dict[tuple[bytes, int], tuple[int, str]] = {}
    for path in folder.glob("rpc_response_getrawtransaction_*.json"):
        answer = json.loads(path.read_text(), parse_float=lambda digits: digits)
        for out in answer["vout"]:
            whole, _, part = str(out["value"]).partition(".")
            value = int(whole) * 10**8 + int(part.ljust(8, "0"))
            kind = {"pubkey": "p2pk", "pubkeyhash": "p2pkh"}[out["scriptPubKey"]["type"]]
            spent[bytes.fromhex(answer["txid"])[::-1], out["n"]] = (value, kind)
    inputs = ledger.inputs.collect()
    known = [spent[key] for key in inputs.select("prev_txid", "prev_n").iter_rows()]
    filled = inputs.with_columns(
        pl.Series("value", [value for value, _ in known], pl.Int64),
        pl.Series("script_kind", [kind for _, kind in known], pl.String),
    )
    tables = {table.name: ledger.table(table.name).collect() for table in schema.TABLES}
    return Ledger.from_tables({**tables, "inputs": filled})


@pytest.mark.parametrize("case", CASES)
def test_rows_from_the_export_itself(case: str, root: Path, tmp_path: Path) -> None:
    """Read as a source and written again. The lowest block lacks its parent, and so its row."""
    ledger = from_export(case, root, tmp_path)
    lacking, count = compare(case, root, ledger)
    assert lacking == (0 if case in ("bitcoin/block_0", "bitcoin/block_1") else 1)
    assert count > 15
    assert check(ledger).ok


@pytest.mark.parametrize("case", [case for case in CASES if case not in WITHOUT_ANSWERS])
def test_scripts_of_inputs_in_node_answers(case: str, root: Path) -> None:
    """The one field that only raw transactions hold: script_hex of each input."""
    expected = {tx["hash"]: tx for tx in rows(root / case / "expected_transactions.json")}
    for _, block in answers(root / case):
        for txid, scripts in input_scripts(block):
            spent = expected[txid]["inputs"]
            assert [item["script_hex"] for item in spent] == (scripts if spent else [])
            assert spent or expected[txid]["is_coinbase"]


def input_scripts(block: bytes) -> Iterator[tuple[str, list[str]]]:
    """Yield txid and input scripts of a block without witnesses, read apart from our parser."""
    at = 81
    for _ in range(block[80]):
        start, scripts = at, []
        at += 4
        count, at = block[at], at + 1
        for _ in range(count):
            length = block[at + 36]
            scripts.append(block[at + 37 : at + 37 + length].hex())
            at += 37 + length + 4
        count, at = block[at], at + 1
        for _ in range(count):
            at += 9 + block[at + 8]
        at += 4
        whole = hashlib.sha256(hashlib.sha256(block[start:at]).digest()).digest()
        yield whole[::-1].hex(), scripts


def test_the_same_txid_in_two_blocks_of_bitcoin_cash(root: Path, tmp_path: Path) -> None:
    """The node names the later block; the coinbase of 91,722 is there, and cannot be spent."""
    case = "bitcoin_cash/block_with_duplicate_txid"
    for number, make in enumerate((from_answers, from_export)):
        (tmp_path / str(number)).mkdir()
        ledger = make(case, root, tmp_path / str(number))
        row = ledger.transactions.collect().row(0, named=True)
        assert row["height"] == 91_722
        assert row["block"][::-1].hex().endswith("6dc6955e5a6c6cdf3f2574dd08e")
        assert ledger.outputs.collect()["spendable"].to_list() == [False]


def test_large_amounts_of_dogecoin_are_exact(root: Path, tmp_path: Path) -> None:
    """As coins in floating point, some of them come back with another last digit."""
    case = "dogecoin/block_with_float_precision_loss"
    values = from_export(case, root, tmp_path).outputs.collect()["value"].to_list()
    expected = [
        out["value"] for tx in rows(root / case / "expected_transactions.json")
        for out in tx["outputs"]
    ]  # fmt: skip
    assert sorted(values) == sorted(expected)
    assert any(int(value / 1e8 * 1e8) != value for value in expected)
