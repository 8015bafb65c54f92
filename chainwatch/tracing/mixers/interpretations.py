"""``interpretations``: in how many ways a transaction can be of several parties, and what links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log2
from time import monotonic
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset, native
from chainwatch.chains.base import Chain
from chainwatch.errors import InputError, TraceError, expect
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.lookup import transaction_summary
from chainwatch.ledger.lookup.summaries import TransactionSummary
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.table import Column, Privacy, Rows, Table
from chainwatch.tracing.mixers.division import Bounds, misplaced, unpaid
from chainwatch.tracing.mixers.valued_rows import BETWEEN, COLLECTED, WITHOUT, Run, ValuedRows
from chainwatch.units import counted

LIMIT = 8_000_000
"""Steps of work that are made where nothing else is said: some seconds, and some 300 MB."""

_WAY = Column.word("way", "whether parties may pay each other, and an output together")

RUNS = Table(
    "runs",
    ("way",),
    "In how many ways the transaction can be of several parties, without and with fees that they"
    " pay each other, and with an output that they pay for together.",
    (
        _WAY,
        Column.amount("received", "most that a party may be paid by the others"),
        Column.amount("paid", "most that a party may pay to the others and to the miner"),
        Column("collected", pl.String, Privacy.PLACE,
               "places of outputs of which one may be paid for by all, by commas"),
        Column(
            "interpretations", pl.String, Privacy.TEXT,
            "exact number, in digits; null where it is not known", nullable=True,
        ),
        Column.flag("taken", "is it the one that counts: that with the widest bounds"),
        Column.number("work", "steps that were made"),
        Column.word("unknown", "why it is not known"),
    ),
)  # fmt: skip

LINKS = Table(
    "links",
    ("way", "input", "output"),
    "For each pair of an input and an output, how many interpretations give both to one party. It"
    " is a count in which all interpretations weigh alike, and no chance of ownership.",
    (
        _WAY,
        Column.place("input", "place of the input in the transaction"),
        Column.place("together", "first input of the same address: they are of one party"),
        Column.party("source", "address that it spends from"),
        Column.amount("input_value", "what it brings"),
        Column.place("output", "place of the output in the transaction"),
        Column.party("target", "address that it pays"),
        Column.amount("output_value", "what it takes"),
        Column(
            "linked", pl.String, Privacy.TEXT,
            "interpretations that link the two, in digits; null where not known", nullable=True,
        ),
        Column(
            "of", pl.String, Privacy.TEXT,
            "interpretations in all, in digits; null where not known", nullable=True,
        ),
        Column.flag(
            "always",
            "does every interpretation link them; null where that is not known. Where"
            " interpretations could not be counted, it is true if the others bring too little",
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class Interpretations(Result):
    """In how many ways a transaction can be of several parties, and how often they link its rows.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in :data:`LINKS`, of all ways of counting.
    runs : polars.DataFrame
        Rows in :data:`RUNS`, a row for each way of counting, the one that counts last.
    chain : Chain
        Its chain.
    tx : int
        Number of the transaction.
    txid : bytes
        Id, as the ledger keeps it.
    asset : Asset
        The coin.
    left_out : int
        Inputs and outputs of no value: they say nothing of who is who.
    """

    frame: pl.DataFrame
    runs: pl.DataFrame
    chain: Chain
    tx: int
    txid: bytes
    asset: Asset
    left_out: int

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {"links": LINKS.rows(self.frame), "runs": RUNS.rows(self.runs)}

    def words(self) -> Mapping[str, Any]:
        """Return of which transaction it is."""
        return {"chain": self.chain.id, "tx": self.tx, "txid": self.txid.hex()}

    @property
    def taken(self) -> dict[str, Any]:
        """The row of ``runs`` that counts."""
        return self.runs.row(by_predicate=pl.col("taken"), named=True)

    @property
    def count(self) -> int | None:
        """How many interpretations there are; None where that is not known."""
        said = self.taken["interpretations"]
        return None if said is None else int(said)

    @property
    def unknown(self) -> str | None:
        """Why the number is not known; None where it is."""
        said: str | None = self.taken["unknown"]
        return said

    @property
    def entropy(self) -> float | None:
        """The number of interpretations in bits; rounded, and never an identity."""
        return None if self.count is None else log2(self.count)

    def matrix(self, *, way: str | None = None) -> tuple[tuple[int, ...], ...]:
        """Return the counts of linked interpretations: a row for each output, by place.

        Parameters
        ----------
        way : str or None
            Of which way of counting, as ``runs`` has it; None is the one that counts.

        Raises
        ------
        TraceError
            If it is not known, or was not counted so.
        """
        wanted = self.way if way is None else way
        rows = self.frame.filter(way=wanted)
        if rows.is_empty() or rows["linked"].null_count():
            known = self.runs.filter(way=wanted)["unknown"].to_list()
            raise TraceError(
                f"there is no matrix of links: {known[0] if known else 'it was not counted so'}",
                remedy="look at .runs, or allow more work with limit=...",
            )
        by_output = rows.sort("output", "input").partition_by("output", maintain_order=True)
        return tuple(tuple(map(int, part["linked"])) for part in by_output)

    @property
    def always(self) -> tuple[tuple[int, int], ...]:
        """Pairs of places, input and output, that every interpretation links; those that are known.

        Where the number is not known there may be more.
        """
        rows = self.frame.filter(pl.col("always") & (pl.col("way") == self.way))
        return tuple(rows.sort("input", "output").select("input", "output").iter_rows())

    @property
    def way(self) -> str:
        """The way of counting that counts."""
        return str(self.taken["way"])

    def objections(self, parts: Iterable[tuple[Iterable[int], Iterable[int]]]) -> tuple[str, ...]:
        """Return what speaks against a division among parties, a sentence each.

        Parameters
        ----------
        parts : iterable of pairs
            For each party the places of its inputs and of its outputs. Rows of no value are of
            none. One part may have no input, and one output that all may pay for.

        Returns
        -------
        tuple of str
            None where the division is one of the interpretations, whether or not these were
            counted.
        """
        mine = self.frame.filter(way=self.way)
        sides = [
            {n: (value, group) for n, value, group in mine.select(*names).unique().iter_rows()}
            for names in (
                ("input", "input_value", "together"),
                ("output", "output_value", pl.col("output").alias("group")),
            )
        ]
        given = [(list(inputs), list(outputs)) for inputs, outputs in parts]
        bounds = Bounds(
            int(self.taken["received"]), int(self.taken["paid"]),
            frozenset(map(int, filter(None, self.taken["collected"].split(",")))),
        )  # fmt: skip
        return (*misplaced(sides, given), *unpaid(sides, given, self.asset, bounds))

    def allows(self, parts: Iterable[tuple[Iterable[int], Iterable[int]]]) -> bool:
        """Return whether a division among parties is one of the interpretations."""
        return not self.objections(parts)

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the links with what they do and do not say."""
        rows = self.frame.filter(way=self.way)
        return (
            Finding(
                "Interpretations of a transaction",
                (
                    self._told(),
                    "Each interpretation divides inputs and outputs among parties so that every"
                    " party pays for what it takes. All weigh alike: a share of them is no chance"
                    " that two rows are of one owner.",
                ),
                LINKS.rows(rows),
                self.asset,
                ("One owner can bring all inputs: that is one of the interpretations.",),
            ),
        )

    def lines(self) -> list[str]:
        """Return what each way of counting says, and which pairs are always linked, a line each."""
        found = [repr(self)]
        for row in self.runs.iter_rows(named=True):
            said = row["interpretations"]
            told = f"unknown ({row['unknown']})" if said is None else f"{int(said):,}"
            found.append(f"  {row['way']}: {told}")
        found += [f"  input {i} and output {o} are always linked" for i, o in self.always]
        return found

    def _told(self) -> str:
        if self.count is None:
            return (
                f"In how many ways it can be of several parties is unknown ({self.unknown});"
                f" {counted(len(self.always), 'pair is', 'pairs are')} linked in all of them at"
                " least."
            )
        ways = counted(self.count, "interpretation", "interpretations")
        return (
            f"It has {ways} ({self.entropy:.2f} bits), {self.way};"
            f" {counted(len(self.always), 'pair is', 'pairs are')} linked in all of them."
        )

    def __repr__(self) -> str:
        return f"Interpretations(transaction {self.tx} on {self.chain.alias}: {self._told()})"


