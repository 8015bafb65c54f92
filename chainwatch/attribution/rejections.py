"""What was read and not taken, each with its reason; and how a stranger's text is shown safely."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.addresses.plain_letters import plain_letters
from chainwatch.ledger.schema import TAGS
from chainwatch.results.table import Column, Privacy, Table
from chainwatch.sanitize import clipped

SHOWN = 200
"""Characters of a stranger's text that are shown; the data keep all of it."""


_BASE58 = "[1-9A-HJ-NP-Za-km-z]"
_SECRET = re.compile(rf"\s*(?:[xyztuvXYZTUV]prv{_BASE58}{{80,}}|{_BASE58}{{51,52}})\s*")
_WITHHELD = "(withheld: it may be a private key)"


class Rejection(NamedTuple):
    """One thing that was read and not taken.

    Attributes
    ----------
    file : str
        File it stands in, without the folders above the one that was read.
    position : str
        Place in the file, e.g. ``tag 12, line 40``; empty for the whole file.
    text : str
        What stands there, verbatim: show it through :func:`quoted` only. What may be a private key
        is withheld.
    reason : str
        Why it was not taken.
    """

    file: str
    position: str
    text: str
    reason: str


REJECTED = Table(
    "rejected",
    (),
    "What was read and not taken.",
    (
        Column("file", pl.String, Privacy.TEXT, "file it stands in"),
        Column("position", pl.String, Privacy.TEXT, "place in the file"),
        Column("text", pl.String, Privacy.STRANGER, "what stands there, verbatim"),
        Column("reason", pl.String, Privacy.STRANGER, "why it was not taken; it may quote it"),
    ),
)


def rejected_frame(rows: Iterable[Rejection] = ()) -> pl.DataFrame:
    """Return rejections as a frame of four texts, in the order they were met."""
    kept = [row._replace(text=_WITHHELD) if _is_secret(row.text) else row for row in rows]
    return pl.DataFrame(kept, schema=REJECTED.schema, orient="row")


def _is_secret(text: str) -> bool:
    """Tell what may be a private key, also where something that draws nothing stands in it."""
    return any(_SECRET.fullmatch(one) for one in (text, plain_letters(text) or ""))


def quoted(text: object, limit: int = SHOWN) -> str:
    """Return text that is safe on a terminal; HTML needs ``html.escape`` on top of it."""
    return clipped(text, limit)


def one_per_key(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return one row of tags of each key, and notes of the others with what they say.

    The latest ``as_of`` stands, then the lower level.
    """
    rest = [name for name in TAGS.schema if name not in (*TAGS.key, "as_of", "level")]
    order = [*TAGS.key, "as_of", "level", *rest]
    falling = [name == "as_of" for name in order]
    ranked = rows.unique().sort(order, descending=falling, nulls_last=True)
    stands = ranked.select(pl.struct(TAGS.key).is_first_distinct()).to_series()
    notes = rejected_frame(map(_outdone, ranked.filter(~stands).iter_rows(named=True)))
    return ranked.filter(stands), notes


def _outdone(row: Mapping[str, Any]) -> Rejection:
    said = ", ".join(
        f"{name} {row[name]}"
        for name in ("concept", "actor", "confidence", "as_of", "definer", "context")
    )
    reason = f"a later or less certain row of the same key stands; this one says {said}"
    return Rejection(row["pack"], "", canonical.text(row["address"], row["chain"]), reason)
