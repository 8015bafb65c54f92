"""The edition in which a notebook shows results: *disclosure*, until the reader says otherwise."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from chainwatch.privacy.edition import DISCLOSURE, WORKING, Edition
from chainwatch.privacy.leave import Leave, leave
from chainwatch.results.mask import show_by
from chainwatch.results.roles import Party

if TYPE_CHECKING:
    import polars as pl

    from chainwatch.results.result import Result
    from chainwatch.results.sentence import Sum
    from chainwatch.results.table import Rows


@dataclass
class Desk:
    """What the reader opened, why, and by what authority; it lasts as long as the session."""

    edition: str = DISCLOSURE
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    leaves: list[Leave] = field(default_factory=list)

    def name_of(self, chain: str, address: bytes | None) -> str:
        """Return an address as results print it now."""
        return on_desk().name_of(chain, address)

    def txid(self, chain: str, txid: bytes | None, *parties: bytes | None) -> str:
        """Return a transaction id as results print it now beside parties."""
        return on_desk().txid(chain, txid, *parties)

    def names_all(self) -> bool:
        """Return whether results print the names that tags give, whoever they are of."""
        return self.edition == WORKING

    def time(self, chain: str, time: datetime, *parties: bytes | None) -> str:
        """Return a time as results print it now beside parties."""
        return on_desk().time(chain, time, *parties)

    def tables(self, result: Result) -> tuple[str, Mapping[str, pl.DataFrame]]:
        """Return the edition, and the tables of a result as it leaves the desk by itself now."""
        from chainwatch.privacy.masked_view import masked_view

        return self.edition, masked_view([result], self.edition, self.key).by_result[0]

    def saying(self, result: Result, rows: Rows | None) -> Callable[[Sum], str | None]:
        """Return what says a sum as a result prints it now; None stands for the sum as it is."""
        from chainwatch.privacy.roles import roles_of

        return _saying(result, rows, on_desk(roles_of([result])))


def _saying(result: Result, rows: Rows | None, edition: Edition) -> Callable[[Sum], str | None]:
    """Return what says a sum of a result in an edition; None stands for the sum as it is."""
    if edition.names_all():
        return lambda _: None
    from chainwatch.privacy.mask_rows import asset_of
    from chainwatch.privacy.mask_sentences import saying

    return saying(rows, asset_of(result), edition)


_desk = Desk()
show_by(_desk)


def set_edition(name: str, *, reason: str = "", authority: str = "") -> None:
    """Choose the edition in which notebooks show results; *working* masks nobody.

    Parameters
    ----------
    name : str
        ``disclosure`` or ``working``.
    reason : str
        Why the working edition is needed.
    authority : str
        On whose authority it is opened: an order, a file number, an office. Both go into the log of
        every case of this session.

    Raises
    ------
    CaseError
        If the working edition is asked for without a reason, or without an authority.
    """
    Edition(name, _desk.key)  # refuses an unknown name
    if name == WORKING:
        _desk.leaves.append(leave(reason, authority))
    _desk.edition = name


def opened() -> tuple[Leave, ...]:
    """Return why and by what authority the working edition was opened in this session, in order."""
    return tuple(_desk.leaves)


@dataclass(frozen=True)
class _Printed:
    """Prints results for one edition, whatever the desk shows."""

    edition: Edition

    def name_of(self, chain: str, address: bytes | None) -> str:
        return self.edition.name_of(chain, address)

    def txid(self, chain: str, txid: bytes | None, *parties: bytes | None) -> str:
        return self.edition.txid(chain, txid, *parties)

    def names_all(self) -> bool:
        return self.edition.names_all()

    def time(self, chain: str, time: datetime, *parties: bytes | None) -> str:
        return self.edition.time(chain, time, *parties)

    def tables(self, result: Result) -> tuple[str, Mapping[str, pl.DataFrame]]:
        from chainwatch.privacy.masked_view import masked_view

        return self.edition.name, masked_view(
            [result], self.edition.name, self.edition.key
        ).by_result[0]

    def saying(self, result: Result, rows: Rows | None) -> Callable[[Sum], str | None]:
        return _saying(result, rows, self.edition)


@contextmanager
def shown_in(edition: Edition | None) -> Iterator[None]:
    """Let results print themselves for an edition as long as the block lasts; None changes nothing.

    It holds for the whole process: draw figures of two editions one after the other.
    """
    if edition is None:
        yield
        return
    before = show_by(_Printed(edition))
    try:
        yield
    finally:
        show_by(before)


def on_desk(roles: Mapping[Party, str] | None = None) -> Edition:
    """Return the edition in which to show a result now; its pseudonyms last for the session."""
    return Edition(_desk.edition, _desk.key, dict(roles or {}))
