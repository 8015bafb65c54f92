"""Answers that every Ethereum client must give, decoded and compared field by field.

The files are those of the execution APIs: a question and its answer a line, on one small chain.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import polars as pl
import pytest
from msgspec import Struct
from msgspec.structs import fields

from chainwatch.chains.catalogue import chain
from chainwatch.ingest.pull import pull
from chainwatch.ledger.ledger import open_ledger
from chainwatch.sources.evm.delegations import signer
from chainwatch.sources.evm.fields import (
    Block,
    Header,
    Log,
    Receipt,
    Transaction,
    decoded,
)
from chainwatch.sources.evm.logs import log_columns
from chainwatch.sources.evm.source import EvmBlocks

FORMS: dict[str, Any] = {
    "eth_getBlockByHash": Block, "eth_getBlockByNumber": Block,
    "eth_getBlockReceipts": list[Receipt], "eth_getLogs": list[Log],
    "eth_getTransactionByBlockHashAndIndex": Transaction,
    "eth_getTransactionByBlockNumberAndIndex": Transaction,
    "eth_getTransactionByHash": Transaction, "eth_getTransactionReceipt": Receipt,
}  # fmt: skip
"""Questions whose answers become rows, and their forms."""

CHAIN_ID = 0xC72DD9D5E883E


@pytest.fixture
def given(real_data: Path) -> Path:
    return real_data / "ethereum" / "execution_apis"


def answers(folder: Path, *methods: str) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield each question and its answer."""
    for method in methods:
        for path in sorted((folder / method).glob("*.io")):
            asked: dict[str, Any] = {}
            for line in path.read_text().splitlines():
                if line.startswith(">> "):
                    asked = json.loads(line[3:])
                elif line.startswith("<< "):
                    yield asked, json.loads(line[3:])


def compare(made: Any, raw: Any) -> int:
    """Compare every field of a structure with the JSON that it was decoded from; count them."""
    if isinstance(made, list):
        assert isinstance(raw, list)
        assert len(made) == len(raw)
        return sum(compare(one, other) for one, other in zip(made, raw, strict=True))
    if isinstance(made, Struct):
        assert isinstance(raw, dict)
        return sum(
            compare(getattr(made, one.name), raw[one.encode_name])
            for one in fields(made)
            if one.encode_name in raw
        )
    assert made == raw
    return 1


def test_every_answer_that_becomes_rows(given: Path) -> None:
    compared, kinds = 0, set()
    for asked, answer in answers(given, *FORMS):
        result = answer.get("result")
        if result is None:
            continue
        form = FORMS[asked["method"]]
        if form is Block and not asked["params"][1]:
            form = Header
        made = decoded(json.dumps(result).encode(), form, asked["method"])
        compared += compare(made, result)
        kinds.add(asked["method"])
    assert kinds == set(FORMS)
    assert compared > 400


def test_refusals_are_told(given: Path, tmp_path: Path) -> None:
    """What the node refuses is said in its own words."""
    from chainwatch.sources.evm.rpc import EvmRefused, EvmRpc

    seen = 0
    for asked, answer in answers(given, "eth_getLogs", "debug_traceBlockByNumber"):
        if "error" not in answer:
            continue
        transport = httpx2.MockTransport(
            lambda _, told=answer: httpx2.Response(200, content=json.dumps({**told, "id": 0}))
        )
        rpc = EvmRpc("https://n.example", source="test", headers=None, own=None, per_second=1e9,
                     timeout=5.0, attempts=1, transport=transport)  # fmt: skip
        found = rpc.each([(asked["method"], asked["params"])])[0]
        assert isinstance(found, EvmRefused)
        assert found.code == answer["error"]["code"]
        assert found.said[:20] == answer["error"]["message"][:20]
        seen += 1
    assert seen >= 3


def test_logs_become_columns(given: Path) -> None:
    for _, answer in answers(given, "eth_getLogs"):
        raw = answer.get("result")
        if not raw:
            continue
        columns = log_columns(msgspec.convert(raw, list[Log]), "a file").rows(named=True)
        for row, one in zip(columns, raw, strict=True):
            assert "0x" + row["contract"][1:].hex() == one["address"]
            topics = "".join(topic[2:] for topic in one["topics"])
            assert (row["event"] or "") + row["words"] == topics + one["data"][2:]
            assert row["log_index"] == int(one["logIndex"], 16)
            assert row["height"] == int(one["blockNumber"], 16)
            assert "0x" + row["txid"].hex() == one["transactionHash"]


def test_delegations_are_signed_by_whom_the_chain_says(given: Path) -> None:
    """The account whose code the chain shows as delegated is the one that the signature gives."""
    [(asked, code)] = [
        (asked, answer["result"]) for asked, answer in answers(given, "eth_getCode")
        if str(answer.get("result", "")).startswith("0xef0100")
    ]  # fmt: skip
    account = asked["params"][0].lower()
    signed = [
        one
        for _, answer in answers(given, "eth_getTransactionByHash")
        if answer.get("result")
        for one in msgspec.convert(answer["result"], Transaction).authorizations or ()
    ]
    assert signed
    network = chain(f"eip155:{CHAIN_ID}")
    owners = {(signer(one, network, "a file") or b"")[1:].hex(): one.address for one in signed}
    assert owners[account[2:]][2:] == code[8:]


def test_a_block_with_its_receipts_becomes_rows(given: Path, tmp_path: Path) -> None:
    """Blocks whose transactions and receipts the files have are read as from a node."""
    receipts = {asked["params"][0]: answer.get("result")
                for asked, answer in answers(given, "eth_getBlockReceipts")}  # fmt: skip
    listed = [rows for rows in receipts.values() if rows]
    assert listed
    for rows in listed:
        block = _block_of(given, rows)
        if block is None:
            continue
        transport = httpx2.MockTransport(_node(block, rows))
        at = int(block["number"], 16)
        source = EvmBlocks("https://n.example", chain=f"eip155:{CHAIN_ID}", per_second=1e9,
                           span=(at, at + 1), tracer="none", names=False,
                           transport=transport)  # fmt: skip
        pull(tmp_path / str(at), source, progress=False)
        ledger = open_ledger(tmp_path / str(at))
        native = ledger.transfers.filter(pl.col("kind") == "native").collect()
        assert native["txid"].to_list() == [bytes.fromhex(row["transactionHash"][2:])
                                            for row in rows]  # fmt: skip


def _block_of(given: Path, rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    for _, answer in answers(given, "eth_getBlockByHash", "eth_getBlockByNumber"):
        block = answer.get("result")
        if block and block["hash"] == rows[0]["blockHash"]:
            full = block["transactions"] and isinstance(block["transactions"][0], dict)
            return block if full else None
    return None


def _node(block: dict[str, Any], rows: list[dict[str, Any]]) -> Any:
    told = {"eth_chainId": hex(CHAIN_ID), "eth_blockNumber": block["number"],
            "eth_getBlockByNumber": block, "eth_getBlockReceipts": rows}  # fmt: skip

    def handle(request: httpx2.Request) -> httpx2.Response:
        asked = json.loads(request.content)
        each = asked if isinstance(asked, list) else [asked]
        made = [{"id": one["id"], "result": told[one["method"]]} for one in each]
        return httpx2.Response(200, content=json.dumps(made if each is asked else made[0]))

    return handle
