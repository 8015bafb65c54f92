"""``chainwatch meanings``: what transactions of an account chain mean, and net changes by them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import chainwatch as cw
from chainwatch.cli.options import LedgerOption, ReplaceOption
from chainwatch.cli.output import check_named, interruptible, show, write_csv
from chainwatch.cli.owners import ChainOption
from chainwatch.progress import watched


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(meanings)


def meanings(
    ledger: LedgerOption,
    tags: Annotated[
        list[Path] | None,
        typer.Option("--tags", help="Who is a pool, a lender or a router. May be repeated."),
    ] = None,
    chain: ChainOption = None,
    min_traders: Annotated[
        int,
        typer.Option(
            "--min-traders",
            help="So many must have swapped with a contract that no tag names to make it a pool.",
        ),
    ] = 3,
    changes: Annotated[
        bool, typer.Option("--changes", help="Net changes by address and asset instead.")
    ] = False,
    csv: Annotated[Path | None, typer.Option(help="Also write every row here, in clear.")] = None,
    replace: ReplaceOption = False,
) -> None:
    """Say what transactions of an account chain mean: who paid whom through contracts, and swaps.

    Batches, routers, user operations, wrapped coins and pools; where it is not known who paid whom,
    that is said.

    Example: chainwatch meanings --ledger ledger --tags labels.csv --csv meanings.csv
    """
    check_named(csv, replace=replace)
    with interruptible():
        read = cw.open_ledger(ledger)
        with watched("reading transactions"):
            found: cw.Meanings | cw.NetChanges = (
                cw.net_changes(read, chain=chain)
                if changes
                else cw.meanings(
                    read, cw.read_tags(tags, chain=chain) if tags else None, chain=chain,
                    min_traders=min_traders,
                )
            )  # fmt: skip
    show(found)
    write_csv(csv, found.plain(), replace=replace)
