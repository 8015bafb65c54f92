"""Rules that say whether strangers built a transaction together; a *yes* is never one owner."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.errors import RuleError
from chainwatch.rules import rule


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
    A CoinJoin has fewer equal outputs or none (PayJoin, unequal mixes), equal ones of dust, or
    participants that share an address: *no*, and a wrong merge is possible. A payer from many
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


@rule(on="transactions", refs=("joinmarket2015",))
def equal_pair() -> nw.Expr:
    """Two addresses receive one amount: two parties may mix, or one may split evenly.

    The smallest CoinJoin has two parties. Nothing in the transaction tells it from an even
    payment, so the rule never says *yes*: it says *unknown*, which as a veto joins nobody.

    Returns
    -------
    false or null
        Null where exactly two outputs are equal, something else is paid as well, and two or more
        addresses may stand among the inputs.

    Fails when
    ----------
    People do pay two equal amounts from several addresses: their own links are then lost, and
    counted as undecided. A mix of two parties without change is an even payment to this rule.

    References
    ----------
    JoinMarket's two-party transactions; a recorded one of mainnet has two equal outputs and two
    input addresses, which co-spending would merge.
    """
    most = nw.col("input_addresses") + nw.col("inputs_nameless") + nw.col("inputs_unread")
    pair = (nw.col("equal_outputs") == 2) & (nw.col("output_count") > 2) & (most >= 2)
    return nw.when(pair).then(nw.lit(None, dtype=nw.Boolean)).otherwise(nw.lit(False))
