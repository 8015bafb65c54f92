"""Activation on Tron: who opened an account there for another address.

An address of Tron is no account before somebody activates it. Wallets do that for their next one;
exchanges, sellers of energy and friends do it for others.
"""

from __future__ import annotations

import polars as pl

from chainwatch.heuristics.accounts.facts import AccountFacts, addresses
from chainwatch.heuristics.accounts.link_rule import claims, link_rule


@link_rule(refs=("methods-b7", "tron-accounts"))
def activation(facts: AccountFacts, *, activated: int = 5) -> pl.DataFrame:
    """Who activated an account, and few others.

    Parameters
    ----------
    activated : int
        Whoever activated more accounts serves many, and joins nobody.

    Fails when
    ----------
    A friend, a shop or somebody who wants to pay activates the account. A first payment of the coin
    activates as well, and stands under ``first_funder``. Who lends energy owns nobody, and no rule
    reads that.

    References
    ----------
    Accounts and ``AccountCreateContract`` in the documentation of Tron. A cap of 20 is practice;
    that of 5 was chosen on simulated owners of the *fit* part.
    """
    here = (pl.col("chain") == facts.chain.id) & (pl.col("kind") == "activate")
    opened = facts.ledger.stakes.filter(
        here & pl.col("success").ne_missing(False) & pl.col("other").is_not_null()
    ).collect()
    barred = addresses(facts.public | facts.contracts).implode()
    many = pl.col("other").n_unique().over("address") > activated
    read = addresses(facts.read(None)).implode()
    known = pl.col("address").is_in(read) & pl.col("other").is_in(read)
    rows = (
        opened.filter(pl.col("address") != pl.col("other"))
        .with_columns(veto=pl.when(many).then(True).when(known).then(False))
        .filter(~pl.col("address").is_in(barred), ~pl.col("other").is_in(barred))
    )
    return claims(rows.rename({"address": "one"}))
