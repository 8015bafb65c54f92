"""The best routes through a hub: of a coin chain, and of an account chain.

``python -m benchmarks.paths [WAYS]`` makes two ledgers in memory. On coins one transaction pays
WAYS parties and another spends all of it, so that as many ways lead from the source to the target.
On accounts a hub has twice as many transfers, of which a hundred lead on to the target. Each
ranking is asked for its three best routes, and once before it is measured; times are of the
processor.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset, native
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.paths.paths import paths
from chainwatch.tracing.paths.ranking import RANKINGS

START, BTC = datetime(2024, 1, 1, tzinfo=UTC), native("btc-regtest")
TOKEN = Asset(native("eth").chain, b"\x10" + b"t" * 20, "TOK", 0)
ON, EACH = 100, 2
"""Payees of the hub who pay the target, and what each way carries."""


def coin(name: str) -> bytes:
    return b"\x01" + hashlib.sha256(name.encode()).digest()[:20]


def account(name: str) -> bytes:
    return b"\x10" + hashlib.sha256(name.encode()).digest()[:20]


def txid(name: object) -> bytes:
    return hashlib.sha256(repr(name).encode()).digest()


def table(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return rows in a table of the schema; what they do not say is null."""
    return pl.DataFrame(rows, schema=getattr(schema, name.upper()).schema)


def coins(ways: int) -> Ledger:
    """Return a source that pays a hub, and as many ways from there to the target."""
    made: list[tuple[list[tuple[int, int]], list[tuple[str, int]]]] = [
        ([], [("A", EACH * ways)]),
        ([(0, 0)], [(f"p{n}", EACH) for n in range(ways)]),
        ([(1, n) for n in range(ways)], [("C", ways), ("D", ways)]),
        ([(2, 0)], [("B", ways)]),
        ([(2, 1)], [("B", ways)]),
    ]
    txs, ins, outs = [], [], []
    for height, (spent, paid) in enumerate(made):
        one = {"chain": BTC.chain, "tx": schema.pack_tx(height, 0)}
        txs.append({
            **one, "txid": txid(height), "block": txid(f"block {height}"), "height": height,
            "position": 0, "time": START + timedelta(minutes=10 * height), "version": 2,
            "locktime": 0, "size": 100, "weight": 400, "input_count": len(spent),
            "output_count": len(paid), "output_value": sum(value for _, value in paid),
            "coinbase": not spent,
        })  # fmt: skip
        outs += [{**one, "n": n, "value": value, "script_kind": "p2pkh", "address": coin(name),
                  "spendable": True} for n, (name, value) in enumerate(paid)]  # fmt: skip
        ins += [{**one, "n": n, "sequence": 0, "prev_txid": txid(at), "prev_n": k,
                 "prev_tx": schema.pack_tx(at, 0), "value": made[at][1][k][1],
                 "address": coin(made[at][1][k][0]), "script_kind": "p2pkh"}
                for n, (at, k) in enumerate(spent)]  # fmt: skip
    return Ledger.from_tables({
        "transactions": table("transactions", txs), "inputs": table("inputs", ins),
        "outputs": table("outputs", outs),
    })  # fmt: skip


def accounts(ways: int) -> Ledger:
    """Return a hub that as many pay and that pays as many, some of whom pay the target."""
    paid = [("A", "H", 10**6), *((f"p{n}", "H", 7) for n in range(ways))]
    paid += [("H", f"q{n}", 5) for n in range(ways)]
    paid += [(f"q{n}", "B", 4) for n in range(ON)]
    rows = [
        {"chain": TOKEN.chain, "txid": txid(at), "kind": "erc20", "log_index": 0, "occurrence": 0,
         "tx": schema.pack_tx(at + 1, 0), "time": START + timedelta(seconds=at),
         "contract": TOKEN.contract, "sender": account(sender), "receiver": account(receiver),
         "amount": amount, "order_uncertain": False, "sections": 1}
        for at, (sender, receiver, amount) in enumerate(paid)
    ]  # fmt: skip
    read = ["A", "B", "H", *(f"q{n}" for n in range(ON))]
    coverage = [
        {"chain": TOKEN.chain, "unit": f"history/{name}", "kind": "address", "source": "made up",
         "address": account(name), "answer": bytes(32), "complete": True}
        for name in read
    ]  # fmt: skip
    return Ledger.from_tables(
        {"transfers": table("transfers", rows), "coverage": table("coverage", coverage)}
    )


def measured(ways: int) -> Iterator[str]:
    """Yield a line for each chain and ranking."""
    for ledger, asset, make in ((coins(ways), BTC, coin), (accounts(ways), TOKEN, account)):
        ends = ([make("A")], [make("B")])
        paths(ledger, *ends, asset=asset, budget=10 * ways)
        for by in RANKINGS:
            begun = time.process_time()
            found = paths(ledger, *ends, asset=asset, by=by, budget=10 * ways)
            took = time.process_time() - begun
            yield (
                f"{asset.symbol}, {ways:,} ways, by {by}: cpu {took:.2f} s,"
                f" {found.visited:,} edges, {found.routes.height} routes,"
                f" to its end {found.complete}"
            )


def main() -> None:
    """Measure a hub of a hundred thousand edges, or of another number."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("ways", nargs="?", type=int, default=50_000)
    for line in measured(asked.parse_args().ways):
        print(line, flush=True)  # noqa: T201 - what a benchmark is for


if __name__ == "__main__":
    main()
