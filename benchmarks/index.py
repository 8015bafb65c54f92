"""Building an index, continuing one, and looking up with and without it.

``python -m benchmarks.index FOLDER`` expects a ledger of coins in FOLDER, as that which
``benchmarks.memory`` leaves behind in ``x10/ledger``.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from chainwatch.ledger.index.index import build_index
from chainwatch.ledger.ledger import open_ledger
from chainwatch.ledger.lookup.lookup import address_summary, transaction_summary

LOOK_UPS, SCANS = 200, 5


def seconds(deed: Callable[[], object]) -> float:
    """Return how long something took."""
    start = time.perf_counter()
    deed()
    return time.perf_counter() - start


def main(folder: Path) -> None:
    """Measure and print."""
    ledger = open_ledger(folder)
    anew = seconds(lambda: build_index(ledger, anew=True))
    again = seconds(lambda: build_index(ledger))
    (index,) = build_index(ledger)
    print(f"{index!r}, {index.nbytes / 1e6:,.1f} MB")  # noqa: T201
    print(f"built anew {anew:.2f} s; continued with nothing new {again:.2f} s")  # noqa: T201
    pick = random.Random(1)  # noqa: S311  # the same each time
    paid = ledger.outputs.select("address").drop_nulls().collect()["address"]
    wanted = [paid[pick.randrange(len(paid))] for _ in range(LOOK_UPS)]
    ids = ledger.transactions.select("txid").collect()["txid"]
    asked = [ids[pick.randrange(len(ids))] for _ in range(LOOK_UPS)]
    bare = [seconds(lambda one=one: index.touching(one)) for one in wanted]  # type: ignore[misc]
    _show("rows of an address, index opened before", bare)
    for way, count in ((True, LOOK_UPS), (False, SCANS)):
        name = "with the index" if way else "by scanning"
        found = [
            seconds(lambda one=one, way=way: address_summary(ledger, one, index=way))  # type: ignore[misc]
            for one in wanted[:count]
        ]
        _show(f"summary of an address {name}", found)
        found = [
            seconds(lambda one=one, way=way: transaction_summary(ledger, one, index=way))  # type: ignore[misc]
            for one in asked[:count]
        ]
        _show(f"summary of a transaction {name}", found)


def _show(what: str, found: list[float]) -> None:
    middle, worst = statistics.median(found) * 1000, max(found) * 1000
    print(f"{what}: median {middle:,.2f} ms, worst {worst:,.2f} ms")  # noqa: T201


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    main(parser.parse_args().folder)
