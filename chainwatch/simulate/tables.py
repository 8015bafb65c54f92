"""The ground truth as tables, totals and CSV: what the world wrote down, nothing inferred."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import text, text_series, txid_text
from chainwatch.atomic import write_new
from chainwatch.chains.bitcoin import BITCOIN_REGTEST
from chainwatch.errors import OutputExists
from chainwatch.ledger.schema import TIME
from chainwatch.simulate.crimes import KELP, LANTERN, OTTER, REED
from chainwatch.simulate.vendors import DENOMINATION
from chainwatch.simulate.world import World
from chainwatch.units import to_text, total

CHAIN = BITCOIN_REGTEST

Schema = dict[str, pl.DataType | type[pl.DataType]]

TRUTH: Schema = {
    "address": pl.Binary, "text": pl.String, "owner": pl.String, "wallet": pl.String,
    "role": pl.String, "customer": pl.String, "from_height": pl.Int64, "to_height": pl.Int64,
    "note": pl.String,
}  # fmt: skip

PAYMENTS: Schema = {
    "txid": pl.Binary, "n": pl.Int64, "height": pl.Int64, "time": TIME, "from_owner": pl.String,
    "to_owner": pl.String, "amount": pl.Int64, "purpose": pl.String, "beneficiary": pl.String,
}  # fmt: skip

COINS: Schema = {
    "txid": pl.Binary, "n": pl.Int64, "height": pl.Int64, "time": TIME, "value": pl.Int64,
    "address": pl.Binary, "script_kind": pl.String, "owner": pl.String, "wallet": pl.String,
    "purpose": pl.String, "spent_by": pl.Binary,
}  # fmt: skip


def truth(world: World) -> pl.DataFrame:
    """Return one row per address that was ever paid, and owner."""
    paid = {made.lock.script for made in world.made}
    rows = [
        (
            row.lock.address, text(row.lock.address, CHAIN), row.owner, row.wallet, row.role,
            row.customer, row.from_height, row.to_height, row.note,
        )
        for row in [*world.holdings.values(), *world.sold]
        if row.lock.address and row.lock.script in paid
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=TRUTH, orient="row")
    return frame.sort("text", "from_height", nulls_last=False)


def payments(world: World) -> pl.DataFrame:
    """Return one row per payment between owners, in the order of the chain."""
    rows = [
        (
            paid.txid, paid.n, paid.height, _moment(world, paid.height), paid.from_owner,
            paid.to_owner, paid.amount, paid.purpose, paid.beneficiary,
        )
        for paid in world.payments
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=PAYMENTS, orient="row")


def coins(world: World) -> pl.DataFrame:
    """Return one row per output, in the order in which they were made."""
    rows = [
        (
            made.txid, made.n, made.height, _moment(world, made.height), made.value,
            made.lock.address, made.lock.kind, made.owner, made.wallet, made.purpose,
            world.spenders.get((made.txid, made.n)),
        )
        for made in world.made
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=COINS, orient="row")


def _moment(world: World, height: int) -> datetime:
    return datetime.fromtimestamp(world.times[height], UTC)


def csv(frame: pl.DataFrame) -> bytes:
    """Return a table as CSV with addresses and transaction ids in the form people read."""
    shown = frame.drop("address") if "text" in frame.columns else frame
    columns: list[pl.Series | pl.Expr] = []
    for name in shown.columns:
        if name == "address":
            columns.append(text_series(shown[name], CHAIN))
        elif name in ("txid", "prev_txid", "spent_by"):
            ids = [None if txid is None else txid_text(txid, CHAIN) for txid in shown[name]]
            columns.append(pl.Series(name, ids, dtype=pl.String))
        else:
            columns.append(pl.col(name))
    sink = io.BytesIO()
    shown.select(columns).rename({"text": "address"}, strict=False).write_csv(
        sink, datetime_format="%Y-%m-%dT%H:%M:%SZ"
    )
    return sink.getvalue()


def summary(truth: pl.DataFrame, payments: pl.DataFrame, coins: pl.DataFrame) -> dict[str, Any]:
    """Return what each vendor received, sent and kept, and the campaign's totals, in satoshi."""
    return {
        "unit": "satoshi",
        "vendors": {name: _vendor(name, payments, coins) for name in (KELP, REED)},
        "campaign": _campaign(truth, payments, coins),
    }


