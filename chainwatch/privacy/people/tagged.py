"""Which of the eight roles a tag gives, and whom one pays as a customer, a donor or a victim."""

from __future__ import annotations

from functools import cache

import polars as pl

from chainwatch.attribution.naming import DEPOSIT
from chainwatch.attribution.taxonomy import ENDING, is_a
from chainwatch.privacy.people.tables import CONSUMER, DONOR, MARKET, NETWORK, SERVICE, VENDOR
from chainwatch.privacy.people.tables import VICTIM as A_VICTIM

_GIVEN: tuple[tuple[str, tuple[str, ...]], ...] = (
    (A_VICTIM, ("victim",)),
    (MARKET, ("market",)),
    (SERVICE, ("service",)),
    (VENDOR, ("vendor", "shop_owner", "drugs", "weapons", "counterfeit")),
    (NETWORK, ("donation", "perpetrator", "money_mule", "administrator", "moderator", "abuse")),
    (SERVICE, ENDING),
    (CONSUMER, ("customer",)),
)
"""Roles in the order in which they speak where an address has several tags. A service that is
tagged with an abuse as well stays a service: those who use it are its customers, and nobody's
accomplices. Wallets of services by kind come after vendors: a vendor's account at an exchange is
tagged as both."""

CAMPAIGNS = ("donation", "terrorism", "terrorism_financing", "extremism")
"""Who publishes a call for money: whoever pays may have been a donor."""

CRIMES = ("scam", "investment_fraud", "extortion", "phishing", "hacking")
"""Who is paid by deceit, by force or by theft: whoever pays may have been a victim."""

RANK = "rank"


@cache
def role_given(concept: str) -> tuple[int, str] | None:
    """Return the role that a concept gives, after its rank; None for one that gives none."""
    for rank, (role, concepts) in enumerate(_GIVEN):
        if any(is_a(concept, one) for one in concepts):
            return rank, role
    return None


@cache
def payers_of(concept: str) -> str | None:
    """Return what the payers of somebody tagged with a concept may be, if it says so."""
    if any(is_a(concept, one) for one in CAMPAIGNS):
        return DONOR
    return A_VICTIM if any(is_a(concept, one) for one in CRIMES) else None


def payers_of_role(role: str) -> str | None:
    """Return what the payers of a vendor or a market may be: its customers."""
    return CONSUMER if role in (VENDOR, MARKET) else None


def tagged(tags: pl.DataFrame, chain: str) -> pl.DataFrame:
    """Return the tags of a chain that give a role.

    Returns
    -------
    polars.DataFrame
        ``address, role, rank, payers`` and ``label, concept, source, first_day, last_day,
        definer`` of the tag: *payers* is what whoever pays the address may be, null where the tag
        says nothing of them, as that of a service does.
    """
    here = tags.filter(pl.col("chain") == chain).select(
        "address", "label", "concept", "source", "first_day", "last_day", "definer"
    )
    rows = [(one, *found) for one in here["concept"].drop_nulls().unique().sort().to_list()
            if (found := role_given(one))]  # fmt: skip
    told = [(one, rank, role, payers_of(one) or payers_of_role(role)) for one, rank, role in rows]
    schema = {"concept": pl.String, RANK: pl.Int64, "role": pl.String, "payers": pl.String}
    given = here.join(pl.DataFrame(told, schema=schema, orient="row"), on="concept")
    return given.with_columns(
        # Of a service nothing is said of those who pay it, whatever another tag calls it.
        pl.when(~(pl.col("role") == SERVICE).any().over("address")).then("payers").alias("payers")
    ).sort("address", RANK, "label", "source", "concept", "first_day")


def first_role(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``address, role, account``: of several roles the one that speaks first.

    *account* is that every tag says it is an account of a customer at a service.
    """
    account = (pl.col("concept") == DEPOSIT).all().over("address").alias("account")
    first = rows.with_columns(account).sort("address", RANK).unique("address", keep="first")
    return first.select("address", "role", "account")
