"""Direct counterparties: who paid a subject and whom it paid, without following anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.resolve import Sayings, statements_of, with_names
from chainwatch.attribution.tags import Tags
from chainwatch.heuristics.poisoning import (
    PERHAPS_ASTRAY,
    PERHAPS_LURE,
    paid_look_alike,
    perhaps_lure,
    poisoning,
)
from chainwatch.heuristics.rule import VERDICT, Rule, apply
from chainwatch.ledger import features
from chainwatch.ledger.decimals import check_decimals
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.unread.effect import effect_told, effect_unread
from chainwatch.results.graph import Edges
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.roles import SUBJECT, Roles, parties_of
from chainwatch.results.sentence import Sum, sentence
from chainwatch.results.table import (
    Rows,
    behind,
)
from chainwatch.tracing.arguments import check
from chainwatch.tracing.asked import NO_TRIFLE, doubts_told, too_wide
from chainwatch.tracing.direct_tables import BY_COLUMNS, FAILED, KEY, LURES, OWN, PAYMENTS, WIDE
from chainwatch.tracing.subjects import Subjects, addresses_of
from chainwatch.tracing.walks.transfer_order import refuse_timeless
from chainwatch.units import counted, exact_sum, total


@dataclass(frozen=True, repr=False, eq=False)
class Counterparties(Result):
    """Payments in and out of subjects in one asset, and what was set apart from them.

    Attributes
    ----------
    frame : polars.DataFrame
        Payments, in ``PAYMENTS``.
    poisoning : polars.DataFrame
        Transfers that only look like payments, in ``LURES``.
    failed : polars.DataFrame
        Transfers that did not take effect, in ``FAILED``.
    own : polars.DataFrame
        Transfers of a subject to itself, in ``OWN``: they move nothing and stand in no total.
    trifle : int
        Up to this amount a transfer was taken for a lure of a look-alike; 0 where no size was
        given, so that none was judged.
    wide : polars.DataFrame
        Transfers of an amount wider than 38 digits, in ``WIDE``: they stand in no total.
    decimals_doubt : str
        That rows of the contract disagree on its decimals; empty where they do not.
    effect_doubt : str
        Of how many transfers, and how much, it is not known whether they took effect; they count.
    unsaid : int
        Transfers of which it was not read whether the sender signed them or gave authority.
    """

    frame: pl.DataFrame
    poisoning: pl.DataFrame
    failed: pl.DataFrame
    asset: Asset
    own: pl.DataFrame = field(default_factory=OWN.empty)
    trifle: int = 0
    unsaid: int = 0
    wide: pl.DataFrame = field(default_factory=WIDE.empty)
    decimals_doubt: str = ""
    effect_doubt: str = ""

    def edges(self) -> Sequence[Edges]:
        """Return every payment as an edge, from who pays to who is paid.

        One that is too wide to add up has no amount; it stands in ``amount_hex``.
        """
        return (
            Edges("payments", "subject", "counterparty", turned="direction"),
            Edges("wide", "sender", "receiver"),
        )

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "payments": PAYMENTS.rows(self.frame),
            "poisoning": LURES.rows(self.poisoning),
            "failed": FAILED.rows(self.failed),
            "own": OWN.rows(self.own),
            "wide": WIDE.rows(self.wide),
        }

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the payments added up, what only looks like one or went astray, what failed."""
        return (
            *payments_findings(self),
            poisoning_finding(self),
            *astray_findings(self),
            failed_finding(self),
            wide_finding(self),
        )

    def roles(self) -> Roles:
        """Return that those whose payments are listed are subjects."""
        listed = parties_of(self.frame, "subject", self.asset.chain)
        return Roles(spreading=dict.fromkeys(listed, SUBJECT))

    def by(self, *columns: str) -> pl.DataFrame:
        """Return payments, amount, first and last by columns, e.g. ``by("service")``.

        ``month`` may be named as well. Sums are exact.

        Raises
        ------
        ConservationError
            If a sum exceeds 38 digits.
        """
        rows = self.frame.with_columns(pl.col("time").dt.strftime("%Y-%m").alias("month"))
        return (
            rows.group_by(columns)
            .agg(
                pl.len().cast(pl.Int64).alias("payments"),
                exact_sum("amount"),
                pl.col("counterparty").n_unique().cast(pl.Int64).alias("counterparties"),
                pl.col("time").min().alias("first"),
                pl.col("time").max().alias("last"),
            )
            .sort(columns, nulls_last=True)
        )

    def total(self, direction: str) -> int:
        """Return the exact total of one direction (``in`` or ``out``), in base units."""
        return total(self.frame.filter(pl.col("direction") == direction)["amount"])

    def unasked(self) -> tuple[str, ...]:
        """Return what was not judged among lures, or could not be, a sentence each."""
        small = NO_TRIFLE if not self.trifle else ""
        one, many = "transfer it was", "transfers it was"
        told = (
            f"Of {counted(self.unsaid, one, many)} not read whether the sender signed it or gave"
            " authority: a contract can write down a transfer in anybody's name, and would look the"
            " same."
        )
        once = self.frame.unique(["txid", "counterparty", "subject", "amount", "doubt"])
        return tuple(
            filter(None, (small, *doubts_told(once["doubt"]), told if self.unsaid else ""))
        )

    def __repr__(self) -> str:
        return (
            f"Counterparties({counted(self.frame['subject'].n_unique(), 'subject', 'subjects')},"
            f" in {self.asset.shown(self.total('in'))}, out {self.asset.shown(self.total('out'))},"
            f" {counted(self.poisoning.height, 'poisoning attempt', 'poisoning attempts')} apart"
            f"{'' if self.trifle else ', trifles not judged'}"
            f"{f', {self.wide.height} too wide to add' if self.wide.height else ''})"
            f"{f' {self.effect_doubt}' if self.effect_doubt else ''}"
        )