@recorded
def interpretations(
    ledger: Ledger, txid: str | bytes | int, chain: Chain | str | None = None, *,
    fees_between: int | None = None, merge_addresses: bool = True, limit: int = LIMIT,
    seconds: int | None = None,
) -> Interpretations:  # fmt: skip
    """Count in how many ways a transaction can be of several parties, and what it links.

    Each divides its rows among parties that pay for what they take. Where some pay others for
    mixing, a party may also be paid; where ten or more mix, one output may be paid for by all (a
    coordinator's). All are counted; the larger number says less, and counts.

    Parameters
    ----------
    ledger : Ledger
        Where to look.
    txid : str, bytes or int
        Its id or number.
    chain : Chain or str, optional
        Where several chains have it.
    fees_between : int, optional
        Most that a party may be paid by others, in base units; 0 for none. If left out, 0.5 % of
        the amount that at least half of the outputs have.
    merge_addresses : bool
        Whether inputs of one address are of one party.
    limit : int
        Most steps of work for each way of counting: no clock, so that answers are the same.
    seconds : int, optional
        Most seconds besides. With it the answer can depend on the machine.

    Returns
    -------
    Interpretations
        The exact number and the matrix of links, or *unknown* with the reason.

    Raises
    ------
    LedgerError, TraceError, InputError, ArgumentError
        If none or several have the id; if it is of an account chain, or makes new coins; if a
        limit is below 1, or a fee below 0; if one of these is no whole number.

    Fails when
    ----------
    An input was not read: *unknown*. Values differ much in many rows: *unknown* beyond the limit.
    Parties settle among themselves outside the chain, one pays more for others than the bounds
    allow, or fewer than ten pay for one output together: then the truth is not among the
    interpretations. Two parties that are one owner count as
    two; nothing here says who anybody is.

    References
    ----------
    LaurentMT, "Bitcoin Transactions & Privacy", 2015; bounds of fees between are Boltzmann's.
    """
    _check_bounds(limit, fees_between, seconds)
    found, rows = rows_of(ledger, txid, chain, merge=merge_addresses)
    until = None if seconds is None else monotonic() + seconds
    return _made(found, rows, _runs(rows, fees_between, limit, until))


