"""Frames that print themselves for people: whole texts, and bytes as text where all may be named.

A result holds addresses and ids as canonical bytes, since bytes are what is joined and compared.
Its frames stay that; only what they print is text, and that in the working edition alone. What
polars makes of such a frame (a filter, a selection, a join) prints in the same way; a single column
is a series of polars, and prints what it holds: :func:`plain` turns any frame into text. The
parties whom a row adds up (``behind``) stand in a frame so that editions can round it, and are
printed in no edition.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from html import escape
from typing import Any, ClassVar

import polars as pl

from chainwatch.addresses.canonical import text, txid_text
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import AddressError, ChainError, expect
from chainwatch.results.derived_frames import SEVERAL, derived
from chainwatch.results.mask import names_all
from chainwatch.results.table import BEHIND

MOST_ROWS = 10
"""Rows that are printed of a frame; all are in it."""

LONGEST = 120
"""Characters of a cell that are printed: the longest address has 90, an id has 66."""

_IDS = ("txid", "block", "hash", "parent", "merkle_root")
"""What stands in the names of columns of ids."""

_NEITHER = frozenset({"answer", "body", "coinbase", "digest", "key", "script"})
"""Columns of bytes that are neither addresses nor ids, whatever they look like."""


class _OneKind(type):
    """The frames of all chains are instances of each other's classes: polars joins no others."""

    def __instancecheck__(cls, instance: object) -> bool:
        return issubclass(type(instance), TextFrame)


class TextFrame(pl.DataFrame, metaclass=_OneKind):
    """A polars frame whose cells are printed whole; bytes as text in the working edition."""

    network: ClassVar[str] = ""
    """The chain of the rows of a frame that has no column ``chain``."""

    def __str__(self) -> str:
        return "\n".join([drawn(_readable(self)), *_notes(self)])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self, *, _from_series: bool = False) -> str:
        with _widely():
            table = pl.DataFrame(_readable(self))._repr_html_()
        return table + "".join(f"<p>{escape(note)}</p>" for note in _notes(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return text_frame, (pl.DataFrame(self), self.network)


def text_frame(frame: pl.DataFrame, chain: str = "") -> TextFrame:
    """Return a frame that prints itself for people; its rows and types are the same.

    Parameters
    ----------
    frame : polars.DataFrame
        The rows.
    chain : str
        CAIP-2 id of their chain, where no column ``chain`` says it.
    """
    return _of_chain(chain)(frame)


for _name, _method in derived(text_frame).items():
    setattr(TextFrame, _name, _method)


@cache
def _of_chain(chain: str) -> type[TextFrame]:
    """Return the class of frames of a chain: polars keeps the class of a frame that it slices.

    It has the name that a reader knows: what it is, is a frame of polars.
    """
    body = {"network": chain, "__module__": __name__}
    made: type[TextFrame] = _OneKind(pl.DataFrame.__name__, (TextFrame,), body)  # type: ignore[assignment]  # mypy does not see that a class made by a metaclass has its bases
    return made


def plain(frame: pl.DataFrame, chain: Chain | str | None = None) -> pl.DataFrame:
    """Return any frame with its addresses and ids as text; nobody is masked in it.

    Results have ``.plain()``, which tells amounts in coins too; this serves for what was made of
    their frames by filtering and joining.

    Parameters
    ----------
    frame : polars.DataFrame
        Columns of bytes hold canonical addresses, or ids of transactions and blocks.
    chain : Chain or str, optional
        Their chain, where no column ``chain`` says it.

    Returns
    -------
    polars.DataFrame
        The same rows and columns, chains by their usual names, without the parties whom a row adds
        up. Bytes that are neither, or whose chain nothing says, are hexadecimal.

    Raises
    ------
    ArgumentError
        If ``frame`` is no polars frame.
    ChainError
        If the chain is unknown.
    """
    expect(frame, pl.DataFrame, "frame", "give a frame of a result, such as trace.ends")
    network = chain_of(chain).id if chain is not None else getattr(frame, "network", "")
    made = told(frame.drop(BEHIND.name, strict=False), network)
    if "chain" in made.columns and made["chain"].dtype == pl.String:
        names = [item and alias_of(item) for item in made["chain"]]
        made = made.with_columns(pl.Series("chain", names, pl.String))
    return text_frame(made)


def told(frame: pl.DataFrame, network: str) -> pl.DataFrame:
    """Return a frame with columns of bytes as text, the others as they are."""
    chains: Sequence[str | None] = [network] * frame.height
    if network != SEVERAL and "chain" in frame.columns and frame["chain"].dtype == pl.String:
        chains = frame["chain"].to_list()
    return pl.DataFrame(
        [
            _told(series, chains) if series.dtype == pl.Binary else series
            for series in frame.get_columns()
        ]
    )


def drawn(frame: pl.DataFrame) -> str:
    """Return a frame as a table of whole cells, without the types."""
    with _widely():
        return str(pl.DataFrame(frame))


def _told(series: pl.Series, chains: Sequence[str | None]) -> pl.Series:
    raw = series.name in _NEITHER
    values = [
        value
        if value is None
        else value.hex()
        if raw or not chain
        else as_text(value, chain, an_id=is_id(series.name))
        for value, chain in zip(series.to_list(), chains, strict=True)
    ]
    return pl.Series(series.name, values, pl.String)


def is_id(column: str) -> bool:
    """Tell by the name of a column whether its bytes are ids of transactions and blocks."""
    return any(word in column for word in _IDS)


def as_text(value: bytes, chain: str, *, an_id: bool) -> str:
    """Return bytes as the id or the address that they are said to be, else hexadecimal.

    Their length does not tell: a witness program of 30 bytes makes an address as long as an id.
    """
    try:
        return txid_text(value, chain) if an_id else text(value, chain)
    except (AddressError, ChainError):
        return value.hex()


def alias_of(chain: str) -> str:
    """Return the usual name of a chain; a word for several is no chain and stays."""
    try:
        return chain_of(chain).alias
    except ChainError:
        return chain


def _readable(frame: TextFrame) -> pl.DataFrame:
    """Return the rows that are printed, bytes as text, or withheld while somebody is masked."""
    shown = pl.DataFrame(frame).head(MOST_ROWS).drop(BEHIND.name, strict=False)
    return told(shown, frame.network) if names_all() else shown.with_columns(_withheld(shown))


def _withheld(frame: pl.DataFrame) -> list[pl.Series]:
    return [
        pl.Series(
            series.name, [None if value is None else f"{len(value)} bytes" for value in series]
        )
        for series in frame.get_columns()
        if series.dtype == pl.Binary
    ]


def _notes(frame: pl.DataFrame) -> list[str]:
    """Return what is said below a frame: what of it is not printed."""
    rest, said = frame.height - MOST_ROWS, []
    if rest > 0:
        said.append(f"{rest:,} more of {frame.height:,} rows")
    if pl.Binary in frame.dtypes and not names_all():
        said.append(
            "addresses and ids are printed in the working edition: set_edition('working',"
            " reason=..., authority=...); .plain() gives them as text"
        )
    return said


def _widely() -> pl.Config:
    return pl.Config(
        tbl_cols=-1,
        tbl_rows=MOST_ROWS,
        tbl_width_chars=2**16 - 1,
        fmt_str_lengths=LONGEST,
        tbl_hide_column_data_types=True,
        tbl_hide_dataframe_shape=True,
    )
