"""Which names are one: spellings are, and a label beside an actor contradicts nothing."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from chainwatch.chains.catalogue import chain as chain_of

ACTOR, LABEL = "actor", "label"
"""Whom a tag names: the actor that it states; where it states none, whoever its label calls so."""


def same(name: str) -> str:
    """Return what two spellings of one name share: capitals and white space tell nobody apart.

    Examples
    --------
    >>> same(" Binance  Hot\\tWallet") == same("binance hot wallet")
    True
    """
    return " ".join(name.split()).casefold()


def one_spelling(names: Iterable[str]) -> dict[str, str]:
    """Return for each name the spelling that is used for all that are one.

    It is one of them, the first in order, so that it does not depend on the order of rows.
    """
    given = sorted(set(names))
    chosen: dict[str, str] = {}
    for name in given:
        chosen.setdefault(same(name), name)
    return {name: chosen[same(name)] for name in given}


def claimed(tags: pl.DataFrame) -> pl.DataFrame:
    """Return rows of tags with ``basis`` (*actor* or *label*) and ``name``, in one spelling.

    Actors are compared with actors and labels with labels.

    Parameters
    ----------
    tags : polars.DataFrame
        Rows with ``actor, label``.
    """
    name = pl.coalesce("actor", "label")
    spelled = one_spelling(tags.select(name).to_series().to_list())
    return tags.with_columns(
        pl.when(pl.col("actor").is_null())
        .then(pl.lit(LABEL))
        .otherwise(pl.lit(ACTOR))
        .alias("basis"),
        name.replace_strict(spelled, return_dtype=pl.String).alias("name"),
    )


DEPOSIT = "deposit_wallet"
"""Concept of an address that a service gave to a customer."""


def of_customers(tags: pl.DataFrame) -> pl.Series:
    """Return of each row whether it is of a deposit wallet on a chain of accounts.

    Its tags name the service that holds its keys. An owner of accounts has it as his account there:
    what they say is not said of him, and two services are not two owners. On coin chains clusters
    are of keys, and it is the service's.

    Parameters
    ----------
    tags : polars.DataFrame
        Rows with ``chain, address``, and ``concept`` if it is known.
    """
    if "concept" not in tags.columns:
        return pl.Series("of_customer", [False] * tags.height, pl.Boolean)
    accounts = [one for one in tags["chain"].unique() if chain_of(one).family != "utxo"]
    deposit = (pl.col("concept") == DEPOSIT).fill_null(False).any().over("chain", "address")
    return tags.select((deposit & pl.col("chain").is_in(accounts)).alias("of_customer")).to_series()


def holds_part(frame: pl.DataFrame, part: str) -> pl.Series:
    """Return of each row whether its label or actor holds a text, whatever the capitals."""
    sought = part.casefold()
    return pl.Series(
        [
            any(sought in (said or "").casefold() for said in row)
            for row in frame.select("label", "actor").iter_rows()
        ],
        dtype=pl.Boolean,
    )
