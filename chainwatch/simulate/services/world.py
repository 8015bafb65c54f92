"""An account chain in the making: clock, balances, transfers, and whose every address is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from random import Random
from typing import Any

from chainwatch.addresses.assets import Asset, native, token
from chainwatch.addresses.canonical import Kind
from chainwatch.chains.catalogue import chain
from chainwatch.errors import ConservationError
from chainwatch.ledger.schema import pack_tx

NETWORK = chain("eth").id
TOKEN = token("eth", "0x" + "70" * 20, "TOK", 6)
"""The token that people pay with."""

COIN = native(NETWORK)
NOBODY = bytes([Kind.EVM]) + bytes(20)
"""The zero address, where burnt fees go."""

UNIT, GAS, FEE = 10**6, 10**16, 10**14
"""One token, what is paid for gas, and the fee of one transaction, in base units."""

BLOCK_SECONDS, FIRST_BLOCK = 12, 18_000_000

DEPOSIT, HOT, COLD, GAS_WALLET, SELF = (
    "deposit address",
    "hot wallet",
    "cold wallet",
    "gas wallet",
    "self-held",
)


@dataclass(frozen=True)
class Truth:
    """What an address is: its role, whose keys they are, whose money it is, and of which kind."""

    address: bytes
    role: str
    holder: str
    customer: str
    kind: str


@dataclass
class Chain:
    """Everything that moves. ``label`` names part and seed and is the origin of all addresses."""

    label: str
    rng: Random
    start: int
    now: int = 0
    truth: dict[bytes, Truth] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    balances: dict[bytes, int] = field(default_factory=dict)
    placed: dict[int, int] = field(default_factory=dict)

    def between(self, least: int, most: int) -> int:
        """Return a whole number from least to most."""
        return least + self.rng.randrange(most - least + 1)

    def chance(self, of_100: int) -> bool:
        """Say yes so many times of a hundred."""
        return self.rng.randrange(100) < of_100

    def address(self, role: str, holder: str, customer: str, kind: str) -> bytes:
        """Return a new address, and write down what it is."""
        name = f"{self.label} {len(self.truth)}".encode()
        made = bytes([Kind.EVM]) + sha256(name).digest()[:20]
        self.truth[made] = Truth(made, role, holder, customer, kind)
        return made

    def mint(self, to: bytes, amount: int) -> None:
        """Let tokens come in from outside of all that is simulated."""
        outside = self.address("outside", "outside", "outside", "outside")
        self.balances[outside] = amount
        self.pay(outside, to, amount)

    def held(self, address: bytes) -> int:
        """Return how many base units of the token an address holds."""
        return self.balances.get(address, 0)

    def pay(self, sender: bytes, receiver: bytes, amount: int) -> None:
        """Move tokens in a transaction of its own."""
        self.pay_together([(sender, receiver, amount)])

    def pay_together(
        self, payments: Sequence[tuple[bytes, bytes, int]], sent_by: bytes | None = None
    ) -> None:
        """Move tokens of several in one transaction; who sent it pays its fee.

        Raises
        ------
        ConservationError
            If somebody pays what is not there: a defect of the simulation.
        """
        place = self._place()
        for log, (sender, receiver, amount) in enumerate(payments):
            if not 0 < amount <= self.held(sender):
                raise ConservationError("a simulated address pays what it does not hold")
            self.balances[sender] -= amount
            self.balances[receiver] = self.held(receiver) + amount
            self._row(place, log, TOKEN, sender, receiver, amount)
        if sent_by is not None:
            self._row(place, 0, COIN, sent_by, NOBODY, FEE, "fee_burnt")

    def gas(self, sender: bytes, receiver: bytes) -> None:
        """Pay for somebody's gas, in the coin of the chain."""
        self._row(self._place(), 0, COIN, sender, receiver, GAS)

    def _place(self) -> tuple[int, int]:
        height = FIRST_BLOCK + self.now // BLOCK_SECONDS
        position = self.placed[height] = self.placed.get(height, -1) + 1
        return height, position

    def _row(
        self, place: tuple[int, int], log: int, asset: Asset, sender: bytes, to: bytes, amount: int,
        kind: str = "",
    ) -> None:  # fmt: skip
        height, position = place
        seconds = self.start + self.now // BLOCK_SECONDS * BLOCK_SECONDS
        self.rows.append({
            "chain": NETWORK, "kind": kind or ("erc20" if asset.contract else "native"),
            "txid": sha256(f"{self.label} {height} {position}".encode()).digest(),
            "log_index": position * 1_000 + log if asset.contract else None,
            "trace_path": None if asset.contract else "", "occurrence": 0,
            "tx": pack_tx(height, position), "height": height,
            "time": datetime.fromtimestamp(seconds, UTC), "contract": asset.contract,
            "token_id": None, "sender": sender, "receiver": to, "amount": amount,
            "amount_hex": None, "symbol": asset.symbol, "decimals": asset.decimals,
            "success": True, "status": None, "order_uncertain": False, "sections": 1,
            "signed": None,
        })  # fmt: skip
