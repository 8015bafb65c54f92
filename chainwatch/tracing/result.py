"""The trace of value from subjects: its origins, every step, and every end with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import text, text_series
from chainwatch.errors import ConservationError, TraceError
from chainwatch.ledger.output_status import block_text, day_text
from chainwatch.results.deferred import Deferred
from chainwatch.results.frame_view import with_view
from chainwatch.results.graph import Edges
from chainwatch.results.mask import shown_sums
from chainwatch.results.result import Finding, Result, digest_rows
from chainwatch.results.roles import SUBJECT, Roles, parties_of
from chainwatch.results.sentence import Sum, joined, sentence
from chainwatch.results.table import Rows
from chainwatch.sanitize import visible
from chainwatch.tracing.asked import NOT_ASKED, Asked, astray, in_doubt, too_wide
from chainwatch.tracing.chosen import followed_parties
from chainwatch.tracing.custody.hosted import CUSTODY
from chainwatch.tracing.end_words import in_words
from chainwatch.tracing.ends.bounds import open_bounds
from chainwatch.tracing.ends.doubts import UNKNOWN_WAY, doubt_of
from chainwatch.tracing.ends.holders import with_behind
from chainwatch.tracing.policies import haircut
from chainwatch.tracing.stops import UNREAD, at_a_service
from chainwatch.tracing.trace_tables import (
    BALANCES,
    BOUNDS,
    ENDS,
    ENDS_BY_REASON,
    ORIGINS,
    OVERLAPS,
    STEPS,
    SUBJECTS,
    UNKNOWN,
)
from chainwatch.tracing.walks.base import OPENING
from chainwatch.units import counted, exact_sum, total

ENDED = ("reason", "service", "certainty", "basis", "detail")
"""What a graph says of the party at which value ends."""


@dataclass(frozen=True, repr=False, eq=False)
class Trace(Result):
    """Value followed from subjects under one policy; the ends add up to the origins exactly.

    Attributes
    ----------
    asset : Asset
        What was followed.
    policy : str
        Name of the policy.
    origins, steps, ends, overlaps : polars.DataFrame
        Tables in ``ORIGINS``, ``STEPS``, ``ENDS``, ``OVERLAPS``.
    bounds : polars.DataFrame
        ``reason, service, low, high``: the smallest and largest total of each kind of end under
        the orders tried of transfers that bear one time.
    ties : int
        Transfers whose order only their time could tell, and did not.
    orders : int
        Orders of these that were followed; 1 where it makes no difference.
    bounded : bool
        Whether these are all orders that make a difference. Otherwise totals outside ``bounds``
        are possible, and a low that equals its high is not certain.
    subjects, unknown, balances : polars.DataFrame
        Tables in ``SUBJECTS``, ``UNKNOWN`` and ``BALANCES``.
    asked : Asked
        What it was asked to stop at, counted.
    decimals_doubt : str
        That rows of the contract disagree on its decimals; empty where they do not.
    effect_doubt : str
        Of how many transfers near it, and how much, it is not known whether they took effect.
    conserves : bool
        Whether the policy conserves value: if not, amounts say how much was reached, subject by
        subject, and add up to nothing.
    direction : str
        ``forward`` or ``backward``. Steps are as money moved in both; backward their hops are
        counted from the subject, ``source_tx`` is where the coin comes from that is spent, and
        an end is where value came from.
    others : tuple of Trace
        The same, followed in other orders of these transfers, each that differs once. They are in
        no digest: the ledger says them.
    limits : tuple of str
        Which of ``max_hops``, ``max_age`` and ``min_amount`` it was given.
    unread : frozenset of bytes
        Addresses of subjects whose own history was not read, or not from its beginning: more may
        have come in. It is in no digest: the ledger says it.
    fetched : Fetched or None
        What was asked for on the way, with the ledger as of its last commit. It is in no digest:
        a trace of that ledger is the same.
    """

    trial = True

    asset: Asset
    policy: str
    origins: pl.DataFrame
    steps: pl.DataFrame
    ends: pl.DataFrame
    overlaps: pl.DataFrame
    bounds: pl.DataFrame = field(default_factory=pl.DataFrame)
    ties: int = 0
    orders: int = 1
    bounded: bool = True
    subjects: pl.DataFrame = field(default_factory=SUBJECTS.empty)
    unknown: pl.DataFrame = field(default_factory=UNKNOWN.empty)
    balances: pl.DataFrame = field(default_factory=BALANCES.empty)
    asked: Asked = NOT_ASKED
    decimals_doubt: str = ""
    effect_doubt: str = ""
    conserves: bool = True
    direction: str = "forward"
    limits: tuple[str, ...] = ()
    fetched: Result | None = None
    others: tuple[Trace, ...] = ()
    unread: frozenset[bytes] = frozenset()

    @property
    def frame(self) -> pl.DataFrame:
        """The steps."""
        return self.steps

    @property
    def amount(self) -> int:
        """Total of the origins, in base units."""
        return total(self.origins["amount"])

    def edges(self) -> Sequence[Edges]:
        """Return every movement, and where value comes in and ends: the sums of these two agree.

        Transfers too wide to add up are edges without an amount, which stands in ``amount_hex``.
        """
        return (
            Edges("origins", "kind", "address"),
            Edges("steps", "source", "target"),
            Edges("ends", "address", "reason", said=ENDED),
            Edges("unknown", "sender", "receiver"),
        )

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return self._tables(self.bounds_told())

    def _tables(self, told: Rows) -> Mapping[str, Rows]:
        return {
            "origins": ORIGINS.rows(self.origins),
            "steps": STEPS.rows(self.steps),
            "ends": ENDS.rows(self.ends),
            "overlaps": OVERLAPS.rows(self.overlaps),
            "bounds": told,
            "subjects": SUBJECTS.rows(self.subjects),
            "unknown": UNKNOWN.rows(self.unknown),
            "balances": BALANCES.rows(self.balances),
        }

    def table_digests(self) -> Mapping[str, Deferred[str]]:
        """Return the digest of each of its tables, computed when first read.

        Who stands behind a bound is looked up no earlier, of the rows as they are now.
        """
        now = replace(self, bounds=self.bounds.clone(), ends=self.ends.clone(),
                      steps=self.steps.clone())  # fmt: skip
        later = Deferred(lambda: digest_rows(now.bounds_told()).get())
        return {
            name: later if name == "bounds" else digest_rows(rows)
            for name, rows in self._tables(BOUNDS.rows(self.bounds)).items()
        }

    def bounds_told(self) -> Rows:
        """Return the bounds with who stands behind each, as editions ask for it."""
        if self.bounds.is_empty():
            return BOUNDS.rows(self.bounds)
        kinds = ("reason", "service")
        return BOUNDS.rows(with_behind(self.bounds, self.ends, self.steps, kinds))

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return where the value ends, by reason and service."""
        return (ends_finding(self),)

    def followed(self) -> pl.DataFrame:
        """Return those whom it follows: ``chain, address``."""
        found = self.subjects.select(
            pl.lit(self.asset.chain).alias("chain"), pl.col("subject").alias("address")
        )
        return found.unique().sort("chain", "address")

    def roles(self) -> Roles:
        """Return that those followed are subjects, and where value ends a service."""
        chain = self.asset.chain
        whose, single = followed_parties(self.origins, self.subjects, chain)
        return Roles(
            spreading=dict.fromkeys(whose, SUBJECT),
            single=dict.fromkeys(single, SUBJECT),
            alone=parties_of(self.ends.filter(at_a_service()), chain=chain),
            on_the_way=parties_of(self.steps, "source", chain),
            spread_unstated=self.asked.spread_unstated,
        )

    def summary(self) -> pl.DataFrame:
        """Return amount and number of ends by reason, service, certainty and basis."""
        kinds = ["reason", "service", "certainty", "basis"]
        return (
            self.ends.group_by(kinds)
            .agg(exact_sum("amount"), pl.len().cast(pl.Int64).alias("ends"))
            .sort(["amount", *kinds], descending=[True, False, False, False, False])
        )

    def to(self, service: str) -> pl.DataFrame:
        """Return the ends at one service, with addresses as text."""
        rows = self.ends.filter(pl.col("service") == service)
        return rows.with_columns(text_series(rows["address"], self.asset.chain).alias("address"))

    def lacking(self) -> str:
        """Return in a sentence whose own history was not read; nothing where all were."""
        if not self.unread:
            return ""
        every = self.subjects["address"].n_unique()
        return (
            f"Of {len(self.unread)} of {counted(every, 'address', 'addresses')} of the subjects the"
            " history was not read, or not from its beginning: more may have come in."
        )

    def order_open(self) -> str:
        """Return in a sentence that the order of transfers is open; nothing where it is not."""
        if self.bounded and not self.others:
            return ""
        tried = f"{counted(self.orders, 'order', 'orders')} of them"
        if self.bounded:
            return f"Transfers bear one time, and their order is not known: {tried} can be."
        return (
            f"Transfers bear one time, and their order is not known: {tried} were followed, and"
            " others may give other amounts."
        )

    def unspent_as_of(self) -> str:
        """Return in words as of when its value is unspent, the earliest and the latest.

        Of coins that is a block, of balances the day up to which the address was read.
        """
        coins = self.ends.drop_nulls("as_of").sort("as_of").select("as_of", "as_of_time")
        days = self.ends["as_of_time"].drop_nulls().sort().to_list()
        told = [block_text(*row) for row in coins.iter_rows()] or [day_text(day) for day in days]
        if not told:
            return ""
        first, last = told[0], told[-1]
        return f" as of {first}" if first == last else f" as of {first} or later, up to {last}"

    def open_bounds(self) -> pl.DataFrame:
        """Return the least and the most each kind of end can have once all branches are read.

        See :func:`chainwatch.tracing.ends.bounds.open_bounds`.

        Returns
        -------
        polars.DataFrame
            ``reason, service, low, high``, in base units; ``high`` is null where the history of a
            subject was not read: more may have come in, and nobody can say how much.

        Raises
        ------
        TraceError
            If the policy does not conserve value: reach has no upper bound. If something was not
            read and there is a limit of hops or age, or of the amount under the haircut.
        """
        if not self.conserves:
            raise TraceError(
                f"what {self.policy} reaches has no upper bound", remedy="follow by another policy"
            )
        rounds = self.policy == haircut.name
        found = open_bounds(self.ends, self.steps.height if rounds else 0, self.limits)
        without = pl.lit(None, found.schema["high"]).alias("high")
        return found.with_columns(without) if self.unread else found

    def check(self) -> None:
        """Raise unless ends add up to origins, subject by subject, and balances are even.

        Raises
        ------
        ConservationError
            If value was lost or made: a defect, never to be passed over.
        """
        came, went = _by_subject(self.origins), _by_subject(self.ends)
        for subject in sorted({*came, *went}) if self.conserves else ():
            if came.get(subject, 0) != went.get(subject, 0):
                raise ConservationError(
                    f"the ends of a {self.policy} trace add up to {went.get(subject, 0)}, its"
                    f" origins to {came.get(subject, 0)}",
                    where=f"subject {text(subject, self.asset.chain)}",
                    remedy="report it: no figure of this trace may be used",
                )
        columns = ("address", "before", "received", "trifles", "paid", "bait", "held")
        for address, *sums in self.balances.select(columns).iter_rows():
            came_in, gone = (sum(map(int, part)) for part in (sums[:3], sums[3:]))
            if came_in != gone:
                raise ConservationError(
                    f"{came_in} came into the balance, {gone} were paid or are held",
                    where=f"address {text(address, self.asset.chain)}",
                    remedy="report it: no figure of this trace may be used",
                )

    def __repr__(self) -> str:
        return self.told(self)

    def _repr_html_(self) -> str:
        return with_view(self)

    def told(self, within: Result) -> str:
        """Return it as it prints itself within a result, which says who may be shown.

        What ended for a reason is rounded where few masked parties stand behind it, as in the table
        of a report; what came in is the subjects', and exact.
        """
        ends = ends_by_reason(self)
        sums = [
            Sum(int(amount), self.asset, row=n) for n, amount in enumerate(ends.frame["amount"])
        ]
        rows = [
            f"  {told:>24}  {row['reason']}"
            + (f": {row['service']} ({row['certainty']}, {row['basis']})" if row["service"] else "")
            + (f" ({row['basis']})" if row["basis"] and row["reason"] in UNREAD else "")
            + (" (unknown)" if row["certainty"] == UNKNOWN_WAY and not row["service"] else "")
            for told, row in zip(
                shown_sums(within, sums, ends), ends.frame.iter_rows(named=True), strict=True
            )
        ]
        return visible("\n".join([*self._head(), *rows, *self._notes()]), keep="\n")

    def _head(self) -> Sequence[str]:
        whose = self.origins["subject"].n_unique()
        return (
            f"Trace({self.policy}, {self.asset.shown(self.amount)} from"
            f" {counted(whose, 'subject', 'subjects')},"
            f" {counted(self.steps.height, 'step', 'steps')})",
        )

    def _notes(self) -> Sequence[str]:
        """Return below the sums what is not known, and how far they may be believed."""
        idle = _idle(self)
        silent = counted(idle, "subject", "subjects")
        notes = [] if self.conserves else [f"  {REACHES}"]
        notes += [f"  {silent} received nothing that was read"] if idle else []
        notes += [f"  {self.lacking()}"] if self.unread else []
        notes += [f"  {self.asked.unsaid()}"] if self.asked.unsaid() else []
        if self.unknown.height:
            notes.append(f"  {too_wide(self.unknown, self.asset)}")
        if not self.bounded:
            notes.append(f"  not bounded: {self.ties} ties, {self.orders} orders tried")
        notes += [f"  {one}" for one in (self.decimals_doubt, self.effect_doubt) if one]
        if doubt := doubt_of(self.asset, self.ends):
            notes.append(f"  {doubt}")
        return [*notes, f"  {self.fetched!r}"] if self.fetched else notes


