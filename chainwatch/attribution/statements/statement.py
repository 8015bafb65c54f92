"""``read_statement``: what an exchange or an analyst says, as notes and tags, never as chain data.

A statement says that a payment was made; whether the chain has it is looked up in the chain. So its
rows become *notes*, word for word, with the address and transaction that they name; and tags where
the mapping says whose the addresses are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.addresses.diagnose import quoted
from chainwatch.attribution.asset_codes import network_of
from chainwatch.attribution.rejections import REJECTED, Rejection, rejected_frame
from chainwatch.attribution.statements.mapping import StatementMapping, known_mapping
from chainwatch.attribution.tags import Tags, make_tags
from chainwatch.attribution.taxonomy import level
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import AddressError, DumpError, TagError, expect
from chainwatch.ledger.schema import TAGS
from chainwatch.packed import file_bytes
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import TIME, Column, Privacy, Rows, Table
from chainwatch.sources.transfer_dump.table import column_names, read_table
from chainwatch.sources.transfer_dump.times import read_time
from chainwatch.units import counted

WAYS = ("deposit", "withdrawal")
"""Which way a payment goes, as whoever states it sees it."""

WAYS_SAID = " and ".join(WAYS)

NOTES = Table(
    "notes",
    ("file", "line"),
    "What somebody states of a payment, word for word: a lead to look up, no chain data.",
    (
        Column("file", pl.String, Privacy.TEXT, "file it stands in"),
        Column("line", pl.Int64, Privacy.PLACE, "line of the file"),
        Column("chain", pl.String, Privacy.SIDE, "CAIP-2 id of the network"),
        Column.party("address", "the address it is about"),
        Column(
            "txid", pl.Binary, Privacy.TXID, "transaction it names; null where it names none",
            nullable=True,
        ),
        Column("time", TIME, Privacy.TIME, "when, as stated", nullable=True),
        Column.text("direction", "deposit or withdrawal, as whoever states it sees it"),
        Column.text("asset", "what was paid, in their words"),
        Column.text("amount", "how much, in their words"),
        Column.text("customer", "whose account, in their words"),
        Column.text("status", "status, in their words"),
        Column("source", pl.String, Privacy.TEXT, "who states it"),
    ),
)  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class Statement(Result):
    """What somebody states; made by :func:`read_statement`.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows of ``NOTES``, in the order of the file.
    tags : Tags
        Whose the addresses are, where the mapping says so; empty else.
    kind : str
        The known export that it was read as; empty where a mapping was given.
    rejected : polars.DataFrame
        Rows that were not taken, each with its reason.
    """

    frame: pl.DataFrame
    tags: Tags
    kind: str = ""
    rejected: pl.DataFrame = field(default_factory=rejected_frame)

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that the content digest is of."""
        return {
            "notes": NOTES.rows(self.frame),
            "tags": TAGS.rows(self.tags.frame),
            "rejected": REJECTED.rows(self.rejected),
        }

    def pairs(self) -> list[tuple[str, bytes, str, bytes]]:
        """Return the deposit addresses of one customer as pairs, for ``stated_links``.

        They are those that one document gives to one customer: the exchange holds their keys, so
        that a link of them says who holds them, and for whom, on no transaction at all. Addresses
        that a customer withdrew to are anybody's, and in no pair.
        """
        mine = self.frame.filter(pl.col("direction") == "deposit", pl.col("customer").is_not_null())
        found = []
        for _, rows in mine.group_by("file", "source", "customer", maintain_order=True):
            ends = sorted(set(rows.select("chain", "address").iter_rows()))
            found += [(*ends[0], *other) for other in ends[1:]]
        return found

    def __repr__(self) -> str:
        kind = f", read as {self.kind}" if self.kind else ""
        return (
            f"Statement({counted(self.frame.height, 'note', 'notes')},"
            f" {counted(len(self.tags), 'tag', 'tags')}, {self.rejected.height:,} not taken{kind})"
        )


@recorded
def read_statement(
    path: str | Path,
    mapping: StatementMapping | str | Path | None = None,
    *,
    way: Literal["deposit", "withdrawal"] | None = None,
) -> Statement:
    """Read what an exchange produced, or a list of an analyst's tool, as notes and tags.

    Parameters
    ----------
    path : path
        CSV or TSV (may be packed as ``.gz``), JSON, or Parquet.
    mapping : StatementMapping or path, optional
        Which column says what, or the TOML file that says it. Without one the export must be one
        whose header is known (``statements.mapping.KNOWN``).
    way : {'deposit', 'withdrawal'}, optional
        Which way all payments go; needed where a known export does not say it.

    Returns
    -------
    Statement
        Its ``frame`` are the notes, ``tags`` what the mapping says of the addresses. No row of it
        is a payment that a trace follows.

    Raises
    ------
    TagError
        If the header is not known, a column of the mapping is missing, or the file is damaged.

    Notes
    -----
    A mapping for the return of an exchange::

        source = "Exchange X, production of 3 May 2026"
        address = "Deposit address"
        asset = "Coin"
        networks = { "Tron" = "tron" }
        network = "Chain"
        txid = "Hash"
        customer = "User ID"
        way = "deposit"
        tag = "deposit address at Exchange X"
        tag_way = "deposit"
        actor = "exchange_x"
        concept = "deposit_wallet"
    """
    expect(path, (str, Path), "the path", "name a file")
    place = Path(path)
    if not place.is_file():
        raise TagError("there is no such file", where=place.name, remedy="check the path")
    data = file_bytes(place, place.name, TagError)
    try:
        return _read(data, mapping, way, place.name)
    except DumpError as error:
        raise TagError(error.what, where=error.where, remedy=error.remedy) from None


