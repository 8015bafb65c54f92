"""One role for each address: by tag, as a subject of the case, or by what its owner paid."""

from __future__ import annotations

import polars as pl

from chainwatch.privacy.people.behaviour import MUCH, OFTEN
from chainwatch.privacy.people.tables import (
    BEHAVIOUR,
    BYSTANDER,
    CONSUMER,
    DONOR,
    FITS,
    FITS_NOT,
    NOTHING,
    OPEN,
    PEOPLE,
    SUBJECT,
    TAG,
    UNKNOWN,
    VICTIM,
)

_KINDS = (VICTIM, DONOR, CONSUMER)
"""What payments may be like, in the order in which they speak where they are like several."""


def assigned(
    chain: str, addresses: pl.DataFrame, tagged: pl.DataFrame, judged: pl.DataFrame,
    subjects: pl.Series, subject_role: str,
) -> pl.DataFrame:  # fmt: skip
    """Return the rows of ``PEOPLE``.

    Parameters
    ----------
    chain : str
        CAIP-2 id.
    addresses : polars.DataFrame
        ``address, owner`` of everybody who is listed.
    tagged : polars.DataFrame
        ``address, role, account`` by tags; *account*: it is a customer's own at a service.
    judged : polars.DataFrame
        ``payer, payers, fits, why, unread``: what payments are like.
    subjects : polars.Series
        Addresses of subjects.
    subject_role : str
        Role of a subject to whom no tag gives one.
    """
    told = _told(judged)
    given = addresses.join(tagged.rename({"role": "given"}), on="address", how="left")
    every = given.join(told, left_on="owner", right_on="payer", how="left").with_columns(
        pl.col("address").is_in(subjects.to_list()).alias("subject")
    )
    # Vendors, markets, services and networks are told by tags and subjects, and by nothing else.
    role = pl.coalesce(
        "given", pl.when("subject").then(pl.lit(subject_role)), "paid_as", pl.lit(BYSTANDER)
    )
    basis = (
        pl.when("subject").then(pl.lit(SUBJECT))
        .when(pl.col("given").is_not_null()).then(pl.lit(TAG))
        .when(pl.col("paid_as").is_not_null()).then(pl.lit(BEHAVIOUR))
        .otherwise(pl.lit(NOTHING))
    )  # fmt: skip
    decided = pl.col("basis").is_in([SUBJECT, TAG])
    # A customer's own account at a service is the customer's: its tag ends no protection.
    account = (pl.col("basis") == TAG) & pl.col("account").fill_null(False)
    masked = (
        pl.when(decided & ~account).then(pl.col("role").is_in([VICTIM, CONSUMER]))
        .otherwise(pl.col("protected").fill_null(False))
    )  # fmt: skip
    odd = pl.col("role").is_in([VICTIM, CONSUMER]) & pl.col("subject")
    return (
        every.with_columns(pl.lit(chain).alias("chain"), role.alias("role"), basis.alias("basis"))
        .with_columns(
            masked.alias("masked"),
            ((decided & pl.col("sure").fill_null(False)) | odd).alias("contradiction"),
        )
        .select(PEOPLE.names)
        .sort(PEOPLE.key)
    )


def _told(judged: pl.DataFrame) -> pl.DataFrame:
    """Return for each payer what it paid as, whether that protects it, and what stays open.

    Returns
    -------
    polars.DataFrame
        ``payer, paid_as, protected, sure, behaves_like, open``; *sure* is that its payments are
        those of somebody whom no disclosure shows.
    """
    wide = judged.select("payer").unique().sort("payer")
    for kind in _KINDS:
        mine = judged.filter(pl.col("payers") == kind).drop("payers")
        named = {name: f"{kind} {name}" for name in ("fits", "why", "unread")}
        wide = wide.join(mine.rename(named), on="payer", how="left")

    def is_(kind: str, fits: str) -> pl.Expr:
        return pl.col(f"{kind} fits").eq_missing(pl.lit(fits))

    yes = pl.coalesce(*(pl.when(is_(kind, FITS)).then(pl.lit(kind)) for kind in _KINDS))
    may = pl.coalesce(*(pl.when(is_(kind, OPEN)).then(pl.lit(kind)) for kind in _KINDS))
    why = pl.coalesce(
        *(pl.when(is_(kind, OPEN)).then(f"{kind} why") for kind in _KINDS),
        *(pl.when(is_(kind, FITS_NOT)).then(f"{kind} why") for kind in _KINDS),
    )
    # Who gave often or much to a campaign is a donor too, though no small one: such a gift is
    # nothing that no edition may show. Where it may have been paid back, that is not known.
    gave = is_(DONOR, FITS_NOT) & pl.col(f"{DONOR} why").is_in([OFTEN, MUCH])
    large = pl.when(gave).then(
        pl.when(f"{DONOR} unread").then(pl.lit(UNKNOWN)).otherwise(pl.lit(DONOR))
    )
    return wide.select(
        "payer",
        pl.coalesce(yes, pl.when(may.is_not_null()).then(pl.lit(UNKNOWN)), large).alias("paid_as"),
        (yes.is_not_null() | may.is_not_null()).alias("protected"),
        yes.is_not_null().alias("sure"),
        pl.coalesce(yes, may).alias("behaves_like"),
        pl.when(yes.is_null()).then(why).alias("open"),
    )
