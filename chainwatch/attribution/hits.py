"""Every payment of a ledger to or from a tagged address, each with what its date allows to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.attribution.rejections import quoted
from chainwatch.attribution.tags import Tags
from chainwatch.attribution.validity import statement
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import expect
from chainwatch.ledger.decimals import with_decimals
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import POSITION_BITS, TAGS, TRANSFERS
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import (
    CHAIN,
    CONTRACT,
    TXID,
    WHEN,
    Column,
    DataType,
    Privacy,
    Rows,
    Table,
)
from chainwatch.results.text_frame import text_frame
from chainwatch.units import AMOUNT, counted, to_text, whole

MOVES_NOTHING = "moves nothing: shows no payment"
"""Said of a value of zero: anybody can make such a transfer look as if a stranger had paid."""

IN_BOTH = "both sides are tagged: stands in the other direction too"
"""Said of a transfer between two tagged addresses."""

MOVEMENT = Table(
    "hits",
    ("chain", "time", "txid", "direction", "kind", "n"),
    "A movement: an output to, an input from, or a transfer with a tagged address.",
    (
        CHAIN,
        Column.place("height", "height of its block"),
        WHEN,
        TXID,
        Column.place(
            "n", "place of the output or input in its transaction, or log index of a transfer"
        ),
        Column("direction", pl.String, Privacy.SIDE, "to or from the tagged address"),
        Column.kind("kind", "output, input, or the kind of the transfer"),
        CONTRACT,
        TRANSFERS["token_id"],
        TRANSFERS["trace_path"],
        TRANSFERS["occurrence"],
        Column.party("address", "the tagged address"),
        Column.amount("value", "what was moved; null where wider than 38 digits"),
        Column.text("value_hex", "exactly what was moved, where it is wider"),
        TRANSFERS["symbol"],
        Column.number("decimals", "decimals of its contract, as all rows of it agree"),
    ),
)

_TAG = (
    "label", "concept", "actor", "source", "confidence", "level", "first_day", "last_day", "as_of",
    "pack",
)  # fmt: skip
HITS = MOVEMENT.plus(
    Column.text("labels", "labels of its address, each once"),
    Column.text("concepts", "concepts of its address, each once"),
    Column.text("tags", "what each tag of its address says, and what its dates allow to say"),
    Column.text("note", "what else must be known of the row"),
)

SAID = Table(
    "said",
    ("chain", "address", "day", *_TAG),
    "What tags say of an address that moved something, on a day on which it did.",
    (
        CHAIN,
        Column.party("address", "the tagged address"),
        Column(
            "day", pl.Date, Privacy.TIME, "day of the movements; null is unknown", nullable=True
        ),
        *(TAGS[name] for name in _TAG),
        Column.text("timing", "what the dates of the tag allow to say of that day"),
    ),
)

BETWEEN_TAGS = " | "
"""Stands between the tags of one address where they are told in one cell."""

UNREAD = Table(
    "unread",
    ("chain",),
    "Inputs in the span whose spent output was not read.",
    (CHAIN, Column.number("inputs", "how many; any of them may come from a tagged address")),
)

_DATES = ("concept", "first_day", "last_day", "as_of")
_TOLD = ("labels", "concepts", "tags", "note")
_MOVED_ON = ["chain", "address", "day"]


@dataclass(frozen=True, repr=False, eq=False)
class TagHits(Result):
    """Movements to and from tagged addresses, each in one row, whatever the number of its tags.

    Amounts add up within one direction. A transfer between two tagged addresses stands in both,
    and its notes say so.

    Attributes
    ----------
    frame : polars.DataFrame
        The columns of ``MOVEMENT``; ``labels, concepts, tags``, which tell all tags of the address
        in one text each; ``note``.
    said : polars.DataFrame
        ``chain, address, day``; ``label, concept, actor, source, confidence, level, first_day,
        last_day, as_of, pack`` of each tag; ``timing``, the sentence on its dates.
    unread : polars.DataFrame
        ``chain, inputs``: inputs in the span whose spent output was not read. Any of them may come
        from a tagged address.
    """

    frame: pl.DataFrame
    said: pl.DataFrame
    unread: pl.DataFrame

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that the content digest is of."""
        return {
            "hits": HITS.rows(self.frame),
            "said": SAID.rows(self.said),
            "unread": UNREAD.rows(self.unread),
        }

    def plain(self, table: str = "hits") -> pl.DataFrame:
        """Return the rows as texts for people, safe on a terminal; addresses are in clear."""
        if table != "hits":
            return super().plain(table)
        texts = [_texts(row) for row in self.frame.iter_rows(named=True)]
        names = (
            "chain", "height", "time", "txid", "n", "direction", "address", "amount", "base_units"
        )  # fmt: skip
        schema: dict[str, DataType] = dict.fromkeys((*names, *_TOLD), pl.String)
        schema |= {"height": pl.Int64, "n": pl.Int64, "base_units": AMOUNT}
        return text_frame(pl.DataFrame(texts, schema=schema, orient="row"))

    def __len__(self) -> int:
        return self.frame.height

    def __repr__(self) -> str:
        ways = self.frame["direction"].to_list()
        return (
            f"TagHits({counted(ways.count('to'), 'payment', 'payments')} to and"
            f" {ways.count('from'):,} from tagged addresses,"
            f" {counted(int(self.unread['inputs'].sum()), 'input', 'inputs')} unread)"
        )

    def _repr_html_(self) -> str:
        grouped = self.frame.group_by("direction", "concepts").agg(pl.len())
        rows = "".join(
            f"<tr><td>{way}</td><td>{escape(concepts)}</td><td>{count:,}</td></tr>"
            for way, concepts, count in grouped.sort("direction", "concepts").iter_rows()
        )
        head = "<tr><th>direction</th><th>concepts</th><th>payments</th></tr>"
        return f"<p>{escape(repr(self))}</p><table>{head}{rows}</table>"


