"""Two account chains with one token in the making: balances, transfers, and one clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from random import Random
from typing import Any

from chainwatch.addresses.assets import Asset, token
from chainwatch.addresses.canonical import Kind
from chainwatch.chains.catalogue import chain
from chainwatch.errors import ConservationError
from chainwatch.ledger.schema import pack_tx

UNIT = 10**6
"""One token in base units, on either chain."""

ASSETS = {
    name: token(name, "0x" + digits * 20, "TOK", 6)
    for name, digits in (("eth", "71"), ("base", "72"))
}
"""The token, which each chain has under a contract of its own."""

SECONDS = {"eth": 12, "base": 2}
"""Between two blocks."""

FIRST_BLOCK = 18_000_000

Place = tuple[str, bytes, int]
"""What calls a transfer: CAIP-2 id, transaction, place in it."""


@dataclass
class Shores:
    """Everything that moves on both chains. ``label`` is the origin of all addresses and ids."""

    label: str
    rng: Random
    start: int
    rows: list[dict[str, Any]] = field(default_factory=list)
    balances: dict[tuple[str, bytes], int] = field(default_factory=dict)
    made: int = 0

    def between(self, least: int, most: int) -> int:
        """Return a whole number from least to most."""
        return least + self.rng.randrange(most - least + 1)

    def chance(self, of_1000: int) -> bool:
        """Say yes so many times of a thousand."""
        return self.rng.randrange(1000) < of_1000

    def address(self) -> bytes:
        """Return a new address."""
        self.made += 1
        return bytes([Kind.EVM]) + sha256(f"{self.label} {self.made}".encode()).digest()[:20]

    def mint(self, on: str, to: bytes, amount: int) -> None:
        """Let somebody hold tokens that came in before all that is simulated."""
        self.balances[on, to] = self.balances.get((on, to), 0) + amount

    def pay(self, on: str, sender: bytes, receiver: bytes, amount: int, second: int) -> Place:
        """Move tokens in a transaction of its own, so many seconds after the start.

        Raises
        ------
        ConservationError
            If somebody pays what is not there: a defect of the simulation.
        """
        held = self.balances.get((on, sender), 0)
        if not 0 < amount <= held:
            raise ConservationError("a simulated address pays what it does not hold")
        self.balances[on, sender] = held - amount
        self.balances[on, receiver] = self.balances.get((on, receiver), 0) + amount
        asset: Asset = ASSETS[on]
        block = second // SECONDS[on]
        position, height = len(self.rows), FIRST_BLOCK + block
        txid = sha256(f"{self.label} {on} {position}".encode()).digest()
        self.rows.append({
            "chain": asset.chain, "kind": "erc20", "txid": txid, "log_index": position,
            "trace_path": None, "occurrence": 0, "tx": pack_tx(height, position), "height": height,
            "time": datetime.fromtimestamp(self.start + block * SECONDS[on], UTC),
            "contract": asset.contract, "token_id": None, "sender": sender, "receiver": receiver,
            "amount": amount, "amount_hex": None, "symbol": asset.symbol,
            "decimals": asset.decimals, "success": True, "status": None, "order_uncertain": False,
            "sections": 1, "signed": None,
        })  # fmt: skip
        return chain(on).id, txid, 0
