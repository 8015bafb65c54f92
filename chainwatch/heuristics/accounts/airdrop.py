"""Airdrop multi-participation: who brings together what many of his wallets were given.

Whoever gives a token away gives the same to very many. Somebody who wants it many times has many
wallets, and brings what they got together at one. What was given is passed on whole, so the
amounts are exact.
"""

from __future__ import annotations

import polars as pl

from chainwatch.heuristics.accounts.facts import AccountFacts, addresses
from chainwatch.heuristics.accounts.link_rule import CLAIMS, claims, link_rule

_GIFT = ["contract", "giver", "amount"]


@link_rule(refs=("victor2020",))
def airdrop_collected(
    facts: AccountFacts, *, recipients: int = 1_000, seconds: int = 24, collected: int = 2,
    most: int = 20, days: int = 30,
) -> pl.DataFrame:  # fmt: skip
    """Who passes on whole what he was given in an airdrop, to where others pass theirs.

    An airdrop is one amount of one token, paid by one address to ``recipients`` or more, half of
    them at most ``seconds`` after the one before. Those who pass on the exact amount to one target
    are linked to it; where the target paid one of them in anything else from then on, it may have
    bought, and that link is undecided. So is that of whoever is not known to have wanted it passed
    on: whoever made the token can log that.

    Parameters
    ----------
    recipients : int
        Fewest who are given the same.
    seconds : int
        Median time between two gifts: two blocks of Ethereum.
    collected : int
        Fewest who pass theirs on to one target.
    most : int
        A target of more is a buyer, a desk, or a service that no tag names: refused.
    days : int
        Within so many days from the gift it is passed on.

    Fails when
    ----------
    Somebody buys up what was given away and pays in a way that no ledger shows, or friends give
    theirs to one. An exchange that no tag names pays a round sum to thousands, and some pay it on
    to one shop. A sale at an exchange goes to a deposit address of each seller's own, and links
    nobody. Whoever collects in parts, or through other wallets, is missed.

    References
    ----------
    Victor, FC 2020: 1,000 recipients, median gap of two blocks, exact amounts, two or more. The
    cap, the time and what a buyer pays back are ours.
    """
    gifts = _gifts(facts, recipients, seconds)
    passed = _passed_on(facts, gifts, days)
    if passed.is_empty():
        return pl.DataFrame(schema=CLAIMS)
    group = [*_GIFT, "target"]
    many = pl.col("recipient").n_unique().over(group)
    wanted = pl.when("agreed").then("recipient").drop_nulls().n_unique().over(group)
    rows = passed.filter(many >= collected).with_columns(
        many=many, sure=pl.col("agreed") & (wanted >= collected)
    )
    bought = _paid_back(facts, rows)
    rows = rows.join(bought, on=["target", "recipient"], how="left").with_columns(
        known=pl.all_horizontal("read", "sure", pl.col("bought").is_null())
    )
    veto = pl.when(pl.col("many") > most).then(True).when("known").then(False)
    return claims(rows.select("tx", "txid", "time", one="recipient", other="target", veto=veto))


def _gifts(facts: AccountFacts, recipients: int, seconds: int) -> pl.DataFrame:
    """Return what was given away, and when to whom first.

    Returns
    -------
    polars.DataFrame
        ``contract, giver, amount, recipient, given, gap``.
    """
    services = addresses(set(facts.tagged)).implode()  # pay round sums to thousands, and owe them
    tokens = facts.payments.filter(
        pl.col("contract").is_not_null(), pl.col("time").is_not_null(),
        ~pl.col("sender").is_in(services),
    )  # fmt: skip
    first = (
        tokens.rename({"sender": "giver", "receiver": "recipient"})
        .group_by(*_GIFT, "recipient")
        .agg(pl.col("time").min().alias("given"))
    )
    wide = first.filter(pl.len().over(_GIFT) >= recipients)
    gaps = wide.sort(*_GIFT, "given").with_columns(
        gap=pl.col("given").diff().over(_GIFT).dt.total_seconds()
    )
    quick = gaps.group_by(_GIFT).agg(pl.col("gap").median()).filter(pl.col("gap") <= seconds)
    return wide.join(quick.select(_GIFT), on=_GIFT, how="semi")


def _passed_on(facts: AccountFacts, gifts: pl.DataFrame, days: int) -> pl.DataFrame:
    """Return who passed a gift on whole, to whom: the first time of each recipient, and
    if he is known to have wanted one, the first of these.

    ``read`` is whether all of both sides was read in that token: a target of few may have many.
    """
    barred = addresses(facts.public | facts.several).implode()
    moved = facts.payments.select(
        "contract", "amount", "tx", "txid", "time", "agreed", recipient="sender", target="receiver"
    )
    passed = (
        moved.join(gifts, on=["contract", "amount", "recipient"])
        .filter(
            pl.col("target") != pl.col("giver"),
            pl.col("time") >= pl.col("given"),
            pl.col("time") - pl.col("given") <= pl.duration(days=days),
            ~pl.col("target").is_in(barred),
            ~pl.col("recipient").is_in(barred),
        )
        .sort(~pl.col("agreed"), "time", "tx", "txid", "target", nulls_last=True)
        .unique([*_GIFT, "recipient"], keep="first", maintain_order=True)
    )
    whole = [
        passed.filter(pl.col("contract") == contract).with_columns(
            read=pl.col("target").is_in(mine) & pl.col("recipient").is_in(mine)
        )
        for contract in passed["contract"].unique().sort()
        for mine in [addresses(facts.read(contract)).implode()]
    ]
    return pl.concat([passed.clear().with_columns(read=pl.lit(True)), *whole])


def _paid_back(facts: AccountFacts, rows: pl.DataFrame) -> pl.DataFrame:
    """Return whom a target paid in another asset after he passed his gift on, or within a day."""
    pairs = rows.select("target", "recipient", "contract", passed="time").unique()
    paid = facts.payments.select("time", target="sender", recipient="receiver", by="contract")
    since = pl.col("time").is_null() | (pl.col("time") >= pl.col("passed") - pl.duration(days=1))
    other = pl.col("by").ne_missing(pl.col("contract"))
    found = paid.join(pairs, on=["target", "recipient"]).filter(since & other)
    return found.select("target", "recipient").unique().with_columns(bought=pl.lit(True))
