"""The one masked view of a case: everything that leaves the desk is written from it.

It is made once for an edition. Tables, figures, document, exports and manifest ask it and mask
nothing themselves, so that no two of them can differ in what they hide. The disclosure edition is
made in two passes: a draft in which every masked party has a pseudonym shows which of these would
single somebody out; then the edition itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.ledger.ledger import Ledger
from chainwatch.privacy.about import About, about
from chainwatch.privacy.anonymity_sets import singled_out, standing
from chainwatch.privacy.edition import DISCLOSURE, POOLED, Edition
from chainwatch.privacy.mask_rows import (
    NOTHING,
    asset_of,
    columns_of,
    hidden_rows,
    masked_names,
    parties,
    transactions_of_masked,
)
from chainwatch.privacy.mask_tables import Masked, mask_tables
from chainwatch.privacy.redact_text import TextMask
from chainwatch.privacy.roles import roles_of
from chainwatch.results.plain import chains_of
from chainwatch.results.result import Drawing, Finding, Result
from chainwatch.results.roles import Party
from chainwatch.results.table import Privacy, Table

Standing = Mapping[Party, frozenset[bytes]]
"""Who stands in a transaction, by chain and id."""

UNNAMED = b""
"""Stands for whoever pays by an input that has no address, or of which none was read."""


@dataclass(frozen=True)
class DrawnFlows:
    """Something that is drawn, as the edition shows it.

    Attributes
    ----------
    place : int
        Which of the results it is of.
    stem : str
        Name of its files, without suffix.
    drawing : object
        What :meth:`chainwatch.results.result.Drawing.shown` gave.
    flows : polars.DataFrame
        The rows behind it, their texts without what may not be said.
    asset : Asset or None
        What their amounts are of.
    """

    place: int
    stem: str
    drawing: Any
    flows: pl.DataFrame
    asset: Asset | None = None


class Declared(NamedTuple):
    """What is said of the columns of a table that an edition shows.

    ``place`` is which of the results it is of, ``asset`` what its amounts are of, where that is one
    asset. A column that the edition adds is declared in
    :data:`chainwatch.privacy.mask_tables.ADDED`.
    """

    table: Table
    asset: Asset | None
    place: int


@dataclass(frozen=True)
class MaskedView:
    """A case as one edition shows it.

    Attributes
    ----------
    edition : Edition
        Who is shown, and under what name.
    text : TextMask
        Takes out of free text what the edition may not say.
    tables : mapping of str to polars.DataFrame
        Every table of every result, under a name of its own.
    left_out : mapping of str to int
        How many rows of each table name masked parties alone; tables without any are not listed.
    by_result : tuple of mapping
        The same tables, result by result, by the names that the results give them.
    files : tuple of mapping
        Under which name each of these stands in ``tables``, and so in the files.
    drawn : tuple of DrawnFlows
        What is drawn, in the order of the results.
    declared : mapping of str to Declared
        How each of ``tables`` is declared, under the same names.
    about : tuple of About
        What each result says beside its tables.
    """

    edition: Edition
    text: TextMask
    tables: Mapping[str, pl.DataFrame]
    left_out: Mapping[str, int]
    by_result: tuple[Mapping[str, pl.DataFrame], ...]
    files: tuple[Mapping[str, str], ...]
    drawn: tuple[DrawnFlows, ...]
    declared: Mapping[str, Declared]
    about: tuple[About, ...]

    def visible_pseudonyms(self) -> frozenset[str]:
        """Return the pseudonyms that stand in its tables and figures."""
        return standing({**self.tables, **{one.stem: one.flows for one in self.drawn}})


def masked_view(
    results: Sequence[Result], name: str, key: bytes, standing: Standing | None = None,
    blocks: Set[str] = frozenset(),
) -> MaskedView:  # fmt: skip
    """Make the view of a case for an edition.

    Parameters
    ----------
    results : sequence of Result
        All of the case, and the findings that they bring.
    name : str
        ``disclosure`` or ``working``.
    key : bytes
        Secret of the pseudonyms, 16 bytes or more.
    standing : mapping, optional
        Who else stands in their transactions; see `parties_by_transaction`. Where nobody looked,
        no transaction is shown in the disclosure edition: any may be of somebody who is masked.
    blocks : set of str
        Hashes of blocks that may stand in texts: those up to which chains were read whole.

    Returns
    -------
    MaskedView

    Raises
    ------
    InputError
        If a result has a column that no edition knows how to show.
    """
    edition = Edition(name, key, roles_of(results))
    if name == DISCLOSURE:
        edition = replace(edition, withheld=_withheld(results, edition, standing))
        edition = replace(edition, pooled=_pooled(results, edition))
        rounded, published = _sums_told(results, edition)
        edition = replace(edition, rounded=rounded, published=published)
    masked = [mask_tables(result, edition) for result in results]
    everybody = set[Party]().union(*(parties(result) for result in results))
    text = TextMask(
        edition, everybody, names=masked_names(results, edition),
        ids=_visible_ids(results, masked) | blocks,
    )  # fmt: skip
    files = _files(masked)
    named = {text.text(name): one for name, one in _named(masked).items()}
    return MaskedView(
        edition,
        text,
        {name: text.frame(one.frame) for name, one in named.items()},
        {name: one.left_out for name, one in named.items() if one.left_out},
        tuple({name: text.frame(one.frame) for name, one in each.items()} for each in masked),
        tuple({name: text.text(file) for name, file in each.items()} for each in files),
        _drawn(results, edition, text),
        _declared(results, files, text),
        tuple(about(result, edition, text) for result in results),
    )


def _declared(
    results: Sequence[Result], files: Sequence[Mapping[str, str]], text: TextMask
) -> dict[str, Declared]:
    """Return how each table is declared, by the name of its file."""
    return {
        text.text(file): Declared(rows.table, asset_of(result), place)
        for place, (result, names) in enumerate(zip(results, files, strict=True))
        for name, rows in result.tables().items()
        for file in (names[name],)
    }


def _visible_ids(
    results: Sequence[Result], masked: Sequence[Mapping[str, Masked]]
) -> frozenset[str]:
    """Return the ids that tables of an edition show, as text: all others are withheld in texts."""
    found: set[str] = set()
    for result, tables in zip(results, masked, strict=True):
        for name, rows in result.tables().items():
            for column in columns_of(rows, Privacy.TXID):
                found |= set(tables[name].frame[column].drop_nulls())
    return frozenset(found)


def _named(masked: Sequence[Mapping[str, Masked]]) -> dict[str, Masked]:
    """Return the tables of all results, each under a name of its own."""
    return {
        file: each[name]
        for each, files in zip(masked, _files(masked), strict=True)
        for name, file in files.items()
    }


def _files(masked: Sequence[Mapping[str, Masked]]) -> list[dict[str, str]]:
    """Return for each result the names that its tables have among those of all results."""
    taken = set[str]()
    found: list[dict[str, str]] = []
    for each in masked:
        found.append({})
        for name in each:
            found[-1][name] = _free(name, taken)
            taken.add(found[-1][name])
    return found


def _drawings(results: Sequence[Result]) -> list[tuple[int, Drawing]]:
    return [(place, one) for place, result in enumerate(results) for one in result.drawings()]


def _drawn(results: Sequence[Result], edition: Edition, text: TextMask) -> tuple[DrawnFlows, ...]:
    found: dict[str, DrawnFlows] = {}
    for place, drawing in _drawings(results):
        shown = drawing.shown(edition, text.text)
        stem = _free(text.text(shown.stem), found)
        found[stem] = DrawnFlows(place, stem, shown, text.frame(shown.flows), drawing.asset)
    return tuple(found.values())


def _pooled(results: Sequence[Result], draft: Edition) -> frozenset[str]:
    """Return the pseudonyms that would single somebody out, and so give way to one word."""
    tables = {
        name: one.frame for name, one in _named([mask_tables(r, draft) for r in results]).items()
    }
    flows = {f"flows {place}": one.shown(draft).flows for place, one in _drawings(results)}
    ways = frozenset[Party]().union(*(result.roles().on_the_way for result in results))
    passing = {draft.pseudonym(*party) for party in ways}
    for frame in flows.values():
        passing |= {item for item in frame["source"].to_list() if item.startswith(POOLED)}
    return singled_out({**tables, **flows}, passing)


def _sums_told(
    results: Sequence[Result], edition: Edition
) -> tuple[frozenset[int], frozenset[int]]:
    """Return the sums that findings of an edition round, and those that they give exactly."""
    rounded, exact = set[int](), set[int]()
    for result in results:
        if not isinstance(result, Finding) or result.rows is None:
            continue
        rows, groups = result.rows, bool(columns_of(result.rows, Privacy.BEHIND))
        names = columns_of(rows, Privacy.AMOUNT)
        amounts = rows.frame.select(names).rows() if names else [()] * rows.frame.height
        hidden = hidden_rows(rows, chains_of(rows.frame, asset_of(result)), edition)
        for cells, hide in zip(amounts, hidden, strict=True):
            told = {int(cell) for cell in cells if cell}
            if hide == NOTHING:
                exact |= told
            elif groups:
                rounded |= told
    return frozenset(rounded), frozenset(exact - rounded)


def _withheld(
    results: Sequence[Result], edition: Edition, standing: Standing | None
) -> dict[Party, frozenset[bytes]]:
    """Return the transactions in which a masked party of the case stands, and these parties."""
    found = transactions_of_masked(results, edition)
    if standing is None:
        return dict.fromkeys(_transactions(results), frozenset[bytes]()) | found
    for (chain, txid), who in standing.items():
        masked = frozenset(item for item in who if edition.masks(chain, item))
        if masked:
            found[chain, txid] = found.get((chain, txid), frozenset()) | masked
    return found


def _transactions(results: Sequence[Result]) -> set[Party]:
    """Return chain and id of every transaction that results name."""
    return {
        (chain, txid)
        for result in results
        for rows in result.tables().values()
        for name in columns_of(rows, Privacy.TXID)
        for chain, txid in zip(
            chains_of(rows.frame, asset_of(result)), rows.frame[name].to_list(), strict=True
        )
        if txid is not None
    }


def parties_by_transaction(ledger: Ledger, results: Sequence[Result]) -> Standing:
    """Return who stands in each transaction of results, as far as a ledger says.

    A table names payer and payee, or the payee alone. Who else stands in the same transaction is
    found from its id, and from its exact amount and time, whether or not a table names them.
    An input of which no owner was read, or that has no address, is of somebody without a name.

    Parameters
    ----------
    ledger : Ledger
        What the results were computed from.
    results : sequence of Result
        All of the case.
    """
    ids = {txid for _, txid in _transactions(results)}
    told = ledger.transactions.filter(pl.col("txid").is_in(list(ids)))
    key = ["chain", "tx"]
    owner = pl.col("address")
    named = told.select(*key, "txid", "coinbase")
    payers = named.filter(~pl.col("coinbase")).join(
        ledger.inputs.select(*key, owner.fill_null(pl.lit(UNNAMED))), on=key
    )
    payees = named.join(ledger.outputs.select(*key, owner), on=key)
    sides = [payers, payees]
    moved = ledger.transfers.filter(pl.col("txid").is_in(list(ids)))
    sides += [
        moved.select("chain", "txid", pl.col(end).alias("address"))
        for end in ("sender", "receiver")
    ]
    rows = pl.concat([side.select("chain", "txid", "address") for side in sides])
    found: defaultdict[Party, set[bytes]] = defaultdict(set)
    for chain, txid, address in rows.drop_nulls("address").unique().collect().iter_rows():
        found[chain, txid].add(address)
    return {place: frozenset(who) for place, who in sorted(found.items())}


def _free(name: str, taken: Container[str]) -> str:
    """Return a table's name, numbered where another result has one of that name."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
