"""A history held against what the server counts of it, and against what it says of itself.

What an input spends is found by the id and number of the output, which hash to ids; a server need
not be believed, nor does it matter whether it said what was spent.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from chainwatch.bitcoin.hashes import hash_text
from chainwatch.bitcoin.merkle import LIAR
from chainwatch.errors import SourceError
from chainwatch.ingest.known_history import KnownHistory, unlisted
from chainwatch.sources.esplora.fields import Read, Stats

_ASK = "ask another server"


def differences(
    name: str, script: bytes, stats: Stats, reads: Sequence[Read], held: KnownHistory,
    known_to: int, tip: int,
) -> list[str]:  # fmt: skip
    """Return in words where a history is not what the server counts, or lacks what is held.

    Parameters
    ----------
    name, script : str, bytes
        Whose history it is.
    stats : Stats
        What the server counts.
    reads : sequence of Read
        What it lists above ``known_to``.
    held : Held
        What the ledger holds of the history.
    known_to, tip : int
        Height up to which the ledger's part stands for the server's, and that of the tip.
    """
    below, listed = held.up_to(known_to), {read.tx.txid for read in reads}
    outputs = {
        (read.tx.txid, n): value
        for read in reads
        for n, (value, paid) in enumerate(read.tx.outputs)
        if paid == script
    }
    old = int(below.made["value"].sum()), int(below.spent["value"].sum())
    sums = (
        ("transactions", stats.tx_count, len(below.txids() | listed)),
        ("base units received", stats.funded_txo_sum, old[0] + sum(outputs.values())),
        ("base units spent", stats.spent_txo_sum, old[1] + _spent(reads, script, outputs, below)),
    )
    differ = [
        f"{name}: the server counts {stated:,} {what} and lists {found:,}: {_ASK}"
        for what, stated, found in sums
        if stated != found
    ]
    return differ + unlisted(name, held, below.txids() | listed, tip)


def _spent(
    reads: Sequence[Read], script: bytes, outputs: dict[tuple[bytes, int], int], below: KnownHistory
) -> int:
    """Return the sum of what transactions spend of a script's outputs."""
    inputs = {
        (txid, n): item.value if item and item.script == script else 0
        for read in reads
        if not read.coinbase
        for (txid, n, _), item in zip(read.tx.inputs, read.spent, strict=True)
    }
    places = {"txid": [txid for txid, _ in inputs], "n": [n for _, n in inputs]}
    asked = pl.DataFrame(places, schema={"txid": pl.Binary, "n": pl.Int64})
    known = below.made.with_columns(pl.col("n").cast(pl.Int64)).join(asked, on=["txid", "n"])
    own = {(txid, n): value for txid, n, value in known.select("txid", "n", "value").rows()}
    own |= outputs
    return sum(own.get(place, said) for place, said in inputs.items())


def check_stories(reads: Sequence[Read], host: str) -> None:
    """Refuse a server that says of an output what the transaction that made it does not.

    Raises
    ------
    SourceError
        If a prevout differs from the output of a transaction that is here too, or two
        transactions spend one output.
    """
    made = {read.tx.txid: read.tx.outputs for read in reads}
    spent: set[tuple[bytes, int]] = set()
    for read in reads:
        if read.coinbase:
            continue
        where = f"{host}, transaction {hash_text(read.tx.txid)}"
        for (txid, n, _), item in zip(read.tx.inputs, read.spent, strict=True):
            if (txid, n) in spent:
                raise SourceError("two transactions spend one output", where=where, remedy=LIAR)
            spent.add((txid, n))
            outputs = made.get(txid)
            if outputs is None:
                continue
            if n >= len(outputs) or (item and (item.value, item.script) != outputs[n]):
                raise SourceError(
                    f"what it is said to spend is not output {n} of {hash_text(txid)}",
                    where=where,
                    remedy=LIAR,
                )
