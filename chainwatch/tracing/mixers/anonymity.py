"""``anonymity_sets``: among how many the equal outputs of mixes hide, and what users gave away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from chainwatch.attribution.resolve import Owners
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import TraceError, expect
from chainwatch.heuristics.coinjoin.mixes import Mixes, mixes
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.mask import names_all
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.table import CHAIN, TX, TXID, WHEN, Column, N, Privacy, Rows, Table
from chainwatch.tracing.mixers.mixed_outputs import Mix, Paid, payees, read_mixes
from chainwatch.tracing.mixers.post_mix import Error, errors_of
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import BY_RULE, MIXER, UNDECIDED
from chainwatch.units import counted, exact_sum

MIXED = Table(
    "mixed_outputs",
    ("chain", "tx", "n"),
    "One row per output of a mix whose value others are paid as well. The set is of parties that"
    " can be told apart: two of them can be one owner, and then it is smaller.",
    (
        CHAIN,
        TX,
        TXID,
        WHEN,
        N,
        Column.party("address", "who is paid"),
        Column.amount("value", "what each of the equal outputs holds"),
        Column.word("protocols", "the detectors that find the mix, or cannot deny it"),
        Column.flag("is_mix", "false where it is doubtful whether it is one"),
        Column.count("equal", "payees of this value in the mix"),
        Column.count("parties_least", "parties that can be shown to hold enough for one each"),
        Column.count("parties_most", "parties more than which cannot hold enough for one each"),
        Column.count("set_before", "most parties that the output can be of, by amounts"),
        Column.count("set_after", "the same after the errors that follow, if they are what they"
                     " look like"),
        Column.word("errors", "kinds of errors that concern it, by commas"),
    ),
)  # fmt: skip

ERRORS = Table(
    "post_mix_errors",
    ("chain", "tx", "kind", "evidence_tx", "outputs"),
    "What tells outputs of a mix apart, with the transaction that shows it. A lead each: none joins"
    " owners.",
    (
        CHAIN,
        TX,
        TXID,
        Column.kind("kind", "what was done"),
        Column("outputs", pl.String, Privacy.PLACE, "places of the mixed outputs, by commas"),
        Column.place("evidence_tx", "number of the transaction that shows it"),
        Column("evidence_txid", pl.Binary, Privacy.TXID, "its id", nullable=True),
        Column.count("set_before", "most parties that the outputs can be of, by amounts"),
        Column.count("set_after", "the same after all errors of the mix that are decided"),
        Column.flag("undecided", "may the evidence be of several owners; then nothing follows"),
    ),
)

FORKS = Table(
    "forks",
    ("chain", "tx", "reason"),
    "Where a trace ends in mixes: how much, and in how many outputs it may have come out.",
    (
        CHAIN,
        TX,
        TXID,
        Column.kind("reason", "why the trace ends there"),
        Column.amount("amount", "traced value that ends in the mix"),
        Column.count("outputs", "outputs of the mix that others are paid alike"),
        Column.count("set_least", "of these the smallest set after errors"),
        Column.count("set_most", "of these the largest set after errors"),
    ),
)

NO_IDENTITY = (
    "Whoever spends two outputs of a mix together may have bought one of them, and a payee may be"
    " another than who mixed: each error is a lead."
)


@dataclass(frozen=True, repr=False, eq=False)
class AnonymitySets(Result):
    """Among how many the outputs of mixes hide, and what their users did that tells them apart.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in :data:`MIXED`.
    errors : polars.DataFrame
        Rows in :data:`ERRORS`.
    forks : polars.DataFrame
        Rows in :data:`FORKS`; none where no trace was given.
    found : Mapping of str to int
        How many mixes there are, and how many transactions may be one.
    """

    frame: pl.DataFrame
    errors: pl.DataFrame
    forks: pl.DataFrame
    found: Mapping[str, int]

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "mixed_outputs": MIXED.rows(self.frame),
            "post_mix_errors": ERRORS.rows(self.errors),
            "forks": FORKS.rows(self.forks),
        }

    def words(self) -> Mapping[str, Any]:
        """Return how many mixes were looked at."""
        return {"found": dict(self.found)}

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return the forks of a trace, and the errors that were found."""
        found = []
        if self.forks.height:
            told = (
                "Value that entered these mixes was not followed: behind each stands in how many"
                " outputs it may have come out."
            )
            found.append(Finding("Mixes that value entered", (told,), FORKS.rows(self.forks)))
        if self.errors.height:
            said = counted(self.errors.height, "trace", "traces")
            told = f"Users of the mixes left {said} that tell their outputs apart."
            found.append(
                Finding(
                    "Errors of users of mixes",
                    (told,),
                    ERRORS.rows(self.errors),
                    innocent=(NO_IDENTITY,),
                )
            )
        return tuple(found)

    def lines(self) -> dict[str, list[str]]:
        """Return a line for each value of each mix, and one for each error.

        Where the edition masks anybody they are counted, by detector and by kind: who can be told
        from the id of a mix stands in it, and so from its numbers.
        """
        values, errors = (
            (_values_told, _errors_told) if names_all() else (_values_counted, _errors_counted)
        )
        return {"values of mixes": [*values(self.frame)], "errors": [*errors(self.errors)]}

    def __repr__(self) -> str:
        sure, open_ = self.found["mixes"], self.found["perhaps"]
        return (
            f"AnonymitySets({counted(sure, 'mix', 'mixes')}, {open_:,} perhaps,"
            f" {counted(self.frame.height, 'mixed output', 'mixed outputs')},"
            f" {counted(self.errors.height, 'error', 'errors')} of their users)"
        )


