"""``chainwatch mixes``: the mixes of a ledger, and what can be said of one."""

from __future__ import annotations

from typing import Annotated

import typer

import chainwatch as cw
from chainwatch.cli.options import LedgerOption
from chainwatch.cli.output import interruptible, say
from chainwatch.cli.owners import ChainOption
from chainwatch.progress import watched

MOST_SHOWN = 20
"""Lines that are printed of one table."""


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
    """List the mixes of a ledger, or count in how many ways one can be of several parties.

    Example: chainwatch mixes --ledger out/otter/ledger
    """
    with interruptible():
        read = cw.open_ledger(ledger)
        if txid is not None:
            with watched("counting"):
                found = cw.interpretations(read, txid, chain, limit=limit)
            for line in found.lines():
                say(line)
            return
        _list(read if chain is None else read.chain_only(chain))


def _list(read: cw.Ledger) -> None:
    import polars as pl

    with watched("looking for mixes"):
        found = cw.mixes(read)
    say(repr(found))
    rows = found.frame.filter(pl.col("is_mix") | pl.col("maybe_mix"))
    for row in rows.head(MOST_SHOWN).iter_rows(named=True):
        sure = "a mix" if row["is_mix"] else "perhaps a mix"
        say(f"{row['txid'][::-1].hex()}  {row['time']:%Y-%m-%d %H:%M}  {sure} ({row['protocols']})")
    if rows.height > MOST_SHOWN:
        say(f"  and {rows.height - MOST_SHOWN:,} more")
