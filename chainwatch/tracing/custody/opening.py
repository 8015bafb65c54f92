"""Opening an end by custody: a person says why following goes on behind an address."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from chainwatch.addresses.canonical import parse, text
from chainwatch.errors import TraceError


def split_opened(
    frame: pl.DataFrame, addresses: Sequence[str | bytes], why: str, chain: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows at which following still ends, and those that are opened, with ``why``.

    Parameters
    ----------
    frame : polars.DataFrame
        Rows that can be opened, with ``address``.
    addresses : sequence of str or bytes
        As text or canonical bytes.
    why : str
        The reason, which stands beside them in every report.
    chain : str
        CAIP-2 id.

    Raises
    ------
    TraceError
        If one is none of these, or no reason is given.
    AddressError
        If a text is no address.
    """
    if not why.strip():
        raise TraceError("an end is opened without a reason", remedy="pass why=, a sentence")
    chosen = {one if isinstance(one, bytes) else parse(one, chain) for one in addresses}
    mine = pl.col("address").is_in(list(chosen))
    rows = frame.filter(mine)
    if not chosen or rows.height < len(chosen):
        lacking = sorted(chosen - set(rows["address"]))
        named = text(lacking[0], chain) if lacking else "no address"
        raise TraceError(
            f"{named} is none of the {frame.height} addresses of this result",
            remedy="open addresses of its frame: following ends at no others",
        )
    return frame.filter(~mine), rows.with_columns(pl.lit(why).alias("why"))


def opened_said(opened: pl.DataFrame) -> str:
    """Return how many ends a person opened, and why; nothing where none was."""
    if opened.is_empty():
        return ""
    reasons = "; ".join(opened["why"].unique().sort())
    was = "of them was" if opened.height == 1 else "of them were"
    return (
        f"{opened.height:,} {was} opened by a person, so that following goes on behind: {reasons}."
    )
