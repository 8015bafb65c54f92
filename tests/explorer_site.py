"""Servers that answer as Etherscan v2 and Blockscout do, of a small EVM chain; loopback only.

They import nothing of chainwatch. Etherscan: lists by ranges of blocks, at most ``most`` rows a
page whatever is asked for, 10,000 rows by page in one range, *No transactions found*, *Max rate
limit reached* and *Invalid API Key* with status 200. Blockscout: ``next_page_params``, newest
first.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

BEGUN = 1_700_000_000
Row = dict[str, Any]
Change = Callable[[str, Any], Any]


def account(name: str) -> str:
    """Return the address of a name, in small letters: the name is legible in it."""
    if name.startswith("0x"):  # it is one
        return name
    return "0x" + name.encode().rjust(20, b".").hex()


def digest(text: str) -> str:
    return "0x" + hashlib.sha256(text.encode()).hexdigest()


class Inside(NamedTuple):
    """A call inside a transaction; ``path`` is its place as Etherscan writes it."""

    sender: str
    to: str
    value: int
    path: str
    kind: str = "call"
    ok: bool = True


def calls_of(transaction: Row) -> list[Inside]:
    """Return the calls inside a transaction; three words alone are one after the other."""
    return [
        one if isinstance(one, Inside) else Inside(*one, path=f"0_{place}")
        for place, one in enumerate(transaction["inside"])
    ]


@dataclass
class EvmWorld:
    """A chain of one transaction a block, unless more are put into one."""

    transactions: list[Row] = field(default_factory=list)
    height: int = 0
    logs: int = 0

    def do(
        self, sender: str, to: str | None, value: int = 0, *, ok: bool = True,
        inside: tuple[tuple[str, str, int], ...] = (), same_block: bool = False,
        tokens: tuple[tuple[Any, ...], ...] = (), creates: str | None = None,
    ) -> str:  # fmt: skip
        """Add a transaction: calls inside ``(from, to, value)``, and movements of tokens
        ``(kind, contract, from, to, amount or id[, amount])``."""
        if not same_block:
            self.height += 1
            self.logs = 0
        index = sum(one["height"] == self.height for one in self.transactions)
        txid = digest(f"{self.height} {index}")
        moved = []
        for one in tokens:
            moved.append({"log": self.logs, "told": one})
            self.logs += 1
        self.transactions.append({
            "hash": txid, "height": self.height, "index": index, "from": sender, "to": to,
            "value": value, "ok": ok, "inside": inside if ok else (),
            "tokens": moved if ok else [], "creates": creates,
        })  # fmt: skip
        return txid

    def time(self, height: int) -> int:
        return BEGUN + 12 * height

    def block(self, height: int) -> Row:
        return {"number": hex(height), "hash": digest(f"block {height}"),
                "timestamp": hex(self.time(height))}  # fmt: skip


@dataclass
class ExplorerSite:
    """Answers of one world."""

    world: EvmWorld
    most: int = 10_000
    window: int = 10_000
    chain: int = 1
    key: str | None = None
    refuse: int = 0
    above: int = 64
    counting: bool = False
    asked: list[str] = field(default_factory=list)
    change: Change | None = None

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        """Return status and answer."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        shown = target.replace(query.get("apikey", "\0"), "KEY")
        self.asked.append(f"{method} {shown} {body.decode()}".strip())
        if self.refuse:
            self.refuse -= 1
            return 200, {"status": "0", "message": "NOTOK", "result": "Max rate limit reached"}
        if self.key is not None and query.get("apikey") != self.key:
            return 200, {"status": "0", "message": "NOTOK",
                         "result": f"Invalid API Key {query.get('apikey')}"}  # fmt: skip
        if method == "POST":
            given = self._rpc(json.loads(body))
        elif "/addresses/" in parts.path:
            given = self._blockscout(parts.path, query)
        elif query.get("module") == "proxy":
            asked = {"method": query["action"], "params": [query.get("tag")]}
            given = self._rpc(asked)
        else:
            given = self._etherscan(query)
        if self.change:
            given = self.change(self.asked[-1], given)
        return given if isinstance(given, tuple) else (200, given)

    def _rpc(self, asked: Row) -> Row:
        top = self.world.height + self.above
        match asked["method"]:
            case "eth_chainId":
                result: Any = hex(self.chain)
            case "eth_blockNumber":
                result = hex(top)
            case _:
                height = int(asked["params"][0], 16)
                result = self.world.block(height) if height <= top else None
        return {"jsonrpc": "2.0", "id": 0, "result": result}

    def _etherscan(self, query: dict[str, str]) -> Row:
        if query.get("chainid") not in (str(self.chain), None):
            return {"status": "0", "message": "NOTOK",
                    "result": "Missing or unsupported chainid parameter"}  # fmt: skip
        whose = query["address"].lower()
        rows = [row for row in self._rows(query["action"])
                if whose in (row["from"], row["to"] or row["contractAddress"])]  # fmt: skip
        first, last = int(query["startblock"]), int(query["endblock"])
        rows = [row for row in rows if first <= int(row["blockNumber"]) <= last]
        page, offset = int(query["page"]), int(query["offset"])
        if page * offset > self.window:
            return {"status": "0", "message": "Result window is too large, PageNo x Offset size"
                    " must be less than or equal to 10000", "result": None}  # fmt: skip
        size = min(offset, self.most)
        found = rows[(page - 1) * size : page * size]
        if not found:
            return {"status": "0", "message": "No transactions found", "result": []}
        return {"status": "1", "message": "OK", "result": found}

    def _rows(self, action: str) -> Iterator[Row]:
        for one in self.world.transactions:
            common = {
                "blockNumber": str(one["height"]), "timeStamp": str(self.world.time(one["height"])),
                "hash": one["hash"],
                "confirmations": str(len(self.asked) if self.counting else self.above),
            }  # fmt: skip
            placed = {**common, "transactionIndex": str(one["index"])}
            if action == "txlist":
                yield {**placed, "from": account(one["from"]),
                       "to": account(one["to"]) if one["to"] else "",
                       "contractAddress": account(one["creates"]) if one["creates"] else "",
                       "value": str(one["value"]), "isError": "0" if one["ok"] else "1",
                       "txreceipt_status": "1" if one["ok"] else "0"}  # fmt: skip
            elif action == "txlistinternal":
                for call in calls_of(one):
                    if call.kind not in ("call", "create", "suicide"):
                        continue  # of the others none is listed
                    made = call.kind == "create"
                    yield {**common, "from": account(call.sender),
                           "to": "" if made else account(call.to), "value": str(call.value),
                           "contractAddress": account(call.to) if made else "",
                           "type": call.kind, "traceId": call.path,
                           "isError": str(int(not call.ok)),
                           "errCode": "" if call.ok else "Reverted"}  # fmt: skip
            for moved in one["tokens"]:
                kind, contract, sender, to, *much = moved["told"]
                symbol, decimals = moved.get("named", ("TOK", 6))
                if moved.get("event", "Transfer") != "Transfer":
                    continue  # only events of that name are listed
                if {"erc20": "tokentx", "erc721": "tokennfttx", "erc1155": "token1155tx"}[
                    kind
                ] != action:
                    continue
                amount = {
                    "erc20": {"value": str(much[0])},
                    "erc721": {"tokenID": str(much[0])},
                    "erc1155": {"tokenID": str(much[0]), "tokenValue": str(much[-1])},
                }
                yield {**placed, "from": account(sender), "to": account(to),
                       "contractAddress": account(contract), "tokenName": "Token",
                       "tokenSymbol": symbol, "tokenDecimal": str(decimals),
                       **amount[kind]}  # fmt: skip

    def _blockscout(self, path: str, query: dict[str, str]) -> Row:
        whose, what = path.split("/")[-2].lower(), path.split("/")[-1]
        rows = [row for row in self._items(what)
                if whose in (row["from"]["hash"], _to(row).get("hash"))]  # fmt: skip
        rows.reverse()
        start, size = int(query.get("index", 0)), min(50, self.most)
        after = start + size
        mark = {"index": after, "items_count": size, "block_number": None}
        return {"items": rows[start:after], "next_page_params": mark if after < len(rows) else None}

    def _items(self, what: str) -> Iterator[Row]:
        for one in self.world.transactions:
            when = datetime.fromtimestamp(self.world.time(one["height"]), UTC)
            common = {"block_number": one["height"],
                      "timestamp": when.strftime("%Y-%m-%dT%H:%M:%S.000000Z")}  # fmt: skip
            if what == "transactions":
                made = {"hash": account(one["creates"])} if one["creates"] else None
                yield {
                    **common, "hash": one["hash"], "position": one["index"],
                    "from": {"hash": account(one["from"])}, "value": str(one["value"]),
                    "to": {"hash": account(one["to"])} if one["to"] else None,
                    "created_contract": made, "status": "ok" if one["ok"] else "error",
                }  # fmt: skip
            elif what == "internal-transactions":
                for place, call in enumerate(calls_of(one)):
                    to, made = {"hash": account(call.to)}, call.kind == "create"
                    yield {**common, "transaction_hash": one["hash"], "index": place + 1,
                           "transaction_index": one["index"],
                           "from": {"hash": account(call.sender)}, "to": None if made else to,
                           "created_contract": to if made else None, "value": str(call.value),
                           "success": call.ok, "error": None if call.ok else "Reverted",
                           "type": "selfdestruct" if call.kind == "suicide" else call.kind,
                           }  # fmt: skip
            else:
                for moved in one["tokens"]:
                    kind, contract, sender, to, *much = moved["told"]
                    symbol, decimals = moved.get("named", ("TOK", 6))
                    total: Row = {"decimals": str(decimals)}
                    total |= {"value": str(much[-1])} if kind != "erc721" else {}
                    total |= {"token_id": str(much[0])} if kind != "erc20" else {}
                    yield {**common, "transaction_hash": one["hash"], "log_index": moved["log"],
                           "from": {"hash": account(sender)}, "to": {"hash": account(to)},
                           "token": {"address_hash": account(contract), "symbol": symbol,
                                     "decimals": str(decimals),
                                     "type": kind.upper().replace("C", "C-")},
                           "total": total, "type": "token_transfer"}  # fmt: skip


def _to(row: Row) -> Row:
    """Return who was paid, or which contract was made."""
    found: Row = row["to"] or row.get("created_contract") or {}
    return found


@contextmanager
def served(site: ExplorerSite) -> Iterator[str]:
    """Serve on loopback; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # an answer is two writes: the second would wait

        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def _answer(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, value = site.answer(method, self.path, body)
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_address[1]}"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
