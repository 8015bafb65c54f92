"""``mixes_met``: what can be counted of the mixes in which a trace ends, mix by mix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset, native
from chainwatch.attribution.resolve import Owners
from chainwatch.errors import InputError, TraceError, expect
from chainwatch.heuristics.coinjoin.detectors import DETECTORS
from chainwatch.heuristics.coinjoin.mixes import MIXES, Mixes, mixes
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.sentence import Sum, sentence
from chainwatch.results.table import CHAIN, TX, TXID, Column, Privacy, Rows, Table
from chainwatch.tracing.mixers.anonymity import AnonymitySets, anonymity_sets
from chainwatch.tracing.mixers.interpretations import (
    LIMIT,
    LINKS,
    Interpretations,
    interpretations,
)
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import BY_RULE, MIXER, UNDECIDED
from chainwatch.units import counted, total

MOST = 20
"""Mixes that are counted where nothing else is said: each takes some seconds at most."""

MET = Table(
    "mixes_met",
    ("chain", "tx"),
    "Mixes, the most traced value first, with what can be counted of each.",
    (
        Column.number("mix", "its number in this table"),
        CHAIN,
        TX,
        TXID,
        MIXES["time"],
        Column.word("protocols", "the detectors that find it, or cannot deny it"),
        Column.flag("is_mix", "false where it is doubtful whether it is one"),
        Column.amount("amount", "traced value that ends in it; null where no trace was asked"),
        Column.count("outputs", "outputs that others are paid alike"),
        Column.count("set_least", "smallest set of parties that one of these can be of"),
        Column.count("set_most", "largest set of parties that one of these can be of"),
        Column(
            "interpretations", pl.String, Privacy.TEXT,
            "ways in which it can be of several parties, in digits; null where not known",
            nullable=True,
        ),
        Column.count("always", "pairs of an input and an output that all of them link, at least"),
        Column.word("unknown", "why the number is not known"),
    ),
)  # fmt: skip

MIXES_TOLD = MET.pick(*(name for name in MET.names if name != "tx"), name="mixes_ended_in")
"""What of it stands in a report."""

MIX_LINKS = LINKS.pick(
    *(name for name in LINKS.names if name != "way"), name="mix_links",
    key=("mix", "input", "output"),
).plus(Column.number("mix", "number of the mix"), CHAIN, TX, TXID)  # fmt: skip
"""The pairs of inputs and outputs of each mix that was counted, in the way that counts."""

NOT_ASKED = "not counted: others hold more of the value"

NO_CHANCE = (
    "All interpretations of a mix weigh alike: a share of them is no chance that two rows are of"
    " one owner. A set is of parties that amounts can tell apart; one owner can play several."
)


@dataclass(frozen=True, repr=False, eq=False)
class MixesMet(Result):
    """The mixes in which value of a trace ends, and what can be counted of each.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in :data:`MET`.
    links : polars.DataFrame
        Rows in :data:`MIX_LINKS`.
    asset : Asset
        The coin.
    sets : AnonymitySets
        Among how many each output hides, and what users of the mixes gave away.
    elsewhere : int or None
        Value of the trace that ended by a rule at what the detectors take for no mix; None where no
        trace was asked.
    """

    frame: pl.DataFrame
    links: pl.DataFrame
    asset: Asset
    sets: AnonymitySets
    elsewhere: int | None = None

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            MET.name: MET.rows(self.frame), MIX_LINKS.name: MIX_LINKS.rows(self.links),
            **self.sets.tables(),
        }  # fmt: skip

    def words(self) -> Mapping[str, Any]:
        """Return how many mixes there are, and how much of the trace ended at others."""
        return {"found": dict(self.sets.found), "elsewhere": self.elsewhere}

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the mixes, and what their users gave away."""
        told = [one for one in self.sets.findings(subjects) if one.name != "forks"]
        return (mixes_finding(self), *told)

    def lines(self) -> Iterator[str]:
        """Yield a line for each mix, as the table has it."""
        for row in self.plain(MET.name).iter_rows(named=True):
            known = row["interpretations"] or f"unknown ({row['unknown']})"
            sets = f"sets of {row['set_least']} to {row['set_most']}"
            yield f"{row['txid']}  {row['protocols']}: interpretations {known}, {sets}"

    def __repr__(self) -> str:
        known = self.frame["interpretations"].drop_nulls().len()
        return (
            f"MixesMet({counted(self.frame.height, 'mix', 'mixes')}, interpretations counted of"
            f" {known})"
        )


