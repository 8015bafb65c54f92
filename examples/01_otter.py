"""Follow a vendor's money in the simulated market Otter, step by step.

Run it with   python examples/01_otter.py [FOLDER]   (default: a temporary folder).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import chainwatch as cw
from chainwatch import figures
from chainwatch.heuristics import coinjoin
from chainwatch.simulate.otter import otter
from chainwatch.tracing.policies import fifo


def main(folder: Path) -> None:
    """Simulate, read, cluster, trace, and write a case."""
    data = otter().write(folder / "data")

    # Read the chain into a ledger. A second pull would find nothing new.
    cw.pull(folder / "ledger", cw.BlockFiles([data / "blocks.dat"], chain="btc-regtest"))
    ledger = cw.open_ledger(folder / "ledger").between("2023-06-01", "2023-10-01")
    tags = cw.read_tags(data / "tags")
    services = tags.services()
    print(cw.check(ledger))

    # Owners: co-spending joins, unless strangers may have built the transaction together.
    mixes = coinjoin.equal_outputs(min_equal=3)
    clusters = cw.cluster(cw.co_spends(ledger), tags=tags)
    print(clusters)

    # Why are two addresses one owner? A path of transactions, each with its rule.
    cluster = clusters.sizes()["cluster"][0]
    members = clusters.members(cluster)
    print(clusters.why(members[0], members[-1]))

    # Follow the vendor. Custody decides where following ends.
    vendor = tags.where(concept="vendor", label="Kelp (vendor at Otter)").addresses()
    coin = cw.native("btc-regtest")
    hosted = cw.hosted(ledger, services, asset=coin)
    trace = cw.trace(ledger, vendor, policy=fifo, stop=[services, hosted, mixes], clusters=clusters)
    print(trace)
    exposure = cw.exposure(trace, tags, clusters=clusters)
    print(exposure)

    # A case records; what leaves the desk is masked unless a reason is given.
    case = cw.Case("otter", question="Whom does this vendor's money reach?")
    case.add(tags, clusters, hosted, trace, exposure)
    case.add(figures.flow(trace, clusters, top=40), note="Main routes, FIFO.")
    case.look_beside(ledger)  # who else stands in these transactions: those ids are withheld
    written = case.write(folder / "case", edition="disclosure")
    print(cw.verify(written))

    # Does it give anybody away who is masked? The working edition says whom to look for.
    whole = case.write(
        folder / "working", edition="working", reason="a simulated chain",
        authority="none is needed: nobody is real",
    )  # fmt: skip
    print(cw.leaks(written, working=whole))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            main(Path(scratch))
