"""A small world on three chains, written by hand, as a case file asks about it.

On the coin chain K is followed: by B to the exchange S, and into a mix. On Ethereum three customers
pay deposit addresses that a shop sweeps together; ann has two wallets. ann also crosses a bridge.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import polars as pl
from account_chains import DAY, HOUR, Accounts

from chainwatch.addresses.assets import Asset, token
from chainwatch.addresses.canonical import text
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import pack_tx
from chainwatch.ledger.storage.store import Store
from chainwatch.ledger.storage.writer import open_writer

COINS = """
    come: coinbase -> K=900000
    paid: come/0 -> B=600000 K=295000
    into: paid/0 -> S=590000
    mix: paid/1 A=290000 C=290000 D=290000 -> V=285000 W=285000 X=285000 Y=285000
    late: C=50000 -> Z=40000
"""
HERE, THERE = Accounts("eth"), Accounts("base")
PAYERS = {"dep1": "ann", "dep2": "bob", "dep3": "cat"}


def table_of(accounts: Accounts) -> str:
    """Return the token of a chain as a case file names it."""
    asset = usd(accounts)
    return (
        f'{{ chain = "{accounts.alias}", contract = "{text(accounts("token"), accounts.alias)}",'
        f' symbol = "{asset.symbol}", decimals = {asset.decimals} }}'
    )


def usd(accounts: Accounts) -> Asset:
    """Return the token of a chain."""
    return token(accounts.alias, text(accounts("token"), accounts.alias), "USD", 6)


def on_ethereum() -> Ledger:
    """Return customers who pay in, the shop that sweeps, and a deposit at the bridge."""
    rows: list[tuple[object, ...]] = []
    for day in range(3):
        at = day * DAY + HOUR
        sweep = {"id": f"sweep {day}", "tx": pack_tx(at, 50)}
        for place, (dep, payer) in enumerate(PAYERS.items()):
            amount = 1_000_000 * (place + 1) + day
            rows.append((f"{payer}>{dep}:{amount}", day * DAY + place))
            rows.append((f"{dep}>hot:{amount}", at, sweep))
        rows.append(("hot>miner:1", at, {**sweep, "coin": True, "kind": "fee"}))
    rows += [("ann2>dep1:500000", 5 * DAY + n * HOUR) for n in range(2)]
    rows.append(("dep1>hot:1000000", 6 * DAY))
    rows.append(("ann>pool:7000000", 7 * DAY, {"id": "paid in"}))
    rows.append(("eve>pool:55", 8 * DAY))
    return HERE.ledger(rows)


def on_base() -> Ledger:
    """Return what the bridge pays out: one payment alone fits ann's."""
    return THERE.ledger(
        [("pool>new:6990000", 7 * DAY + 20, {"id": "paid out"}), ("new>far:6990000", 8 * DAY)]
    )


def parts(coins: Callable[[str], Ledger]) -> list[dict[str, pl.DataFrame]]:
    """Return the tables of each chain; ``coins`` reads a ledger as ``small_ledger`` does."""
    found = []
    for one in (coins(COINS), on_ethereum(), on_base()):
        tables = {name: one.table(name).collect() for name in TABLES}
        # Each height has a block of its own, as a check of the ledger wants it.
        block = pl.col("height").map_elements(_block, pl.Binary).alias("block")
        tables["transactions"] = tables["transactions"].with_columns(block)
        found.append(tables)
    return found


def ledger(coins: Callable[[str], Ledger]) -> Ledger:
    """Return the ledger of all three chains in memory."""
    made = parts(coins)
    return Ledger.from_tables({name: pl.concat([one[name] for one in made]) for name in TABLES})


def write(folder: Path, coins: Callable[[str], Ledger]) -> None:
    """Write the ledger of all three chains, and the tags, into a data folder."""
    with open_writer(Store.create(folder / "ledger")) as writer:
        for tables in parts(coins):
            kept = {name: rows for name, rows in tables.items() if rows.height}
            chain = next(iter(kept.values()))["chain"][0]
            writer.commit(kept, source="test", chain=chain, what="all of a chain")
    write_tags(folder)


def write_accounts(folder: Path) -> None:
    """Write the ledger of Ethereum alone, and the tags."""
    made = on_ethereum()
    tables = {name: made.table(name).collect() for name in ("transfers", "coverage")}
    with open_writer(Store.create(folder / "ledger")) as writer:
        writer.commit(tables, source="test", chain=HERE.chain, what="all of a chain")
    write_tags(folder)


def write_tags(folder: Path) -> Path:
    """Write who is called what, and return the file."""
    rows = ["address,label,actor,concept,chain", *_tagged()]
    path = folder / "tags.csv"
    path.write_text("\n".join([*rows, ""]), encoding="utf-8")
    return path


TABLES = ("blocks", "transactions", "inputs", "outputs", "transfers", "coverage")


def _block(height: int) -> bytes:
    return sha256(b"block %d" % height).digest()


def _tagged() -> list[str]:
    pool, hot = (text(HERE(name), "eth") for name in ("pool", "hot"))
    return [
        f"{coin('S')},harbour desk,harbour,exchange,btc-regtest",
        f"{coin('K')},K the vendor,kay,vendor,btc-regtest",
        f"{hot},hot,shop,hot_wallet,eth",
        f"{pool},hop pool,hop,defi_bridge,eth",
        f"{pool},hop pool,hop,defi_bridge,base",
    ]


def coin(name: str) -> str:
    """Return the address of a capital on the coin chain, as ``small_ledger`` has it."""
    return text(b"\x03" + sha256(name.encode()).digest()[:20], "btc-regtest")


def account(name: str) -> str:
    """Return the address of a name on the account chains."""
    return text(HERE(name), "eth")
