"""A made-up EVM chain, and a node that answers of it: code of its own, which knows no chainwatch.

A chain is a list of blocks in the JSON of a node, with receipts and a tree of calls for each
transaction. The node gives the tree in any of the three forms that nodes know.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

CHAIN_ID = 31337
MINER = "0x" + "c0" * 20
TOKEN = "0x" + "7e" * 20
GAS, PRICE, BASE = 21_000, 12, 7
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


def address(number: int) -> str:
    """Return the address of somebody."""
    return f"0x{number:040x}"


def word(value: int | str) -> str:
    """Return a number or an address as 64 hexadecimal digits."""
    return f"{value:064x}" if isinstance(value, int) else value[2:].rjust(64, "0")


def digest(*parts: object) -> str:
    return "0x" + hashlib.sha256(repr(parts).encode()).hexdigest()


def bloom(logs: list[dict[str, Any]]) -> str:
    """Return the filter over logs, bit by bit."""
    from eth_hash.auto import keccak

    made = bytearray(256)
    for one in logs:
        for item in (one["address"], *one["topics"]):
            hashed = keccak(bytes.fromhex(item[2:]))
            for at in (0, 2, 4):
                bit = (hashed[at] << 8 | hashed[at + 1]) & 2047
                made[255 - bit // 8] |= 1 << bit % 8
    return "0x" + made.hex()


@dataclass
class Call:
    """A call: what it is, from whom to whom, how much, what it calls, and whether it fails."""

    sender: str
    receiver: str
    value: int = 0
    kind: str = "call"
    calls: list[Call] = field(default_factory=list)
    error: str | None = None


@dataclass
class Tx:
    """A transaction: its call, the logs it leaves, and whether it fails."""

    call: Call
    logs: list[dict[str, Any]] = field(default_factory=list)
    failed: bool = False
    more: dict[str, Any] = field(default_factory=dict)
    receipt: dict[str, Any] = field(default_factory=dict)


def log(topics: list[str], data: str = "0x", contract: str = TOKEN) -> dict[str, Any]:
    return {"address": contract, "topics": topics, "data": data}


def transfer(sender: str, receiver: str, amount: int, contract: str = TOKEN) -> dict[str, Any]:
    """Return the log of a transfer of ERC-20."""
    topics = [TRANSFER, "0x" + word(sender), "0x" + word(receiver)]
    return log(topics, "0x" + word(amount), contract)


@dataclass
class Chain:
    """Blocks with receipts and calls; ``salt`` makes the hashes of a branch its own."""

    salt: str = ""
    blocks: list[dict[str, Any]] = field(default_factory=list)
    receipts: list[list[dict[str, Any]]] = field(default_factory=list)
    calls: list[list[Call]] = field(default_factory=list)
    chain_id: int = CHAIN_ID

    def add(self, *txs: Tx, salt: str = "", **more: Any) -> Chain:
        """Add a block of transactions."""
        height = len(self.blocks)
        parent = self.blocks[-1]["hash"] if self.blocks else "0x" + "00" * 32
        own = digest("block", self.salt, salt, parent, height)
        numbers = {"blockHash": own, "blockNumber": hex(height)}
        listed, receipts, first = [], [], 0
        for place, tx in enumerate(txs):
            name = digest("tx", own if tx.more.get("anew") else "", height, place, tx.call.sender,
                          tx.call.receiver, tx.call.value)  # fmt: skip
            here = {"transactionIndex": hex(place), **numbers}
            created = tx.call.kind == "create"
            listed.append({
                "hash": name, "from": tx.call.sender, "to": None if created else tx.call.receiver,
                "value": hex(tx.call.value), "gasPrice": hex(PRICE), "type": "0x2",
                "chainId": hex(self.chain_id), "nonce": "0x0", "input": "0x", **here, **tx.more,
            })  # fmt: skip
            logs = [
                {**one, "logIndex": hex(first + at), "transactionHash": name, "removed": False,
                 **here}
                for at, one in enumerate(tx.logs)
            ]  # fmt: skip
            first += len(logs)
            receipts.append({
                "transactionHash": name, "from": tx.call.sender, "gasUsed": hex(GAS),
                "cumulativeGasUsed": hex(GAS * (place + 1)), "effectiveGasPrice": hex(PRICE),
                "contractAddress": tx.call.receiver if created else None, "logs": logs,
                "status": hex(int(not tx.failed)), **here, **tx.receipt,
            })  # fmt: skip
        self.blocks.append({
            "number": hex(height), "hash": own, "parentHash": parent, "miner": MINER,
            "timestamp": hex(1_700_000_000 + 12 * height), "gasUsed": hex(GAS * len(txs)),
            "baseFeePerGas": hex(BASE), "difficulty": "0x0", "size": "0x300", "uncles": [],
            "transactions": listed, "withdrawals": [], "blobGasUsed": "0x0",
            "logsBloom": bloom([one for tx in txs for one in tx.logs]), **more,
        })  # fmt: skip
        self.receipts.append(receipts)
        self.calls.append([tx.call for tx in txs])
        return self


def pay(sender: int, receiver: int, value: int) -> Tx:
    """Return a plain payment."""
    return Tx(Call(address(sender), address(receiver), value))


def pay_token(sender: int, receiver: int, amount: int) -> Tx:
    """Return a payment in the token."""
    made = transfer(address(sender), address(receiver), amount)
    return Tx(Call(address(sender), TOKEN), [made])


def split(sender: int, contract: int, shares: dict[int, int]) -> Tx:
    """Return a transaction whose contract sends on what it got."""
    inner = [Call(address(contract), address(to), value) for to, value in shares.items()]
    return Tx(Call(address(sender), address(contract), sum(shares.values()), calls=inner))


def small() -> Chain:
    """Return a chain of seven blocks: payments, tokens, calls inside, and one that fails."""
    nobody = address(0)
    made = Chain().add()
    made.add(Tx(Call(address(1), TOKEN, kind="create"), [transfer(nobody, address(1), 10**6)]))
    made.add(pay(1, 2, 500), pay_token(1, 2, 1_000))
    made.add(split(2, 9, {3: 100, 4: 50}))
    failing = Tx(Call(address(1), address(9), 77, error="reverted", calls=[
        Call(address(9), address(5), 77)]), failed=True)  # fmt: skip
    made.add(failing, pay_token(2, 3, 400))
    made.add()
    return made.add(Tx(Call(address(3), TOKEN), [transfer(address(3), nobody, 150)]))


def flat(call: Call, path: tuple[int, ...] = ()) -> list[dict[str, Any]]:
    """Return a call as ``trace_block`` lists it."""
    value, result = hex(call.value), {"gasUsed": "0x0", "output": "0x"}
    if call.kind == "selfdestruct":
        action = {"address": call.sender, "refundAddress": call.receiver, "balance": value}
        kind, result = "suicide", {}
    elif call.kind == "create":
        action = {"from": call.sender, "value": value, "init": "0x"}
        kind, result = "create", {"address": call.receiver}
    else:
        action = {"from": call.sender, "to": call.receiver, "value": value, "callType": call.kind}
        kind = "call"
    line = {"type": kind, "action": action, "traceAddress": list(path), "subtraces":
            len(call.calls)}  # fmt: skip
    line |= {"error": call.error} if call.error else {"result": result}
    below = [one for at, inner in enumerate(call.calls) for one in flat(inner, (*path, at))]
    return [line, *below]


def nested(call: Call) -> dict[str, Any]:
    """Return a call as geth's ``callTracer`` nests it."""
    made: dict[str, Any] = {"type": call.kind.upper(), "from": call.sender, "to": call.receiver,
                            "gas": "0x0", "gasUsed": "0x0", "input": "0x"}  # fmt: skip
    if call.kind not in ("staticcall",):
        made["value"] = hex(call.value)
    if call.error:
        made["error"] = call.error
    if call.calls:
        made["calls"] = [nested(inner) for inner in call.calls]
    return made


