"""A chain of accounts in the making, with authority, activations, and what each transaction is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from chainwatch.addresses.assets import Asset, native, token
from chainwatch.addresses.canonical import Kind
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import ConservationError
from chainwatch.ledger.account_schema import STAKES
from chainwatch.simulate.services.world import FEE, GAS, NOBODY, SELF, TOKEN, Chain, Truth

CONTRACT = "contract"
"""Role of what is no account of anybody's."""

_KINDS = {"eth": Kind.EVM, "tron": Kind.TRON}


@dataclass
class HolderChain(Chain):
    """Everything that moves, and who let it move.

    ``network`` is ``eth`` or ``tron``. ``doing`` is what happens just now, in words: it is written
    down for each transaction in ``told``. ``drops`` are balances of the token that is given away.
    """

    network: str = "eth"
    doing: str = "payment"
    told: dict[bytes, str] = field(default_factory=dict)
    drops: dict[bytes, int] = field(default_factory=dict)
    approvals: list[dict[str, Any]] = field(default_factory=list)
    stakes: list[dict[str, Any]] = field(default_factory=list)
    smart: dict[bytes, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Name the tokens of the network."""
        self.id = chain_of(self.network).id
        self.coin = native(self.id)
        self.paid = self._token(TOKEN.symbol, 0x70)
        self.given = self._token("DROP", 0x71)

    def _token(self, symbol: str, filling: int) -> Asset:
        contract = bytes([_KINDS[self.network]]) + bytes([filling]) * 20
        if self.network == "eth":
            return token(self.id, "0x" + contract[1:].hex(), symbol, 6)
        return Asset(self.id, contract, symbol, 6)

    @contextmanager
    def at(self, doing: str) -> Iterator[None]:
        """Write down what the transactions made meanwhile are."""
        before, self.doing = self.doing, doing
        yield
        self.doing = before

    def address(self, role: str, holder: str, customer: str, kind: str) -> bytes:
        """Return a new address of the network, and write down what it is."""
        name = f"{self.label} {len(self.truth)}".encode()
        made = bytes([_KINDS[self.network]]) + sha256(name).digest()[:20]
        if holder == "outside":  # no two strangers are one
            holder = customer = f"outside {len(self.truth)}"
        self.truth[made] = Truth(made, role, holder, customer, kind)
        return made

    def wallet(self, owner: str, kind: str) -> bytes:
        """Return a new wallet of somebody's own."""
        return self.address(SELF, owner, owner, kind)

    def pay(self, sender: bytes, receiver: bytes, amount: int) -> None:
        """Move tokens in a transaction that the sender sends; of a smart account its bundler."""
        bundler = self.smart.get(sender)
        before = len(self.rows)
        self.pay_together([(sender, receiver, amount)], sent_by=bundler or sender)
        if bundler is not None:
            self.rows[before]["signed"] = True  # an operation that the account's owner signed
            self.allow("user_operation", sender, bundler)
            self.allow("paymaster", self.sponsor, sender)

    @property
    def sponsor(self) -> bytes:
        """Who pays the fees of smart accounts."""
        return bytes([_KINDS[self.network]]) + bytes([0x72]) * 20

    def drop(self, sender: bytes, receivers: Iterable[bytes], amount: int) -> None:
        """Move the token that is given away, a transaction for each receiver.

        Raises
        ------
        ConservationError
            If somebody pays what is not there: a defect of the simulation.
        """
        for receiver in receivers:
            if self.drops.get(sender, 0) < amount:
                raise ConservationError("a simulated address gives away what it does not hold")
            self.drops[sender] -= amount
            self.drops[receiver] = self.drops.get(receiver, 0) + amount
            place = self._place()
            self._row(place, 0, self.given, sender, receiver, amount)
            self._row(place, 0, self.coin, sender, NOBODY, FEE, "fee_burnt")

    def through(self, contract: bytes, payer: bytes, payees: Sequence[tuple[bytes, int]]) -> None:
        """Pay many by one call of a contract, which keeps nothing."""
        whole = sum(amount for _, amount in payees)
        moved = [(payer, contract, whole), *((contract, to, much) for to, much in payees)]
        self.pay_together(moved, sent_by=payer)

    def gas(self, sender: bytes, receiver: bytes) -> None:
        """Pay for somebody's gas, in the coin of the chain; it is the sender's transaction."""
        self._row(self._place(), 0, self.coin, sender, receiver, GAS)

    def make(self, kind: str) -> bytes:
        """Return a new contract that serves everybody."""
        name = f"{kind} {len(self.truth)}"
        made = self.address(CONTRACT, name, name, kind)
        self.allow("creation", made, made, contract=made)
        return made

    def open_smart(self, owner: str, bundler: bytes) -> bytes:
        """Return a new smart account of somebody: its operations a bundler brings to the chain."""
        made = self.wallet(owner, "smart account")
        self.allow("creation", bundler, bundler, contract=made)
        self.smart[made] = bundler
        return made

    def allow(self, kind: str, owner: bytes, spender: bytes, contract: bytes | None = None) -> None:
        """Write down authority, in the last transaction if there is one."""
        last = self.rows[-1]
        self.approvals.append({
            "chain": self.id, "txid": last["txid"], "log_index": 700 + len(self.approvals),
            "kind": kind, "tx": last["tx"], "time": last["time"],
            "contract": contract or self.paid.contract, "owner": owner, "spender": spender,
            "amount": None, "amount_hex": None, "token_id": None, "granted": True,
        })  # fmt: skip

    def approve(self, owner: bytes, spender: bytes) -> None:
        """Let somebody move one's tokens, in a transaction of one's own."""
        self._row(self._place(), 0, self.coin, owner, NOBODY, FEE, "fee_burnt")
        self.allow("approval", owner, spender)

    def activate(self, by: bytes, account: bytes) -> None:
        """Open an account on the chain of another (Tron)."""
        self._row(self._place(), 0, self.coin, by, NOBODY, FEE, "fee_burnt")
        self._stake("activate", by, account, "AccountCreateContract")

    def permit(self, account: bytes, keys: Sequence[bytes], *, alone: bool = True) -> None:
        """Let others sign for an account, each alone or all together (Tron)."""
        self._row(self._place(), 0, self.coin, account, NOBODY, FEE, "fee_burnt")
        kind = "owner_key" if alone else "owner_share"
        for n, key in enumerate(keys):
            self._stake(kind, account, key, "AccountPermissionUpdateContract", n)

    def _stake(self, kind: str, of: bytes, other: bytes, contract_type: str, n: int = 0) -> None:
        last = self.rows[-1]
        row = dict.fromkeys(STAKES.schema)
        self.stakes.append(row | {
            "chain": self.id, "txid": last["txid"], "kind": kind, "n": n, "tx": last["tx"],
            "height": last["height"], "time": last["time"], "address": of, "other": other,
            "moved": 0, "success": True, "contract_type": contract_type,
        })  # fmt: skip

    def _row(
        self, place: tuple[int, int], log: int, asset: Asset, sender: bytes, to: bytes, amount: int,
        kind: str = "",
    ) -> None:  # fmt: skip
        """Write a row of the network, and what its transaction is."""
        nobody = bytes([_KINDS[self.network]]) + bytes(20)
        mine = self.paid if asset == TOKEN else self.given if asset == self.given else self.coin
        super()._row(place, log, mine, sender, nobody if to == NOBODY else to, amount, kind)
        row = self.rows[-1]
        token_kind = "trc20" if self.network == "tron" else "erc20"
        row["chain"] = self.id
        row["kind"] = kind or (token_kind if mine.contract else "native")
        self.told[row["txid"]] = self.doing
