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
from chainwatch.units import AMOUNT, to_text

MOVES_NOTHING = "moves nothing: shows no payment"
"""Said of a value of zero: anybody can make such a transfer look as if a stranger had paid."""

MOST_DECIMALS = 38
"""A token that states more decimals is shown in base units."""

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
        Column.amount("value", "what was moved"),
        TRANSFERS["symbol"],
        TRANSFERS["decimals"],
    ),
)

_TAG = (
    "label", "concept", "actor", "source", "confidence", "level", "first_day", "last_day", "as_of",
    "pack",
)  # fmt: skip
HITS = MOVEMENT.plus(
    *(TAGS[name] for name in _TAG),
    Column.text("timing", "what the dates of the tag allow to say"),
    Column.text("note", "what else must be known of the row"),
)

UNREAD = Table(
    "unread",
    ("chain",),
    "Inputs in the span whose spent output was not read.",
    (CHAIN, Column.number("inputs", "how many; any of them may come from a tagged address")),
)

_DATES = ("concept", "first_day", "last_day", "as_of")


@dataclass(frozen=True, repr=False, eq=False)
class TagHits(Result):
    """Movements to and from tagged addresses, one row per movement and row of the tags.

    A movement stands there once per tag and concept of its address: add up :meth:`payments`.

    Attributes
    ----------
    frame : polars.DataFrame
        The columns of ``MOVEMENT``; ``label, concept, actor, source, confidence, level, first_day,
        last_day, as_of, pack`` of the tag; ``timing``, the sentence on its dates; ``note``.
    unread : polars.DataFrame
        ``chain, inputs``: inputs in the span whose spent output was not read. Any of them may come
        from a tagged address.
    """

    frame: pl.DataFrame
    unread: pl.DataFrame

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that the content digest is of."""
        return {"hits": HITS.rows(self.frame), "unread": UNREAD.rows(self.unread)}

    def payments(self) -> pl.DataFrame:
        """Return each movement once, whatever the number of its tags."""
        return text_frame(self.frame.select(MOVEMENT.names).unique(maintain_order=True))

    def plain(self, table: str = "hits") -> pl.DataFrame:
        """Return the rows as texts for people, safe on a terminal; addresses are in clear."""
        if table != "hits":
            return super().plain(table)
        texts = [_texts(row) for row in self.frame.iter_rows(named=True)]
        names = (
            "chain", "height", "time", "txid", "n", "direction", "address", "amount", "base_units"
        )  # fmt: skip
        told = ("label", "concept", "source", "confidence", "timing", "note")
        schema: dict[str, DataType] = dict.fromkeys(names + told, pl.String)
        schema |= {"height": pl.Int64, "n": pl.Int64, "base_units": AMOUNT}
        return text_frame(pl.DataFrame(texts, schema=schema, orient="row"))

    def __len__(self) -> int:
        return self.frame.height

    def __repr__(self) -> str:
        ways = self.payments()["direction"].to_list()
        return (
            f"TagHits({ways.count('to'):,} payments to and {ways.count('from'):,} from tagged"
            f" addresses, {int(self.unread['inputs'].sum()):,} inputs unread)"
        )

    def _repr_html_(self) -> str:
        counted = self.frame.group_by("direction", "concept").agg(
            pl.struct(MOVEMENT.names).n_unique().alias("payments")
        )
        rows = "".join(
            f"<tr><td>{way}</td><td>{escape(quoted(concept or 'none stated'))}</td>"
            f"<td>{count:,}</td></tr>"
            for way, concept, count in counted.sort("direction", "concept").iter_rows()
        )
        head = "<tr><th>direction</th><th>concept</th><th>payments</th></tr>"
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
    moved = pl.concat(pl.collect_all(parts))
    said = tags.frame.select("chain", "address", *_TAG)
    found = moved.join(said, on=["chain", "address"], how="inner")
    note = pl.when(pl.col("value") == 0).then(pl.lit(MOVES_NOTHING)).alias("note")
    rows = _timed(found).with_columns(note)
    first = ["time", "chain", "txid", "direction", "kind", "n"]
    order = [*first, *(name for name in rows.columns if name not in first)]
    return TagHits(rows.sort(order, nulls_last=True), _unread(ledger, tags))


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
    same = ("kind", "contract", "token_id", "trace_path", "occurrence", "symbol", "decimals")
    known = {
        "height": pl.col("tx") // (1 << POSITION_BITS),
        "n": pl.col("log_index"),
        "address": pl.col(party),
        "value": pl.col("amount"),
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


def _timed(found: pl.DataFrame) -> pl.DataFrame:
    """Add the sentence on the dates, made once for each that occurs."""
    days = found.with_columns(day=pl.col("time").dt.date())
    key = [*_DATES, "day"]
    distinct = days.select(key).unique()
    unknown = "the day of the payment is not known, nor whether the tag held then"
    told = [
        unknown if row["day"] is None else statement(row, row["day"])
        for row in distinct.iter_rows(named=True)
    ]
    sentences = distinct.with_columns(pl.Series("timing", told, pl.String))
    return days.join(sentences, on=key, how="left", nulls_equal=True).drop("day")


def _unread(ledger: Ledger, tags: Tags) -> pl.DataFrame:
    chains = tags.frame["chain"].unique().to_list()
    # Without a tag no chain is asked about more than another: all that was not read is told.
    asked = pl.col("chain").is_in(chains) if chains else pl.lit(True)
    lacking = ledger.inputs.filter(pl.col("value").is_null() & asked)
    counted = lacking.group_by("chain").agg(pl.len().cast(pl.Int64).alias("inputs"))
    return counted.sort("chain").collect()


def _texts(row: Mapping[str, Any]) -> tuple[object, ...]:
    chain = chain_of(row["chain"])
    told = ("label", "concept", "source", "confidence", "timing", "note")
    return (
        chain.alias, row["height"],
        row["time"] and row["time"].isoformat().replace("+00:00", "Z"),
        canonical.txid_text(row["txid"], chain), row["n"], row["direction"],
        canonical.text(row["address"], chain), _amount(row, chain), row["value"],
        *(None if row[name] is None else quoted(row[name]) for name in told),
    )  # fmt: skip


def _amount(row: Mapping[str, Any], chain: Chain) -> str:
    """Return the value with its unit; a token is named by its contract, not by its symbol alone."""
    if row["contract"] is None and row["token_id"] is None:
        return f"{to_text(row['value'], chain.decimals)} {chain.symbol}"
    decimals = row["decimals"]
    usual = decimals is not None and 0 <= decimals <= MOST_DECIMALS and row["symbol"] is not None
    unit = quoted(row["symbol"], 12) if usual else "base units"
    which = canonical.text(row["contract"], chain) if row["contract"] else "none"
    item = f", id {quoted(row['token_id'], 40)}" if row["token_id"] is not None else ""
    return f"{to_text(row['value'], decimals if usual else 0)} {unit} (contract {which}{item})"
