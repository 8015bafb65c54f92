"""Links written by hand, one a line, and what is read of clusters in letters.

``A-B 3 0.9`` links A and B through transaction 3 with confidence 0.9; ``?`` for a confidence that
nobody measured; a last word ``refused`` or ``undecided`` is a veto.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from chainwatch.chains.catalogue import chain
from chainwatch.heuristics.links import LINKS, Links

CHAIN = chain("btc-regtest").id
START = datetime(2023, 6, 1, tzinfo=UTC)
VETO = {"refused": True, "undecided": None}


def letter(name: str) -> bytes:
    """Return a P2WPKH address whose bytes sort as the names do."""
    return b"\x03" + name.encode().ljust(20, b"\x01")


def txid(tx: int) -> bytes:
    """Return the id of a transaction by its number."""
    return tx.to_bytes(32, "big")


def name(address: bytes) -> str:
    return address[1:].rstrip(b"\x01").decode()


def row(a: str, b: str, tx: int, confidence: float | None, veto: bool | None = False):
    when = START + timedelta(hours=tx)
    return (CHAIN, letter(a), letter(b), tx, txid(tx), when, "co_spend", confidence, veto, "read")


def _line(line: str):
    pair, tx, confidence, *veto = line.split()
    a, b = pair.split("-")
    rate = None if confidence == "?" else float(confidence)
    return row(a, b, int(tx), rate, VETO[veto[0]] if veto else False)


class Hand:
    """What the tests write links with and read clusters by."""

    chain, letter, txid, name = CHAIN, staticmethod(letter), staticmethod(txid), staticmethod(name)
    row = staticmethod(row)

    @staticmethod
    def links(text: str) -> Links:
        return Hand.of([_line(line) for line in text.strip().splitlines()])

    @staticmethod
    def of(rows) -> Links:
        return Links(pl.DataFrame(rows, schema=LINKS.schema, orient="row"))

    @staticmethod
    def numbered(edges) -> Links:
        """Return links of ``(number, number, tx, confidence)``; names sort as numbers do."""
        return Hand.of([row(f"n{a:03}", f"n{b:03}", tx, rate) for a, b, tx, rate in edges])

    @staticmethod
    def groups(clusters) -> set[frozenset[str]]:
        rows = clusters.frame.group_by("chain", "cluster").agg("address")["address"]
        return {frozenset(name(address) for address in group) for group in rows}

    @staticmethod
    def steps(explanation) -> list[tuple[str, str, int]]:
        rows = explanation.frame.select("a", "b", "tx").iter_rows()
        return [(name(a), name(b), tx) for a, b, tx in rows]


@pytest.fixture(scope="session")
def hand() -> type[Hand]:
    return Hand
