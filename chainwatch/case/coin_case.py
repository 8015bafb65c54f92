"""A case on a coin chain: owners by co-spending, value followed by FIFO, whom it reached."""

from __future__ import annotations

import polars as pl

from chainwatch.assets import native
from chainwatch.attribution.tags import Tags
from chainwatch.case.case import Case
from chainwatch.case.config import CaseFile
from chainwatch.case.finding import Finding
from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.figures.traced import flow
from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.heuristics.links import Links
from chainwatch.heuristics.ownership import co_spends
from chainwatch.ledger.coverage import unread
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.custody import hosted
from chainwatch.tracing.exposure import exposure
from chainwatch.tracing.follow import trace
from chainwatch.tracing.policies import fifo
from chainwatch.tracing.trace import Trace

CUSTODY = (
    "An exchange serves everybody. What arrives at a deposit address is its customer's; what the"
    " exchange pays out afterwards is not."
)


def add_coin_findings(
    case: Case, config: CaseFile, ledger: Ledger, tags: Tags, subjects: pl.DataFrame
) -> None:
    """Compute everything that a case on a coin chain shows, and add it in reading order."""
    follow = config.follow
    asset = native(config.subjects.chain)
    mixes = equal_outputs(min_equal=follow.min_equal)
    links = co_spends(ledger, unless=mixes)
    owners = cluster(links, tags=tags)
    services = tags.where(concept="service")
    at = hosted(
        ledger, services, asset=asset, min_share=follow.min_share, min_sweeps=follow.min_sweeps
    )
    followed = trace(
        ledger,
        subjects,
        policy=fifo,
        stop=[services, at, mixes],
        clusters=owners,
        max_hops=follow.max_hops,
        min_amount=follow.min_amount,
        chain=asset.chain,
    )
    reached = exposure(followed, tags, clusters=owners)
    case.add(tags, note="Who says that an address is what.")
    case.add(_owners(subjects, owners), note="Which addresses a subject is taken to hold.")
    case.add(_contested(links), note="Joins that were refused, so that nobody takes them for made.")
    case.add(links, owners, note="Every link and the evidence forest.")
    case.add(at, note="Evidence for each probable deposit address.")
    case.add(followed, note="Every branch to its end.")
    case.add(_ends(followed), note="Where the value went.")
    case.add(reached, note="Whom it reached.")
    case.add(_reached(reached.frame, followed), note="Whom it reached, in words.")
    case.add(_unread(ledger), note="What this case cannot know.")
    case.add(flow(followed, owners, top=40, title=case.title), note="Main routes.")


def _owners(subjects: pl.DataFrame, owners: Clusters) -> Finding:
    rows = (
        subjects.rename({"address": "subject"})
        .join(owners.frame, left_on=["chain", "subject"], right_on=["chain", "address"], how="left")
        .with_columns(pl.coalesce("cluster", "subject").alias("cluster"))
        .join(owners.sizes().rename({"addresses": "size"}), on=["chain", "cluster"], how="left")
        .with_columns(pl.col("size").fill_null(1))
        .select("chain", "subject", "cluster", pl.col("size").alias("addresses"))
    )
    return Finding(
        "Subjects and the addresses joined to them",
        (
            "Addresses that one transaction spends together are joined unless the transaction may"
            " be a CoinJoin. Ask why two addresses are joined: clusters.why(a, b) answers with the"
            " transactions. Addresses that were never spent together with another are not joined,"
            " however surely they belong together: what a subject holds may be more.",
            f"{owners.alarms.height} clusters hold tags of more than one actor.",
        ),
        rows,
        None,
        (
            "Co-spending joins strangers in a PayJoin, in a wallet kept for many, and where keys"
            " were sold or shared.",
        ),
        "subjects",
    )


def _contested(links: Links) -> Finding:
    counts = links.counts()
    rows = (
        links.contested.group_by("chain", "txid", "time", "veto")
        .agg(
            pl.len().cast(pl.Int64).alias("links"),
        )
        .with_columns(
            pl.when(pl.col("veto"))
            .then(pl.lit("refused"))
            .otherwise(pl.lit("undecided"))
            .alias("verdict")
        )
        .sort("time", "txid")
        .select("chain", "txid", "time", "verdict", "links")
    )
    return Finding(
        "Joins refused",
        (
            f"{counts['joining']} links join; {counts['refused']} were refused because the"
            f" transaction looks like a CoinJoin, and {counts['undecided']} because that could not"
            " be decided.",
        ),
        rows,
        None,
        (
            "A payer who splits coins evenly looks like a CoinJoin: links are then lost, which is"
            " the harmless error.",
        ),
        "contested",
    )


def _ends(followed: Trace) -> Finding:
    rows = followed.summary().select("reason", "service", "certainty", "amount", "ends")
    return Finding(
        "Where the value ends",
        (
            f"{followed.asset.shown(followed.amount)} came in from outside. Followed by"
            f" {followed.policy.upper()}, the ends add up to it exactly.",
        ),
        rows,
        followed.asset,
        (CUSTODY,),
        "ends_by_reason",
        f"{followed.asset.shown(followed.amount)} came in and was followed by"
        f" {followed.policy.upper()}: " + _said(followed) + ".",
    )


def _said(followed: Trace) -> str:
    return "; ".join(
        f"{followed.asset.shown(int(row['amount']))} {row['reason']}"
        + (f" {row['service']} ({row['certainty']})" if row["service"] else "")
        for row in followed.summary().iter_rows(named=True)
    )


def _reached(rows: pl.DataFrame, followed: Trace) -> Finding:
    table = rows.select("subject", "actor", "concept", "arrived", "stayed", "hops", "basis")
    return Finding(
        "Tagged parties that the value reached",
        (
            "Amounts are those of the policy named. Another policy gives other amounts; that a way"
            " exists does not depend on the policy.",
        ),
        table,
        followed.asset,
        ("Whoever pays a campaign need not know whom it serves.", CUSTODY),
        "reached",
        "; ".join(
            f"{followed.asset.shown(int(row['arrived']))} reached {row['actor']}"
            f" ({row['concept']}, {row['confidence']}) over {row['hops']} hops or more"
            for row in rows.iter_rows(named=True)
        )
        + ("." if rows.height else "No tagged party was reached."),
    )


def _unread(ledger: Ledger) -> Finding:
    rows = unread(ledger)
    return Finding(
        "Not read",
        (
            "What lies outside the blocks read, and value whose spender was not read, is unknown."
            " It is counted here and stands in no other total.",
        ),
        rows,
        None,
        (),
        "not_read",
    )
