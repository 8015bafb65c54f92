"""The haircut by another library: run by a Python that has it, and none of chainwatch.

``python taint_peers.py NAME chain.npz OUT.npy`` prints one JSON line, CPU seconds of making its own
objects and of solving, and writes the traced amount of every output, in floating point. Where the
library is missing, it says so.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np

NONE = 0xFFFFFFFF


def shares(held: Any) -> tuple[Any, Any, Any, Any]:
    """Return of each input its transaction, the one it spends from, and its share; and the start.

    The start is the share of each transaction that the seed itself brings.
    """
    count = len(held["in_ptr"]) - 1
    tx = np.repeat(np.arange(count), np.diff(held["in_ptr"]))
    out = held["in_prev_out"].astype(np.int64)
    owner = np.repeat(np.arange(count), np.diff(held["out_ptr"]))
    value = held["out_val"][out].astype(np.float64)
    whole = np.bincount(tx, value, count)[tx]
    share = np.divide(value, whole, out=np.zeros_like(value), where=whole > 0)
    ours = out == int(held["seed"])
    return tx[~ours], owner[out[~ours]], share[~ours], np.bincount(tx[ours], share[ours], count)


def scipy(held: Any) -> tuple[Any, float, float]:
    """Solve the triangular system of all transactions."""
    from scipy.sparse import csr_matrix, identity
    from scipy.sparse.linalg import spsolve_triangular

    begun = time.process_time()
    tx, prev, share, start = shares(held)
    count = len(start)
    matrix = identity(count, format="csr") - csr_matrix((share, (tx, prev)), (count, count))
    made = time.process_time()
    found = spsolve_triangular(matrix.tocsr(), start, lower=True, unit_diagonal=True)
    return found, made - begun, time.process_time() - made


def networkx(held: Any) -> tuple[Any, float, float]:
    """Go over a graph of transactions in the order of the chain."""
    import networkx as nx

    begun = time.process_time()
    tx, prev, share, start = shares(held)
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(len(start)))
    rows = zip(prev.tolist(), tx.tolist(), share.tolist(), strict=True)
    graph.add_weighted_edges_from(rows)
    made = time.process_time()
    found = start.tolist()
    for one in range(len(found)):
        for before, _, weight in graph.in_edges(one, data="weight"):
            found[one] += found[before] * weight
    return np.array(found), made - begun, time.process_time() - made


def main(name: str, chain: str, out: str) -> None:
    """Compute, write and tell."""
    held = np.load(chain)
    try:
        found, making, solving = {"scipy": scipy, "networkx": networkx}[name](held)
    except ImportError as error:
        print(json.dumps({"missing": str(error)}))  # noqa: T201 - read by the process that asked
        return
    amounts = np.repeat(found, np.diff(held["out_ptr"])) * held["out_val"]
    amounts[int(held["seed"])] = held["out_val"][int(held["seed"])]
    np.save(out, amounts)
    print(json.dumps({"making": making, "solving": solving}))  # noqa: T201 - as above


if __name__ == "__main__":
    main(*sys.argv[1:4])
