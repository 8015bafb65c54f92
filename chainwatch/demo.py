"""``chainwatch demo``: the made-up case Otter, worked like any other, beside the truth."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import polars as pl

from chainwatch.case.run import RunReport, run_case
from chainwatch.clusters.cluster import Clusters
from chainwatch.simulate.otter import Otter, otter
from chainwatch.tracing.exposure import Exposure
from chainwatch.tracing.trace import Trace
from chainwatch.units import to_text

ACQUIRED = datetime(2023, 10, 1, tzinfo=UTC)
"""When the made-up data was made up: fixed, so that the demo writes the same bytes each time."""

MASK_KEY = hashlib.sha256(b"otter is simulated: this key protects nobody").digest()
DATA = "data"
VENDOR = "Kelp"


def run_demo(out: Path, *, say: Callable[[str], None]) -> Iterator[str]:
    """Simulate the case, work it, and return lines that compare what was found with the truth.

    Parameters
    ----------
    out : Path
        Folder to write; an earlier demo's folder is replaced, nothing else is.
    say : function
        Told what is being done.
    """
    say("simulating the market Otter")
    truth = otter()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".otter-", dir=out.parent) as folder:
        data = truth.write(Path(folder) / DATA)
        case_file = data / "case.toml"
        case_file.write_bytes(resources.files("chainwatch").joinpath("otter.toml").read_bytes())
        report = run_case(
            case_file, out, data=data, mask_key=MASK_KEY, acquired=ACQUIRED, replace=True, say=say
        )
        shutil.move(data, out / DATA)
    yield from compare(report, truth)
    yield ""
    yield f"Open {out}/disclosure/report.pdf or report.html; all files are described in README.txt."


def compare(report: RunReport, truth: Otter) -> Iterator[str]:
    """Return what the case found beside what the simulation knows."""
    found = [result for result, _ in report.case.results]
    owners = next(item for item in found if isinstance(item, Clusters))
    followed = next(item for item in found if isinstance(item, Trace))
    reached = next(item for item in found if isinstance(item, Exposure))
    yield f"Vendor {VENDOR}, followed by {followed.policy.upper()} (amounts in rBTC)"
    yield f"{'':34}{'found':>14}{'truth':>14}"
    for name, here, there in _amounts(followed, reached, truth):
        yield f"  {name:32}{to_text(here, 8):>14}{to_text(there, 8):>14}"
    yield from _owners(owners, truth)
    yield (
        "What is missing was not joined: co-spending alone does not see change, and coins behind"
        " the CoinJoin are not followed. One simulated case is no error rate."
    )


def _amounts(followed: Trace, reached: Exposure, truth: Otter) -> Iterator[tuple[str, int, int]]:
    known = truth.summary()["vendors"][VENDOR]
    arrived = dict(reached.frame.select("actor", "arrived").iter_rows())
    hosted = {
        service: int(amount)
        for service, amount in followed.ends.filter(pl.col("service").is_not_null())
        .group_by("service")
        .agg(pl.col("amount").sum())
        .iter_rows()
    }
    yield "received", followed.amount, known["received"]
    for name, amount in sorted(known["sent_to_exchanges"].items()):
        yield f"to accounts at {name}", hosted.get(name.lower(), 0), amount
    campaign = next(
        (
            int(value)
            for actor, value in sorted(arrived.items())
            if actor.lower().startswith("lantern")
        ),
        0,
    )
    yield "to the campaign Lantern", campaign, known["sent_to_campaign"]


def _owners(owners: Clusters, truth: Otter) -> Iterator[str]:
    """Return how many joined pairs of addresses have one owner in truth."""
    rows = owners.frame.join(
        truth.truth.select("address", "owner").unique("address", keep="last", maintain_order=True),
        on="address",
    )
    sizes = rows.group_by("cluster").len()["len"].to_list()
    same = rows.group_by("cluster", "owner").len()["len"].to_list()
    pairs = sum(size * (size - 1) // 2 for size in sizes)
    right = sum(size * (size - 1) // 2 for size in same)
    mixed = rows.group_by("cluster").agg(pl.col("owner").n_unique()).filter(pl.col("owner") > 1)
    yield (
        f"Owners by co-spending: {len(sizes)} clusters; {right} of {pairs} joined pairs of"
        f" addresses have one owner; {mixed.height} clusters join different owners; "
        f"{owners.links.counts()['refused']} links refused as CoinJoin"
    )
