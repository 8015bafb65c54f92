"""``chainwatch demo``: the made-up case Otter, worked like any other, beside the truth."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import polars as pl

from chainwatch.atomic import absolute, check_free, write_whole
from chainwatch.case.file.model import load_case
from chainwatch.case.recipes.run import DATA, RunReport, is_ours, work
from chainwatch.cli.output import report_of, why_no_pdf
from chainwatch.clusters.cluster import Clusters
from chainwatch.simulate.otter import Otter, otter
from chainwatch.tracing.exposure import Exposure
from chainwatch.tracing.result import Trace
from chainwatch.units import exact_sum, to_text, total

ACQUIRED = datetime(2023, 10, 1, tzinfo=UTC)
"""When the made-up data was made up: fixed, so that the demo writes the same bytes each time."""

MASK_KEY = hashlib.sha256(b"otter is simulated: this key protects nobody").digest()
VENDOR, CAMPAIGN = "Kelp", "Lantern"


def run_demo(out: Path, *, say: Callable[[str], None]) -> Iterator[str]:
    """Simulate the case, work it, and return lines that compare what was found with the truth.

    Parameters
    ----------
    out : Path
        Folder to write; an earlier demo's folder is replaced, nothing else is.
    say : function
        Told what is being done.

    Raises
    ------
    OutputExists
        If the folder exists and no demo made it.
    """
    check_free(absolute(out), _is_demo, replace=True)
    say("simulating the market Otter")
    truth = otter()
    found: list[RunReport] = []

    def fill(place: Path) -> None:
        data = truth.write(place / DATA)
        case_file = data / "case.toml"
        case_file.write_bytes(resources.files("chainwatch").joinpath("otter.toml").read_bytes())
        config = load_case(case_file)
        found.append(work(config, data, place, mask_key=MASK_KEY, acquired=ACQUIRED, say=say))

    write_whole(out, fill, ours=_is_demo, replace=True)
    yield from compare(found[0], truth)
    yield from _where(out)


def _is_demo(folder: Path) -> bool:
    return is_ours(folder) and (folder / DATA / "truth.csv").is_file()


def _where(out: Path) -> Iterator[str]:
    yield ""
    yield "Open"
    yield f"  {report_of(out / 'disclosure')}  what may leave the desk"
    yield f"  {report_of(out / 'working')}  the same with nobody masked"
    yield f"  {out / 'data' / 'case.toml'}  the case file: copy it and change it"
    yield f"  {out / 'README.txt'}  what the other folders hold"
    if missing := why_no_pdf(out / "disclosure"):
        yield ""
        yield missing


def compare(report: RunReport, truth: Otter) -> Iterator[str]:
    """Return what the case found beside what the simulation knows, and why they differ."""
    found = [result for result, _ in report.case.results]
    owners = next(item for item in found if isinstance(item, Clusters))
    followed = next(item for item in found if isinstance(item, Trace))
    reached = next(item for item in found if isinstance(item, Exposure))
    yield f"Vendor {VENDOR}, followed by {followed.policy.upper()} (amounts in {_coin(followed)})"
    yield f"  {'':32}{'found':>12}{'truth':>12}{'missed':>12}"
    for name, here, there in _amounts(followed, reached, truth):
        texts = (to_text(amount, 8) for amount in (here, there, there - here))
        yield f"  {name:32}" + "".join(f"{text:>12}" for text in texts)
    yield ""
    yield "Why the rest was missed, by the truth"
    yield from _missed(followed, owners, truth)
    yield ""
    yield from _owners(owners, truth)
    yield "One simulated case is no error rate."


def _coin(followed: Trace) -> str:
    return followed.asset.symbol


def _amounts(followed: Trace, reached: Exposure, truth: Otter) -> Iterator[tuple[str, int, int]]:
    known = truth.summary()["vendors"][VENDOR]
    arrived = dict(reached.frame.select("actor", "arrived").iter_rows())
    served = followed.ends.filter(pl.col("service").is_not_null())
    hosted = dict(served.group_by("service").agg(exact_sum("amount")).iter_rows())
    yield "received", followed.amount, known["received"]
    for name, amount in sorted(known["sent_to_exchanges"].items()):
        yield f"to accounts at {name}", int(hosted.get(name.lower(), 0)), amount
    yield (
        f"to the campaign {CAMPAIGN}",
        int(arrived.get(CAMPAIGN.lower(), 0)),
        known["sent_to_campaign"],
    )


def _missed(followed: Trace, owners: Clusters, truth: Otter) -> Iterator[str]:
    """Return the causes of what was missed, each with its amount, computed from the truth."""
    joined = followed.origins["address"].to_list()
    got = truth.payments.filter(to_owner=VENDOR).join(_paid_to(truth), on=["txid", "n"])
    apart = got.filter(~pl.col("address").is_in(joined))
    again = followed.origins.join(got, on=["txid", "n"], how="anti")
    yield f"  received: {_text(apart)} was paid to addresses that co-spending does not join to"
    yield f"    the advertised one; and {_text(again)} is found that nobody paid: {VENDOR}'s change"
    yield "    out of the CoinJoin and from behind it comes back as if from outside."
    behind, fresh, other = _donations(followed, owners, truth)
    yield f"  campaign: {_text(behind)} was paid behind the CoinJoin, where nothing is followed;"
    yield f"    {_text(fresh)} was followed to an address that nothing joins to the published one."
    if other.height:
        yield f"    {_text(other)} was missed in other ways."


def _text(payments: pl.DataFrame) -> str:
    return to_text(total(payments["amount"]), 8)


def _paid_to(truth: Otter) -> pl.DataFrame:
    return truth.coins.select("txid", "n", "address")


def _donations(
    followed: Trace, owners: Clusters, truth: Otter
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return the vendor's payments to the campaign that were missed, by cause.

    Behind the CoinJoin: they spend a mixed coin. Fresh: the trace reached the address, which is in
    no cluster. Other: the rest.
    """
    paid = truth.payments.filter(from_owner=VENDOR, to_owner=CAMPAIGN)
    paid = paid.join(_paid_to(truth), on=["txid", "n"])
    mixed = truth.coins.filter(owner=VENDOR, purpose="mixed")["spent_by"].drop_nulls().to_list()
    behind = pl.col("txid").is_in(mixed)
    seen = pl.col("address").is_in(followed.steps["target"].drop_nulls().to_list())
    alone = ~pl.col("address").is_in(owners.frame["address"].to_list())
    joined = seen & ~alone
    return (
        paid.filter(behind),
        paid.filter(~behind & seen & alone),
        paid.filter(~behind & ~joined & ~(seen & alone)),
    )


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
    refused = owners.links.counts()["refused"]
    yield f"Owners by co-spending: {len(sizes)} clusters; of {pairs} joined pairs of addresses"
    yield f"  {right} have one owner; clusters that join different owners: {mixed.height}; links"
    yield f"  refused as CoinJoin: {refused}."
