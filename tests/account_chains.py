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
from eth_abi.abi import encode

from chainwatch.addresses.canonical import Kind
from chainwatch.attribution.tags import Tags, make_tags
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.ledger import schema
from chainwatch.ledger.account_schema import APPROVALS, CONTRACT_LOGS, STAKES
from chainwatch.ledger.accounts.contract_events import LOGS, SAFE, events_of, logs_unit
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
        logs: Iterable[tuple[Any, ...]] = (),
        logged: bool = True,
    ) -> Ledger:
        """Return a ledger of payments ``(text, minute[, more])``.

        ``more`` are columns, or ``id`` of the transaction; ``coin=True`` makes it of the coin.
        ``read`` are those whose whole history was read; None is everybody. An approval is
        ``(kind, owner, spender, minute[, more])``, a stake
        ``(kind, address, other, minute[, more])``. A log of a Safe is ``(event, safe, names or
        number, minute[, more])``, its setup ``("SafeSetup", safe, (owners, threshold), minute)``;
        where there are any every block was read, with logs if ``logged``.
        """
        rows = [self._payment(place, *one) for place, one in enumerate(payments)]
        given = [self._approval(place, *one) for place, one in enumerate(approvals)]
        staked = [self._stake(place, *one) for place, one in enumerate(stakes)]
        told = [self._log(place, *one) for place, one in enumerate(logs)]
        transfers = pl.DataFrame(rows, schema=schema.TRANSFERS.schema, orient="row")
        named = {*transfers["sender"], *transfers["receiver"]}
        whose = sorted(named) if read is None else [self(one) for one in read]
        coverage = [
            {"chain": self.chain, "unit": f"address/{one.hex()}", "kind": "address",
             "address": one, "complete": True, "source": "test", "answer": bytes(32)}
            for one in whose
        ]  # fmt: skip
        top = max((row["height"] for row in (*rows, *told)), default=0) if told else -1
        blocks, units = self._blocks(top, logged=logged)
        return Ledger.from_tables({
            "transfers": transfers,
            "contract_logs": pl.DataFrame(told, schema=CONTRACT_LOGS.schema, orient="row"),
            "blocks": pl.DataFrame(blocks, schema=schema.BLOCKS.schema, orient="row"),
            "approvals": pl.DataFrame(given, schema=APPROVALS.schema, orient="row"),
            "stakes": pl.DataFrame(staked, schema=STAKES.schema, orient="row"),
            "coverage": pl.DataFrame(
                [*coverage, *units], schema=schema.COVERAGE.schema, orient="row"
            ),
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

    def _log(
        self, place: int, event: str, safe: str, said: Any, minute: int,
        more: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        given = dict(more or {})
        (topic,) = (one.topic for one in events_of(SAFE) if one.text.startswith(f"{event}("))
        row: dict[str, Any] = dict.fromkeys(CONTRACT_LOGS.schema)
        row |= {
            "chain": self.chain, "txid": self.txid(given.pop("id", f"log {place}")),
            "log_index": 900 + place, "tx": schema.pack_tx(minute, 900 + place),
            "height": minute, "time": START + timedelta(minutes=minute), "contract": self(safe),
            "topic0": topic, "data": self._data(said),
        }  # fmt: skip
        return row | given

    def _data(self, said: Any) -> bytes:
        """Return what a log of a Safe says: a number, whom it names, or its setup."""
        if isinstance(said, int):
            return said.to_bytes(32)
        if isinstance(said, str):
            return bytes(12) + self(said)[1:]
        names, threshold = said
        nobody = "0x" + "00" * 20
        owners = ["0x" + self(one)[1:].hex() for one in names]
        kinds = ("address[]", "uint256", "address", "address")
        return bytes(encode(kinds, (owners, threshold, nobody, nobody)))

    def _blocks(self, top: int, *, logged: bool) -> tuple[list[Any], list[Any]]:
        """Return the blocks up to a height, and the units that tell that they were read."""
        hashes = [self.txid(f"block {height}") for height in range(top + 1)]
        blocks = [
            dict.fromkeys(schema.BLOCKS.schema) | {
                "chain": self.chain, "height": height, "hash": own,
                "parent": hashes[height - 1] if height else bytes(32),
                "time": START + timedelta(minutes=height), "tx_count": 1,
            }
            for height, own in enumerate(hashes)
        ]  # fmt: skip
        units = [
            {"chain": self.chain, "unit": unit, "kind": kind, "height": height, "block": own,
             "complete": True, "source": "test", "answer": bytes(32)}
            for height, own in enumerate(hashes)
            for kind, unit in (("block", f"block/{own.hex()}"), (LOGS, logs_unit(own.hex())))
            if logged or kind != LOGS
        ]  # fmt: skip
        return blocks, units

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
