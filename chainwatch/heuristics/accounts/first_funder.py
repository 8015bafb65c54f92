"""First gas: who gave an account the first coin that it ever had, without which it can do nothing.

A new wallet cannot pay before it has some of the coin. Its holder gives it from a wallet that he
has. So do exchanges, friends, employers and shops for gas, and an exchange that pays first gas owns
nobody: whoever funds many is refused.
"""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.assets import PAYMENT_KINDS
from chainwatch.heuristics.accounts.facts import AccountFacts, addresses
from chainwatch.heuristics.accounts.link_rule import claims, link_rule
from chainwatch.units import sums


@link_rule(refs=("methods-b7",))
def first_funder(facts: AccountFacts, *, funded: int = 5, share: int = 500) -> pl.DataFrame:
    """Who paid an account the first coin that it ever had, and did so for few.

    Parameters
    ----------
    share : int
        Of 1,000 units of the coin that had come in when the account first paid anybody, how many
        he must have brought: a trifle is nobody's gas.
    funded : int
        Whoever was first to fund more accounts serves many, and joins nobody.

    Fails when
    ----------
    A friend, an employer or somebody who wants to be paid gives the gas. A service that no tag
    names funds few accounts of those that were read. A deposit address gets its gas from the
    service.

    References
    ----------
    That exchanges and renters of energy fund thousands, and own none of these, is practice; a cap
    of 20 is named there. That of 5 was chosen on simulated owners of the *fit* part.
    """
    first = _first_coin(facts).join(_enabling(facts, share), on=["account", "funder"], how="semi")
    barred = addresses(facts.public | facts.several | _deposit_like(facts)).implode()
    serves = pl.col("account").n_unique().over("funder") > funded
    read = addresses(facts.read(None)).implode()
    known = pl.col("account").is_in(read) & pl.col("funder").is_in(read)
    rows = first.with_columns(
        veto=pl.when(serves).then(True).when(known & pl.col("alone")).then(False)
    ).filter(~pl.col("funder").is_in(barred), ~pl.col("account").is_in(barred))
    return claims(rows.rename({"funder": "one", "account": "other"}))


def _first_coin(facts: AccountFacts) -> pl.DataFrame:
    """Return the first payment of the coin to each account: ``account, funder, tx, txid, time``.

    ``alone`` is false where another may have been first: at the same moment, or at one unknown.
    """
    contracts = addresses(facts.contracts).implode()
    came = facts.of(None).filter(
        pl.col("kind").is_in(PAYMENT_KINDS), ~pl.col("receiver").is_in(contracts)
    )
    heights = pl.col("height").is_not_null().all().over("receiver")
    moment = pl.when(heights).then("height").otherwise(pl.col("time").dt.epoch("us"))
    first = came.with_columns(moment=moment).with_columns(
        told=pl.col("moment").is_not_null().all().over("receiver")
    )
    first = first.filter((pl.col("moment") == pl.col("moment").min().over("receiver"))
                         | ~pl.col("told"))  # fmt: skip
    placed = pl.col("tx").is_not_null().all().over("receiver")
    first = first.filter(~placed | (pl.col("tx") == pl.col("tx").min().over("receiver")))
    alone = pl.col("told") & (pl.col("sender").n_unique().over("receiver") == 1)
    rows = first.with_columns(alone=alone).unique(
        ["receiver", "sender"], keep="first", maintain_order=True
    )
    return rows.select("tx", "txid", "time", "alone", account="receiver", funder="sender")


def _enabling(facts: AccountFacts, share: int) -> pl.DataFrame:
    """Return who brought a share of what an account had of the coin when it first paid anybody."""
    wanted = facts.movements.filter("agreed")  # what anybody may log of him begins nothing
    paid = wanted.group_by(pl.col("sender").alias("receiver")).agg(
        pl.when(pl.col("time").is_not_null().all()).then(pl.col("time").min()).alias("begun")
    )
    came = facts.of(None).join(paid, on="receiver", how="left")
    early = came.filter((pl.col("time") <= pl.col("begun")).fill_null(True))
    wide = early.with_columns(amount_hex=pl.lit(None, pl.String))
    whole = sums(wide, ["receiver"])
    pairs = [
        (receiver, sender)
        for (receiver, sender), much in sums(wide, ["receiver", "sender"]).items()
        if (much or 0) * 1000 >= (whole[receiver,] or 0) * share
    ]
    schema = {"account": pl.Binary, "funder": pl.Binary}
    return pl.DataFrame(pairs, schema=schema, orient="row")


def _deposit_like(facts: AccountFacts) -> frozenset[bytes]:
    """Return addresses that only ever paid services: who funds these may be the service.

    What they are not known to have wanted does not count for payments to others.
    """
    to_it = pl.col("to_service").is_not_null() | ~pl.col("agreed")
    paid = facts.payments.group_by("sender").agg(to_it.all().alias("to_service"))
    return frozenset(paid.filter("to_service")["sender"]) | facts.known
