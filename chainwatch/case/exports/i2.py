"""A case as CSV for i2 Analyst's Notebook: entities, links, and how their columns are assigned.

Analyst's Notebook reads text files by an *import specification*, which is made in its wizard.
``import_specification.csv`` says for each column to which property of which chart item it is
assigned, so that whoever makes the specification once has it for every case. Links name their ends
by the identities of the entities, so that both files can be loaded one after the other.

Dates and times stand in columns of their own, as the wizard reads them; where the edition tells the
month alone they are empty and ``Month`` says it. Amounts are whole numbers in base units and are
assigned as *text*: an attribute of the type *number* is a float there.

References
----------
i2 Group, *i2 Analyst's Notebook 10: Creating or editing an import specification*.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from chainwatch.atomic import write_new
from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.case.exports.shown.network import ENDS, PAID
from chainwatch.case.exports.shown.network_tables import headed, network_tables, with_ends
from chainwatch.case.exports.tables import csv_bytes

FOLDER = "i2"

CONFIRMED, UNCONFIRMED, TENTATIVE = "Confirmed", "Unconfirmed", "Tentative"
"""Strengths of a link: solid, dashed, dotted."""

ENTITIES: tuple[tuple[str, str, str, str], ...] = (
    ("Identity", "id", "Identity", ""),
    ("Type", "kind", "Type", "one entity type per value; any icon"),
    ("Label", "label", "Label", ""),
    ("Chain", "chain", "Attribute", "text"),
    ("Address", "address", "Attribute", "text"),
    ("Role", "role", "Attribute", "text"),
    ("Names", "names", "Description", ""),
    ("Concepts", "concepts", "Attribute", "text"),
    ("Cluster", "cluster", "Attribute", "text: identity of the entity that names the cluster"),
)
"""Columns of the entities: heading, column of the network, property, and what to set there."""

LINKS: tuple[tuple[str, str, str, str], ...] = (
    ("Link Identity", "number", "Identity", "prefix it with the name of the case"),
    ("Link Type", "type", "Type", "one link type per value"),
    ("End 1 Identity", "source", "End 1: Identity", ""),
    ("End 1 Type", "source_kind", "End 1: Type", ""),
    ("End 1 Label", "source_label", "End 1: Label", ""),
    ("End 2 Identity", "target", "End 2: Identity", ""),
    ("End 2 Type", "target_kind", "End 2: Type", ""),
    ("End 2 Label", "target_label", "End 2: Label", ""),
    (
        "Direction",
        "direction",
        "Direction",
        "forward is from end 1 to end 2 (->); none has no arrow",
    ),
    ("Strength", "strength", "Strength", "by its name"),
    ("Label", "label", "Label", ""),
    ("Date", "date", "Date", "yyyy-MM-dd"),
    ("Time", "clock", "Time", "HH:mm:ss, time zone UTC"),
    ("Month", "month", "Attribute", "text: where the edition rounds the date"),
    ("Amount", "amount", "Attribute", "text: base units, whole"),
    ("Coins", "coins", "Attribute", "text: the amount in coins"),
    ("Asset", "asset", "Attribute", "text"),
    ("Contract", "contract", "Attribute", "text"),
    ("Decimals", "decimals", "Attribute", "text"),
    ("Rounded", "coarse", "Attribute", "flag"),
    ("Adds Up", "rows", "Attribute", "text: how many rows, where more than one"),
    ("Transaction", "txid", "Source reference", ""),
    ("Measure", "measure", "Attribute", "text: what the amount is"),
    ("Table", "table", "Source type", "where it stands in the case"),
    ("Basis", "basis", "Description", ""),
    (
        "Rate",
        "rate",
        "Attribute",
        "text: how many such links were right, and where",
    ),
)
"""Columns of the links."""

ABOUT = ("Delimited text, comma, text qualifier \" doubled within, UTF-8, first row is the heading."
         " Load the entities first; items with one identity are merged.")  # fmt: skip


def export_i2(case: ShownCase, folder: Path) -> None:
    """Write ``i2/entities.csv``, ``i2/links.csv`` and ``i2/import_specification.csv``."""
    entities, relations = network_tables(case)
    (folder / FOLDER).mkdir()
    links = with_ends(_told(relations), entities, ("kind", "label"))
    files = {
        "entities.csv": headed(entities, ENTITIES),
        "links.csv": headed(links, LINKS),
        "import_specification.csv": specification(),
    }
    for name, frame in files.items():
        write_new(folder / FOLDER / name, csv_bytes(frame))


def specification() -> pl.DataFrame:
    """Return the assignment of every column, a row each: it is the same for every case."""
    rows = [
        (file, heading, item, what, note)
        for file, item, columns in (
            ("entities.csv", "entity", ENTITIES),
            ("links.csv", "link", LINKS),
        )
        for heading, _, what, note in columns
    ]
    heads = ("file", "column", "chart item", "property", "setting")
    first = ("both", "", "", "", ABOUT)
    return pl.DataFrame([first, *rows], schema=dict.fromkeys(heads, pl.String), orient="row")


def _told(relations: pl.DataFrame) -> pl.DataFrame:
    """Add direction, strength, and date and time apart.

    What a chain shows is confirmed: one payment, with all that was moved, to the last base unit. A
    sum, a rounded amount, a share that a method of following allots to a payment, and a payment in
    doubt are not, and one owner is never more than tentative.
    """
    flows = pl.col("type").is_in([PAID, ENDS])
    one = ~pl.col("coarse") & pl.col("rows").is_null() & pl.col("basis").is_null()
    strength = pl.when((pl.col("type") == PAID) & pl.col("moved") & one).then(pl.lit(CONFIRMED))
    day, clock = pl.col("moment").str.head(10), pl.col("moment").str.slice(11, 8)
    return relations.with_columns(
        pl.when(flows).then(pl.lit("forward")).otherwise(pl.lit("none")).alias("direction"),
        strength.when(flows).then(pl.lit(UNCONFIRMED)).otherwise(pl.lit(TENTATIVE))
        .alias("strength"),
        day.alias("date"),
        clock.alias("clock"),
        pl.when(pl.col("moment").is_null()).then(pl.col("time")).alias("month"),
    )  # fmt: skip
