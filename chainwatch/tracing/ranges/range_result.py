"""The traces of the same subjects under every policy: what each says, and what all have in common.

A range across methods is no confidence interval. Policies are ways of computing that people chose;
nobody drew them at random, none is more probable than another, and the truth may lie outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.errors import ConservationError
from chainwatch.results.deferred import Deferred
from chainwatch.results.mask import shown_sums
from chainwatch.results.plotted import Plotted
from chainwatch.results.result import Finding, Result, digest_rows
from chainwatch.results.roles import Roles
from chainwatch.results.sentence import Sentence, Sum, joined, sentence
from chainwatch.results.table import BEHIND, SERVICE, TXID, Column, N, Privacy, Rows, Table
from chainwatch.results.text_frame import text_frame
from chainwatch.tracing.custody.hosted import CUSTODY
from chainwatch.tracing.ends.doubts import doubt_of
from chainwatch.tracing.policies import POLICIES
from chainwatch.tracing.result import REACHES, Trace
from chainwatch.tracing.trace_tables import ENDS
from chainwatch.units import AMOUNT, counted, exact_sum, total

COMMON = "every one"
"""Stands in the place of a policy for what all that conserve value and follow it have in common."""

NO_INTERVAL = (
    "A range across methods is no confidence interval: nobody drew the methods at random, none is"
    " more probable than another, and the truth may lie outside."
)
"""Said wherever a low and a high are."""

KIND = ("reason", "service")
PLACE = (*KIND, "address", "txid", "n")
"""What tells destinations apart: an address, or the place of what has none, such as a fee."""

POLICY = Column("policy", pl.String, Privacy.SIDE, "the policy under which it ends there")

DESTINATIONS = Table(
    "policies_by_destination",
    ("policy", *PLACE),
    "The amount at each destination under each policy, where there is any. Under poison it is how"
    " much was reached, and nobody's share.",
    (
        POLICY,
        ENDS["reason"],
        SERVICE,
        Column.party("address", "where it lies; null where the place has no address"),
        Column("txid", pl.Binary, Privacy.TXID, TXID.meaning, nullable=True),
        Column("n", pl.Int64, Privacy.PLACE, N.meaning, nullable=True),
        ENDS["amount"],
        BEHIND,
    ),
)

BY_KIND = Table(
    "policies_by_kind",
    (),
    "The amount at each kind of end under each policy; *every one* is the least at each destination"
    " under the policies that conserve value and follow it, added up. A range across methods is no"
    " confidence interval.",
    (
        ENDS["reason"],
        SERVICE,
        Column("policy", pl.String, Privacy.SIDE, "the policy, or *every one*"),
        ENDS["amount"],
        BEHIND,
    ),
    order=("reason", "service", "-amount"),
    alike=KIND,
)


@dataclass(frozen=True, repr=False, eq=False)
class TraceRange(Plotted, Result):
    """Value followed from the same subjects under every policy that has a meaning there.

    The lowest and highest of an amount are taken among the policies that conserve value and follow
    it. That is a range across methods and no confidence interval. Poison stands apart as reach;
    lowest intermediate balance too, for it follows nothing.

    Attributes
    ----------
    asset : Asset
        What was followed.
    traces : mapping of str to Trace
        The trace under each policy, by its name.
    destinations : polars.DataFrame
        Rows in ``DESTINATIONS``: one per policy and destination.
    kinds : polars.DataFrame
        Rows in ``BY_KIND``: one per kind of end and policy, and one for what all have in common.
    direction : str
        ``forward`` or ``backward``.
    every : polars.DataFrame
        Rows in ``DESTINATIONS`` under each compared policy in every order that was followed of
        transfers that bear one time, where that changes anything; else none. Lowest, highest and
        what all have in common are taken over these; the amount under a policy is that of its first
        order.
    fetched : Fetched or None
        What was asked for before all of them were followed, on the ledger as of its last commit.
    """

    trial = True

    asset: Asset
    traces: Mapping[str, Trace]
    destinations: pl.DataFrame
    kinds: pl.DataFrame
    direction: str = field(default="forward", kw_only=True)
    fetched: Result | None = field(default=None, kw_only=True)
    every: pl.DataFrame = field(default_factory=DESTINATIONS.empty, kw_only=True)

    @property
    def frame(self) -> pl.DataFrame:
        """One row per destination: an amount under each policy, ``low``, ``high``."""
        return text_frame(self._wide(self.destinations, PLACE), self.asset.chain)

    def summary(self) -> pl.DataFrame:
        """Return one row per kind of end: the amount under each policy, ``low, high, in_all``.

        ``in_all`` may be less than ``low``: policies may agree on how much reached a service, and
        not on at which of its addresses.
        """
        common = self.kinds.filter(policy=COMMON).select(*KIND, pl.col("amount").alias("in_all"))
        wide = self._wide(self.kinds.filter(pl.col("policy") != COMMON), KIND)
        return wide.join(common, on=KIND, how="left", nulls_equal=True, maintain_order="left")

    @property
    def compared(self) -> tuple[str, ...]:
        """The policies among which lowest and highest are taken: they conserve value and follow."""
        fit = {one.name for one in POLICIES if one.conserves and one.follows}
        return tuple(name for name in self.traces if name in fit)

    @property
    def in_all(self) -> int:
        """What lies at the same destinations under each of these, at least, in base units."""
        return total(self.kinds.filter(policy=COMMON)["amount"])

    @property
    def came_in(self) -> dict[str, int]:
        """Total of the origins under each policy, in base units."""
        return {name: one.amount for name, one in self.traces.items()}

    def _wide(self, rows: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
        """Return rows of one policy each side by side; zero where a policy has nothing there."""
        wide = pl.concat([rows.select(key), self.every.select(key)]).unique()
        for name in self.traces:
            of = rows.filter(policy=name).select(*key, pl.col("amount").alias(name))
            wide = wide.join(of, on=list(key), how="left", nulls_equal=True)
        among = list(self.compared)
        told = wide.with_columns(pl.col(*self.traces).fill_null(0)).with_columns(
            pl.min_horizontal(among).alias("low"), pl.max_horizontal(among).alias("high")
        )
        if self.every.height:
            told = told.drop("low", "high").join(
                self._over_orders(key), on=list(key), how="left", nulls_equal=True
            )
            told = told.with_columns(pl.col("low", "high").fill_null(0))
        down = [True, True, *[False] * len(key)]
        return told.sort("high", "low", *key, descending=down, nulls_last=True)

    def _over_orders(self, key: Sequence[str]) -> pl.DataFrame:
        """Return the lowest and highest under the compared policies in every order."""
        ways, amount = sum(1 + len(self.traces[name].others) for name in self.compared), "amount"
        sums = self.every.group_by("policy", *key).agg(exact_sum(amount)).group_by(key)
        nothing = pl.lit(0, AMOUNT)
        return sums.agg(
            pl.when(pl.len() == ways).then(pl.col(amount).min()).otherwise(nothing).alias("low"),
            pl.col(amount).max().alias("high"),
        )

    def order_open(self) -> str:
        """Return in a sentence that the order of transfers is open; nothing where it is not."""
        among = [self.traces[name] for name in self.compared]
        if all(one.bounded and not one.others for one in among):
            return ""
        said = (
            "Transfers bear one time, and their order is not known: ranges and what all have in"
            " common are over the orders that were followed"
        )
        rest = "" if all(one.bounded for one in among) else ", which are not all there can be"
        return f"{said}{rest}; the amount under one policy is that of one order."

    def tables(self) -> Mapping[str, Rows]:
        """Return its own tables; those of the traces are in its digest as well."""
        return {
            BY_KIND.name: BY_KIND.rows(self.kinds),
            DESTINATIONS.name: DESTINATIONS.rows(self.destinations),
        }

    def table_digests(self) -> Mapping[str, Deferred[str]]:
        """Return the digests of its tables and of those of every trace."""
        own = {name: digest_rows(rows) for name, rows in self.tables().items()}
        for policy, one in self.traces.items():
            own |= {f"{policy}: {name}": kept for name, kept in one.table_digests().items()}
        return own

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the range of each kind of end."""
        return (range_finding(self),)

    def followed(self) -> pl.DataFrame:
        """Return those whom it follows: ``chain, address``."""
        return next(iter(self.traces.values())).followed()

    def roles(self) -> Roles:
        """Return what its traces say of who may be shown."""
        said = [one.roles() for one in self.traces.values()]
        return Roles(
            spreading={party: role for one in said for party, role in one.spreading.items()},
            alone=frozenset().union(*(one.alone for one in said)),
            on_the_way=frozenset().union(*(one.on_the_way for one in said)),
            spread_unstated=any(one.spread_unstated for one in said),
        )

    def against(self) -> Sequence[str]:
        """Return at which services less arrives under one policy than under another."""
        found: list[str] = []
        for row in self.summary().iter_rows(named=True):
            if row["service"] and row["low"] < row["high"]:
                least = [name for name in self.compared if row[name] == row["low"]]
                under = ", ".join(least) or "another order of transfers"
                found.append(f"less arrives at {row['service']} under {under} than under others.")
        return found

    def check(self) -> None:
        """Raise unless every trace is even, and its destinations add up to what came in.

        Raises
        ------
        ConservationError
            If value was lost or made: a defect, never to be passed over.
        """
        for name, one in self.traces.items():
            one.check()
            at = total(self.destinations.filter(policy=name)["amount"])
            if one.conserves and at != one.amount:
                raise ConservationError(
                    f"the destinations under {name} add up to {at}, what came in to {one.amount}",
                    where="a comparison of policies",
                    remedy="report it: no figure of this comparison may be used",
                )

    def __repr__(self) -> str:
        kinds = [row for row in self.summary().iter_rows(named=True) if row["high"]]
        sums = [one for row in kinds for one in _sums_of(self, row)]
        told = iter(shown_sums(self, sums, BY_KIND.rows(self.kinds)))
        rows = [
            f"  {_span(next(told), next(told)):>32}  {kind_in_words(row)}"
            f" ({next(told)} under every one)"
            for row in kinds
        ]
        head = f"TraceRange({', '.join(self.compared)}: {came_in_words(self)})"
        apart = [f"  {name} stands apart" for name in self.traces if name not in self.compared]
        apart += [f"  {self.order_open()}"] if self.order_open() else []
        asked = [f"  {self.fetched!r}"] if self.fetched else []
        note = [f"  {UNDER_EVERY}"] if rows else []
        return "\n".join([head, *rows, *note, *apart, f"  {NO_INTERVAL}", *asked])


