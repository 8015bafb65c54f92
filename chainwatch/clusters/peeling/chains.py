"""``peel_chains``: payments that peel small parts off one large coin, hop by hop, by their shape.

A hop spends one coin and pays two outputs, one of them small. The other is the rest, which the next
hop spends. That the rest stays with its owner is no proof: the larger output may be the payment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import polars as pl

from chainwatch.attribution.taxonomy import ENDING, descendants
from chainwatch.clusters.apart import Tagged, named
from chainwatch.clusters.peeling.facts import TX
from chainwatch.clusters.peeling.steps import NEXT
from chainwatch.clusters.peeling.validation import FORWARD, PeelSteps
from chainwatch.errors import InputError, expect
from chainwatch.ledger import features
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import CHAIN, FIRST, LAST, TXID, WHEN, Column, N, Privacy, Rows, Table
from chainwatch.results.table import TX as TX_COLUMN
from chainwatch.units import counted

HABIT, LARGER = "habit", "larger and new"
"""By what the rest was told from the peel: the habits of a cluster, or size and a new address."""

START = replace(TX_COLUMN, name="start_tx", meaning="transaction in which the chain begins")

CHAINS = Table(
    "peel_chains",
    ("chain", "start_tx"),
    "One row per chain: amount = peeled + fees + rest.",
    (
        CHAIN,
        START,
        replace(TXID, meaning="id of the transaction in which it begins"),
        Column.party("payer", "who pays in it"),
        Column.number("hops", "payments of the rest: one in each transaction of the chain"),
        FIRST,
        LAST,
        Column.amount("amount", "what its first transaction pays out"),
        Column.amount("peeled", "the small parts together"),
        Column.amount("fees", "fees of all transactions but the first"),
        Column.amount("rest", "what is left in the last"),
        Column.party("rest_address", "whom the rest of the last is paid to"),
        Column.kind("end", "why it goes on no further"),
        Column("rest_name", pl.String, Privacy.NAME, "whom tags name there", nullable=True),
    ),
)

PEELS = Table(
    "peels",
    ("chain", "start_tx", "hop"),
    "One row per transaction of a chain: the small part, and where it went.",
    (
        CHAIN,
        START,
        Column.number("hop", "payments of the rest up to here, this one included"),
        TX_COLUMN,
        TXID,
        WHEN,
        replace(N, meaning="place of the small part among the outputs"),
        Column.party("address", "whom it is paid to"),
        Column.amount("value", "how much it is"),
        Column("name", pl.String, Privacy.NAME, "whom tags name there", nullable=True),
        Column.kind("told_by", "by what the rest was told from it: habit, or larger and new"),
    ),
)


class Shape(NamedTuple):
    """What is called a peel chain; the numbers are of practice, and no source measured them.

    Attributes
    ----------
    least_hops : int
        Hops of a chain, at least: its transactions, each of which pays the rest on.
    most_percent : int
        The small part is at most so much of what a transaction pays.
    most_days : int
        Between two transactions lie at most so many days.
    """

    least_hops: int = 5
    most_percent: int = 20
    most_days: int = 7

    def identity(self) -> Mapping[str, int]:
        """Return its numbers by name, as they stand in the record of a result."""
        return self._asdict()


@dataclass(frozen=True, repr=False, eq=False)
class PeelChains(Result):
    """Peel chains by their shape, with where each small part went.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in ``CHAINS``.
    peels : polars.DataFrame
        Rows in ``PEELS``.
    shape : Shape
        What was asked for.
    """

    frame: pl.DataFrame
    peels: pl.DataFrame
    shape: Shape

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {"peel_chains": CHAINS.rows(self.frame), "peels": PEELS.rows(self.peels)}

    def words(self) -> Mapping[str, Any]:
        """Return what was called a chain."""
        return {"shape": self.shape._asdict()}

    def __repr__(self) -> str:
        return (
            f"PeelChains({counted(self.frame.height, 'chain', 'chains')},"
            f" {counted(self.peels.height, 'hop', 'hops')})"
        )


@recorded
def peel_chains(
    ledger: Ledger, *, steps: PeelSteps | None = None, tags: Tagged | None = None,
    shape: Shape = Shape(),  # noqa: B008 - a tuple of numbers
) -> PeelChains:  # fmt: skip
    """Return the chains of transactions that spend one coin and pay a small and a large output.

    Parameters
    ----------
    ledger : Ledger
        Coin chains.
    steps : PeelSteps, optional
        Where the habits of clusters tell how a chain goes on, they decide. Elsewhere the rest is
        the larger output, if its address was never seen before.
    tags : Tags, optional
        Whom small parts were paid to, and the rest. A chain ends where the rest goes to a service
        of theirs, as `Tags.services` has them: what it spends later is no longer the payer's.
    shape : Shape
        What is called a chain.

    Raises
    ------
    InputError
        If a number of the shape is out of range.

    Fails when
    ----------
    The larger output is a payment, as when somebody buys for most of a coin: then the chain leads
    to a stranger, and through a service that no tag names. Wallets that pay from one large coin
    have this shape without any intent.

    References
    ----------
    Meiklejohn et al., IMC 2013, for the shape; Kappos et al., USENIX Security 2022, for the habits.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(steps, (PeelSteps, type(None)), "steps", "pass what peel_steps(...) returns")
    expect(shape, Shape, "shape", "pass Shape(least_hops=5), or leave it out")
    if min(shape) < 1 or shape.most_percent > 100 or shape.least_hops < 2:
        raise InputError(
            f"no chain has the shape {tuple(shape)}",
            remedy="give two hops or more, 1 to 100 percent, and a day or more",
        )
    names = _names(tags)
    placed = _placed(_hops(ledger, steps, shape, _services(tags)), shape)
    return PeelChains(_chains(placed, names), _peels(placed, names), shape)


