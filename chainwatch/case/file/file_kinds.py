"""What a file holds by its first bytes: blocks, or a table. Its name decides nothing."""

from __future__ import annotations

from pathlib import Path

from chainwatch.bitcoin.frames import Frame, block_frames
from chainwatch.bitcoin.header import HEADER_SIZE
from chainwatch.case.file.draft import BLOCK_FILES, TABLE
from chainwatch.chains.catalogue import all_chains, of_magic
from chainwatch.errors import InputError
from chainwatch.sources.transfer_dump.parquet_rows import is_parquet

_LOOKED_AT = 4096
_LONGEST_LETTER = 4
"""Bytes that one character of UTF-8 may have."""


def kind_of_file(path: Path) -> str:
    """Return the kind of source that a file is.

    It is blocks where it begins with the magic of a node, or with a header whose proof of work some
    chain believes; a table where it begins with text, or as Parquet does. Files that a node masked
    look like nothing: beside its key they are taken for blocks, and who reads them says what to do.

    Raises
    ------
    InputError
        If it is neither.
    """
    with path.open("rb") as handle:
        start = handle.read(_LOOKED_AT)
    if is_parquet(start) or _is_text(start):
        return TABLE
    if of_magic(start[:4]) or _is_bare_block(path, start) or (path.parent / "xor.dat").is_file():
        return BLOCK_FILES
    raise InputError(
        "the file holds neither blocks nor a table", where=path.name,
        remedy="name block files, bare or as a node writes them, or a table as text in UTF-8 or"
        " Parquet; unpack what is packed",
    )  # fmt: skip


def _is_text(start: bytes) -> bool:
    """Tell whether a file begins with text in UTF-8; its last character may be cut off."""
    if b"\0" in start:
        return False
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        cut_off = len(start) == _LOOKED_AT and error.start > _LOOKED_AT - _LONGEST_LETTER
        return cut_off
    return True


def _is_bare_block(path: Path, start: bytes) -> bool:
    """Tell whether a file begins with a header that some chain of coins believes."""
    if len(start) <= HEADER_SIZE:
        return False
    frame = Frame(0, path.stat().st_size, start[:HEADER_SIZE])
    with path.open("rb") as handle:
        return any(
            block_frames(path.name, handle, one, remedy="").believed(frame)
            for one in all_chains()
            if one.family == "utxo"
        )


__all__ = ["kind_of_file"]
