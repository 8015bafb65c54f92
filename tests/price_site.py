"""A server that answers as CoinGecko and Kraken do, with made-up prices; loopback only.

It imports nothing of chainwatch. CoinGecko: ``market_chart/range`` with times in milliseconds and
numbers that are no decimals of few digits, no more than 100 days by the hour, refusals as status
429 with a body or in a body. Kraken: 720 rows at most, prices as texts, the last row goes on.
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

DAY, HOUR = 86_400, 3_600
TOO_OFTEN = {"status": {"error_code": 429, "error_message": "You've exceeded the Rate Limit."}}
Change = Callable[[Any], Any]


def price(time: int) -> str:
    """Return the price of a time as the digits that are sent."""
    return f"{20_000 + time // HOUR % 977}.{time // HOUR % 1000:03}12345678901234567"


@dataclass
class PriceSite:
    """Answers for any coin or pair, up to a time."""

    now: int
    refuse: int = 0
    status: int = 429
    body: Any = field(default_factory=lambda: TOO_OFTEN)
    late: int = 0
    missing: frozenset[int] = frozenset()
    change: Change | None = None
    asked: list[str] = field(default_factory=list)

    def answer(self, target: str) -> tuple[int, str]:
        """Return status and body."""
        self.asked.append(target)
        if self.refuse:
            self.refuse -= 1
            return self.status, json.dumps(self.body)
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        made = self._ohlc(query) if parts.path.endswith("/OHLC") else self._chart(query)
        if isinstance(made, tuple):
            return made
        text = made if self.change is None else self.change(made)
        return 200, text if isinstance(text, str) else json.dumps(text)

    def _chart(self, query: dict[str, str]) -> str | tuple[int, str]:
        step = DAY if query["interval"] == "daily" else HOUR
        first, last = int(query["from"]), int(query["to"])
        if step == HOUR and last - first > 100 * DAY:
            return 422, json.dumps({"error": "the range must not exceed 100 days"})
        times = [t for t in range(-(-first // step) * step, last + 1, step) if t < self.now]
        rows = [f"[{t * 1000 + self.late},{'null' if t in self.missing else price(t)}]"
                for t in times]  # fmt: skip
        return f'{{"prices":[{",".join(rows)}],"market_caps":[],"total_volumes":[]}}'

    def _ohlc(self, query: dict[str, str]) -> str:
        step = int(query["interval"]) * 60
        times = [t for t in range(0, self.now, step) if t > int(query["since"])][-720:]
        rows = [
            [t, "1", "3", "0.5", "2", "0.0" if t in self.missing else price(t),
             "0.0" if t in self.missing else "7.5", 0 if t in self.missing else 9]
            for t in times
        ]  # fmt: skip
        made = {"error": [], "result": {"XXBTZEUR": rows, "last": times[-1] if times else 0}}
        return json.dumps(made)


@contextmanager
def served(site: PriceSite) -> Iterator[str]:
    """Serve on loopback; give the base of the URLs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = site.answer(self.path)
            body = text.encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