@recorded
def counterparties(
    ledger: Ledger, subjects: Subjects, *, asset: Asset, tags: Tags | None = None,
    trifle: int = 0, head: int = 0, tail: int = 4,
) -> Counterparties:  # fmt: skip
    """List every payment in and out of subjects on an account chain, and who stands behind it.

    Parameters
    ----------
    ledger : Ledger
        The span to read.
    subjects : frame with ``chain`` and ``address``, or one or more addresses
        Whose payments to list.
    asset : Asset
        One asset, by contract: other tokens never mix in.
    tags : Tags, optional
        Names counterparties: of several tags the most confident that holds on the day.
    trifle : int
        Up to this amount a transfer from a look-alike address is set apart as poisoning.
    head, tail : int
        ``head``: first characters by which addresses look alike; ``tail``: last characters by
        which they do (`poisoning.look_alike`).

    Returns
    -------
    Counterparties
        Payments; set apart poisoning attempts, what failed or is too wide, and own transfers.

    Raises
    ------
    TraceError
        If no subject is on the asset's chain, or a span is looked at and times are unknown.

    Fails when
    ----------
    A counterparty is untagged: that it is nobody's service is not said by that. A subject's
    history was not read: then its payments with others whose history was read are all there is.
    A call that moves none of the coin is listed with the amount zero: it adds nothing to a sum.
    """
    check(ledger=ledger, asset=asset, tags=tags, trifle=trifle, head=head, tail=tail)
    who = list(addresses_of(subjects, asset))
    good, failed, wide = _parted(_rows_of(ledger, asset, who, trifle))
    lures, kept = _lures(good, poisoning(trifle, head, tail), tail)
    paid = _astray(kept, paid_look_alike(head, tail), tail)
    frame = _sides(paid, who, {} if tags is None else statements_of(tags.frame, asset.chain))
    return Counterparties(
        frame.cast(PAYMENTS.schema).sort(KEY),  # type: ignore[arg-type]  # polars types mix classes and instances
        lures.select(LURES.names),
        failed.select(FAILED.names),
        asset,
        _own(paid).sort("time", "txid", "subject"),
        trifle,
        good["signed"].null_count(),
        wide.select(WIDE.names).sort("time", "txid"),
        check_decimals(ledger, asset),
        effect_told(paid.filter(effect_unread() & _BETWEEN_TWO), asset),
    )


