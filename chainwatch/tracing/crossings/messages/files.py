"""Messages of bridges out of files: a table of them, and tables of logs of EVM chains."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from chainwatch.attribution.resolve import Framed
from chainwatch.errors import InputError
from chainwatch.tracing.crossings.bridges import Named
from chainwatch.tracing.crossings.messages.identifiers import messages_of
from chainwatch.tracing.crossings.messages.logs import messages_of_logs


def messages_in(
    messages: Path | None, logs: Mapping[str, Path], bridges: Framed | Named
) -> pl.DataFrame | None:
    """Return the messages of a file, and those that bridges logged in tables of logs.

    Parameters
    ----------
    messages : path, optional
        CSV or Parquet with the columns that :func:`.identifiers.messages_of` takes.
    logs : mapping of str to path
        By chain a CSV or Parquet of logs; what contracts of the bridges logged counts.
    bridges : tags, or mapping of names to mappings of chains to addresses
        Who is a bridge.

    Raises
    ------
    InputError
        If there is no such file, or it cannot be read.
    """
    found = [] if messages is None else [messages_of(read_table(messages, "messages"))]
    found += [messages_of_logs(read_table(path, "logs"), chain, bridges)
              for chain, path in logs.items()]  # fmt: skip
    return pl.concat(found) if found else None


def read_table(path: Path, what: str) -> pl.DataFrame:
    """Return a table; every cell of CSV is text.

    Raises
    ------
    InputError
        If there is no such file, or it is no table.
    """
    if not path.is_file():
        raise InputError(f"there is no file of {what}", where=str(path), remedy="check the path")
    try:
        parquet = path.suffix == ".parquet"
        return pl.read_parquet(path) if parquet else pl.read_csv(path, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"the table of {what} cannot be read ({str(error).splitlines()[0]})", where=str(path),
            remedy="write it as CSV with a header, or as Parquet",
        ) from error  # fmt: skip
