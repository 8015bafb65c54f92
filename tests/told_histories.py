"""A server of one chain of coins, told as a source, and a ledger that begins with one history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import txid_text
from chainwatch.errors import NoAnswer
from chainwatch.ingest.protocol import Batch, Reader
from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.net.policy import network

CHAIN = "btc-regtest"


class Told:
    """A server of one chain, told as a source: histories of addresses, one request each."""

    name = "told"

    def __init__(self, whole: Ledger, addresses: list[bytes], *, silent: bytes = b"") -> None:
        self.whole, self.addresses, self.silent = whole, addresses, silent
        self.chain = whole.transactions.collect()["chain"][0]

    def batches(self, reader: Reader) -> Iterator[Batch]:
        txs = self.whole.transactions.collect()
        tip = txs.sort("tx").row(-1, named=True)
        for address in self.addresses:
            network().permit("127.0.0.1", 80, f"history of {address.hex()}", "told", own=True,
                             look_up=False)  # fmt: skip
            if address == self.silent:
                raise NoAnswer("the server stays silent", remedy="ask again later")
            yield Batch(self.rows(txs, address, tip), (self.unit(address),), "a history")

    def unit(self, address: bytes) -> str:
        return f"address/{address.hex()}/tip"

    def rows(self, txs: pl.DataFrame, address: bytes, tip: dict[str, Any]) -> dict[str, Any]:
        ins, outs = self.whole.inputs.collect(), self.whole.outputs.collect()
        near = pl.concat(
            [rows.filter(pl.col("address") == address).select("tx") for rows in (ins, outs)]
        )
        ours = {
            "transactions": txs.join(near, on="tx", how="semi"),
            "inputs": ins.join(near, on="tx", how="semi").with_columns(
                pl.lit(None, pl.Int64).alias("prev_tx")
            ),
            "outputs": outs.join(near, on="tx", how="semi"),
        }
        covered = {
            "chain": self.chain, "unit": self.unit(address), "kind": "address",
            "address": address, "height": tip["height"], "block": tip["block"],
            "to_time": tip["time"], "complete": True, "source": "told", "answer": bytes(32),
        }  # fmt: skip
        coverage = pl.DataFrame([covered], schema=schema.COVERAGE.schema, orient="row")
        return {**ours, "coverage": coverage}


def place(desk: Any, name: str, n: int) -> str:
    return f"{txid_text(desk.txid(name), CHAIN)}:{n}"


def begun(folder: Path, whole: Ledger, address: bytes) -> Ledger:
    """Return a ledger that holds the history of one address."""
    pull(folder, Told(whole, [address]), progress=False)
    return open_ledger(folder)
