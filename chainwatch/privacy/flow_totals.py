"""Sums of flows as an edition may say them: added up exactly first, and rounded once, afterwards.

A sum of rounded amounts contradicts the table beside it. An exact sum may give a masked party
away: less the flows that are shown exactly, it is what the masked ones moved. So a sum with a
masked party behind it is exact only where the case publishes that very sum anyway, and otherwise
rounded: to one digit as the flow of a single party is, to two where enough parties share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from chainwatch.privacy.edition import FEWEST, POOLED, Edition, coarse
from chainwatch.privacy.flows import Movement, Names, Owners, Tagged, movements
from chainwatch.privacy.mask_rows import hidden_rows
from chainwatch.privacy.redact_text import TextMask
from chainwatch.tracing.result import Trace, ends_finding
from chainwatch.tracing.stops import UNREAD
from chainwatch.units import AMOUNT

Pair = tuple[str, str]
"""Source and target of a flow."""


@dataclass(frozen=True)
class Totals:
    """Exact sums behind the flows of an edition; only what `of` returns may be shown.

    Attributes
    ----------
    amounts : mapping
        Exact amount of each pair.
    masked : mapping
        The masked parties behind each pair.
    published : set of int
        Sums that the tables of this edition give to the last unit.
    rounded : set of int
        Sums that its tables give to one digit: the figure then says the same.
    entering : int
        What came in from outside, published as well.
    order : mapping of str to int
        The place of everybody who is shown in the disclosure edition, the same in each edition:
        figures number by it.
    rest : mapping of str to str
        Where what is left of a folded peel chain arrives, by the node of the chain; empty where
        none of it does.
    not_read : frozenset of str
        Nodes at which value ends because what they did with it was not read.
    """

    amounts: Mapping[Pair, int]
    masked: Mapping[Pair, frozenset[bytes]]
    published: frozenset[int]
    entering: int
    rounded: frozenset[int] = frozenset()
    order: Mapping[str, int] = field(default_factory=dict)
    rest: Mapping[str, str] = field(default_factory=dict)
    not_read: frozenset[str] = frozenset()

    def of(self, pairs: Iterable[Pair], node: str = "") -> tuple[int, bool]:
        """Return the sum of flows and whether it is rounded.

        Where all are of one node, name it: what is published of a node that is shown is said
        exactly, of a masked one nothing is.
        """
        listed = sorted(set(pairs))
        amount = sum(self.amounts.get(pair, 0) for pair in listed)
        behind = frozenset[bytes]().union(*(self.masked.get(pair, ()) for pair in listed))
        masked = any(side.startswith(POOLED) for pair in listed for side in pair)
        open_ = bool(node) and not node.startswith(POOLED)
        if (open_ and amount in self.published) or not (behind or masked):
            return amount, False
        finer = len(behind) >= FEWEST and amount not in self.rounded
        return (two_digits(amount) if finer else coarse(amount)), True


def as_summed(flows: pl.DataFrame, sums: Totals) -> pl.DataFrame:
    """Return flows whose rounded amounts are said as the sums of a figure say them.

    What alone reaches a node is what the node got: two roundings of it would be two amounts.

    Parameters
    ----------
    flows : polars.DataFrame
        See `chainwatch.privacy.flows.FLOW_SCHEMA`.
    sums : Totals
        What the flows add up to.
    """
    rows = flows.select("source", "target", "amount", "coarse").iter_rows()
    said = [
        sums.of([(source, target)])[0] if coarse_ else int(amount)
        for source, target, amount, coarse_ in rows
    ]
    return flows.with_columns(pl.Series("amount", said, AMOUNT))


def two_digits(amount: int) -> int:
    """Return an amount to two significant digits, halves up."""
    size: int = 10 ** max(0, len(str(amount)) - 2)
    return (amount + size // 2) // size * size


def totals(
    trace: Trace, edition: Edition, clusters: Owners | None = None, tags: Tagged | None = None
) -> Totals:
    """Add up a trace between entities for the sums of a figure.

    Parameters
    ----------
    trace, edition, clusters, tags
        As `chainwatch.privacy.flows.flows` takes them.
    """
    names, rows = movements(trace, edition, clusters, tags)
    said = TextMask(edition)
    amounts: dict[Pair, int] = {}
    masked: dict[Pair, frozenset[bytes]] = {}
    chain = trace.asset.chain
    for row in rows:
        if row.source == row.target:
            continue
        pair = (said.text(row.source), said.text(row.target))
        whole = {names.whole(item) for item in row.parties if item not in names.subject_of}
        hidden = frozenset(item for item in whole if edition.masks(chain, item))
        amounts[pair] = amounts.get(pair, 0) + int(row.amount)
        masked[pair] = masked.get(pair, frozenset()) | hidden
    exact, rounded = published(trace, edition)
    shown = sorted(names.shown, key=lambda name: (names.shown[name], name))
    order = {said.text(name): place for place, name in enumerate(shown)}
    return Totals(
        amounts, masked, exact, trace.amount, rounded - exact, order,
        {said.text(chain): said.text(to) for chain, to in _arrives(names, rows).items()},
        frozenset(said.text(node) for node, why in names.lone.items() if why in UNREAD),
    )  # fmt: skip


def _arrives(names: Names, rows: Sequence[Movement]) -> dict[str, str]:
    """Return for each folded peel chain who is paid what is left: rows begin with the steps."""
    runs = names.runs.runs.values() if names.runs else ()
    return {
        rows[run.step].source: "" if run.rest is None else rows[run.rest].target for run in runs
    }


def published(trace: Trace, edition: Edition) -> tuple[frozenset[int], frozenset[int]]:
    """Return the sums that a report gives exactly, and those that it rounds.

    What came in and balances are given exactly, ends by kind as the edition shows them.
    """
    exact, coarse_ = {trace.amount, *edition.published}, set[int](edition.rounded)
    for column in ("received", "paid", "held"):
        exact |= set(map(int, trace.balances[column]))
    by_reason = ends_finding(trace).rows
    for rows, columns in ((by_reason, ("amount",)), (trace.bounds_told(), ("low", "high"))):
        if rows is None or rows.frame.is_empty():
            continue
        hidden = hidden_rows(rows, [trace.asset.chain] * rows.frame.height, edition)
        for row, one in zip(rows.frame.iter_rows(named=True), hidden, strict=True):
            into = coarse_ if one.transaction else exact
            into |= {int(row[name]) for name in columns}
    return frozenset(exact), frozenset(coarse_)
