"""How long clustering and asking why take on links of a made-up chain.

``python -m benchmarks.cluster [links]``: half of the addresses come back often, so
that one cluster holds most of them, which is the worst case for asking why.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from random import Random
from typing import Any

import polars as pl

from chainwatch.chains.catalogue import chain
from chainwatch.clusters.cluster import cluster
from chainwatch.clusters.forest import grow
from chainwatch.heuristics.links import LINKS, Links

WHEN = datetime(2023, 1, 1, tzinfo=UTC)


def made_up(count: int) -> Links:
    """Return links of transactions with 2 to 40 inputs, one in twenty vetoed."""
    rng = Random(1)  # noqa: S311 - a benchmark, not a secret
    everyone = [b"\x03" + sha256(str(n).encode()).digest()[:20] for n in range(count)]
    rows: list[tuple[Any, ...]] = []
    tx = 0
    while len(rows) < count:
        tx += 1
        often = [min(count - 1, int(rng.expovariate(8 / count))) for _ in range(20)]
        picked = {rng.choice(often) if rng.random() < 0.5 else rng.randrange(count)
                  for _ in range(rng.choice([2, 2, 2, 3, 5, 8, 40]))}  # fmt: skip
        first, *others = sorted(everyone[n] for n in picked)
        txid, rate, veto = sha256(str(tx).encode()).digest(), rng.choice([None, 0.9, 0.5]), tx % 20
        rows += [(chain("btc").id, first, other, tx, txid, WHEN, "co_spend", rate, not veto, "read")
                 for other in others]  # fmt: skip
    return Links(pl.DataFrame(rows, schema=LINKS.schema, orient="row"))


def timed(what: str, deed: Callable[[], Any]) -> Any:
    """Do something and print what it took: CPU of user and system, and the clock."""
    begun, cpu = time.perf_counter(), time.process_time()
    made = deed()
    took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    print(f"{what:32} {cpu:8.2f} s CPU {took:8.2f} s")  # noqa: T201 - run by hand
    return made


def main() -> None:
    """Measure."""
    cluster(made_up(1_000))  # compiles the loops, or loads them
    links = made_up(int(sys.argv[1]) if len(sys.argv) > 1 else 450_000)
    timed("the forest alone", lambda: grow(links.joining))
    clusters = timed("cluster(), with its digests", lambda: cluster(links))
    print(clusters, clusters.sizes()["addresses"][0], "in the largest")  # noqa: T201
    members = clusters.members(clusters.sizes()["cluster"][0])
    timed("the first why", lambda: clusters.why(members[0], members[-1]))
    timed("twenty more", lambda: [clusters.why(members[n], members[-n]) for n in range(1, 21)])


if __name__ == "__main__":
    main()
