"""Read plain lists, one address a line: what a tag lacks is stated by whoever reads the list."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import parse
from chainwatch.attribution.asset_codes import network_of
from chainwatch.attribution.rejections import Rejection, quoted, rejected_frame
from chainwatch.attribution.taxonomy import known, level
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import AddressError, TagError
from chainwatch.ledger.schema import TAGS
from chainwatch.packed import file_bytes

_ASSET = re.compile(r".*[_-]([A-Za-z0-9]{2,10})\.[A-Za-z]+(\.gz)?")


@dataclass(frozen=True)
class ListSource:
    """What a list says of each address in it.

    Attributes
    ----------
    label, source : str
        Name and publisher.
    concept : str or None
        Concept id.
    confidence : str
        TagPack level.
    as_of : datetime.date or None
        Day of the list: on that day the addresses stood in it, since when is not known.
    """

    label: str
    source: str
    concept: str | None = None
    confidence: str = "unknown"
    as_of: date | None = None


def asset_code(name: str) -> str | None:
    """Return the asset code that ends a file's name, ``XBT`` in ``addresses_XBT.txt``."""
    found = _ASSET.fullmatch(name)
    return found[1] if found else None


def read_list(
    path: Path, said: ListSource, *, name: str, network: str | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the tags of a plain list and the lines not taken.

    Empty lines and lines that begin with ``#`` say nothing. All rows are undated.

    Parameters
    ----------
    path : Path
        Text file in UTF-8.
    said : Said
        What stands in every row.
    name : str
        What to call the file in rows and errors.
    network : str, optional
        Chain alias, network or asset code; from the file's name where it is not given.

    Returns
    -------
    tuple of polars.DataFrame
        Rows of ``schema.TAGS``, and the rejections.

    Raises
    ------
    TagError
        If neither ``network`` nor the file's name says the chain, the file is too large, is not
        UTF-8 or holds a NUL byte.
    """
    code = network or asset_code(path.name)
    if code is None:
        raise TagError(
            "a list without its chain",
            where=quoted(name),
            remedy="name the chain of the list, or end the file's name with an asset code such as"
            " _XBT.txt",
        )
    rows: list[tuple[Any, ...]] = []
    rejected = []
    seen: dict[tuple[str, bytes], int] = {}
    for number, line in enumerate(_lines(path, name), 1):
        word = line.strip()
        if not word or word.startswith("#"):
            continue
        place = Rejection(name, f"line {number}", line, "")
        found = _address(code, word)
        if isinstance(found, str):
            rejected.append(place._replace(reason=found))
        elif found in seen:
            rejected.append(place._replace(reason=f"says again what line {seen[found]} says"))
        else:
            seen[found] = number
            rows.append(_row(found, said, name))
    frame = pl.DataFrame(rows, TAGS.schema, orient="row")
    return frame, rejected_frame(rejected)


def _lines(path: Path, name: str) -> list[str]:
    try:
        whole = file_bytes(path, name, TagError).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TagError("a list that is not UTF-8", where=quoted(name)) from error
    if "\x00" in whole:
        raise TagError("a NUL byte in a list", where=quoted(name), remedy="check that it is a text")
    return whole.split("\n")


def _address(code: str, word: str) -> tuple[str, bytes] | str:
    """Return (CAIP-2 id, canonical address), or the reason there is none."""
    alias, reason = network_of(code, word)
    if alias is None:
        return reason
    try:
        return chain_of(alias).id, parse(word, alias)
    except AddressError as error:
        return str(error)


def _row(found: tuple[str, bytes], said: ListSource, name: str) -> tuple[Any, ...]:
    concept = known(said.concept) if said.concept else None
    return (
        *found, said.label, concept, None, said.source, said.confidence, level(said.confidence),
        None, None, said.as_of, name, None, None,
    )  # fmt: skip
