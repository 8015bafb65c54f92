"""Whirlpool: mixes of a fixed amount, their descent, and the transaction that prepares coins."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.rule import decide, rule


@rule(on="transactions", refs=("coinjoin-analysis", "dumplings", "wasabi-samourai2022"))
def whirlpool_mix(
    pools: tuple[int, ...] = (100_000, 1_000_000, 2_500_000, 5_000_000, 25_000_000, 50_000_000),
    fewest: int = 5,
    most: int = 8,
    most_added: int = 110_000,
    most_new: int = 4,
) -> nw.Expr:
    """As many inputs as outputs, all outputs of a pool's amount, and the inputs hardly more.

    Those who enter pay the miner's fee for all, so their inputs hold a little more; those who mix
    again bring just the amount. There is at least one of each. Mixes began at height 570,000, by
    Dumplings: ``since(570_000)``.

    Parameters
    ----------
    pools : tuple of int
        Amounts, in satoshi: Samourai's four, and two that Ashigaru opened in 2025.
    fewest : int
        Fewest inputs, and as many outputs.
    most : int
        Most of them. Dumplings looks for up to 10.
    most_added : int
        Satoshi that an input may hold beyond the amount.
    most_new : int
        Most inputs that hold more than the amount.

    Returns
    -------
    true, false or null
        Null where the outputs fit and values of inputs that were not read decide.

    Fails when
    ----------
    A mix has more who enter or nobody who mixes again, as the first of each pool: *no*. Somebody
    pays a pool's amount to five with five coins that just suffice: *yes*.

    References
    ----------
    crocs-muni/coinjoin-analysis (Svenda et al., PETS 2026); Dumplings, ``Scanner.cs``; Stuetz et
    al., AFT 2022, who report more than 99 % found.
    """
    spent, pool = nw.col("input_count"), nw.col("output_min")
    shape = (
        (spent == nw.col("output_count"))
        & (spent >= fewest)
        & (spent <= most)
        & (pool == nw.col("output_max"))
        & pool.is_in(pools)
        & (nw.col("output_addresses") == spent)
    )
    new, again = nw.col("inputs_above"), nw.col("inputs_equal")
    fits = (
        ~(nw.col("input_min") < pool)
        & ~(nw.col("input_max") > pool + most_added)
        & (new <= most_new)
    )
    both = (new >= 1) & (again >= 1)
    read = nw.col("inputs_unread") == 0
    return decide(shape & read & fits & both, shape & fits & (both | ~read))


@rule(on="transactions", refs=("coinjoin-analysis", "wasabi-samourai2022"))
def whirlpool_lineage(
    pools: tuple[int, ...] = (100_000, 1_000_000, 2_500_000, 5_000_000, 25_000_000, 50_000_000),
) -> nw.Expr:
    """It descends from the first mix of a pool, mix by mix: nothing else can look so.

    Whoever mixes again spends an output of a mix, so all mixes hang on the first ones. No amount
    of an input needs to be read, but the mixes between.

    Parameters
    ----------
    pools : tuple of int
        Amounts, in satoshi.

    Returns
    -------
    true, false or null
        Null where the outputs fit and a transaction before it was not read.

    Fails when
    ----------
    Somebody who took part pays five others alike from mixed coins, a pool's amount each: *yes*.
    A pool whose first mix is not listed: *no*.

    References
    ----------
    The first mixes are listed by crocs-muni/coinjoin-analysis, and by Stuetz et al., AFT 2022:
    :mod:`chainwatch.ledger.joint.protocols`.
    """
    return nw.col("whirlpool_descent") & nw.col("output_min").is_in(pools)


@rule(on="transactions", refs=("graphsense-heuristics", "coinjoin-analysis"))
def whirlpool_tx0(most_premix: int = 70, most_rest: int = 2) -> nw.Expr:
    """One wallet cuts its coins for a pool (*Tx0*): it is no mix, and its inputs have one owner.

    It carries data, pays the pool's fee once, puts aside outputs that hold the amount and a little
    for the miner, and keeps what is left. Many are alike, so that it looks like a mix and is none.

    Parameters
    ----------
    most_premix : int
        Most outputs that are put aside.
    most_rest : int
        Most other outputs besides the fee: change.

    Fails when
    ----------
    The fee was waived, or the pool is not one of Samourai's: *no*. A mix of strangers that carries
    data and has a pool's amount and fee: *yes*. So nobody is joined by it:
    :func:`possible_tx0` doubts a mix, and denies none.

    References
    ----------
    GraphSense, ``heuristics_service.py``, which is surer where an output goes on into a mix; pools
    and fees are facts of the chain.
    """
    return _prepares(most_premix, most_rest)


@rule(on="transactions", refs=("graphsense-heuristics", "coinjoin-analysis"))
def possible_tx0(most_premix: int = 70, most_rest: int = 2) -> nw.Expr:
    """What looks like a mix may be one wallet that cuts its coins for a pool: a doubt, no denial.

    Strangers can give their mix the shape of a Tx0, and nothing in a transaction tells the two
    apart. So the rule never says *yes*: joined by ``& ~``, it turns a *yes* into *unknown*.

    Parameters
    ----------
    most_premix : int
        Most outputs that are put aside.
    most_rest : int
        Most other outputs besides the fee: change.

    Returns
    -------
    false or null
        Null where the transaction has that shape.

    Fails when
    ----------
    Someone prepares his coins, and the transaction looks like a mix: his own links are left
    undecided.

    References
    ----------
    As :func:`whirlpool_tx0`.
    """
    return decide(nw.lit(False), _prepares(most_premix, most_rest))


def _prepares(most_premix: int, most_rest: int) -> nw.Expr:
    """Return whether a transaction has data, a pool's fee, and outputs just above its amount."""
    aside, fees = nw.col("premix_outputs"), nw.col("premix_fees")
    rest = nw.col("payments") - aside - fees
    return (
        (nw.col("op_returns") == 1)
        & (aside >= 1)
        & (aside <= most_premix)
        & (fees == 1)
        & (rest <= most_rest)
    )


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
