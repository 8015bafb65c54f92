"""Rules that say whether strangers built a transaction together; a *yes* is never one owner."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.errors import RuleError
from chainwatch.heuristics.rule import Rule, rule


@rule(on="transactions", refs=("blocksci2020", "wasabi-samourai2022"))
def equal_outputs(min_equal: int = 3) -> nw.Expr:
    """Several parties each receive the same amount, and there are as many input addresses.

    In a CoinJoin every participant brings inputs and takes one output of the common amount, so
    that the amounts do not tell who is who. The rule asks for ``min_equal`` distinct addresses
    that receive one amount, and for at least as many distinct addresses among the inputs.

    Parameters
    ----------
    min_equal : int
        Fewest equal outputs. With 2, ordinary payments that happen to split evenly are hit.

    Returns
    -------
    true, false or null
        Null where inputs that were not read, or that have no address, decide.

    Raises
    ------
    RuleError
        If ``min_equal`` is below 2: one output is equal to nothing.

    Fails when
    ----------
    A CoinJoin has fewer equal outputs or none (PayJoin, unequal mixes), equal ones of dust,
    participants that share an address or take several equal outputs each: *no*, and a wrong merge
    is possible; combine with :func:`possible_mix` where owners are joined. A payer from many
    addresses pays one amount to many (payroll, batch withdrawals): *yes*, and links are lost. As
    a veto the second error is the harmless one.

    References
    ----------
    BlockSci ``isCoinjoin`` (Kalodner et al., USENIX Security 2020) and the generic part of the
    Wasabi and Samourai detectors (Stuetz et al., AFT 2022), both without their upper bounds:
    those let five-by-five and many-denomination mixes through.
    """
    if min_equal < 2:
        raise RuleError(f"{min_equal} outputs cannot be equal", remedy="give 2 or more")
    enough = nw.col("equal_outputs") >= min_equal
    parties = nw.col("input_addresses") >= nw.col("equal_outputs")
    # Nameless inputs (P2PK, bare multisig) and unread ones may each be one more party.
    most = nw.col("input_addresses") + nw.col("inputs_nameless") + nw.col("inputs_unread")
    impossible = ~enough | (most < nw.col("equal_outputs"))
    return (
        nw.when(impossible)
        .then(nw.lit(False))
        .when(parties)
        .then(nw.lit(True))
        .otherwise(nw.lit(None, dtype=nw.Boolean))
    )


@rule(on="transactions", refs=("blocksci2020", "joinmarket2015"))
def possible_mix() -> nw.Expr:
    """Equal outputs that do not fit one output per party: a mix of another shape, or one payer.

    Two shapes escape ``equal_outputs``: two parties who each take one of two equal outputs beside
    their change, and mixes in which a party takes several equal outputs, so that there are fewer
    input addresses than equal outputs. An even payment and a batch payment look the same. Nothing
    in the transaction decides, so the rule never says *yes*: it says *unknown*, which as a veto
    joins nobody.

    Returns
    -------
    false or null
        Null where two or more addresses may stand among the inputs and either exactly two outputs
        are equal and something else is paid as well, or three or more are equal and there are
        fewer possible parties than that.

    Fails when
    ----------
    People do pay equal amounts from several addresses: their own links are then lost, and counted
    as undecided. A mix without any equal amount (PayJoin, unequal mixes) is *no*.

    References
    ----------
    BlockSci ``isPossibleCoinjoin`` is the same thought with a search for subsets. JoinMarket's
    two-party transactions: a recorded one of mainnet has two equal outputs and two input
    addresses, which co-spending would merge.
    """
    equal, paid = nw.col("equal_outputs"), nw.col("output_count")
    most = nw.col("input_addresses") + nw.col("inputs_nameless") + nw.col("inputs_unread")
    pair = (equal == 2) & (paid > 2)
    several_each = (equal >= 3) & (most < equal)
    doubt = (most >= 2) & (pair | several_each)
    return nw.when(doubt).then(nw.lit(None, dtype=nw.Boolean)).otherwise(nw.lit(False))


JOINT: Rule = equal_outputs() | possible_mix()
"""What joins no owners unless somebody says otherwise: mixes, and what may be one."""
