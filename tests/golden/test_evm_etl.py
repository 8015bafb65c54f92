"""Answers of Ethereum nodes, and what ethereum-etl made of them: every row of it is found again.

A value of its table of token transfers is a number of tokens, or for ERC-721 the id of one; a
transfer of an amount that no column holds is compared by its hexadecimal form.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import polars as pl
import pytest

from chainwatch.chains.ethereum import ETHEREUM
from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.sources.evm.fees import rewards_of
from chainwatch.sources.evm.fields import Block, Header, Log
from chainwatch.sources.evm.logs import log_columns, read_logs
from chainwatch.sources.evm.source import EvmBlocks
from chainwatch.sources.evm.traces import (
    Call,
    movements,
    plain,
    read_debug,
    read_flat,
    tells_all,
)

FROM_TRANSACTIONS = "test_stream/blocks_17173049_17173050"
WITHDRAWN = "test_export_blocks_job/blocks_with_transactions_and_withdrawals"
TRACED = ("block_with_suicide", "block_with_create", "block_with_error", "block_with_subtraces")


@pytest.fixture
def etl(real_data: Path) -> Path:
    return real_data / "ethereum" / "etl"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def answer(folder: Path, begins: str) -> Any:
    """Return the result that a node gave, of the one file whose name begins so."""
    found = [path for path in sorted(folder.iterdir()) if path.name.startswith(begins)]
    assert len(found) == 1, (folder, begins)
    return json.loads(found[0].read_text())["result"]


def text(address: bytes | None) -> str | None:
    return None if address is None else "0x" + address[1:].hex()


def hexed(given: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Return fields of an export under the names of a node, numbers in hexadecimal."""
    made = {name: given.get(ours) for name, ours in names.items()}
    return {
        name: hex(value) if isinstance(value, int) else value
        for name, value in made.items() if value is not None
    }  # fmt: skip


BLOCK = {"number": "number", "hash": "hash", "parentHash": "parent_hash", "miner": "miner",
         "timestamp": "timestamp", "gasUsed": "gas_used", "difficulty": "difficulty",
         "size": "size", "baseFeePerGas": "base_fee_per_gas",
         "logsBloom": "logs_bloom"}  # fmt: skip
TX = {"hash": "hash", "transactionIndex": "transaction_index", "blockHash": "block_hash",
      "from": "from_address", "to": "to_address", "value": "value", "gasPrice": "gas_price",
      "type": "transaction_type"}  # fmt: skip
RECEIPT = {"transactionHash": "hash", "transactionIndex": "transaction_index",
           "blockHash": "block_hash", "gasUsed": "receipt_gas_used", "from": "from_address",
           "cumulativeGasUsed": "receipt_cumulative_gas_used", "status": "receipt_status",
           "contractAddress": "receipt_contract_address",
           "effectiveGasPrice": "receipt_effective_gas_price"}  # fmt: skip
LOG = {"logIndex": "log_index", "transactionHash": "transaction_hash", "address": "address",
       "transactionIndex": "transaction_index", "data": "data", "topics": "topics",
       "blockHash": "block_hash", "blockNumber": "block_number"}  # fmt: skip


