"""The time of a question: traces that visit about a thousand transactions of a large chain.

``python -m benchmarks.trace FOLDER 1000000`` makes the chain of :mod:`benchmarks.owners_chain` and
its index where FOLDER lacks them, draws outputs by a fixed seed until enough of them lead to a
trace of the wanted size, and measures each in the same warm process, index open: the walk alone,
``trace`` as the public function, and with the digest of what it found. CPU is user and system of
all threads; the median over the subjects is printed, and what the walk costs per transaction.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.owners import prepare, timed
from chainwatch.addresses.canonical import txid_text
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.tracing.result import Trace
from chainwatch.tracing.trace import trace
from chainwatch.tracing.walks.utxo import CoinWalk
from chainwatch.tracing.walks.utxo_graph import Coins

CHAIN, SEED, MOST = "btc", 1, 100_000


class Took(NamedTuple):
    """What one subject took, seconds of CPU, and how many transactions were visited."""

    visited: int
    walk: float
    whole: float
    digest: float


class _Watched:
    """Notes how long the walk itself takes, and how many transactions it visits."""

    def __init__(self) -> None:
        self.seconds, self.visited = 0.0, 0
        self._run = CoinWalk.run

    def __enter__(self) -> _Watched:
        def run(walk: CoinWalk) -> None:
            begun = time.process_time()
            self._run(walk)
            self.seconds, self.visited = time.process_time() - begun, len(walk.queued)

        CoinWalk.run = run  # type: ignore[method-assign]  # for as long as it is watched
        return self

    def __exit__(self, *_: object) -> None:
        CoinWalk.run = self._run  # type: ignore[method-assign]


def drawn(ledger: Ledger) -> Iterator[str]:
    """Yield outputs of the chain, the same in every run."""
    coins, draw = Coins.read(ledger, CHAIN), random.Random(SEED)  # noqa: S311  # no secret
    count = len(coins.ready.index.columns["tx_number"])
    for _ in range(MOST):
        tx = draw.randrange(count // 5, count)
        yield f"{txid_text(coins.txid(tx), CHAIN)}:{draw.randrange(len(coins.made(tx)))}"


def measured(
    ledger: Ledger, policy: str, subjects: int, size: int, about: int
) -> tuple[list[Took], Trace]:
    """Return what traces of a size took, and the last of them."""
    found: list[Took] = []
    with _Watched() as watch:
        for who in drawn(ledger):
            made, whole = timed(lambda who=who: trace(ledger, who, policy=policy, chain=CHAIN))
            if abs(watch.visited - size) > about:
                continue
            walk, visited = watch.seconds, watch.visited
            _, digest = timed(lambda made=made: made.digest)
            found.append(Took(visited, walk, whole, whole + digest))
            if len(found) == subjects:
                break
    if not found:
        raise SystemExit(
            f"no trace of {size} transactions in a chain of this length: take a longer one"
        )
    return found, made


def main(
    folder: Path, transactions: int, policy: str, subjects: int, size: int, about: int
) -> None:
    """Measure, and print a line."""
    ledger = open_ledger(prepare(folder, transactions)[0])
    took, last = measured(ledger, policy, subjects, size, about)
    last.check()
    walk, whole, digest = (median(getattr(one, name) for one in took) * 1000
                           for name in ("walk", "whole", "digest"))  # fmt: skip
    each = median(one.walk / one.visited for one in took) * 1e6
    told = f"{transactions:,} transactions: {policy}: {len(took)} subjects, {size}±{about} visited"
    costs = f"walk {walk:.1f} ms, {each:.0f} µs a transaction; trace {whole:.1f} ms"
    sys.stdout.write(f"{told}: {costs}, with digest {digest:.1f} ms\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("transactions", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--policy", default="fifo")
    parser.add_argument("--subjects", type=int, default=100)
    parser.add_argument("--size", type=int, default=1_000)
    parser.add_argument("--about", type=int, default=10)
    given = parser.parse_args()
    main(given.folder, given.transactions, given.policy, given.subjects, given.size, given.about)