@recorded
def anonymity_sets(
    ledger: Ledger, found: Mixes | None = None, *, trace: Trace | None = None,
    clusters: Owners | None = None,
) -> AnonymitySets:  # fmt: skip
    """Tell of each mix among how many its equal outputs hide, and what its users gave away.

    An output can be of each party that can have paid for it: no more than there are equal outputs,
    and than there are parties that hold enough. Outputs of one mix that are spent together are of
    one owner, so that fewer owners stand behind all; one that is spent with change is of whom the
    change is. What follows of that is a lead, and enters no cluster.

    Parameters
    ----------
    ledger : Ledger
        Coin chains. A span narrows which mixes are told, not what came after them.
    found : Mixes, optional
        What detectors say; by default ``cw.mixes(ledger)``.
    trace : Trace, optional
        Only mixes in which value of this trace ends.
    clusters : Clusters, optional
        Inputs of one owner are then of one party.

    Returns
    -------
    AnonymitySets
        Mixed outputs, errors with their evidence, and where the trace forks.

    Raises
    ------
    ArgumentError, TraceError
        If an argument is of another kind, or the trace followed no coins.

    Fails when
    ----------
    Inputs were not read: each may be one more party, and sets are upper bounds. Spends that were
    not read show no error. One owner plays several parties: the true set is smaller.

    References
    ----------
    Goldfeder et al., PETS 2018, and Stuetz et al., AFT 2022, for what users of mixes give away.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    said = mixes(ledger) if found is None else found
    expect(said, Mixes, "found", "pass what cw.mixes(ledger) returned")
    rows = said.frame.filter(pl.col("is_mix") | pl.col("maybe_mix"))
    ends = _ends(ledger, trace)
    if ends is not None:
        rows = rows.join(ends, on=["chain", "tx"], how="semi")
    read = read_mixes(ledger, rows, clusters)
    errors = errors_of(ledger, read)
    mixed = MIXED.frame(row for mix in read for row in _mixed(mix, errors))
    return AnonymitySets(
        mixed,
        _errors(ledger, read, errors, mixed),
        _forks(ends, rows, mixed),
        {"mixes": rows.filter("is_mix").height, "perhaps": rows.filter("maybe_mix").height},
    )


def _ends(ledger: Ledger, trace: Trace | None) -> pl.DataFrame | None:
    """Return how much of a trace ends in each mix: ``chain, tx, reason, amount``.

    An end stands at the coin that enters a mix, or, followed backward, that comes out of one.
    """
    if trace is None:
        return None
    expect(trace, Trace, "trace", "pass what cw.trace returned")
    chain = trace.asset.chain
    if find_chain(chain).family != "utxo":
        raise TraceError("the trace followed no coins", remedy="pass one of a coin chain")
    rows = trace.ends.filter(pl.col("reason").is_in([MIXER, UNDECIDED]), basis=BY_RULE)
    if trace.direction == "backward":
        at = rows.with_columns(pl.lit(chain).alias("chain"))
    else:
        coins = rows.select(prev_txid="txid", prev_n="n", reason="reason", amount="amount")
        spent = ledger.chain_only(chain).history.inputs.select("chain", "tx", "prev_txid", "prev_n")
        at = spent.join(coins.lazy(), on=["prev_txid", "prev_n"], how="inner").collect()
    return at.group_by("chain", "tx", "reason").agg(exact_sum("amount"))


def _mixed(mix: Mix, errors: Sequence[Error]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of the mixed outputs of a mix."""
    row, mine = mix.row, [one for one in errors if one.mix == mix.key and not one.undecided]
    for value, outs in mix.values():
        equal = payees(outs)
        least, most = mix.parties(value, equal)
        after = _after(mix, outs, mine, max(1, most))
        for out in outs:
            kinds = {one.kind for one in mine if out.n in one.places}
            yield (
                row["chain"], row["tx"], row["txid"], row["time"], out.n, out.address, value,
                row["protocols"], row["is_mix"], equal, least, most, max(1, most), after[out.n],
                ", ".join(sorted(kinds)) or None,
            )  # fmt: skip


