"""What is known of one kind of table: its columns, what they mean, and what it does not say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

NO_TRANSFERS = "leave the table out, or give one of other blocks"
"""What to do with a table of which no row is a transfer, where its kind has no other remedy."""


@dataclass(frozen=True)
class Part:
    """Rows of a table that are one kind of transfer.

    Attributes
    ----------
    kind : str
        Kind of transfer, as in a :class:`DumpMapping`.
    keep, drop : mapping of str to tuple of str
        Texts of a column with which a row belongs to the part, or does not; an empty text is an
        empty cell.
    """

    kind: str
    keep: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    drop: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Shape:
    """One known kind of table.

    A column is named as it stands in the header. Names that were in use one after the other stand
    with ``|`` between them, ``*`` stands for what differs from table to table.

    Attributes
    ----------
    name : str
        What the pull calls it, and what ``shape`` names it by.
    reference : str
        Where the header is documented.
    columns : mapping of str to str
        Key of a mapping (``txid``, ``amount``, ...) to the column; all must be there. Of coins the
        columns that tell the table.
    may : mapping of str to str
        More of them, used where they are there.
    fixed : mapping of str to object
        What else the mapping says: ``amount_unit``, ``time_unit`` (left out: told by the cells),
        words for success.
    also : tuple of str
        Further columns by which the table is told from its relatives.
    parts : tuple of Part
        Kinds of transfers in it; empty for a table of coins.
    chain : str
        Alias of the one chain that has such tables; nothing where the chain must be said.
    chain_id : str
        Column with the number of an EVM chain.
    lacks : tuple of str
        What the table does not say, told with each pull of it.
    padded : bool
        Addresses may stand in 32 bytes, as logs have them.
    rooted : bool
        The place of a call begins with that of the root, ``0``, which others leave out.
    inherits : bool
        Inside a call that failed nothing took effect, and only the row of that call says so.
    beside : tuple of str
        Of coins: which further tables of the same dump are needed.
    logs : bool
        Its rows are logs of contracts, and no transfers.
    without_transfers : str
        What to give in place of a table of this kind of which no row is a transfer.
    """

    name: str
    reference: str
    columns: Mapping[str, str | tuple[str, ...]]
    may: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    chain: str = ""
    chain_id: str = ""
    lacks: tuple[str, ...] = ()
    padded: bool = False
    rooted: bool = False
    inherits: bool = False
    beside: tuple[str, ...] = ()
    without_transfers: str = ""
    logs: bool = False

    @property
    def coins(self) -> bool:
        """Whether it is of a coin chain."""
        return not self.parts and not self.logs

    def needs(self) -> tuple[str, ...]:
        """Return all columns that must be there, as they are written here."""
        filters = [one for part in self.parts for one in (*part.keep, *part.drop)]
        extra = [self.chain_id] if self.chain_id else []
        return tuple(dict.fromkeys([*self._each(), *self.also, *filters, *extra]))

    def _each(self) -> Iterator[str]:
        for column in self.columns.values():
            yield from (column,) if isinstance(column, str) else column

    def missing(self, header: list[str]) -> list[str]:
        """Return the columns that a header lacks."""
        return [column for column in self.needs() if find(column, header) is None]


@dataclass(frozen=True)
class Sibling:
    """A table that stands beside those of transfers in an export and holds none.

    Attributes
    ----------
    name : str
        What it is called.
    columns : tuple of str
        Columns that tell it.
    holds : str
        What it holds.
    remedy : str
        What to give in its place, or where it belongs.
    """

    name: str
    columns: tuple[str, ...]
    holds: str
    remedy: str


def find(column: str, header: list[str]) -> str | None:
    """Return the one name of a header that is meant by a column of a shape, or None."""
    for one in column.split("|"):
        hits = [name for name in header if fnmatchcase(name, one)]
        if len(hits) == 1:
            return hits[0]
    return None
