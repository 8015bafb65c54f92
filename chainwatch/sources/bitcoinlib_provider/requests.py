"""What a provider may be asked through bitcoinlib, and how its answers are made safe for it.

A question that is not on the list of what only reads is refused before anything is sent: Blockbook,
for one, sends transactions by GET. Pages that bitcoinlib would pass over are joined.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chainwatch.errors import SourceError
from chainwatch.net.client import Answer, Client, Expect

_TX, _ADDRESS = "[0-9a-f]{64}", "[0-9A-Za-z]{14,90}"
_ESPLORA = (
    rf"address/{_ADDRESS}(/txs(/chain)?(/{_TX})?)?|tx/{_TX}/hex|block/{_TX}/(raw|header)|"
    + (r"block-height/\d{1,9}|blocks/tip/height")
)
_BLOCKBOOK = rf"address/{_ADDRESS}|tx/{_TX}|block/(\d{{1,9}}|{_TX})|status"
PROVIDERS: dict[str, tuple[str, str]] = {
    "blockstream": ("BlockstreamClient", _ESPLORA),
    "mempool": ("MempoolClient", _ESPLORA),
    "blockbook": ("BlockbookClient", _BLOCKBOOK),
}
"""Kinds of provider to bitcoinlib's class and to all that may be asked: nothing that writes."""

_MOST_PAGES = 1_000
_DEFECT = "update chainwatch, or read from another source"


@dataclass
class Questions:
    """What bitcoinlib's client gets in place of a connection; ``answers`` are those that came."""

    http: Client
    allowed: str
    answers: list[Answer] = field(default_factory=list)

    def request(
        self, url_path: str, variables: Mapping[str, str | int] | None = None,
        method: str = "get", secure: object = None, post_data: object = "", header: object = None,
    ) -> Any:  # fmt: skip
        """Ask what only reads; refuse all else before anything is sent."""
        if method != "get" or post_data:
            raise self._refused()
        self._check_allowed(url_path)
        value = self._get(url_path, dict(variables or {}))
        if url_path.startswith("address/") and isinstance(value, list):
            return [_bare(tx) for tx in value if tx["status"]["confirmed"] is True]
        if isinstance(value, dict) and isinstance(value.get("totalPages"), int):
            return self._all_pages(url_path, dict(variables or {}), value)
        return value

    @property
    def by_hash(self) -> bool:
        """Tells the forms apart: Esplora names the hash of a height, Blockbook shows the block."""
        return "block-height" in self.allowed

    def only(self, path: str) -> Any:
        """Ask for one answer, without the pages that may follow it."""
        self._check_allowed(path)
        return self._get(path, {})

    def _check_allowed(self, path: str) -> None:
        if not re.fullmatch(self.allowed, path, re.ASCII):
            raise self._refused()

    def _refused(self) -> SourceError:
        what = "bitcoinlib was about to ask for something that chainwatch does not"
        return SourceError(what, where=self.http.host, remedy=_DEFECT)

    def stated_count(self, address: str) -> Any:
        """Return how many confirmed transactions the provider says that an address has."""
        if "blocks/tip" in self.allowed:
            return self.request(f"address/{address}")["chain_stats"]["tx_count"]
        return self.request(f"address/{address}", {"details": "basic"})["txs"]

    def _get(self, path: str, variables: dict[str, str | int]) -> Any:
        expect: Expect = "json"
        if path.endswith("/raw"):
            expect = "bytes"
        elif path.endswith(("/hex", "/header")) or path.startswith("block-height/"):
            expect = "text"
        answer = self.http.get(f"/{path}", variables or None, expect=expect)
        self.answers.append(answer)
        return answer.value.strip() if expect == "text" else answer.value

    def _all_pages(self, path: str, variables: dict[str, str | int], first: Any) -> Any:
        """Join the pages of a Blockbook answer, of which bitcoinlib reads the first alone."""
        if first["totalPages"] > _MOST_PAGES:
            raise SourceError(
                f"the answer has {first['totalPages']:,} pages", where=self.http.host,
                remedy="read the blocks themselves, from a node",
            )  # fmt: skip
        pages = [first]
        for page in range(2, first["totalPages"] + 1):
            pages.append(self._get(path, {**variables, "page": page}))
        joined = dict(first)
        for name in ("txs", "transactions"):
            if isinstance(first.get(name), list):
                joined[name] = [item for page in pages for item in page[name]]
        if isinstance(joined.get("transactions"), list):
            kept = [tx for tx in joined["transactions"] if tx["confirmations"] > 0]
            joined["transactions"] = kept
        return joined


def _bare(tx: Any) -> Any:
    """Return an Esplora transaction without the addresses that somebody else made of its scripts.

    Unconfirmed ones are left out before: bitcoinlib takes a page with them for the last one.
    """
    for out in [*tx["vout"], *(spent["prevout"] for spent in tx["vin"] if spent.get("prevout"))]:
        out.pop("scriptpubkey_address", None)
    return tx