def _after(mix: Mix, outs: Sequence[Paid], mine: Sequence[Error], most: int) -> dict[int, int]:
    """Return of each output the parties that it can still be of, if errors are what they look like.

    Outputs of one owner are as one. An output that is tied to who brought coins is of one party;
    where a party has one output of a value, that party is not behind another.
    """
    first: dict[Any, int] = {}
    owner = {out.n: first.setdefault(out.payee, out.n) for out in outs}
    tied: set[int] = set()
    for one in mine:
        here = [n for n in one.places if n in owner]
        if here:
            names = {owner[n] for n in here}
            owner = {n: min(names) if name in names else name for n, name in owner.items()}
            tied |= set(here) if one.tied else set()
    groups, known = set(owner.values()), {owner[n] for n in tied}
    left = len(groups) - (len(known) if mix.one_each else 0)
    return {n: 1 if name in known else max(1, min(most, left)) for n, name in owner.items()}


def _errors(
    ledger: Ledger, read: Sequence[Mix], errors: Sequence[Error], mixed: pl.DataFrame
) -> pl.DataFrame:
    """Return the errors as a table, with the ids of the transactions that show them."""
    txid = {mix.key: mix.row["txid"] for mix in read}
    sets = {
        (chain, tx, n): (before, after)
        for chain, tx, n, before, after in mixed.select(
            "chain", "tx", "n", "set_before", "set_after"
        ).iter_rows()
    }
    shown = _ids(ledger, {one.evidence for one in errors})
    return ERRORS.frame(
        (
            *one.mix, txid[one.mix], one.kind, ",".join(map(str, one.places)), one.evidence[1],
            shown.get(one.evidence), *sets[*one.mix, one.places[0]], one.undecided,
        )
        for one in errors
    )  # fmt: skip


