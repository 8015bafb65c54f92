"""What an edition hides in each row of a result: parties, transactions, and rows by themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import polars as pl

from chainwatch.privacy.columns import BEHIND, OPEN, PARTIES
from chainwatch.privacy.edition import DISCLOSURE, FEWEST, POOLED, Edition, Party


class Tabled(Protocol):
    """Any result: it can list its tables."""

    def tables(self) -> Mapping[str, tuple[pl.DataFrame, tuple[str, ...]]]: ...


class Hidden(NamedTuple):
    """What is masked in a row: a party, all its parties, or a transaction of a masked party.

    ``summed`` are the masked parties of a row that is not shown by itself.
    """

    party: bool
    everybody: bool
    transaction: bool
    summed: frozenset[bytes] = frozenset()


NOTHING = Hidden(False, False, False)


def parties(result: Tabled) -> set[Party]:
    """Return every address that stands in a result's tables."""
    found: set[Party] = set()
    for frame, _ in result.tables().values():
        names = party_columns(frame)
        chains = chains_of(result, frame)
        for name in names:
            found |= {
                (chain, item)
                for chain, item in zip(chains, frame[name].to_list(), strict=True)
                if item is not None
            }
    return found


def rows_left_out(result: Tabled, edition: Edition) -> dict[str, int]:
    """Return for each table how many rows name masked parties alone and are not shown."""
    return {
        name: sum(row.everybody for row in hidden_rows(frame, chains_of(result, frame), edition))
        for name, (frame, _) in result.tables().items()
    }


def party_columns(frame: pl.DataFrame) -> list[str]:
    """Return the columns that hold parties."""
    return [
        name for name in frame.columns if name in PARTIES - OPEN and frame[name].dtype == pl.Binary
    ]


def chains_of(result: Tabled, frame: pl.DataFrame) -> Sequence[str]:
    """Return the chain of each row."""
    if "chain" in frame.columns:
        return frame["chain"].to_list()
    asset = getattr(result, "asset", None)
    return [asset.chain if asset else ""] * frame.height


def judged(frame: pl.DataFrame) -> bool:
    """Return whether rows of a table can lead to somebody."""
    return bool(party_columns(frame)) or "txid" in frame.columns or BEHIND in frame.columns


def hidden_rows(frame: pl.DataFrame, chains: Sequence[str], edition: Edition) -> list[Hidden]:
    """Return what an edition hides in each row of a table."""
    if edition.name != DISCLOSURE or not judged(frame):
        return [NOTHING] * frame.height
    names = party_columns(frame)
    ids = frame["txid"].to_list() if "txid" in frame.columns else [None] * frame.height
    rows = frame.select(names).rows() if names else [()] * frame.height
    return [
        _row_hidden(edition, chain, row, txid, few)
        for chain, row, txid, few in zip(
            chains, rows, ids, _of_few(frame, chains, edition), strict=True
        )
    ]


def _of_few(frame: pl.DataFrame, chains: Sequence[str], edition: Edition) -> list[bool]:
    """Return for each group of a table whether it must be rounded.

    One to four masked parties stand behind it, or it is the smallest of the others and without it
    subtraction from a total would give the sum of fewer than five.
    """
    few = [False] * frame.height
    if BEHIND not in frame.columns:
        return few
    who = [
        frozenset(item for item in _unpacked(among) if edition.masks(chain, item))
        for among, chain in zip(frame[BEHIND], chains, strict=True)
    ]
    sides = frame["direction"].to_list() if "direction" in frame.columns else few
    for side in set(sides):
        rows = [number for number in range(frame.height) if sides[number] == side and who[number]]
        left: frozenset[bytes] = frozenset()
        for number in sorted(rows, key=lambda number: len(who[number])):
            if len(who[number]) < FEWEST or 0 < len(left) < FEWEST:
                few[number], left = True, left | who[number]
    return few


def _unpacked(among: str | None) -> list[bytes]:
    return [bytes.fromhex(item) for item in among.split(",")] if among else []


def _row_hidden(
    edition: Edition, chain: str, row: Sequence[bytes | None], txid: bytes | None, few: bool
) -> Hidden:
    masked = [party for party in row if party is not None and edition.masks(chain, party)]
    everybody = bool(masked) and len(masked) == sum(party is not None for party in row)
    parties_of = edition.withheld.get((chain, txid or b""))
    if everybody:
        summed: frozenset[bytes] = frozenset()
    elif masked:
        summed = frozenset(item for item in masked if edition.name_of(chain, item) == POOLED)
    else:
        summed = parties_of or frozenset()
    return Hidden(bool(masked), everybody, few or parties_of is not None, summed)


def transactions_of_masked(
    results: Iterable[Tabled], edition: Edition
) -> dict[Party, frozenset[bytes]]:
    """Return the transactions in which a masked party stands in any row, and these parties.

    Rows that are left out count as well.
    """
    found: defaultdict[Party, set[bytes]] = defaultdict(set)
    for result in results:
        for frame, _ in result.tables().values():
            names = party_columns(frame)
            if names and "txid" in frame.columns:
                rows = zip(
                    chains_of(result, frame), frame["txid"], frame.select(names).rows(), strict=True
                )
                for chain, txid, row in rows:
                    masked = [item for item in row if item and edition.masks(chain, item)]
                    if masked and txid:
                        found[chain, txid].update(masked)
    return {key: frozenset(parties) for key, parties in sorted(found.items())}
