"""Equal outputs of a transaction, and how many parties can have brought the money for them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate

import polars as pl

from chainwatch.addresses.keyless import without_key
from chainwatch.ledger.joint.tables import Tables
from chainwatch.units import exact_sum

DUST = 2730
"""Satoshi. Outputs up to this value are not counted as an equal amount. BlockSci leaves out the
values 546 and 2,730, GraphSense all up to 2,730: the smallest P2PKH outputs that nodes relayed at
1,000 and at 5,000 satoshi per 1,000 bytes."""

PAID_PER_MILLE, PAID_SATOSHI = 5, 10_000
"""What others may add to what a party brings: 0.5 % of the equal output or 10,000 satoshi, of these
the larger, and never more than a tenth of the output (``MOST_PAID``). JoinMarket's makers earn a
fee and pay none to the miner; with these bounds its transactions are taken apart into participants.
In Wasabi 1 who mixes again brings some hundred satoshi less than he takes: in 139 of 152 recorded
transactions of 2018 fewer inputs than equal outputs hold the whole amount."""

MOST_PAID = 10
"""Others add at most the equal output divided by this: 10,000 satoshi are half of 20,000, and who
brings half of what he takes is no party to a mix. Of 100,000, Whirlpool's smallest pool, they are a
tenth."""


_TX = ["chain", "tx"]


def equal_outputs(tables: Tables) -> pl.DataFrame:
    """Return one row per transaction that pays more than dust, with its equal outputs.

    An address is one party, whatever the number of its inputs, and so is each input without an
    address; a coin that asks for no key is nobody's and no party. Parties that are one owner cannot
    be told apart from two: all that is said is how many there can be. Each brings at least what he
    takes: the value of an equal output, less what others may add (``PAID_PER_MILLE``).

    Returns
    -------
    polars.DataFrame
        ``chain, tx``, and, each 0 where there is none,

        - ``equal_outputs``: how many distinct addresses (or scripts, where there is none) receive
          the most repeated value above dust; ``equal_value``: that value, of several the largest;
        - ``repeated_values, single_values``: how many values above dust have several payees, and
          how many have one;
        - ``funded_each``: the most equal outputs of one value for which as many groups of input
          addresses can be shown that hold it, one each;
        - ``fundable_each``: the most equal outputs of one value for which there may be as many;
          every address of which an input was not read, and every input without one, may be one
          more party;
        - ``fundable``: the most equal outputs of one value that two or more parties can have
          funded between them, so with several outputs for some of them.

    References
    ----------
    BlockSci ``isCoinjoinExtra`` asks the same by search, which can run out of time. How many
    groups can be made is the problem of bin covering; here it is enclosed between two bounds.
    """
    values = _values(tables)
    repeated = values.filter(pl.col("equal") > 1).with_columns(_goal())
    parties = _parties(tables, repeated)
    least = _least(repeated, parties.filter("named"))
    silent = _silent(tables, repeated)
    judged = _most(repeated, parties, silent, _unread(tables, repeated, silent))
    judged = judged.with_columns(least)
    return (
        _commonest(values)
        .join(_largest(judged), on=_TX, how="left", maintain_order="left")
        .with_columns(pl.col("funded_each", "fundable_each", "fundable").fill_null(0))
    )


def _goal() -> pl.Expr:
    """Return what a party must bring for one equal output."""
    value = pl.col("value").cast(pl.Int128)
    added = pl.max_horizontal(value * PAID_PER_MILLE // 1000, pl.lit(PAID_SATOSHI, pl.Int128))
    return (value - pl.min_horizontal(added, value // MOST_PAID)).alias("goal")


def _values(tables: Tables) -> pl.DataFrame:
    """Return how many payees each value of a transaction above dust has: ``equal``."""
    # Both columns: a script of a stranger's making may hold the same bytes as an address.
    # An address is a payee also where its script is kept for the tokens that it carries.
    payee = pl.struct("address", pl.when(pl.col("address").is_null()).then("script"))
    paid = tables.outputs.filter((pl.col("value") > DUST) & pl.col("spendable"))
    key = [*_TX, "value"]
    counted = paid.group_by(key).agg(pl.len().alias("rows"))
    # Payees are told apart only where there are several outputs: it is slow, and few are.
    payees = (
        paid.join(counted.filter(pl.col("rows") > 1), on=key, how="semi")
        .group_by(key)
        .agg(payee.n_unique().cast(pl.Int64).alias("equal"))
    )
    return (
        counted.join(payees, on=key, how="left")
        .select(*key, pl.col("equal").fill_null(1))
        .sort(key)
        .collect()
    )


def _commonest(values: pl.DataFrame) -> pl.DataFrame:
    counted = values.group_by(_TX).agg(
        pl.col("equal").max().alias("equal_outputs"),
        pl.col("value").max().alias("largest"),
        (pl.col("equal") > 1).sum().cast(pl.Int64).alias("repeated_values"),
        (pl.col("equal") == 1).sum().cast(pl.Int64).alias("single_values"),
    )
    # Ties go to the larger amount: the answer must not depend on the order of rows.
    several = values.filter(pl.col("equal") > 1).select(*_TX, "value", equal_outputs="equal")
    common = several.join(counted, on=[*_TX, "equal_outputs"]).group_by(_TX)
    return (
        counted.join(common.agg(pl.col("value").max()), on=_TX, how="left")
        .with_columns(pl.coalesce("value", "largest").alias("equal_value"))
        .drop("value", "largest")
        .sort(_TX)
    )


def _parties(tables: Tables, repeated: pl.DataFrame) -> pl.DataFrame:
    """Return what each possible party brings, for transactions with equal outputs."""
    named = pl.col("address").is_not_null()
    return (
        tables.inputs.join(repeated.select(_TX).unique().lazy(), on=_TX, how="semi")
        .filter(pl.col("value").is_not_null() & ~without_key().fill_null(False))
        .group_by(*_TX, "address", pl.when(~named).then("n").alias("apart"))
        .agg(exact_sum("value").alias("amount"))
        .select(*_TX, "address", pl.col("amount").cast(pl.Int128), named.alias("named"))
        .collect()
    )


def _silent(tables: Tables, repeated: pl.DataFrame) -> pl.DataFrame:
    """Return the addresses that spend a value that was not read: each may hold any amount."""
    return (
        tables.inputs.join(repeated.select(_TX).unique().lazy(), on=_TX, how="semi")
        .filter(pl.col("value").is_null() & pl.col("address").is_not_null())
        .group_by(*_TX, "address")
        .agg(pl.len().cast(pl.Int64).alias("inputs"))
        .collect()
    )


def _unread(tables: Tables, repeated: pl.DataFrame, silent: pl.DataFrame) -> pl.DataFrame:
    """Return how many parties each transaction may have besides those whose amounts were read.

    Inputs of one address are one party. Rows of inputs may be missing: each may be one more.
    """
    read = (
        tables.inputs.filter(pl.col("value").is_not_null())
        .group_by(_TX)
        .agg(pl.len().cast(pl.Int64).alias("read"))
    )
    known = silent.group_by(_TX).agg(
        (pl.col("inputs") - 1).sum().cast(pl.Int64).alias("of_another")
    )
    return (
        tables.transactions.join(repeated.select(_TX).unique().lazy(), on=_TX, how="semi")
        .filter(~pl.col("coinbase"))
        .join(read, on=_TX, how="left")
        .join(known.lazy(), on=_TX, how="left")
        .with_columns(pl.col("read", "of_another").fill_null(0))
        .select(
            *_TX, (pl.col("input_count") - pl.col("read") - pl.col("of_another")).alias("unread")
        )
        .collect()
    )


def _most(
    repeated: pl.DataFrame, parties: pl.DataFrame, silent: pl.DataFrame, unread: pl.DataFrame
) -> pl.DataFrame:
    """Return each repeated value with ``most``: no more parties can have funded one each.

    Take any way of putting the parties of a transaction into groups that each hold the goal. The
    groups that hold a large party, one with the goal alone, are no more than there are large
    parties. The others are made of small ones only. They are no more than half of these, as none
    holds the goal alone, and no more than the goal goes into what the small ones hold together.
    A party of which an input was not read may make one more group hold any amount. So no way has
    more groups than the sum of the three.
    """
    small = _of_small()
    # Who brings more than was read is counted among those who may hold any amount.
    sure = parties.join(silent, on=[*_TX, "address"], how="anti")
    found = _split(repeated, sure)
    return found.join(unread, on=_TX, how="left", maintain_order="left").select(
        *_TX,
        "value",
        "equal",
        (pl.col("large") + small + pl.col("unread").fill_null(0)).alias("most"),
    )


def _of_small() -> pl.Expr:
    """Return an upper bound of the groups of small parties alone."""
    return pl.min_horizontal(pl.col("held") // pl.col("goal"), pl.col("small") // 2)


def _split(repeated: pl.DataFrame, parties: pl.DataFrame) -> pl.DataFrame:
    """Add to each row how many parties of its transaction reach ``goal``, and what the others hold.

    ``large`` of them hold the goal alone; the ``small`` ones hold ``held`` together.
    """
    goals = repeated.select(*_TX, "value", "equal", "goal", pl.col("goal").alias("amount"),
                            pl.lit(0, pl.Int128).alias("party"))  # fmt: skip
    brought = parties.select(*_TX, "amount", pl.lit(1, pl.Int128).alias("party"))
    # Sorted by amount, all before a goal is less than it; a party of just the goal stands behind.
    points = pl.concat([goals, brought], how="diagonal").sort(*_TX, "amount", "party")
    party = pl.col("party")
    return (
        points.with_columns(
            party.cum_sum().over(_TX).alias("small"),
            (party * pl.col("amount")).cum_sum().over(_TX).alias("held"),
            party.sum().over(_TX).alias("parties"),
        )
        .filter(party == 0)
        .with_columns((pl.col("parties") - pl.col("small")).alias("large"))
        .sort(*_TX, "value")
    )


def _least(repeated: pl.DataFrame, parties: pl.DataFrame) -> pl.Series:
    """Return for each repeated value of how many groups that hold it one each can be shown."""
    found = _split(repeated, parties)
    enough = pl.col("large") >= pl.col("equal")
    open_ones = found.filter(~enough & (pl.col("large") + _of_small() >= pl.col("equal")))
    brought = _amounts(parties.join(open_ones, on=_TX, how="semi"))
    shown = {
        (chain, tx, value): large + covered(brought[chain, tx][:small], goal)
        for chain, tx, value, large, small, goal in open_ones.select(
            *_TX, "value", "large", "small", "goal"
        ).iter_rows()
    }
    counts = [
        shown.get((chain, tx, value), large)
        for chain, tx, value, large in found.select(*_TX, "value", "large").iter_rows()
    ]
    return pl.Series("least", counts, pl.Int128)


def _amounts(parties: pl.DataFrame) -> Mapping[tuple[str, int], Sequence[int]]:
    """Return what the parties of each transaction bring, the smallest first."""
    grouped = parties.sort("amount").group_by(_TX, maintain_order=True).agg("amount")
    return {(chain, tx): amounts for chain, tx, amounts in grouped.iter_rows()}


def covered(amounts: Sequence[int], goal: int) -> int:
    """Return how many groups of amounts that add up to the goal can be shown: a lower bound.

    Parameters
    ----------
    amounts : sequence of int
        Each below the goal, sorted, the smallest first.
    goal : int
        What a group must hold; above 0.

    Notes
    -----
    Of two ways the better one is taken. Both look up sums in a list, so that the work grows with
    the groups, not with the amounts: a stranger chooses how many values a transaction repeats.

    References
    ----------
    Csirik, Frenk, Labbe and Zhang, "Two simple algorithms for bin covering", 1999.
    """
    before = [0, *accumulate(amounts)]
    return max(_from_both_ends(amounts, before, goal), _in_a_row(before, goal))


def _from_both_ends(amounts: Sequence[int], before: Sequence[int], goal: int) -> int:
    """Fill up the largest that is left with the smallest, as few as reach the goal."""
    low, high, groups = 0, len(amounts) - 1, 0
    while low < high:
        end = bisect_left(before, goal - amounts[high] + before[low])
        if end > high:
            break
        low, high, groups = end, high - 1, groups + 1
    return groups


def _in_a_row(before: Sequence[int], goal: int) -> int:
    """Take the largest that are left, as few as reach the goal."""
    high, groups = len(before) - 1, 0
    while before[high] >= goal:
        high, groups = bisect_right(before, before[high] - goal) - 1, groups + 1
    return groups


def _largest(judged: pl.DataFrame) -> pl.DataFrame:
    """Return per transaction the most equal outputs of a value that passes each of three tests.

    A transaction may repeat several values. Whether *some* value with so many equal outputs passes
    is told by the largest number that does.
    """
    equal = pl.col("equal")
    tests = {
        "funded_each": pl.col("least") >= equal,
        "fundable_each": pl.col("most") >= equal,
        "fundable": pl.col("most") >= 2,
    }
    return judged.group_by(_TX).agg(
        equal.filter(test).max().fill_null(0).alias(name) for name, test in tests.items()
    )
