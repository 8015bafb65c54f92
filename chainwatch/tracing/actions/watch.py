"""``watch``: which ends of a trace that were unspent or frozen have moved since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import TraceError, expect
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.graph import Edges
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.roles import SUBJECT, Roles, parties_of
from chainwatch.results.sentence import Sentence, Sum, sentence
from chainwatch.results.table import TIME, Column, Privacy, Rows, Table
from chainwatch.tracing.actions.freezes import Freezes
from chainwatch.tracing.actions.later import MOVED, STATUSES, Found, LaterBalances, LaterCoins
from chainwatch.tracing.arguments import check
from chainwatch.tracing.ends.holders import NAMELESS
from chainwatch.tracing.result import Trace
from chainwatch.tracing.stops import AGE, HOPS, TAGGED, THRESHOLD, UNREAD, UNSPENT
from chainwatch.tracing.trace_tables import ENDS, ROW_KEY
from chainwatch.units import counted, total

WATCHED = Table(
    "watched",
    ROW_KEY,
    "One row per end that was unspent, or lies at a frozen address: what is known of it now.",
    (
        ENDS["subject"],
        ENDS["address"],
        ENDS["tx"],
        ENDS["txid"],
        ENDS["n"],
        ENDS["time"],
        ENDS["amount"],
        ENDS["reason"],
        Column.kind("status", ", ".join(STATUSES)),
        Column.text("told", "how that is known, or what would have to be read"),
        Column.text("freeze", "what the issuer of the token did to the address, as far as read"),
        Column.place("as_of", "height of the block up to which that is known"),
        Column("as_of_time", TIME, Privacy.TIME, "time up to which it is known", nullable=True),
    ),
)

MOVES = Table(
    "moves",
    ("txid", "n", "by_txid", "by_n", "to"),
    "Where ends that moved went: each output of the transaction that spends a coin, or each later"
    " payment of the address. Whole amounts: which part is traced is for a new trace to say.",
    (
        ENDS["address"],
        ENDS["txid"],
        ENDS["n"],
        Column("by_txid", pl.Binary, Privacy.TXID, "transaction that moves it"),
        Column.place("by_n", "place of the output there, or of the log where it was read"),
        Column("by_time", TIME, Privacy.TIME, "time of that transaction", nullable=True),
        Column.party("to", "whom it pays"),
        Column.amount("amount", "what it pays them, in full; null where wider than 38 digits"),
        Column.text("amount_hex", "exactly what it pays them, where it is wider"),
    ),
)

TOLD = WATCHED.pick(
    "status", "address", "time", "txid", "n", "amount", "told", "freeze", name="watch"
)

_LIES = (UNSPENT, TAGGED, *UNREAD, HOPS, AGE, THRESHOLD)
"""Ends at an address that nobody is known to keep for others: a freeze there is of interest."""


@dataclass(frozen=True, repr=False, eq=False)
class Watched(Result):
    """What became of the ends of a trace that were unspent or frozen.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in :data:`WATCHED`.
    moves : polars.DataFrame
        Rows in :data:`MOVES`.
    asset : Asset
        What was followed.
    """

    frame: pl.DataFrame
    moves: pl.DataFrame
    asset: Asset

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        return {"watched": WATCHED.rows(self.frame), "moves": MOVES.rows(self.moves)}

    def edges(self) -> Sequence[Edges]:
        """Return where ends went that moved."""
        return (Edges("moves", "address", "to"),)

    def roles(self) -> Roles:
        """Return that those followed are subjects; whom their ends went to is a bystander."""
        whose = parties_of(self.frame, "subject", self.asset.chain)
        return Roles(spreading=dict.fromkeys(whose, SUBJECT))

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return which ends moved, and which are known to lie still."""
        return (_finding(self),)

    def moved(self) -> pl.DataFrame:
        """Return the ends that moved."""
        return self.frame.filter(pl.col("status") == MOVED)

    def __repr__(self) -> str:
        rows = []
        for status in STATUSES:
            ends = self.frame.filter(pl.col("status") == status)
            if ends.height:
                amount = self.asset.shown(total(ends["amount"]))
                rows.append(f"  {amount:>24}  {status}, {counted(ends.height, 'end', 'ends')}")
        many = counted(self.frame.height, "end", "ends")
        return "\n".join([f"Watched({many} that were unspent or frozen)", *rows])


