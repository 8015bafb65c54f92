"""What a table is: a key and columns, each with type, unit, meaning and what it may give away.

Whoever declares a column says in one word, its *privacy class*, what an edition does with it. A
column without a class cannot be declared, and no edition shows a column that is not declared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

import polars as pl

from chainwatch.errors import InputError
from chainwatch.results.column_types import conform
from chainwatch.units import AMOUNT

TIME = pl.Datetime("us", "UTC")

DataType = pl.DataType | type[pl.DataType]


class Privacy(StrEnum):
    """What a column may give away, and so what the disclosure edition does with it.

    A *masked row* is one in which a party stands whom the edition masks, or whose transaction
    leads to one.
    """

    PARTY = "party"
    """A canonical address: shown, or replaced by a pseudonym."""
    CONTRACT = "contract"
    """The contract of a token, which is nobody's wallet: shown."""
    TXID = "txid"
    """Id of a transaction or a block: withheld in a masked row."""
    PLACE = "place"
    """A number that leads to a transaction as surely as its id: left out of a masked row."""
    ELSEWHERE = "elsewhere"
    """A number that leads to another transaction than that of its row: left out always."""
    SIDE = "side"
    """A word of ours across which nothing is added up, such as a direction: shown."""
    KIND = "kind"
    """A word of ours by which sums are told in parts, such as a reason: shown."""
    WORD = "word"
    """Another text out of a few words of ours: shown."""
    SERVICE = "service"
    """The name of a service; withheld beside a masked party; sums are told by it."""
    NAME = "name"
    """Another name of somebody who is shown: withheld beside a masked party."""
    TEXT = "text"
    """Any other text, whoever wrote it: withheld in a masked row, for it may say who or where."""
    STRANGER = "stranger"
    """A text that was read and not taken: anything may stand there, so it is withheld always."""
    AMOUNT = "amount"
    """Money: one digit is left in a masked row; it can be added up."""
    COUNT = "count"
    """A number of things: a band in a masked row; it can be added up."""
    TALLY = "tally"
    """A whole number that can be added up: one digit is left in a masked row."""
    NUMBER = "number"
    """Another number: one digit is left in a masked row."""
    FLAG = "flag"
    """True or false, or a rate: shown."""
    TIME = "time"
    """When: the month is left in a masked row."""
    SPAN = "span"
    """First or last of several times: the month is left, always."""
    DIGEST = "digest"
    """SHA-256 of what was read: keyed, for a plain one can be guessed."""
    BEHIND = "behind"
    """The parties whom a group adds up, hexadecimal, joined by commas: never shown."""


_TEXTS = (pl.String,)
_WHOLE = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)

_TYPES: dict[Privacy, tuple[type[pl.DataType], ...]] = {
    Privacy.PARTY: (pl.Binary,),
    Privacy.CONTRACT: (pl.Binary,),
    Privacy.TXID: (pl.Binary,),
    Privacy.PLACE: (*_WHOLE, pl.String),
    Privacy.ELSEWHERE: (*_WHOLE, pl.String),
    Privacy.SIDE: _TEXTS,
    Privacy.KIND: _TEXTS,
    Privacy.WORD: _TEXTS,
    Privacy.SERVICE: _TEXTS,
    Privacy.NAME: _TEXTS,
    Privacy.TEXT: (pl.String, pl.Binary, pl.Date),
    Privacy.STRANGER: (pl.String, pl.Binary),
    Privacy.AMOUNT: (*_WHOLE, pl.Decimal),
    Privacy.COUNT: _WHOLE,
    Privacy.TALLY: _WHOLE,
    Privacy.NUMBER: (*_WHOLE, pl.Decimal),
    Privacy.FLAG: (pl.Boolean, pl.Float32, pl.Float64, pl.Decimal),
    Privacy.TIME: (pl.Datetime, pl.Date),
    Privacy.SPAN: (pl.Datetime, pl.Date),
    Privacy.DIGEST: (pl.String, pl.Binary),
    Privacy.BEHIND: _TEXTS,
}
"""The types that each class knows how to mask: a class promises nothing of any other."""


