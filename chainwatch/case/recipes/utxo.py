"""A case on a coin chain: owners by co-spending, value followed by FIFO, whom it reached."""

from __future__ import annotations

from typing import Any

import polars as pl

from chainwatch.addresses.assets import native
from chainwatch.attribution.tags import Tags
from chainwatch.case.ends import by_custody, limits_of
from chainwatch.case.file.model import CaseFile
from chainwatch.case.findings.worth import worth_finding
from chainwatch.case.ground import Part
from chainwatch.case.recipes.chapter import Chapter, following
from chainwatch.case.recipes.owner_rules import owners_of
from chainwatch.clusters.cluster import Clusters, cluster
from chainwatch.figures.case_figures import case_figure, flow_figures, followed_figures
from chainwatch.figures.evidence.of_subjects import cluster_figures
from chainwatch.heuristics.co_spend import co_spends
from chainwatch.heuristics.coinjoin import JOINT, PREPARATION, equal_outputs
from chainwatch.heuristics.link_rules import NO_KEY
from chainwatch.heuristics.links import LINKS, Links
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.coverage import UNREAD
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.what_was_read import WhatWasRead, what_was_read
from chainwatch.results.result import Finding
from chainwatch.results.table import CHAIN, TXID, Column, Privacy, Table
from chainwatch.tracing.exposure import exposure
from chainwatch.tracing.ranges.trace_all import trace_all
from chainwatch.tracing.result import Trace
from chainwatch.tracing.trace import trace
from chainwatch.units import counted

ROUTES = (
    "Each entity is one address, or the addresses joined to it{by}. Change that went to"
    " an address not joined to its payer is drawn as going on to somebody else."
)


_BY, _ASKED = " by co-spending", ", as the case file asks for it by [owners]"


def add_coin_findings(
    case: Chapter, config: CaseFile, ledger: Ledger, tags: Tags, subjects: pl.DataFrame
) -> Part:
    """Compute everything that a case on a coin chain shows, and add it in reading order."""
    follow = config.follow
    case.tell("joining addresses")
    asset = native(config.subjects.chain)
    # Who seems to prepare his coins for a mix is followed into it.
    mixes = equal_outputs(min_equal=follow.min_equal) & ~PREPARATION
    # What else may be a mix is too doubtful to join owners, too common to stop at.
    owners = _owners(case, config, ledger, tags, mixes | JOINT)
    links = owners.links
    services = tags.services()
    held = by_custody(ledger, services, asset, follow)
    at = held.hosts
    how: dict[str, Any] = {
        "stop": [services, held.stop, mixes], "clusters": owners, "chain": asset.chain,
        "spread_unstated": follow.spread_unstated, **limits_of(follow),
    }  # fmt: skip
    case.tell(following(subjects))
    followed = trace(ledger, subjects, policy=follow.policy, **how)
    read = what_was_read(ledger)
    asked: dict[str, Any] = {
        "tags": tags, "clusters": owners, "spread_unstated": follow.spread_unstated
    }  # fmt: skip
    case.tell("following under every policy")
    across = trace_all(ledger, subjects, **how)
    figures = followed_figures(followed, across, read, case.called, **asked)
    reached = exposure(followed, **asked)
    figures += cluster_figures(owners, subjects, read.data(asset.chain), case.called)
    case.share(tags, note="Who says that an address is what.")
    drawn = flow_figures(
        followed, owners, tags, graph=follow.graph, title=case.title, name=case.called,
        ledger=ledger,
    )  # fmt: skip
    case.add(*drawn, note=_routes(followed, _BY if config.owners is None else _ASKED))
    case.add(*followed.findings(subjects), note="Where the value went.")
    if (worth := worth_finding(followed, ledger)) is not None:
        case.add(worth, note="What it was worth, by the prices that were read.")
    case.add(*reached.findings(subjects), note="Whom it reached, in words.")
    case.add(*owners.findings(subjects), note="Which addresses a subject is taken to hold.")
    case.add(_contested(links), note="Joins that were refused, so that nobody takes them for made.")
    case.add(links, owners, note="Every link and the evidence forest.")
    case.add(*at.findings(subjects), note="Custody decides where following ends.")
    case.add(at, note="Evidence for each probable deposit address.")
    if held.roles is not None:
        case.add(held.roles, note="Wallets of services by what they do: following ends there too.")
    case.add(followed, note="Every branch to its end.")
    case.add(reached, note="Whom it reached.")
    case.share(_unread(read), note="What this case cannot know.")
    for figure in figures:
        case.add(figure)
    case.share(case_figure(read, kind="coverage"))
    return Part(followed, subjects, held, follow, called=case.called, owners=owners, mixes=mixes)


