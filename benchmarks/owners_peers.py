"""One other library over the same inputs: run by a Python that has it, and none of chainwatch.

``python owners_peers.py NAME inputs.npz`` prints one JSON line: CPU seconds of making its own
objects and of solving, and a digest of the partition. Where the library is missing, it says so.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from typing import Any

import numpy as np


def graphsense(ptr: Any, addresses: Any, count: int) -> tuple[Any, float]:
    """Cluster with graphsense-clustering, through its Arrow interface."""
    import pyarrow
    from gs_clustering import Clustering

    begun = time.process_time()
    rows = pyarrow.ListArray.from_arrays(
        pyarrow.array(ptr.astype(np.int32)), pyarrow.array(addresses)
    )
    made = Clustering(count - 1)
    made.process_transactions_arrow(rows)
    found = made.get_mapping()
    took = time.process_time() - begun
    labels = np.arange(count, dtype=np.uint32)
    labels[found.column(0).to_numpy()] = found.column(1).to_numpy()
    return labels, took


def scipy(ptr: Any, addresses: Any, count: int) -> tuple[Any, float]:
    """Cluster with scipy's connected components."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    counts = np.diff(ptr)
    others = np.ones(len(addresses), bool)
    others[ptr[:-1][counts > 0]] = False
    first = np.repeat(addresses[np.minimum(ptr[:-1], len(addresses) - 1)], counts)
    ends = first[others].astype(np.int32), addresses[others].astype(np.int32)
    begun = time.process_time()
    graph = csr_matrix((np.ones(len(ends[0]), np.int8), ends), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    return labels, time.process_time() - begun


def partition(labels: Any) -> str:
    """Return what tells two partitions apart, whatever their labels."""
    _, first, which = np.unique(labels, return_index=True, return_inverse=True)
    return hashlib.sha256(first[which].astype("<u4").tobytes()).hexdigest()[:12]


def main(name: str, path: str) -> None:
    """Measure the median of five and print."""
    held = np.load(path)
    ptr, addresses, count = held["in_ptr"], held["in_addr"], int(held["count"])
    way = {"graphsense-clustering": graphsense, "scipy": scipy}[name]
    try:
        found = [way(ptr, addresses, count) for _ in range(5)]
    except ImportError as error:
        print(json.dumps({"missing": str(error)}))  # noqa: T201 - read by the process that asked
        return
    took = sorted(took for _, took in found)[2]
    print(json.dumps({"cpu": took, "partition": partition(found[0][0])}))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