def _names(tags: Tagged | None) -> pl.DataFrame:
    """Return the names that tags give: ``chain, address, name``, one row per address."""
    if tags is None:
        schema = {"chain": pl.String, "address": pl.Binary, "name": pl.String}
        return pl.DataFrame(schema=schema)
    said = named(tags).group_by("chain", "address").agg(pl.col("name").unique().sort())
    return said.with_columns(pl.col("name").list.join("; "))


def _services(tags: Tagged | None) -> pl.DataFrame:
    """Return the addresses at which a chain ends: ``chain, rest_address, service`` (true)."""
    schema = {"chain": pl.String, "rest_address": pl.Binary, "service": pl.Boolean}
    if tags is None or "concept" not in tags.frame.columns:
        return pl.DataFrame(schema=schema)
    ending = sorted({one for broad in ENDING for one in (broad, *descendants(broad))})
    rows = tags.frame.filter(pl.col("concept").is_in(ending))
    return rows.select("chain", rest_address="address", service=pl.lit(value=True)).unique()


def _hops(
    ledger: Ledger, steps: PeelSteps | None, shape: Shape, services: pl.DataFrame
) -> pl.DataFrame:
    """Return the transactions that have the shape of a hop, with the next, or why there is none."""
    two = (pl.col("input_count") == 1) & (pl.col("output_count") == 2) & (pl.col("payments") == 2)
    outs = features.outputs(ledger).filter(two & ~pl.col("coinbase") & ~pl.col("shared"))
    both = _told_apart(outs, steps)
    small = 100 * pl.col("value") <= shape.most_percent * pl.col("paid")
    both = both.join(_spenders(ledger), on=[*TX, "rest_n"], how="left")
    both = both.join(services, on=["chain", "rest_address"], how="left")
    known = both.select(
        "chain", spender="tx", spender_time="time", spender_small=small.fill_null(False)
    )
    gap = pl.col("spender_time") - pl.col("time") > pl.duration(days=shape.most_days)
    found = both.filter(small).join(known, on=["chain", "spender"], how="left")
    return found.with_columns(_end(gap).alias("end"))


def _told_apart(outs: pl.DataFrame, steps: PeelSteps | None) -> pl.DataFrame:
    """Return one row per hop: the rest (``rest...``), and the small part."""
    by_habit = pl.DataFrame(schema={"chain": pl.String, "tx": pl.Int64, "habit_n": pl.Int64})
    if steps is not None:
        taken = steps.frame.filter(direction=FORWARD, outcome=NEXT)
        by_habit = taken.select(*TX, habit_n="n")
    wide = outs.with_columns(pl.col("value").cast(pl.Int128))  # two of Dogecoin's need not fit
    rows = wide.join(by_habit, on=TX, how="left").with_columns(
        pl.col("value").sum().over(TX).alias("paid"),
        (pl.col("value") == pl.col("value").max().over(TX)).alias("largest"),
    )
    alone = pl.col("largest") & (pl.col("largest").sum().over(TX) == 1)
    rest = pl.when(pl.col("habit_n").is_not_null()).then(pl.col("n") == pl.col("habit_n"))
    rows = rows.with_columns(rest.otherwise(alone).alias("is_rest"))
    kept = rows.filter("is_rest").select(
        *TX, "spent", "fresh", "spender_input_count", "spender_output_count",
        rest_n="n", rest="value", rest_address="address",
        told_by=pl.when(pl.col("habit_n").is_not_null()).then(pl.lit(HABIT))
        .otherwise(pl.lit(LARGER)),
    )  # fmt: skip
    peels = rows.filter(~pl.col("is_rest")).select(
        *TX, "txid", "time", "n", "address", "value", "paid", payer="first_input"
    )
    return peels.join(kept, on=TX)


