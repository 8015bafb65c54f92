"""What of every output of a large chain is traced: our scans, and the haircut by other libraries.

``python -m benchmarks.taint FOLDER 100000 1000000 --peers PYTHON`` makes the chains of
:mod:`benchmarks.owners_chain` that FOLDER lacks, and follows the largest output that a transaction
at a twentieth of the chain makes and another spends. Every way runs in a process of its own, the
loops loaded and run once before. Edges are the inputs and outputs behind the seed; beside them
stands a random gather of the same numbers by numpy. Amounts are compared output by output: ours in
floating point with those of others, relative, and ours in whole units with ours in floating point,
by the base units that rounding down can have moved.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.owners import anonymous, prepare, tell, timed, watched
from chainwatch.addresses.canonical import txid_text
from chainwatch.kernels import taint as kernel
from chainwatch.kernels.following.walk import made_of
from chainwatch.ledger.index.build import NONE
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.tracing.walks.utxo_graph import Coins
from chainwatch.tracing.whole_chain.taint import taint

CHAIN, SMALL, FAR = "btc", 2_000, 1 << 62
WAYS = (kernel.BLENDED, kernel.SCREENED, kernel.OLDEST, kernel.REACHED)
PEERS = ("scipy", "networkx")
SMALL_ENOUGH = {"scipy": 10**9, "networkx": 100_000}
_HERE = Path(__file__).parent


def seed_of(columns: Any) -> int:
    """Return the largest output that is spent, of a thousand transactions at a twentieth."""
    at = (len(columns["out_ptr"]) - 1) // 20
    low, high = int(columns["out_ptr"][at]), int(columns["out_ptr"][at + 1_000])
    values = columns["out_val"][low:high]
    spent = columns["out_spender"][low:high] != NONE
    return low + int(np.argmax(np.where(spent, values, 0)))


def scanned(ledger: Ledger, way: str) -> tuple[kernel.Scanned, float]:
    """Scan three times and return what was found, and the median of what it took."""
    columns = Coins.read(ledger, CHAIN).ready.index.columns
    made, begin = made_of(columns), np.array([seed_of(columns)])
    found = [timed(lambda: kernel.scan(made, kernel.seeds(begin, [], -FAR, FAR), way))
             for _ in range(3)]  # fmt: skip
    return found[0][0], median(took for _, took in found)


def measure(way: str, folder: Path, small: Path, out: Path) -> dict[str, Any]:
    """Measure one way in this process, once the loops are loaded."""
    scanned(open_ledger(small), way)
    ledger = open_ledger(folder)
    columns = Coins.read(ledger, CHAIN).ready.index.columns
    seed = seed_of(columns)
    tx = int(np.searchsorted(columns["out_ptr"], seed, side="right")) - 1
    edges = int(columns["in_ptr"][-1] - columns["in_ptr"][tx])
    edges += int(columns["out_ptr"][-1] - columns["out_ptr"][tx])
    before = anonymous()
    with watched() as most:
        found, took = scanned(ledger, way)
    whole = np.zeros(len(columns["out_val"]), found.amounts.dtype)
    whole[found.rows] = found.amounts
    np.save(out, whole)
    return {
        "ms": took * 1000, "edges a µs": edges / took / 1e6, "visited": found.visited,
        "outputs": len(found.rows), "held MB": found.nbytes / 2**20, "peak MB": most[0] - before,
        "relative error": f"{found.error:.1e}",
    }  # fmt: skip


def gathered(folder: Path) -> dict[str, Any]:
    """Gather numbers by the outputs that inputs spend: what no scan can be faster than by much."""
    columns = Coins.read(open_ledger(folder), CHAIN).ready.index.columns
    spent = columns["in_prev_out"]
    tx = int(np.searchsorted(columns["out_ptr"], seed_of(columns), side="right")) - 1
    rows = spent[int(columns["in_ptr"][tx]) :].astype(np.int64)
    edges = len(rows) + int(columns["out_ptr"][-1] - columns["out_ptr"][tx])
    held = np.ones(len(columns["out_val"]), np.int64)  # zeros that nobody wrote are no memory
    took = median(timed(lambda: held[rows])[1] for _ in range(5))
    return {"ms": took * 1000, "edges a µs": edges / took / 1e6}


def public(folder: Path, small: Path) -> dict[str, Any]:
    """Ask by the public function, with its totals; the rows are made when they are asked for."""
    for one in (small, folder):
        ledger = open_ledger(one)
        coins = Coins.read(ledger, CHAIN)
        columns = coins.ready.index.columns
        seed = seed_of(columns)
        tx = int(np.searchsorted(columns["out_ptr"], seed, side="right")) - 1
        place = f"{txid_text(coins.txid(tx), CHAIN)}:{seed - int(columns['out_ptr'][tx])}"
        first = time.process_time()
        taint(ledger, place, policy="haircut", chain=CHAIN)
        begun = time.process_time()
        taint(ledger, place, policy="haircut", chain=CHAIN)
    return {"first": begun - first, "again": time.process_time() - begun}


def written(folder: Path) -> Path:
    """Write what other libraries read, once."""
    path = folder / "taint.npz"
    columns = Coins.read(open_ledger(folder / "ledger"), CHAIN).ready.index.columns
    names = ("in_ptr", "in_prev_out", "out_ptr", "out_val")
    np.savez(path, seed=seed_of(columns), **{name: columns[name] for name in names})
    return path


def told(command: list[str]) -> dict[str, Any]:
    """Run a command of our own and return the line that it prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a command of our own
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def compared(exact: Any, screen: Any) -> dict[str, Any]:
    """Return by how much whole units and floating point differ: base units, and of the large."""
    away = np.abs(screen - exact)
    large = exact > 10**6
    most = float((away[large] / exact[large]).max()) if large.any() else 0.0
    return {"most base units": float(away.max()), "relative, of amounts above 10^6": f"{most:.1e}"}