def holds(privacy: Privacy, dtype: DataType) -> bool:
    """Tell whether a privacy class knows how to mask a type; a column of nothing gives nothing."""
    kind = dtype if isinstance(dtype, type) else type(dtype)
    return issubclass(kind, (pl.Null, *_TYPES[privacy]))


@dataclass(frozen=True)
class Column:
    """One column: its name, polars type, privacy class, meaning, unit, and whether it may be null.

    Raises
    ------
    InputError
        If what should be its privacy class is none.
    """

    name: str
    dtype: DataType
    privacy: Privacy
    meaning: str
    unit: str = ""
    nullable: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.privacy, Privacy):
            raise InputError(
                f"column {self.name!r} is declared without a privacy class",
                remedy="say what it may give away, such as Privacy.PARTY or Privacy.AMOUNT",
            )
        if not holds(self.privacy, self.dtype):
            raise InputError(
                f"column {self.name!r} is of type {self.dtype}, which the class {self.privacy} does"
                " not know how to mask",
                remedy="hold it as text, bytes, a number or a time, or choose the class that fits",
            )

    @classmethod
    def party(cls, name: str, meaning: str) -> Column:
        """Return a column of canonical addresses; null where there is none, or none was read."""
        return cls(name, pl.Binary, Privacy.PARTY, meaning, nullable=True)

    @classmethod
    def amount(cls, name: str, meaning: str) -> Column:
        """Return a column of amounts in base units; null is *unknown*."""
        return cls(name, AMOUNT, Privacy.AMOUNT, meaning, "base units", nullable=True)

    @classmethod
    def count(cls, name: str, meaning: str) -> Column:
        """Return a column that counts things."""
        return cls(name, pl.Int64, Privacy.COUNT, meaning)

    @classmethod
    def number(cls, name: str, meaning: str) -> Column:
        """Return a column of other whole numbers."""
        return cls(name, pl.Int64, Privacy.NUMBER, meaning, nullable=True)

    @classmethod
    def place(cls, name: str, meaning: str) -> Column:
        """Return a column of whole numbers that lead to a transaction."""
        return cls(name, pl.Int64, Privacy.PLACE, meaning, nullable=True)

    @classmethod
    def elsewhere(cls, name: str, meaning: str) -> Column:
        """Return a column of whole numbers that lead to another transaction than the row's."""
        return cls(name, pl.Int64, Privacy.ELSEWHERE, meaning, nullable=True)

    @classmethod
    def word(cls, name: str, meaning: str) -> Column:
        """Return a column of words of ours."""
        return cls(name, pl.String, Privacy.WORD, meaning, nullable=True)

    @classmethod
    def kind(cls, name: str, meaning: str) -> Column:
        """Return a column of words of ours by which sums are told."""
        return cls(name, pl.String, Privacy.KIND, meaning, nullable=True)

    @classmethod
    def text(cls, name: str, meaning: str) -> Column:
        """Return a column of texts that anybody may have written."""
        return cls(name, pl.String, Privacy.TEXT, meaning, nullable=True)

    @classmethod
    def flag(cls, name: str, meaning: str) -> Column:
        """Return a column of true and false; null is *unknown*."""
        return cls(name, pl.Boolean, Privacy.FLAG, meaning, nullable=True)


CHAIN = Column("chain", pl.String, Privacy.SIDE, "CAIP-2 id of the network")
DIRECTION = Column("direction", pl.String, Privacy.SIDE, "in or out, as the subject sees it")
TX = Column.place("tx", "transaction number, height << 24 | position")
TXID = Column("txid", pl.Binary, Privacy.TXID, "transaction id, as the ledger keeps it")
N = Column.place("n", "place of the output in its transaction, or of the transfer in its block")
WHEN = Column("time", TIME, Privacy.TIME, "time of the block, or as the source states it")
FIRST = Column("first", TIME, Privacy.SPAN, "the first of these times", nullable=True)
LAST = Column("last", TIME, Privacy.SPAN, "the last of these times", nullable=True)
SERVICE = Column("service", pl.String, Privacy.SERVICE, "the service that tags name", nullable=True)
CONTRACT = Column(
    "contract", pl.Binary, Privacy.CONTRACT, "token contract; null is the native asset",
    nullable=True,
)  # fmt: skip
BEHIND = Column(
    "behind", pl.String, Privacy.BEHIND, "the parties whom a row adds up; never shown",
    nullable=True,
)  # fmt: skip


