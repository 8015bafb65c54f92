"""A case on an account chain: hosted subjects, counterparties, payments, and what is set apart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import polars as pl

from chainwatch.assets import token
from chainwatch.attribution.tags import Tags
from chainwatch.case import account_apart as apart
from chainwatch.case.case import Case
from chainwatch.case.config import CaseFile, NamedDay
from chainwatch.case.finding import Finding
from chainwatch.case.roles import named
from chainwatch.errors import CaseError
from chainwatch.figures.traced import flow
from chainwatch.heuristics.accounts import poisoning
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.counterparties import Counterparties, counterparties
from chainwatch.tracing.custody import Hosted, hosted
from chainwatch.tracing.follow import trace
from chainwatch.tracing.policies import fifo
from chainwatch.units import to_text, total

ROUTES = (
    "What listed addresses received, followed to where it ends. 'Not read': the histories of those"
    " paid are not in the file."
)

SHARED_SERVICE = (
    "A money changer or payment service has many customers: to have paid it, or to have been paid"
    " by it, says nothing of knowing any of the others."
)


def add_account_findings(
    case: Case, config: CaseFile, ledger: Ledger, tags: Tags, subjects: pl.DataFrame
) -> None:
    """Compute everything that a case on an account chain shows, and add it in reading order."""
    if config.asset is None:
        raise CaseError(
            "a case on an account chain needs an [asset]",
            remedy="name the token's chain, contract, symbol and decimals",
        )
    what = config.asset
    asset = token(what.chain, what.contract, what.symbol, what.decimals)
    follow = config.follow
    lure = poisoning(follow.trifle)
    services = tags.where(concept="service")
    at = hosted(
        ledger,
        services,
        asset=asset,
        poisoning=lure,
        min_share=follow.min_share,
        min_sweeps=follow.min_sweeps,
    )
    direct = counterparties(ledger, subjects, asset=asset, tags=named(tags), trifle=follow.trifle)
    followed = trace(
        ledger,
        subjects,
        policy=fifo,
        stop=[services, at],
        asset=asset,
        poisoning=lure,
        max_hops=follow.max_hops,
        min_amount=follow.min_amount,
    )
    case.add(tags, note="Who says that an address is a service.")
    case.add(flow(followed, None, tags, top=40, title=case.title), note=ROUTES)
    case.add(
        _hosting(subjects, at, direct, follow.min_share),
        note="Custody decides where following ends.",
    )
    case.add(at, note="Evidence for each probable deposit address.")
    for finding in _counterparties(direct):
        case.add(finding, note="Direct counterparties, nothing followed.")
    case.add(_unhosted(direct, at), note="Whom the unhosted subjects paid.")
    for day in config.dates:
        case.add(_after(direct, day), note=f"Payments after the {day.name}.")
    case.add(apart.poisoning_finding(direct), note="Set apart: nobody paid here.")
    case.add(
        apart.other_tokens_finding(ledger, subjects, asset), note="Set apart: other contracts."
    )
    case.add(apart.statuses_finding(ledger, subjects, asset), note="Kept verbatim.")
    case.add(apart.failed_finding(direct), note="Set apart: no effect.")
    case.add(followed, note="Every branch to its end.")
    case.add(apart.order_finding(followed), note="Where only the time orders transfers.")
    case.add(apart.unread_finding(ledger, followed, direct), note="What this case cannot know.")
    case.add(direct, note="Every payment, for recomputation.")


def _hosting(subjects: pl.DataFrame, at: Hosted, direct: Counterparties, min_share: int) -> Finding:
    asset = direct.asset
    received = (
        direct.frame.filter(pl.col("direction") == "in")
        .group_by("subject")
        .agg(pl.col("amount").sum().alias("received"))
    )
    paid = (
        direct.frame.filter(pl.col("direction") == "out")
        .group_by("subject")
        .agg(pl.col("amount").sum().alias("paid"))
    )
    found = at.frame.select(pl.col("address").alias("subject"), "service", "sweeps")
    rows = (
        subjects.select(pl.col("address").alias("subject"))
        .join(received, on="subject", how="left")
        .join(paid, on="subject", how="left")
        .join(found, on="subject", how="left")
        .with_columns(
            pl.col("received", "paid").fill_null(0),
            pl.when(pl.col("service").is_null())
            .then(pl.lit("not shown to be hosted"))
            .otherwise(pl.lit("hosted, probable"))
            .alias("custody"),
        )
        .select("subject", "custody", "service", "received", "paid", "sweeps")
        .sort("custody", "service", "subject")
    )
    hosted_ = rows.filter(pl.col("service").is_not_null())
    once = hosted_.filter(pl.col("sweeps") == 1).height
    share = f"{to_text(min_share, 1)} %"
    return Finding(
        "Listed addresses and who holds their keys",
        (
            f"{hosted_.height} of {rows.height} addresses passed {share} or more of all they"
            " received to tagged wallets of one service, and paid nobody else. They received"
            f" {asset.shown(total(hosted_['received']))}. They are consistent with deposit"
            " addresses: the service holds the keys and knows the customer. Following ends there;"
            " what the service did afterwards is its own affair.",
            f"{once} of them passed it on in a single payment, which is weak evidence; the number"
            " of these sweeps stands in the table.",
        ),
        rows,
        asset,
        (
            "A person who pays one service only, from a wallet of their own, looks the same.",
            "A deposit address receives for its holder, whom many may pay for honest reasons.",
        ),
        "hosting",
        f"{hosted_.height} of {rows.height} listed addresses are consistent with deposit addresses"
        f" at a service ({_counts(hosted_)}); they received"
        f" {asset.shown(total(hosted_['received']))}.",
    )


def _counts(rows: pl.DataFrame) -> str:
    by = rows.group_by("service").len().sort("service")
    return ", ".join(f"{count} at {service}" for service, count in by.iter_rows())


def _counterparties(direct: Counterparties) -> Iterator[Finding]:
    asset = direct.asset
    explained = (
        "Payments in and out of the listed addresses. A payment between two of them stands in"
        " both directions. 'Untagged' means that the tags used here do not name the address, and"
        " no more."
    )
    for title, columns in (
        ("Direct counterparties by service", ("direction", "service")),
        ("Direct counterparties by listed address", ("subject", "direction")),
        ("Direct payments by month", ("month", "direction")),
    ):
        rows = direct.by(*columns)
        if "service" in columns:
            rows = rows.with_columns(pl.col("service").fill_null("untagged"))
        yield Finding(
            title,
            (explained,),
            rows,
            asset,
            (SHARED_SERVICE,),
            "counterparties_by_" + "_".join(columns),
        )


def _unhosted(direct: Counterparties, at: Hosted) -> Finding:
    held = at.frame.select(pl.col("address").alias("counterparty"), pl.col("service").alias("at"))
    rows = (
        direct.frame.filter(pl.col("direction") == "out")
        .join(at.frame, left_on="subject", right_on="address", how="anti")
        .join(held, on="counterparty", how="left")
        .with_columns(
            pl.coalesce("service", pl.col("at") + " (hosted, probable)")
            .fill_null("not read")
            .alias("onward")
        )
        .group_by("subject", "counterparty", "onward", "other_subject")
        .agg(
            pl.len().cast(pl.Int64).alias("payments"),
            pl.col("amount").sum(),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
        )
        .sort(["subject", "amount", "counterparty"], descending=[False, True, False])
    )
    read = rows.filter("other_subject")["counterparty"].n_unique()
    return Finding(
        "What the unhosted addresses paid, and to whom",
        (
            f"{rows['subject'].n_unique()} addresses without a probable host paid"
            f" {direct.asset.shown(total(rows['amount']))} to {rows['counterparty'].n_unique()}"
            f" addresses, {read} of them listed ones. The histories of the others are not in the"
            " file: where the value went on to is not read. That an address is not shown to be"
            " hosted does not say that it is not.",
        ),
        rows,
        direct.asset,
        (SHARED_SERVICE,),
        "unhosted_payments",
        f"The other {rows['subject'].n_unique()} paid"
        f" {direct.asset.shown(total(rows['amount']))} to {rows['counterparty'].n_unique()}"
        " addresses; what became of it there is not read.",
    )


def _after(direct: Counterparties, day: NamedDay) -> Finding:
    start = datetime(day.day.year, day.day.month, day.day.day, tzinfo=UTC)
    late = direct.frame.filter(pl.col("time") >= start)
    rows = (
        late.with_columns(pl.col("service").fill_null("untagged"))
        .group_by("subject", "direction", "service")
        .agg(
            pl.len().cast(pl.Int64).alias("payments"),
            pl.col("amount").sum(),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
        )
        .sort("subject", "direction", "service")
    )
    sums = {
        side: total(late.filter(pl.col("direction") == side)["amount"]) for side in ("in", "out")
    }
    return Finding(
        f"After the {day.name} ({day.day:%Y-%m-%d})",
        (
            f"From 00:00 UTC of that day on: in {direct.asset.shown(sums['in'])}, out"
            f" {direct.asset.shown(sums['out'])}. The hour of signing and of publication is not"
            " known; payments of the day itself count as after.",
        ),
        rows,
        direct.asset,
        ("A payer need not have known of the order.",),
        f"after_{day.day:%Y_%m_%d}",
        f"After the {day.name}: in {direct.asset.shown(sums['in'])}, out"
        f" {direct.asset.shown(sums['out'])}.",
    )
