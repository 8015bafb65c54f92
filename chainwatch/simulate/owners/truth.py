"""The truth as tables: what the world wrote down of addresses, transactions, inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import polars as pl

from chainwatch.ledger.schema import TIME
from chainwatch.simulate import blocks
from chainwatch.simulate.owners.world import Entry, Holding, World
from chainwatch.simulate.transactions import ALL, ANYONECANPAY, NONE, SINGLE, Lock
from chainwatch.simulate.wallets import Wallet

Schema = dict[str, pl.DataType | type[pl.DataType]]

ADDRESSES: Schema = {
    "address": pl.Binary, "owner": pl.String, "holders": pl.List(pl.String), "wallet": pl.String,
    "role": pl.String, "from_height": pl.Int64, "to_height": pl.Int64,
}  # fmt: skip

TRANSACTIONS: Schema = {
    "txid": pl.Binary, "height": pl.Int64, "time": TIME, "kind": pl.String, "protocol": pl.String,
    "joint": pl.Boolean, "trick": pl.String, "payer": pl.String,
}  # fmt: skip

INPUTS: Schema = {
    "txid": pl.Binary, "n": pl.Int64, "prev_txid": pl.Binary, "prev_n": pl.Int64,
    "height": pl.Int64, "address": pl.Binary, "owner": pl.String, "wallet": pl.String,
    "sighash": pl.String,
}  # fmt: skip

OUTPUTS: Schema = {
    "txid": pl.Binary, "n": pl.Int64, "height": pl.Int64, "value": pl.Int64,
    "address": pl.Binary, "script_kind": pl.String, "owner": pl.String, "wallet": pl.String,
    "purpose": pl.String, "change": pl.Boolean, "spent_by": pl.Binary,
}  # fmt: skip

_SCRIPT_KINDS = {
    "p2pkh_long": "p2pkh", "p2sh_multisig": "p2sh", "p2wsh_pair": "p2wsh", "p2wsh_delay": "p2wsh",
    "p2tr_leaf": "p2tr", "p2tr_forged": "p2tr",
}  # fmt: skip
_SCHNORR = frozenset({"p2tr", "p2tr_leaf"})
_BASES = {ALL: "ALL", NONE: "NONE", SINGLE: "SINGLE"}

CHANGE = "change"
"""Purpose of what a spender gives back to himself beside what he pays."""


def addresses(world: World) -> pl.DataFrame:
    """Return one row per address that was ever paid, and holder; by address and height."""
    paid = {out.lock.script for entry in world.entries for out in entry.tx.outputs}
    paid |= {out.lock.script for reward in world.rewards for out in reward.outputs}
    rows = [
        (
            held.lock.address, _owner(held.wallet), _holders(held.wallet), held.wallet.name,
            held.wallet.role, held.from_height, held.to_height,
        )
        for held in _holdings(world)
        if held.lock.script in paid and held.lock.address is not None
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=ADDRESSES, orient="row")
    return frame.sort("address", "from_height", nulls_last=False)


def transactions(world: World) -> pl.DataFrame:
    """Return one row per transaction, coinbases as kind ``coinbase``, in the order of the chain."""
    rows: list[tuple[tuple[int, int], tuple[Any, ...]]] = [
        ((reward.height, 0), (reward.txid, reward.height, _moment(world, reward.height),
                              "coinbase", None, False, None, None))
        for reward in world.rewards
    ]  # fmt: skip
    for n, entry in enumerate(world.entries, 1):
        owners = {wallet.owner for wallet in entry.spenders if wallet.owner}
        joint = len(owners) > 1
        payer = next(iter(owners)) if len(owners) == 1 else None
        rows.append(((entry.height, n), (
            entry.tx.txid, entry.height, _moment(world, entry.height), entry.kind, entry.protocol,
            joint, entry.trick, payer,
        )))  # fmt: skip
    genesis = (blocks.GENESIS_TXID, 0, _moment(world, 0), "coinbase", None, False, None, None)
    made = [genesis, *(row for _, row in sorted(rows, key=lambda pair: pair[0]))]
    return pl.DataFrame(made, schema=TRANSACTIONS, orient="row")


def inputs(world: World) -> pl.DataFrame:
    """Return one row per input, in the order of the chain; coinbases have none."""
    rows = [row for entry in world.entries for row in _spent(entry)]
    return pl.DataFrame(rows, schema=INPUTS, orient="row")


def outputs(world: World) -> pl.DataFrame:
    """Return one row per output with an owner, data outputs included, by height and transaction."""
    spent = {
        (coin.txid, coin.n): entry.tx.txid for entry in world.entries for coin in entry.tx.inputs
    }
    rows: list[tuple[Any, ...]] = []
    for reward in world.rewards:
        for n, out in enumerate(reward.outputs):
            wallet = reward.miner if n == 0 else None
            rows.append(_made(reward.txid, n, reward.height, out.value, out.lock, wallet,
                              out.purpose, spent))  # fmt: skip
    for entry in world.entries:
        pairs = zip(entry.tx.outputs, entry.receivers, strict=True)
        for n, (out, wallet) in enumerate(pairs):
            rows.append(_made(entry.tx.txid, n, entry.height, out.value, out.lock, wallet,
                              out.purpose, spent))  # fmt: skip
    frame = pl.DataFrame(rows, schema=OUTPUTS, orient="row")
    return frame.sort("height", maintain_order=True)


def flag_name(lock: Lock, flag: int) -> str | None:
    """Return how a ledger names the flag of a signature under a lock; None where none is made."""
    if lock.kind in ("p2a", "p2tr_forged"):
        return None
    if lock.kind in _SCHNORR and flag == ALL:
        return "DEFAULT"
    return _BASES[flag & ~ANYONECANPAY] + ("|ANYONECANPAY" if flag & ANYONECANPAY else "")


def _spent(entry: Entry) -> Iterator[tuple[Any, ...]]:
    flags = entry.tx.flags or (ALL,) * len(entry.tx.inputs)
    for n, (coin, wallet, flag) in enumerate(
        zip(entry.tx.inputs, entry.spenders, flags, strict=True)
    ):
        yield (
            entry.tx.txid, n, coin.txid, coin.n, entry.height, coin.lock.address, _owner(wallet),
            wallet.name, flag_name(coin.lock, flag),
        )  # fmt: skip


def _made(
    txid: bytes, n: int, height: int, value: int, lock: Lock, wallet: Wallet | None, purpose: str,
    spent: dict[tuple[bytes, int], bytes],
) -> tuple[Any, ...]:  # fmt: skip
    return (
        txid, n, height, value, lock.address, _SCRIPT_KINDS.get(lock.kind, lock.kind),
        _owner(wallet) if wallet else None, wallet.name if wallet else None, purpose,
        purpose == CHANGE, spent.get((txid, n)),
    )  # fmt: skip


def _holdings(world: World) -> Iterator[Holding]:
    yield from world.former
    yield from world.holders.values()


def _owner(wallet: Wallet) -> str | None:
    return wallet.owner or None


def _holders(wallet: Wallet) -> list[str]:
    return wallet.owner.split(" & ") if wallet.owner else []


def _moment(world: World, height: int) -> datetime:
    return datetime.fromtimestamp(world.times[height], UTC)
