"""What an edition hides in each row of a result: parties, transactions, and rows by themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.privacy.edition import DISCLOSURE, FEWEST, POOLED, Edition
from chainwatch.results.plain import chains_of
from chainwatch.results.result import Result
from chainwatch.results.roles import Party
from chainwatch.results.table import Privacy, Rows


class Hidden(NamedTuple):
    """What is masked in a row: a party, all its parties, or a transaction of a masked party.

    ``summed`` are the masked parties of a row that is not shown by itself.
    """

    party: bool
    everybody: bool
    transaction: bool
    summed: frozenset[bytes] = frozenset()


NOTHING = Hidden(False, False, False)


def parties(result: Result) -> set[Party]:
    """Return every address that stands in a result's tables."""
    found: set[Party] = set()
    for rows in result.tables().values():
        chains = chains_of(rows.frame, asset_of(result))
        for name in columns_of(rows, Privacy.PARTY):
            found |= {
                (chain, item)
                for chain, item in zip(chains, rows.frame[name].to_list(), strict=True)
                if item is not None
            }
    return found


def asset_of(result: Result) -> Asset | None:
    """Return the asset that a result is of, where it is of one."""
    return getattr(result, "asset", None)


def columns_of(rows: Rows, *classes: Privacy) -> list[str]:
    """Return the columns of a table that are of some privacy classes, in order."""
    return [name for name in rows.frame.columns if rows.table[name].privacy in classes]


def judged(rows: Rows) -> bool:
    """Return whether rows of a table can lead to somebody."""
    return bool(columns_of(rows, Privacy.PARTY, Privacy.TXID, Privacy.BEHIND))


def hidden_rows(rows: Rows, chains: Sequence[str], edition: Edition) -> list[Hidden]:
    """Return what an edition hides in each row of a table."""
    frame = rows.frame
    if edition.name != DISCLOSURE or not judged(rows):
        return [NOTHING] * frame.height
    return [
        _row_hidden(edition, chain, who, txids, few)
        for chain, who, txids, few in zip(
            chains,
            _cells(frame, columns_of(rows, Privacy.PARTY)),
            _cells(frame, columns_of(rows, Privacy.TXID)),
            _of_few(rows, chains, edition),
            strict=True,
        )
    ]


def _cells(frame: pl.DataFrame, names: list[str]) -> list[tuple[bytes | None, ...]]:
    return frame.select(names).rows() if names else [()] * frame.height


def _of_few(rows: Rows, chains: Sequence[str], edition: Edition) -> list[bool]:
    """Return for each group of a table whether it must be rounded.

    One to four masked parties stand behind it, or it is the smallest of the others and without it
    subtraction from a total would give the sum of fewer than five.
    """
    frame = rows.frame
    few = [False] * frame.height
    behind = columns_of(rows, Privacy.BEHIND)
    if not behind:
        return few
    who = [
        frozenset(item for item in _unpacked(among) if edition.masks(chain, item))
        for among, chain in zip(frame[behind[0]], chains, strict=True)
    ]
    sides = _sides(rows)
    for side in set(sides):
        numbers = [number for number in range(len(sides)) if sides[number] == side and who[number]]
        left: frozenset[bytes] = frozenset()
        for number in sorted(numbers, key=lambda number: len(who[number])):
            if len(who[number]) < FEWEST or 0 < len(left) < FEWEST:
                few[number], left = True, left | who[number]
    return rounded_alike(rows, few)


def rounded_alike(rows: Rows, few: Sequence[bool]) -> list[bool]:
    """Return which rows are rounded, where all that tell of one thing are if any of them is."""
    if not rows.table.alike:
        return list(few)
    of = rows.frame.select(rows.table.alike).rows()
    told = {what for what, one in zip(of, few, strict=True) if one}
    return [what in told for what in of]


def _sides(rows: Rows) -> list[tuple[str, ...]]:
    """Return of each row the words across which nothing is added up."""
    names = columns_of(rows, Privacy.SIDE)
    return rows.frame.select(names).rows() if names else [()] * rows.frame.height


def _unpacked(among: str | None) -> list[bytes]:
    return [bytes.fromhex(item) for item in among.split(",")] if among else []


def _row_hidden(
    edition: Edition, chain: str, who: Sequence[bytes | None], txids: Sequence[bytes | None],
    few: bool,
) -> Hidden:  # fmt: skip
    masked = [party for party in who if party is not None and edition.masks(chain, party)]
    everybody = bool(masked) and len(masked) == sum(party is not None for party in who)
    withheld = [edition.withheld.get((chain, txid or b"")) for txid in txids]
    others = [found for found in withheld if found is not None]
    if everybody:
        summed: frozenset[bytes] = frozenset()
    elif masked:
        summed = frozenset(item for item in masked if edition.name_of(chain, item) == POOLED)
    else:
        summed = frozenset[bytes]().union(*others)
    return Hidden(bool(masked), everybody, few or bool(others), summed)


def transactions_of_masked(
    results: Iterable[Result], edition: Edition
) -> dict[Party, frozenset[bytes]]:
    """Return the transactions in which a masked party stands in any row, and these parties.

    Rows that are left out count as well.
    """
    found: defaultdict[Party, set[bytes]] = defaultdict(set)
    for result in results:
        for rows in result.tables().values():
            names, ids = columns_of(rows, Privacy.PARTY), columns_of(rows, Privacy.TXID)
            if names and ids:
                cells = zip(
                    chains_of(rows.frame, asset_of(result)),
                    _cells(rows.frame, ids),
                    _cells(rows.frame, names),
                    strict=True,
                )
                for chain, txids, row in cells:
                    masked = [item for item in row if item and edition.masks(chain, item)]
                    for txid in filter(None, txids if masked else ()):
                        found[chain, txid].update(masked)
    return {key: frozenset(who) for key, who in sorted(found.items())}


def masked_names(results: Iterable[Result], edition: Edition) -> frozenset[str]:
    """Return the names that are given to masked parties alone: a label says who somebody is."""
    hidden: set[str] = set()
    shown: set[str] = set()
    for name, party in (pair for result in results for pair in result.names()):
        (hidden if edition.masks(*party) else shown).add(name)
    return frozenset(hidden - shown)
