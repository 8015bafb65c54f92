"""A coin chain in dictionaries: what :class:`Coins` answers from an index, read from the tables.

It loads everything and looks nothing up; slow, short and written for these tests alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.output_status import AsOf, OutputStatus, owner_key
from chainwatch.ledger.schema import POSITION_BITS
from chainwatch.ledger.spend_order import parents_first
from chainwatch.tracing.walks.utxo_graph import Coin

Place = tuple[int, int]


class PlainCoins:
    """The same questions, the same answers."""

    def __init__(self, ledger: Ledger, chain: str) -> None:
        whole = ledger.history.chain_only(chain)
        self.first, self.last = ledger.start, ledger.end
        self.free = not parents_first(chain_of(chain))
        self.status = OutputStatus.read(ledger, chain)
        self.txs: dict[int, dict[str, Any]] = {
            row["tx"]: row for row in whole.transactions.collect().to_dicts()
        }
        ids: dict[bytes, list[int]] = defaultdict(list)
        for tx, row in self.txs.items():
            ids[row["txid"]].append(tx)
        self.ids = ids
        self.ins: dict[int, list[Coin]] = defaultdict(list)
        self.outs: dict[int, list[Coin]] = defaultdict(list)
        self.by: dict[Place, int] = {}
        self.scripts: dict[Place, bytes] = {}
        self.strays: dict[Place, int] = {}
        for row in whole.outputs.sort("tx", "n").collect().to_dicts():
            self.outs[row["tx"]].append(
                Coin(row["tx"], row["n"], row["value"], row["address"], row["script_kind"],
                     row["spendable"], None, None)
            )  # fmt: skip
            if row["script"] is not None:
                self.scripts[row["tx"], row["n"]] = row["script"]
        for row in whole.inputs.sort("tx", "n").collect().to_dicts():
            known = row["prev_tx"] in self.txs
            self.ins[row["tx"]].append(
                Coin(
                    row["prev_tx"] if known else None, row["prev_n"], row["value"],
                    row["address"], row["script_kind"], True,
                    None if known else row["prev_tx"], None if known else row["prev_txid"],
                )
            )  # fmt: skip
            if known:
                self.by.setdefault((row["prev_tx"], row["prev_n"]), row["tx"])
            for made in ids.get(row["prev_txid"], []) if row["prev_tx"] is None else []:
                self.strays[made, row["prev_n"]] = row["tx"]
        self.blocks: dict[int, set[bytes]] = defaultdict(set)
        for row in self.txs.values():
            self.blocks[row["height"]].add(row["block"])

    @classmethod
    def read(cls, ledger: Ledger, chain: str) -> PlainCoins:
        return cls(ledger, chain)

    def inside(self, tx: int | None) -> bool:
        if tx not in self.txs:
            return False
        time = self.txs[tx]["time"]
        return (self.first is None or self.first <= time) and (
            self.last is None or time < self.last
        )

    def height(self, tx: int) -> int:
        return tx >> POSITION_BITS

    def number(self, tx: int) -> int:
        return tx

    def txid(self, tx: int) -> bytes:
        return bytes(self.txs[tx]["txid"])

    def coinbase(self, tx: int) -> bool:
        return bool(self.txs[tx]["coinbase"])

    def time(self, tx: int) -> datetime:
        time: datetime = self.txs[tx]["time"]
        return time

    def numbers_of(self, txid: bytes) -> list[int]:
        return sorted(self.ids.get(txid, []))

    def paying(self, addresses: Collection[bytes]) -> set[int]:
        return self._with(self.outs, addresses)

    def paid_by(self, addresses: Collection[bytes]) -> set[int]:
        return self._with(self.ins, addresses)

    def opened_by(self, addresses: Collection[bytes]) -> set[int]:
        return {
            tx for tx in self.paid_by(addresses)
            if any(coin.address in addresses and not self.inside(coin.tx)
                   for coin in self.ins.get(tx, []))
        }  # fmt: skip

    def _with(self, side: dict[int, list[Coin]], addresses: Collection[bytes]) -> set[int]:
        return {
            tx for tx in self.txs
            if self.inside(tx) and any(coin.address in addresses for coin in side.get(tx, []))
        }  # fmt: skip

    def spent(self, tx: int) -> list[Coin]:
        return self.ins.get(tx, [])

    def made(self, tx: int) -> list[Coin]:
        return self.outs.get(tx, [])

    def lacking(self, tx: int) -> str:
        row = self.txs[tx]
        for name, side in (("inputs", self.ins), ("outputs", self.outs)):
            count = row[f"{name[:-1]}_count"]
            if len(side.get(tx, [])) != count:
                return f"{len(side.get(tx, []))} of {count} {name}"
        return ""

    def spender(self, tx: int, n: int) -> int | None:
        return self.by.get((tx, n))

    def misplaced(self, tx: int, n: int) -> int | None:
        return self.strays.get((tx, n))

    def history_of(self, address: bytes) -> AsOf | None:
        return self.status.history_of(address)

    def unspent(self, coin: Coin) -> AsOf | str:
        tx = coin.tx or 0
        height, found = self.height(tx), self.blocks.get(self.height(tx), set())
        owner = owner_key(coin.address, self.scripts.get((tx, coin.n)))
        block = next(iter(found)) if len(found) == 1 else None
        return self.status.unspent(height, block, owner) or self.status.why_not(height, owner)

    def depth(self, tx: int) -> int:
        if not self.free:
            return 0
        above = [
            coin.tx for coin in self.spent(tx)
            if coin.tx is not None and self.height(coin.tx) == self.height(tx)
        ]  # fmt: skip
        return max((1 + self.depth(one) for one in above), default=0)
