"""Which names are one: spellings are, and a label beside an actor contradicts nothing."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

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