def behind(column: str = "counterparty") -> pl.Expr:
    """Return the parties of a group as the column ``BEHIND`` holds them.

    A group is rounded where one to four masked parties stand behind it.
    """
    return pl.col(column).unique().sort().bin.encode("hex").str.join(",").alias(BEHIND.name)


class Rows(NamedTuple):
    """A frame, and the table that declares its columns."""

    frame: pl.DataFrame
    table: Table

    @property
    def key(self) -> tuple[str, ...]:
        """Columns that order the rows for their digest; all, in their order, if none are named."""
        return self.table.key or tuple(self.frame.columns)


@dataclass(frozen=True)
class Table:
    """One table: its key (unique, and the order of its content digest) and its columns.

    ``order`` is the order in which it is shown where an edition must sort it, a column after
    ``-`` from the largest down; all columns follow. ``alike`` are columns whose cells say what is
    told in several ways, such as by several policies: where an edition rounds one row of it, it
    rounds all, for an exact one beside it would give the rounded one away.
    """

    name: str
    key: tuple[str, ...]
    meaning: str
    columns: tuple[Column, ...]
    order: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.names)) < len(self.columns):
            raise InputError(
                f"table {self.name!r} declares a column twice", remedy="give each a name of its own"
            )

    @property
    def schema(self) -> dict[str, DataType]:
        """Column names and polars types, in order."""
        return {column.name: column.dtype for column in self.columns}

    @property
    def names(self) -> list[str]:
        """Column names, in order."""
        return [column.name for column in self.columns]

    def __getitem__(self, name: str) -> Column:
        """Return a column by its name.

        Raises
        ------
        InputError
            If none is declared under it: then nobody said what it may give away.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise InputError(
            f"column {name!r} of table {self.name!r} is not declared, so that no edition knows"
            " how to show it",
            remedy="declare it with its privacy class where the table is declared",
        )

    def empty(self) -> pl.DataFrame:
        """Return a frame without rows."""
        return pl.DataFrame(schema=self.schema)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame in this table's columns and types; refuse what does not fit.

        Raises
        ------
        LedgerError
            If a column is missing or unknown, a type cannot be cast without loss, or a column
            that is never null holds a null.
        """
        required = [column.name for column in self.columns if not column.nullable]
        return conform(frame, self.name, self.schema, required)

    def frame(self, rows: Iterable[object]) -> pl.DataFrame:
        """Return tuples, in the order of the columns, as a frame."""
        return pl.DataFrame(list(rows), schema=self.schema, orient="row")

    def rows(self, frame: pl.DataFrame) -> Rows:
        """Return a frame with its declaration; it may lack columns, it may have no others.

        Raises
        ------
        InputError
            If a column of the frame is not declared, or is of a type that its class cannot mask.
        """
        for name, dtype in frame.schema.items():
            if not holds(self[name].privacy, dtype):
                raise InputError(
                    f"column {name!r} of table {self.name!r} holds {dtype}, which its class"
                    f" {self[name].privacy} does not know how to mask",
                    remedy="hold it in the type that it is declared with",
                )
        return Rows(frame, self)

    def pick(self, *names: str, name: str = "", key: tuple[str, ...] = ()) -> Table:
        """Return a table of some of these columns, in the order given, under another name."""
        return Table(name or self.name, key, self.meaning, tuple(self[one] for one in names))

    def with_column(self, column: Column) -> Table:
        """Return this table with another column in the place of that of the same name."""
        named = (column if one.name == column.name else one for one in self.columns)
        return replace(self, columns=tuple(named))

    def plus(self, *columns: Column) -> Table:
        """Return this table with more columns at its end."""
        return replace(self, columns=(*self.columns, *columns))
