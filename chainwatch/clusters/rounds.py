"""From change to clusters and back, round by round: whose change an output is, and what it joins.

Each round reads the clusters of all rounds before. An output whose address is the payer's already
is his change, and the other outputs of that transaction are payments. A payee and a payer must not
be joined by a prediction, now or later, so that a payee is ruled out as change wherever the same
payer pays him. Where one output is left, it is predicted to be the change, and joins unless that
would bring together what must stay apart. Co-spending is never refused for a prediction's sake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from chainwatch.clusters.apart import ACTORS, APART, Apart
from chainwatch.clusters.forest import Forest, grow
from chainwatch.errors import expect
from chainwatch.heuristics.change.links import (
    as_links,
    doubted,
    joint,
    judged,
    linkable,
    only_change,
)
from chainwatch.heuristics.coinjoin import JOINT
from chainwatch.heuristics.link_rules import AFTER, CHANGE, ONE_CLAIM
from chainwatch.heuristics.links import BOTH_ENDS, LINK_KEY, LINKS, Links
from chainwatch.heuristics.predicted import Ground, keys
from chainwatch.heuristics.rates import MEASURED, Rates, made_by
from chainwatch.heuristics.rule import VERDICT, Rule
from chainwatch.heuristics.signing import UnreadFlags, checked, pairs
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import CHAIN, TX, TXID, Column, Rows, Table

KNOWN, JOINED, REFUSED = "known", "joined", "refused"

_TX = ["chain", "tx"]
_PLACE = ["chain", "address"]

ROUNDS = Table(
    "rounds",
    ("chain", "tx"),
    "One row per transaction whose change was decided, with the round that did.",
    (
        CHAIN,
        TX,
        TXID,
        Column.number("round", "1, 2, ...: it reads the clusters of all rounds before"),
        Column.kind(
            "fate",
            "known: an output was the payer's already; joined: one output was predicted to be;"
            " refused: that would have joined what must stay apart",
        ),
        Column.party("payer", "the smallest address of its inputs"),
        Column.party("change", "address of the predicted change; null where it was known"),
        Column.number("payments", "other outputs that are taken for payments"),
    ),
)

PAIRS = Table(
    "payments",
    ("chain", "tx", "a", "b"),
    "Payer and payee of each payment that was told from change: no prediction joins them.",
    (
        CHAIN,
        TX,
        Column.party("a", "the smallest address of the inputs"),
        Column.party("b", "the address that is paid"),
        Column.number("round", "the round in which the transaction was decided"),
    ),
)


@dataclass(frozen=True, repr=False, eq=False)
class Rounds(Result):
    """What was predicted of change, and in which round.

    Attributes
    ----------
    frame : polars.DataFrame
        Decided transactions, in ``ROUNDS``.
    payments : polars.DataFrame
        Who must not be joined by a prediction, in ``PAIRS``.
    links : Links
        Predicted change: joining, refused and undecided.
    """

    frame: pl.DataFrame
    payments: pl.DataFrame
    links: Links

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {
            "rounds": ROUNDS.rows(self.frame),
            "payments": PAIRS.rows(self.payments),
            "links": LINKS.rows(self.links.frame),
        }

    @property
    def last(self) -> int:
        """The last round in which anything was decided; 0 without any."""
        return int(self.frame["round"].max() or 0)  # type: ignore[arg-type]  # a whole number

    def __repr__(self) -> str:
        fates = dict(self.frame["fate"].value_counts().iter_rows())
        told = ", ".join(f"{fates.get(one, 0):,} {one}" for one in (KNOWN, JOINED, REFUSED))
        return f"Rounds({self.last} rounds, {told}, {self.links.counts()['undecided']:,} undecided)"


@recorded
def predicted_links(rounds: Rounds) -> Links:
    """Return the links that rounds predicted, with the record of how they came about."""
    return Links(rounds.links.frame, ground=rounds.links.ground)


@recorded
def change_rounds(
    ledger: Ledger, links: Links, rule: Rule, *, unless: Rule | None = JOINT,
    unread_flags: UnreadFlags = "by_height", revealed: bool = True, apart: Apart | None = None,
    most_rounds: int | None = None, rates: Rates = MEASURED,
) -> Rounds:  # fmt: skip
    """Predict change from a rule and from clusters, round by round, until nothing moves.

    Parameters
    ----------
    ledger : Ledger
        Coin chains.
    links : Links
        What joins owners without any prediction, such as co-spending.
    rule : Rule
        On outputs: true of one that cannot be ruled out as change.
    unless : Rule or None
        Transactions that strangers built together take no part; what the rule says of them is
        kept as refused or undecided links.
    unread_flags, revealed
        As :func:`chainwatch.heuristics.co_spend.co_spends` took them: transactions whose inputs it
        left undecided take no part either, nor do those whose inputs the links do not join.
    apart : Apart, optional
        What must not come into one cluster whatever is predicted.
    most_rounds : int or None
        After so many rounds no more is predicted; None goes on until nothing moves.
    rates : Rates
        What confidences rest on.

    Fails when
    ----------
    A prediction is wrong: it joins payer and payee, and later rounds build on it. Or a payer pays
    himself beside his change: then his own address is taken for a payee's.

    References
    ----------
    Moser and Narayanan, FC 2022, for pairs that must not be linked; Zhang, Wang and Luo, IEEE
    Access 2020, for going round until nothing is left to recover.
    """
    expect(links, Links, "links", "pass links, as co_spends(ledger) returns them")
    answers = judged(ledger, rule, revealed=revealed)
    rows = _payments(answers)
    vetoes = joint(ledger, rows, unless)
    standing = grow(links.joining, apart=apart)
    spent = pairs(ledger, unread_flags=checked(unread_flags), revealed=revealed)
    inputs = _not_one(spent, links.joining, standing)
    free = vetoes.filter(~pl.col("veto")).select(_TX).join(inputs, on=_TX, how="anti")
    state = _start(rows.join(free, on=_TX, how="semi"), standing, apart or Apart())
    confidence = rates.column(made=made_by(unless, rule))
    for number in range(1, (most_rounds or rows.height + 1) + 1):
        state, moved = _round(state, number, confidence)
        if not moved:
            break
    stopped = doubted(only_change(answers).join(free, on=_TX, how="anti"), inputs)
    told = pl.concat([stopped, _undecided(state)], how="diagonal")
    told = as_links(told.with_columns(pl.lit(CHANGE).alias("rule")), vetoes, confidence)
    made = pl.concat([LINKS.empty(), *state.links, told]).sort(LINK_KEY)
    frame = pl.concat([ROUNDS.empty(), *state.decided]).sort(ROUNDS.key)
    ground = Ground(keys(links.joining), keys(standing.refused), frozenset(frame["txid"]))
    return Rounds(frame, state.pairs.sort(PAIRS.names), Links(made, ground=ground))


def _not_one(spent: pl.DataFrame, joining: pl.DataFrame, standing: Forest) -> pl.DataFrame:
    """Return the transactions whose inputs may be of several owners: ``chain, tx``.

    Their flags leave it open, or what joins them is not among the links, or fell.
    """
    claims = pl.col("rule").is_in(ONE_CLAIM)
    several = spent.filter(pl.col("rule").is_not_null())
    left_out = several.join(joining.filter(claims), on=_TX, how="anti")
    fell = standing.refused.filter(claims)
    parts = [spent.filter("doubt"), left_out, fell]
    return pl.concat([part.select(_TX) for part in parts]).unique()


class State(NamedTuple):
    """What the rounds so far left.

    ``rows`` are the payments of transactions that are not decided, ``clusters`` the cluster of
    every address among them, ``pairs`` payer and payee of each payment.
    """

    rows: pl.DataFrame
    clusters: pl.DataFrame
    pairs: pl.DataFrame
    apart: Apart
    links: list[pl.DataFrame]
    decided: list[pl.DataFrame]


def _payments(answers: pl.DataFrame) -> pl.DataFrame:
    """Return the payments of transactions that may have change beside them."""
    several = (pl.col("payments") > 1) & pl.col("payment") & ~pl.col("shared")
    named = pl.col("first_input").is_not_null() & ~pl.col("coinbase")
    columns = ("txid", "time", "n", "address", "first_input", "first_basis", "to_input", VERDICT)
    return answers.filter(several & named).select(*_TX, *columns)


def _start(rows: pl.DataFrame, standing: Forest, apart: Apart) -> State:
    """Return the state before the first round: the clusters of the links given."""
    ends = [rows.select("chain", address=side) for side in ("address", "first_input")]
    ends += [apart.frame.select("chain", address="a"), apart.frame.select("chain_b", address="b")
             .rename({"chain_b": "chain"}), apart.actors.select(_PLACE)]  # fmt: skip
    places = pl.concat(ends).drop_nulls().unique()
    clusters = places.join(standing.members, on=_PLACE, how="left").with_columns(
        pl.coalesce("cluster", "address").alias("cluster")
    )
    return State(rows, clusters, PAIRS.empty(), apart, [], [])


def _round(state: State, number: int, confidence: pl.Expr) -> tuple[State, bool]:
    """Decide what the clusters allow, and join what was predicted; tell whether anything moved."""
    rows = _with_clusters(state)
    own = pl.col("cluster") == pl.col("payer")
    known = rows.filter(own.fill_null(False).any().over(_TX))
    told = _pairs(known.filter(~own), number)
    pairs = pl.concat([state.pairs, told])
    open_ = _ruled_out(rows.join(known, on=_TX, how="anti"), pairs, state.clusters)
    predicted = _predicted(open_)
    others = open_.join(predicted, on=_TX, how="semi").filter(pl.col("out"))
    pairs = pl.concat([pairs, _pairs(others, number)])
    clusters, refused = _join(state, predicted, pairs, confidence)
    links = _links(predicted, refused, confidence)
    decided = _decided(known, predicted, refused, pairs, number)
    gone = pl.concat([known.select(_TX), predicted.select(_TX)]).unique()
    rest = state.rows.join(gone, on=_TX, how="anti")
    after = State(
        rest, clusters, pairs, state.apart, [*state.links, links], [*state.decided, decided]
    )
    return after, gone.height > 0


def _with_clusters(state: State) -> pl.DataFrame:
    """Return the payments with the cluster of each, and of who pays."""
    payer = state.clusters.rename({"address": "first_input", "cluster": "payer"})
    return state.rows.join(state.clusters, on=_PLACE, how="left").join(
        payer, on=["chain", "first_input"], how="left"
    )


def _pairs(rows: pl.DataFrame, number: int) -> pl.DataFrame:
    """Return payer and payee of payments as rows in ``PAIRS``."""
    named = rows.filter(pl.col("address").is_not_null())
    return (
        named.select(*_TX, a="first_input", b="address", round=pl.lit(number, pl.Int64))
        .unique()
        .select(PAIRS.names)
    )


def _between(pairs: pl.DataFrame, clusters: pl.DataFrame) -> pl.DataFrame:
    """Return the clusters that pairs keep apart, both ways round: ``chain, payer, cluster``."""
    ends = [
        clusters.select("chain", pl.col("address").alias(side), pl.col("cluster").alias(f"c{side}"))
        for side in ("a", "b")
    ]
    both = pairs.select("chain", "a", "b").unique()
    for side, end in zip(("a", "b"), ends, strict=True):
        both = both.join(end, on=["chain", side])
    here = both.select("chain", payer="ca", cluster="cb")
    return pl.concat([here, both.select("chain", payer="cb", cluster="ca")]).unique()


def _ruled_out(rows: pl.DataFrame, pairs: pl.DataFrame, clusters: pl.DataFrame) -> pl.DataFrame:
    """Return payments with ``out``: the rule rules it out, or it is a payee of the payer."""
    payees = _between(pairs, clusters).with_columns(pl.lit(True).alias("payee"))
    found = rows.join(payees, on=["chain", "payer", "cluster"], how="left")
    return found.with_columns(
        (pl.col("payee").fill_null(False) | ~pl.col(VERDICT).fill_null(True)).alias("out")
    )


def _predicted(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the one output that is left of a transaction, and by which rule it is."""
    left = (~pl.col("out")).sum().over(_TX)
    by_rule = (~pl.col(VERDICT)).fill_null(False).sum().over(_TX) == pl.len().over(_TX) - 1
    name = pl.when(by_rule).then(pl.lit(CHANGE)).otherwise(pl.lit(AFTER))
    sure = pl.col(VERDICT).fill_null(False) & ~pl.col("out") & linkable()
    return rows.with_columns(left.alias("left"), name.alias("rule")).filter(
        sure & (pl.col("left") == 1)
    )


