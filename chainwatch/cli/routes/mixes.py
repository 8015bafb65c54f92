"""``chainwatch mixes``: the mixes of a ledger, and what can be said of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

import chainwatch as cw
from chainwatch.cli.cluster_lines import MOST_SHOWN
from chainwatch.cli.options import LedgerOption
from chainwatch.cli.output import interruptible, say
from chainwatch.cli.owners import ChainOption
from chainwatch.progress import watched

if TYPE_CHECKING:
    from chainwatch.ledger.ledger import Ledger


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(mixes)


def mixes(
    ledger: LedgerOption,
    txid: Annotated[
        str | None,
        typer.Argument(metavar="[TXID]", help="One transaction: its interpretations and links."),
    ] = None,
    chain: ChainOption = None,
    limit: Annotated[
        int, typer.Option("--limit", help="Steps of work beyond which the answer is unknown.")
    ] = 8_000_000,
) -> None:
    """List the mixes of a ledger, among how many their outputs hide, and what users gave away.

    Of one transaction it counts in how many ways it can be of several parties.

    Example: chainwatch mixes --ledger out/otter/ledger
    """
    with interruptible():
        read = cw.open_ledger(ledger)
        if txid is not None:
            with watched("counting"):
                found = cw.interpretations(read, txid, chain, limit=limit)
                by_fees = cw.slots(read, txid, chain, limit=limit)
            for line in found.lines():
                say(line)
            if by_fees.solutions:
                say(f"as a mix of JoinMarket: {by_fees!r}")
            return
        _list(read if chain is None else read.chain_only(chain))


def _list(read: Ledger) -> None:
    """Print the mixes, among how many their outputs hide, and what their users gave away."""
    with watched("looking for mixes"):
        found = cw.anonymity_sets(read)
    say(repr(found))
    for table, lines in found.lines().items():
        for line in lines[:MOST_SHOWN]:
            say(line)
        if len(lines) > MOST_SHOWN:
            say(f"  and {len(lines) - MOST_SHOWN:,} more {table}")
