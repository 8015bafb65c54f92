"""``chainwatch mixes``: the mixes of a ledger, and what can be said of one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import chainwatch as cw
from chainwatch.cli.cluster_lines import MOST_SHOWN
from chainwatch.cli.options import LedgerOption, ReplaceOption
from chainwatch.cli.output import check_named, interruptible, say, write_csv
from chainwatch.cli.owners import ChainOption
from chainwatch.errors import InputError
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
    csv: Annotated[
        Path | None, typer.Option(help="Also write every mixed output here, in clear.")
    ] = None,
    replace: ReplaceOption = False,
) -> None:
    """List the mixes of a ledger, among how many their outputs hide, and what users gave away.

    Of one transaction it counts in how many ways it can be of several parties. Which transactions
    are mixes the disclosure edition does not say: they are counted, and stand in --csv.

    Example: chainwatch mixes --ledger out/otter/ledger
    """
    if csv and txid is not None:
        raise InputError(
            "--csv and a transaction: it lists the mixes of a ledger",
            remedy="leave one of them out",
        )
    check_named(csv, replace=replace)
    with interruptible():
        read = cw.open_ledger(ledger)
        if txid is not None:
            with watched("counting"):
                ways = cw.interpretations(read, txid, chain, limit=limit)
                by_fees = cw.slots(read, txid, chain, limit=limit)
            for line in ways.lines():
                say(line)
            if by_fees.solutions:
                say(f"as a mix of JoinMarket: {by_fees!r}")
            return
        found = _list(read if chain is None else read.chain_only(chain))
    write_csv(csv, found.plain(), replace=replace)


def _list(read: Ledger) -> cw.AnonymitySets:
    """Print the mixes, among how many their outputs hide, and what their users gave away."""
    with watched("looking for mixes"):
        found = cw.anonymity_sets(read)
    say(repr(found))
    for table, lines in found.lines().items():
        for line in lines[:MOST_SHOWN]:
            say(line)
        if len(lines) > MOST_SHOWN:
            say(f"  and {len(lines) - MOST_SHOWN:,} more {table}")
    return found
