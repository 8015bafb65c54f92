"""Permissions on Tron: who may sign for an account alone, beside the key that it is named after.

An account may give other keys leave to act for it. A holder does so for a second key of his own. So
does whoever sold the account, and whoever was robbed of it: the rule is off unless asked for.
Several keys that sign together are of one owner or of several, and nobody can tell.
"""

from __future__ import annotations

import polars as pl

from chainwatch.heuristics.accounts.facts import AccountFacts, addresses
from chainwatch.heuristics.accounts.link_rule import claims, link_rule


@link_rule(refs=("tron-permissions",))
def permission_key(facts: AccountFacts, *, accounts: int = 2) -> pl.DataFrame:
    """Who may do everything for an account alone, while its own key may too, and for few accounts.

    Where the account's own key may no longer, control went over to another: undecided. So are keys
    that must sign together. Keys of one account are not linked to each other but through it.

    Parameters
    ----------
    accounts : int
        A key of more accounts is a service's, or a robber's: it joins nobody.

    Fails when
    ----------
    A robber leaves his victim's key in place, a service or a person who is trusted acts for the
    account, or the account was shared from the first day on: then the key it is named after is as
    little its owner's as the others.

    References
    ----------
    Account permissions in the documentation of Tron (``AccountPermissionUpdateContract``). The cap
    is ours.
    """
    given = _keys(facts)
    barred = addresses(facts.public | facts.contracts).implode()
    read = addresses(facts.read(None)).implode()
    many = pl.col("address").n_unique().over("other") > accounts
    known = pl.col("address").is_in(read) & pl.col("other").is_in(read)
    sure = (pl.col("kind") == "owner_key") & pl.col("kept") & known
    rows = given.with_columns(veto=pl.when(many).then(True).when(sure).then(False)).filter(
        pl.col("address") != pl.col("other"),
        ~pl.col("address").is_in(barred),
        ~pl.col("other").is_in(barred),
    )
    return claims(rows.rename({"address": "one"}))


def _keys(facts: AccountFacts) -> pl.DataFrame:
    """Return the keys that may do everything for an account, and whether its own is among them."""
    here = (pl.col("chain") == facts.chain.id) & pl.col("kind").is_in(["owner_key", "owner_share"])
    took = pl.col("success").ne_missing(False) & pl.col("other").is_not_null()
    own = (pl.col("kind") == "owner_key") & (pl.col("other") == pl.col("address"))
    rows = facts.ledger.stakes.filter(here & took).collect()
    return rows.with_columns(kept=own.any().over("txid", "address"))
