"""Rules on transfers of account chains: which of them only look like a payment, or go astray."""

from __future__ import annotations

import narwhals.stable.v2 as nw
import polars as pl

from chainwatch.completion import names_of
from chainwatch.errors import RuleError
from chainwatch.heuristics.rule import VERDICT, Rule, decide, rule
from chainwatch.ledger.look_alikes import TAILS


@rule(on="transfers", refs=("tron-zero-transfer", "tsuchiya2025"))
def zero_value() -> nw.Expr:
    """A token's transfer of nothing: anybody can write one from anybody to anybody.

    A token contract lets a stranger call ``transferFrom`` for an amount of zero without leave, so
    that a history seems to show the victim paying the stranger. Of the coin nobody can: a
    transaction that pays nothing, and a call inside one, are how contracts are called. Who stands
    there as the payer signed it or is the contract that calls, and that imitates no payment.

    Fails when
    ----------
    A token contract moves zero for reasons of its own: also then no value moved.

    References
    ----------
    Address poisoning by zero transfers, seen on Tron and Ethereum since late 2022. Tsuchiya et
    al., USENIX Security 2025, count it as one of three forms.
    """
    nothing = (nw.col("amount") == 0) & nw.col("amount_hex").is_null()
    native = ("native", "internal", "fee", "fee_burnt", "reward", "withdrawal", "deposit")
    coin = nw.col("contract").is_null() & nw.col("kind").is_in(native)
    return nothing & ~coin


@rule(on="transfers", refs=("tron-zero-transfer", "tsuchiya2025"))
def look_alike(at_most: int, head: int = 0, tail: int = 4) -> nw.Expr:
    """A trifle from an address that looks like an earlier partner of the receiver.

    The sender hopes that its address will be copied from the history for the next payment. Only
    incoming trifles are meant: what the subject itself pays, however little, needs its key. Each
    transfer is judged alone and by the trade before it: eleven trifles are eleven lures, and a
    lure that worked does not become the genuine partner. Where nothing tells which of two transfers
    came first, and it is by that order a lure or not, the answer is *unknown*.

    Parameters
    ----------
    at_most : int
        Largest amount of a trifle, in base units.
    head : int
        First characters that must be the same; what all addresses begin with does not count.
    tail : int
        Last characters that must be the same, 3 to 8.

    Raises
    ------
    RuleError
        If ``tail`` or ``head`` is out of range.

    Fails when
    ----------
    A trading partner has two addresses that look alike (with four last characters the chance per
    pair is one in 58**4 in base58, one in 65,536 in hexadecimal), or the attacker imitates a
    partner whose trade was not read, or sent more than the trifle itself before that.

    References
    ----------
    Reports of address poisoning speak of equal first and last characters. In the 4,177 USDT
    transfers of the wallets listed by ASO 15/22 the last four decide, and the first seldom agree:
    :doc:`decision 5 </decisions/0005-address-poisoning>` has the counts. Tsuchiya et al., USENIX
    Security 2025.
    """
    _check(head, tail)
    small = (nw.col("amount") > 0) & (nw.col("amount") <= at_most)
    alike, perhaps = (nw.col(f"from_{one}_{tail}") >= head for one in ("head", "perhaps"))
    return small & nw.col("amount_hex").is_null() & decide(alike, perhaps)


@rule(on="transfers", refs=("tsuchiya2025",))
def unsigned() -> nw.Expr:
    """A transfer for which its sender gave no authority: the contract of a counterfeit says it all.

    A token contract may write a ``Transfer`` of any amount from anybody. Where all that could have
    given authority was read (who signed, approvals, permits, operators), a transfer without any is
    the contract's word alone and moves nothing of the sender's.

    Returns
    -------
    true, false or null
        Null where that was not read; such a transfer counts.

    Fails when
    ----------
    A form of authority exists that the reader does not know; new tokens are made by the contract
    itself, which needs nobody's leave.

    References
    ----------
    Tsuchiya et al., USENIX Security 2025: counterfeit tokens are one of three forms of poisoning.
    """
    return ~nw.col("signed")


@rule(on="transfers", refs=("tsuchiya2025",))
def paid_look_alike(head: int = 0, tail: int = 4) -> nw.Expr:
    """A payment to an address that looks like an earlier partner of the payer.

    It is a payment: the value moved, and is followed. That it may have gone astray is to be told.
    Where nothing tells whether the partner was an earlier one, the answer is *unknown*.

    Parameters
    ----------
    head : int
        First characters that must be the same; what all addresses begin with does not count.
    tail : int
        Last characters that must be the same, 3 to 8.

    Raises
    ------
    RuleError
        If ``tail`` or ``head`` is out of range.

    Fails when
    ----------
    Two genuine partners look alike by chance, or the payer's earlier trade was not read.

    References
    ----------
    Tsuchiya et al., USENIX Security 2025: 6,633 payments to look-alikes, 83.8 million dollars.
    """
    _check(head, tail)
    some = (nw.col("amount") > 0) | ~nw.col("amount_hex").is_null()
    alike, perhaps = (nw.col(f"to_{one}_{tail}") >= head for one in ("head", "perhaps"))
    return some & decide(alike, perhaps)


def _check(head: int, tail: int) -> None:
    if tail not in TAILS:
        raise RuleError(
            f"the last {tail} characters cannot be compared",
            remedy=f"give {TAILS[0]} to {TAILS[-1]}",
        )
    if head < 0:
        raise RuleError(f"the first {head} characters", remedy="give 0 or more")


def poisoning(at_most: int, head: int = 0, tail: int = 4) -> Rule:
    """Return the rule for attempts to look like a payment, in all three forms.

    A token's transfer of nothing, a look-alike's trifle, and one that nobody signed.
    """
    return zero_value() | look_alike(at_most, head, tail) | unsigned()


def looks(rule: Rule | None) -> dict[str, int]:
    """Return ``head`` and ``tail`` by which a rule takes addresses for alike; else the usual ones.

    Of several the first counts.
    """
    leaves = [] if rule is None else list(rule.leaves())
    found = [dict(leaf.params) for leaf in leaves if leaf.spec and leaf.spec.name == "look_alike"]
    given = found[0] if found else dict(next(look_alike(0).leaves()).params)
    return {name: int(given[name]) for name in ("head", "tail")}


def trifle_of(rule: Rule | None) -> int:
    """Return the largest amount that a rule takes for a trifle; 0 where it names none."""
    return max((int(dict(leaf.params)["at_most"]) for leaf in _trifles(rule)), default=0)


def _trifles(rule: Rule | None) -> list[Rule]:
    leaves = [] if rule is None else list(rule.leaves())
    return [leaf for leaf in leaves if leaf.spec and leaf.spec.name == "look_alike"]


PERHAPS_LURE = "perhaps a lure"
PERHAPS_ASTRAY = "perhaps to a look-alike"
"""What is not known of a transfer that counts as a payment: nothing tells which of two came first,
or more addresses end alike than were compared."""


def perhaps_lure(rule: Rule | None) -> pl.Expr:
    """Return, of rows that a rule judged, whether only their order leaves open that it is a lure.

    That a rule cannot tell for another reason, such as signatures that were not read, is not meant.
    """
    unsure = [pl.col(str(leaf)).is_null() for leaf in _trifles(rule)]
    return pl.any_horizontal(*unsure) & pl.col(VERDICT).is_null() if unsure else pl.lit(False)


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