@recorded
def hits(ledger: Ledger, tags: Tags) -> TagHits:
    """Find every payment in the ledger's span to or from a tagged address.

    On coin chains these are outputs to it, and inputs that spend from it where what they spend was
    read. On account chains they are transfers received and sent; one that is known to have failed
    is left out, one of value zero is marked.

    Parameters
    ----------
    ledger : Ledger
        What was read; its span limits the search.
    tags : Tags
        The tags. None is left out for its dates: each row says what they allow to say.

    Returns
    -------
    TagHits

    Fails when
    ----------
    A tag is meant for the cluster of its address (``definer``): only the address itself is looked
    for. An input that was not read is no hit: ``unread`` counts them.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(tags, Tags, "tags", "pass tags as read_tags(...) returns them")
    wanted = tags.addresses().lazy()
    parts = [
        _coins(ledger, ledger.outputs, wanted, "to", "output"),
        _coins(ledger, ledger.inputs, wanted, "from", "input"),
        _transfers(ledger, wanted, "to", "receiver"),
        _transfers(ledger, wanted, "from", "sender"),
    ]
    listed = with_decimals(ledger, pl.concat(pl.collect_all(parts)))
    moved = listed.with_columns(day=pl.col("time").dt.date())
    said = _said(moved.select(_MOVED_ON).unique(), tags)
    rows = moved.join(_in_one(said), on=_MOVED_ON, how="left", nulls_equal=True)
    rows = rows.with_columns(_note()).select(HITS.names)
    first = ["time", "chain", "txid", "direction", "kind", "n"]
    order = [*first, *(name for name in rows.columns if name not in first)]
    return TagHits(rows.sort(order, nulls_last=True), said, _unread(ledger, tags))


def _coins(
    ledger: Ledger, rows: pl.LazyFrame, wanted: pl.LazyFrame, direction: str, kind: str
) -> pl.LazyFrame:
    made = ledger.transactions.select("chain", "tx", "txid", "height", "time")
    found = rows.join(wanted, on=["chain", "address"], how="semi").join(made, on=["chain", "tx"])
    given = {"direction": pl.lit(direction), "kind": pl.lit(kind)}
    return found.select(_movement(given, known={"value": pl.col("value"), "n": pl.col("n")}))


def _transfers(ledger: Ledger, wanted: pl.LazyFrame, direction: str, party: str) -> pl.LazyFrame:
    took_effect = pl.col("success").is_null() | pl.col("success")
    found = ledger.transfers.filter(took_effect).join(
        wanted, left_on=["chain", party], right_on=["chain", "address"], how="semi"
    )
    same = ("kind", "contract", "token_id", "trace_path", "occurrence", "symbol")
    known = {
        "height": pl.col("tx") // (1 << POSITION_BITS),
        "n": pl.col("log_index"),
        "address": pl.col(party),
        "value": pl.col("amount"),
        "value_hex": pl.col("amount_hex"),
        **{name: pl.col(name) for name in same},
    }
    return found.select(_movement({"direction": pl.lit(direction)}, known=known))


def _movement(given: Mapping[str, pl.Expr], *, known: Mapping[str, pl.Expr]) -> list[pl.Expr]:
    """Return the columns of a movement: what is given, what is known, and null for the rest."""
    common = {name: pl.col(name) for name in ("chain", "height", "time", "txid", "address")}
    columns = {**common, **known, **given}
    return [
        columns.get(name, pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in MOVEMENT.schema.items()
    ]


def _note() -> pl.Expr:
    """Say of a movement that it moves nothing, or that it stands in the other direction too."""
    which = [name for name in MOVEMENT.names if name not in ("direction", "address")]
    both = pl.col("direction").n_unique().over(which) > 1
    return (
        pl.when(pl.col("value") == 0).then(pl.lit(MOVES_NOTHING))
        .when(both).then(pl.lit(IN_BOTH))
        .alias("note")
    )  # fmt: skip


def _said(moved: pl.DataFrame, tags: Tags) -> pl.DataFrame:
    """Return what tags say of addresses on days, with the sentence on the dates of each."""
    found = moved.join(
        tags.frame.select("chain", "address", *_TAG), on=["chain", "address"], how="inner"
    )
    # A sentence is made once for each combination of dates that occurs.
    key = [*_DATES, "day"]
    distinct = found.select(key).unique()
    unknown = "the day of the payment is not known, nor whether the tag held then"
    told = [
        unknown if row["day"] is None else statement(row, row["day"])
        for row in distinct.iter_rows(named=True)
    ]
    sentences = distinct.with_columns(pl.Series("timing", told, pl.String))
    rows = found.join(sentences, on=key, how="left", nulls_equal=True).select(SAID.names)
    return rows.sort(SAID.names, nulls_last=True)


def _in_one(said: pl.DataFrame) -> pl.DataFrame:
    """Return the tags of an address on a day in one text each of labels, concepts and all."""
    rows = said.select(
        *_MOVED_ON,
        labels=pl.Series([quoted(label) for label in said["label"]], dtype=pl.String),
        concepts=pl.Series([_concept(concept) for concept in said["concept"]], dtype=pl.String),
        tags=pl.Series([_tag(row) for row in said.iter_rows(named=True)], dtype=pl.String),
    )
    each = (pl.col(name).unique(maintain_order=True) for name in ("labels", "concepts", "tags"))
    return rows.group_by(_MOVED_ON).agg(one.str.join(BETWEEN_TAGS) for one in each)


def _concept(concept: str | None) -> str:
    return quoted(concept or "none stated")


def _tag(row: Mapping[str, Any]) -> str:
    """Return what one tag says: its label and concept, how sure, by whom, and on which days."""
    sure = f", {quoted(row['confidence'])}" if row["confidence"] else ""
    what = f"{quoted(row['label'])} ({_concept(row['concept'])}{sure}"
    return f"{what}, says {quoted(row['source'])}): {row['timing']}"


def _unread(ledger: Ledger, tags: Tags) -> pl.DataFrame:
    chains = tags.frame["chain"].unique().to_list()
    # Without a tag no chain is asked about more than another: all that was not read is told.
    asked = pl.col("chain").is_in(chains) if chains else pl.lit(True)
    lacking = ledger.inputs.filter(pl.col("value").is_null() & asked)
    counted = lacking.group_by("chain").agg(pl.len().cast(pl.Int64).alias("inputs"))
    return counted.sort("chain").collect()


def _texts(row: Mapping[str, Any]) -> tuple[object, ...]:
    chain = chain_of(row["chain"])
    return (
        chain.alias, row["height"],
        row["time"] and row["time"].isoformat().replace("+00:00", "Z"),
        canonical.txid_text(row["txid"], chain), row["n"], row["direction"],
        canonical.text(row["address"], chain), _amount(row, chain), row["value"],
        *(row[name] for name in _TOLD),
    )  # fmt: skip


def _value(row: Mapping[str, Any]) -> int | None:
    return whole(row["value"], row["value_hex"])


def _amount(row: Mapping[str, Any], chain: Chain) -> str:
    """Return the value with its unit; a token is named by its contract, not by its symbol alone."""
    if row["contract"] is None and row["token_id"] is None:
        return f"{to_text(_value(row), chain.decimals)} {chain.symbol}"
    decimals = row["decimals"]
    usual = decimals is not None and row["symbol"] is not None
    unit = quoted(row["symbol"], 12) if usual else "base units"
    which = canonical.text(row["contract"], chain) if row["contract"] else "none"
    item = f", id {quoted(row['token_id'], 40)}" if row["token_id"] is not None else ""
    return f"{to_text(_value(row), decimals if usual else 0)} {unit} (contract {which}{item})"
