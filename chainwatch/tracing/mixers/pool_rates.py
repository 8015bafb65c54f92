"""How often reveals of pools are right, where it is known which deposit each withdrawal took."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from chainwatch.errors import InputError
from chainwatch.evaluate.shares import Share
from chainwatch.tracing.mixers.pool_sets import PoolWithdrawals
from chainwatch.tracing.mixers.reveals import RULES


class RevealRate(NamedTuple):
    """What a rule reveals, and how often it is right; conditional on the chains it was tried on.

    Attributes
    ----------
    revealed : Share
        Withdrawals that it ties to some deposits, of all.
    right : Share
        Of these, those of which the true deposit is among the candidates. Withdrawals of one person
        are one case.
    named : Share
        Of these, those whose every candidate was made by whom the withdrawal is.
    """

    revealed: Share
    right: Share
    named: Share


def reveal_rates(found: PoolWithdrawals, truth: pl.DataFrame) -> dict[str, RevealRate]:
    """Return for each rule how much it reveals, and how often it is right.

    Parameters
    ----------
    found : PoolWithdrawals
        What was said of pools of which everything is known.
    truth : polars.DataFrame
        ``txid, deposit, depositor`` of every withdrawal.

    Raises
    ------
    InputError
        If the truth of a withdrawal is not known.
    """
    known = {txid: (one, who) for txid, one, who in
             truth.select("txid", "deposit", "depositor").iter_rows()}  # fmt: skip
    if set(found.frame["txid"]) - set(known):
        raise InputError(
            "of some withdrawals it is not known which deposit they took",
            remedy="pass the truth of the ledger that was asked",
        )
    return {rule: _rate(found, known, rule) for rule in RULES}


def _rate(found: PoolWithdrawals, known: dict[bytes, tuple[bytes, bytes]], rule: str) -> RevealRate:
    """Return what one rule reveals."""
    told = found.candidates.filter(rule=rule).group_by("txid").agg("deposit", "depositor")
    right = named = 0
    for txid, deposits, depositors in told.iter_rows():
        deposit, depositor = known[txid]
        right += deposit in deposits
        named += set(depositors) == {depositor}
    people = len({known[txid][1] for txid in told["txid"]}) or None
    everybody = len({known[txid][1] for txid in found.frame["txid"]}) or None
    return RevealRate(
        Share(told.height, found.frame.height, everybody),
        Share(right, told.height, people),
        Share(named, told.height, people),
    )