def _parted(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return the transfers that can be added up, those without effect, and those too wide."""
    effect, wide = pl.col("success").fill_null(True), pl.col("amount").is_null()
    return rows.filter(effect & ~wide), rows.filter(~effect), rows.filter(effect & wide)


_BETWEEN_TWO = pl.col("sender") != pl.col("receiver")


def _own(paid: pl.DataFrame) -> pl.DataFrame:
    """Return the transfers of a subject to itself."""
    own = paid.filter(~_BETWEEN_TWO).rename({"sender": "subject"})
    return own.select(OWN.names)


def _rows_of(ledger: Ledger, asset: Asset, who: list[bytes], trifle: int) -> pl.DataFrame:
    refuse_timeless(ledger, asset)
    theirs = pl.col("sender").is_in(who) | pl.col("receiver").is_in(who)
    return features.transfers(ledger, asset, trifle).filter(theirs).with_row_index("row")


def _lures(rows: pl.DataFrame, rule: Rule, tail: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what only looks like a payment, with the first rule that says so; and the others.

    Of these ``unsure`` says whether the order of transfers leaves it open.
    """
    judged = apply(rows, rule)
    leaves = [str(leaf) for leaf in rule.leaves()]
    why = pl.coalesce(pl.when(pl.col(leaf)).then(pl.lit(leaf)) for leaf in leaves)
    found = judged.filter(VERDICT).select(
        "row",
        "time",
        "txid",
        "sender",
        "receiver",
        "amount",
        pl.coalesce(f"from_like_{tail}", f"to_like_{tail}").alias("imitates"),
        "status",
        why.alias("why"),
    )
    kept = judged.with_columns(perhaps_lure(rule).alias("unsure"))
    return found, kept.join(found, on="row", how="anti")


def _astray(rows: pl.DataFrame, rule: Rule, tail: int) -> pl.DataFrame:
    """Name the earlier partner whom the receiver looks like, where the rule says so."""
    return apply(rows, rule).with_columns(
        pl.when(VERDICT).then(f"to_like_{tail}").alias("imitates"),
        pl.when("unsure").then(pl.lit(PERHAPS_LURE)).alias("lure"),
        pl.when(pl.col(VERDICT).is_null()).then(pl.lit(PERHAPS_ASTRAY)).alias("astray"),
    )


def _sides(rows: pl.DataFrame, who: list[bytes], names: Sayings) -> pl.DataFrame:
    """Return each payment as its subjects see it, with whom tags name on the other side."""
    both = (("sender", "receiver"), ("receiver", "sender"))
    sides = pl.concat(_side(rows, who, *pair) for pair in both)
    return with_names(sides, "counterparty", names).select(PAYMENTS.names)


def _side(rows: pl.DataFrame, who: list[bytes], me: str, other: str) -> pl.DataFrame:
    mine = rows.filter(pl.col(me).is_in(who) & (pl.col("sender") != pl.col("receiver")))
    return mine.select(
        pl.col(me).alias("subject"),
        pl.lit("out" if me == "sender" else "in").alias("direction"),
        pl.col(other).alias("counterparty"),
        pl.col(other).is_in(who).alias("other_subject"),
        "time",
        "txid",
        "amount",
        "status",
        (pl.col("imitates") if me == "sender" else pl.lit(None, pl.Binary)).alias("imitates"),
        _doubt(("lure", "astray") if me == "sender" else ("lure",)),
    )


def _doubt(columns: Sequence[str]) -> pl.Expr:
    told = pl.concat_str(columns, separator="; ", ignore_nulls=True)
    return pl.when(told != "").then(told).alias("doubt")


SHARED_SERVICE = (
    "A money changer or payment service has many customers: to have paid it, or to have been paid"
    " by it, says nothing of knowing any of the others."
)

POISONING_ATTEMPTS = replace(LURES, name="poisoning_attempts", key=())

WITHOUT_EFFECT = FAILED.pick(
    "time", "txid", "sender", "receiver", "amount", "amount_hex", "status", name="without_effect"
)


TOO_WIDE = WIDE.pick(
    "time", "txid", "sender", "receiver", "amount", "amount_hex", name="too_wide_to_add"
)


def payments_findings(direct: Counterparties) -> Iterator[Finding]:
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
        table = replace(BY_COLUMNS, name=name)
        first = name == "counterparties_by_direction_service"  # it is said once
        told = [explained, *([direct.effect_doubt] if first and direct.effect_doubt else [])]
        yield Finding(title, tuple(told), table.rows(rows), direct.asset, (SHARED_SERVICE,))


def _looking(rows: pl.DataFrame) -> str:
    one, many = "transfer only looks like a payment", "transfers only look like payments"
    return counted(rows.height, one, many)


def poisoning_finding(direct: Counterparties) -> Finding:
    """Return the transfers that only look like payments."""
    rows = direct.poisoning
    zero = rows.filter(pl.col("amount") == 0).height
    unsigned = rows.filter(pl.col("why").str.starts_with("unsigned")).height
    trifles = rows.height - zero - unsigned
    looking = f", and {counted(trifles, 'trifle', 'trifles')} from an address that looks like an"
    looking += " earlier partner of the receiver"
    judged = direct.trifle > 0
    return Finding(
        "Address poisoning attempts",
        (
            f"{_looking(rows)}:"
            f" {zero} of zero{looking if judged else ''}. Anybody can write them into anybody's"
            " history; no edge,"
            " total or figure here contains one. Each is judged alone, by the trade before it."
            " 'Imitates' names the partner whom one side looks like.",
            *direct.unasked(),
            *(
                [f"For {unsigned} more the sender gave no authority, whatever the amount."]
                if unsigned
                else []
            ),
        ),
        POISONING_ATTEMPTS.rows(rows.drop("amount")),
        direct.asset,
        headline=f"{_looking(rows)} (address poisoning) and"
        f" {'stands' if rows.height == 1 else 'stand'} in no total."
        + ("" if judged else " Trifles of look-alikes were not judged."),
    )


ASTRAY = PAYMENTS.pick(
    "time", "txid", "subject", "counterparty", "imitates", "amount", name="paid_to_look_alikes"
)


def astray_findings(direct: Counterparties) -> Iterator[Finding]:
    """Yield the payments to addresses that look like an earlier partner, if there are any."""
    rows = direct.frame.filter(pl.col("imitates").is_not_null()).select(ASTRAY.names)
    if not rows.height:
        return
    whom = frozenset(rows["counterparty"].drop_nulls())
    amount = Sum(total(rows["amount"]), direct.asset, whom)
    times = Sum(rows.height, behind=whom, noun=("payment", "payments"))
    went = sentence(times, ", ", amount, " in all, went to ")
    yield Finding(
        "Payments to look-alikes of earlier partners",
        (
            sentence(
                went,
                "an address that looks like one with which the payer had dealt before. They are"
                " payments: the value moved, and is counted and followed as any other. That is"
                " consistent with an address copied from a history that was poisoned.",
            ),
        ),
        ASTRAY.rows(rows),
        direct.asset,
        ("Two addresses can look alike by chance, or be two of one partner.",),
        sentence(went, "a look-alike of an earlier partner of the payer."),
    )


def failed_finding(direct: Counterparties) -> Finding:
    """Return the transfers without effect."""
    rows = direct.failed.select(WITHOUT_EFFECT.names)
    said = " is said to have" if rows.height == 1 else " are said to have"
    known = ("transfer failed and stands", "transfers failed and stand")
    unread = (f"transfer{said} failed and stands", f"transfers{said} failed and stand")
    failed = counted(rows.height, *(unread if direct.effect_doubt else known))
    doubt = direct.effect_doubt
    return Finding(
        "Transfers said to be without effect" if doubt else "Transfers without effect",
        (f"{failed} in no total.", *([doubt] if doubt else [])),
        WITHOUT_EFFECT.rows(rows),
        direct.asset,
        headline=doubt,
    )


def wide_finding(direct: Counterparties) -> Finding:
    """Return the transfers of an amount wider than 38 digits, which no column of sums holds."""
    rows = direct.wide.select(TOO_WIDE.names)
    told = too_wide(rows, direct.asset)
    return Finding(
        "Transfers too wide to add up",
        (told,) if told else (),
        TOO_WIDE.rows(rows),
        direct.asset,
        ("No token holds so much: the contract writes into anybody's history what it likes.",),
        told,
    )
