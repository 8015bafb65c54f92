"""A case on an account chain: hosted subjects, counterparties, payments, and what is set apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.tags import Tags, named
from chainwatch.case.ends import by_custody, limits_of
from chainwatch.case.file.follow_keys import Follow
from chainwatch.case.file.model import CaseFile, NamedDay
from chainwatch.case.findings import custody as custody
from chainwatch.case.findings import set_aside as apart
from chainwatch.case.findings.token_check import check_token
from chainwatch.case.findings.worth import worth_finding
from chainwatch.case.ground import Part
from chainwatch.case.recipes.chapter import Chapter, following
from chainwatch.case.recipes.subjects import asset_of
from chainwatch.figures.case_figures import case_figure, flow_figures, followed_figures
from chainwatch.figures.flow_figure import FlowFigure
from chainwatch.heuristics.poisoning import poisoning
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.what_was_read import what_was_read
from chainwatch.results.result import Finding
from chainwatch.results.sentence import Sentence, Sum, sentence
from chainwatch.results.table import behind
from chainwatch.tracing.counterparties import (
    Counterparties,
    astray_findings,
    counterparties,
    failed_finding,
    payments_findings,
    poisoning_finding,
    wide_finding,
)
from chainwatch.tracing.custody.hosted import Hosted
from chainwatch.tracing.direct_tables import BY_COLUMNS
from chainwatch.tracing.ends.doubts import UNKNOWN_WAY, doubt_of
from chainwatch.tracing.ranges.trace_all import trace_all
from chainwatch.tracing.result import Trace
from chainwatch.tracing.trace import trace
from chainwatch.tracing.walks.transfer_order import histories
from chainwatch.units import counted, exact_sum, total

ROUTES = (
    "What listed addresses received, followed to where it ends. 'Not read': the histories of those"
    " paid are not in the file."
)


def add_account_findings(
    case: Chapter, config: CaseFile, ledger: Ledger, tags: Tags, subjects: pl.DataFrame
) -> Part:
    """Compute everything that a case on an account chain shows, and add it in reading order."""
    asset = asset_of(config)
    note = check_token(ledger, asset)
    follow = config.follow
    case.tell("judging who holds the keys")
    lure = poisoning(follow.trifle, follow.alike_head, follow.alike_tail)
    services = tags.services()
    held = by_custody(ledger, services, asset, follow, lure)
    at, direct = held.hosts, _direct(ledger, subjects, asset, tags, follow)
    how: dict[str, Any] = {
        "stop": [services, held.stop], "asset": asset, "poisoning": lure, **limits_of(follow),
    }  # fmt: skip
    case.tell(following(subjects))
    followed = trace(ledger, subjects, policy=follow.policy, **how)
    case.tell("following under every policy")
    across, read = trace_all(ledger, subjects, **how), what_was_read(ledger)
    figures = followed_figures(followed, across, read, case.called, tags=tags)
    alone = subjects.join(at.frame, on="address", how="anti").unique("address")
    paid = custody.unhosted_payments(direct, at, followed, frozenset(histories(ledger, asset)))
    if note is not None:
        case.add(note, note="The rows and the case name the token differently.")
    case.share(tags, note="Who says that an address is a service.")
    case.add(*_flows(case, ledger, tags, followed, graph=follow.graph), note=_routes(followed))
    case.add(
        custody.hosting_finding(subjects, at, direct, followed, follow.min_share),
        note="Custody decides where following ends.",
    )
    case.add(at, note="Evidence for each probable deposit address.")
    if held.roles is not None:
        case.add(held.roles, note="Wallets of services by what they do: following ends there too.")
    case.add(*followed.findings(subjects), note="Where the value went.")
    if (worth := worth_finding(followed, ledger)) is not None:
        case.add(worth, note="What it was worth, by the prices that were read.")
    for finding in payments_findings(direct):
        case.add(finding, note="Direct counterparties, nothing followed.")
    case.add(
        custody.unhosted_finding(direct, paid, alone, subjects.height),
        note="Whom the unhosted subjects paid.",
    )
    for day in config.dates:
        case.add(_after(direct, at, day, subjects.height), note=f"Payments after the {day.name}.")
    _add_look_alikes(case, direct)
    case.add(
        apart.other_tokens_finding(ledger, subjects, asset), note="Set apart: other contracts."
    )
    case.add(apart.statuses_finding(ledger, subjects, asset), note="Kept verbatim.")
    _add_uncounted(case, direct)
    case.add(followed, note="Every branch to its end.")
    case.add(apart.order_finding(followed), note="Where only the time orders transfers.")
    case.add(
        apart.unread_finding(ledger, followed, direct, paid), note="What this case cannot know."
    )
    case.add(direct, note="Every payment, for recomputation.")
    case.add(*figures)
    case.share(case_figure(read, kind="coverage"))
    return Part(followed, subjects, held, follow, called=case.called, lure=lure)


def _flows(
    case: Chapter, ledger: Ledger, tags: Tags, followed: Trace, *, graph: bool
) -> list[FlowFigure]:
    """Return the figures of the main routes."""
    return flow_figures(
        followed, None, tags, graph=graph, title=case.title, name=case.called, ledger=ledger
    )


def _routes(followed: Trace) -> str:
    """Return what stands beside the figure; a doubt about the routes that it draws too."""
    doubt = doubt_of(followed.asset, followed.ends)
    unknown = (followed.ends["certainty"] == UNKNOWN_WAY).any()
    return f"{ROUTES} {doubt}" if doubt and unknown else ROUTES


def _direct(
    ledger: Ledger, subjects: pl.DataFrame, asset: Asset, tags: Tags, follow: Follow
) -> Counterparties:
    """Return the payments in and out of the subjects, as the case asks for them."""
    return counterparties(
        ledger,
        subjects,
        asset=asset,
        tags=named(tags),
        trifle=follow.trifle,
        head=follow.alike_head,
        tail=follow.alike_tail,
    )


def _add_look_alikes(case: Chapter, direct: Counterparties) -> None:
    """Add what only looks like a payment, and the payments that perhaps went astray."""
    case.add(poisoning_finding(direct), note="Set apart: nobody paid here.")
    for finding in astray_findings(direct):
        case.add(finding, note="Paid, and perhaps not to whom it was meant for.")


def _add_uncounted(case: Chapter, direct: Counterparties) -> None:
    """Add the transfers that stand in no total: without effect, and too wide to add up."""
    case.add(failed_finding(direct), note="Set apart: no effect.")
    if direct.wide.height:
        case.add(wide_finding(direct), note="Set apart: too wide to add up.")


AFTER = BY_COLUMNS.pick(
    "subject", "direction", "service", "payments", "amount", "counterparties", "first", "last",
    "behind",
)  # fmt: skip


def _swept(out: pl.DataFrame, at: Hosted, asset: Asset) -> Sentence:
    """Return in words what left addresses that pay one service alone, by who holds their keys."""
    probable, undecided = (
        out.join(part, left_on="subject", right_on="address", how="semi")
        for part in (at.probable, at.undecided)
    )
    swept, open_ = (
        Sum(total(part["amount"]), asset, frozenset(part["counterparty"].drop_nulls()))
        for part in (probable, undecided)
    )
    parts: list[str | Sum] = []
    if probable.height:
        parts += [
            ", of which ", swept, " left addresses that are consistent with deposit addresses of a"
            " service, which is the service's own affair",
        ]  # fmt: skip
    if undecided.height:
        parts += [
            ", and " if probable.height else ", of which ", open_, " left addresses that pay one"
            " service alone, custody undecided: if the service holds their keys, that is its own"
            " affair; if not, these payments are their holders' own",
        ]  # fmt: skip
    return sentence(*parts)


def _after(direct: Counterparties, at: Hosted, day: NamedDay, listed: int) -> Finding:
    start = datetime(day.day.year, day.day.month, day.day.day, tzinfo=UTC)
    late = direct.frame.filter(pl.col("time") >= start)
    rows = (
        late.with_columns(pl.col("service").fill_null("untagged"))
        .group_by("subject", "direction", "service")
        .agg(
            pl.len().cast(pl.Int64).alias("payments"),
            exact_sum("amount"),
            pl.col("counterparty").n_unique().cast(pl.Int64).alias("counterparties"),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
            behind(),
        )
        .sort("subject", "direction", "service")
    )
    came, out = (late.filter(pl.col("direction") == side) for side in ("in", "out"))
    all_, paid = (
        Sum(total(part["amount"]), direct.asset, frozenset(part["counterparty"].drop_nulls()))
        for part in (came, out)
    )
    timeless = direct.frame["time"].null_count()
    told = sentence(
        "in ", all_, ", out ", paid, _swept(out, at, direct.asset),
        f"; {counted(timeless, 'payment has', 'payments have')} no time and"
        f" {'counts' if timeless == 1 else 'count'} neither as before nor as after"
        if timeless else "",
    )  # fmt: skip
    whose = "the listed address" if listed == 1 else f"all {listed} listed addresses together"
    return Finding(
        f"After the {day.name} ({day.day:%Y-%m-%d})",
        (
            sentence(
                f"From 00:00 UTC of that day on, {whose}: ",
                told,
                ". The hour of signing and of publication is not known; payments of the day itself"
                " count as after.",
            ),
        ),
        replace(AFTER, name=f"after_{day.day:%Y_%m_%d}").rows(rows),
        direct.asset,
        ("A payer need not have known of the order.",),
        sentence(f"After the {day.name}, {whose}: ", told, "."),
    )