def _paid(payments: pl.DataFrame, **where: str) -> int:
    return total(payments.filter(**where)["amount"])


def _kept(coins: pl.DataFrame, owner: str) -> int:
    return total(coins.filter(pl.col("owner") == owner, pl.col("spent_by").is_null())["value"])


def _vendor(name: str, payments: pl.DataFrame, coins: pl.DataFrame) -> dict[str, Any]:
    sent = payments.filter(from_owner=name)
    received = payments.filter(to_owner=name)
    mixed = coins.filter(owner=name, purpose="mixed", value=DENOMINATION)
    exchanges = {
        place: _paid(sent, to_owner=place, purpose="deposit", beneficiary=name)
        for place in ("Harbour", "Northbank")
    }
    kept = _kept(coins, name)
    return {
        "received_from_market": _paid(received, from_owner=OTTER),
        "received_direct": _paid(received, purpose="direct sale"),
        "received": total(received["amount"]),
        "sent_to_campaign": _paid(sent, to_owner=LANTERN),
        "sent_to_exchanges": exchanges,
        "sent_elsewhere": total(sent["amount"]) - _paid(sent, to_owner=LANTERN)
        - sum(exchanges.values()),
        "through_coinjoin": total(mixed["value"]),
        "kept": kept,
        "miner_fees": total(received["amount"]) - total(sent["amount"]) - kept,
    }  # fmt: skip


def _campaign(truth: pl.DataFrame, payments: pl.DataFrame, coins: pl.DataFrame) -> dict[str, Any]:
    received = payments.filter(to_owner=LANTERN, purpose="donation")
    return {
        "received": total(received["amount"]),
        "received_from_kelp": _paid(received, from_owner=KELP),
        "received_from_others": total(received.filter(pl.col("from_owner") != KELP)["amount"]),
        "donors": received["from_owner"].n_unique(),
        "addresses": truth.filter(owner=LANTERN).height,
        "cashed_out": _paid(payments, from_owner=LANTERN, to_owner="Harbour"),
        "kept": _kept(coins, LANTERN),
    }


def story(totals: dict[str, Any]) -> str:
    """Return the totals of :func:`summary` as sentences."""

    def btc(amount: int) -> str:
        return f"{to_text(amount, CHAIN.decimals)} {CHAIN.symbol}"

    lines = []
    for name, got in totals["vendors"].items():
        places = ", ".join(f"{btc(x)} to {place}" for place, x in got["sent_to_exchanges"].items())
        lines.append(
            f"Vendor {name} received {btc(got['received_from_market'])} from the market and"
            f" {btc(got['received_direct'])} directly; sent {btc(got['sent_to_campaign'])} to the"
            f" campaign, {places}; took {btc(got['through_coinjoin'])} through a CoinJoin and"
            f" kept {btc(got['kept'])}."
        )
    got = totals["campaign"]
    lines.append(
        f"The campaign received {btc(got['received'])} at {got['addresses']} addresses,"
        f" {btc(got['received_from_kelp'])} of it from Kelp; it cashed out"
        f" {btc(got['cashed_out'])} and kept {btc(got['kept'])}."
    )
    return "\n".join(lines)


def write_files(folder: str | Path, files: Mapping[str, bytes]) -> Path:
    """Write what was simulated into a folder that is new or empty, and return it.

    Parameters
    ----------
    folder : path
        The folder; what lies above it is made.
    files : mapping of str to bytes
        Files by their names in it; a name may have a folder before it.

    Raises
    ------
    OutputExists
        If the folder exists and is not empty.
    """
    place = Path(folder)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise OutputExists("the folder is not empty", where=str(place), remedy="name a new one")
    for name, data in files.items():
        write_new(place / name, data)
    return place