def rows_of(
    ledger: Ledger, txid: str | bytes | int, chain: Chain | str | None, *, merge: bool = True
) -> tuple[TransactionSummary, ValuedRows]:
    """Return a transaction of coins and its rows that have a value; see :func:`interpretations`."""
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    found = transaction_summary(ledger.history, txid, chain)
    _check_coins(found)
    return found, ValuedRows.of(found, _stated(ledger, found), merge=merge)


def _check_bounds(limit: int, fees_between: int | None, seconds: int | None) -> None:
    expect(limit, int, "limit", "pass a number of steps, such as 8_000_000")
    if fees_between is not None:
        expect(fees_between, int, "fees_between", "pass base units: a whole number, 0 for none")
    if seconds is not None:
        expect(seconds, int, "seconds", "pass a whole number of seconds, or leave it out")
    if limit < 1 or (fees_between or 0) < 0 or (seconds is not None and seconds < 1):
        raise InputError(
            "limit and seconds are at least 1, fees between participants at least 0",
            remedy="pass amounts in base units",
        )


def _made(found: TransactionSummary, rows: ValuedRows, runs: Sequence[Run]) -> Interpretations:
    """Return what was counted as a result."""
    links = pl.concat([_links(rows, run) for run in runs])
    coin = native(found.chain.id)
    return Interpretations(
        links, _told(runs), found.chain, found.tx or 0, found.txid, coin, rows.left_out
    )


def _check_coins(found: TransactionSummary) -> None:
    if found.chain.family != "utxo":
        raise TraceError(
            "a transaction of an account chain has one payer, and no interpretations",
            remedy="ask for a transaction of a coin chain",
        )
    if found.coinbase:
        raise TraceError(
            "the transaction makes new coins: it has no inputs that could be linked",
            remedy="ask for a transaction that spends",
        )


def _runs(rows: ValuedRows, fees_between: int | None, limit: int, until: float | None) -> list[Run]:
    """Count in every way that there may be, each with wider bounds than the one before."""
    received = rows.usual_fee() if fees_between is None else fees_between
    ways: list[tuple[str, int, tuple[int, ...]]] = [(WITHOUT, 0, ())]
    if received:
        ways.append((BETWEEN, received, ()))
    if rows.collected():
        ways.append((COLLECTED, received, rows.collected()))
    runs: list[Run] = []
    for way, most, collected in ways:
        # Wider bounds take no less work: what was too much before is so again.
        allowed = limit if not runs or runs[-1].found else 0
        run = rows.run(way, received=most, limit=allowed, until=until, collected=collected)
        runs.append(run if allowed else run._replace(unknown=runs[-1].unknown))
    return runs


def _stated(ledger: Ledger, found: TransactionSummary) -> tuple[int, int]:
    """Return how many inputs and outputs the transaction says to have."""
    mine = (pl.col("chain") == found.chain.id) & (pl.col("tx") == found.tx)
    rows = ledger.history.transactions.filter(mine).select("input_count", "output_count")
    ins, outs = rows.collect().row(0)
    return int(ins), int(outs)


def _links(case: ValuedRows, run: Run) -> pl.DataFrame:
    """Return how often each input and each output are linked, as a table."""
    whole, sums, found = None if run.found is None else run.found.ways, case.brought_by(), []
    for i, (row, group) in enumerate(zip(case.inputs, case.groups, strict=True)):
        others = case.brought - sums[group]
        for o, out in enumerate(case.outputs):
            times = None if run.found is None else run.found.links[o][i]
            always: bool | None = times == whole
            if times is None:
                short = not case.unread and others + run.received < out.value
                always = True if short and out.n not in run.collected else None
            found.append((
                run.way, row.n, group, row.address, None if row.value < 0 else row.value,
                out.n, out.address, out.value, _digits(times), _digits(whole), always,
            ))  # fmt: skip
    return LINKS.frame(found)


def _digits(number: int | None) -> str | None:
    return None if number is None else str(number)


def _told(runs: Sequence[Run]) -> pl.DataFrame:
    """Return the ways of counting; the last has the widest bounds, and so the largest number."""
    return RUNS.frame(
        (
            run.way, run.received, run.paid, ",".join(map(str, run.collected)),
            _digits(run.found.ways if run.found else None), run is runs[-1], run.work,
            run.unknown,
        )
        for run in runs
    )  # fmt: skip
