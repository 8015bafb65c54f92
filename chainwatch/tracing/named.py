"""Whom a text names: an address, or all addresses that tags call by that name."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import polars as pl

from chainwatch.addresses.canonical import parse, text
from chainwatch.addresses.diagnose import is_name
from chainwatch.attribution.naming import same
from chainwatch.attribution.tags import Tags
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import AddressError, InputError, TagError
from chainwatch.tracing.subjects import is_place

COLUMNS = {"chain": pl.String, "address": pl.Binary}
"""Columns of those whom texts name."""

Party = pl.DataFrame | list[str]
"""Addresses as a frame, or as texts with outputs and transfers among them."""


def addresses_named(named: Sequence[str], tags: Tags | None, chain: Chain | str) -> pl.DataFrame:
    """Return the addresses that texts name, each once: ``chain, address``.

    A text is an address of the chain; else the actor of tags, in any capitals; else their label;
    else a concept, with the narrower ones.

    Parameters
    ----------
    named : sequence of str
        One text or several: together they are one party.
    tags : Tags, optional
        Who is called what.
    chain : Chain or str
        Where the addresses are.

    Raises
    ------
    AddressError
        If a text is no address, and there are no tags or it is a name of ENS.
    InputError
        If no tag on the chain calls anybody so.
    """
    where = find_chain(chain)
    found = [address for one in named for address in _addresses(one, tags, where)]
    rows = {"chain": [where.id] * len(found), "address": found}
    return pl.DataFrame(rows, schema=COLUMNS).unique(maintain_order=True)


def parties_named(named: Sequence[str], tags: Tags | None, chain: Chain | str) -> Party:
    """Return the addresses that texts name, with outputs and transfers, ``TXID:N``, as they stand.

    A frame of :func:`addresses_named` where no text is of a place; else all of them as texts.

    Parameters
    ----------
    named, tags, chain
        As :func:`addresses_named` takes them.
    """
    places = [one for one in named if is_place(one)]
    others = addresses_named([one for one in named if one not in places], tags, chain)
    if not places:
        return others
    return [*(text(one, find_chain(chain)) for one in others["address"].to_list()), *places]


def tags_named(named: str, tags: Tags, chain: Chain | str) -> Tags | None:
    """Return the tags that call somebody by a text; none where it is an address, or nobody's name.

    Who is asked for by tags is known to be whom they name, which addresses alone do not say.
    """
    where = find_chain(chain)
    try:
        parse(named, where)
    except AddressError:
        return _tagged(named, tags.where(chain=where))
    return None


def _addresses(named: str, tags: Tags | None, chain: Chain) -> list[bytes]:
    try:
        return [parse(named, chain)]
    except AddressError:
        if tags is None:
            raise
        mine = _tagged(named, tags.where(chain=chain))
        if mine is not None:
            return mine.addresses()["address"].to_list()
        if is_name(named):
            raise
        raise InputError(
            f"{named[:100]!r} is no address of {chain.alias}, and no tag calls anybody so",
            remedy="write an address, or a name as the tags have it",
        ) from None


def _tagged(named: str, tags: Tags) -> Tags | None:
    """Return the tags that call somebody so."""
    for column in ("actor", "label"):
        called = [one for one in tags.frame[column].drop_nulls() if same(one) == same(named)]
        if called:
            mine = tags.frame[column].is_in(called)
            return Tags(tags.frame.filter(mine), tags.rejected)
    with suppress(TagError):  # a name is seldom that of a concept
        found = tags.where(concept=named)
        return found if len(found) else None
    return None