@recorded
def mixes_met(
    ledger: Ledger, trace: Trace | None = None, *, clusters: Owners | None = None,
    detectors: Mapping[str, Rule] = DETECTORS, most: int = MOST, limit: int = LIMIT,
    chain: str | None = None,
) -> MixesMet:  # fmt: skip
    """Tell of the mixes in which a trace ends what can be counted of each.

    Among how many parties each equal output hides, in how many ways the whole can be of several
    parties, and which inputs and outputs all of them link. Nothing is followed through a mix.

    Parameters
    ----------
    ledger : Ledger
        What was read.
    trace : Trace, optional
        Only mixes in which its value ends; else all of the ledger.
    clusters : Clusters, optional
        Inputs of one owner are then of one party of a set.
    detectors : mapping of str to Rule
        Who finds mixes. A trace may have ended at others: give the rule that stopped it too.
    most : int
        Mixes whose interpretations are counted, those with the most of the value first.
    limit : int
        Steps of work for each beyond which the number is *unknown*.
    chain : str, optional
        Where no trace says it and the ledger has several chains.

    Raises
    ------
    ArgumentError, InputError, TraceError
        If an argument is of another kind, a bound too small, or the trace followed no coins.

    Fails when
    ----------
    As :func:`chainwatch.anonymity_sets` and :func:`chainwatch.interpretations` do.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(trace, (Trace, type(None)), "trace", "pass what cw.trace returned")
    if most < 0 or limit < 1:
        raise InputError(f"{most} mixes in {limit} steps", remedy="give 0 or more, in 1 or more")
    coin = _coin(ledger, trace, chain)
    here = ledger.chain_only(coin.chain)
    found = mixes(here, detectors)
    sets = anonymity_sets(here, found, trace=trace, clusters=clusters)
    rows = _rows(found, sets, trace)
    asked = [
        interpretations(here, row["txid"], coin.chain, limit=limit)
        for row in rows.head(most).iter_rows(named=True)
    ]
    return MixesMet(_counted(rows, asked), _links(rows, asked), coin, sets, _elsewhere(trace, rows))


def _coin(ledger: Ledger, trace: Trace | None, chain: str | None) -> Asset:
    """Return the coin of which mixes are looked for."""
    if trace is not None:
        return trace.asset
    named = [chain] if chain else [one.id for one in ledger.chains if one.family == "utxo"]
    if len(named) != 1:
        raise TraceError(
            f"the ledger has {counted(len(named), 'coin chain', 'coin chains')}",
            remedy="name one with chain=",
        )
    return native(named[0])


def _elsewhere(trace: Trace | None, rows: pl.DataFrame) -> int | None:
    """Return how much of a trace ended, by a rule, at what the detectors take for no mix."""
    if trace is None:
        return None
    ended = trace.ends.filter(pl.col("reason").is_in([MIXER, UNDECIDED]), basis=BY_RULE)
    return total(ended["amount"]) - total(rows["amount"])


def _rows(found: Mixes, sets: AnonymitySets, trace: Trace | None) -> pl.DataFrame:
    """Return the mixes in the columns of ``MET`` that need no counting, the most value first."""
    said = found.frame.filter(pl.col("is_mix") | pl.col("maybe_mix"))
    outputs = sets.frame.group_by("chain", "tx").agg(
        pl.len().cast(pl.Int64).alias("outputs"),
        pl.col("set_after").min().alias("set_least"),
        pl.col("set_after").max().alias("set_most"),
    )
    rows = said.select("chain", "tx", "txid", "time", "protocols", "is_mix")
    entered = sets.forks.select("chain", "tx", "amount")
    key = ["chain", "tx"]
    rows = rows.join(entered, on=key, how="left" if trace is None else "inner")
    return (
        rows.join(outputs, on=key, how="left")
        .with_columns(pl.col("outputs", "set_least", "set_most").fill_null(0))
        .sort("amount", "tx", descending=[True, False], nulls_last=True)
        .with_row_index("mix", 1)
        .with_columns(pl.col("mix").cast(pl.Int64))
    )


def _counted(rows: pl.DataFrame, asked: Sequence[Interpretations]) -> pl.DataFrame:
    """Return the mixes with their interpretations; of those behind the most none is known."""
    known = [(_digits(one.count), len(one.always), one.unknown) for one in asked]
    known += [(None, 0, NOT_ASKED)] * (rows.height - len(asked))
    schema = {name: MET.schema[name] for name in ("interpretations", "always", "unknown")}
    counts = pl.DataFrame(known, schema=schema, orient="row")
    return MET.conform(rows.hstack(counts).select(MET.names))


def _digits(number: int | None) -> str | None:
    return None if number is None else str(number)


def _links(rows: pl.DataFrame, asked: Sequence[Interpretations]) -> pl.DataFrame:
    """Return the pairs of all mixes that were counted, each with its mix."""
    keys = rows.select("mix", "chain", "tx", "txid").iter_rows(named=True)
    listed = [
        one.frame.filter(way=one.way).with_columns(
            pl.lit(value, MIX_LINKS.schema[name]).alias(name) for name, value in key.items()
        ).select(MIX_LINKS.names)
        for key, one in zip(keys, asked, strict=False)  # fewer are asked than there are
    ]  # fmt: skip
    return pl.concat([MIX_LINKS.empty(), *listed])


def mixes_finding(found: MixesMet) -> Finding:
    """Return the mixes with what was counted of each, and what that does not say."""
    mixes_told = counted(found.frame.height, "transaction", "transactions")
    known = found.frame["interpretations"].drop_nulls().len()
    head = (
        f"{mixes_told} may have mixed the coins of several"
        if found.elsewhere is None
        else sentence(
            _sum(found),
            f" of the followed value ended in {mixes_told} that may have mixed the coins of"
            " several, and was followed no further",
        )
    )
    told = sentence(
        head, f"; in how many ways each can be of several parties could be counted of {known}."
    )
    return Finding(
        "Mixes that value ended in" if found.elsewhere is not None else "Mixes",
        (told, *_more(found), NO_CHANCE),
        MIXES_TOLD.rows(found.frame.select(MIXES_TOLD.names)),
        found.asset,
        ("One owner can bring all inputs, or pay several of equal worth: then nothing was mixed.",),
        told,
    )


def _sum(found: MixesMet) -> Sum:
    """Return how much of what was followed ended in mixes: the subjects' own, whatever is behind.

    The sum of several rows of one mix each; of one mix alone it is rounded where its row is.
    """
    alone = 0 if found.frame.height == 1 else None
    return Sum(total(found.frame["amount"]), found.asset, frozenset(), alone)


def _more(found: MixesMet) -> Iterator[str]:
    """Yield what was not counted, and how much ended at what no detector finds."""
    left = found.frame.filter(unknown=NOT_ASKED).height
    if left:
        yield f"Of {left:,} more nothing was counted: the others hold more of the value."
    if found.elsewhere:
        yield sentence(
            Sum(found.elsewhere, found.asset),
            " more ended, by the rule that following stops at, in transactions that the detectors"
            " take for no mix: they are not in this table.",
        )
