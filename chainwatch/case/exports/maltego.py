"""A case as CSV for Maltego: a row per link, with both of its ends, and how columns are mapped.

Maltego's wizard *Import a 3rd party table* makes entities of columns, one type per column, and
links between columns of one row; an empty cell makes none. So an end that is an address stands in
one column and any other end in another, and four links are drawn by hand between them, of which
each row fills one. Maltego takes one text for one entity, so an address that stands on two chains
in the case, where it need not be one owner's, is among the others, named with its chain.
``mapping.csv`` says for each column of ``links.csv`` and ``entities.csv`` to
what it is mapped; the wizard saves the mapping for the next case.

Amounts are whole numbers in base units, mapped as text.

References
----------
Maltego, *Import Graph: 3rd Party Table*; entity types of its standard set.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from chainwatch.atomic import write_new
from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.case.exports.shown.network import ADDRESS
from chainwatch.case.exports.shown.network_tables import headed, network_tables, with_ends
from chainwatch.case.exports.tables import csv_bytes

FOLDER = "maltego"

OF_ADDRESS, OF_OTHERS = "maltego.CryptocurrencyAddress", "maltego.Phrase"
"""Types of Maltego's standard set: of an address, and of whoever or whatever has none."""

ENTITIES: tuple[tuple[str, str, str], ...] = (
    ("Address", "address", OF_ADDRESS),
    ("Other", "other", OF_OTHERS),
    ("Name", "label", "property of both: name"),
    ("Kind", "kind", "property of both: kind"),
    ("Chain", "chain", "property of both: chain"),
    ("Role", "role", "property of both: role"),
    ("Names", "names", "notes of both"),
    ("Concepts", "concepts", "property of both: concepts"),
    ("Cluster", "cluster", "property of both: cluster"),
)
"""Columns of the entities: heading, column of the network, and to what the wizard maps it."""

LINKS: tuple[tuple[str, str, str], ...] = (
    ("Source Address", "source_address", OF_ADDRESS),
    ("Source Other", "source_other", OF_OTHERS),
    ("Source Name", "source_label", "property of both sources: name"),
    ("Target Address", "target_address", OF_ADDRESS),
    ("Target Other", "target_other", OF_OTHERS),
    ("Target Name", "target_label", "property of both targets: name"),
    ("Link", "label", "label of all four links"),
    ("Type", "type", "property of all four links: type"),
    ("Time", "time", "property of all four links: time"),
    ("Amount", "amount", "property of all four links, as text: amount in base units"),
    ("Coins", "coins", "property of all four links, as text: amount in coins"),
    ("Asset", "asset", "property of all four links: asset"),
    ("Contract", "contract", "property of all four links: contract"),
    ("Decimals", "decimals", "property of all four links, as text: decimals"),
    ("Rounded", "coarse", "property of all four links: rounded"),
    ("Adds Up", "rows", "property of all four links: how many rows it adds up"),
    ("Transaction", "txid", "property of all four links: transaction"),
    ("Measure", "measure", "property of all four links: what the amount is"),
    ("Table", "table", "property of all four links: table of the case"),
    ("Basis", "basis", "property of all four links: basis"),
    ("Rate", "rate", "property of all four links, as text: rate (counts, in words)"),
)
"""Columns of the links."""


def export_maltego(case: ShownCase, folder: Path) -> None:
    """Write ``maltego/entities.csv``, ``maltego/links.csv`` and ``maltego/mapping.csv``."""
    entities, relations = network_tables(case)
    (folder / FOLDER).mkdir()
    told = apart(entities)
    links = with_ends(relations, told, ("address", "other", "label"))
    files = {
        "entities.csv": headed(told, ENTITIES),
        "links.csv": headed(links, LINKS),
        "mapping.csv": mapping(),
    }
    for name, frame in files.items():
        write_new(folder / FOLDER / name, csv_bytes(frame))


def apart(entities: pl.DataFrame) -> pl.DataFrame:
    """Return entities with the address of those whose address is theirs alone, else ``other``."""
    alone = (pl.col("kind") == ADDRESS) & ~pl.col("address").is_duplicated()
    return entities.with_columns(
        pl.when(alone).then("address").alias("address"),
        pl.when(~alone).then(pl.col("id")).alias("other"),
    )


def mapping() -> pl.DataFrame:
    """Return to what each column is mapped, a row each: it is the same for every case."""
    rows = [
        (file, heading, to)
        for file, columns in (("entities.csv", ENTITIES), ("links.csv", LINKS))
        for heading, _, to in columns
    ]
    links = [
        ("links.csv", f"{source} > {target}", "link, drawn by hand on the tab Connectivity")
        for source in ("Source Address", "Source Other")
        for target in ("Target Address", "Target Other")
    ]
    heads = ("file", "column", "mapped to")
    return pl.DataFrame([*rows, *links], schema=dict.fromkeys(heads, pl.String), orient="row")