UNDER_EVERY = (
    "In brackets: what every policy follows to the same address, which is less than the lowest"
    " amount where policies agree on the service or the reason and not on the address."
)


def _span(low: str, high: str) -> str:
    return high if low == high else f"{low} to {high}"


def _sums_of(found: TraceRange, row: Mapping[str, Any]) -> Iterator[Sum]:
    """Yield the lowest, the highest and the common amount of a kind of end.

    They are rounded where the rows of the kind are; over several orders of transfers where few
    masked parties stand behind all that ends so in any of them.
    """
    kind = (row["reason"], row["service"])
    by_policy = _numbered(found)[kind]
    place = None if found.every.height else by_policy[COMMON][0]
    behind = _behind_kind(found, row) if found.every.height else frozenset[bytes]()
    for name in ("low", "high", "in_all"):
        yield Sum(int(row[name]), found.asset, behind, place)


def _behind_kind(found: TraceRange, row: Mapping[str, Any]) -> frozenset[bytes]:
    """Return who stands behind a kind of end in any order of transfers."""
    ends = found.every.filter(*(pl.col(name).eq_missing(pl.lit(row[name])) for name in KIND))
    return frozenset(
        {*ends["address"].drop_nulls()}
        | {bytes.fromhex(one) for among in ends["behind"] for one in among.split(",") if one}
    )


