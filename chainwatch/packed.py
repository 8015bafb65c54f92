"""The bytes of somebody's file, unpacked where it is a ``.gz``, and never more than a limit."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from chainwatch.errors import InputError
from chainwatch.sanitize import clipped

MAX_BYTES = 200 * 1024 * 1024
"""Most bytes of a file, unpacked; the TagPack tool passes over larger packs too."""

PACKED = ".gz"

LONGEST_NAME = 200
"""Characters of a file's name that are told."""


def suffix_of(path: Path) -> str:
    """Return how a file's name ends, without regard to capitals and to its being packed."""
    inner = path.with_suffix("") if path.suffix.lower() == PACKED else path
    return inner.suffix.lower()


def stem_of(path: Path) -> str:
    """Return a file's name without its ending, ``labels`` of ``labels.csv.gz``."""
    return (path.with_suffix("") if path.suffix.lower() == PACKED else path).stem


def file_bytes(path: Path, name: str, error: type[InputError] = InputError) -> bytes:
    """Return what stands in a file, unpacked where its name ends in ``.gz``.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        What to call it in errors.
    error : type of InputError
        Which of them to raise.

    Raises
    ------
    InputError
        If there are more than ``MAX_BYTES``, or what should be packed is not, or is cut short.
    """
    if path.suffix.lower() != PACKED:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    else:
        try:
            with gzip.open(path) as packed:
                data = packed.read(MAX_BYTES + 1)
        except (gzip.BadGzipFile, EOFError, zlib.error) as damage:
            raise error(
                "the file is named .gz and cannot be unpacked",
                where=clipped(name, LONGEST_NAME),
                remedy="get it again: it is damaged, cut short, or not packed at all",
            ) from damage
    if len(data) > MAX_BYTES:
        raise error(
            f"the file holds more than {MAX_BYTES:,} bytes",
            where=clipped(name, LONGEST_NAME),
            remedy="split it into several",
        )
    return data
