"""Rules on transfers of account chains: which of them only look like a payment."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of
from chainwatch.heuristics.rule import Rule, rule


@rule(on="transfers", refs=("tron-zero-transfer",))
def zero_value() -> nw.Expr:
    """A transfer of nothing: anybody can write one from anybody to anybody.

    A token contract lets a stranger call ``transferFrom`` for an amount of zero without leave, so
    that a history seems to show the victim paying the stranger.

    Fails when
    ----------
    A contract moves zero for reasons of its own: also then no value moved.

    References
    ----------
    Address poisoning by zero transfers, seen on Tron and Ethereum since late 2022.
    """
    return nw.col("amount") == 0


@rule(on="transfers", refs=("tron-zero-transfer",), looks_ahead=True)
def look_alike(at_most: int) -> nw.Expr:
    """A trifle from an address that ends like one with which the receiver really traded.

    The sender hopes that its address will be copied from the history for the next payment. Only
    incoming trifles are meant: what the subject itself pays, however little, needs its key. What
    one sender pays one receiver is added up: beyond a trifle altogether it is payment, in however
    many parts. All trade that was read counts, also later trade: the answer can change as more is
    read.

    Parameters
    ----------
    at_most : int
        Largest amount of a trifle, in base units; also of all trifles of one sender together.

    Fails when
    ----------
    A trading partner has two addresses that end alike (chance per pair: one in 58**4 in base58,
    one in 65,536 in hexadecimal), or the attacker imitates a partner whose trade was not read.

    References
    ----------
    Reports of address poisoning speak of equal first and last characters. In the 4,177 USDT
    transfers of the wallets listed by ASO 15/22 the last four decide: all 123 transfers of zero
    and 68 of 72 below 0.1 USDT end like a genuine partner, and none of 3,982 larger ones does.
    """
    trifle = (nw.col("amount") > 0) & (nw.col("amount") <= at_most)
    return trifle & nw.col("from_twin") & (nw.col("sent") <= at_most)


def poisoning(at_most: int) -> Rule:
    """Return the rule for attempts to look like a payment: of nothing, or a look-alike's trifle."""
    return zero_value() | look_alike(at_most)


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
