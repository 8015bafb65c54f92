"""From an open ledger to owners: links and clusters of the default rules, forest kept.

``python -m benchmarks.owners FOLDER 100000 1000000`` makes the chains of
:mod:`benchmarks.owners_chain` that FOLDER lacks and their indexes, and measures each in a process
of its own: the loops are loaded and run once on a small ledger first, which is not counted. CPU is
user and system of all threads; memory is the peak of anonymous pages, without files that are
mapped. ``--peers PYTHON`` compares the bare components with graphsense-clustering and scipy, where
that Python has them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import owners_chain
from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.kernels.graphs.components import join_in_order, roots_of_groups
from chainwatch.ledger.index.index import build_index, open_index
from chainwatch.ledger.ledger import open_ledger

SMALL, LATER = 2_000, 20
_HERE = Path(__file__).parent


def anonymous() -> float:
    """Return the anonymous pages that this process holds now, in MB; of other systems, nothing."""
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    line = next(line for line in status.read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


@contextmanager
def watched() -> Iterator[list[float]]:
    """Note the most anonymous pages that were held, every five milliseconds."""
    found, done = [anonymous()], threading.Event()

    def look() -> None:
        while not done.wait(0.005):
            found[0] = max(found[0], anonymous())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()
        found[0] = max(found[0], anonymous())


def timed(deed: Callable[[], Any]) -> tuple[Any, float]:
    """Return what something gave, and the seconds of CPU that it took."""
    begun = time.process_time()
    made = deed()
    return made, time.process_time() - begun


def owners(folder: Path) -> Clusters:
    """Go the whole way once."""
    return cluster(co_spends(open_ledger(folder)))


def measure(folder: Path, small: Path) -> dict[str, float]:
    """Measure one chain in this process; the loops are loaded by a small one first."""
    warm = owners(small)
    first = warm.sizes()["cluster"][0]
    warm.why(first, warm.members(first)[-1])
    before = anonymous()
    with watched() as most:
        ledger, opening = timed(lambda: open_ledger(folder))
        index, mapping = timed(lambda: open_index(ledger, "btc"))
        links, linking = timed(lambda: co_spends(ledger))
        clusters, joining = timed(lambda: cluster(links))
    found = {
        "open": opening + mapping, "links": linking, "clusters": joining,
        "cpu": opening + mapping + linking + joining, "peak": most[0], "before": before,
        "indexed": float(index is not None), "joining": links.counts()["joining"],
    }  # fmt: skip
    return found | asked(clusters)


def asked(clusters: Clusters) -> dict[str, float]:
    """Ask why in the largest cluster, once and again, and read the digest."""
    sizes, sizing = timed(clusters.sizes)
    members = clusters.members(sizes["cluster"][0])
    pairs = [(members[k], members[-k - 1]) for k in range(LATER + 1)]
    _, once = timed(lambda: clusters.why(*pairs[0]))
    later = [timed(lambda pair=pair: clusters.why(*pair))[1] for pair in pairs[1:]]  # type: ignore[misc]
    _, digesting = timed(lambda: clusters.digest)
    return {
        "largest": len(members), "owners": sizes.height, "sizes": sizing, "why first": once,
        "why later": max(later), "digest": digesting,
    }  # fmt: skip


def components(folder: Path) -> dict[str, Any]:
    """Join the inputs of each transaction, bare, on the arrays of the chain: the median of five.

    Once as groups alone, as the others do it, and once with the links that join, which they do not
    keep; for that, links are made outside of the time.
    """
    held = np.load(folder / "inputs.npz")
    ptr, addresses, count = held["in_ptr"], held["in_addr"], int(held["count"])
    found = [timed(lambda: roots_of_groups(ptr, addresses, count)) for _ in range(5)]
    a, b = stars(ptr, addresses)
    kept = [timed(lambda: join_in_order(a, b, count)) for _ in range(5)]
    labels = found[0][0]
    if not np.array_equal(labels, kept[0][0].root):
        raise SystemExit("the two ways of joining differ")
    return {
        "way": "chainwatch", "cpu": median(took for _, took in found),
        "with the forest": median(took for _, took in kept), "partition": checksum(labels),
    }  # fmt: skip


def stars(ptr: Any, addresses: Any) -> tuple[Any, Any]:
    """Return each transaction's first input beside each of the others."""
    counts = np.diff(ptr)
    others = np.ones(len(addresses), bool)
    others[ptr[:-1][counts > 0]] = False
    first = np.repeat(addresses[np.minimum(ptr[:-1], len(addresses) - 1)], counts)
    return first[others].astype(np.int32), addresses[others].astype(np.int32)