@recorded
def watch(trace: Trace, ledger: Ledger) -> Watched:
    """Tell which ends of a trace that were unspent or frozen have moved since.

    Parameters
    ----------
    trace : Trace
        Followed forward, on an earlier commit.
    ledger : Ledger
        A later commit, or another ledger of the same chain; its span does not matter.

    Returns
    -------
    Watched
        Each such end is still unspent as of a block or moment, moved by a transaction, or not
        known. What a payment out of a balance was made of is for a new trace to say.

    Raises
    ------
    TraceError
        If the trace leads backward: its ends are where value came from.

    Fails when
    ----------
    The ledger was read no further than the trace: then nothing is known that was not. Balances can
    move by fees and by the protocol without any transfer.
    """
    expect(trace, Trace, "trace", "pass a trace, then a ledger: watch(trace(...), ledger)")
    check(ledger=ledger)
    if trace.direction == "backward":
        raise TraceError("a trace backward has no unspent ends", remedy="watch one that leads on")
    freezes = Freezes.of(ledger, trace.asset)
    ends = trace.ends.filter(_to_watch(freezes))
    coins = find_chain(trace.asset.chain).family == "utxo"
    later = (
        LaterCoins(ledger, trace.asset)
        if coins
        else LaterBalances(ledger, trace.asset, ends, trace.steps)
    )
    rows, moves = [], []
    for end in ends.iter_rows(named=True):
        found = _destroyed(end, freezes, later.of(end))
        rows.append(_row(end, found, freezes))
        moves += [(end["address"], end["txid"], end["n"], *one) for one in found.payments]
    return Watched(
        pl.DataFrame(rows, schema=WATCHED.schema, orient="row"),
        MOVES.frame(moves).unique(maintain_order=True).sort(MOVES.key, nulls_last=True),
        trace.asset,
    )


def _to_watch(freezes: Freezes) -> pl.Expr:
    touched = pl.Series([*freezes.events], dtype=pl.Binary).implode()
    frozen = pl.col("address").is_in(touched).fill_null(False) & pl.col("reason").is_in(_LIES)
    return (pl.col("reason") == UNSPENT) | frozen


def _destroyed(end: Mapping[str, Any], freezes: Freezes, found: Found) -> Found:
    """Add that the issuer destroyed what the address held, where that came after the trace."""
    event = freezes.destroyed(end["address"], end["as_of_time"] or end["time"])
    if event is None:
        return found
    told = f"destroyed by the issuer on {event.time:%Y-%m-%d %H:%M:%S} UTC"
    paid = f"; {found.told}" if found.payments else ""
    return found._replace(status=MOVED, told=f"{told}{paid}")


def _row(end: Mapping[str, Any], found: Found, freezes: Freezes) -> dict[str, Any]:
    told = {
        "status": found.status,
        "told": found.told,
        "freeze": freezes.told(end["address"]),
        "as_of": found.as_of,
        "as_of_time": found.as_of_time,
    }
    return {name: end[name] for name in WATCHED.names if name in end and name not in told} | told


def _finding(found: Watched) -> Finding:
    rows = found.frame.select(TOLD.names).sort("status", maintain_order=True)
    text = (
        "An end is still unspent only as of the block or moment that is named. Where one moved,"
        " amounts of the payments are whole: how much of them is traced, a new trace says.",
    )
    return Finding(
        "What has moved since",
        text,
        TOLD.rows(rows),
        found.asset,
        ("A coin may go to another address of whoever held it.",),
        _headline(found),
    )


def _headline(found: Watched) -> Sentence:
    if found.frame.is_empty():
        return sentence("No end of the trace was unspent or frozen: there is nothing to watch.")
    parts: list[str | Sum] = ["Of the ends that were unspent or frozen, "]
    for status in STATUSES:
        rows = found.frame.filter(pl.col("status") == status)
        if rows.height:
            behind = frozenset(address or NAMELESS for address in rows["address"])
            be = "" if status == MOVED else "is ", "" if status == MOVED else "are "
            noun = (f"{be[0]}{status}", f"{be[1]}{status}")
            parts += ["" if len(parts) == 1 else ", ", Sum(rows.height, behind=behind, noun=noun)]
    return sentence(*parts, ".")