class Replayed:
    """A node that answers from what was exported of two blocks of the main network."""

    def __init__(self, etl: Path) -> None:
        folder = etl / FROM_TRANSACTIONS
        withdrawn = {
            row["number"]: row["withdrawals"]
            for row in lines(etl / WITHDRAWN / "expected_blocks.json")
        }
        self.blocks = {one["number"]: one for one in lines(folder / "expected_blocks.json")}
        self.txs = lines(folder / "expected_transactions.json")
        self.logs = lines(folder / "expected_logs.json")
        self.withdrawals = {
            number: [{name: hex(value) if isinstance(value, int) else value
                      for name, value in one.items()} for one in listed]
            for number, listed in withdrawn.items()
        }  # fmt: skip

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        asked = json.loads(request.content)
        each = asked if isinstance(asked, list) else [asked]
        told = [self._reply(one) for one in each]
        return httpx2.Response(200, content=json.dumps(told if each is asked else told[0]))

    def _reply(self, one: dict[str, Any]) -> dict[str, Any]:
        if one["method"] in ("trace_block", "debug_traceBlockByNumber"):
            return {"id": one["id"], "error": {"code": -32601, "message": "method not found"}}
        return {"id": one["id"], "result": self._result(one["method"], one["params"])}

    def _result(self, method: str, params: list[Any]) -> Any:
        if method == "eth_chainId":
            return "0x1"
        if method == "eth_blockNumber":
            return hex(max(self.blocks))
        number = int(params[0], 16)
        mine = [tx for tx in self.txs if tx["block_number"] == number]
        if method == "eth_getBlockByNumber":
            return {**hexed(self.blocks[number], BLOCK), "uncles": [],
                    "transactions": [hexed(tx, TX) for tx in mine],
                    "withdrawals": self.withdrawals[number]}  # fmt: skip
        return [
            {**hexed(tx, RECEIPT), "logs": [hexed(log, LOG) for log in self.logs
                                            if log["transaction_hash"] == tx["hash"]]}
            for tx in mine
        ]  # fmt: skip


@pytest.fixture
def mainnet(etl: Path, tmp_path: Path) -> Ledger:
    """Return the ledger of blocks 17,173,049 and 17,173,050."""
    transport = httpx2.MockTransport(Replayed(etl).handle)
    source = EvmBlocks("https://n.example", chain="eth", per_second=1e9,
                       span=(17_173_049, 17_173_051), names=False,
                       transport=transport)  # fmt: skip
    pull(tmp_path / "l", source, progress=False)
    return open_ledger(tmp_path / "l")


def test_transactions_of_the_main_network(etl: Path, mainnet: Ledger) -> None:
    found = Counter(
        ("0x" + row["txid"].hex(), text(row["sender"]), text(row["receiver"]), int(row["amount"]),
         row["height"], row["tx"] % (1 << schema.POSITION_BITS), row["success"],
         int(row["time"].timestamp()))
        for row in mainnet.transfers.filter(pl.col("kind") == "native").collect().rows(named=True)
    )  # fmt: skip
    wanted = Counter(
        (tx["hash"], tx["from_address"], tx["to_address"] or tx["receipt_contract_address"],
         tx["value"], tx["block_number"], tx["transaction_index"], tx["receipt_status"] == 1,
         tx["block_timestamp"])
        for tx in lines(etl / FROM_TRANSACTIONS / "expected_transactions.json")
    )  # fmt: skip
    assert found == wanted
    assert found.total() == 298
    assert check(mainnet).ok


def test_fees_of_the_main_network(etl: Path, mainnet: Ledger) -> None:
    """What a transaction pays in fees is its gas at its price; the base fee of it is burnt."""
    blocks = {one["number"]: one for one in lines(etl / FROM_TRANSACTIONS / "expected_blocks.json")}
    wanted = {}
    for tx in lines(etl / FROM_TRANSACTIONS / "expected_transactions.json"):
        base, gas = blocks[tx["block_number"]]["base_fee_per_gas"], tx["receipt_gas_used"]
        wanted[tx["hash"]] = (gas * tx["receipt_effective_gas_price"], gas * base)
    fees = mainnet.transfers.filter(pl.col("kind").is_in(["fee", "fee_burnt"])).collect()
    paid: dict[str, int] = {}
    burnt: dict[str, int] = {}
    for row in fees.rows(named=True):
        name = "0x" + row["txid"].hex()
        paid[name] = paid.get(name, 0) + int(row["amount"])
        if row["kind"] == "fee_burnt":
            burnt[name] = int(row["amount"])
    assert {name: (paid[name], burnt[name]) for name in paid} == wanted


