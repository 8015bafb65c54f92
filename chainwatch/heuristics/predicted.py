"""What a link rests on: the claim of its transaction, and for predictions all that was joined.

Whose change an output is can only be said where the inputs have one owner: such a link falls into
doubt with the links of its transaction's inputs. What was predicted from clusters rests on all
that joined these, its *ground*, other predictions included: where anything of it goes, or other
evidence comes, nobody knows whether it would be predicted again. Then it is undecided, and joins
nothing; to have it predicted anew, make owners again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from chainwatch.heuristics.link_rules import CO_SPEND, NO_KEY, OF_INPUTS, PARTIAL, PREDICTED, UNREAD

_KEY = ["chain", "tx", "a", "chain_b", "b", "rule"]

_PREDICTED = pl.col("rule").is_in(PREDICTED)
_OF_INPUTS = pl.col("rule").is_in(OF_INPUTS)
_RESTS = pl.col("tx").is_not_null() & ~_OF_INPUTS & (pl.col("rule") != NO_KEY)
_UNREAD = pl.col("rule") == UNREAD
_JOINS = ~pl.col("veto").fill_null(True)


class Ground(NamedTuple):
    """What predictions from clusters rest on.

    ``links`` are the other links that joined, ``fell`` those of them that what must stay apart
    refused, both by their key and sorted; ``decided`` are the ids of the transactions of which
    rounds told change from payments, whether a link came of it or not.
    """

    links: pl.DataFrame
    fell: pl.DataFrame
    decided: frozenset[bytes]


def keys(links: pl.DataFrame) -> pl.DataFrame:
    """Return links by their keys, sorted, without predictions."""
    if "chain_b" not in links.columns:
        links = links.with_columns(pl.col("chain").alias("chain_b"))
    return links.filter(~_PREDICTED).select(_KEY).unique().sort(_KEY)


def predicts(links: pl.DataFrame) -> bool:
    """Tell whether a prediction from clusters is among links that join."""
    return not links.filter(_PREDICTED & _JOINS).is_empty()


def opened(links: pl.DataFrame) -> pl.DataFrame:
    """Return links of which no prediction from clusters joins any more."""
    return _undecided(links, _PREDICTED)


def fell_open(before: pl.DataFrame, after: pl.DataFrame) -> int:
    """Return how many predictions that joined before are undecided after."""
    on = [name for name in _KEY if name in before.columns and name in after.columns]
    joined = before.filter(_PREDICTED & _JOINS)
    now = after.filter(_PREDICTED & pl.col("veto").is_null())
    return joined.join(now, on=on, how="semi", nulls_equal=True).height


def _undecided(links: pl.DataFrame, these: pl.Expr) -> pl.DataFrame:
    """Return links of which some are undecided where they joined; refused ones stay refused."""
    return links.with_columns(pl.when(~(these & _JOINS)).then("veto").alias("veto"))


def resting(before: pl.DataFrame, left: pl.DataFrame) -> pl.DataFrame:
    """Return the links that are left of others; what rests on those that are gone is undecided.

    An input of which no flag was read is linked to one of those that are bound, picked by its
    bytes: without the links that tie these together, nobody knows to whom it belongs.
    """
    if left.filter((_RESTS | _UNREAD) & _JOINS).is_empty():
        return left
    on = [name for name in _KEY if name in before.columns]
    joined = before.filter(_JOINS)
    gone = joined.join(left.filter(_JOINS), on=on, how="anti", nulls_equal=True)
    if gone.is_empty():
        return left
    bound = gone.filter(pl.col("rule") == CO_SPEND)
    left = _where(left, bound, ["chain", "tx"], _UNREAD & _JOINS, veto=None)
    return _doubting(opened(left), gone.filter(_OF_INPUTS))


def settled(links: pl.DataFrame) -> pl.DataFrame:
    """Return links of several readings, one transaction's as one: who doubts is right.

    A link of inputs joins only if no reading refuses the transaction, none leaves the link itself
    open and, where its own flags were not read, none knows of an input signed in part; what rests
    on a transaction joins only if all the links of its inputs do.
    """
    of_inputs = links.filter(_OF_INPUTS & pl.col("tx").is_not_null())
    contested = of_inputs.filter(~_JOINS)
    if contested.is_empty():
        return links
    refused = contested.filter(pl.col("veto").fill_null(False))
    parted = contested.filter(pl.col("rule") == PARTIAL)
    pair = ["chain", "tx", "a", "chain_b", "b"]
    links = _where(links, refused, ["chain", "tx"], _OF_INPUTS, veto=True)
    links = _where(links, contested, pair, _OF_INPUTS & _JOINS, veto=None)
    links = _where(links, parted, ["chain", "tx"], _UNREAD & _JOINS, veto=None)
    return _doubting(links, contested)


def _doubting(links: pl.DataFrame, of_inputs: pl.DataFrame) -> pl.DataFrame:
    """Return links of which nothing joins that rests on the claims of some links of inputs."""
    return _where(links, of_inputs, ["chain", "tx"], _RESTS & _JOINS, veto=None)


def _where(
    links: pl.DataFrame, others: pl.DataFrame, on: list[str], these: pl.Expr, *, veto: bool | None
) -> pl.DataFrame:  # fmt: skip
    """Return links with a veto for those that share a key with others."""
    if others.is_empty():
        return links
    hit = others.select(on).unique().with_columns(pl.lit(True).alias("hit"))
    found = links.join(hit, on=on, how="left", maintain_order="left")
    said = pl.when(these & pl.col("hit").fill_null(False)).then(pl.lit(veto, pl.Boolean))
    return found.with_columns(said.otherwise("veto").alias("veto")).drop("hit")


def grounded(
    links: pl.DataFrame, grounds: Iterable[Ground | None]
) -> tuple[pl.DataFrame, Ground | None]:
    """Return links of several sources with the ground of their predictions.

    Predictions stay where all that joins besides is their ground, no more and no less. Some that
    were made by hand name none, and stay as they are.
    """
    given = [one for one in grounds if one is not None]
    if not given or not predicts(links):
        return links, None
    here = keys(links.filter(_JOINS))
    if all(one.links.equals(here) for one in given):
        return links, given[0]
    return opened(links), None


def shaken(links: pl.DataFrame, ground: Ground | None, refused: pl.DataFrame) -> bool:
    """Tell whether predictions that join are no longer sure, for what must stay apart.

    Parameters
    ----------
    links : polars.DataFrame
        All links.
    ground : Ground or None
        What its predictions rest on; None takes it that nothing was kept apart.
    refused : polars.DataFrame
        Those that what must stay apart refuses now.
    """
    if not predicts(links):
        return False
    if not refused.filter(_PREDICTED).is_empty():
        return True
    now = keys(refused)
    return not now.is_empty() if ground is None else not now.equals(ground.fell)
