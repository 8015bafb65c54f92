"""Commands about what transactions of accounts mean: ``meanings`` and ``through-swaps``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import chainwatch as cw
from chainwatch.cli.options import LedgerOption, ReplaceOption
from chainwatch.cli.output import check_named, interruptible, show, write_csv
from chainwatch.cli.owners import ChainOption
from chainwatch.cli.trace import DirectionOption, StopOption, asset_named
from chainwatch.errors import InputError
from chainwatch.progress import watched

PoolsOption = Annotated[
    list[Path] | None,
    typer.Option("--tags", help="Who is a pool, a lender or a service. May be repeated."),
]
TradersOption = Annotated[
    int,
    typer.Option(
        "--min-traders",
        help="So many must have swapped with a contract that no tag names to make it a pool.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (meanings, through_swaps):
        app.command()(command)


def meanings(
    ledger: LedgerOption,
    tags: PoolsOption = None,
    chain: ChainOption = None,
    min_traders: TradersOption = 3,
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


def through_swaps(
    subjects: Annotated[
        list[str], typer.Argument(metavar="SUBJECT", help="Addresses, transfers TXID:N, or TXID.")
    ],
    ledger: LedgerOption,
    asset: Annotated[
        str, typer.Option("--asset", help="What they receive: native, or CONTRACT,SYMBOL,DECIMALS.")
    ],
    policy: Annotated[
        str | None, typer.Option("--policy", help="How balances are divided; there is no default.")
    ] = None,
    direction: DirectionOption = "forward",
    tags: PoolsOption = None,
    stop: StopOption = None,
    no_stop: Annotated[
        bool, typer.Option("--no-stop", help="End at no service, also not at those of --tags.")
    ] = False,
    chain: ChainOption = None,
    min_traders: TradersOption = 3,
    max_hops: Annotated[
        int | None, typer.Option("--max-hops", help="End after so many payments.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Also write the swaps here, in clear.")] = None,
    replace: ReplaceOption = False,
) -> None:
    """Follow what subjects received, and on in every asset that it was swapped for, or backward.

    Contracts that only pass value on are no parties. Value ends at pools, and at the services of
    --stop, or else of --tags, or with --no-stop at none; each asset adds up by itself.

    Example: chainwatch through-swaps 0x7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a --asset native
    --policy fifo --tags labels.csv --ledger ledger
    """
    check_named(csv, replace=replace)
    if stop and no_stop:
        raise InputError("--stop and --no-stop", remedy="give one of them")
    with interruptible():
        read = cw.open_ledger(ledger)
        of = chain or (read.chains[0].id if len(read.chains) == 1 else None)
        named = cw.read_tags(tags, chain=of) if tags else None
        with watched("following"):
            found = cw.trace_through_swaps(
                read, subjects, asset=asset_named(asset, of), policy=policy, max_hops=max_hops,
                direction=direction, stop=_ends(stop, of, nowhere=no_stop),
                through=cw.meanings(read, named, chain=of, min_traders=min_traders),
            )  # fmt: skip
    show(found)
    write_csv(csv, found.plain("swaps"), replace=replace)


def _ends(stop: list[Path] | None, chain: str | None, *, nowhere: bool) -> list[cw.Tags] | None:
    """Return where value ends: None leaves it to the services of the tags that meanings have."""
    if nowhere:
        return []
    return [cw.read_tags(stop, chain=chain).services()] if stop else None
