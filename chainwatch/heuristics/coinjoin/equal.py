"""Equal outputs: what every mix that hides who is who by amounts has in common."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.errors import RuleError
from chainwatch.heuristics.coinjoin.parties import most_parties
from chainwatch.heuristics.rule import decide, rule


@rule(on="transactions", refs=("blocksci2020", "wasabi-samourai2022", "joinmarket2015"))
def equal_outputs(min_equal: int = 3, one_each: bool = False) -> nw.Expr:
    """Several parties each receive the same amount, and as many can have brought it.

    In a CoinJoin every participant brings inputs and takes one output of the common amount, so
    that the amounts do not tell who is who. Whoever takes an amount out has brought it in, less
    what another may have paid him for mixing. So the inputs, those of one address together, are
    counted by what they hold: *yes* where at least ``min_equal`` are paid one amount and as many
    groups of input addresses hold it, one each; *no* where at most one party can hold it, however
    many inputs of dust lie beside; *unknown* between, as some protocols let a party take several.

    Parameters
    ----------
    min_equal : int
        Fewest equal outputs. With 2, ordinary payments that happen to split evenly are hit.
    one_each : bool
        Look for protocols alone that give a party one output of the amount: JoinMarket, Wasabi 1
        (of each of its amounts) and Whirlpool. Fewer parties than equal outputs are then *no*.
        Wasabi 2 gives a party several, and is then missed.

    Returns
    -------
    true, false or null
        Null where fewer parties than equal outputs can have funded them, but more than one; and
        where inputs that were not read, or that have no address, decide.

    Raises
    ------
    RuleError
        If ``min_equal`` is below 2: one output is equal to nothing.

    Fails when
    ----------
    A CoinJoin has fewer equal outputs or none (PayJoin, unequal mixes), or equal ones of dust:
    *no*, and a wrong merge is possible; combine with :func:`possible_mix` where owners are joined.
    A payer from many addresses pays one amount to many (payroll, batch withdrawals): *yes*. As a
    veto that is the harmless error, links are lost; as a stop of a trace it hides where money
    went, and so it does where somebody adds coins of his own, each as large as an equal output.
    ``batch_payout`` doubts it where most is paid to others: ``equal_outputs() & ~batch_payout()``.

    References
    ----------
    BlockSci ``isCoinjoin`` and ``isCoinjoinExtra`` (Kalodner et al., USENIX Security 2020) and the
    generic part of the Wasabi and Samourai detectors (Stuetz et al., AFT 2022), without their
    upper bounds: those let five-by-five and many-denomination mixes through. The arithmetic is
    that of :mod:`chainwatch.ledger.joint.funding`.
    """
    if min_equal < 2:
        raise RuleError(f"{min_equal} outputs cannot be equal", remedy="give 2 or more")
    possible = nw.col("fundable_each") if one_each else nw.col("fundable")
    return decide(nw.col("funded_each") >= min_equal, possible >= min_equal)


@rule(on="transactions", refs=("blocksci2020", "graphsense-heuristics"))
def equal_by_address(min_equal: int = 3) -> nw.Expr:
    """As many addresses spend as receive the same amount, where what they spent was not read.

    A block alone says who spends, as what unlocks an input names its address, and seldom how much.
    Where all inputs are named and some amount is missing, addresses are taken for parties, as
    other tools always do. Where all amounts are there, ``equal_outputs`` judges by them and this
    rule is *no*. It takes a batch payment from many addresses for a mix: combine it,
    ``equal_by_address() & ~batch_payout()``.

    Parameters
    ----------
    min_equal : int
        Fewest equal outputs.

    Returns
    -------
    true, false or null
        Null where an input names no address and could be the party that lacks.

    Fails when
    ----------
    One payer spends from many addresses and pays several the same amount: *yes*.

    References
    ----------
    BlockSci ``isCoinjoin`` and GraphSense's clustering filter count addresses; both ask besides
    that just half of the outputs be equal, so that other mixes are missed.
    """
    equal = nw.col("equal_outputs")
    several = (equal >= min_equal) & (nw.col("inputs_unread") > 0)
    named = nw.col("inputs_named") == nw.col("input_count")
    possible = several & (most_parties() >= equal) & (nw.col("fundable_each") >= equal)
    return decide(possible & named, possible)


@rule(on="transactions", refs=("blocksci2020", "joinmarket2015"))
def possible_mix() -> nw.Expr:
    """Equal outputs that do not fit one output per party: a mix of another shape, or one payer.

    Two shapes escape ``equal_outputs``: two parties who each take one of two equal outputs, with or
    without change, and mixes in which a party takes several equal outputs, so that fewer parties
    than equal outputs can have funded them. An even payment and a batch payment look the same.
    Nothing in the transaction decides, so the rule never says *yes*: it says *unknown*, which as a
    veto joins nobody. Where no two parties can each have brought one equal output, it is *no*.

    Returns
    -------
    false or null
        Null where two or more parties can have funded equal outputs and either exactly two outputs
        are equal, or three or more are and fewer parties than that can have funded one each.

    Fails when
    ----------
    People do pay equal amounts from several addresses: their own links are then lost, and counted
    as undecided. A mix without any equal amount (PayJoin, unequal mixes) is *no*, and so is a
    mix of two of whom one brings less than an equal output because the other pays him.

    References
    ----------
    BlockSci ``isPossibleCoinjoin`` is the same thought with a search for subsets. JoinMarket's
    two-party transactions: a recorded one of mainnet has two equal outputs and two input
    addresses, which co-spending would merge.
    """
    equal = nw.col("fundable")
    several_each = (equal >= 3) & (nw.col("fundable_each") < equal)
    return decide(nw.lit(False), (equal == 2) | several_each)


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
