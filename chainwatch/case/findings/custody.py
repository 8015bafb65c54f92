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
from chainwatch.tracing.custody.hosted import Hosted, by_service
from chainwatch.tracing.custody.opening import opened_said
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import BURNT, OPEN_CUSTODY
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
    "What addresses paid behind which following goes on, and to whom.",
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
PROBABLE, UNDECIDED = "hosted, probable", "one destination, custody undecided"

NAMED = 5
"""So many addresses without a host are named on the first page; of more the table tells."""


def hosting_finding(
    subjects: pl.DataFrame, at: Hosted, direct: Counterparties, followed: Trace, min_share: int
) -> Finding:
    """Return each listed address with its probable host, and the sums of its balance."""
    asset = direct.asset
    judged = direct.trifle > 0 or total(followed.balances["trifles"]) > 0
    rows = _custody(subjects, at, followed, judged=judged)
    held, open_ = rows.filter(custody=PROBABLE), rows.filter(custody=UNDECIDED)
    silent = _silent(subjects, direct)
    few = subjects.join(at.few, on="address", how="semi").height
    weak = (
        f"{few} of the others passed all on to one service too, in too few payments to show"
        " anything: somebody who pays out once looks the same. Following goes on there."
    )
    share = f"{to_text(min_share, 1)} %"
    received = asset.shown(total(held["received"]))
    at_services = f" ({by_service(held)}; they received {received})" if held.height else ""
    unread = f" Of {silent} of the {rows.height} nothing was read." if silent else ""
    deposits = "a deposit address" if held.height == 1 else "deposit addresses"
    one = held.height + open_.height
    listed = counted(rows.height, "listed address", "listed addresses")
    return Finding(
        "Listed addresses and who holds their keys",
        (
            f"{one} of {counted(rows.height, 'address', 'addresses')} passed {share} or"
            " more of all they received to tagged wallets of one service, and paid nobody else."
            f" Of {held.height} something shows that the service holds the keys: consistent with"
            f" {deposits} of customers whom it knows{at_services}.{_ending(held, open_)}{unread}",
            *([_open(open_, asset)] if open_.height else []),
            *([weak] if few else []),
            *filter(None, [opened_said(at.opened)]),
            *_even(rows, asset, judged=judged),
        ),
        LISTED_CUSTODY.rows(rows),
        asset,
        (
            "A person who pays one service only, from a wallet of their own, looks the same where"
            " nothing shows the service's side.",
            "A deposit address receives for its holder, whom many may pay for honest reasons.",
        ),
        f"{one} of {listed} {'pays' if one == 1 else 'pay'} one service alone in enough payments to"
        f" judge; {held.height} {'is' if held.height == 1 else 'are'} consistent with {deposits}"
        f"{at_services}{_headline(open_, asset)}.{unread}",
    )


def _ending(held: pl.DataFrame, open_: pl.DataFrame) -> str:
    """Return in words where following ends, and whose affair it is what the addresses paid."""
    one = held.height + open_.height
    if not one:
        return ""
    ends = f" Following ends at {'it' if one == 1 else f'all {one}'}"
    if not open_.height:
        return f"{ends}; what the service did afterwards is its own affair."
    whose = "it is" if open_.height == 1 else f"the {open_.height} are"
    probable = (
        f" What the service did with what came to the {held.height} is its own affair."
        if held.height
        else ""
    )
    return (
        f"{ends}.{probable} Where custody is undecided there are two readings: if the service holds"
        f" the keys, {whose} a place to pay in, and what was paid there is the service's own"
        " affair; if not, these payments are the holders' own, to their accounts at the service."
    )


def _open(rows: pl.DataFrame, asset: Asset) -> str:
    """Return in words of whom custody is undecided, and why."""
    return (
        f"Of {rows.height} ({by_service(rows)}; they received"
        f" {asset.shown(total(rows['received']))}) custody is undecided: whoever cashes out at one"
        " service from a wallet of his own looks the same, and nothing that was read shows the"
        " service's side, such as one funder of gas for many or sweeps in one transaction. These"
        " ends can be opened."
    )


def _headline(rows: pl.DataFrame, asset: Asset) -> str:
    if rows.is_empty():
        return ""
    return (
        f"; of {rows.height} ({by_service(rows)}; they received"
        f" {asset.shown(total(rows['received']))}) custody is undecided"
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
    found = at.frame.select(
        pl.col("address").alias("subject"), "service", "sweeps", _held().alias("custody")
    )
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
            pl.col("custody").fill_null("not shown to be hosted"),
        )
    )
    columns = ["subject", "custody", "service", *sums, "sweeps"]
    return rows.select(columns).sort("custody", "service", "subject")


def _held() -> pl.Expr:
    """Return what is shown of who holds the keys of hosted addresses."""
    open_ = pl.col("certainty") == OPEN_CUSTODY
    return pl.when(open_).then(pl.lit(UNDECIDED)).otherwise(pl.lit(PROBABLE))


def _silent(subjects: pl.DataFrame, direct: Counterparties) -> int:
    """Return of how many listed addresses no row was read, whatever it says."""
    seen = set(direct.frame["subject"]) | set(direct.own["subject"])
    for rows in (direct.poisoning, direct.failed, direct.wide):
        seen |= set(rows["sender"]) | set(rows["receiver"])
    return subjects.filter(~pl.col("address").is_in(list(seen))).height


def unhosted_payments(
    direct: Counterparties, at: Hosted, followed: Trace, read: Set[bytes]
) -> pl.DataFrame:
    """Return the payments of subjects behind whom following goes on, and what is known of whom.

    ``onward`` names the service, says that the receiver is listed or was read, or that its history
    was not read; ``traced`` is how much of the amount the trace followed there.
    """
    shown = pl.format("{} ({})", "service", _held())
    held = at.frame.select(pl.col("address").alias("counterparty"), shown.alias("at"))
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
                "at",
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
    """Return whom the addresses paid behind which following goes on, the listed apart from others.

    ``paid`` are the payments, ``alone`` those of the ``listed`` addresses that made them.
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
    one, many = (
        "address with several destinations or too few payments",
        ("addresses with several destinations or too few payments"),
    )
    return Finding(
        "What the others paid, and to whom",
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
        f"{_at(onward)} {asset.shown(int(amount))}" for onward, amount in by.iter_rows()
    )


def _at(onward: str) -> str:
    """Return in words who was paid: a listed address, a service, or one who pays it alone."""
    for custody, words in ((PROBABLE, "hosted at {}"), (UNDECIDED, "wallets that pay {} alone")):
        if onward.endswith(f" ({custody})"):
            return words.format(onward.removesuffix(f" ({custody})"))
    return onward
