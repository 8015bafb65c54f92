"""A small server that answers Esplora's API from the blocks of a node, for tests.

It knows nothing of the code under test: blocks come decoded (``getblock`` 2), transactions are
written as Esplora writes them, and Merkle branches are worked out here.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COIN = 10**8
PAGE = 25
WAITING = 50
NO_TXID = "0" * 64

Node = Callable[..., Any]
Json = dict[str, Any]


class NotFound(Exception):
    """What is asked for is not there."""


def sha256d(data: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


class Explorer:
    """A best chain, indexed as Esplora serves it.

    ``blocks`` are as a node's ``getblock`` with verbosity 2, lowest first; ``waiting`` are
    unconfirmed transactions in the same form.
    """

    def __init__(self, blocks: Sequence[Json], waiting: Sequence[Json] = ()) -> None:
        self.blocks = list(blocks)
        self.by_hash = {block["hash"]: block for block in self.blocks}
        self.found: dict[str, Json] = {}
        self.origin: dict[str, tuple[Json, int]] = {}
        self.spender: dict[tuple[str, int], tuple[str, int]] = {}
        self.raw: dict[str, str] = {}
        self.histories: dict[str, list[str]] = {}
        self.scripts: dict[str, str] = {}
        for block in self.blocks:
            for position, tx in enumerate(block["tx"]):
                self.origin[tx["txid"]] = (block, position)
                self._add(tx, block)
        for tx in waiting:
            self._add(tx, None)

    def _add(self, tx: Json, block: Json | None) -> None:
        self.raw[tx["txid"]] = tx["hex"]
        shown = self.found[tx["txid"]] = self._shown(tx, block)
        touched = [output["scriptpubkey"] for output in shown["vout"]]
        for n, part in enumerate(shown["vin"]):
            if part["prevout"]:
                touched.append(part["prevout"]["scriptpubkey"])
                self.spender[part["txid"], part["vout"]] = (tx["txid"], n)
        for script in dict.fromkeys(touched):
            self.histories.setdefault(script, []).append(tx["txid"])

    def _shown(self, tx: Json, block: Json | None) -> Json:
        outputs = [self._output(output) for output in tx["vout"]]
        inputs = [self._input(part) for part in tx["vin"]]
        spent = sum(part["prevout"]["value"] for part in inputs if part["prevout"])
        status: Json = {"confirmed": False}
        if block:
            status = {
                "confirmed": True, "block_height": block["height"], "block_hash": block["hash"],
                "block_time": block["time"],
            }  # fmt: skip
        return {
            "txid": tx["txid"], "version": tx["version"], "locktime": tx["locktime"],
            "vin": inputs, "vout": outputs, "size": tx["size"], "weight": tx["weight"],
            "fee": spent - sum(output["value"] for output in outputs) if spent else 0,
            "status": status,
        }  # fmt: skip

    def _output(self, output: Json) -> Json:
        script = output["scriptPubKey"]
        made = {
            "scriptpubkey": script["hex"], "scriptpubkey_asm": script.get("asm", ""),
            "scriptpubkey_type": script.get("type", ""),
            "value": int(Decimal(str(output["value"])) * COIN),
        }  # fmt: skip
        if "address" in script:
            made["scriptpubkey_address"] = script["address"]
            self.scripts[script["address"]] = script["hex"]
        return made

    def _input(self, part: Json) -> Json:
        first = "coinbase" in part
        made: Json = {
            "txid": NO_TXID if first else part["txid"],
            "vout": 0xFFFFFFFF if first else part["vout"], "prevout": None,
            "scriptsig": part["coinbase"] if first else part["scriptSig"]["hex"],
            "is_coinbase": first, "sequence": part["sequence"],
        }  # fmt: skip
        if "txinwitness" in part:
            made["witness"] = part["txinwitness"]
        if not first:
            made["prevout"] = dict(self.found[part["txid"]]["vout"][part["vout"]])
        return made

    # Questions --------------------------------------------------------------------------------

    def answer(self, path: str) -> Json | list[Any] | str:
        """Return what Esplora answers to a path."""
        parts = path.strip("/").split("/")
        try:
            return getattr(self, f"_{parts[0].replace('-', '_')}")(*parts[1:])
        except (AttributeError, KeyError, IndexError, TypeError, ValueError):
            raise NotFound(path) from None

    def _blocks(self, _tip: str, what: str) -> str:
        top = self.blocks[-1]
        return {"hash": str(top["hash"]), "height": str(top["height"])}[what]

    def _block_height(self, height: str) -> str:
        return str(self.blocks[int(height)]["hash"])

    def _block(self, name: str, what: str = "", start: str = "0") -> Json | list[Any] | str:
        block = self.by_hash[name]
        ids = [tx["txid"] for tx in block["tx"]]
        if what == "header":
            return header_of(block).hex()
        if what == "txids":
            return ids
        if what == "txs":
            return [self.found[txid] for txid in ids[int(start) :][:PAGE]]
        return {
            "id": name, "height": block["height"], "version": block["version"],
            "timestamp": block["time"], "tx_count": len(ids), "size": block.get("size", 0),
            "weight": block.get("weight", 0), "merkle_root": block["merkleroot"],
            "previousblockhash": block.get("previousblockhash"), "nonce": block["nonce"],
            "bits": int(block["bits"], 16),
        }  # fmt: skip

    def _tx(self, txid: str, what: str = "") -> Json | list[Any] | str:
        tx = self.found[txid]
        if what == "hex":
            return self.raw[txid]
        if what == "outspends":
            spenders = [self.spender.get((txid, n)) for n in range(len(tx["vout"]))]
            return [{"spent": False} if at is None else {"spent": True, "txid": at[0],
                     "vin": at[1], "status": self.found[at[0]]["status"]}
                    for at in spenders]  # fmt: skip
        if what == "merkle-proof":
            block, position = self.origin[txid]
            ids = [bytes.fromhex(item["txid"])[::-1] for item in block["tx"]]
            branch = [item[::-1].hex() for item in branch_of(ids, position)]
            return {"block_height": block["height"], "merkle": branch, "pos": position}
        return tx

    def _address(self, text: str, *more: str) -> Json | list[Any]:
        return self._of_script(self.scripts.get(text, ""), {"address": text}, *more)

    def _scripthash(self, name: str, *more: str) -> Json | list[Any]:
        scripts = {hashlib.sha256(bytes.fromhex(s)).hexdigest(): s for s in self.histories}
        return self._of_script(scripts.get(name, ""), {"scripthash": name}, *more)

    def _of_script(self, script: str, head: Json, what: str = "", *more: str) -> Json | list[Any]:
        txs = [self.found[txid] for txid in self.histories.get(script, ())]
        confirmed = sorted(
            (tx for tx in txs if tx["status"]["confirmed"]),
            key=lambda tx: (-tx["status"]["block_height"], tx["txid"]),
        )
        waiting = [tx for tx in txs if not tx["status"]["confirmed"]]
        if what == "txs" and more[:1] == ("chain",):
            ids = [tx["txid"] for tx in confirmed]
            return confirmed[ids.index(more[1]) + 1 :][:PAGE] if more[1:] else confirmed[:PAGE]
        if what == "txs":
            return waiting[:WAITING] + confirmed[:PAGE]
        return head | {
            "chain_stats": stats(confirmed, script), "mempool_stats": stats(waiting, script)
        }  # fmt: skip


def stats(txs: Sequence[Json], script: str) -> Json:
    paid = [o["value"] for tx in txs for o in tx["vout"] if o["scriptpubkey"] == script]
    prevouts = [part["prevout"] for tx in txs for part in tx["vin"] if part["prevout"]]
    spent = [o["value"] for o in prevouts if o["scriptpubkey"] == script]
    return {
        "funded_txo_count": len(paid), "funded_txo_sum": sum(paid), "spent_txo_count": len(spent),
        "spent_txo_sum": sum(spent), "tx_count": len(txs),
    }  # fmt: skip


def header_of(block: Json) -> bytes:
    before = bytes.fromhex(block.get("previousblockhash") or NO_TXID)[::-1]
    numbers = [block["time"], int(block["bits"], 16), block["nonce"]]
    return (
        block["version"].to_bytes(4, "little", signed=True)
        + before
        + bytes.fromhex(block["merkleroot"])[::-1]
        + b"".join(number.to_bytes(4, "little") for number in numbers)
    )


def branch_of(ids: Sequence[bytes], position: int) -> Iterator[bytes]:
    level = list(ids)
    while len(level) > 1:
        level += level[-1:] * (len(level) % 2)
        yield level[position ^ 1]
        level = [sha256d(a + b) for a, b in zip(level[::2], level[1::2], strict=True)]
        position >>= 1


# Over a socket ------------------------------------------------------------------------------


class NodeExplorer:
    """An explorer that follows a node: it reads anew whenever the node's best block changes."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._tip: tuple[str, tuple[str, ...]] | None = None
        self._made: Explorer | None = None
        self._blocks: dict[str, Json] = {}
        self._lock = threading.Lock()

    def answer(self, path: str) -> Json | list[Any] | str:
        with self._lock:
            waiting = tuple(sorted(self.node("getrawmempool")))
            tip = (self.node("getbestblockhash"), waiting)
            if self._made is None or tip != self._tip:
                self._made, self._tip = self._read(*tip), tip
            return self._made.answer(path)

    def _read(self, name: str, waiting: tuple[str, ...]) -> Explorer:
        blocks = []
        while name:
            if name not in self._blocks:
                self._blocks[name] = self.node("getblock", name, 2)
            blocks.append(self._blocks[name])
            name = self._blocks[name].get("previousblockhash", "")
        entries = {txid: self.node("getmempoolentry", txid) for txid in waiting}
        order = sorted(waiting, key=lambda txid: entries[txid]["ancestorcount"])
        unconfirmed = [self.node("getrawtransaction", txid, 1) for txid in order]
        return Explorer(blocks[::-1], unconfirmed)


@contextmanager
def serving(explorer: Explorer | NodeExplorer) -> Iterator[str]:
    """Serve an explorer on a port of loopback; gives the base of its API."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # head and body in one piece: two would wait for each other

        def do_GET(self) -> None:
            try:
                made = explorer.answer(self.path.removeprefix("/api"))
                status, text = 200, made if isinstance(made, str) else json.dumps(made)
            except NotFound:
                status, text = 404, "Not found"
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
