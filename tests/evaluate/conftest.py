"""Links and owners written by hand: addresses are letters."""

from __future__ import annotations

import polars as pl
import pytest

from chainwatch.chains.catalogue import chain
from chainwatch.evaluate.truth import Truth
from chainwatch.heuristics.links import LINKS, Links

CHAIN = chain("btc-regtest").id


class Owners:
    """What the tests write truth and links with."""

    chain = CHAIN

    @staticmethod
    def key(name: str) -> bytes:
        return b"\x03" + name.encode().ljust(20, b"\x01")

    @staticmethod
    def truth(owners: str, basis: str = "written by hand") -> Truth:
        """``north:ABC south:CD``: C had two owners."""
        rows = [
            (CHAIN, Owners.key(name), owner)
            for owner, names in (one.split(":") for one in owners.split())
            for name in names
        ]
        schema = {"chain": pl.String, "address": pl.Binary, "owner": pl.String}
        return Truth(pl.DataFrame(rows, schema=schema, orient="row"), basis)

    @staticmethod
    def links(text: str) -> Links:
        """``A-B rule`` joins, ``A-B rule ?`` is undecided, ``A-B rule !`` is refused."""
        vetoes = {"": False, "?": None, "!": True}
        rows = []
        for tx, line in enumerate(text.strip().splitlines(), 1):
            pair, rule, *veto = line.split()
            a, b = (Owners.key(name) for name in pair.split("-"))
            said = vetoes["".join(veto)]
            rows.append((CHAIN, a, b, tx, tx.to_bytes(32, "big"), None, rule, None, said, None))
        return Links(pl.DataFrame(rows, schema=LINKS.schema, orient="row"))


@pytest.fixture(scope="session")
def owners() -> type[Owners]:
    return Owners
