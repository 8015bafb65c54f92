"""A case on a coin chain: owners by co-spending, value followed by FIFO, whom it reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from chainwatch.assets import native
from chainwatch.attribution.tags import Tags
from chainwatch.case.case import Case
from chainwatch.case.config import CaseFile
from chainwatch.case.finding import Finding
from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.figures.traced import flow
from chainwatch.heuristics.coinjoin import equal_outputs, possible_mix
from chainwatch.heuristics.links import Links
from chainwatch.heuristics.ownership import co_spends
from chainwatch.ledger.coverage import unread
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.custody import hosted
from chainwatch.tracing.ends import BURNT, FEE, HOSTED, MIXER, NOT_READ, UNDECIDED, UNSPENT
from chainwatch.tracing.exposure import exposure
from chainwatch.tracing.follow import trace
from chainwatch.tracing.policies import fifo
from chainwatch.tracing.trace import Trace

ROUTES = (
    "Each entity is one address, or the addresses joined to it by co-spending. Change that went to"
    " an address not joined to its payer is drawn as going on to somebody else."
)

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
    # Equal outputs of another shape are too doubtful to join owners, too common to stop at.
    links = co_spends(ledger, unless=mixes | possible_mix())
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
    case.add(flow(followed, owners, tags, top=40, title=case.title), note=ROUTES)
    case.add(_ends(followed), note="Where the value went.")
    case.add(_reached(reached.frame, followed), note="Whom it reached, in words.")
    case.add(_owners(subjects, owners), note="Which addresses a subject is taken to hold.")
    case.add(_contested(links), note="Joins that were refused, so that nobody takes them for made.")
    case.add(links, owners, note="Every link and the evidence forest.")
    case.add(at, note="Evidence for each probable deposit address.")
    case.add(followed, note="Every branch to its end.")
    case.add(reached, note="Whom it reached.")
    case.add(_unread(ledger), note="What this case cannot know.")


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
            f"{_counted(owners.collapses.height, 'transaction joins', 'transactions join')} groups"
            " that are large or differently tagged (clusters.collapses lists them).",
            f"{_counted(owners.alarms.height, 'cluster holds', 'clusters hold')} tags of more than"
            " one actor.",
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
    shown = followed.asset.shown
    return Finding(
        "Where the value ends",
        (
            f"{shown(followed.amount)} came in from outside. Followed by"
            f" {followed.policy.upper()}, the ends add up to it exactly. A hosted service is"
            " probable where an address passes all it gets to tagged wallets of one service; what"
            " enters a transaction that looks like a CoinJoin is not followed behind it.",
        ),
        rows,
        followed.asset,
        (CUSTODY, "A branch may end at an address of the subject's own that nothing joins to it."),
        "ends_by_reason",
        f"{shown(followed.amount)} came in. Followed by {followed.policy.upper()}, it is consistent"
        f" with: {'; '.join(_said(row, followed) for row in rows.iter_rows(named=True))}.",
    )


_ENDED = {
    HOSTED: "paid to an address at {service} ({certainty})",
    MIXER: "into a transaction that looks like a CoinJoin, and not followed behind it",
    UNDECIDED: "into a transaction that may be a CoinJoin, and not followed behind it",
    UNSPENT: "unspent in {ends}",
    NOT_READ: "sent on to where nothing was read",
    BURNT: "burnt",
    FEE: "network fees",
}


def _said(row: Mapping[str, Any], followed: Trace) -> str:
    """Return one kind of end in words."""
    reason, service = str(row["reason"]), row["service"]
    if reason in (MIXER, UNDECIDED) and service:
        words = f"paid to {service} ({reason}, {row['certainty']})"
    elif reason in _ENDED:
        ends = _counted(int(row["ends"]), "coin", "coins")
        words = _ENDED[reason].format(service=service, certainty=row["certainty"], ends=ends)
    else:
        words = f"not followed further ({reason})"
    return f"{followed.asset.shown(int(row['amount']))} {words}"


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _reached(rows: pl.DataFrame, followed: Trace) -> Finding:
    table = rows.select("subject", "actor", "concept", "arrived", "stayed", "hops", "basis")
    return Finding(
        "Tagged parties that the value reached",
        (
            "Amounts are those of the policy named. Another policy gives other amounts; that a way"
            " exists does not depend on the policy. 'Stayed' is what lies there still: the rest"
            " went on and is counted where it ended.",
        ),
        table,
        followed.asset,
        ("Whoever pays a campaign need not know whom it serves.", CUSTODY),
        "reached",
        " ".join(_reached_said(row, followed) for row in rows.iter_rows(named=True))
        or "No tagged party was reached.",
    )


def _reached_said(row: Mapping[str, Any], followed: Trace) -> str:
    shown = followed.asset.shown
    return (
        f"On the way {shown(int(row['arrived']))} is consistent with having reached {row['actor']}"
        f" (tagged {row['concept']}; {row['confidence']}), {_counted(row['hops'], 'hop', 'hops')}"
        f" or more away ({row['basis']}); {shown(int(row['stayed']))} stayed there."
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
