"""Who holds the keys of the listed addresses, and whom those paid that no service is shown to hold.

Every sum here can be recomputed from the tables, and what two sums differ by has a name.
"""

from __future__ import annotations

from collections.abc import Set

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import text
from chainwatch.case.findings.set_aside import UNJUDGED, UNREAD
from chainwatch.results.result import Finding
from chainwatch.results.sentence import Sentence, Sum, joined, sentence
from chainwatch.results.table import (
    FIRST,
    LAST,
    SERVICE,
    Column,
    Table,
)
from chainwatch.tracing.counterparties import SHARED_SERVICE, Counterparties
from chainwatch.tracing.custody import Hosted, by_service
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import BURNT
from chainwatch.tracing.trace_tables import BALANCES
from chainwatch.tracing.walks.account import ZERO
from chainwatch.units import AMOUNT, counted, exact_sum, to_text, total

LISTED_CUSTODY = Table(
    "hosting",
    (),
    "Each listed address with its probable host, and the sums of its balance.",
    (
        Column.party("subject", "the listed address"),
        Column.word("custody", "what is shown of who holds its keys"),
        SERVICE,
        *BALANCES.pick("before", "received", "trifles", "paid", "held").columns,
        Column.count("sweeps", "payments to the service"),
    ),
    order=("custody", "service", "subject"),
)

UNHOSTED = Table(
    "unhosted_payments",
    (),
    "What addresses without a probable host paid, and to whom.",
    (
        Column.party("subject", "who paid"),
        Column.party("counterparty", "who was paid"),
        Column.kind("onward", "what is known of who was paid"),
        Column.flag("other_subject", "is it a subject too"),
        Column.count("payments", "how many"),
        Column.amount("amount", "how much"),
        FIRST,
        LAST,
    ),
    order=("subject", "-amount"),
)

LISTED = "listed, not shown to be hosted"
READ = "history read, not listed"

NAMED = 5
"""So many addresses without a host are named on the first page; of more the table tells."""


def hosting_finding(
    subjects: pl.DataFrame, at: Hosted, direct: Counterparties, followed: Trace, min_share: int
) -> Finding:
    """Return each listed address with its probable host, and the sums of its balance."""
    asset = direct.asset
    judged = direct.trifle > 0 or total(followed.balances["trifles"]) > 0
    rows = _custody(subjects, at, followed, judged=judged)
    held = rows.filter(pl.col("service").is_not_null())
    silent = _silent(subjects, direct)
    few = subjects.join(at.few, on="address", how="semi").height
    weak = (
        f"{few} of the others passed all on to one service too, in too few payments to show"
        " anything: somebody who pays out once looks the same. Following goes on there."
    )
    share = f"{to_text(min_share, 1)} %"
    received = asset.shown(total(held["received"]))
    at_services = f" at a service ({by_service(held)}); they received {received}"
    unread = f" Of {silent} of the {rows.height} nothing was read." if silent else ""
    consistent = "is consistent with a deposit address"
    if held.height != 1:
        consistent = "are consistent with deposit addresses"
    return Finding(
        "Listed addresses and who holds their keys",
        (
            f"{held.height} of {counted(rows.height, 'address', 'addresses')} passed {share} or"
            " more of all they received to tagged wallets of one service, and paid nobody else."
            f" They received {received}. They are consistent with deposit"
            " addresses: the service holds the keys and knows the customer. Following ends there;"
            f" what the service did afterwards is its own affair.{unread}",
            *([weak] if few else []),
            *_even(rows, asset, judged=judged),
        ),
        LISTED_CUSTODY.rows(rows),
        asset,
        (
            "A person who pays one service only, from a wallet of their own, looks the same.",
            "A deposit address receives for its holder, whom many may pay for honest reasons.",
        ),
        f"{held.height} of {counted(rows.height, 'listed address', 'listed addresses')}"
        f" {consistent}{at_services if held.height else ' at a service'}.{unread}",
    )


