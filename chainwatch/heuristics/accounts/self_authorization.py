"""Self-authorisation: who lets another account of his own move his tokens.

An approval says that somebody may move tokens of somebody else. Most are given to contracts. Of
those given to accounts most are by now obtained by deceit: the rule is off unless asked for.
"""

from __future__ import annotations

import polars as pl

from chainwatch.heuristics.accounts.facts import AccountFacts, addresses
from chainwatch.heuristics.accounts.link_rule import claims, link_rule

GIVEN = ("approval", "approval_for_all", "permit")
"""Kinds of authority that name a spender."""


@link_rule(refs=("victor2020",))
def self_authorization(facts: AccountFacts, *, owners: int = 10) -> pl.DataFrame:
    """Who lets another account move his tokens, where few let it.

    What stands in a transaction that he did not send is undecided: any contract can log it.

    Parameters
    ----------
    owners : int
        An account that more let move their tokens serves many, or robs them: it joins nobody.

    Fails when
    ----------
    Leave was obtained by deceit: today most approvals to accounts are. A robber of few victims
    looks like an owner of as many wallets. Somebody lets a person whom he trusts act for him.

    References
    ----------
    Victor, FC 2020 (self-authorisation); the cap is ours.
    """
    given = facts.authority.filter(
        pl.col("kind").is_in(GIVEN), pl.col("granted").ne_missing(False),
        (pl.col("amount") != 0).fill_null(True), pl.col("owner") != pl.col("spender"),
    )  # fmt: skip
    barred = addresses(facts.public | facts.contracts).implode()
    people = addresses(facts.accounts).implode()
    many = pl.col("owner").n_unique().over("spender") > owners
    given = given.join(
        facts.sent, left_on=["txid", "owner"], right_on=["txid", "sender"], how="left",
        maintain_order="left",
    )  # fmt: skip
    own = pl.col("sent").is_not_null()
    known = own & pl.col("owner").is_in(people) & pl.col("spender").is_in(people)
    read = addresses(facts.read(None)).implode()
    sure = known & pl.col("spender").is_in(read) & pl.col("owner").is_in(read)
    rows = given.with_columns(veto=pl.when(many).then(True).when(sure).then(False)).filter(
        ~pl.col("owner").is_in(barred), ~pl.col("spender").is_in(barred)
    )
    return claims(rows.rename({"owner": "one", "spender": "other"}))
