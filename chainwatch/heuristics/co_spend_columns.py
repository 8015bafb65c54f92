"""Co-spending by the numbers of an index: the same links as from the tables, without their bytes.

Only transactions that link anything are asked whether strangers built them, and of these only
those that are not plain need more than the index holds (:mod:`chainwatch.ledger.index.plain`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.addresses.keyless import OPEN_KIND, open_addresses
from chainwatch.errors import RuleError
from chainwatch.heuristics.link_columns import LinkColumns
from chainwatch.heuristics.link_rules import CO_SPEND, NO_KEY, PARTIAL, SEVERAL_KEYS, UNREAD
from chainwatch.heuristics.rates import Rates, made_by
from chainwatch.heuristics.rule import VERDICT, Rule, apply
from chainwatch.heuristics.signing import UnreadFlags
from chainwatch.kernels.graphs import group_loops as loops
from chainwatch.kernels.graphs.groups import Ties, stars
from chainwatch.ledger import features
from chainwatch.ledger.among import among
from chainwatch.ledger.index.build import NONE
from chainwatch.ledger.index.index import Index
from chainwatch.ledger.index.plain import is_plain, plain_features
from chainwatch.ledger.index.repeated import is_told, repeated_features
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import POSITION_BITS

RULES = (CO_SPEND, UNREAD, PARTIAL, SEVERAL_KEYS, NO_KEY)
"""By the strength of the tie; see :mod:`chainwatch.kernels.graphs.group_loops`."""

AT_ONCE = 1 << 18
"""Transactions that a rule is asked of at a time."""


@dataclass(frozen=True)
class Signing:
    """What is made of inputs without flags, and whether addresses count that are only revealed."""

    unread_flags: UnreadFlags = "by_height"
    revealed: bool = True


def co_spend_columns(
    ledger: Ledger, index: Index, unless: Rule | None, signing: Signing, rates: Rates
) -> LinkColumns:  # fmt: skip
    """Return the links of a ledger that looks at the chain of an index, at its commit.

    Parameters
    ----------
    ledger : Ledger
        Its span narrows the links.
    index : Index
        Of its chain and commit.
    unless : Rule or None
        A rule on transactions: *yes* refuses, *unknown* leaves undecided.
    signing : Signing
        As :func:`chainwatch.heuristics.co_spend.co_spends` takes it.
    rates : Rates
        What confidences rest on.
    """
    made = index.columns
    marks = made["in_marks"]
    if not signing.revealed:
        marks = marks | np.where(marks & loops.SHOWN, np.uint8(loops.SKIPPED), np.uint8(0))
    ties = stars(
        made["in_ptr"], made["in_addr"], marks, made["addr_rank"], _asked(ledger, index),
        _loose(index), NONE,
    )  # fmt: skip
    first = np.ones(len(ties.group), np.bool_)
    first[1:] = ties.group[1:] != ties.group[:-1]
    starts = np.flatnonzero(first)
    counts = np.diff(np.append(starts, len(ties.group)))
    verdict = np.repeat(verdicts(ledger, index, ties.group[starts], unless), counts)
    rule = ties.tie & 7
    # What a detector says of strangers outweighs what the flags leave open.
    doubt = np.where(_doubt(index, ties, signing.unread_flags), np.int8(-1), verdict)
    veto = np.where((rule == loops.LOOSE) | (verdict > 0), np.int8(1), doubt)
    shown = (ties.tie & loops.SOME_SHOWN) // loops.SOME_SHOWN
    known = tuple(rates.confidence(rule, made_by(unless)) for rule in RULES)
    return LinkColumns(
        index, ties.group, ties.a, ties.b, rule.astype(np.uint8), veto, shown.astype(np.uint8),
        RULES, known,
    )  # fmt: skip


def _doubt(index: Index, ties: Ties, unread_flags: UnreadFlags) -> NDArray[np.bool_]:
    """Return which ties the flags leave open."""
    rule = ties.tie & 7
    unread = np.full(len(rule), unread_flags == "undecided")
    since = index.chain.token_sales
    if unread_flags == "by_height" and since is not None:
        unread = index.columns["tx_number"][ties.group] >> POSITION_BITS >= since
    parted = ties.tie & loops.PARTED != 0
    found: NDArray[np.bool_] = (
        (rule == loops.PARTIAL)
        | (rule == loops.SHARED)
        | ((rule == loops.UNREAD) & (unread | parted))
    )
    return found


def _asked(ledger: Ledger, index: Index) -> NDArray[np.uint8]:
    """Return which transactions are in the span; nothing where there is none."""
    times = index.columns["tx_time"]
    inside = np.ones(len(times) if ledger.start or ledger.end else 0, np.bool_)
    for bound, sign in ((ledger.start, 1), (ledger.end, -1)):
        if bound is not None:
            micros = pl.Series([bound]).dt.epoch("us").item()
            inside &= (times >= micros) if sign > 0 else (times < micros)
    return inside.view(np.uint8)


def _loose(index: Index) -> NDArray[np.uint8]:
    """Return by rank which addresses ask for no key."""
    above = bytes((OPEN_KIND[0] + 1,))
    loose = np.zeros(len(index.columns["addr_order"]), np.uint8)
    loose[index.ranked_below(OPEN_KIND) : index.ranked_below(above)] = 1
    found = [index.rank_of(address) for address in open_addresses()]
    loose[[rank for rank in found if rank is not None]] = 1
    return loose


def verdicts(
    ledger: Ledger, index: Index, places: NDArray[np.uint32], unless: Rule | None
) -> NDArray[np.int8]:
    """Return for transactions by their places what a rule says: 1 yes, 0 no, -1 unknown.

    Parameters
    ----------
    ledger : Ledger
        It looks at the chain of the index, at its commit.
    index : Index
        Of it.
    places : array
        Places of transactions among all, in rising order.
    unless : Rule or None
        A rule on transactions; None says no of all.
    """
    found = np.zeros(len(places), np.int8)
    if unless is None or not len(places):
        return found
    rest = np.arange(len(places))
    for tell, made in ((is_plain, plain_features), (is_told, repeated_features)):
        none = ledger.kept((made.__name__, index.chain.id), partial(made, index, places[:0]))
        if not len(rest) or not _reads_only(unless, none):
            continue
        told = tell(index, places[rest])
        for some in _portions(rest[told]):
            found[some] = _codes(apply(made(index, places[some]), unless))
        rest = rest[~told]
    if len(rest):
        found[rest] = _from_tables(ledger, index, places[rest], unless)
    return found


def _from_tables(
    ledger: Ledger, index: Index, places: NDArray[np.uint32], unless: Rule
) -> NDArray[np.int8]:
    """Ask a rule of transactions with all their features."""
    numbers = pl.Series("tx", index.columns["tx_number"][places])
    answered = apply(features.transactions(among(ledger, {index.chain.id: numbers})), unless)
    # Features come sorted by their number, as places are.
    if not answered["tx"].equals(numbers):
        raise RuleError(
            "the index holds transactions that the tables lack, or the other way round",
            remedy="build it again with `chainwatch index`",
        )
    return _codes(answered)


def _reads_only(rule: Rule, columns: pl.DataFrame) -> bool:
    """Tell whether a rule reads nothing but these columns."""
    try:
        apply(columns, rule)
    except RuleError:
        return False
    return True


def _portions(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    for start in range(0, len(rows), AT_ONCE):
        yield rows[start : start + AT_ONCE]


def _codes(answered: pl.DataFrame) -> NDArray[np.int8]:
    return answered[VERDICT].cast(pl.Int8).fill_null(-1).to_numpy()