def told(transfers: pl.DataFrame) -> Counter[tuple[Any, ...]]:
    """Return transfers of tokens as ethereum-etl lists them."""
    kinds = pl.col("kind").str.contains("^erc(20|721)")
    return Counter(
        (text(row["contract"]), text(row["sender"]), text(row["receiver"]), value(row),
         "0x" + row["txid"].hex(), row["log_index"], row["height"])
        for row in transfers.filter(kinds).rows(named=True)
    )  # fmt: skip


def value(row: dict[str, Any]) -> int:
    if row["token_id"] is not None:
        return int(row["token_id"])
    return int(row["amount_hex"], 16) if row["amount"] is None else int(row["amount"])


def listed(given: Iterable[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    return Counter(
        (one["token_address"], one["from_address"], one["to_address"], int(one["value"]),
         one["transaction_hash"], int(one["log_index"]), int(one["block_number"]))
        for one in given
    )  # fmt: skip


def test_token_transfers_of_the_main_network(etl: Path, mainnet: Ledger) -> None:
    wanted = listed(lines(etl / FROM_TRANSACTIONS / "expected_token_transfers.json"))
    assert told(mainnet.transfers.collect()) == wanted
    assert wanted.total() == 291


def test_withdrawals_of_the_main_network(etl: Path, mainnet: Ledger) -> None:
    rows = mainnet.transfers.filter(pl.col("kind") == "withdrawal").collect()
    found = Counter(
        (text(row["receiver"]), int(row["amount"]), row["trace_path"])
        for row in rows.rows(named=True)
    )
    wanted = Counter(
        (one["address"], one["amount"] * 10**9, str(one["index"]))
        for block in lines(etl / WITHDRAWN / "expected_blocks.json")
        for one in block["withdrawals"]
    )
    assert found == wanted
    assert found


def of_logs(given: list[dict[str, Any]]) -> pl.DataFrame:
    logs = msgspec.convert(given, list[Log])
    columns = log_columns(logs, "a file")
    then = datetime(2023, 5, 2, tzinfo=UTC)
    times = dict.fromkeys(columns["height"].to_list(), then)
    return read_logs(columns, ETHEREUM, times, {}).transfers


def test_token_transfers_of_logs(etl: Path) -> None:
    folder = etl / "test_extract_token_transfers_job" / "logs"
    given = [
        {**hexed({**row, **{name: int(row[name]) for name in ("log_index", "transaction_index",
                                                            "block_number")}}, LOG),
         "topics": row["topics"].split(",")}
        for row in rows(folder / "logs.csv")
    ]  # fmt: skip
    assert told(of_logs(given)) == listed(rows(folder / "expected_token_transfers.csv"))
    folder = etl / "test_export_token_transfers_job" / "block_with_transfers"
    filtered = answer(folder, "web3_response.eth_getFilterLogs")
    assert told(of_logs(filtered)) == listed(rows(folder / "expected_token_transfers.csv"))


def test_receipts_and_their_logs(etl: Path) -> None:
    """Logs as columns hold what ethereum-etl lists of them, topic by topic."""
    folder = etl / "test_export_receipts_job" / "receipts_with_logs"
    receipts = [json.loads(path.read_text())["result"]
                for path in sorted(folder.glob("web3_response*"))]  # fmt: skip
    logs = msgspec.convert([log for one in receipts for log in one["logs"]], list[Log])
    columns = log_columns(logs, "a file")
    found = {
        (row["log_index"], "0x" + row["txid"].hex(), row["tx_index"], row["height"],
         text(row["contract"]), row["event"] + row["words"])
        for row in columns.rows(named=True)
    }  # fmt: skip
    wanted = {
        (int(row["log_index"]), row["transaction_hash"], int(row["transaction_index"]),
         int(row["block_number"]), row["address"],
         "".join(topic[2:] for topic in row["topics"].split(",")) + row["data"][2:])
        for row in rows(folder / "expected_logs.csv")
    }  # fmt: skip
    assert found == wanted
    assert found


def trees(etl: Path, name: str, way: str) -> list[tuple[str, Call]]:
    """Return the calls of each transaction of a block, by its id where the node tells it."""
    if way == "flat":
        raw = answer(etl / "test_export_traces_job" / name, "web3_response.trace_block")
        ids = list(dict.fromkeys(one["transactionHash"] for one in raw if one["transactionHash"]))
        block = raw[0]["blockHash"]
        made = read_flat(json.dumps(raw).encode(), ids, block, "a file")
    else:
        raw = answer(etl / "test_extract_geth_traces_job" / name, "web3_response.debug_trace")
        ids = [""] * len(raw)
        made = read_debug(json.dumps(raw).encode(), ids, "a file")
    return list(zip(ids, made, strict=True))


@pytest.mark.parametrize("name", TRACED)
@pytest.mark.parametrize("way", ["flat", "nested"])
def test_traces(etl: Path, name: str, way: str) -> None:
    """Every call that ethereum-etl lists stands at its place, with parties, value and failure."""
    job = "test_export_traces_job" if way == "flat" else "test_extract_geth_traces_job"
    wanted = Counter(
        (int(row["transaction_index"]), row["trace_address"].replace(",", "."),
         row["from_address"], row["to_address"] or None, int(row["value"] or 0),
         bool(row["error"]))
        for row in rows(etl / job / name / "expected_traces.csv") if row["trace_type"] != "reward"
    )  # fmt: skip
    found = Counter(
        (number, ".".join(map(str, path)), call.sender, call.receiver or None, call.value,
         call.failed)
        for number, (_, root) in enumerate(trees(etl, name, way)) for path, call in plain(root)
    )  # fmt: skip
    assert found == wanted


@pytest.mark.parametrize("name", TRACED[1:])
def test_both_forms_of_traces_give_the_same_movements(etl: Path, name: str) -> None:
    flat, nested = (
        [movements(root, "a file", burns=True) for _, root in trees(etl, name, way)]
        for way in ("flat", "nested")
    )
    assert flat == nested


def test_a_contract_that_ended_left_its_coins_to_somebody(etl: Path) -> None:
    """Nodes of that time that nest their calls do not tell to whom; those that list them do."""
    [(_, listed), (_, nested)] = (
        trees(etl, "block_with_suicide", way)[0] for way in ("flat", "nested")
    )
    assert tells_all(listed)
    assert not tells_all(nested)
    [left] = movements(listed, "a file", burns=True)
    assert (left.path, left.amount, left.success) == ("0", 5 * 10**16, True)
    assert text(left.receiver) == "0x83973747eec131bf9a08ac64fb1a518e891bdf4b"


def test_rewards_are_those_that_a_node_traces(etl: Path) -> None:
    moves = ETHEREUM.moves
    assert moves is not None
    for name in TRACED:
        raw = answer(etl / "test_export_traces_job" / name, "web3_response.trace_block")
        given = [one["action"] for one in raw if one["type"] == "reward"]
        height = raw[0]["blockNumber"]
        [block, *uncles] = given
        empty = {"hash": "", "parentHash": "", "timestamp": "0x0", "gasUsed": "0x0"}
        deep = [height - 8 + int(one["value"], 16) * 8 // moves.reward(height)
                for one in uncles]  # fmt: skip
        made = rewards_of(
            msgspec.convert({**empty, "number": hex(height), "miner": block["author"],
                             "difficulty": "0x1"}, Block),
            [msgspec.convert({**empty, "number": hex(at), "miner": one["author"]}, Header)
             for at, one in zip(deep, uncles, strict=True)],
            moves, "a file",
        )  # fmt: skip
        assert [(text(one.receiver), one.amount) for one in made] == [
            (one["author"], int(one["value"], 16)) for one in given
        ]
