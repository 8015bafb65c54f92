"""Whom a case follows: listed addresses, a column of a table, or all whom tags call so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from chainwatch.addresses.assets import Asset, native
from chainwatch.addresses.canonical import parse
from chainwatch.attribution.tags import Tags
from chainwatch.case.file.model import CaseFile, Subjects, inside
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import AddressError, CaseError, InputError


def subjects_of(config: CaseFile, base: Path, tags: Tags) -> pl.DataFrame:
    """Return the subjects of a case, or of a part of it, as ``chain, address``, each once.

    Raises
    ------
    CaseError
        If there is none.
    """
    wanted = config.subjects
    chain = find_chain(wanted.chain)
    if wanted.concept or wanted.label:
        found = tags.where(concept=wanted.concept, label=wanted.label, chain=chain).addresses()
    else:
        parsed = _listed(wanted, base, "[subjects] addresses")
        rows = {"chain": [chain.id] * len(parsed), "address": parsed}
        schema = {"chain": pl.String, "address": pl.Binary}
        found = pl.DataFrame(rows, schema=schema).unique(maintain_order=True)
    if not found.height:
        raise CaseError(
            "the case has no subject", remedy="check [subjects] against the tags and files it names"
        )
    return found


def check_named(config: CaseFile, base: Path) -> None:
    """Refuse subjects, assets and opened ends that are none of their chain, before all reading.

    Raises
    ------
    AddressError, InputError, CaseError
        With table and line.
    """
    tables: list[tuple[tuple[str | int, ...], Subjects]] = [(("subjects",), config.subjects)]
    tables += [(("also", n, "subjects"), one.subjects) for n, one in enumerate(config.also)]
    for place, one in tables:
        table = f"[{'.'.join(part for part in place if isinstance(part, str))}]"
        _listed(one, base, f"{table} addresses of {config.at(*place, 'addresses')}")
    for number, part in enumerate(config.parts()):
        at = ("also", number - 1) if number else ()
        asset_of(part, f"[asset] of {config.at(*at, 'asset')}")
        chain = find_chain(part.subjects.chain)
        for end in part.follow.opened:
            _parsed(end.address, chain, f"[[follow.opened]] of {config.at('follow')}")


def asset_of(config: CaseFile, where: str = "[asset]") -> Asset:
    """Return what the case follows: the token that it names, or else the coin of its chain."""
    what = config.asset
    chain = find_chain(config.subjects.chain)
    if what is None or chain.family == "utxo":
        return native(chain.id)
    return what.asset(where)


def called(config: CaseFile) -> list[str]:
    """Return how headings call each part: by its asset and chain, where there are several."""
    if not config.also:
        return [""]
    names: list[str] = []
    times: Counter[str] = Counter()
    for one in config.parts():
        name = f"{asset_of(one).symbol} on {find_chain(one.subjects.chain).alias}"
        times[name] += 1
        names.append(f"{name} ({times[name]})" if times[name] > 1 else name)
    return names


def whom_told(config: CaseFile, base: Path) -> Iterator[str]:
    """Yield whom each part follows, in words, as far as that is known before all is read."""
    for one in config.parts():
        wanted = one.subjects
        if wanted.concept or wanted.label:
            said = " and ".join(filter(None, (wanted.concept, wanted.label)))
            whom = f"all whom tags call {said}"
        else:
            count = len(set(_listed(wanted, base, "[subjects]")))
            whom = f"{count:,} {'address' if count == 1 else 'addresses'}"
        where = find_chain(wanted.chain).alias
        yield f"{whom} on {where}, in {asset_of(one).symbol}, by {one.follow.policy}"


def _listed(wanted: Subjects, base: Path, where: str) -> list[bytes]:
    """Return the addresses that are listed here or in a table; none where a tag names them."""
    chain = find_chain(wanted.chain)
    if wanted.csv is not None:
        return _column(base, wanted, chain)
    return [_parsed(text, chain, where) for text in wanted.addresses]


def _parsed(text: str, chain: Chain, where: str) -> bytes:
    """Return an address; if it is none, say where it stands."""
    try:
        return parse(text, chain)
    except AddressError as error:
        raise AddressError(error.what, where=where, remedy=error.remedy) from None


def _column(base: Path, wanted: Subjects, chain: Chain) -> list[bytes]:
    """Return the addresses of a column; empty cells say nothing."""
    path = inside(base, str(wanted.csv))
    try:
        frame = pl.read_csv(path, infer_schema_length=0)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(
            "the list of subjects cannot be read",
            where=str(path),
            remedy="give a CSV with a header line",
        ) from error
    name = str(wanted.column)
    if name not in frame.columns:
        raise InputError(
            f"the list of subjects has no column {name!r}",
            where=str(path),
            remedy=f"its columns are {', '.join(frame.columns)}",
        )
    lines = enumerate(frame[name].to_list(), 2)  # the first line names the columns
    return [_parsed(cell, chain, f"{path} line {n}") for n, cell in lines if cell is not None]


__all__ = ["asset_of", "called", "check_named", "subjects_of", "whom_told"]
