"""Account chains written by hand: payments, authority, stakes, tags, and whose history was read.

A payment is ``"ann>dan:5"`` at a minute, of the token; ``coin`` is the coin of the chain. Names are
legible in the addresses; ``0`` is the zero address. Who pays has signed, unless
``signed`` says otherwise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import Kind
from chainwatch.attribution.tags import Tags, make_tags
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.ledger import schema
from chainwatch.ledger.account_schema import APPROVALS, STAKES
from chainwatch.ledger.ledger import Ledger

START = datetime(2023, 6, 1, tzinfo=UTC)
DAY, HOUR = 24 * 60, 60
HOT = ("hot", "shop", "hot_wallet")


@dataclass(frozen=True)
class Accounts:
    """What makes ledgers of one account chain.

    ``placed`` is whether a source tells the place of a transaction in its block.
    """

    alias: str = "eth"
    placed: bool = True

    @property
    def chain(self) -> str:
        """Its CAIP-2 id."""
        return chain_of(self.alias).id

    def __call__(self, name: str) -> bytes:
        """Return the address of a name."""
        kind = Kind.TRON if chain_of(self.alias).family == "tron" else Kind.EVM
        return bytes([kind]) + (bytes(20) if name == "0" else name.encode().rjust(20, b"."))

    def name(self, address: bytes) -> str:
        """Return the name of an address."""
        return address[1:].strip(b".").decode()

    def txid(self, name: object) -> bytes:
        """Return the id of a transaction."""
        return hashlib.sha256(str(name).encode()).digest()

    def ledger(
        self,
        payments: Iterable[tuple[Any, ...]],
        *,
        read: str | Sequence[str] | None = None,
        approvals: Iterable[tuple[Any, ...]] = (),
        stakes: Iterable[tuple[Any, ...]] = (),
    ) -> Ledger:
        """Return a ledger of payments ``(text, minute[, more])``.

        ``more`` are columns, or ``id`` of the transaction; ``coin=True`` makes it of the coin.
        ``read`` are those whose whole history was read; None is everybody. An approval is
        ``(kind, owner, spender, minute[, more])``, a stake
        ``(kind, address, other, minute[, more])``.
        """
        rows = [self._payment(place, *one) for place, one in enumerate(payments)]
        given = [self._approval(place, *one) for place, one in enumerate(approvals)]
        staked = [self._stake(place, *one) for place, one in enumerate(stakes)]
        transfers = pl.DataFrame(rows, schema=schema.TRANSFERS.schema, orient="row")
        named = {*transfers["sender"], *transfers["receiver"]}
        whose = sorted(named) if read is None else [self(one) for one in read]
        coverage = [
            {"chain": self.chain, "unit": f"address/{one.hex()}", "kind": "address",
             "address": one, "complete": True, "source": "test", "answer": bytes(32)}
            for one in whose
        ]  # fmt: skip
        return Ledger.from_tables({
            "transfers": transfers,
            "approvals": pl.DataFrame(given, schema=APPROVALS.schema, orient="row"),
            "stakes": pl.DataFrame(staked, schema=STAKES.schema, orient="row"),
            "coverage": pl.DataFrame(coverage, schema=schema.COVERAGE.schema, orient="row"),
        })  # fmt: skip

    def tags(self, *said: tuple[Any, ...]) -> Tags:
        """Return tags ``(name, actor[, concept[, more]])``; by default one hot wallet of a shop."""
        rows = [self._tag(*one) for one in said or (HOT,)]
        return make_tags(pl.DataFrame(rows, schema=schema.TAGS.schema, orient="row"))

    def pairs(self, frame: pl.DataFrame) -> set[tuple[str, str, bool | None]]:
        """Return the links of a frame by names, with their veto."""
        rows = frame.select("a", "b", "veto").iter_rows()
        return {(*sorted((self.name(a), self.name(b))), veto) for a, b, veto in rows}  # type: ignore[misc]

    def _payment(
        self, place: int, text: str, minute: int, more: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        parties, _, amount = text.partition(":")
        sender, _, receiver = parties.partition(">")
        given = dict(more or {})
        coin, token = given.pop("coin", False), given.pop("token", "token")
        kind = "native" if coin else "trc20" if chain_of(self.alias).family == "tron" else "erc20"
        row = dict.fromkeys(schema.TRANSFERS.schema)
        row |= {
            "chain": self.chain, "txid": self.txid(given.pop("id", place)), "kind": kind,
            "log_index": None if coin else place, "trace_path": "" if coin else None,
            "occurrence": 0, "tx": schema.pack_tx(minute, place) if self.placed else None,
            "height": minute, "time": START + timedelta(minutes=minute),
            "contract": None if coin else self(token), "sender": self(sender),
            "receiver": self(receiver), "amount": int(amount), "success": True,
            "order_uncertain": not self.placed, "sections": 1, "signed": True,
        }  # fmt: skip
        return row | given

    def _approval(
        self, place: int, kind: str, owner: str, spender: str, minute: int,
        more: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        given = dict(more or {})
        row = dict.fromkeys(APPROVALS.schema)
        row |= {
            "chain": self.chain, "txid": self.txid(given.pop("id", f"approval {place}")),
            "kind": kind, "log_index": 500 + place, "tx": schema.pack_tx(minute, 500 + place),
            "time": START + timedelta(minutes=minute), "contract": self("token"),
            "owner": self(owner), "spender": self(spender), "amount": 1, "granted": True,
        }  # fmt: skip
        return row | given

    def _stake(
        self, place: int, kind: str, address: str, other: str, minute: int,
        more: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        row = dict.fromkeys(STAKES.schema)
        row |= {
            "chain": self.chain, "txid": self.txid(f"stake {place}"), "kind": kind, "n": 0,
            "height": minute, "time": START + timedelta(minutes=minute), "address": self(address),
            "other": self(other), "moved": 0, "success": True, "contract_type": "test",
            "tx": schema.pack_tx(minute, 800 + place) if self.placed else None,
        }  # fmt: skip
        return row | dict(more or {})

    def _tag(
        self, name: str, actor: str, concept: str = "exchange",
        more: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        row: dict[str, Any] = dict.fromkeys(schema.TAGS.schema)
        row |= {
            "chain": self.chain, "address": self(name), "label": f"{actor} {name}",
            "actor": actor, "concept": concept, "source": "test", "confidence": "service_data",
            "level": 50, "pack": "test", "definer": False,
        }  # fmt: skip
        return row | dict(more or {})