def _owners(case: Chapter, config: CaseFile, ledger: Ledger, tags: Tags, unless: Rule) -> Clusters:
    """Return who is taken to hold which addresses: by what is spent together, or as asked."""
    if config.owners is None:
        return cluster(co_spends(ledger, unless=unless), tags=tags)
    chain = native(config.subjects.chain).chain
    return owners_of(config.owners, ledger, chain, tags, case.base, unless)


def _routes(followed: Trace, by: str) -> str:
    """Return what a figure of flows does not say of itself."""
    as_of, told = followed.unspent_as_of(), ROUTES.format(by=by)
    return f"{told} Coins that are drawn as unspent are so{as_of}." if as_of else told


REFUSED = Table(
    "contested",
    (),
    "Transactions whose joins were refused or left undecided.",
    (
        CHAIN,
        TXID,
        LINKS["time"],
        Column.kind("verdict", "refused, undecided, or no key"),
        Column("links", pl.Int64, Privacy.TALLY, "joins that it would have made"),
    ),
)


_OPEN = (
    "{0} lead to an address that asks for no key, which anybody may spend (such as an anchor): it"
    " links nobody."
)


_LED = {
    "partly_signed": "{0} lead to inputs signed in part or not at all",
    "flags_unread": "{0} rest on signatures whose flags were not read",
    "shared_keys": "{0} lead to outputs of several keys",
    "revealed": "{0} rest on addresses that only an unlocking script names",
}
"""What is said of links that every summary counts apart, by the name of the count."""

_BASIS = (
    "Of all links, {0}. Those to inputs signed in part or not at all and to outputs of several keys"
    " are undecided:"
    " strangers spend together so, and so does one owner. Without flags nobody knows who signed"
    " with whom, and a revealed address is named by an unlocking script alone."
)


def _led(links: Links) -> list[str]:
    """Return how many links rest on what is counted apart, in words, of each that there is."""
    counts = links.counts_apart()
    return [said.format(f"{counts[name]:,}") for name, said in _LED.items() if counts[name]]


def _contested(links: Links) -> Finding:
    counts = links.counts()
    beside = counts["without_key"]
    doubtful = counts["undecided"]
    undecided = f", and {doubtful} because that could not be decided" if doubtful else ""
    rows = (
        links.contested.with_columns(open=pl.col("rule") == NO_KEY)
        .group_by("chain", "txid", "time", "veto", "open")
        .agg(
            pl.len().cast(pl.Int64).alias("links"),
        )
        .with_columns(
            pl.when("open")
            .then(pl.lit("no key"))
            .when(pl.col("veto"))
            .then(pl.lit("refused"))
            .otherwise(pl.lit("undecided"))
            .alias("verdict")
        )
        .sort("time", "txid", "verdict")
        .select("chain", "txid", "time", "verdict", "links")
    )
    return Finding(
        "Joins refused",
        (
            f"{counted(counts['joining'], 'link joins', 'links join')};"
            f" {counted(counts['refused'], 'was', 'were')} refused because the transaction looks"
            f" like a CoinJoin{undecided}.",
            *([_OPEN.format(beside)] if beside else []),
            *([_BASIS.format(", ".join(led))] if (led := _led(links)) else []),
        ),
        REFUSED.rows(rows),
        None,
        (
            "A payer who splits coins evenly looks like a CoinJoin: links are then lost, which is"
            " the harmless error.",
        ),
    )


def _unread(read: WhatWasRead) -> Finding:
    """Return what this case cannot know; of what is lacking nowhere a sentence says so."""
    rows = read.not_read
    lacking = rows.filter((pl.col("count") != 0).fill_null(True))
    zero = rows.filter((pl.col("count") == 0) & ~pl.col("what").str.starts_with("addresses read"))
    none = zero.select(pl.format("{} ({})", "what", "note")).to_series().unique(maintain_order=True)
    return Finding(
        "Not read",
        (
            "What lies outside the blocks read, and value whose spender was not read, is unknown."
            " It is counted here and stands in no other total.",
            *([f"Counted, and none was found: {'; '.join(none)}."] if zero.height else []),
        ),
        UNREAD.rows(lacking),
    )
