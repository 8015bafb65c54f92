"""What stands behind the nodes of an interactive figure: tags, addresses of clusters, their links.

All of it comes from the tables of the results as an edition shows them, so that the page says
nothing that these do not say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from chainwatch.heuristics.rates import basis_of
from chainwatch.privacy.edition import DISCLOSURE, WITHHELD, Edition
from chainwatch.privacy.mask_tables import ROUNDED, SUMMED, mask_table
from chainwatch.results.plain import chains_of
from chainwatch.results.result import Result
from chainwatch.results.table import Rows
from chainwatch.units import share_text

MOST_MEMBERS = 200
"""Addresses of a cluster that are listed; the others are counted."""

MOST_LINKS = 60
"""Links of a cluster that are listed, the weakest first; the others are counted."""

TAG = ("label", "concept", "source", "confidence", "first_day", "last_day", "as_of")
LINK = ("a", "b", "rule", "txid", "time", "confidence")
"""Columns of a link that are listed; what its confidence was counted on stands behind them."""


@dataclass
class Behind:
    """What stands behind a node: each list whole or cut, and the number of all that there are."""

    tags: list[list[str]] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    size: int = 0
    links: list[list[str]] = field(default_factory=list)
    link_count: int = 0


def evidence(
    chain: str,
    edition: Edition,
    entities: Mapping[bytes, str],
    clusters: object | None,
    tags: object | None,
) -> dict[str, Behind]:
    """Return what stands behind each node, by its name.

    Parameters
    ----------
    chain : str
        CAIP-2 id of the chain of the addresses.
    edition : Edition
        Who is shown: of whom it masks there is nothing.
    entities : mapping of bytes to str
        The node of each address.
    clusters, tags : Clusters, Tags, optional
        As the figure was given them.
    """
    open_ = {one: name for one, name in entities.items() if not edition.masks(chain, one)}
    named = {edition.name_of(chain, one): name for one, name in open_.items()}
    found: dict[str, Behind] = {name: Behind() for name in sorted(set(open_.values()))}
    for address, name in sorted(named.items()):
        found[name].members.append(address)
    for row in _rows(tags, "tags", chain, "address", open_, edition):
        found[named[row["address"]]].tags.append([_text(row[column]) for column in TAG])
    for row in _rows(clusters, "forest", chain, "a", open_, edition):
        sure = row["confidence"]
        basis = "" if sure is None else basis_of(row["rule"], sure)
        found[named[row["a"]]].links.append([*(_text(row[column]) for column in LINK), basis])
    for one in found.values():
        one.tags = sorted({tuple(tag): tag for tag in one.tags}.values())
        one.size, one.link_count = len(one.members), len(one.links)
        one.members = one.members[:MOST_MEMBERS]
        one.links = sorted(one.links, key=lambda link: (link[5], link))[:MOST_LINKS]
    return found


def _rows(
    result: object, table: str, chain: str, column: str, shown: Iterable[bytes], edition: Edition
) -> Iterable[dict[str, Any]]:
    """Return the rows of a table on some addresses, those that the edition shows whole."""
    if not isinstance(result, Result) or table not in result.tables():
        return []
    rows = result.tables()[table]
    wanted = pl.Series(sorted(shown), dtype=pl.Binary).implode()
    frame = rows.frame.filter((pl.col("chain") == chain) & pl.col(column).is_in(wanted))
    told = mask_table(Rows(frame, rows.table), chains_of(frame, None), edition).frame
    if edition.name == DISCLOSURE:
        told = told.filter(~pl.col(ROUNDED) & pl.col(SUMMED).is_null())
        if not edition.withheld:  # nobody looked who else stands in these transactions
            ids = [name for name in ("txid", "time") if name in told.columns]
            told = told.with_columns(pl.lit(WITHHELD).alias(name) for name in ids)
    return told.iter_rows(named=True)


def _text(value: object) -> str:
    return "" if value is None else share_text(value) if isinstance(value, float) else str(value)
