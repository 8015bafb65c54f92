"""Sanctions lists as tags, and the payments of a ledger to and from tagged addresses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from chainwatch.attribution.files.compiled import Frames
from chainwatch.attribution.files.lists import ListSource, asset_code, read_list
from chainwatch.attribution.files.readers import (
    READ_ALREADY,
    SUFFIXES,
    file_name,
    files_below,
    once,
)
from chainwatch.attribution.files.several import distinct
from chainwatch.attribution.hits import TagHits, hits
from chainwatch.attribution.rejections import Rejection, quoted, rejected_frame
from chainwatch.attribution.tags import Tags, make_tags
from chainwatch.attribution.validity import SANCTION, day_of, statement
from chainwatch.errors import TagError
from chainwatch.ledger.schema import TAGS
from chainwatch.results.result import recorded

__all__ = ["TagHits", "hits", "read_sanctions", "statement"]

CONFIDENCE = "authority_data"
"""TagPack level of a published list of designations."""


@recorded
def read_sanctions(
    path: str | Path | Sequence[str | Path],
    *,
    publisher: str,
    as_of: date | str,
    label: str | None = None,
) -> Tags:
    """Read lists of sanctioned addresses, one address a line, as they stood on a day.

    Parameters
    ----------
    path : path or sequence of paths
        Text files whose names end in an asset code (``sanctioned_addresses_XBT.txt``), or a folder
        of them. XBT, LTC, DOGE, ETH and TRX are chains; USDT and USDC are placed by the form of
        each address. Lines of other assets are listed among the rejected.
    publisher : str
        Who keeps the list: the ``source`` of every tag.
    as_of : datetime.date or str
        Day of the list; as text in ISO form. The tags are undated all the same: since when an
        address is listed is not known from the list, and may be later than a payment.
    label : str, optional
        Name given to each address; by default the publisher's list.

    Returns
    -------
    Tags
        Concept ``sanction``, confidence ``authority_data``, ``first_day`` null.

    Raises
    ------
    TagError
        If there is no list, a file is no text of addresses, or ``as_of`` is no day.
    """
    if not publisher.strip():
        raise TagError("a list without its publisher", remedy="say who keeps it")
    day = day_of(as_of)
    said = ListSource(label or f"{publisher} sanctions list", publisher, SANCTION, CONFIDENCE, day)
    given = [path] if isinstance(path, (str, Path)) else path
    seen: set[Path] = set()
    parts = [part for item in distinct(map(Path, given)) for part in _lists(item, said, seen)]
    frames = [TAGS.empty(), *(frame for frame, _ in parts)]
    return make_tags(pl.concat(frames), pl.concat([rejected_frame(), *(note for _, note in parts)]))


def _lists(path: Path, said: ListSource, seen: set[Path]) -> list[Frames]:
    if path.is_file():
        if path.resolve() in seen:
            return []
        return [read_list(path, said, name=file_name(Path(path.name)))]
    if not path.is_dir():
        raise TagError("there is no such list", where=quoted(path), remedy="check the path")
    parts, notes = [], []
    for file, reason in once(files_below(path, SUFFIXES["list"]), seen):
        name = file_name(file.relative_to(path))
        coded = asset_code(file.name) is not None
        if reason or not coded:
            why = reason or "its name ends in no asset code"
            notes.append(Rejection(name, "", "", f"file not read: {why}"))
        else:
            parts.append(read_list(file, said, name=name))
    if not parts and not any(note.reason.endswith(READ_ALREADY) for note in notes):
        remedy = "its files end in an asset code, such as _XBT.txt"
        raise TagError("the folder holds no list", where=quoted(path), remedy=remedy)
    return [*parts, (TAGS.empty(), rejected_frame(notes))]