def checksum(labels: Any) -> str:
    """Return what tells two partitions apart, whatever their labels: the digest of the firsts."""
    import hashlib

    _, first, which = np.unique(labels, return_index=True, return_inverse=True)
    return hashlib.sha256(first[which].astype("<u4").tobytes()).hexdigest()[:12]


def prepare(folder: Path, transactions: int) -> tuple[Path, dict[str, float] | None]:
    """Return the ledger of a chain, made and indexed where that was not done before."""
    ledger = owners_chain.write(folder / str(transactions), transactions)
    if open_index(open_ledger(ledger), "btc") is not None:
        return ledger, None
    return ledger, alone("index", ledger, ledger)


def index(folder: Path) -> dict[str, float]:
    """Build an index and say what it took."""
    with watched() as most:
        _, took = timed(lambda: build_index(open_ledger(folder), anew=True))
    return {"cpu": took, "peak": most[0]}


def alone(what: str, folder: Path, small: Path) -> dict[str, Any]:
    """Do one thing in a process of its own and return what it found."""
    command = [sys.executable, "-m", "benchmarks.owners", "--alone", what, str(folder), str(small)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a command of our own
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def peers(python: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield what other libraries take for the components, or that they are not there."""
    for name in ("graphsense-clustering", "scipy"):
        command = [python, str(_HERE / "owners_peers.py"), name, str(folder / "inputs.npz")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a command of our own
        lines = done.stdout.splitlines()
        yield {"way": name} | (json.loads(lines[-1]) if lines else {"error": done.stderr[-300:]})


def main(folder: Path, counts: list[int], python: str) -> None:
    """Measure every length and print."""
    small, _ = prepare(folder, SMALL)
    for count in counts:
        ledger, built = prepare(folder, count)
        if built:
            tell(f"{count:,} transactions: index", built)
        tell(f"{count:,} transactions: owners", alone("owners", ledger, small))
        ours = alone("components", ledger.parent, small)
        tell(f"{count:,} transactions: components", ours)
        for peer in peers(python, ledger.parent):
            same = peer.pop("partition", None)
            told = peer if same is None else {**peer, "same partition": same == ours["partition"]}
            tell(f"{count:,} transactions: components", told)


def tell(what: str, found: dict[str, Any]) -> None:
    """Print one line."""
    told = [
        f"{name} {value:,.3f}" if isinstance(value, float) else f"{name} {value}"
        for name, value in found.items()
    ]
    print(f"{what}: {', '.join(told)}", flush=True)  # noqa: T201 - run by hand


def one(what: str, folder: Path, small: Path) -> None:
    """Do what a process of its own is for, and print one JSON line."""
    ways: dict[str, Callable[[], dict[str, Any]]] = {
        "owners": lambda: measure(folder, small),
        "index": lambda: index(folder),
        "components": lambda: warmed(folder, small.parent),
    }
    print(json.dumps(ways[what]()))  # noqa: T201 - read by the process that asked


def warmed(folder: Path, small: Path) -> dict[str, Any]:
    """Join twice: loading the loops, which the first does, is not counted."""
    components(small)
    return components(folder)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alone", choices=["owners", "index", "components"])
    parser.add_argument("--peers", default=sys.executable, help="a Python that has the others")
    parser.add_argument("folder", type=Path)
    parser.add_argument("rest", nargs="*")
    chosen = parser.parse_args()
    if chosen.alone:
        one(chosen.alone, chosen.folder, Path(chosen.rest[0]))
    else:
        main(chosen.folder, [int(item) for item in chosen.rest], chosen.peers)