def _by_subject(rows: pl.DataFrame) -> dict[bytes, int]:
    sums: dict[bytes, int] = {}
    for subject, amount in rows.select("subject", "amount").iter_rows():
        sums[subject] = sums.get(subject, 0) + int(amount)
    return sums


NOTHING_CAME = "Nothing was read to come in."

REACHES = (
    "What it touched counts in full: amounts say how much was reached, do not add up to what came"
    " in, and are nobody's share."
)
"""Said of a policy that does not conserve value."""


def ends_by_reason(followed: Trace) -> Rows:
    """Return amount and number of ends by reason and service, with who stands behind each."""
    kinds = ("reason", "service", "certainty", "basis")
    rows = with_behind(followed.summary(), followed.ends, followed.steps, kinds)
    return ENDS_BY_REASON.rows(rows.select(ENDS_BY_REASON.names))


def ends_finding(followed: Trace) -> Finding:
    """Return where the value of a trace ends, by reason and service."""
    ends = ends_by_reason(followed)
    shown, policy = followed.asset.shown, followed.policy.upper()
    back = followed.direction == "backward"
    came = f"{_came(followed)}. Followed {'backward ' if back else ''}by {policy}"
    trifles = total(followed.balances["trifles"])
    even = f"{came}, the ends add up to it exactly." if followed.conserves else f"{came}. {REACHES}"
    text: list[str] = [" ".join([even, *followed.asked.said()])]
    if trifles:
        text.append(
            f"Trifles of address poisoning, {shown(trifles)} in all, lie in the balances too. They"
            " are nobody's value and are not followed."
        )
    if doubt := doubt_of(followed.asset, followed.ends):
        text.append(doubt)
    wide = too_wide(followed.unknown, followed.asset)
    order = followed.order_open()  # amounts hang on the order of transfers
    hangs = f"{order} The amounts are those of one order." if order else ""
    open_ = (followed.lacking(), hangs, wide, followed.effect_doubt)
    text += [part for part in (wide, followed.decimals_doubt, followed.effect_doubt) if part]
    as_of, balances = followed.unspent_as_of(), not followed.balances.is_empty()
    phrases = [
        in_words(row, followed.asset, as_of, balances=balances, back=back, place=n)
        for n, row in enumerate(ends.frame.iter_rows(named=True))
    ]
    claim = "it is consistent with" if followed.conserves else "it reached, in full amounts"
    said = sentence(f"{came}, {claim}: ", joined("; ", phrases), ".")
    nothing = "Nothing that can be added up was read to come in." if wide else NOTHING_CAME
    headline = said if phrases else sentence(nothing)
    text += [*astray(followed.steps, followed.asset), *in_doubt(followed.origins, followed.steps)]
    return Finding(
        "Where the value comes from" if back else "Where the value ends",
        tuple(text),
        ends,
        followed.asset,
        (CUSTODY, "A branch may end at an address of the subject's own that nothing joins to it."),
        sentence(headline, _silent(followed), *(f" {one}" for one in open_ if one)),
    )


def _came(followed: Trace) -> str:
    """Return in words what came in, and apart from it what was never read to come in."""
    shown, of = followed.asset.shown, followed.origins
    unread = total(of.filter(pl.col("kind") == OPENING)["amount"])
    if not unread:
        return f"{shown(followed.amount)} came in from outside"
    held = ", or held," if followed.direction == "backward" else ""
    there = f"{shown(unread)} was paid{held} of what was not read to come in"
    rest = followed.amount - unread
    return f"{shown(rest)} came in from outside, and {there}" if rest else there


def _idle(followed: Trace) -> int:
    """Return of how many subjects nothing was read to come in, not even what is too wide to add."""
    paid = followed.subjects.filter(
        pl.col("address").is_in(followed.unknown["receiver"].unique().implode())
    )
    came = {*followed.origins["subject"], *paid["subject"]}
    return len({*followed.subjects["subject"]} - came)


def _silent(followed: Trace) -> str:
    """Return a sentence on the subjects that received nothing that was read."""
    whose, idle = followed.subjects["subject"].n_unique(), _idle(followed)
    return f" Of {idle} of {whose} subjects nothing was read to come in." if idle else ""