def kind_in_words(row: Mapping[str, Any]) -> str:
    """Return a kind of end: the service with what it is, or the reason."""
    return f"{row['service']} ({row['reason']})" if row["service"] else str(row["reason"])


def came_in_words(found: TraceRange) -> str:
    """Return in words what came in, under each policy where they differ.

    They differ where traced value comes back to a subject: it is the subject's already under one
    policy and comes in from outside under another.
    """
    shown, came = found.asset.shown, [found.came_in[name] for name in found.compared]
    low, high = min(came), max(came)
    if low == high:
        return f"{shown(low)} came in"
    return f"{shown(low)} to {shown(high)} came in, for some of it comes back to the subjects"


def range_finding(found: TraceRange) -> Finding:
    """Return what every policy says of where the value ends, and what all have in common."""
    policies = ", ".join(found.compared)
    came = came_in_words(found)
    text: list[str] = [
        f"{came[0].upper()}{came[1:]}. It was followed under each of"
        f" {counted(len(found.compared), 'policy', 'policies')} that conserve value and follow it"
        f" ({policies}). {NO_INTERVAL}",
        sentence("Across these methods, which is no confidence interval: ",
                 joined("; ", _ranges(found)) if found.kinds.height else "nothing ends", "."),
        sentence("At the same places under every one of them lie at least ", _common(found), ";"
                 " that they agree is no proof, and no confidence interval either."),
        *_apart(found),
        *_caveats(found),
    ]  # fmt: skip
    headline = sentence(
        "Whichever of these methods is chosen (", policies, "), at least ", _common(found),
        " end at the same places; the range across methods is no confidence interval.",
        f" {found.order_open()}" if found.order_open() else "",
    )  # fmt: skip
    return Finding(
        "What depends on the method",
        tuple(text),
        BY_KIND.rows(found.kinds),
        found.asset,
        (CUSTODY, "Somebody who keeps apart what he holds pays by none of these methods."),
        headline,
    )


