"""Commands that look into a ledger: ``status``, ``check`` and ``show``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

import chainwatch as cw
from chainwatch.cli.names import NamesOption, address_named
from chainwatch.cli.options import LedgerOption, asking
from chainwatch.cli.output import say
from chainwatch.cli.output import show as show_result
from chainwatch.progress import watched

if TYPE_CHECKING:
    from chainwatch.chains.base import Chain
    from chainwatch.ledger.ledger import Ledger
    from chainwatch.ledger.lookup.summaries import AddressSummary, TransactionSummary

ChainOption = Annotated[
    str | None, typer.Option("--chain", help="Alias or CAIP-2 id, where it is in doubt.")
]

MOST_SHOWN = 20
"""Spans and commits that are listed one by one; the rest are counted."""


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (status, check, index, show):
        app.command()(command)


def status(ledger: LedgerOption) -> None:
    """Say what a ledger holds: chains, spans, coverage, what was not read, and commits.

    Example: chainwatch status --ledger out/otter/ledger
    """
    from chainwatch.ledger.ledger import open_ledger

    read = open_ledger(ledger)
    show_result(read)
    for chain in read.chains:
        for line in _chain_lines(read, chain):
            say(line)
    for line in _commit_lines(read):
        say(line)


def check(ledger: LedgerOption) -> None:
    """Check that what was read adds up; the status is 1 if anything does not.

    Example: chainwatch check --ledger out/otter/ledger
    """
    from chainwatch.results.text_frame import alias_of

    report = cw.check(cw.open_ledger(ledger))
    for row in report.frame.iter_rows(named=True):
        counts = f"{row['checked']:,} checked, {row['failed']:,} failed, {row['unread']:,} unread"
        note = f"; {row['note']}" if row["note"] else ""
        say(f"{alias_of(row['chain'])}  {row['name']}: {counts}{note}")
    show_result(report)
    report.raise_for_failures()


def index(
    ledger: LedgerOption,
    anew: Annotated[bool, typer.Option("--anew", help="Use no earlier index.")] = False,
) -> None:
    """Build the index that makes `show` quick in a large ledger, or bring it up to date.

    Example: chainwatch index --ledger out/otter/ledger
    """
    from chainwatch.ledger.index.index import build_index
    from chainwatch.ledger.ledger import open_ledger

    with watched("building the index"):
        found = build_index(open_ledger(ledger), anew=anew)
    for made in found:
        say(f"{made!r}, {made.nbytes / 1e6:,.1f} MB")
    if not found:
        say("nothing to index: the ledger holds no chain of coins")


def show(
    what: Annotated[str, typer.Argument(metavar="ADDRESS|TXID", help="What to look up.")],
    ledger: LedgerOption,
    chain: ChainOption = None,
    history: Annotated[
        bool,
        typer.Option(
            "--history", help="Also list the last payments of an address; the others are counted."
        ),
    ] = False,
    names_node: NamesOption = None,
) -> None:
    """Show what was read of an address, whose counterparties are only counted, or a transaction.

    Of a transaction each input and output is listed with its address and value, and what is known
    of where it went. A name of ENS is looked up where --names-node says whom to ask.

    Example: chainwatch show bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0 --history
    --ledger out/otter/ledger
    """
    read = cw.open_ledger(ledger)
    if names_node is not None:
        with asking(ledger):
            what = address_named(what, names_node, chain or _names_chain(read))
    found = cw.show(read, what, chain)
    facts = found.facts()
    width = max(map(len, facts))
    for name, value in facts.items():
        say(f"{name:<{width}}  {value}")
    for line in _listed(found, history=history):
        say(line)


def _names_chain(ledger: Ledger) -> str:
    """Return the chain whose names are asked: the one EVM chain of a ledger, else Ethereum."""
    found = [one.alias for one in ledger.chains if one.family == "evm"]
    return found[0] if len(found) == 1 else "eth"


def _listed(found: AddressSummary | TransactionSummary, *, history: bool) -> Iterator[str]:
    """Yield what is listed below the facts: the parties of a transaction, or a history."""
    from chainwatch.ledger.lookup.summaries import TransactionSummary

    if isinstance(found, TransactionSummary):
        yield from found.lines()
        if history:
            yield "a transaction has no history: --history lists the payments of an address"
    elif history:
        yield from _history_lines(found)


def _history_lines(found: AddressSummary) -> Iterator[str]:
    """Yield the latest payments of an address, without the others that took part."""
    rows = found.history.sort("time", "tx", "txid", nulls_last=True)
    if not rows.height:
        yield "no payment of this address was read"
    yield from _more(rows.height, "earlier rows")
    for row in rows.tail(MOST_SHOWN).iter_rows(named=True):
        yield f"  {found.line(row)}"


def _chain_lines(ledger: Ledger, chain: Chain) -> Iterator[str]:
    from chainwatch.ingest.protocol import heights_in_words
    from chainwatch.ledger.coverage import coverage, spans, unread

    one = ledger.chain_only(chain)
    row = coverage(one).row(0, named=True)
    counted = ("blocks", "transactions", "inputs", "outputs", "transfers")
    counts = ", ".join(f"{row[name]:,} {name}" for name in counted if row[name])
    yield f"{chain.name} ({chain.alias}): {counts or 'no rows'}"
    if row["first_time"]:
        first, last = row["first_time"], row["last_time"]
        yield f"  from {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC"
    runs = spans(ledger, chain).rows(named=True)
    for run in runs[:MOST_SHOWN]:
        tip = run["last_hash"][::-1].hex()
        yield f"  {heights_in_words(run['from_height'], run['to_height'])}, tip {tip}"
    yield from _more(len(runs), "spans")
    yield from _coverage_lines(one)
    for fact in unread(one).rows(named=True):
        if fact["count"] != 0:
            count = "unknown" if fact["count"] is None else f"{fact['count']:,}"
            amount = "" if fact["amount"] is None else f", {fact['amount']:,} base units"
            yield f"  {fact['what']}: {count}{amount} ({fact['note']})"


def _coverage_lines(ledger: Ledger) -> Iterator[str]:
    """Yield what was read, by kind and source, and whether the source says that it is whole."""
    import polars as pl

    from chainwatch.ledger.unread.unread_parts import KINDS, parts_by_chain

    told = ["apart", "budget", *KINDS]
    read = ledger.coverage.filter(~pl.col("kind").is_in(told))
    groups = read.group_by("kind", "source", "complete")
    rows = groups.agg(pl.len().alias("units"), pl.col("height").max()).collect()
    for row in rows.sort("kind", "source", "complete").rows(named=True):
        claim = {True: "whole", False: "in part", None: "not said to be whole"}[row["complete"]]
        height = "" if row["height"] is None else f", up to height {row['height']:,}"
        yield f"  read by {row['kind']} from {row['source']}: {row['units']:,} ({claim}){height}"
    parts = [part for several in parts_by_chain(ledger).values() for part in several]
    for part in parts[:MOST_SHOWN]:
        mended = ", but the block was read from elsewhere" if part.mended else ""
        yield f"  {part} by {part.source}{mended}"
    yield from _more(len(parts), "parts of files that gave no block")


def _commit_lines(ledger: Ledger) -> Iterator[str]:
    from chainwatch.chains.catalogue import chain as chain_of

    rows = ledger.store.commits().rows(named=True) if ledger.store else []
    yield f"commits: {len(rows):,}"
    yield from _more(len(rows), "earlier ones")
    for row in rows[-MOST_SHOWN:]:
        alias = chain_of(row["chain"]).alias
        yield f"  {row['commit']:,}: {row['source']} ({alias}), {row['what']}, {row['rows']:,} rows"


def _more(count: int, what: str) -> Iterator[str]:
    if count > MOST_SHOWN:
        yield f"  and {count - MOST_SHOWN:,} {what}"
