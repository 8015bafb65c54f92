"""The extract of a working bundle: all that its case is computed from, and no more.

It holds the case file, the mask key, the small files that the case read (tags, statements, lists),
and of the chain either the whole ledger as of the commit that was read, or the files from which
that ledger was made. A part of a ledger would not do: what an address had done before, and what
was read and what was not, decides what rules say of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl

from chainwatch.case.exports.tables import parquet_bytes
from chainwatch.case.inputs import Input, digest_of, input_path
from chainwatch.case.recipes.rerun import Rerun, identity_of
from chainwatch.errors import CaseError, ChainwatchError, InputError
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.ledger.storage import delta
from chainwatch.ledger.storage.store import Store
from chainwatch.ledger.storage.writer import open_writer
from chainwatch.results.provenance import digest_frame

FILES, TABLES = "files", "ledger"
LARGEST = 512 * 2**20
"""Bytes of an extract that is made without being told to: it goes by mail or on a disk."""


def pinned_ledger(path: Path, rerun: Rerun) -> Ledger:
    """Return the ledger of a run as of the commit that the case read, whatever came since.

    Raises
    ------
    CaseError
        If what that commit says was read is not what the case read.
    """
    ledger = open_ledger(path)
    try:
        pinned = ledger.as_of(rerun.commit) if rerun.commit else ledger
    except ChainwatchError as error:
        raise CaseError(
            f"the ledger has no commit {rerun.commit}, which the case read", where=str(path),
            remedy="bundle the case beside the ledger that it was run with",
        ) from error  # fmt: skip
    if identity_of(pinned) != rerun.identity:
        raise CaseError(
            f"the ledger is not the one that the case read: its commit {rerun.commit} says"
            " otherwise what was read",
            where=str(path), remedy="bundle the case beside the ledger that it was run with",
        )  # fmt: skip
    return pinned


def write_tables_of(ledger: Ledger, folder: Path, *, largest: int) -> dict[str, str]:
    """Write every table of a ledger as Parquet, in the order of its key; return their digests.

    Raises
    ------
    CaseError
        If the ledger is larger than is carried.
    """
    if ledger.store is None or ledger.commit is None:
        raise CaseError("the ledger is empty: there is nothing to carry")
    paths = [
        path for table in schema.TABLES
        for path in delta.files(ledger.store.path / table.name, ledger.commit.versions[table.name])
    ]  # fmt: skip
    _check_size("the ledger", sum(path.stat().st_size for path in paths), largest)
    folder.mkdir(parents=True)
    digests: dict[str, str] = {}
    for table in schema.TABLES:
        rows = ledger.store.scan(table.name, ledger.commit).collect()
        if rows.height:
            rest = sorted(set(rows.columns) - set(table.key))
            (folder / f"{table.name}.parquet").write_bytes(
                parquet_bytes(rows.sort(*table.key, *rest, nulls_last=False))
            )
            digests[table.name] = digest_frame(rows, table.key)
    return digests


def restored_ledger(tables: Path, place: Path, digests: Mapping[str, str]) -> Ledger:
    """Return a ledger made of the tables of an extract, each with the digest it had.

    Raises
    ------
    CaseError
        If a table is missing, added, or not the one that the bundle names.
    """
    known = {table.name: table for table in schema.TABLES}
    found = {path.stem: path for path in sorted(tables.iterdir())}
    if set(found) != set(digests) or not set(found) <= set(known):
        odd = sorted(set(found) ^ set(digests) | set(found) - set(known))
        raise CaseError(
            f"the extract holds other tables than the bundle names: {odd[0]}", where=str(tables)
        )
    frames: dict[str, pl.DataFrame] = {}
    for name, path in found.items():
        try:
            frames[name] = pl.read_parquet(path, glob=False)
            same = digest_frame(frames[name], known[name].key) == digests[name]
        except (pl.exceptions.PolarsError, InputError, OSError) as error:
            raise CaseError("a table of the extract cannot be read", where=str(path)) from error
        if not same:
            raise CaseError("a table of the extract is not the one that was read", where=str(path))
    store = Store.create(place)
    with open_writer(store) as writer:
        writer.commit(frames, source="bundle", chain="", what="the extract of a bundle")
    return open_ledger(place)


def carry_files(inputs: Iterable[Input], base: Path, folder: Path, *, largest: int) -> None:
    """Copy input files into an extract, each as it was when the case read it.

    Raises
    ------
    CaseError
        If one is missing, was changed since, or all are larger than is carried.
    """
    wanted = list(inputs)
    _check_size("what the case read", sum(one.size for one in wanted), largest)
    for one in wanted:
        found, place = check_input(one, base), folder / one.path
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found, place)


def check_input(one: Input, base: Path) -> Path:
    """Return an input file below a folder, if it is as it was when the case read it.

    Raises
    ------
    CaseError
        If it is missing, was changed, or lies outside the folder.
    """
    path = input_path(base, one.path)
    if not path.is_file():
        raise CaseError(
            "a file that the case read is missing", where=str(path),
            remedy="pass --data with the folder that the case was run with",
        )  # fmt: skip
    if not one.sha256:
        raise CaseError(
            "a file that the case read was too large to be digested by itself", where=str(path),
            remedy="carry the ledger instead of the files",
        )  # fmt: skip
    if path.stat().st_size != one.size or digest_of(path) != one.sha256:
        raise CaseError(
            "a file was changed since the case read it", where=str(path),
            remedy="put back the file as it was, or run the case again",
        )  # fmt: skip
    return path


def _check_size(what: str, size: int, largest: int) -> None:
    if size > largest:
        raise CaseError(
            f"{what} is larger than a bundle carries: {size / 2**20:,.0f} MiB of"
            f" {largest / 2**20:,.0f}",
            remedy="bundle the disclosure, which carries none of it, or allow more with --largest",
        )