def _even(rows: pl.DataFrame, asset: Asset, *, judged: bool) -> tuple[str, ...]:
    """Return in words that what came in is what was paid and what is held."""
    names = ("before", "received", "trifles", "paid", "held")
    known = [name for name in names if name in rows.columns and (judged or name != "trifles")]
    said = {name: asset.shown(total(rows[name])) for name in known}
    opening = ", what it held before ('before')" if "before" in said else ""
    held_before = f" {said['before']} held before," if "before" in said else ""
    trifles = " and the trifles of address poisoning in its balance (nobody's)" if judged else ""
    small = f", and {said['trifles']} of trifles" if judged else f" (trifles: {UNJUDGED})"
    adds = "add" if opening or trifles else "adds"
    return (
        f"Of every address, what it received{opening}{trifles} {adds} up to what it paid and what"
        f" it held at the end. Together:{held_before} {said['received']} received, payments between"
        f" listed addresses included{small}; {said['paid']} paid and {said['held']} held.",
    )


def _custody(subjects: pl.DataFrame, at: Hosted, followed: Trace, *, judged: bool) -> pl.DataFrame:
    found = at.frame.select(pl.col("address").alias("subject"), "service", "sweeps")
    sums = ["received", "trifles", "paid", "held"]
    balances = followed.balances.with_columns(pl.col("paid") + pl.col("bait"))
    if total(balances["before"]):
        sums = ["before", *sums]
    rows = (
        subjects.select(pl.col("address").alias("subject"))
        .join(balances.drop("subject"), left_on="subject", right_on="address", how="left")
        .join(found, on="subject", how="left")
        .with_columns(
            *(pl.col(name).fill_null(0) for name in sums if judged or name != "trifles"),
            *([] if judged else [pl.lit(None, AMOUNT).alias("trifles")]),
            pl.when(pl.col("service").is_null())
            .then(pl.lit("not shown to be hosted"))
            .otherwise(pl.lit("hosted, probable"))
            .alias("custody"),
        )
    )
    columns = ["subject", "custody", "service", *sums, "sweeps"]
    return rows.select(columns).sort("custody", "service", "subject")


def _silent(subjects: pl.DataFrame, direct: Counterparties) -> int:
    """Return of how many listed addresses no row was read, whatever it says."""
    seen = set(direct.frame["subject"]) | set(direct.own["subject"])
    for rows in (direct.poisoning, direct.failed, direct.wide):
        seen |= set(rows["sender"]) | set(rows["receiver"])
    return subjects.filter(~pl.col("address").is_in(list(seen))).height


def unhosted_payments(
    direct: Counterparties, at: Hosted, followed: Trace, read: Set[bytes]
) -> pl.DataFrame:
    """Return the payments of subjects without a probable host, with what is known of the receiver.

    ``onward`` names the service, says that the receiver is listed or was read, or that its history
    was not read; ``traced`` is how much of the amount the trace followed there.
    """
    held = at.frame.select(pl.col("address").alias("counterparty"), pl.col("service").alias("at"))
    steps = followed.steps.group_by("txid", "source", "target").agg(
        exact_sum("amount").alias("traced")
    )
    sums = ["subject", "counterparty", "time", "txid", "service", "other_subject"]
    return (
        direct.frame.filter(pl.col("direction") == "out")
        .join(at.frame, left_on="subject", right_on="address", how="anti")
        .group_by(sums)
        .agg(pl.len().cast(pl.Int64).alias("payments"), exact_sum("amount"))
        .join(
            steps,
            left_on=["txid", "subject", "counterparty"],
            right_on=["txid", "source", "target"],
            how="left",
        )
        .join(held, on="counterparty", how="left")
        .with_columns(
            pl.col("traced").fill_null(0),
            pl.coalesce(
                "service",
                pl.col("at") + " (hosted, probable)",
                pl.when("other_subject").then(pl.lit(LISTED)),
                pl.when(pl.col("counterparty").is_in(list(ZERO))).then(pl.lit(BURNT)),
                pl.when(pl.col("counterparty").is_in(list(read))).then(pl.lit(READ)),
                pl.lit(UNREAD),
            ).alias("onward"),
        )
    )


