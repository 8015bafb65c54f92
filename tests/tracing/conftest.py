"""Small ledgers written as a few lines: coins spent and made, transfers paid, tags."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import polars as pl
import pytest

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.tags import Tags, make_tags
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger

START = datetime(2023, 6, 1, tzinfo=UTC)
BTC, ETH = chain_of("btc-regtest").id, chain_of("eth").id
COIN_KINDS = {"null_data": None, "p2pk": None}


class Desk(NamedTuple):
    """What tests are written with."""

    coins: Callable[..., Ledger]
    paid: Callable[..., Ledger]
    tags: Callable[..., Tags]
    coin: Callable[[str], bytes]
    account: Callable[[str], bytes]
    txid: Callable[[str], bytes]
    asset: Asset
    ends: Callable[[Any], dict[tuple[str, str | None], int]]


def coin_address(name: str) -> bytes:
    """Return the coin address of a name: the name is legible in it."""
    return b"\x01" + name.encode().rjust(20, b".")


def account_address(name: str) -> bytes:
    """Return the account address of a name; ``0`` is the zero address."""
    return b"\x10" + (bytes(20) if name == "0" else name.encode().rjust(20, b"."))


def txid_of(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


TOKEN = Asset(ETH, account_address("token"), "TOK", 0)


def coin_ledger(
    txs: Sequence[dict[str, Any]], *, chain: str = BTC, unlinked: Sequence[int] = ()
) -> Ledger:
    """Return a ledger of transactions, by default one a block, ten minutes apart.

    A transaction is ``{"id", "ins", "outs", "height"}``. An input is ``(id, n)`` of a transaction
    above it, ``("?",)`` where nothing is known of it, or ``(id, n, value, address)`` where it was
    read without the transaction that made it. An output is ``(address, value[, kind])``.
    Heights in ``unlinked`` have a parent that was not read.
    """
    known: dict[str, tuple[int, list[Any]]] = {}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ("transactions", "inputs")}
    rows |= {"outputs": [], "blocks": [], "coverage": []}
    heights: dict[int, int] = {}
    for place, tx in enumerate(txs):
        height = tx.get("height", place)
        position = heights.get(height, 0)
        heights[height] = position + 1
        number = schema.pack_tx(height, position)
        when = START + timedelta(minutes=10 * height)
        outs = [_output(*out) for out in tx["outs"]]
        rows["transactions"].append(
            {
                "chain": chain, "tx": number, "txid": txid_of(tx["id"]), "wtxid": None,
                "block": txid_of(f"block {height}"), "height": height, "position": position,
                "time": when, "version": 2, "locktime": 0, "size": 100, "weight": 400,
                "input_count": len(tx["ins"]), "output_count": len(outs),
                "output_value": sum(out["value"] for out in outs), "coinbase": not tx["ins"],
            }
        )  # fmt: skip
        for n, spent in enumerate(tx["ins"]):
            rows["inputs"].append(
                {"chain": chain, "tx": number, "n": n, "sequence": 0, **_input(spent, known)}
            )
        for n, out in enumerate(outs):
            rows["outputs"].append({"chain": chain, "tx": number, "n": n, **out})
        known[tx["id"]] = (number, outs)
    for height, count in heights.items():
        gap = height in unlinked or height - 1 not in heights
        parent = txid_of(f"nowhere {height}") if gap else txid_of(f"block {height - 1}")
        rows["blocks"].append(
            {
                "chain": chain, "height": height, "hash": txid_of(f"block {height}"),
                "parent": parent, "time": START + timedelta(minutes=10 * height), "version": 1,
                "merkle_root": bytes(32), "bits": 1, "nonce": 0, "tx_count": count, "size": 100,
                "coinbase": None,
            }
        )  # fmt: skip
        rows["coverage"].append(
            {
                "chain": chain, "unit": f"block/{height}", "kind": "block", "height": height,
                "block": txid_of(f"block {height}"), "complete": True, "source": "test",
                "answer": bytes(32),
            }
        )  # fmt: skip
    return Ledger.from_tables(
        {
            name: pl.DataFrame(part, schema=getattr(schema, name.upper()).schema, orient="row")
            for name, part in rows.items()
        }
    )


def _output(name: str, value: int, kind: str = "p2pkh") -> dict[str, Any]:
    address = None if kind in COIN_KINDS else coin_address(name)
    return {
        "value": value, "script_kind": kind, "address": address,
        "script": None if address else name.encode(), "spendable": kind != "null_data",
    }  # fmt: skip


def _input(spent: tuple[Any, ...], known: dict[str, tuple[int, list[Any]]]) -> dict[str, Any]:
    if spent == ("?",):
        empty = {"value": None, "address": None, "script_kind": None, "prev_tx": None}
        return {"prev_txid": txid_of("unread"), "prev_n": 0, **empty}
    if len(spent) == 4:
        name, n, value, owner = spent
        told = {"value": value, "address": coin_address(owner), "script_kind": "p2pkh"}
        return {"prev_txid": txid_of(name), "prev_n": n, "prev_tx": None, **told}
    name, n = spent
    number, outs = known[name]
    out = outs[n]
    told = {key: out[key] for key in ("value", "address", "script_kind")}
    return {"prev_txid": txid_of(name), "prev_n": n, "prev_tx": number, **told}


def account_ledger(
    transfers: Sequence[tuple[Any, ...]],
    *,
    read: str = "",
    placed: bool = False,
    asset: Asset = TOKEN,
    complete: bool | None = True,
    read_contract: bytes | None = None,
) -> Ledger:
    """Return a ledger of transfers ``(sender, receiver, amount[, minute[, more]])``.

    Without a minute each is a minute after the one before. ``more`` overrides columns. Names in
    ``read`` (one letter each) are the addresses whose history was read.
    """
    rows = []
    for place, (sender, receiver, amount, *rest) in enumerate(transfers):
        minute = rest[0] if rest and rest[0] is not None else place
        row = {
            "chain": asset.chain, "txid": txid_of(f"transfer {place}"),
            "kind": "erc20" if asset.contract else "native", "log_index": 0 if placed else None,
            "trace_path": None, "occurrence": 0,
            "tx": schema.pack_tx(place + 1, 0) if placed else None,
            "time": START + timedelta(minutes=minute), "contract": asset.contract,
            "token_id": None, "sender": account_address(sender),
            "receiver": account_address(receiver), "amount": amount, "amount_hex": None,
            "symbol": None, "decimals": None, "success": None, "status": None,
            "order_uncertain": not placed, "sections": 1,
        }  # fmt: skip
        rows.append(row | (rest[1] if len(rest) > 1 else {}))
    coverage = [
        {
            "chain": asset.chain, "unit": f"dump/{name}", "kind": "address", "source": "test",
            "address": account_address(name), "answer": bytes(32), "complete": complete,
            "contract": read_contract,
        }
        for name in read
    ]  # fmt: skip
    return Ledger.from_tables(
        {
            "transfers": pl.DataFrame(rows, schema=schema.TRANSFERS.schema, orient="row"),
            "coverage": pl.DataFrame(coverage, schema=schema.COVERAGE.schema, orient="row"),
        }
    )


def tag_rows(*rows: tuple[Any, ...], chain: str = BTC) -> Tags:
    """Return tags ``(name, actor[, concept[, more]])``, said of whole clusters."""
    make = coin_address if chain == BTC else account_address
    full = []
    for name, actor, *rest in rows:
        row: dict[str, Any] = {
            "chain": chain, "address": make(name), "label": f"{actor} wallet", "actor": actor,
            "concept": rest[0] if rest else "exchange", "source": "list", "confidence": "unknown",
            "level": 5, "first_day": None, "last_day": None, "as_of": None, "pack": "test",
            "definer": True, "context": None,
        }  # fmt: skip
        full.append(row | (rest[1] if len(rest) > 1 else {}))
    return make_tags(pl.DataFrame(full, schema=schema.TAGS.schema, orient="row"))


def ends_of(trace: Any) -> dict[tuple[str, str | None], int]:
    """Return the totals of a trace's ends by reason and by name of the address."""
    found: dict[tuple[str, str | None], int] = {}
    for reason, address, amount in trace.ends.select("reason", "address", "amount").iter_rows():
        name = None if address is None else address[1:].decode("latin1").lstrip(".")
        found[reason, name] = found.get((reason, name), 0) + int(amount)
    return found


@pytest.fixture(scope="session")
def desk() -> Desk:
    return Desk(
        coin_ledger,
        account_ledger,
        tag_rows,
        coin_address,
        account_address,
        txid_of,
        TOKEN,
        ends_of,
    )


def day(text: str) -> date:
    return date.fromisoformat(text)