def _join(
    state: State, predicted: pl.DataFrame, pairs: pl.DataFrame, confidence: pl.Expr
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Join the clusters that predictions join; return them, and the predictions that were refused.

    Clusters stand for their addresses here: what they hold is one whatever is predicted.
    """
    swap = pl.col("payer") > pl.col("cluster")
    edges = predicted.select(
        "chain", "tx", "txid", "time", "rule",
        a=pl.when(swap).then("cluster").otherwise("payer"),
        b=pl.when(swap).then("payer").otherwise("cluster"),
        chain_b="chain", confidence=confidence, veto=False, basis="first_basis",
    ).select(pl.col(name).cast(kind) for name, kind in BOTH_ENDS.schema.items())  # fmt: skip
    made = grow(edges, apart=_kept_apart(state, pairs))
    moved = made.members.select("chain", cluster="address", new="cluster")
    clusters = state.clusters.join(moved, on=["chain", "cluster"], how="left").select(
        *_PLACE, pl.coalesce("new", "cluster").alias("cluster")
    )
    return clusters, made.refused.select(_TX).unique()


def _kept_apart(state: State, pairs: pl.DataFrame) -> Apart:
    """Return payers and payees, and what the user keeps apart, as clusters that must not join."""
    cluster = state.clusters
    between = _between(pairs, cluster).filter(pl.col("payer") < pl.col("cluster"))
    predicted = between.select(
        "chain", a="payer", b="cluster", reason=pl.lit("payer and payee"), chain_b="chain"
    )
    one = cluster.select("chain", a="address", ca="cluster")
    other = cluster.select(chain_b="chain", b="address", cb="cluster")
    stated = state.apart.frame.join(one, on=["chain", "a"]).join(other, on=["chain_b", "b"])
    stated = stated.filter((pl.col("chain") != pl.col("chain_b")) | (pl.col("ca") != pl.col("cb")))
    swap = (pl.col("chain") == pl.col("chain_b")) & (pl.col("ca") > pl.col("cb"))
    stated = stated.select(
        "chain",
        pl.when(swap).then("cb").otherwise("ca").alias("a"),
        pl.when(swap).then("ca").otherwise("cb").alias("b"),
        "reason",
        "chain_b",
    )
    actors = state.apart.speaking.join(cluster, on=_PLACE).select(
        "chain", "actor", address="cluster"
    )  # fmt: skip
    return Apart(
        pl.concat([predicted, stated]).select(APART.names).unique().sort(APART.names),
        actors.select(ACTORS.names).unique().sort(ACTORS.names),
    )


def _links(predicted: pl.DataFrame, refused: pl.DataFrame, confidence: pl.Expr) -> pl.DataFrame:
    """Return predictions as links: those that were refused with a veto."""
    vetoes = (
        predicted.select(_TX)
        .join(refused.with_columns(pl.lit(True).alias("veto")), on=_TX, how="left")
        .with_columns(pl.col("veto").fill_null(False))
    )
    told = predicted.with_columns(pl.lit(True).alias("sure"), basis="first_basis")
    return as_links(told, vetoes, confidence)


def _decided(
    known: pl.DataFrame,
    predicted: pl.DataFrame,
    refused: pl.DataFrame,
    pairs: pl.DataFrame,
    number: int,
) -> pl.DataFrame:
    """Return what this round decided as rows in ``ROUNDS``."""
    paid = pairs.filter(pl.col("round") == number).group_by(_TX)
    counts = paid.agg(pl.len().cast(pl.Int64).alias("payments"))
    fates = refused.with_columns(pl.lit(REFUSED).alias("fate"))
    already = known.select(*_TX, "txid", payer="first_input").unique()
    new = predicted.select(*_TX, "txid", payer="first_input", change="address")
    told = pl.concat(
        [
            already.with_columns(pl.lit(KNOWN).alias("fate")),
            new.join(fates, on=_TX, how="left").with_columns(pl.col("fate").fill_null(JOINED)),
        ],
        how="diagonal",
    )
    return (
        told.join(counts, on=_TX, how="left")
        .with_columns(pl.lit(number).alias("round"), pl.col("payments").fill_null(0))
        .select(pl.col(name).cast(kind) for name, kind in ROUNDS.schema.items())
    )


def _undecided(state: State) -> pl.DataFrame:
    """Return what one more answer of the rule would decide, as :func:`only_change` does."""
    rows = _ruled_out(_with_clusters(state), state.pairs, state.clusters)
    verdict = pl.when(pl.col("out")).then(pl.lit(False)).otherwise(pl.col(VERDICT))
    told = rows.with_columns(
        verdict.alias(VERDICT), pl.lit(True).alias("payment"), pl.lit(2).alias("payments")
    )
    return only_change(told).with_columns(pl.lit(False).alias("sure"))
