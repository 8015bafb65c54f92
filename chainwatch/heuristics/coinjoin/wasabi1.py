"""Wasabi 1: mixes of about 0.1 bitcoin, in version 1.1 also of its doubles, by a coordinator."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.coinjoin.parties import most_parties
from chainwatch.heuristics.rule import decide, rule


@rule(on="transactions", refs=("dumplings", "wasabi-samourai2022"))
def wasabi1_coordinator(min_equal: int = 3) -> nw.Expr:
    """A mix that pays its fee to one of the two addresses that Wasabi's coordinator used.

    It is sure while the addresses were in use: join it with heights from 530,500 to 609,999,
    ``wasabi1_coordinator() & since(530_500) & ~since(610_000)``.

    Parameters
    ----------
    min_equal : int
        Fewest equal outputs.

    Fails when
    ----------
    Anybody can pay to these addresses; somebody who pays three others alike at once would be hit.
    Later coordinators use new addresses: *no*.

    References
    ----------
    Dumplings, ``Scanner.cs`` and ``Constants.cs``; Stuetz et al., AFT 2022.
    """
    return (nw.col("coordinator_outputs") >= 1) & (nw.col("equal_outputs") >= min_equal)


@rule(on="transactions", refs=("dumplings", "wasabi-samourai2022"))
def wasabi1_mix(
    base: int = 10_000_000, precision: int = 2_000_000, min_equal: int = 10, min_single: int = 2
) -> nw.Expr:
    """Many equal outputs of about 0.1 bitcoin, all of wallets with P2WPKH, and change beside.

    It needs no address of the coordinator, so it serves from height 610,000 on; that is a rule of
    its own, ``since(610_000)``.

    Parameters
    ----------
    base : int
        The equal amount, in satoshi.
    precision : int
        How far it may stray, in satoshi.
    min_equal : int
        Fewest equal outputs.
    min_single : int
        Fewest amounts that one output has: somebody's change, and the coordinator's fee.

    Returns
    -------
    true, false or null
        Null where the outputs fit and the kind of an input is not known.

    Fails when
    ----------
    Fewer than ten take part: *no*. A service pays ten customers about 0.1 bitcoin each from ten
    inputs: *yes*.

    References
    ----------
    Dumplings, ``Scanner.cs``; the kind of scripts and the number of other amounts are of Stuetz
    et al., AFT 2022, who report more than 99 % found.
    """
    spent, equal = nw.col("input_count"), nw.col("equal_outputs")
    shape = (
        (equal >= min_equal)
        & (spent >= equal)
        & ((nw.col("equal_value") - base).abs() <= precision)
        & (nw.col("single_values") >= min_single)
        & (nw.col("outputs_p2wpkh") == nw.col("output_count"))
    )
    own = nw.col("inputs_p2wpkh")
    return decide(shape & (own == spent), shape & (own == nw.col("inputs_named")))


@rule(on="transactions", refs=("schnoering2023", "graphsense-heuristics"))
def wasabi1_levels(
    min_inputs: int = 10, min_equal: int = 3, most_each: int = 7, most_share: int = 10
) -> nw.Expr:
    """Outputs at the levels of Wasabi: 0.1 bitcoin in version 1.0, and its doubles in 1.1.

    The party that mixes most has an output at each level, so the fullest level counts the
    parties; what is mixed is half of all outputs, or all but one change for each input address.

    Parameters
    ----------
    min_inputs : int
        Fewest inputs.
    min_equal : int
        Fewest outputs of the fullest level.
    most_each : int
        Most input addresses of a party: Wasabi registers seven.
    most_share : int
        Percent of the inputs that one address may have.

    Returns
    -------
    true, false or null
        Null where the outputs fit and an input without a known address decides.

    Fails when
    ----------
    A service pays many customers amounts near these levels from many inputs: *yes*. With a hundred
    percent of its outputs mixed a small one may be Whirlpool's, and is left to its rule: *no*.

    References
    ----------
    Schnoering and Vazirgiannis 2023, as GraphSense has it in ``heuristics_service.py``; the levels
    and their tolerance are in :mod:`chainwatch.ledger.joint.protocols`.
    """
    spent, paid, fullest = nw.col("input_count"), nw.col("payments"), nw.col("level_most")
    mixed, least = nw.col("level_outputs"), nw.col("input_addresses")
    most = most_parties()
    # Nothing but equal outputs, to one in ten thousand of their sum: Whirlpool, or a round payout.
    rest = (nw.col("output_value") - paid * nw.col("equal_value")).abs() * 10_000
    shape = (
        (spent >= min_inputs)
        & (fullest >= min_equal)
        & (nw.col("output_addresses") == paid)
        & ~(100 * nw.col("inputs_of_one") > most_share * spent)
        & ~((spent < 20) & (rest <= nw.col("output_value")))
    )
    half = 2 * mixed >= paid - 1
    yes = (fullest <= least) & (most <= most_each * fullest) & (half | (mixed >= paid - least - 1))
    possible = (
        (fullest <= most) & (least <= most_each * fullest) & (half | (mixed >= paid - most - 1))
    )
    return decide(shape & yes, shape & possible)


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