Spoil = Callable[[str, list[Any], Any], Any]
"""Changes the result of a question before it is sent."""


@dataclass
class Node:
    """A node that answers of a chain; ``lacks`` are the questions that it does not know."""

    chain: Chain
    lacks: frozenset[str] = frozenset()
    form: str = "nested"
    most: int = 10**6
    single: bool = False
    spoil: Spoil | None = None
    words: dict[tuple[str, str], str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        if isinstance(body, list):
            if self.single:
                return self._refused(-32600, "batches are not for you")
            if len(body) > self.most:
                return self._refused(-32005, "batch too large")
            return self._json([self._reply(one) for one in body])
        return self._json(self._reply(body))

    @property
    def transport(self) -> httpx2.BaseTransport:
        return httpx2.MockTransport(self.handle)

    def _refused(self, code: int, message: str) -> httpx2.Response:
        error = {"code": code, "message": message}
        return self._json({"jsonrpc": "2.0", "id": None, "error": error})

    def _json(self, value: Any) -> httpx2.Response:
        return httpx2.Response(200, content=json.dumps(value).encode())

    def _reply(self, asked: dict[str, Any]) -> dict[str, Any]:
        method, params = asked["method"], asked["params"]
        self.asked.append(method)
        if method in self.lacks:
            error = {"code": -32601, "message": f"the method {method} does not exist"}
            return {"jsonrpc": "2.0", "id": asked["id"], "error": error}
        result = self.result(method, params)
        if self.spoil is not None:
            result = self.spoil(method, params, result)
        if isinstance(result, Refusal):
            return {"jsonrpc": "2.0", "id": asked["id"], "error": vars(result)}
        return {"jsonrpc": "2.0", "id": asked["id"], "result": result}

    def result(self, method: str, params: list[Any]) -> Any:
        """Return what the node says, not spoiled."""
        chain = self.chain
        if method == "eth_chainId":
            return hex(chain.chain_id)
        if method == "eth_blockNumber":
            return hex(len(chain.blocks) - 1)
        if method == "eth_getTransactionReceipt":
            every = [one for block in chain.receipts for one in block]
            return next((one for one in every if one["transactionHash"] == params[0]), None)
        if method == "eth_getLogs":
            first, last = (int(params[0][name], 16) for name in ("fromBlock", "toBlock"))
            return [one for block in chain.receipts[first : last + 1]
                    for receipt in block for one in receipt["logs"]]  # fmt: skip
        if method == "eth_call":
            return self.words.get((params[0]["to"], params[0]["data"]),
                                  Refusal(3, "execution reverted"))  # fmt: skip
        height = int(params[0], 16)
        if height >= len(chain.blocks):
            return None
        return json.loads(json.dumps(self._of_block(method, params, height)))

    def _of_block(self, method: str, params: list[Any], height: int) -> Any:
        block = self.chain.blocks[height]
        if method == "eth_getBlockByNumber":
            ids = [tx["hash"] for tx in block["transactions"]]
            return block if params[1] else {**block, "transactions": ids}
        if method == "eth_getBlockReceipts":
            return self.chain.receipts[height]
        calls = list(zip(block["transactions"], self.chain.calls[height], strict=True))
        if method == "trace_block":
            return [
                {**line, "transactionHash": tx["hash"], "transactionPosition": at,
                 "blockHash": block["hash"], "blockNumber": height}
                for at, (tx, call) in enumerate(calls) for line in flat(call)
            ]  # fmt: skip
        assert method == "debug_traceBlockByNumber", method
        made = flat if self.form == "flat" else nested
        return [{"txHash": tx["hash"], "result": made(call)} for tx, call in calls]


@dataclass
class Refusal:
    """What a node says instead of a result."""

    code: int
    message: str
