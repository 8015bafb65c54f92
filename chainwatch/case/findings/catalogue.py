"""The sections that results bring to a report: each says in words what a verb's tables show.

A case file's findings are built here too, so that a script and a case file read alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from chainwatch.case.findings.set_aside import failed_finding, poisoning_finding
from chainwatch.clusters.cluster import Clusters
from chainwatch.privacy.columns import behind
from chainwatch.results.finding import Finding
from chainwatch.results.provenance import Result
from chainwatch.tracing.counterparties import Counterparties
from chainwatch.tracing.custody import Hosted
from chainwatch.tracing.exposure import Exposure
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import BURNT, FEE, HOSTED, MIXER, NOT_READ, UNDECIDED, UNSPENT
from chainwatch.units import total

CUSTODY = (
    "An exchange serves everybody. What arrives at a deposit address is its customer's; what the"
    " exchange pays out afterwards is not."
)

SHARED_SERVICE = (
    "A money changer or payment service has many customers: to have paid it, or to have been paid"
    " by it, says nothing of knowing any of the others."
)

HOSTING = "hosting"
"""Name of the section on custody, whether a case file or a result brings it."""


def brought(results: Sequence[Result]) -> tuple[Finding, ...]:
    """Return the sections that results bring and that no finding among them is named like."""
    held = {result.name for result in results if isinstance(result, Finding)}
    found: list[Finding] = []
    for result in results:
        for finding in _of(result, results):
            if finding.name not in held:
                held.add(finding.name)
                found.append(finding)
    return tuple(found)


def _of(result: Result, results: Sequence[Result]) -> Iterator[Finding]:
    if isinstance(result, Trace):
        yield ends(result)
    elif isinstance(result, Hosted):
        yield hosting(result)
    elif isinstance(result, Exposure):
        yield reached(result)
    elif isinstance(result, Counterparties):
        yield from payments(result)
        yield poisoning_finding(result)
        yield failed_finding(result)
    elif isinstance(result, Clusters):
        yield owners(_subjects(results), result)


def _subjects(results: Sequence[Result]) -> pl.DataFrame:
    """Return the subjects of all traces as ``chain, address``."""
    schema = {"chain": pl.String, "address": pl.Binary}
    rows = [
        (result.asset.chain, item)
        for result in results
        if isinstance(result, Trace)
        for item in result.subjects["subject"].to_list()
    ]
    return pl.DataFrame(rows, schema=schema, orient="row").unique().sort("chain", "address")


def ends(followed: Trace) -> Finding:
    """Return where the value of a trace ends, by reason and service."""
    rows = followed.summary().select("reason", "service", "certainty", "amount", "ends")
    shown, policy = followed.asset.shown, followed.policy.upper()
    came = f"{shown(followed.amount)} came in from outside. Followed by {policy}"
    trifles = total(followed.balances["trifles"])
    text = [
        f"{came}, the ends add up to it exactly. A hosted service is probable where an address"
        " passes all it gets to tagged wallets of one service; what enters a transaction that"
        " looks like a CoinJoin is not followed behind it."
    ]
    if trifles:
        text.append(
            f"Trifles of address poisoning, {shown(trifles)} in all, lie in the balances too. They"
            " are nobody's value and are not followed."
        )
    said = "; ".join(_said(row, followed) for row in rows.iter_rows(named=True))
    headline = f"{came}, it is consistent with: {said}." if said else "Nothing was read to come in."
    return Finding(
        "Where the value ends",
        tuple(text),
        rows,
        followed.asset,
        (CUSTODY, "A branch may end at an address of the subject's own that nothing joins to it."),
        "ends_by_reason",
        headline + _silent(followed),
    )


def _silent(followed: Trace) -> str:
    """Return a sentence on the subjects that received nothing that was read."""
    whose = followed.subjects["subject"].n_unique()
    idle = whose - followed.origins["subject"].n_unique()
    return f" Of {idle} of {whose} subjects nothing was read to come in." if idle else ""


_ENDED = {
    MIXER: "into a transaction that looks like a CoinJoin, and not followed behind it",
    UNDECIDED: "into a transaction that may be a CoinJoin, and not followed behind it",
    UNSPENT: "unspent in {ends}",
    NOT_READ: "sent on to where nothing was read",
    BURNT: "burnt",
    FEE: "network fees",
}


def _said(row: Mapping[str, Any], followed: Trace) -> str:
    """Return one kind of end in words."""
    reason, service, certainty = str(row["reason"]), row["service"], row["certainty"]
    sure = ", ".join(item for item in (None if reason == HOSTED else reason, certainty) if item)
    if service:
        # Whoever is tagged holds a wallet of the service; others are taken to be its customers'.
        deposit = "a deposit address at " if (reason, certainty) == (HOSTED, "probable") else ""
        words = f"paid to {deposit}{service}" + (f" ({sure})" if sure else "")
    elif reason in _ENDED:
        one, many = ("balance", "balances") if followed.balances.height else ("coin", "coins")
        words = _ENDED[reason].format(ends=counted(int(row["ends"]), one, many))
    else:
        words = f"not followed further ({reason})"
    return f"{followed.asset.shown(int(row['amount']))} {words}"


def counted(count: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{count} {one if count == 1 else many}"


def by_service(rows: pl.DataFrame) -> str:
    """Return how many rows each service has: ``15 at binance, 1 at huobi``."""
    by = rows.group_by("service").len().sort("service")
    return ", ".join(f"{count} at {service}" for service, count in by.iter_rows())


def hosting(at: Hosted) -> Finding:
    """Return the addresses that behave as deposit addresses of a service."""
    columns = ("chain", "address", "service", "received", "forwarded", "sweeps", "certainty")
    rows = at.frame.select(columns)
    found = counted(rows.height, "address passes", "addresses pass")
    where = f" ({by_service(rows)})" if rows.height else ""
    once = rows.filter(pl.col("sweeps") == 1).height
    return Finding(
        "Probable deposit addresses",
        (
            f"{found} what came in to tagged wallets of one service{where}, and nothing to anybody"
            " else. That is consistent with deposit addresses: the service holds the keys and knows"
            f" the customer. {once} of them passed it on in a single payment, which is weak"
            " evidence.",
        ),
        rows,
        at.asset,
        ("A person who pays one service only, from a wallet of their own, looks the same.",),
        HOSTING,
    )


def reached(found: Exposure) -> Finding:
    """Return the tagged parties that traced value reached."""
    rows = found.frame.select("subject", "actor", "concept", "arrived", "stayed", "hops", "basis")
    return Finding(
        "Tagged parties that the value reached",
        (
            "Amounts are those of the policy named. Another policy gives other amounts; that a way"
            " exists does not depend on the policy. 'Stayed' is what lies there still: the rest"
            " went on and is counted where it ended.",
        ),
        rows,
        found.asset,
        ("Whoever pays a campaign need not know whom it serves.", CUSTODY),
        "reached",
        " ".join(_reached_said(row, found) for row in found.frame.iter_rows(named=True))
        or "No tagged party was reached.",
    )


def _reached_said(row: Mapping[str, Any], found: Exposure) -> str:
    shown = found.asset.shown
    confidence = row["confidence"]
    sure = "of unknown confidence" if confidence in (None, "", "unknown") else confidence
    tagged = f"tagged {row['concept']}" if row["concept"] else "tagged without a concept"
    return (
        f"On the way {shown(int(row['arrived']))} is consistent with having reached {row['actor']}"
        f" ({tagged}; {sure}), {counted(row['hops'], 'hop', 'hops')} or more away"
        f" ({row['basis']}); {shown(int(row['stayed']))} stayed there."
    )


def payments(direct: Counterparties) -> Iterator[Finding]:
    """Yield the payments in and out of subjects by service, by subject and by month."""
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
        dated = direct.frame.with_columns(pl.col("time").dt.strftime("%Y-%m").alias("month"))
        who = dated.group_by(columns).agg(behind())  # for editions that mask some of them
        rows = direct.by(*columns).join(who, on=columns, how="left", nulls_equal=True)
        if "service" in columns:
            rows = rows.with_columns(pl.col("service").fill_null("untagged"))
        if "month" in columns:
            rows = rows.drop("first", "last")  # the month says it
        name = "counterparties_by_" + "_".join(columns)
        yield Finding(title, (explained,), rows, direct.asset, (SHARED_SERVICE,), name)


def owners(subjects: pl.DataFrame, clusters: Clusters) -> Finding:
    """Return the addresses that are joined to subjects, given as ``chain, address``."""
    rows = (
        subjects.rename({"address": "subject"})
        .join(
            clusters.frame,
            left_on=["chain", "subject"],
            right_on=["chain", "address"],
            how="left",
        )
        .with_columns(pl.coalesce("cluster", "subject").alias("cluster"))
        .join(clusters.sizes().rename({"addresses": "size"}), on=["chain", "cluster"], how="left")
        .with_columns(pl.col("size").fill_null(1))
        .select("chain", "subject", "cluster", pl.col("size").alias("addresses"))
    )
    joins = counted(clusters.collapses.height, "transaction joins", "transactions join")
    return Finding(
        "Subjects and the addresses joined to them",
        (
            "Addresses that one transaction spends together are joined unless the transaction may"
            " be a CoinJoin. Ask why two addresses are joined: clusters.why(a, b) answers with the"
            " transactions. Addresses that were never spent together with another are not joined,"
            " however surely they belong together: what a subject holds may be more.",
            f"{joins} groups that are large or differently tagged (clusters.collapses lists them).",
            f"{counted(clusters.alarms.height, 'cluster holds', 'clusters hold')} tags of more than"
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
