"""What had been said by a day: tags that were withdrawn since are kept, and stand again before it.

A tag is withdrawn because it was wrong, or because what it says ended, as a delisting does. Either
way the row is kept with the day, by whom and why, so that what rested on it can be told and what
was found before can be found again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from chainwatch.attribution.context import told, with_keys
from chainwatch.attribution.files.tag_fields import day_of_text
from chainwatch.attribution.taxonomy import descendants
from chainwatch.ledger.schema import TAGS
from chainwatch.results.table import Column, Privacy, Table

WITHDRAWN = Table(
    "withdrawn",
    (*TAGS.key, "withdrawn_on"),
    "Tags that stood and were withdrawn.",
    (
        *TAGS.columns,
        Column("withdrawn_on", pl.Date, Privacy.TEXT, "day from which it stands no more"),
        Column("withdrawn_by", pl.String, Privacy.TEXT, "who withdrew it"),
        Column("why", pl.String, Privacy.TEXT, "why it was withdrawn"),
    ),
)

KEY = "withdrawn"
"""Under which key of its context a tag in a file says that it was withdrawn."""

PUBLIC = ("sanction", "gov_black_list")
"""Concepts of acts of authorities, which are public on their first day."""


def withdrawn(frame: pl.DataFrame, on: date, by: str, why: str) -> pl.DataFrame:
    """Return rows of tags as withdrawn, in ``WITHDRAWN``."""
    said = {"withdrawn_on": pl.lit(on), "withdrawn_by": pl.lit(by), "why": pl.lit(why)}
    return WITHDRAWN.conform(frame.with_columns(**said))


def standing(frame: pl.DataFrame, gone: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of tags that were not withdrawn; what was said anew since stands.

    A row that does not tell when it was said is taken to have been said before.
    """
    if gone.is_empty():
        return frame
    last = gone.group_by(TAGS.key).agg(pl.col("withdrawn_on").max())
    rows = frame.join(last, on=list(TAGS.key), how="left", nulls_equal=True, maintain_order="left")
    since = pl.col("as_of") > pl.col("withdrawn_on")
    stands = pl.col("withdrawn_on").is_null() | since.fill_null(False)
    return rows.filter(stands).select(frame.columns)


def said_by(
    frame: pl.DataFrame, gone: pl.DataFrame, day: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that stood on a day, as they were said then, and those withdrawn by then."""
    later = gone.filter(pl.col("withdrawn_on") > day)
    rows = pl.concat([frame, later.select(frame.columns)])
    unsaid = (pl.col("as_of") > day).fill_null(False)
    begun = (pl.col("first_day") <= day).fill_null(False)
    public = begun & pl.col("concept").is_in(_public())
    ends_later = (pl.col("last_day") >= day).fill_null(False)
    known = rows.filter(~unsaid)
    # An act of an authority was public on its first day, though the list that tells it is younger;
    # that it would end was not.
    acts = rows.filter(unsaid & public).with_columns(
        pl.col("first_day").alias("as_of"),
        pl.when(ends_later).then(None).otherwise("last_day").alias("last_day"),
    )
    return pl.concat([known, _untold(acts, known)]), gone.filter(pl.col("withdrawn_on") <= day)


def _untold(acts: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Return the acts that no row which was known tells: a later version of one is no other act.

    Versions differ in their days and in the file they stand in. An act is another where it began
    on another day than the known one did, or after that one had ended.
    """
    same = ["chain", "address", "label", "concept", "source"]
    numbered = acts.with_row_index("act")
    spans = known.select(*same, began="first_day", ended="last_day")
    pairs = numbered.join(spans, on=same, nulls_equal=True)
    begins_with = (pl.col("began") == pl.col("first_day")).fill_null(True)
    lasts = (pl.col("ended") >= pl.col("first_day")).fill_null(True)
    told_already = pairs.filter(begins_with & lasts).select("act").unique()
    return numbered.join(told_already, on="act", how="anti").select(acts.columns)


def _public() -> list[str]:
    return sorted({one for broad in PUBLIC for one in (broad, *descendants(broad))})


def taken_apart(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of a file that stand, and those whose context says that they were withdrawn.

    Of a withdrawal that does not say its day nothing is known: the row stands.
    """
    if not frame["context"].str.contains(f'"{KEY}"', literal=True).any():
        return frame, WITHDRAWN.empty()
    stay, gone = [], []
    for row in frame.iter_rows(named=True):
        said = told(row["context"]).get(KEY)
        on = day_of_text(str(said.get("on"))) if isinstance(said, dict) else None
        if on is None or not isinstance(said, dict):
            stay.append(row)
        else:
            gone.append(_gone(row, said, on))
    return (
        pl.DataFrame(stay, schema=frame.schema, orient="row"),
        pl.DataFrame(gone, schema=WITHDRAWN.schema, orient="row"),
    )


def _gone(row: Mapping[str, Any], said: Mapping[str, Any], on: date) -> dict[str, Any]:
    context = told(row["context"])
    del context[KEY]
    note = context.get("note") if set(context) == {"note"} else None
    rest = note if isinstance(note, str) else with_keys(None, context) if context else None
    by, why = (str(said.get(key) or "not stated") for key in ("by", "why"))
    return {**row, "context": rest, "withdrawn_on": on, "withdrawn_by": by, "why": why}


def in_context(gone: pl.DataFrame) -> pl.DataFrame:
    """Return withdrawn tags as rows of tags that say so in their context, for a file."""
    rows = [
        {**row, "context": with_keys(row["context"], {KEY: {
            "on": row["withdrawn_on"].isoformat(), "by": row["withdrawn_by"], "why": row["why"],
        }})}
        for row in gone.iter_rows(named=True)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=WITHDRAWN.schema, orient="row").select(TAGS.names)
