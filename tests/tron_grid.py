"""A server that answers as TronGrid and a node of Tron do, of a world of tests; loopback only.

It imports nothing of chainwatch. What it keeps to: pages of 200 rows at most, 20 where nothing is
asked; a fingerprint while more follow, which must be asked for with everything else as before; the
order of time, falling unless asked otherwise; a limit on requests, told with status 200 and a body
outside the form of a page.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tron_world import World, account, base58

Change = Callable[[str, Any], Any]
"""Given what was asked and the answer: another answer, or bytes, or (status, answer)."""

TOO_OFTEN = {
    "Error": "request rate exceeded the allowed_rps(15), and the query server is suspended for 1 s"
}


@dataclass
class TronGridServer:
    """Answers of one world."""

    world: World
    most: int = 200
    asked: list[str] = field(default_factory=list)
    change: Change | None = None
    refuse: int = 0
    key: str | None = None
    final: int | None = None

    def answer(self, method: str, target: str, body: bytes, key: str | None) -> tuple[int, Any]:
        """Return status and answer."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        self.asked.append(f"{method} {target} {body.decode()}".strip())
        if self.refuse:
            self.refuse -= 1
            return 200, TOO_OFTEN
        if self.key is not None and key != self.key:
            return 401, {"Error": f"ApiKey not exists: {key}"}
        if method == "GET":
            given = self._list(parts.path, query)
        else:
            given = self._node(parts.path, json.loads(body or b"{}"))
        if self.change:
            given = self.change(self.asked[-1], given)
        return given if isinstance(given, tuple) else (200, given)

    def _list(self, path: str, query: dict[str, str]) -> Any:
        _, _, kind, whose, *rest = path.split("/")
        if kind == "contracts":
            rows = [one for one in self.world.events
                    if one["contract_address"] == whose
                    and one["event_name"] == query["event_name"]]  # fmt: skip
        elif rest == ["transactions", "trc20"]:
            rows = [one for one in self.world.tokens if whose in (one["from"], one["to"])]
        elif rest == ["transactions"]:
            rows = [one for one in self.world.listed if concerns(one, whose)]
        else:
            return {"Error": "no such method"}
        return self._page(rows, query)

    def _page(self, rows: list[dict[str, Any]], query: dict[str, str]) -> Any:
        first = int(query.get("min_timestamp", 0))
        last = int(query.get("max_timestamp", 2**62))
        rows = [one for one in rows if first <= one["block_timestamp"] <= last]
        rising = query.get("order_by", "").endswith(",asc")
        rows.sort(key=lambda one: one["block_timestamp"], reverse=not rising)
        limit = min(int(query.get("limit", 20)), 200, self.most)
        mark = query.get("fingerprint", "0")
        if mark != "0":
            begun, _, number = mark.partition("-")
            if begun != _same(query):
                return {"success": False, "error": "fingerprint of another question"}
            start = int(number)
        else:
            start = 0
        page, more = rows[start : start + limit], start + limit < len(rows)
        meta: dict[str, Any] = {"at": 1_700_000_999_999, "page_size": len(page)}
        if more:
            meta["fingerprint"] = f"{_same(query)}-{start + limit}"
            meta["links"] = {"next": "https://elsewhere.example/next"}
        return {"data": page, "success": True, "meta": meta}

    def _node(self, path: str, body: dict[str, Any]) -> Any:
        blocks = self.world.blocks
        final = len(blocks) - 1 if self.final is None else self.final
        match path:
            case "/walletsolidity/getnowblock":
                return blocks[final]
            case "/wallet/getblockbynum" | "/walletsolidity/getblockbynum":
                return blocks[body["num"]] if body["num"] < len(blocks) else {}
            case "/wallet/gettransactioninfobyblocknum":
                ids = [one["txID"] for one in blocks[body["num"]]["transactions"]]
                return [self.world.infos[one] for one in ids]
            case "/wallet/gettransactioninfobyid":
                return self.world.infos.get(body["value"], {})
            case "/walletsolidity/getaccount":
                whose = next((one for one in self.world.spendable
                              if base58(one) == body["address"]), "")  # fmt: skip
                held = self.world.spendable.get(whose, 0)
                return {"address": body["address"], **({"balance": held} if held else {})}
            case "/wallet/triggerconstantcontract":
                one = body["contract_address"] in {base58(it) for it in self.world.unique}
                return {"result": {"result": True},
                        "constant_result": ["1".rjust(64, "0") if one else ""]}  # fmt: skip
        return 405, {"Error": "class org.eclipse.jetty : no such method"}


def _same(query: dict[str, str]) -> str:
    """Return what must stay as it was from page to page."""
    rest = {name: value for name, value in query.items() if name != "fingerprint"}
    return json.dumps(rest, sort_keys=True).encode().hex()[-24:]


def concerns(row: dict[str, Any], whose: str) -> bool:
    """Tell whether TronGrid lists a transaction or a call for an account."""
    if "internal_tx_id" in row:
        return whose in (base58(row["from_address"]), base58(row["to_address"]))
    value = row["raw_data"]["contract"][0]["parameter"]["value"]
    named = ("owner_address", "to_address", "contract_address", "receiver_address",
             "account_address")  # fmt: skip
    return whose in {base58(value[name]) for name in named if name in value}


@contextmanager
def served(server: TronGridServer) -> Iterator[str]:
    """Serve on loopback; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def _answer(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, value = server.answer(
                method, self.path, body, self.headers.get("TRON-PRO-API-KEY")
            )
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


__all__ = ["TronGridServer", "account", "served"]
