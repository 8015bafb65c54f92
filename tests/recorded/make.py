"""Writes one small dump of each kind of account table, nearly all of the same five transactions.

The shapes are those that the makers of such dumps document; the chain is made up.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

HEIGHT, TIME = 17_000_001, 1_683_000_000
BLOCK = "0x" + "b1" * 32
A, B, C, D, T = (f"0x{number:040x}" for number in (0xA1, 0xB2, 0xC3, 0xD4, 0x70))
TXIDS = tuple(f"0x{number:064x}" for number in range(1, 6))
TEXT = "2023-05-02 04:00:00"
WHEN = datetime.fromtimestamp(TIME, UTC)
HUGE = 2**200 + 1
ON_TRON = {
    A: "TA4Wt1DUCqz6YegbnsmqsWC5uUfbdBqPxm", B: "TA9pkx4DFxrEw8JZzUtyDrh2uAat1LDuJL",
    T: "TAF8dttxK5iPKbvYC626aDBytrWANpLRXp",
}  # fmt: skip
"""Who stands on Tron for whom."""


class Tx(NamedTuple):
    """A transaction: its place, parties (no receiver: a contract is created), wei and status."""

    place: int
    sender: str
    receiver: str
    value: int
    status: int = 1
    created: str = ""

    @property
    def txid(self) -> str:
        return TXIDS[self.place]


class Call(NamedTuple):
    """A call inside a transaction."""

    place: int
    path: str
    sender: str
    receiver: str
    value: int
    kind: str = "call"
    call: str = "call"


class Log(NamedTuple):
    """A transfer of a token with 6 decimals."""

    place: int
    index: int
    sender: str
    receiver: str
    value: int


TXS = (
    Tx(0, A, B, 1_500_000_000_000_000_000), Tx(1, A, C, 3, status=0),
    Tx(2, A, "", 7, created=D), Tx(3, B, C, 2**63 + 5), Tx(4, C, B, 0),
)  # fmt: skip
CALLS = (
    Call(3, "0", C, A, 4 * 10**18), Call(3, "1", C, D, 2**63 + 5, call="delegatecall"),
    Call(3, "1.0", C, B, 1), Call(3, "2", C, B, 0), Call(3, "3", C, A, 9, "suicide", ""),
)  # fmt: skip
LOGS = (Log(3, 5, A, B, HUGE), Log(4, 6, B, A, 1_234_560_000))


def etl_transactions() -> list[dict[str, Any]]:
    return [
        {"hash": tx.txid, "nonce": tx.place, "block_hash": BLOCK, "block_number": HEIGHT,
         "transaction_index": tx.place, "from_address": tx.sender, "to_address": tx.receiver,
         "value": tx.value, "gas": 21000, "gas_price": 1, "input": "0x", "block_timestamp": TIME}
        for tx in TXS
    ]  # fmt: skip


def etl_receipts() -> list[dict[str, Any]]:
    return [
        {"transaction_hash": tx.txid, "transaction_index": tx.place, "block_hash": BLOCK,
         "block_number": HEIGHT, "cumulative_gas_used": 1, "gas_used": 1,
         "contract_address": tx.created, "root": "", "status": tx.status,
         "effective_gas_price": 1}
        for tx in TXS
    ]  # fmt: skip


def etl_token_transfers() -> list[dict[str, Any]]:
    return [
        {"token_address": T, "from_address": log.sender, "to_address": log.receiver,
         "value": log.value, "transaction_hash": TXIDS[log.place], "log_index": log.index,
         "block_number": HEIGHT}
        for log in LOGS
    ]  # fmt: skip


ADDED = "0x9465fa0c962cc76958e6373a993326400c1c94f8be2fe3a952adfa7f60b2ea26"
"""AddedOwner(address): who is added stands in the data, or is a topic."""
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


class Told(NamedTuple):
    """A log as a contract wrote it."""

    place: int
    index: int
    contract: str
    topics: tuple[str, ...]
    data: str


RAW = (
    Told(3, 5, T, (TRANSFER, f"0x{A[2:]:0>64}", f"0x{B[2:]:0>64}"), f"0x{HUGE:064x}"),
    Told(3, 7, D, (ADDED,), f"0x{A[2:]:0>64}"),
    Told(4, 8, D, (ADDED, f"0x{B[2:]:0>64}"), "0x"),
    Told(4, 9, D, (), "0x01"),
)


def etl_logs(*, joined: bool = False) -> list[dict[str, Any]]:
    return [
        {"log_index": one.index, "transaction_hash": TXIDS[one.place],
         "transaction_index": one.place, "block_hash": BLOCK, "block_number": HEIGHT,
         "address": one.contract, "data": one.data,
         "topics": ",".join(one.topics) if joined else list(one.topics)}
        for one in RAW
    ]  # fmt: skip


def cryo_logs() -> list[dict[str, Any]]:
    return [
        cryo({"transaction_index": one.place, "log_index": one.index,
              "transaction_hash": TXIDS[one.place], "address": one.contract,
              **{f"topic{n}": bytes.fromhex(one.topics[n][2:]) if n < len(one.topics) else None
                 for n in range(4)},
              "data": bytes.fromhex(one.data[2:]), "n_data_bytes": len(one.data) // 2 - 1},
             "transaction_hash", "address")
        for one in RAW
    ]  # fmt: skip


def etl_traces() -> list[dict[str, Any]]:
    roots = [Call(tx.place, "", tx.sender, tx.receiver or tx.created, tx.value,
                  "call" if tx.receiver else "create", "call" if tx.receiver else "")
             for tx in TXS]  # fmt: skip
    rows = [
        {"block_number": HEIGHT, "transaction_hash": TXIDS[one.place],
         "transaction_index": one.place, "from_address": one.sender, "to_address": one.receiver,
         "value": one.value, "input": "0x", "output": "0x", "trace_type": one.kind,
         "call_type": one.call, "reward_type": "", "gas": 1, "gas_used": 1, "subtraces": 0,
         "trace_address": one.path.replace(".", ","), "error": "",
         "status": TXS[one.place].status, "trace_id": "x"}
        for one in (*roots, *CALLS)
    ]  # fmt: skip
    reward = dict.fromkeys(rows[0], "") | {
        "block_number": HEIGHT, "to_address": D, "value": 2 * 10**18, "trace_type": "reward",
        "reward_type": "block", "subtraces": 0, "status": 1,
    }  # fmt: skip
    return [*rows, reward]


def bigquery(rows: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    dated = {"block_timestamp": f"{TEXT} UTC", "block_hash": BLOCK}
    return [{**row, **dated, **{key: give(row) for key, give in more.items()}} for row in rows]


def receipt(column: str, **also: Any) -> Any:
    return lambda row: getattr(TXS[row["transaction_index"]], column)


RECEIPT: dict[str, Any] = {
    "receipt_gas_used": lambda _: 21000, "receipt_status": receipt("status"),
    "receipt_contract_address": receipt("created"),
}  # fmt: skip


def aws(rows: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    made = bigquery(rows, **more)
    return [{**row, "block_timestamp": WHEN, "value": float(row["value"]), "date": "2023-05-02",
             "last_modified": WHEN} for row in made]  # fmt: skip


def cryo(row: dict[str, Any], *binary: str) -> dict[str, Any]:
    raw = {name: bytes.fromhex(row[name][2:]) or None for name in binary}
    return {"block_number": HEIGHT, **row, **raw, "chain_id": 1}


def cryo_value(name: str, value: int) -> dict[str, Any]:
    return {f"{name}_binary": value.to_bytes(32), f"{name}_string": str(value),
            f"{name}_f64": float(value)}  # fmt: skip


def cryo_transactions() -> list[dict[str, Any]]:
    return [
        cryo({"transaction_index": tx.place, "transaction_hash": tx.txid, "nonce": 1,
              "from_address": tx.sender, "to_address": tx.receiver, **cryo_value("value", tx.value),
              "input": b"", "gas_limit": 1, "success": bool(tx.status)},
             "transaction_hash", "from_address", "to_address")
        for tx in TXS
    ]  # fmt: skip


def cryo_erc20() -> list[dict[str, Any]]:
    padded = [
        {"from_address": f"0x{log.sender[2:]:0>64}", "to_address": f"0x{log.receiver[2:]:0>64}"}
        for log in LOGS
    ]
    return [
        cryo({"transaction_index": log.place, "log_index": log.index,
              "transaction_hash": TXIDS[log.place], "erc20": T, **sides,
              **cryo_value("value", log.value)},
             "transaction_hash", "erc20", "from_address", "to_address")
        for log, sides in zip(LOGS, padded, strict=True)
    ]  # fmt: skip


def cryo_traces() -> list[dict[str, Any]]:
    return [
        cryo({"transaction_index": row["transaction_index"],
              "transaction_hash": row["transaction_hash"], "action_from": row["from_address"],
              "action_to": row["to_address"] if row["trace_type"] != "create" else "0x",
              "action_value": str(row["value"]), "action_call_type": row["call_type"],
              "action_type": row["trace_type"],
              "result_address": row["to_address"] if row["trace_type"] == "create" else "0x",
              "trace_address": row["trace_address"].replace(",", "_"), "subtraces": 0,
              "error": None if row["status"] else "Reverted"},
             "transaction_hash", "action_from", "action_to", "result_address")
        for row in etl_traces()[:-1]
    ]  # fmt: skip


def blockchair_calls() -> list[dict[str, Any]]:
    return [
        {"block_id": HEIGHT, "transaction_hash": row["transaction_hash"],
         "index": ".".join(filter(None, ["0", row["trace_address"].replace(",", ".")])),
         "depth": 0, "time": TEXT, "failed": 1 - row["status"], "fail_reason": "",
         "type": row["call_type"] or row["trace_type"], "sender": row["from_address"],
         "recipient": row["to_address"], "child_call_count": 0, "value": row["value"],
         "value_usd": 0.1,
         "transferred": int(bool(row["status"]) and row["call_type"] != "delegatecall")}
        for row in etl_traces()[:-1]
    ]  # fmt: skip


def blockchair_erc20() -> list[dict[str, Any]]:
    return [
        {"block_id": HEIGHT, "transaction_hash": TXIDS[log.place], "time": TEXT,
         "token_address": T, "token_name": "Made up", "token_symbol": "MADE", "token_decimals": 6,
         "sender": log.sender, "recipient": log.receiver, "value": log.value}
        for log in LOGS
    ]  # fmt: skip


def coins(value: int, decimals: int = 18) -> str:
    whole, rest = divmod(value, 10**decimals)
    return f"{whole:,}.{rest:0{decimals}d}".rstrip("0").rstrip(".")


def etherscan() -> list[dict[str, Any]]:
    return [
        {"Transaction Hash": tx.txid, "Blockno": HEIGHT, "UnixTimestamp": TIME,
         "DateTime (UTC)": TEXT, "From": tx.sender, "To": tx.receiver,
         "ContractAddress": tx.created, "Value_IN(ETH)": coins(tx.value) if tx.sender != A else 0,
         "Value_OUT(ETH)": coins(tx.value) if tx.sender == A else 0,
         "CurrentValue @ $1843.94523908609/Eth": 1, "TxnFee(ETH)": 1, "TxnFee(USD)": 1,
         "Historical $Price/Eth": 1, "Status": "" if tx.status else "Error(0)",
         "ErrCode": "" if tx.status else "execution reverted", "Method": "=cmd|' /C calc'!A0"}
        for tx in TXS
    ]  # fmt: skip


def moving() -> list[Call]:
    return [one for one in CALLS if one.value and one.call != "delegatecall"]


def etherscan_internal() -> list[dict[str, Any]]:
    return [
        {"Transaction Hash": TXIDS[one.place], "Blockno": HEIGHT, "UnixTimestamp": TIME,
         "DateTime (UTC)": TEXT, "ParentTxFrom": B, "ParentTxTo": C, "ParentTxETH_Value": 1,
         "From": one.sender, "TxTo": one.receiver, "ContractAddress": "",
         "Value_IN(ETH)": coins(one.value), "Value_OUT(ETH)": 0, "CurrentValue": 1,
         "Historical $Price/Eth": 1, "Status": 0, "ErrCode": "", "Type": "call"}
        for one in moving()
    ]  # fmt: skip


def etherscan_tokens() -> list[dict[str, Any]]:
    return [
        {"Transaction Hash": TXIDS[log.place], "Blockno": HEIGHT, "UnixTimestamp": TIME,
         "DateTime (UTC)": TEXT, "From": log.sender, "To": log.receiver,
         "TokenValue": coins(log.value, 6), "USDValueDayOfTx": "$1", "ContractAddress": T,
         "TokenName": "\u202eMade <b>up</b>", "TokenSymbol": "=1+1"}
        for log in LOGS
    ]  # fmt: skip


def blockscout() -> list[dict[str, Any]]:
    return [
        {"TxHash": tx.txid, "BlockNumber": HEIGHT, "UnixTimestamp": f"{TEXT}.000000Z",
         "FromAddress": tx.sender, "ToAddress": tx.receiver, "ContractAddress": tx.created,
         "Type": "OUT", "Value": tx.value, "Fee": 1, "Status": "ok" if tx.status else "error",
         "ErrCode": "", "CurrentPrice": 1, "TxDateOpeningPrice": 1, "TxDateClosingPrice": 1,
         "MethodName": ""}
        for tx in TXS
    ]  # fmt: skip


def blockscout_internal() -> list[dict[str, Any]]:
    return [
        {"TxHash": TXIDS[one.place], "Index": k, "BlockNumber": HEIGHT, "BlockHash": BLOCK,
         "TxIndex": 1, "BlockIndex": 1, "UnixTimestamp": f"{TEXT}.000000Z",
         "FromAddress": one.sender, "ToAddress": one.receiver, "ContractAddress": "",
         "Type": one.kind, "CallType": one.call, "Gas": 1, "GasUsed": 1, "Value": one.value,
         "Input": "", "Output": "", "ErrCode": "", "Fee": 1}
        for k, one in enumerate(CALLS, 1)
    ]  # fmt: skip


def blockscout_tokens() -> list[dict[str, Any]]:
    return [
        {"TxHash": TXIDS[log.place], "BlockNumber": HEIGHT, "UnixTimestamp": f"{TEXT}.000000Z",
         "FromAddress": log.sender, "ToAddress": log.receiver, "TokenContractAddress": T,
         "Type": "OUT", "TokenDecimals": 6, "TokenSymbol": "MADE", "TokensTransferred": log.value,
         "TransactionFee": 1, "Status": "ok", "ErrCode": ""}
        for log in LOGS
    ]  # fmt: skip


def tronscan() -> list[dict[str, Any]]:
    """The second transfer took no effect."""
    return [
        {"transaction_id": TXIDS[log.place][2:], "block": HEIGHT, "block_ts": TIME * 1000,
         "from_address": ON_TRON[log.sender], "to_address": ON_TRON[log.receiver],
         "confirmed": "true", "contractRet": "SUCCESS" if log.index == 5 else "REVERT",
         "quant": log.value, "contract_address": ON_TRON[T], "tokenDecimal": 6}
        for log in LOGS
    ]  # fmt: skip


STATED_TIME = "2023-05-02 04:00:00"


def binance() -> list[dict[str, Any]]:
    return [
        {"Date(UTC)": STATED_TIME, "Coin": coin, "Network": network, "Amount": amount,
         "TransactionFee": 0, "Address": address, "TXID": TXIDS[0], "SourceAddress": "",
         "PaymentID": "", "Status": "Completed"}
        for coin, network, amount, address in
        (("ETH", "ETH", "1,000.5", A), ("USDT", "TRX", "7", ON_TRON[A]))
    ]  # fmt: skip


def kucoin() -> list[dict[str, Any]]:
    return [
        {"UID": 77, "Account Type": "main", "Time(UTC)": STATED_TIME, "Remarks": "",
         "Status": "success", "Fee": "0.1", "Amount": "0.5", "Coin": "ETH",
         "Transfer Network": "ETH", "Withdrawal Address/Account": B, "Hash": TXIDS[1]}
    ]  # fmt: skip


TABLES: dict[str, list[dict[str, Any]]] = {
    "etl_transactions.csv": etl_transactions(),
    "etl_transactions.json": etl_transactions(),
    "etl_receipts.csv": etl_receipts(),
    "etl_token_transfers.csv": etl_token_transfers(),
    "etl_token_transfers.json": etl_token_transfers(),
    "etl_logs.csv": etl_logs(joined=True),
    "etl_logs.json": etl_logs(),
    "etl_traces.csv": etl_traces(),
    "etl_traces.json": etl_traces(),
    "bigquery_transactions.json": bigquery(etl_transactions(), **RECEIPT),
    "bigquery_transactions.parquet": bigquery(etl_transactions(), **RECEIPT),
    "bigquery_token_transfers.json": bigquery(etl_token_transfers()),
    "bigquery_token_transfers.parquet": bigquery(etl_token_transfers()),
    "bigquery_logs.json": bigquery(etl_logs()),
    "bigquery_logs.parquet": bigquery(etl_logs()),
    "bigquery_traces.parquet": bigquery(etl_traces()),
    "aws_transactions.parquet": aws(etl_transactions(), **RECEIPT),
    "aws_token_transfers.parquet": aws(etl_token_transfers()),
    "aws_traces.parquet": aws(etl_traces()[:-1]),
    "cryo_transactions.parquet": cryo_transactions(),
    "cryo_erc20_transfers.parquet": cryo_erc20(),
    "aws_logs.parquet": [
        {**row, "block_timestamp": WHEN, "date": "2023-05-02", "last_modified": WHEN}
        for row in bigquery(etl_logs())
    ],
    "cryo_traces.parquet": cryo_traces(),
    "cryo_logs.parquet": cryo_logs(),
    "blockchair_calls.tsv": blockchair_calls(),
    "blockchair_erc20.tsv": blockchair_erc20(),
    "etherscan.csv": etherscan(),
    "etherscan_internal.csv": etherscan_internal(),
    "etherscan_tokens.csv": etherscan_tokens(),
    "blockscout.csv": blockscout(),
    "blockscout_internal.csv": blockscout_internal(),
    "blockscout_tokens.csv": blockscout_tokens(),
    "tronscan_tokens.csv": tronscan(),
    "statement_binance.csv": binance(),
    "statement_kucoin.csv": kucoin(),
}
"""Every dump by its file name; those of statements are of no chain."""

_TEXTS = ("value", "status", "receipt_status")


def content(name: str) -> bytes:
    """Return the bytes of a dump in the format that its name says."""
    rows, form = TABLES[name], name.rpartition(".")[2]
    if form == "json":
        wide = name.startswith("bigquery")  # BigQuery quotes what is wider than a double
        said = [{key: str(value) if wide and isinstance(value, int) else value
                 for key, value in row.items()} for row in rows]  # fmt: skip
        return "".join(json.dumps(row) + "\n" for row in said).encode()
    if form == "parquet":
        wide = name.startswith("bigquery")
        frame = pl.DataFrame([
            {key: str(value) if wide and key == "value" else None if value == "" else value
             for key, value in row.items()} for row in rows
        ], infer_schema_length=None)  # fmt: skip
        out = io.BytesIO()
        frame.write_parquet(out)
        return out.getvalue()
    text = io.StringIO(newline="")
    between = "\t" if form == "tsv" else ","
    writer = csv.DictWriter(text, list(rows[0]), delimiter=between, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for file in TABLES:
        (folder / file).write_bytes(content(file))