def far_apart(screen: Any, other: Any) -> float:
    """Return the largest relative difference."""
    there = (screen > 0) | (other > 0)
    return float((np.abs(screen[there] - other[there]) / np.maximum(screen, other)[there]).max())


def peers(python: str, folder: Path, count: int, screen: Any) -> Iterator[tuple[str, Any]]:
    """Yield what other libraries take, and how far from ours their amounts are."""
    path, out = written(folder), folder / "peer.npy"
    for name in PEERS:
        if count > SMALL_ENOUGH[name]:
            continue
        found = told([python, str(_HERE / "taint_peers.py"), name, str(path), str(out)])
        if "missing" not in found:
            found["relative difference"] = f"{far_apart(screen, np.load(out)):.1e}"
        yield name, found


def main(folder: Path, counts: list[int], python: str) -> None:
    """Measure every length and print."""
    small, _ = prepare(folder, SMALL)
    for count in counts:
        ledger, _ = prepare(folder, count)
        kept = {way: ledger.parent / f"{way}.npy" for way in WAYS}
        here = [sys.executable, "-m", "benchmarks.taint", "--alone"]
        places = [str(ledger), str(small)]
        tell(f"{count:,} transactions: gather", told([*here, "gather", *places]))
        for way in WAYS:
            tell(f"{count:,} transactions: {way}", told([*here, way, *places, str(kept[way])]))
        tell(f"{count:,} transactions: taint", told([*here, "public", *places]))
        screen = np.load(kept[kernel.SCREENED])
        tell("  exact and screen differ by", compared(np.load(kept[kernel.BLENDED]), screen))
        for name, found in peers(python, ledger.parent, count, screen):
            tell(f"{count:,} transactions: {name}", found)


def one(what: str, rest: list[str]) -> None:
    """Do what a process of its own is for, and print one JSON line."""
    folder, small = Path(rest[0]), Path(rest[1])
    ways: dict[str, Callable[[], dict[str, Any]]] = {
        "gather": lambda: gathered(folder), "public": lambda: public(folder, small)
    }  # fmt: skip
    found = ways[what]() if what in ways else measure(what, folder, small, Path(rest[2]))
    print(json.dumps(found))  # noqa: T201 - read by the process that asked


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alone", choices=["gather", "public", *WAYS])
    parser.add_argument("--peers", default=sys.executable, help="a Python that has the others")
    parser.add_argument("folder", type=Path)
    parser.add_argument("rest", nargs="*")
    chosen = parser.parse_args()
    if chosen.alone:
        one(chosen.alone, [str(chosen.folder), *chosen.rest])
    else:
        main(chosen.folder, [int(item) for item in chosen.rest], chosen.peers)