def _read(
    data: bytes, mapping: StatementMapping | str | Path | None,
    way: Literal["deposit", "withdrawal"] | None, name: str,
) -> Statement:  # fmt: skip
    kind = ""
    if mapping is None:
        kind, mapping = known_mapping(column_names(data, name), name)
        mapping = _with_way(mapping, way, kind, name)
    elif not isinstance(mapping, StatementMapping):
        mapping = StatementMapping.load(mapping)
    return _statement(read_table(data, mapping.columns(), name), mapping, name, kind)


def _with_way(
    mapping: StatementMapping, way: Literal["deposit", "withdrawal"] | None, kind: str, name: str
) -> StatementMapping:
    """Return the mapping of a known export with the way its payments go.

    Raises
    ------
    TagError
        If that is not known, or said otherwise than the header does.
    """
    if mapping.way is None and way is None:
        raise TagError(
            f"the header is that of {kind}, and nothing says which", where=name,
            remedy="say way='deposit' or way='withdrawal'",
        )  # fmt: skip
    if way is not None and mapping.way not in (None, way):
        raise TagError(f"the header is that of {kind}", where=name, remedy="leave the way out")
    return mapping.model_copy(update={"way": way or mapping.way})


def _statement(rows: pl.DataFrame, mapping: StatementMapping, name: str, kind: str) -> Statement:
    notes, tags, rejected = [], [], []
    for row in rows.iter_rows(named=True):
        try:
            note = _note(row, mapping, name)
        except (AddressError, DumpError, TagError) as error:
            rejected.append(Rejection(name, f"line {row['line']:,}", row["address"], error.what))
            continue
        notes.append(note)
        if (tag := _tag(row, note, mapping, name)) is not None:
            tags.append(tag)
        elif mapping.tag_way is not None and note["direction"] not in WAYS:
            why = f"no tag: its direction {quoted(note['direction'] or '')} is none of {WAYS_SAID}"
            rejected.append(Rejection(name, f"line {row['line']:,}", row["address"], why))
    frame = NOTES.conform(pl.DataFrame(notes, schema=NOTES.schema, orient="row"))
    stated = make_tags(pl.DataFrame(tags, schema=TAGS.schema, orient="row"))
    return Statement(frame, stated, kind, rejected_frame(rejected))


def _note(row: Mapping[str, Any], mapping: StatementMapping, name: str) -> dict[str, Any]:
    chain = chain_of(_alias(row, mapping))
    time = row.get("time") or ""
    txid = (row.get("txid") or "").strip()
    return {
        "file": name, "line": row["line"], "chain": chain.id,
        "address": canonical.parse(row["address"].strip(), chain),
        "txid": canonical.parse_txid(txid, chain) if txid else None,
        "time": read_time(time, mapping.time_unit) if time else None,
        "direction": mapping.way or _way(row.get("direction") or "") or None,
        **{one: row.get(one) or None for one in ("asset", "amount", "customer", "status")},
        "source": mapping.source,
    }  # fmt: skip


def _way(said: str) -> str:
    """Return which way a payment goes: a word of ours in small letters, any other as it stands."""
    word = said.strip()
    return word.lower() if word.lower() in WAYS else word


def _alias(row: Mapping[str, Any], mapping: StatementMapping) -> str:
    """Return the chain of a row: as its network says, or the mapping, or the code of its asset.

    A network that is named and not understood is none, whatever chain the mapping says of others.

    Raises
    ------
    TagError
        If none of them does.
    """
    word = (row.get("network") or "").strip()
    if word in mapping.networks:
        return mapping.networks[word]
    if mapping.chain is not None and not word:
        return mapping.chain
    found, reason = network_of(word or (row.get("asset") or ""), row["address"])
    if found is None:
        raise TagError(reason)
    return found


def _tag(
    row: Mapping[str, Any], note: Mapping[str, Any], mapping: StatementMapping, name: str
) -> dict[str, Any] | None:
    """Return the tag that a row gives, or None where it says nothing of whose the address is."""
    label = (row.get("label") or mapping.tag or "").strip()
    if not label or (mapping.tag_way is not None and note["direction"] != mapping.tag_way):
        return None
    category = (row.get("category") or "").strip()
    return {
        "chain": note["chain"], "address": note["address"], "label": label,
        "concept": mapping.concepts.get(category, mapping.concept), "actor": mapping.actor,
        "source": mapping.source, "confidence": mapping.confidence,
        "level": level(mapping.confidence), "pack": name, "context": category or None,
    }  # fmt: skip