def _numbered(found: TraceRange) -> dict[tuple[str, str | None], dict[str, tuple[int, int]]]:
    """Return for each kind and policy the number of its row in the finding, and the amount."""
    kinds: dict[tuple[str, str | None], dict[str, tuple[int, int]]] = {}
    columns = (*KIND, "policy", "amount")
    for place, (reason, service, policy, amount) in enumerate(
        found.kinds.select(columns).iter_rows()
    ):
        kinds.setdefault((reason, service), {})[policy] = (place, int(amount))
    return kinds


def _ranges(found: TraceRange) -> Iterator[Sentence]:
    """Yield the range of each kind; what its row rounds is rounded in words too."""

    def told(place: int, amount: int) -> Sum:
        return Sum(amount, found.asset, row=place if amount else None)

    if found.every.height:
        yield from _over_orders(found)
        return
    for (reason, service), by_policy in _numbered(found).items():
        rows = [(by_policy[name], name) for name in found.compared]
        low, high = (pick(amount for (_, amount), _ in rows) for pick in (min, max))
        if not high:
            continue
        what = kind_in_words({"reason": reason, "service": service})
        ends: list[str | Sum] = []
        for amount in (low, high):
            under = [(place, name) for (place, one), name in rows if one == amount]
            ends += [told(under[0][0], amount), f" ({', '.join(name for _, name in under)})"]
        if low == high:
            yield sentence(ends[0], f" {what} under each")
        else:
            yield sentence(*ends[:2], " to ", *ends[2:], f" {what}")


def _over_orders(found: TraceRange) -> Iterator[Sentence]:
    """Yield the range of each kind over the methods and the orders of transfers."""
    for row in found.summary().iter_rows(named=True):
        behind = _behind_kind(found, row)
        low, high = (Sum(int(row[name]), found.asset, behind) for name in ("low", "high"))
        span: list[str | Sum] = [high] if low.number == high.number else [low, " to ", high]
        if high.number:
            yield sentence(*span, f" {kind_in_words(row)}")


def _common(found: TraceRange) -> Sum:
    rows = found.kinds.filter(policy=COMMON)
    behind = frozenset(
        bytes.fromhex(one) for among in rows["behind"] for one in among.split(",") if one
    )
    return Sum(found.in_all, found.asset, behind)


def _apart(found: TraceRange) -> Iterator[str]:
    """Yield a sentence on each policy that is no part of the range."""
    for name, one in found.traces.items():
        if not one.conserves:
            yield f"{name} stands apart: it tells reach, not value. {REACHES}"
        elif name not in found.compared:
            yield (
                f"{name} stands apart: it says what is still where it came in, and does not follow"
                " what was paid away."
            )


def _caveats(found: TraceRange) -> Iterator[str]:
    if told := found.order_open():
        yield told
    first = found.traces[found.compared[0]]
    if doubt := doubt_of(found.asset, first.ends):
        yield f"Under {first.policy}: {doubt}"