def _spenders(ledger: Ledger) -> pl.DataFrame:
    spent = ledger.history.inputs.filter(pl.col("prev_tx").is_not_null())
    named_so = spent.group_by("chain", tx="prev_tx", rest_n="prev_n")
    return named_so.agg(pl.col("tx").min().alias("spender")).collect()


def _end(gap: pl.Expr) -> pl.Expr:
    """Return why a chain goes on no further from a hop; null where it goes on."""
    by_size = pl.col("told_by") == LARGER
    tests = {
        "the rest goes to a tagged service": pl.col("service"),
        "the rest is not spent": ~pl.col("spent"),
        "it is not known whether the rest is spent": pl.col("spent").is_null(),
        "the rest goes to an address seen before": by_size & ~pl.col("fresh"),
        "it is not known whether the rest goes to a new address": by_size
        & pl.col("fresh").is_null(),
        "the rest is spent in another shape": (pl.col("spender_input_count") != 1)
        | (pl.col("spender_output_count") != 2),
        "the next transaction may be of several, or lies outside the span": pl.col(
            "spender_small"
        ).is_null(),
        "the next small part is too large": ~pl.col("spender_small"),
        "the rest waits too long": gap,
    }
    return pl.coalesce(pl.when(test).then(pl.lit(said)) for said, test in tests.items())


def _placed(hops: pl.DataFrame, shape: Shape) -> pl.DataFrame:
    """Return the hops of chains that are long enough, with ``start_tx`` and the place, ``hop``."""
    places = [
        (chain, start, number, tx)
        for (chain,), part in hops.group_by("chain", maintain_order=True)
        for start, line in _lines(part)
        if len(line) >= shape.least_hops
        for number, tx in enumerate(line, 1)
    ]
    schema = {"chain": pl.String, "start_tx": pl.Int64, "hop": pl.Int64, "tx": pl.Int64}
    found = pl.DataFrame(places, schema=schema, orient="row")
    return found.join(hops, on=TX).sort("chain", "start_tx", "hop")


def _lines(hops: pl.DataFrame) -> Iterator[tuple[int, list[int]]]:
    """Yield the chains of one network: a hop has one input, so that each has one before at most."""
    goes_on = hops.filter(pl.col("end").is_null())
    following = dict(goes_on.select("tx", "spender").iter_rows())
    later = set(following.values())
    for start in hops["tx"].sort():
        if start not in later:
            line = [start]
            while line[-1] in following:
                line.append(following[line[-1]])
            yield start, line


def _chains(hops: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Return one row per chain, in ``CHAINS``, with the names that tags give."""
    rows = hops.group_by("chain", "start_tx", maintain_order=True).agg(
        pl.col("txid").first(), pl.col("payer").first(), pl.len().cast(pl.Int64).alias("hops"),
        pl.col("time").first().alias("first"), pl.col("time").last().alias("last"),
        pl.col("paid").first().alias("amount"), pl.col("value").sum().alias("peeled"),
        (pl.col("rest").shift(1) - pl.col("paid")).sum().alias("fees"),
        pl.col("rest", "rest_address", "end").last(),
    )  # fmt: skip
    whom = names.rename({"address": "rest_address", "name": "rest_name"})
    rows = rows.join(whom, on=["chain", "rest_address"], how="left", maintain_order="left")
    return CHAINS.conform(rows.select(CHAINS.names))


def _peels(hops: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Return one row per hop, in ``PEELS``, with the names that tags give."""
    found = hops.join(names, on=["chain", "address"], how="left")
    return PEELS.conform(found.select(PEELS.names).sort(PEELS.key))
