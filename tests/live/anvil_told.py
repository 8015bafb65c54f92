"""What a development node says, told as explorers list it and as ethereum-etl exports it.

It reads the node's raw JSON-RPC and knows nothing of chainwatch. Explorers are the servers of
``explorer_site``; tables have the columns that ethereum-etl documents.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evm_contracts import DEPOSIT, TRANSFER, WITHDRAWAL
from explorer_site import Inside

Row = dict[str, Any]
NOBODY = "0x" + "00" * 20
STATUS = {True: 1, False: 0}


@dataclass
class Chain:
    """All that a node says of its chain."""

    blocks: list[Row]
    receipts: list[list[Row]]
    traces: list[list[Row]]
    names: dict[str, tuple[str, int]]

    @classmethod
    def read(cls, node: Any, tokens: tuple[str, ...]) -> Chain:
        """Ask a node for everything; ``tokens`` are asked for their names."""
        heights = [hex(height) for height in range(node.height + 1)]
        return cls(
            [node("eth_getBlockByNumber", height, True) for height in heights],
            [node("eth_getBlockReceipts", height) for height in heights],
            [node("trace_block", height) if int(height, 16) else [] for height in heights],
            {token: _named(node, token) for token in tokens},
        )

    def transactions(self) -> list[tuple[Row, Row, Row]]:
        """Return each transaction with its block and its receipt."""
        return [
            (block, tx, receipt)
            for block, receipts in zip(self.blocks, self.receipts, strict=True)
            for tx, receipt in zip(block["transactions"], receipts, strict=True)
        ]

    def calls(self, txid: str) -> list[Row]:
        """Return the lines of the trace of a transaction, each with whether it took effect."""
        lines = [one for block in self.traces for one in block if one["transactionHash"] == txid]
        failed = [tuple(one["traceAddress"]) for one in lines if one.get("error")]
        for one in lines:
            place = tuple(one["traceAddress"])
            one["ok"] = not any(place[: len(above)] == above for above in failed)
        return lines

    def everybody(self) -> list[str]:
        """Return every address that a transaction, a call or a transfer names."""
        found: set[str] = set()
        for _, tx, receipt in self.transactions():
            for line in self.calls(tx["hash"]):
                found |= set(parties(line)[:2])
            for log in receipt["logs"]:
                told = moved(log)
                found |= set(told[1:3]) if told else set()
        return sorted(one for one in found if one)


def _named(node: Any, token: str) -> tuple[str, int]:
    text = bytes.fromhex(node("eth_call", {"to": token, "data": "0x95d89b41"}, "latest")[2:])
    number = node("eth_call", {"to": token, "data": "0x313ce567"}, "latest")
    return text[64 : 64 + int.from_bytes(text[32:64], "big")].decode(), int(number, 16)


def parties(line: Row) -> tuple[str, str | None, int]:
    """Return of a line of a trace who paid, who was paid, and how much."""
    action = line["action"]
    if line["type"] == "suicide":
        return action["address"], action["refundAddress"], int(action["balance"], 16)
    made = (line.get("result") or {}).get("address") if line["type"] == "create" else None
    return action["from"], made or action.get("to"), int(action["value"], 16)


def moved(log: Row) -> tuple[str, str, str, int] | None:
    """Return the event of a log, who paid, who was paid and how much; None of other events."""
    event, *words = (topic[2:] for topic in log["topics"])
    amount = int(log["data"][2:] or "0", 16)
    people = ["0x" + one[24:] for one in words]
    if event == TRANSFER:
        return "Transfer", people[0], people[1], amount
    if event == DEPOSIT:
        return "Deposit", NOBODY, people[0], amount
    if event == WITHDRAWAL:
        return "Withdrawal", people[0], NOBODY, amount
    return None


@dataclass
class ToldWorld:
    """A chain in the form of ``explorer_site.EvmWorld``."""

    chain: Chain
    transactions: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        for block, tx, receipt in self.chain.transactions():
            self.transactions.append({
                "hash": tx["hash"], "height": int(block["number"], 16),
                "index": int(tx["transactionIndex"], 16), "from": tx["from"], "to": tx["to"],
                "value": int(tx["value"], 16), "ok": receipt["status"] == "0x1",
                "inside": self._inside(tx["hash"]), "tokens": self._tokens(receipt),
                "creates": receipt["contractAddress"] if tx["to"] is None else None,
            })  # fmt: skip

    def _inside(self, txid: str) -> list[Inside]:
        found = []
        for line in self.chain.calls(txid):
            sender, to, value = parties(line)
            if line["traceAddress"] and to:
                kind = line["action"].get("callType") or line["type"]
                path = "_".join(map(str, line["traceAddress"]))
                found.append(Inside(sender, to, value, path, kind, line["ok"]))
        return found

    def _tokens(self, receipt: Row) -> list[Row]:
        found = []
        for log in receipt["logs"]:
            told = moved(log)
            if told:
                event, sender, to, amount = told
                named = self.chain.names.get(log["address"], ("", ""))
                found.append({
                    "log": int(log["logIndex"], 16), "event": event, "named": named,
                    "told": ("erc20", log["address"], sender, to, amount),
                })  # fmt: skip
        return found

    @property
    def height(self) -> int:
        return len(self.chain.blocks) - 1

    def time(self, height: int) -> int:
        return int(self.chain.blocks[height]["timestamp"], 16)

    def block(self, height: int) -> Row:
        names = ("number", "hash", "timestamp")
        return {name: self.chain.blocks[height][name] for name in names}


def dump(chain: Chain, folder: Path) -> dict[str, Path]:
    """Write transactions, receipts, logs, token transfers and traces as ethereum-etl does."""
    tables: dict[str, list[Row]] = {
        "transactions": [], "receipts": [], "token_transfers": [], "traces": [], "logs": [],
    }  # fmt: skip
    for block, tx, receipt in chain.transactions():
        at = {"block_number": int(block["number"], 16),
              "transaction_index": int(tx["transactionIndex"], 16)}  # fmt: skip
        tables["transactions"].append({
            "hash": tx["hash"], "nonce": int(tx["nonce"], 16), "block_hash": block["hash"], **at,
            "from_address": tx["from"], "to_address": tx["to"] or "",
            "value": int(tx["value"], 16), "gas": int(tx["gas"], 16),
            "gas_price": int(tx["gasPrice"], 16), "input": tx["input"],
            "block_timestamp": int(block["timestamp"], 16),
        })  # fmt: skip
        tables["receipts"].append({
            "transaction_hash": tx["hash"], "transaction_index": at["transaction_index"],
            "block_hash": block["hash"], "block_number": at["block_number"],
            "cumulative_gas_used": int(receipt["cumulativeGasUsed"], 16),
            "gas_used": int(receipt["gasUsed"], 16),
            "contract_address": receipt["contractAddress"] or "", "root": "",
            "status": int(receipt["status"], 16),
            "effective_gas_price": int(receipt["effectiveGasPrice"], 16),
        })  # fmt: skip
        tables["token_transfers"] += _token_rows(receipt, at["block_number"])
        tables["logs"] += [
            {"log_index": int(log["logIndex"], 16), "transaction_hash": tx["hash"],
             "transaction_index": at["transaction_index"], "block_hash": block["hash"],
             "block_number": at["block_number"], "address": log["address"], "data": log["data"],
             "topics": ",".join(log["topics"])}
            for log in receipt["logs"]
        ]  # fmt: skip
        tables["traces"] += _trace_rows(chain.calls(tx["hash"]), at)
    made = {}
    for name, rows in tables.items():
        made[name] = folder / f"{name}.csv"
        with made[name].open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return made


def _token_rows(receipt: Row, height: int) -> list[Row]:
    told = [(log, moved(log)) for log in receipt["logs"]]
    return [
        {"token_address": log["address"], "from_address": one[1], "to_address": one[2],
         "value": one[3], "transaction_hash": log["transactionHash"],
         "log_index": int(log["logIndex"], 16), "block_number": height}
        for log, one in told if one and one[0] == "Transfer"
    ]  # fmt: skip


def _trace_rows(lines: list[Row], at: Row) -> list[Row]:
    rows = []
    for line in lines:
        sender, to, value = parties(line)
        place = ",".join(map(str, line["traceAddress"]))
        result = line.get("result") or {}
        kind = line["action"].get("callType") or line["type"]
        rows.append({
            "block_number": at["block_number"], "transaction_hash": line["transactionHash"],
            "transaction_index": at["transaction_index"], "from_address": sender,
            "to_address": to or "", "value": value, "input": "", "output": "",
            "trace_type": line["type"], "call_type": line["action"].get("callType") or "",
            "reward_type": "", "gas": "", "gas_used": int(result.get("gasUsed", "0x0"), 16),
            "subtraces": line["subtraces"], "trace_address": place,
            "error": line.get("error") or "", "status": STATUS[line["ok"]],
            "trace_id": f"{kind}_{line['transactionHash']}_{place.replace(',', '_')}",
        })  # fmt: skip
    return rows