def unhosted_finding(
    direct: Counterparties, paid: pl.DataFrame, alone: pl.DataFrame, listed: int
) -> Finding:
    """Return whom the addresses without a probable host paid, the listed apart from the others.

    ``paid`` are the payments, ``alone`` those of the ``listed`` addresses without a probable host.
    """
    rows = (
        paid.group_by("subject", "counterparty", "onward", "other_subject")
        .agg(
            pl.col("payments").sum(),
            exact_sum("amount"),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
        )
        .sort(["subject", "amount", "counterparty"], descending=[False, True, False])
    )
    parts = _parts(rows, direct.asset)
    whom = frozenset(rows["counterparty"].drop_nulls())
    number = Sum(len(whom), behind=whom, noun=("address", "addresses"))
    amount = Sum(total(rows["amount"]), direct.asset, whom)
    them = f"{'The other' if alone.height < listed else 'All'} {alone.height}"
    them = "The listed address" if listed == 1 else them
    whole = sentence("paid ", amount, " to ", number, ": " if parts else "", parts)
    one, many = "address without a probable host", "addresses without a probable host"
    return Finding(
        "What the unhosted addresses paid, and to whom",
        (
            sentence(
                f"{counted(alone.height, one, many)} ",
                whole,
                ". That an address is not shown to be hosted does not say that it is not.",
            ),
        ),
        UNHOSTED.rows(rows),
        direct.asset,
        (SHARED_SERVICE,),
        sentence(f"{them}{_names(alone, direct.asset)} ", whole, ".") if alone.height else "",
    )


def _names(alone: pl.DataFrame, asset: Asset) -> str:
    """Return who they are, where they are few; they are subjects, so every edition names them."""
    found = sorted(text(item, asset.chain) for item in alone["address"].to_list())
    return f" ({', '.join(found)})" if found and len(found) <= NAMED else ""


_OTHER_READ = (
    "other address whose history was read",
    "other addresses whose history was read",
)
_OTHER_UNREAD = ("other whose history is not read", "others whose history is not read")


def _parts(rows: pl.DataFrame, asset: Asset) -> Sentence:
    """Return what was paid to listed addresses, to services, and to others, in that order."""
    listed = pl.col("other_subject")
    services = ~listed & ~pl.col("onward").is_in([UNREAD, READ, BURNT])
    kinds = (
        (listed, ("listed address", "listed addresses"), True),
        (services, ("tagged or hosted address", "tagged or hosted addresses"), True),
        (pl.col("onward") == BURNT, ("burnt address", "burnt addresses"), False),
        (~listed & (pl.col("onward") == READ), _OTHER_READ, False),
        (~listed & (pl.col("onward") == UNREAD), _OTHER_UNREAD, False),
    )
    said: list[Sentence] = []
    for condition, nouns, detailed in kinds:
        part = rows.filter(condition)
        if part.height:
            whom = frozenset(part["counterparty"].drop_nulls())
            said.append(
                sentence(
                    Sum(total(part["amount"]), asset, whom),
                    " to ",
                    Sum(len(whom), behind=whom, noun=nouns),
                    f" ({_where(part, asset)})" if detailed else "",
                )
            )
    return joined("; ", said)


def _where(rows: pl.DataFrame, asset: Asset) -> str:
    by = rows.group_by("onward").agg(exact_sum("amount")).sort("onward")
    return ", ".join(
        f"{onward.removesuffix(' (hosted, probable)')} {asset.shown(int(amount))}"
        if onward == LISTED or not onward.endswith("probable)")
        else f"hosted at {onward.removesuffix(' (hosted, probable)')} {asset.shown(int(amount))}"
        for onward, amount in by.iter_rows()
    )
