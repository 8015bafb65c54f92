"""A case as CSV for Neo4j: a node per party, a relationship per payment, end and link of owners.

The heads are those of ``neo4j-admin database import full`` (Neo4j 5) and of ``apoc.import.csv``:
``:ID``, ``:LABEL``, ``:START_ID``, ``:END_ID``, ``:TYPE`` and typed properties. An amount is a
``long`` in base units where all of them fit into 63 bits, otherwise a ``string`` of digits, and
never a float; ``coins`` is the same as a decimal text. ``time`` is as the edition shows it, ``at``
the same as a ``datetime`` where it is exact. ``import.txt`` holds the command.

References
----------
Neo4j, *Operations Manual*, "Import", version 5: CSV header format, property types.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from chainwatch.atomic import write_new
from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.case.exports.shown.network_tables import headed, network_tables
from chainwatch.case.exports.tables import csv_bytes

FOLDER = "neo4j"

NODES = {
    "id": ":ID", "kind": "kind:string", "label": "name:string", "chain": "chain:string",
    "address": "address:string", "role": "role:string", "names": "names:string",
    "concepts": "concepts:string", "cluster": "cluster:string", "labels": ":LABEL",
}  # fmt: skip
"""Heads of the nodes, by the columns of the network."""

RELATIONSHIPS = {
    "source": ":START_ID", "target": ":END_ID", "type": ":TYPE", "number": "number:long",
    "label": "name:string", "time": "time:string", "moment": "at:datetime",
    "txid": "txid:string", "asset": "asset:string", "contract": "contract:string",
    "decimals": "decimals:int", "amount": "amount:long", "coins": "coins:string",
    "coarse": "coarse:boolean", "rows": "rows:string", "measure": "measure:string",
    "table": "table:string", "basis": "basis:string", "rate": "rate:string",
}  # fmt: skip
"""Heads of the relationships; ``rate`` says in words how many such links were right, and where."""

LABELS = {
    "address": "Address", "masked party": "Masked", "several parties": "Several",
    "service": "Service", "end": "End", "no address": "NoAddress",
}  # fmt: skip
"""The label of each kind of entity."""

IMPORT = """\
neo4j-admin database import full --nodes=nodes.csv --relationships=relationships.csv \\
    --id-type=string --multiline-fields=false chainwatch

Amounts are whole numbers in base units. Add them up within one table, measure and asset only:
    MATCH ()-[p:PAID {table: 'steps'}]->() RETURN p.measure, p.asset, sum(p.amount)
A node of the label Several stands for several parties under one word: it is no hub.
"""


def export_neo4j(case: ShownCase, folder: Path) -> None:
    """Write ``neo4j/nodes.csv``, ``neo4j/relationships.csv`` and the command that loads them."""
    entities, relations = network_tables(case)
    (folder / FOLDER).mkdir()
    nodes = entities.with_columns(pl.col("kind").replace_strict(LABELS).alias("labels"))
    write_new(folder / FOLDER / "nodes.csv", csv_bytes(headed(nodes, _turned(NODES))))
    heads = dict(RELATIONSHIPS)
    if relations.schema["amount"] != pl.Int64:
        heads["amount"] = "amount:string"
    write_new(folder / FOLDER / "relationships.csv", csv_bytes(headed(relations, _turned(heads))))
    write_new(folder / FOLDER / "import.txt", IMPORT.encode())


def _turned(heads: dict[str, str]) -> list[tuple[str, str]]:
    return [(head, name) for name, head in heads.items()]