def _ids(ledger: Ledger, keys: set[tuple[str, int]]) -> dict[tuple[str, int], bytes]:
    wanted = pl.DataFrame(list(keys), schema={"chain": pl.String, "tx": pl.Int64}, orient="row")
    rows = ledger.history.transactions.join(wanted.lazy(), on=["chain", "tx"], how="semi")
    found = rows.select("chain", "tx", "txid").collect()
    return {(chain, tx): txid for chain, tx, txid in found.iter_rows()}


def _forks(ends: pl.DataFrame | None, rows: pl.DataFrame, mixed: pl.DataFrame) -> pl.DataFrame:
    """Return where a trace ends in mixes, with the outputs in which it may have come out."""
    if ends is None:
        return FORKS.empty()
    sets = mixed.group_by("chain", "tx").agg(
        pl.len().cast(pl.Int64).alias("outputs"),
        pl.col("set_after").min().alias("set_least"),
        pl.col("set_after").max().alias("set_most"),
    )
    of = ends.join(rows.select("chain", "tx", "txid"), on=["chain", "tx"], how="inner")
    joined = of.join(sets, on=["chain", "tx"], how="left").with_columns(
        pl.col("outputs", "set_least", "set_most").fill_null(0)
    )
    return FORKS.conform(joined.select(FORKS.names).sort("chain", "tx", "reason"))


def _values_told(mixed: pl.DataFrame) -> Iterator[str]:
    """Yield a line for each value of each mix."""
    by: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in mixed.iter_rows(named=True):
        by[row["chain"], row["tx"], row["value"]].append(row)
    for rows in by.values():
        one, after = rows[0], [row["set_after"] for row in rows]
        sure = "mix" if one["is_mix"] else "perhaps a mix"
        span = _span(min(after), max(after))
        parties = _span(one["parties_least"], one["parties_most"])
        yield (
            f"{one['txid'][::-1].hex()}  {sure} ({one['protocols']}): {one['equal']} equal outputs,"
            f" paid for by {parties} {'party' if parties == '1' else 'parties'},"
            f" sets of {span}"
        )


def _values_counted(mixed: pl.DataFrame) -> Iterator[str]:
    """Yield a line for each set of detectors: in how many mixes they find how many values."""
    of = mixed.unique(["chain", "tx", "value"]).group_by("is_mix", "protocols").agg(
        pl.struct("chain", "tx").n_unique().alias("mixes"), pl.len().alias("values")
    )  # fmt: skip
    down = [True, True, False]
    for sure, protocols, many, values in of.sort(
        "is_mix", "mixes", "protocols", descending=down
    ).iter_rows():
        sides = ("mix", "mixes") if sure else ("transaction", "transactions")
        told = counted(many, *sides) + ("" if sure else ", perhaps of a mix")
        yield f"{told} ({protocols}), {counted(values, 'value', 'values')}; ids are withheld"


def _errors_counted(errors: pl.DataFrame) -> Iterator[str]:
    """Yield a line for each kind of error: how often there is one."""
    of = errors.group_by("kind", "undecided").len().sort("len", "kind", descending=[True, False])
    for kind, undecided, many in of.iter_rows():
        doubt = " (undecided: nothing follows)" if undecided else ""
        yield f"{kind}: {counted(many, 'time', 'times')}{doubt}; ids are withheld"


def _span(least: int, most: int) -> str:
    return str(least) if least == most else f"{least} to {most}"


def _errors_told(errors: pl.DataFrame) -> Iterator[str]:
    """Yield a line for each error."""
    for row in errors.iter_rows(named=True):
        doubt = " (undecided: nothing follows)" if row["undecided"] else ""
        shown = row["evidence_txid"]
        yield (
            f"{row['kind']}: outputs {row['outputs']} of {row['txid'][::-1].hex()}, shown by"
            f" {shown[::-1].hex() if shown else row['evidence_tx']}; set of"
            f" {row['set_before']} becomes {row['set_after']}{doubt}"
        )
