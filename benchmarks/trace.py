"""The time of a question: traces that visit about a thousand transactions of a large chain.

``python -m benchmarks.trace FOLDER 1000000`` makes the chain of :mod:`benchmarks.owners_chain` and
its index where FOLDER lacks them, draws outputs by a fixed seed until enough of them lead to a
walk of the wanted size, and measures each in the same warm process, index open: the walk alone,
``trace`` as the public function, and with the digest of what it found. Where a walk goes on, what
is asked is how things stood at the block by which it has visited enough. CPU is user and system
of all threads, the median over the subjects. ``--profile`` says where the time of a whole trace
goes; ``--stop`` asks a rule on mixes as well.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import pstats
import random
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np

from benchmarks.owners import prepare, timed
from chainwatch.addresses.assets import native
from chainwatch.addresses.canonical import txid_text
from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.heuristics.rule import Rule
from chainwatch.kernels.following import walking as walking  # loaded: the process is warm
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.tracing.arguments import policy_for
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import Stops
from chainwatch.tracing.trace import trace
from chainwatch.tracing.walks.compiled import CompiledWalk
from chainwatch.tracing.walks.utxo import CoinWalk
from chainwatch.tracing.walks.utxo_graph import EPOCH, Coins

CHAIN, SEED, MOST = "btc", 1, 1_000_000


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
        self._run = CompiledWalk.run

    def __enter__(self) -> _Watched:
        def run(walk: CompiledWalk, most: int | None = None) -> bool:
            begun = time.process_time()
            done = self._run(walk, most)
            self.seconds += time.process_time() - begun
            self.visited = walk.visits
            return done

        CompiledWalk.run = run  # type: ignore[method-assign]  # for as long as it is watched
        return self

    def __exit__(self, *_: object) -> None:
        CompiledWalk.run = self._run  # type: ignore[method-assign]


class Question(NamedTuple):
    """An output, and the ledger up to the block by which its walk has visited so many."""

    who: str
    ledger: Ledger


def drawn(ledger: Ledger, policy: str, size: int, about: int) -> Iterator[Question]:
    """Yield questions whose walks have a size, the same in every run.

    Transactions are drawn, and of each the first output. A walk that goes on is cut off at the
    block in which it has visited enough: what is asked is how things stood there.
    """
    coins, draw = Coins.read(ledger, CHAIN), random.Random(SEED)  # noqa: S311  # no secret
    times = coins.ready.index.columns["tx_time"]
    for _ in range(MOST):
        tx = draw.randrange(len(times) // 5, len(times))
        walk = CompiledWalk(CoinWalk(
            asset=native(CHAIN), subjects=(b"\x01" + bytes(20),), subject_of={},
            chosen={(tx, 0): 0}, policy=policy_for(policy, coins.ready.index.chain.id, "forward"),
            stops=Stops(), coins=coins, joint={},
        ))  # fmt: skip
        if walk.run(size + about + 1) or walk.walked is None:
            continue
        seen = np.abs(walk.walked.visited + (walk.walked.visited < 0))
        until = int(times[seen[size]])
        if abs(int((times[seen] < until).sum()) - size) <= about:
            end = EPOCH + timedelta(microseconds=until)
            yield Question(f"{txid_text(coins.txid(tx), CHAIN)}:0", ledger.between(None, end))


def measured(
    ledger: Ledger, policy: str, subjects: int, size: int, about: int, stop: Rule | None
) -> tuple[list[Took], Trace]:
    """Return what traces of a size took, and the last of them."""
    found: list[Took] = []
    whom = drawn(ledger, policy, size, about)
    for warm in (True, False):
        with _Watched() as watch:
            for who, upto in whom:
                watch.seconds = 0.0
                made, whole = timed(
                    lambda who=who, upto=upto: trace(
                        upto, who, policy=policy, chain=CHAIN, stop=stop
                    )
                )
                walk, visited = watch.seconds, watch.visited
                _, digest = timed(lambda made=made: made.digest)
                if warm:  # what is read of the ledger once is not counted
                    break
                found.append(Took(visited, walk, whole, whole + digest))
                if len(found) == subjects:
                    break
    if not found:
        raise SystemExit(
            f"no trace of {size} transactions in a chain of this length: take a longer one"
        )
    return found, made


def profile(ledger: Ledger, policy: str, size: int, about: int) -> str:
    """Return where the time of whole traces goes."""
    whom = list(islice(drawn(ledger, policy, size, about), 10))
    seen = cProfile.Profile()
    for who, upto in whom:
        seen.runcall(trace, upto, who, policy=policy, chain=CHAIN)
    out = io.StringIO()
    pstats.Stats(seen, stream=out).sort_stats("cumulative").print_stats(45)
    return out.getvalue()


def main(given: argparse.Namespace) -> None:
    """Measure, and print a line."""
    ledger = open_ledger(prepare(given.folder, given.transactions)[0])
    stop = equal_outputs() if given.stop else None
    asked = (given.policy, given.subjects, given.size, given.about, stop)
    took, last = measured(ledger, *asked)
    last.check()
    walk, whole, digest = (median(getattr(one, name) for one in took) * 1000
                           for name in ("walk", "whole", "digest"))  # fmt: skip
    each = median(one.walk / one.visited for one in took) * 1e6
    told = f"{given.transactions:,} transactions: {given.policy}: {len(took)} subjects,"
    told += f" {given.size}±{given.about} visited"
    costs = f"walk {walk:.2f} ms, {each:.1f} µs a transaction; trace {whole:.1f} ms"
    sys.stdout.write(f"{told}: {costs}, with digest {digest:.1f} ms\n")
    if given.profile:
        sys.stdout.write(profile(ledger, given.policy, given.size, given.about))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("transactions", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--policy", default="fifo")
    parser.add_argument("--subjects", type=int, default=100)
    parser.add_argument("--size", type=int, default=1_000)
    parser.add_argument("--about", type=int, default=10)
    parser.add_argument("--stop", action="store_true", help="ask a rule on mixes")
    parser.add_argument("--profile", action="store_true")
    main(parser.parse_args())
