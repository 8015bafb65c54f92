"""Which role a tag gives its address: a finding, a service, or a victim who is never shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from chainwatch.attribution.naming import of_customers
from chainwatch.attribution.resolve import TagStatement
from chainwatch.attribution.taxonomy import ENDING, HOLDING, is_a
from chainwatch.results.roles import FINDING, SERVICE, Party, Roles, parties_of

_FINDINGS = ("abuse", "vendor", "dark_market", "market", "perpetrator")
_VICTIMS = ("victim",)
_OPEN = ("service", "market", "sanction", "black_list")
"""Who is named by a tag alone: services and markets, whom one asks, and whom a published list
names."""


def role_of(concept: str | None) -> str | None:
    """Return the role of who is tagged with a concept; None for one that gives none."""
    if concept is None or is_victim(concept):
        return None
    if any(is_a(concept, one) for one in _FINDINGS):
        return FINDING
    return SERVICE if is_a(concept, "service") else None


def is_victim(concept: str | None) -> bool:
    """Tell whether a concept says that somebody is a victim."""
    return concept is not None and any(is_a(concept, one) for one in _VICTIMS)


def roles_of_tags(frame: pl.DataFrame) -> Roles:
    """Return what rows of tags say of who may be shown.

    An address with a concept of abuse is a finding, whatever else it is; one with a concept of
    service is a service; whom any tag calls a victim is never shown. The other addresses of its
    cluster share the role where the publisher says the tag of the whole cluster. Who is a finding
    and neither a service nor on a published list is shown where a subject's money meets them, and
    not for being tagged: vendors, sellers of drugs, whoever raises donations for terrorism.

    Parameters
    ----------
    frame : polars.DataFrame
        ``chain, address, concept, definer``.
    """
    kinds: dict[bool | None, dict[Party, str]] = {True: {}, None: {}, False: {}}
    # What is said of a deposit wallet is said of nobody else, whatever its publisher says.
    alone = pl.when(~of_customers(frame)).then("definer").otherwise(False)
    rows = frame.select("chain", "address", "concept", alone.alias("definer"))
    for chain, address, concept, definer in rows.iter_rows():
        role, found = role_of(concept), kinds[definer]
        if role and found.get((chain, address)) != FINDING:
            found[chain, address] = role
    return Roles(
        spreading=kinds[True],
        unstated=kinds[None],
        single=kinds[False],
        protected=parties_of(_victims(frame)),
        if_met=_private(frame),
    )


def _private(frame: pl.DataFrame) -> set[Party]:
    """Return the findings among the tagged whom no concept makes a service or a listed party."""
    concepts = frame["concept"].unique().to_list()
    found = [one for one in concepts if role_of(one) == FINDING]
    open_ = [one for one in concepts if one and any(is_a(one, broad) for broad in _OPEN)]
    rows = frame.filter(pl.col("concept").is_in(found))
    return parties_of(rows) - parties_of(frame.filter(pl.col("concept").is_in(open_)))


def _victims(frame: pl.DataFrame) -> pl.DataFrame:
    hidden = [one for one in frame["concept"].unique().to_list() if is_victim(one)]
    return frame.filter(pl.col("concept").is_in(hidden))


def named_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of tags that may name somebody in any edition: of services and findings."""
    concepts = [one for one in frame["concept"].unique().to_list() if role_of(one)]
    victims = _victims(frame).select("chain", "address").unique()
    rows = frame.filter(pl.col("concept").is_in(concepts))
    return rows.join(victims, on=["chain", "address"], how="anti", maintain_order="left")


Wallets = Mapping[bytes, tuple[TagStatement, ...]]
"""Tagged wallets, and what tags say of each."""


def holds(concepts: Iterable[str | None]) -> bool:
    """Tell whether a party of whom tags say these concepts holds the money of others.

    Who mixes or bridges as well is a mixer or a bridge, whatever else tags say.
    """
    said = [one for one in concepts if one is not None]
    first = next((broad for broad in ENDING if any(is_a(one, broad) for one in said)), None)
    return first in HOLDING


def wallets_of(tagged: Wallets) -> dict[bytes, tuple[TagStatement, ...]]:
    """Return the tagged wallets of services that hold the money of others, and what tags say."""
    return {address: kept for address, one in tagged.items() if (kept := _serving(one))}


def _serving(rows: tuple[TagStatement, ...]) -> tuple[TagStatement, ...]:
    """Return what is said of an address's service, if it is one that hosts."""
    return tuple(
        one for one in rows if holds(other.concept for other in rows if other.actor == one.actor)
    )
